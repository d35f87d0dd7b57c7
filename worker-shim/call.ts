import { Afterlife, type Erasure } from "./afterlife.ts";
import { Agenda, type Errand } from "./agenda.ts";
import type { CommandResult, CommandSource, Refusal, Verdict } from "./boundary.ts";
import { numberOr } from "./call-events.ts";
import { callLength, type LastKnown, lastKnown } from "./call-length.ts";
import type { CallPlatform } from "./call-platform.ts";
import { TOKEN_LIFETIME_MS } from "./call-token.ts";
import type { Start } from "./carriers/twilio/opening.ts";
import { forbidCommand, refuseCommand, withTextOutput } from "./commands.ts";
import { Deliveries } from "./deliveries.ts";
import { redactEvent } from "./digit-redaction.ts";
import { subjectOf, TENANT } from "./leases.ts";
import type { Operator } from "./operators.ts";
import { errorFields } from "./ports/log.ts";
import { Observers } from "./ports/observers.ts";
import { closeQuietly } from "./ports/sockets.ts";
import type { Log, PeerSocket } from "./ports.ts";
import type { ChosenProfile } from "./profiles/choice.ts";
import { CallRecords } from "./records/call-records.ts";
import type { CallRow, ExpectedCall } from "./records/call-row.ts";
import { Outbox } from "./records/outbox.ts";
import { CLOSED, wasClosed } from "./records/outcome.ts";
import { Tables } from "./records/tables.ts";
import { SessionHost } from "./session-host.ts";
import { StreamAuthorizer } from "./stream-authorizer.ts";
import { type Standing, StreamDoor } from "./stream-door.ts";
import { Tickets } from "./tickets.ts";

/** While a call goes on: renews its lease, and finds the call if the object was lost. */
export const HEARTBEAT_MS = 30_000;

/** From a token to the socket that brings it. */
export const STREAM_GRACE_MS = TOKEN_LIFETIME_MS + 15_000;

/**
 * The same where no token is needed, beyond the time that a socket has for its start: it comes with the request that began
 * the call, or not at all.
 */
export const UNANNOUNCED_GRACE_MS = 5_000;

/** From the return of a lost object to its outcome: as long as the core waits for a lost leg. */
export const LOST_GRACE_MS = 15_000;

/** From a socket to its start, where the limits do not say `startMs`; as the core has it. */
const DEFAULT_START_MS = 5_000;

/** What becomes of an announcement: the call is over, has had a stream, or expects one that brings the token. */
export type Announcement =
  | { readonly type: "over" | "begun" }
  /** It came outside the hours of its profile, and is over: its caller is told so. */
  | { readonly type: "closed" }
  /** The token is empty where none is required. */
  | { readonly type: "stream"; readonly token: string };

/** What the carrier does when a stream is over. */
export type Resumption = { readonly type: "hangUp" } | { readonly type: "stream"; readonly token: string };

/** How far a call is, as its object knows it. */
export type Stage = "live" | "over" | "unknown";

/**
 * Whether a socket was taken; a taken one has been accepted. `full`: too many wait at the door. `denied`: its ticket is not
 * good any more.
 */
export type Attachment = "taken" | "unknown" | "over" | "full" | "denied";

/** What somebody who watches wants, and who he is: by name, or by the ticket that he brings. */
export interface Observation {
  /** The number of the last event that he has. */
  readonly after?: number;
  readonly levels?: boolean;
  readonly by?: Operator | undefined;
  readonly ticket?: string | undefined;
}

const CLOSE_NORMAL = 1000;

/** Why a call ends that has no core to end it: what was said last the core has not told. */
const WITHOUT_END: ReadonlySet<string> = new Set(["objectLost", "coreFault"]);

const NOT_LIVE: Refusal = { status: "refused", code: "conflict", why: "the call is not live" };
const NO_SUCH_CALL: Refusal = { status: "refused", code: "unknown", why: "there is no such call" };

/**
 * One call from the webhook to its outcome: expects its streams, holds the session, writes how it ended.
 *
 * The outcome is written exactly once, whatever happens: by the core's ENDED, after a fault, or, when the object was
 * lost and no stream of the call came back, by the alarm.
 */
export class Call {
  readonly #platform: CallPlatform;
  readonly #log: Log;
  readonly #records: CallRecords;
  readonly #agenda: Agenda;
  readonly #streams: StreamAuthorizer;
  readonly #door: StreamDoor;
  readonly #host: SessionHost;
  readonly #afterlife: Afterlife;
  readonly #observers: Observers;
  readonly #tickets: Tickets;
  /** When the carrier first asked what to do now that the stream is over; until it is back. */
  #resumedMs: number | undefined;
  /** Of the audio of the session's first stream: the core takes no other. */
  #encoding: string | undefined;
  /** The last event, once the call is over. */
  #ended: string | undefined;
  /** The carrier's call that was over before it was announced. */
  #overBefore: string | undefined;

  /** @throws {SchemaError} if the object's tables are of a later version */
  constructor(platform: CallPlatform) {
    this.#platform = platform;
    const { log, settings, sinks } = platform;
    const nowMs = () => platform.nowMs();
    const background = (work: Promise<void>) => platform.background(work);
    const tables = new Tables(platform.database);
    const records = new CallRecords(tables, nowMs);
    const setAlarm = (atMs: number) => background(this.#settle("an alarm was not set", platform.setAlarm(atMs)));
    const deliveries = new Deliveries({ records, sinks, settings, tenant: TENANT, nowMs });
    const outbox = new Outbox({
      tables,
      log,
      deliver: (delivery, signal) => deliveries.deliver(delivery, signal),
      timeoutMs: (delivery) => deliveries.timeoutMs(delivery),
      nowMs,
      random: () => platform.randomSeed() / 2 ** 53,
      sleep: (ms, signal) => platform.sleep(ms, signal),
    });
    this.#log = log;
    this.#records = records;
    const agenda = new Agenda({ tables, nowMs, setAlarm });
    this.#agenda = agenda;
    const streams = new StreamAuthorizer({ call: records.call, tokenRing: settings.tokenRing, log, nowMs, background });
    this.#streams = streams;
    const { retentionMs } = settings;
    const deleteAll = () => platform.deleteAll();
    const afterlife = { tables, records, agenda, outbox, deliveries, retentionMs, log, nowMs };
    this.#afterlife = new Afterlife({ ...afterlife, deleteAll, setAlarm, background });
    const observers = new Observers(log, platform.timers, (wanted) => this.#host.wantLevels(wanted));
    this.#tickets = new Tickets(platform.timers);
    this.#observers = observers;
    const onEnded = (summary: string) => this.#finish(summary);
    this.#host = new SessionHost({ platform, records, streams, observers, onEnded });
    this.#door = new StreamDoor({
      log,
      timers: platform.timers,
      startMs: () => this.#startMs(),
      canCarry: ({ encoding }) => this.#encoding === undefined || this.#encoding === encoding,
      judge: (start, isThere) => this.#judge(start, isThere),
      admit: (socket, start) => this.#admit(socket, start),
      onDeserted: () => this.#onDeserted(),
      background,
    });
  }

  /** Once, before anything else. A call that was live has lost its session: its stream gets some time to come back. */
  wake(): void {
    const row = this.#records.call.find();
    // The alarm may be gone: one that fails is tried a few times only.
    if (!row) {
      this.#platform.background(this.#settle("a mark was not kept", this.#afterlife.keepMark()));
      return;
    }
    this.#afterlife.wake(row);
    if (row.outcome === undefined) {
      this.#agenda.clear("heartbeat");
      if (row.sessions > 0 && this.#agenda.dueMs("grace") === undefined) {
        this.#log.warn("a call has lost its object", { callId: row.callId });
        this.#agenda.set("grace", this.#platform.nowMs() + LOST_GRACE_MS);
      }
    }
    this.#agenda.arm();
  }

  /**
   * A call comes in, and a stream of it is expected. Who announces it again changes nothing: until the first stream has
   * come the answer is the same, and there is no more time. One that is forgotten stays over.
   */
  async prepare(call: ExpectedCall, profile?: ChosenProfile): Promise<Announcement> {
    const found = this.#records.call.find();
    if (!found && this.#afterlife.isForgotten) return { type: "over" };
    if (found?.outcome !== undefined) return { type: wasClosed(found) ? "closed" : "over" };
    if (found && (found.sessions > 0 || found.carrierCallId !== call.carrierCallId)) return { type: "begun" };
    // The carrier's words may come in any order.
    if (!found && this.#overBefore !== undefined && this.#overBefore === call.carrierCallId) return { type: "over" };
    const row = found ?? this.#begin(call, profile);
    if (!found && profile?.say !== undefined) {
      this.#finish(JSON.stringify({ callId: row.callId, reason: CLOSED, durationMs: 0 }));
      return { type: "closed" };
    }
    return { type: "stream", token: await this.#streams.token(row) };
  }

  /** Whether this is the call that the carrier calls so. Of one that is forgotten only its own id leads here. */
  knows(carrierCallId: string): boolean {
    return this.#afterlife.isForgotten || this.#records.call.find()?.carrierCallId === carrierCallId;
  }

  /**
   * The carrier asks what to do now that the stream is over. Whoever repeats the question gets the same answer: it uses
   * nothing up, and a call that has not begun stays as it is.
   */
  async resume(carrierCallId: string): Promise<Resumption> {
    const row = this.#records.call.find();
    if (!row || row.carrierCallId !== carrierCallId || row.outcome !== undefined) return { type: "hangUp" };
    if (row.sessions > 0) {
      this.#resumedMs ??= this.#platform.nowMs();
      if (!this.#host.hasStream && row.reconnects >= this.#platform.settings.maxStreamReconnects) {
        this.#log.warn("a stream was lost too often", { callId: row.callId });
        if (!this.#host.isLive) this.#giveUp(row);
        return { type: "hangUp" };
      }
      const graceMs = this.#resumedMs + STREAM_GRACE_MS;
      this.#agenda.set("grace", Math.max(this.#agenda.dueMs("grace") ?? 0, graceMs));
    }
    return { type: "stream", token: await this.#streams.token(row) };
  }

  /**
   * The carrier's call is over: nobody has to wait for a stream any more. One that is open has the better word, since it
   * closes when it is so; unless nothing comes on it any more.
   */
  carrierEnded(carrierCallId: string): void {
    const row = this.#records.call.find();
    if (!row) this.#overBefore = carrierCallId;
    if (row?.carrierCallId !== carrierCallId || row.outcome !== undefined) return;
    if (this.#host.hasStream) this.#host.awaitStreamEnd();
    else if (this.#host.isLive) void this.#host.command({ kind: "client", name: "carrier" }, { type: "hangUp" });
    else this.#giveUp(row);
  }

  /**
   * Takes the socket of somebody who says that he brings the call's stream. It waits at the door until it has shown its
   * token, and whatever becomes of it there, the call does not notice.
   */
  receiveLeg(socket: PeerSocket, standing: Standing): Attachment {
    const row = this.#records.call.find();
    if (!row) return "unknown";
    if (row.outcome !== undefined) return "over";
    return this.#door.add(socket, standing) ? "taken" : "full";
  }

  /** Whether there is a place at the door, after some time. */
  placeAtDoor(standing: Standing): Promise<boolean> {
    return this.#door.place(standing);
  }

  /** Takes a stream's socket; it replaces a former one. */
  attachLeg(socket: PeerSocket): Attachment {
    const row = this.#records.call.find();
    if (!row) return "unknown";
    if (row.outcome !== undefined) return "over";
    this.#streams.forgetRequest();
    // One that takes the place of an open one has not been lost.
    if (row.sessions > 0 && !this.#host.hasStream) this.#records.call.countReconnect();
    if (!this.#host.isLive) this.#openSession(row);
    if (!this.#host.isLive) return "over";
    this.#agenda.clear("grace");
    this.#resumedMs = undefined;
    this.#host.attach(socket);
    return "taken";
  }

  /** Somebody will come with this ticket, once. Returns false for a call that there is not. */
  expectObserver(nonce: string, operator: Operator): boolean {
    const row = this.#records.call.find();
    if (!row || row.erased) return false;
    this.#tickets.expect(nonce, operator);
    return true;
  }

  /** Shows `socket` all events behind the one with the number `after`, then each as it happens. */
  observe(socket: PeerSocket, { after = -1, levels = false, by, ticket }: Observation = {}): Attachment {
    const row = this.#records.call.find();
    if (!row) return "unknown";
    const operator = ticket === undefined ? by : this.#tickets.take(ticket);
    if (ticket !== undefined && !operator) return "denied";
    const command = operator && ((asked: object) => this.#commandOf(operator, asked));
    const watching = { skip: after + 1, levels, ...(command && { command }) };
    this.#observers.add(socket, (skip) => this.#records.batches.eventsAfter(skip), watching);
    if (row.outcome !== undefined) this.#observers.closeAll("the call is over", this.#endedEvent(row));
    return "taken";
  }

  /** Gives the core a command and says what became of it. */
  async command(source: CommandSource, command: object): Promise<CommandResult> {
    const result = refuseCommand(command) ?? this.#host.command(source, command);
    return result ?? (this.#records.call.find() ? NOT_LIVE : NO_SUCH_CALL);
  }

  /** Pages from elsewhere than the core. Returns false if there is no session. */
  record(granule: number, pages: Uint8Array<ArrayBuffer>): boolean {
    const { isLive } = this.#host;
    if (isLive) this.#host.pages(granule, pages);
    return isLive;
  }

  /** A command of somebody who watches. */
  async #commandOf(operator: Operator, command: object): Promise<CommandResult> {
    return forbidCommand(command, operator) ?? (await this.#perform({ kind: "observer", ...operator }, command));
  }

  /** The same for an operator, by the API. */
  operate(command: object, operator?: Operator): Promise<CommandResult> {
    return this.#perform({ kind: "operator", ...operator }, command);
  }

  async #perform(source: CommandSource, command: object): Promise<CommandResult> {
    const result = await this.command(source, withTextOutput(command));
    // What an operator was told is true of a lost object as well: a pause most of all.
    if (result.status === "done") this.#host.flush();
    return result;
  }

  /** Every event so far, JSON; undefined for a call that does not exist or has been forgotten. */
  events(): string[] | undefined {
    const row = this.#records.call.find();
    return row && !row.erased ? this.#history(row) : undefined;
  }

  /** Whether the call goes on; `unknown` for one that does not exist or has been forgotten. */
  stage(): Stage {
    const row = this.#records.call.find();
    if (!row || row.erased) return "unknown";
    return row.outcome === undefined ? "live" : "over";
  }

  /** Forgets the recording, or the call as a whole, here and wherever it was delivered. */
  erase(what: "recording" | "call"): Erasure {
    return this.#afterlife.erase(this.#records.call.find(), what);
  }

  async alarm(): Promise<void> {
    const row = this.#records.call.find();
    if (!row) return this.#afterlife.keepMark();
    this.#agenda.onAlarm();
    // Each puts on the agenda what comes next before it waits for anything.
    await Promise.all(this.#agenda.due().map((errand) => this.#run(errand, row)));
    this.#agenda.arm();
  }

  async #run(errand: Errand, row: CallRow): Promise<void> {
    switch (errand) {
      case "heartbeat":
        return this.#beat(row);
      case "grace":
        this.#agenda.clear("grace");
        // A session waits for its stream by itself.
        if (!this.#host.isLive) this.#giveUp(row);
        return;
      case "delivery":
        return this.#afterlife.deliver();
      case "retention":
        return this.#afterlife.expire(row);
      case "deletion":
        return this.#afterlife.delete(row);
      default:
        errand satisfies never;
    }
  }

  async #beat(row: CallRow): Promise<void> {
    this.#agenda.set("heartbeat", this.#platform.nowMs() + HEARTBEAT_MS);
    const { switchboard } = this.#platform;
    await this.#settle("a lease was not renewed", switchboard.renew(row.callId, subjectOf(row)));
  }

  #history(row: CallRow): string[] {
    const events = this.#records.batches.events();
    if (row.outcome !== undefined) events.push(this.#endedEvent(row));
    return events;
  }

  /** What an operator sees at the end, beside the core's events. Its length is the call's, as the call log has it. */
  #endedEvent(row: CallRow): string {
    if (this.#ended !== undefined) return this.#ended;
    const { batches } = this.#records;
    const length = callLength({ row, sessions: batches.eventsBySession() });
    const { atMs, durationMs } = length;
    this.#ended = JSON.stringify({ type: "ended", atMs, ...(JSON.parse(row.outcome ?? "{}") as object), durationMs });
    return this.#ended;
  }

  #openSession(row: CallRow): void {
    this.#encoding = undefined;
    this.#records.beginSession(this.#platform.nowMs());
    if (row.sessions === 0) this.#afterlife.announceStart();
    this.#agenda.set("heartbeat", this.#platform.nowMs() + HEARTBEAT_MS);
    try {
      this.#host.open(row, this.#resumedMs);
    } catch (error) {
      this.#log.error("a session did not begin", errorFields(error));
      this.#finish(JSON.stringify({ callId: row.callId, reason: "coreFault", durationMs: 0 }));
    }
  }

  #begin(call: ExpectedCall, chosen: ChosenProfile | undefined): CallRow {
    const nowMs = this.#platform.nowMs();
    this.#records.call.create(call, nowMs);
    const { profile, limits } = this.#platform.settings;
    this.#records.pinned.pin({ profile: chosen?.profile ?? profile, limits: chosen?.limits ?? limits });
    if (chosen) this.#tellProfile(chosen);
    const graceMs = call.authorization === "none" ? this.#startMs() + UNANNOUNCED_GRACE_MS : STREAM_GRACE_MS;
    this.#agenda.set("grace", nowMs + graceMs);
    const row = this.#records.call.find();
    if (!row) throw new Error("a call was not written down");
    return row;
  }

  /** The first events of a call: which profile it has, if that has a name, and what of its documents the agent is told. */
  #tellProfile({ name, version, by, from, outside, problem, knowledge }: ChosenProfile): void {
    const told: object[] = [];
    if (version !== 0 || problem !== undefined || outside !== undefined)
      told.push({ type: "profile", name, version, by, from, outside, problem });
    if (knowledge) told.push({ type: "knowledge", ...knowledge });
    for (const [seq, { type, ...fields }] of (told as { type: string }[]).entries())
      this.#event(JSON.stringify({ type, atMs: 0, seq, ...fields }));
    if (told.length > 0) this.#records.flush();
  }

  /** From a socket to its start. */
  #startMs(): number {
    return this.#records.pinned.over(this.#platform.settings).limits.startMs ?? DEFAULT_START_MS;
  }

  async #judge(start: Start, isThere: () => boolean): Promise<Verdict> {
    const row = this.#records.call.find();
    if (!row || row.outcome !== undefined) return "expired";
    return this.#streams.judge(row, start, isThere);
  }

  #admit(socket: PeerSocket, start: Start): void {
    this.#streams.prove(start);
    if (this.attachLeg(socket) === "taken") this.#encoding = start.encoding;
    else closeQuietly(socket, CLOSE_NORMAL, "the call is over", this.#log);
  }

  /** A call that no webhook has announced has one socket, and nobody has a token to bring another. */
  #onDeserted(): void {
    const row = this.#records.call.find();
    if (row?.authorization === "none" && row.outcome === undefined && row.sessions === 0) this.#giveUp(row);
  }

  /** No session, and nobody will come any more. */
  #giveUp(row: CallRow): void {
    const reason = row.sessions > 0 ? "objectLost" : "noStart";
    this.#finish(JSON.stringify({ callId: row.callId, reason, durationMs: this.#lastKnown(row).atMs }));
  }

  #lastKnown(row: CallRow): LastKnown {
    const { batches, outcome } = this.#records;
    const [sessions, storedMs] = [batches.eventsBySession(), batches.storedMs(row.openedMs)];
    return lastKnown({ sessions, storedMs, recording: outcome.stored(), nowMs: this.#platform.nowMs() });
  }

  #finish(summary: string): void {
    this.#host.end();
    const nowMs = this.#platform.nowMs();
    const row = this.#records.call.find();
    if (!row) return;
    const { reason, durationMs } = JSON.parse(summary) as { reason: string; durationMs?: number };
    if (row.outcome === undefined && WITHOUT_END.has(reason)) {
      const { atMs, epochMs } = this.#lastKnown(row);
      // Of a session that has just trapped more is known than it has stored.
      const laterMs = Math.max(0, numberOr(durationMs, 0) - atMs);
      const known = { atMs: atMs + laterMs, epochMs: epochMs + laterMs };
      for (const line of this.#host.lastLines(row, known)) this.#event(line);
    }
    if (!this.#records.finish(summary, nowMs)) return;
    this.#afterlife.begin(nowMs);
    const { droppedEvents } = this.#records.batches;
    const { dropped: slowObservers } = this.#observers;
    this.#log.info("a call is over", { reason, droppedEvents, slowObservers, ...this.#door.counters });
    this.#door.closeAll(CLOSE_NORMAL, "the call is over");
    this.#observers.closeAll("the call is over", this.#endedEvent(this.#records.call.find() ?? row));
    const { background, switchboard } = this.#platform;
    // A lease that is not released becomes void by itself.
    background(this.#settle("a lease was not released", switchboard.release(row.callId, reason)));
  }

  /** One that no session has told. */
  #event(json: string): void {
    const { redactDigits = "off" } = this.#records.pinned.over(this.#platform.settings).profile;
    const { stored, shown } = redactEvent(json, redactDigits);
    this.#records.batches.addEvent(stored);
    this.#observers.broadcast(shown);
  }

  async #settle(message: string, work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#log.error(message, errorFields(error));
    }
  }
}
