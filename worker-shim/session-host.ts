import { AgentWatch, agentsOf, firstOf, lastResortOf } from "./agents.ts";
import { BatchWriter } from "./batch-writer.ts";
import { type CommandResult, type CommandSource, LEG_CHANNEL } from "./boundary.ts";
import type { LastKnown } from "./call-length.ts";
import type { CallPlatform } from "./call-platform.ts";
import { type CoreWitness, MAX_RESOURCE_BYTES } from "./core.ts";
import { DigitRedactor } from "./digit-redaction.ts";
import { linesLeftOpen, numbered } from "./last-lines.ts";
import { hashOf } from "./leases.ts";
import { LiveSession, MonotonicClock } from "./live-session.ts";
import { CallHttp } from "./ports/http.ts";
import { errorFields } from "./ports/log.ts";
import type { Observers } from "./ports/observers.ts";
import { CallResources } from "./ports/resources.ts";
import { CallSockets } from "./ports/sockets.ts";
import { DeadlineTimer } from "./ports/timers.ts";
import type { PeerSocket } from "./ports.ts";
import type { CallRecords } from "./records/call-records.ts";
import type { CallRow } from "./records/call-row.ts";
import { sessionConfig } from "./session-config.ts";
import type { StreamAuthorizer } from "./stream-authorizer.ts";
import { toolUpstreams } from "./tool-webhooks.ts";

/**
 * A carrier whose call is over closes its stream within seconds. One on which nothing comes for so long after that has no
 * peer any more, though its connection was never closed.
 */
export const STREAM_END_MS = 5_000;

/** Of the event `levels`: two times ten bytes, and a time. */
const MAX_LEVELS_CHARACTERS = 128;

interface Session {
  readonly live: LiveSession;
  readonly sockets: CallSockets;
}

/** Levels are for who watches now: all other events have a number, and are kept. */
function isOfTheMoment(json: string): boolean {
  return json.length < MAX_LEVELS_CHARACTERS && json.includes('"type":"levels"') && !json.includes('"seq":');
}

export interface SessionHostOptions {
  readonly platform: CallPlatform;
  readonly records: CallRecords;
  readonly streams: StreamAuthorizer;
  readonly observers: Observers;
  /** The session is over, with this summary. */
  onEnded(summary: string): void;
}

/** Holds the core's session of a call: its sockets, and where its events, its recording and its inputs go. */
export class SessionHost {
  readonly #options: SessionHostOptions;
  readonly #writer: BatchWriter;
  #session: Session | undefined;
  /** The leg's socket, until it closes. */
  #stream: PeerSocket | undefined;
  /** Whether somebody wants to know how loud both sides are. */
  #areLevelsWanted = false;
  /** The one whose end is awaited. */
  #ending: PeerSocket | undefined;

  constructor(options: SessionHostOptions) {
    this.#options = options;
    const { platform, records } = options;
    const { log, timers } = platform;
    const background = (work: Promise<void>) => platform.background(work);
    this.#writer = new BatchWriter({ records, timers, log, nowMs: () => platform.nowMs(), background });
  }

  get isLive(): boolean {
    return this.#session !== undefined;
  }

  /** Whether a stream's socket is open, as far as is known here. */
  get hasStream(): boolean {
    return this.#stream !== undefined;
  }

  /** Begins a session. It may be over at once. @throws if the core cannot begin */
  open(row: CallRow, resumedMs: number | undefined): void {
    const skipped = this.#skipped(row);
    const session = this.#makeSession(row, skipped);
    this.#session = session;
    session.live.open(this.#config(row, resumedMs, this.#options.platform.nowMs(), skipped));
    if (this.#areLevelsWanted) this.#watchLevels();
  }

  /** The core tells levels while somebody wants them, in this session and in later ones. */
  wantLevels(wanted: boolean): void {
    this.#areLevelsWanted = wanted;
    this.#watchLevels();
  }

  #watchLevels(): void {
    const levels = this.#areLevelsWanted ? "on" : "off";
    void this.#session?.live.command({ kind: "observer" }, { type: "watch", levels });
  }

  /**
   * What a session left open when nobody takes it up: its last lines, events. Nothing in them is later than `known`.
   * Before the outcome is written.
   */
  lastLines(row: CallRow, known: LastKnown): string[] {
    const { platform, records } = this.#options;
    if (records.snapshots.last() === undefined) return [];
    try {
      const config = this.#config(row, undefined, known.epochMs, []);
      const lines = linesLeftOpen(platform.instantiate(undefined), config);
      return numbered(lines, records.batches.events(), known.atMs);
    } catch (error) {
      platform.log.error("a call's last lines were not told", errorFields(error));
      return [];
    }
  }

  #config(row: CallRow, resumedMs: number | undefined, nowMs: number, skipped: readonly number[]): string {
    const { platform, records } = this.#options;
    const { settings, upstreams } = platform;
    const hasSpeech = upstreams.speech !== undefined;
    return sessionConfig({
      row,
      records,
      settings,
      nowMs,
      resumedMs,
      seed: platform.randomSeed(),
      hasSpeech,
      skipped,
    });
  }

  /** The agents of the call that have failed call after call: others are tried first. */
  #skipped(row: CallRow): number[] {
    const { platform, records } = this.#options;
    const { profile } = records.pinned.over(platform.settings);
    // Who has no list has nobody else to try, and the house is not put in somebody's place before he was tried.
    if (!profile.agents) return [];
    return agentsOf(row.agent, profile).flatMap(({ circuit }, index) =>
      platform.circuits.isSkipped(circuit) ? [index] : [],
    );
  }

  /** Gives the live session a stream's socket, which replaces a former one. */
  attach(socket: PeerSocket): void {
    this.#stream = socket;
    socket.addEventListener("close", () => {
      if (this.#stream === socket) this.#stream = undefined;
    });
    this.#session?.sockets.attach(LEG_CHANNEL, socket, "");
  }

  /** The carrier's call is over: its stream closes by itself, or is silent for {@link STREAM_END_MS} and counts as closed. */
  awaitStreamEnd(): void {
    const stream = this.#stream;
    if (!stream || this.#ending === stream) return;
    this.#ending = stream;
    this.#session?.sockets.takeHeard(LEG_CHANNEL);
    const { log, timers } = this.#options.platform;
    const watch = () => {
      if (this.#stream !== stream || !this.#session) return;
      const { sockets } = this.#session;
      if (sockets.takeHeard(LEG_CHANNEL)) {
        timer = timers.set(watch, STREAM_END_MS);
        return;
      }
      log.warn("a stream without a peer was given up");
      this.#stream = undefined;
      sockets.giveUp(LEG_CHANNEL, "the carrier's call is over");
    };
    let timer = timers.set(watch, STREAM_END_MS);
    stream.addEventListener("close", () => timers.clear(timer));
  }

  /** Gives the core a command and says what became of it; undefined if there is no session. */
  command(source: CommandSource, command: object): Promise<CommandResult> | undefined {
    return this.#session?.live.command(source, command);
  }

  pages(granule: number, pages: Uint8Array<ArrayBuffer>): void {
    if (this.#options.platform.sinks.bucket) this.#writer.pages(granule, pages);
  }

  flush(): void {
    this.#writer.flush();
  }

  /** The call is over: writes what is left. */
  end(): void {
    this.#writer.end();
  }

  #makeSession(row: CallRow, skipped: readonly number[]): Session {
    let sockets: CallSockets | undefined;
    const { platform, records, streams, observers, onEnded } = this.#options;
    const { fetch, findResource, log, openUpstream, settings, timers } = platform;
    const clock = new MonotonicClock(() => platform.nowMs());
    const { profile } = records.pinned.over(settings);
    const redactor = new DigitRedactor(profile.redactDigits ?? "off");
    const tools = { rules: settings.tools, nowMs: () => platform.nowMs(), flush: () => this.flush() };
    const upstreams = { ...platform.upstreams, ...toolUpstreams(profile, tools) };
    const agents = agentsOf(row.agent, profile);
    const lastResort = lastResortOf(row.agent, profile, platform.upstreams.speech !== undefined);
    const watch = new AgentWatch(agents, firstOf(agents, skipped, lastResort), platform.circuits);
    const event = (json: string) => {
      if (isOfTheMoment(json)) {
        observers.broadcastLevels(json);
        return;
      }
      watch.event(json);
      const { stored, shown } = redactor.redact(json);
      this.#writer.event(stored);
      observers.broadcast(shown);
    };
    const live = new LiveSession({
      callId: row.callId,
      core: platform.instantiate(this.#beginFlight(row)),
      clock,
      log,
      ports: (inputs) => {
        sockets = new CallSockets(inputs, openUpstream, log);
        return {
          sockets,
          http: new CallHttp(inputs, upstreams, fetch, timers, log),
          resources: new CallResources(inputs, findResource, MAX_RESOURCE_BYTES, log),
          timer: new DeadlineTimer(clock, timers, () => inputs.onTimer()),
          authorizer: { authorize: (credentials) => streams.authorize(row, credentials, inputs) },
          events: { event, ended: onEnded },
          recorder: { record: (granule, pages) => this.pages(granule, pages) },
          snapshots: { snapshot: (text) => this.#writer.snapshot(text) },
        };
      },
      onOver: () => {
        this.#session = undefined;
      },
    });
    if (!sockets) throw new Error("a session without sockets");
    return { live, sockets };
  }

  /** Keeps the inputs of a call that is one of those whose inputs are kept. */
  #beginFlight({ callId }: CallRow): CoreWitness | undefined {
    const { settings, sinks } = this.#options.platform;
    const { flightRecord } = this.#options.records.pinned.over(settings).profile;
    // By its name, so that a call that comes back is still the same one.
    const isWanted = flightRecord === "on" || hashOf(callId) / 2 ** 32 < settings.flightSampling;
    if (!sinks.bucket || !isWanted) return undefined;
    return this.#writer.beginFlight(settings.flightKey);
  }
}
