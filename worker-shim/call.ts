import { judgeToken, mintToken, TOKEN_LIFETIME_MS } from "./call-token.ts";
import type { Core } from "./core.ts";
import { LiveSession, MonotonicClock } from "./live-session.ts";
import { errorFields } from "./ports/log.ts";
import { Observers } from "./ports/observers.ts";
import { CallRecords, type CallRow, type ExpectedCall, FLUSH_INTERVAL_MS } from "./ports/records.ts";
import { CallSockets, type OpenUpstream, type PeerSocket } from "./ports/sockets.ts";
import { DeadlineTimer, type Timers } from "./ports/timers.ts";
import type { Log, SessionInputs, SqlDatabase, StreamCredentials } from "./ports.ts";
import { ConfigurationError, type Settings } from "./settings.ts";
import type { SwitchboardClient } from "./switchboard-client.ts";

/** Times that a lost stream may come back. */
export const MAX_STREAM_RECONNECTS = 3;

/** While a call goes on: renews its lease, and finds the call if the object was lost. */
export const HEARTBEAT_MS = 30_000;

/** From a token to the socket that brings it. */
export const STREAM_GRACE_MS = TOKEN_LIFETIME_MS + 15_000;

/** From the return of a lost object to its outcome: as long as the core waits for a lost leg. */
export const LOST_GRACE_MS = 15_000;

/** From the end of a call to the end of its record. */
export const RETENTION_MS = 30 * 24 * 3600 * 1000;

const TENANT = "default";

/** What the object gives to the call. */
export interface CallPlatform {
  readonly sql: SqlDatabase;
  readonly settings: Settings;
  readonly switchboard: Pick<SwitchboardClient, "renew" | "release">;
  readonly timers: Timers;
  readonly openUpstream: OpenUpstream;
  readonly log: Log;
  nowMs(): number;
  /** 0 .. 2^53-1. */
  randomSeed(): number;
  instantiate(): Core;
  setAlarm(atMs: number): Promise<void>;
  deleteAll(): Promise<void>;
  /** Keeps the object alive until the promise settles. */
  background(work: Promise<void>): void;
}

/** What the carrier does when a stream is over. */
export type Resumption = { readonly type: "hangUp" } | { readonly type: "stream"; readonly token: string };

/** Whether a socket was taken; a taken one has been accepted. */
export type Attachment = "taken" | "unknown" | "over";

interface Session {
  readonly live: LiveSession;
  readonly sockets: CallSockets;
}

/** What an operator sees at the end, beside the core's events. */
function endedEvent(summary: string): string {
  const fields = JSON.parse(summary) as { durationMs?: number };
  return JSON.stringify({ type: "ended", atMs: fields.durationMs ?? 0, ...fields });
}

/**
 * One call from the webhook to its outcome: makes tokens, holds the session, keeps the record.
 *
 * The outcome is written exactly once, whatever happens: by the core's ENDED, after a fault, or, when the object was
 * lost and no stream of the call came back, by the alarm.
 */
export class Call {
  readonly #platform: CallPlatform;
  readonly #records: CallRecords;
  readonly #observers: Observers;
  readonly #log: Log;
  #session: Session | undefined;
  /** Counts what makes a verdict stale: a later request, a later stream. */
  #authorization = 0;
  #flushTimer: unknown;

  constructor(platform: CallPlatform) {
    this.#platform = platform;
    this.#log = platform.log;
    this.#records = new CallRecords(platform.sql);
    this.#observers = new Observers(platform.log);
  }

  /** Once, before anything else. A call that was live has lost its session: its stream gets some time to come back. */
  async wake(): Promise<void> {
    const row = this.#records.find();
    if (!row || row.outcome !== undefined || row.sessions === 0 || row.graceUntilMs !== 0) return;
    const graceUntilMs = this.#platform.nowMs() + LOST_GRACE_MS;
    this.#log.warn("a call has lost its object", { callId: row.callId });
    this.#records.setGrace(graceUntilMs);
    await this.#platform.setAlarm(graceUntilMs);
  }

  /** Expects a stream of the call. Returns the token that it must bring; empty where none is required. */
  async prepare(call: ExpectedCall): Promise<string> {
    const nowMs = this.#platform.nowMs();
    const graceUntilMs = nowMs + STREAM_GRACE_MS;
    this.#records.create(call, nowMs, graceUntilMs);
    await this.#platform.setAlarm(graceUntilMs);
    return call.authorization === "none" ? "" : this.#mint(call);
  }

  /** The carrier asks what to do now that the stream is over. */
  async resume(callSid: string): Promise<Resumption> {
    const row = this.#records.find();
    if (!row || row.callSid !== callSid || row.outcome !== undefined) return { type: "hangUp" };
    if (row.issuedSerial > MAX_STREAM_RECONNECTS) {
      this.#log.warn("a stream was lost too often", { callId: row.callId });
      if (!this.#session) this.#giveUp(row);
      return { type: "hangUp" };
    }
    if (!this.#session) await this.#platform.setAlarm(this.#platform.nowMs() + STREAM_GRACE_MS);
    return { type: "stream", token: await this.#mint(row) };
  }

  /** Takes a stream's socket; it replaces a former one. */
  attachLeg(socket: PeerSocket): Attachment {
    const row = this.#records.find();
    if (!row) return "unknown";
    if (row.outcome !== undefined) return "over";
    // Whatever is being authorised came by the former socket.
    this.#authorization++;
    const session = this.#session ?? this.#openSession(row);
    if (!session) return "over";
    this.#records.setGrace(0);
    session.sockets.attach("leg", socket, "");
    return "taken";
  }

  /** Shows `socket` all events so far, then each as it happens. */
  observe(socket: PeerSocket): Attachment {
    const row = this.#records.find();
    if (!row) return "unknown";
    const history = this.#records.events();
    if (row.outcome !== undefined) history.push(endedEvent(row.outcome));
    this.#observers.add(socket, history);
    if (row.outcome !== undefined) this.#observers.closeAll("the call is over");
    return "taken";
  }

  /** Returns false if there is no session or it does not know the command. */
  command(json: string): boolean {
    return this.#session?.live.command(json) ?? false;
  }

  async alarm(): Promise<void> {
    const row = this.#records.find();
    if (!row) return;
    const nowMs = this.#platform.nowMs();
    if (row.outcome !== undefined) {
      if (nowMs >= row.endedMs + RETENTION_MS) await this.#platform.deleteAll();
      else await this.#platform.setAlarm(row.endedMs + RETENTION_MS);
    } else if (this.#session) {
      await this.#platform.setAlarm(nowMs + HEARTBEAT_MS);
      await this.#settle("a lease was not renewed", this.#platform.switchboard.renew(row.callId, subjectOf(row)));
    } else if (nowMs < row.graceUntilMs) {
      await this.#platform.setAlarm(row.graceUntilMs);
    } else {
      this.#giveUp(row);
    }
  }

  #mint({ callId, callSid }: ExpectedCall): Promise<string> {
    const { tokenRing } = this.#platform.settings;
    if (!tokenRing) throw new ConfigurationError("TOKEN_SECRET is not set");
    const nowMs = this.#platform.nowMs();
    const serial = this.#records.issueToken(nowMs + STREAM_GRACE_MS);
    return mintToken(tokenRing, { callId, callSid, serial, expiresMs: nowMs + TOKEN_LIFETIME_MS });
  }

  #openSession(row: CallRow): Session | undefined {
    this.#records.beginSession();
    this.#alarmLater(HEARTBEAT_MS);
    try {
      let sockets: CallSockets | undefined;
      const clock = new MonotonicClock(() => this.#platform.nowMs());
      const live = new LiveSession({
        callId: row.callId,
        core: this.#platform.instantiate(),
        clock,
        log: this.#log,
        ports: (inputs) => {
          sockets = new CallSockets(inputs, this.#platform.openUpstream, this.#log);
          return {
            sockets,
            timer: new DeadlineTimer(clock, this.#platform.timers, () => inputs.onTimer()),
            authorizer: { authorize: (credentials) => this.#authorize(row, credentials, inputs) },
            events: { event: (json) => this.#onEvent(json), ended: (summary) => this.#finish(row.callId, summary) },
          };
        },
        onOver: () => {
          this.#session = undefined;
        },
      });
      if (!sockets) throw new Error("a session without sockets");
      this.#session = { live, sockets };
      live.open(this.#config(row));
    } catch (error) {
      this.#log.error("a session did not begin", errorFields(error));
      this.#finish(row.callId, JSON.stringify({ callId: row.callId, reason: "coreFault", durationMs: 0 }));
    }
    return this.#session;
  }

  /** docs/boundary.md, Configuration. */
  #config(row: CallRow): string {
    const { settings } = this.#platform;
    return JSON.stringify({
      callId: row.callId,
      seed: this.#platform.randomSeed(),
      epochMs: this.#platform.nowMs(),
      leg: "twilio",
      agent: row.agent,
      authorization: row.authorization,
      faults: settings.faultInjection ? "allowed" : "refused",
      resumed: row.sessions > 0,
      profile: settings.profile,
      limits: settings.limits,
    });
  }

  #authorize(row: CallRow, credentials: StreamCredentials, inputs: SessionInputs): void {
    const request = ++this.#authorization;
    const verdict = async () => {
      if (row.authorization === "none") return "granted";
      const { tokenRing } = this.#platform.settings;
      if (!tokenRing) throw new ConfigurationError("TOKEN_SECRET is not set");
      const nowMs = () => this.#platform.nowMs();
      return judgeToken(tokenRing, credentials, row, nowMs, (serial) => this.#records.useToken(serial));
    };
    const work = verdict().then(
      (judged) => {
        if (judged !== "granted") this.#log.warn("a stream was not authorised", { verdict: judged });
        if (request === this.#authorization) inputs.onAuthorized(judged);
      },
      (error) => inputs.onPortFault(error),
    );
    this.#platform.background(work);
  }

  #onEvent(json: string): void {
    this.#records.addEvent(json);
    this.#observers.broadcast(json);
    this.#flushTimer ??= this.#platform.timers.set(() => this.#flush(), FLUSH_INTERVAL_MS);
  }

  #flush(): void {
    this.#flushTimer = undefined;
    try {
      this.#records.flush();
    } catch (error) {
      // They wait for the next batch; the outcome takes what is left.
      this.#log.error("events were not written", errorFields(error));
    }
  }

  /** No session, and nobody will come any more. */
  #giveUp(row: CallRow): void {
    const reason = row.sessions > 0 ? "objectLost" : "noStart";
    // As far as it is known: to the last event that was written.
    const last = JSON.parse(this.#records.events().at(-1) ?? "{}") as { atMs?: number };
    this.#finish(row.callId, JSON.stringify({ callId: row.callId, reason, durationMs: last.atMs ?? 0 }));
  }

  #finish(callId: string, summary: string): void {
    if (this.#flushTimer !== undefined) this.#platform.timers.clear(this.#flushTimer);
    this.#flushTimer = undefined;
    const nowMs = this.#platform.nowMs();
    if (!this.#records.finish(summary, nowMs)) return;
    const { reason } = JSON.parse(summary) as { reason: string };
    const { droppedEvents } = this.#records;
    this.#log.info("a call is over", { reason, droppedEvents });
    this.#observers.broadcast(endedEvent(summary));
    this.#observers.closeAll("the call is over");
    const { switchboard } = this.#platform;
    // A lease that is not released becomes void by itself.
    this.#platform.background(this.#settle("a lease was not released", switchboard.release(callId, reason)));
    this.#alarmLater(RETENTION_MS);
  }

  #alarmLater(delayMs: number): void {
    const alarm = this.#platform.setAlarm(this.#platform.nowMs() + delayMs);
    this.#platform.background(this.#settle("an alarm was not set", alarm));
  }

  async #settle(message: string, work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#log.error(message, errorFields(error));
    }
  }
}

/** Who holds the lease of a call. */
export function subjectOf({ to }: { readonly to: string }): { readonly tenant: string; readonly number: string } {
  return { tenant: TENANT, number: to };
}
