import { type CommandResult, type CommandSource, LEG_CHANNEL, type Refusal } from "./boundary.ts";
import { nextSeq } from "./call-events.ts";
import { judgeToken, mintToken, TOKEN_LIFETIME_MS } from "./call-token.ts";
import { type Core, type CoreWitness, MAX_RESOURCE_BYTES } from "./core.ts";
import { Deliveries, type Sinks } from "./deliveries.ts";
import { FlightRecorder, MAX_CHUNK_BYTES } from "./flight-recorder.ts";
import { hashOf } from "./leases.ts";
import { LiveSession, MonotonicClock } from "./live-session.ts";
import { CallHttp, type HttpFetch } from "./ports/http.ts";
import { errorFields } from "./ports/log.ts";
import { Observers } from "./ports/observers.ts";
import { Outbox } from "./ports/outbox.ts";
import {
  CallRecords,
  type CallRow,
  type ExpectedCall,
  FLUSH_INTERVAL_MS,
  MAX_BATCH_BYTES,
  PAGES_FLUSH_MS,
} from "./ports/records.ts";
import { CallResources, type FindResource } from "./ports/resources.ts";
import { CallSnapshots } from "./ports/snapshots.ts";
import { CallSockets, type OpenUpstream } from "./ports/sockets.ts";
import { DeadlineTimer, type Timers } from "./ports/timers.ts";
import type { UpstreamTable } from "./ports/upstreams.ts";
import type { Log, PeerSocket, SessionInputs, SqlDatabase, StreamCredentials } from "./ports.ts";
import { recordingSoFar } from "./recording.ts";
import { ConfigurationError, type Settings } from "./settings.ts";
import type { SwitchboardClient } from "./switchboard-client.ts";

/** While a call goes on: renews its lease, and finds the call if the object was lost. */
export const HEARTBEAT_MS = 30_000;

/** From a token to the socket that brings it. */
export const STREAM_GRACE_MS = TOKEN_LIFETIME_MS + 15_000;

/** From the return of a lost object to its outcome: as long as the core waits for a lost leg. */
export const LOST_GRACE_MS = 15_000;

/** While deliveries are under way: when they are looked after if the object is lost over them. */
const DELIVERY_GUARD_MS = 30_000;
/** After the retention: how long a destination is still asked to forget. */
export const EXPIRY_GRACE_MS = 7 * 24 * 3600 * 1000;
/** After a delivery that leaves nothing due: time never stands still between two alarms. */
const MIN_ALARM_MS = 50;

/** All inputs of a call, bytes before compression. Overflow: the record ends there; what it has replays. */
export const MAX_FLIGHT_BYTES = 256 * 1024 * 1024;

const TENANT = "default";

const NOT_LIVE: Refusal = { status: "refused", code: "conflict", why: "the call is not live" };
const NO_SUCH_CALL: Refusal = { status: "refused", code: "unknown", why: "there is no such call" };

/** What the object gives to the call. */
export interface CallPlatform {
  readonly sql: SqlDatabase;
  readonly settings: Settings;
  readonly switchboard: Pick<SwitchboardClient, "renew" | "release">;
  readonly sinks: Sinks;
  readonly timers: Timers;
  readonly openUpstream: OpenUpstream;
  readonly upstreams: UpstreamTable;
  readonly fetch: HttpFetch;
  readonly findResource: FindResource;
  readonly log: Log;
  nowMs(): number;
  /** 0 .. 2^53-1. */
  randomSeed(): number;
  /** Resolves after a time, or never if the signal comes first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  instantiate(witness: CoreWitness | undefined): Core;
  setAlarm(atMs: number): Promise<void>;
  deleteAll(): Promise<void>;
  /** Keeps the object alive until the promise settles. */
  background(work: Promise<void>): void;
}

/** What the carrier does when a stream is over. */
export type Resumption = { readonly type: "hangUp" } | { readonly type: "stream"; readonly token: string };

/** Whether a socket was taken; a taken one has been accepted. */
export type Attachment = "taken" | "unknown" | "over";

/** What became of a wish to have something forgotten. */
export type Erasure = "begun" | "live" | "unknown";

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
  readonly #snapshots: CallSnapshots;
  readonly #observers: Observers;
  readonly #deliveries: Deliveries;
  readonly #outbox: Outbox;
  readonly #log: Log;
  #session: Session | undefined;
  /** Counts what makes a verdict stale: a later request, a later stream. */
  #authorization = 0;
  #flushTimer: unknown;
  #flushDueMs = Number.POSITIVE_INFINITY;
  #flight: FlightRecorder | undefined;
  #flightBytes = 0;
  #heartbeatDueMs = 0;

  constructor(platform: CallPlatform) {
    this.#platform = platform;
    this.#log = platform.log;
    this.#records = new CallRecords(platform.sql);
    this.#snapshots = new CallSnapshots(platform.sql, () => this.#flushWithin(FLUSH_INTERVAL_MS));
    this.#observers = new Observers(platform.log);
    const nowMs = () => platform.nowMs();
    const { sinks, settings } = platform;
    const deliveries = new Deliveries({ records: this.#records, sinks, settings, tenant: TENANT, nowMs });
    this.#deliveries = deliveries;
    this.#outbox = new Outbox({
      sql: platform.sql,
      log: platform.log,
      deliver: (delivery, signal) => deliveries.deliver(delivery, signal),
      timeoutMs: (delivery) => deliveries.timeoutMs(delivery),
      nowMs,
      random: () => platform.randomSeed() / 2 ** 53,
      sleep: (ms, signal) => platform.sleep(ms, signal),
    });
  }

  /** Once, before anything else. A call that was live has lost its session: its stream gets some time to come back. */
  async wake(): Promise<void> {
    const row = this.#records.find();
    if (!row) return;
    if (row.outcome !== undefined) {
      const dueMs = this.#outbox.nextDueMs();
      // Its alarm may be one that has been tried too often.
      if (dueMs !== undefined) await this.#platform.setAlarm(Math.max(dueMs, this.#platform.nowMs()));
      return;
    }
    if (row.sessions === 0 || row.graceUntilMs !== 0) return;
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
    if (row.issuedSerial > this.#platform.settings.maxStreamReconnects) {
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
    session.sockets.attach(LEG_CHANNEL, socket, "");
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

  /** Gives the core a command and says what became of it. */
  async command(source: CommandSource, command: object): Promise<CommandResult> {
    if (this.#session) return this.#session.live.command(source, command);
    return this.#records.find() ? NOT_LIVE : NO_SUCH_CALL;
  }

  /** Pages from elsewhere than the core. Returns false if there is no session. */
  record(granule: number, pages: Uint8Array<ArrayBuffer>): boolean {
    if (this.#session) this.#onPages(granule, pages);
    return this.#session !== undefined;
  }

  /** The same for an operator. */
  async operate(command: object): Promise<CommandResult> {
    const result = await this.command({ kind: "operator" }, withTextOutput(command));
    // What an operator was told is true of a lost object as well: a pause most of all.
    if (result.status === "done") this.#flush();
    return result;
  }

  /** Every event so far, JSON; undefined for a call that does not exist or has been forgotten. */
  events(): string[] | undefined {
    const row = this.#records.find();
    if (!row || row.erased) return undefined;
    const events = this.#records.events();
    if (row.outcome !== undefined) events.push(endedEvent(row.outcome));
    return events;
  }

  /** Forgets the recording, or the call as a whole, here and wherever it was delivered. */
  async erase(what: "recording" | "call"): Promise<Erasure> {
    const row = this.#records.find();
    if (!row || row.erased) return "unknown";
    if (row.outcome === undefined) return "live";
    if (what === "recording") this.#records.eraseAudio();
    else this.#records.erase();
    this.#deliveries.announceErasure(this.#outbox, what);
    await this.#platform.setAlarm(this.#platform.nowMs());
    this.#deliver();
    return "begun";
  }

  async alarm(): Promise<void> {
    const row = this.#records.find();
    if (!row) return;
    const nowMs = this.#platform.nowMs();
    if (row.outcome !== undefined) {
      await this.#afterEnd(row);
    } else if (this.#session) {
      const beats = nowMs >= this.#heartbeatDueMs;
      if (beats) this.#heartbeatDueMs = nowMs + HEARTBEAT_MS;
      await this.#platform.setAlarm(this.#heartbeatDueMs);
      const renewal = beats ? this.#platform.switchboard.renew(row.callId, subjectOf(row)) : Promise.resolve();
      await Promise.all([this.#settle("a lease was not renewed", renewal), this.#outbox.run()]);
      const dueMs = this.#outbox.nextDueMs();
      // The call may have ended meanwhile; then its alarm is another.
      if (dueMs !== undefined && dueMs < this.#heartbeatDueMs && this.#session) await this.#platform.setAlarm(dueMs);
    } else if (nowMs < row.graceUntilMs) {
      await this.#platform.setAlarm(row.graceUntilMs);
    } else {
      this.#giveUp(row);
    }
  }

  /** Delivers what is due, drops what was delivered, and at last everything. */
  async #afterEnd(row: CallRow): Promise<void> {
    const { settings } = this.#platform;
    const endMs = row.endedMs + settings.retentionMs;
    const nowMs = this.#platform.nowMs();
    if (nowMs >= endMs && !row.erased) this.#expire();
    const forgotten = nowMs >= endMs || row.erased;
    const lastMs = forgotten ? endMs + EXPIRY_GRACE_MS : endMs;
    if (forgotten && (this.#outbox.nextDueMs() === undefined || nowMs >= lastMs)) {
      this.#noteUndone();
      await this.#records.whileDeleting(() => this.#platform.deleteAll());
      return;
    }
    if (this.#outbox.nextDueMs() !== undefined) {
      await this.#platform.setAlarm(nowMs + DELIVERY_GUARD_MS);
      await this.#outbox.run();
    }
    const { waiting } = this.#outbox;
    if (waiting.every(({ sink }) => sink !== "bucket") && this.#records.hasBytes()) this.#records.compact();
    const dueMs = Math.min(this.#outbox.nextDueMs() ?? (forgotten ? 0 : endMs), lastMs);
    await this.#platform.setAlarm(Math.max(dueMs, this.#platform.nowMs() + MIN_ALARM_MS));
  }

  /** The retention is over: what was said goes, here and where only this object knows of it. */
  #expire(): void {
    this.#noteUndone();
    this.#records.erase();
    this.#deliveries.announceExpiry(this.#outbox);
  }

  #noteUndone(): void {
    const { waiting } = this.#outbox;
    if (waiting.length > 0)
      this.#log.error("a call's record ends with deliveries undone", { deliveries: waiting.length });
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
    if (row.sessions === 0) this.#deliveries.announceStart(this.#outbox);
    this.#heartbeatDueMs = this.#platform.nowMs() + HEARTBEAT_MS;
    this.#alarmLater(this.#outbox.nextDueMs() === undefined ? HEARTBEAT_MS : 0);
    try {
      let sockets: CallSockets | undefined;
      const clock = new MonotonicClock(() => this.#platform.nowMs());
      this.#flight = this.#flightOf(row);
      const core = this.#platform.instantiate(this.#flight && this.#witness(this.#flight));
      const live = new LiveSession({
        callId: row.callId,
        core,
        clock,
        log: this.#log,
        ports: (inputs) => {
          sockets = new CallSockets(inputs, this.#platform.openUpstream, this.#log);
          return {
            sockets,
            timer: new DeadlineTimer(clock, this.#platform.timers, () => inputs.onTimer()),
            authorizer: { authorize: (credentials) => this.#authorize(row, credentials, inputs) },
            events: { event: (json) => this.#onEvent(json), ended: (summary) => this.#finish(row.callId, summary) },
            http: new CallHttp(
              inputs,
              this.#platform.upstreams,
              this.#platform.fetch,
              this.#platform.timers,
              this.#log,
            ),
            resources: new CallResources(inputs, this.#platform.findResource, MAX_RESOURCE_BYTES, this.#log),
            recorder: { record: (granule, pages) => this.#onPages(granule, pages) },
            snapshots: this.#snapshots,
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
    const nowMs = this.#platform.nowMs();
    return JSON.stringify({
      callId: row.callId,
      seed: this.#platform.randomSeed(),
      epochMs: nowMs,
      leg: "twilio",
      agent: row.agent,
      authorization: row.authorization,
      faults: settings.faultInjection ? "allowed" : "refused",
      resumed: row.sessions > 0,
      profile: settings.profile,
      limits: settings.limits,
      firstSeq: nextSeq(this.#records.events()),
      snapshot: this.#snapshots.last(),
      recordingSoFar: recordingSoFar(this.#records.lastPage(), this.#records.eventsBySession(), nowMs),
    });
  }

  #authorize(row: CallRow, credentials: StreamCredentials, inputs: SessionInputs): void {
    const request = ++this.#authorization;
    const verdict = async () => {
      if (row.authorization === "none") return "granted";
      const { tokenRing } = this.#platform.settings;
      if (!tokenRing) throw new ConfigurationError("TOKEN_SECRET is not set");
      const nowMs = () => this.#platform.nowMs();
      const stream = { token: credentials.token, callSid: credentials.carrierCallId };
      return judgeToken(tokenRing, stream, row, nowMs, (serial) => this.#records.useToken(serial));
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
    this.#flushWithin(FLUSH_INTERVAL_MS);
  }

  #onPages(granule: number, pages: Uint8Array<ArrayBuffer>): void {
    if (!this.#platform.sinks.bucket) return;
    this.#records.addPages(granule, pages);
    // A page is a second old already. Not at once: what goes out with the same input does not wait for storage.
    this.#flushWithin(PAGES_FLUSH_MS);
  }

  /** The record of the call's inputs, if it is one of those that have one. */
  #flightOf(row: CallRow): FlightRecorder | undefined {
    const { settings, sinks } = this.#platform;
    const wanted = (settings.profile as { flightRecord?: unknown }).flightRecord === "on";
    // By its name, so that a call that comes back is still the same one.
    if (!sinks.bucket || !(wanted || hashOf(row.callId) / 2 ** 32 < settings.flightSampling)) return undefined;
    const { length } = this.#records.source("inputs");
    if (length > MAX_FLIGHT_BYTES) return undefined;
    const flight = new FlightRecorder(settings.flightKey === undefined ? "redacted" : "full");
    // A session after the first goes on behind the former one's, in the same file.
    const header = flight.take();
    if (length === 0) this.#records.addInputs(header);
    this.#flightBytes = length + header.length;
    return flight;
  }

  /** Sees to it that what `flight` holds is written about once a second, and earlier if peers say a lot. */
  #witness(flight: FlightRecorder): CoreWitness {
    return {
      input: (nowUs, tag, body) => flight.input(nowUs, tag, body),
      effects: (bytes) => {
        flight.effects(bytes);
        this.#flushWithin(flight.waiting > MAX_CHUNK_BYTES ? 0 : FLUSH_INTERVAL_MS);
      },
    };
  }

  /** Moves what was kept of the inputs to the next batch; beyond the bound it is dropped. */
  #takeInputs(): void {
    const inputs = this.#flight?.take();
    if (!inputs || inputs.length === 0 || this.#flightBytes > MAX_FLIGHT_BYTES) return;
    this.#flightBytes += inputs.length;
    for (let at = 0; at < inputs.length; at += MAX_BATCH_BYTES)
      this.#records.addInputs(inputs.subarray(at, at + MAX_BATCH_BYTES));
  }

  #flushWithin(ms: number): void {
    const { timers, nowMs } = this.#platform;
    const dueMs = nowMs() + ms;
    if (dueMs >= this.#flushDueMs) return;
    if (this.#flushTimer !== undefined) timers.clear(this.#flushTimer);
    this.#flushDueMs = dueMs;
    this.#flushTimer = timers.set(() => this.#flush(), ms);
  }

  #flush(): void {
    if (this.#flushTimer !== undefined) this.#platform.timers.clear(this.#flushTimer);
    this.#flushTimer = undefined;
    this.#flushDueMs = Number.POSITIVE_INFINITY;
    try {
      this.#takeInputs();
      this.#records.flush();
      this.#snapshots.flush();
    } catch (error) {
      // They wait for the next batch; the outcome takes what is left.
      this.#log.error("a batch was not written", errorFields(error));
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
    this.#flush();
    this.#flight = undefined;
    const nowMs = this.#platform.nowMs();
    if (!this.#records.finish(summary, nowMs)) return;
    this.#snapshots.clear();
    this.#deliveries.announceEnd(this.#outbox);
    const { reason } = JSON.parse(summary) as { reason: string };
    const { droppedEvents } = this.#records;
    this.#log.info("a call is over", { reason, droppedEvents });
    this.#observers.broadcast(endedEvent(summary));
    this.#observers.closeAll("the call is over");
    const { switchboard } = this.#platform;
    // A lease that is not released becomes void by itself.
    this.#platform.background(this.#settle("a lease was not released", switchboard.release(callId, reason)));
    this.#alarmLater(this.#outbox.nextDueMs() === undefined ? this.#platform.settings.retentionMs : 0);
    this.#deliver();
  }

  /** Not by the alarm, which may still wait for a destination that hangs; it does what is left, in a lost object too. */
  #deliver(): void {
    const { background } = this.#platform;
    background(
      this.#settle(
        "what is to be told waits",
        Promise.resolve().then(() => this.#outbox.run()),
      ),
    );
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

/** A tool's result may be any JSON; the agent is told its text. */
function withTextOutput(command: object): object {
  const { type, output } = command as { readonly type?: unknown; readonly output?: unknown };
  if (type !== "toolResult" || output === undefined || typeof output === "string") return command;
  return { ...command, output: JSON.stringify(output) };
}

/** Who holds the lease of a call. */
export function subjectOf({ to }: { readonly to: string }): { readonly tenant: string; readonly number: string } {
  return { tenant: TENANT, number: to };
}
