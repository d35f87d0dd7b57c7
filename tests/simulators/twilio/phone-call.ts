import { randomBytes } from "node:crypto";
import { speechBounds } from "../audio/analysis.ts";
import { MediaStream, type StreamOptions, type Violation } from "./media-stream.ts";
import { sign } from "./signature.ts";
import { parseTwiml, type Verb } from "./twiml.ts";

/** TwiML documents that one call may ask for, unless the dialler says otherwise. */
const MAX_DOCUMENTS = 10;
/** Silence after which what plays is something else than before. */
const BREAK_MS = 100;

export interface DialOptions {
  /** The gateway: its webhook is `url`/twiml. */
  url: string;
  /** Signs webhooks and upgrades; undefined leaves them unsigned. */
  authToken?: string | undefined;
  agent?: string | undefined;
  /** The profile that the webhook's URL names. */
  profile?: string | undefined;
  jitterMs?: number;
  /** 0..1 */
  loss?: number;
  seed?: number;
  from?: string;
  /** The dialled number. */
  to?: string;
  maxDocuments?: number;
  /** Default: a new one. */
  callSid?: string;
  timestampOf?: StreamOptions["timestampOf"];
}

export interface CallRecord {
  callId: string;
  callSid: string;
  /** Date.now() at the call's time 0: when the first `start` was sent. */
  epochMs: number;
  /** 8 kHz, from time 0. */
  sent: Int16Array;
  heard: Int16Array;
  /** Where the caller spoke. */
  utterances: { startMs: number; endMs: number }[];
  audible: { startMs: number; endMs: number }[];
  clears: { atMs: number; droppedMs: number }[];
  violations: Violation[];
  underruns: number;
  documents: number;
  /** Of the last stream. */
  closeCode: number | undefined;
}

export class CallFailed extends Error {
  readonly code = "call_failed";
}

/** xorshift32: the same seed, the same call. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function sid(prefix: string): string {
  return prefix + randomBytes(16).toString("hex");
}

/**
 * A phone call as Twilio places it: webhook, TwiML, media stream, and on with the next verb when the stream ends. The
 * caller is driven by the methods.
 */
export class PhoneCall {
  readonly #options: DialOptions;
  readonly #base: string;
  readonly #random: () => number;
  readonly #accountSid = sid("AC");
  readonly callSid: string;
  callId = "";
  #zero = 0;
  epochMs = 0;
  #documents = 0;
  #hungUp = false;
  readonly streams: MediaStream[] = [];
  readonly #utterances: { startMs: number; endMs: number }[] = [];
  #closeCode: number | undefined;
  #waiters: { done: () => boolean; resolve: (done: boolean) => void; deadlineMs: number }[] = [];
  #ended: Promise<void> = Promise.resolve();
  #over = false;

  private constructor(options: DialOptions) {
    this.#options = options;
    this.#base = options.url.replace(/\/$/, "");
    this.#random = seededRandom(options.seed ?? 1);
    this.callSid = options.callSid ?? sid("CA");
  }

  /** Resolves when the media stream has started. @throws {CallFailed} when the gateway has no stream for the call */
  static async dial(options: DialOptions): Promise<PhoneCall> {
    const call = new PhoneCall(options);
    const { agent, profile } = options;
    const query = new URLSearchParams({
      ...(agent !== undefined && { agent }),
      ...(profile !== undefined && { profile }),
    });
    const verbs = await call.#fetchTwiml(`${call.#base}/twiml${query.size > 0 ? `?${query}` : ""}`, "ringing");
    const first = verbs[0];
    if (first?.verb === "reject") throw new CallFailed(`rejected: ${first.reason}`);
    if (first?.verb !== "stream") throw new CallFailed(`no stream in the TwiML, but ${first?.verb ?? "nothing"}`);
    await call.#openStream(first);
    call.#ended = call.#perform(verbs).catch((error: unknown) => {
      call.failure = error instanceof Error ? error.message : String(error);
    });
    call.#ended = call.#ended.finally(() => {
      call.#over = true;
      call.#poll();
    });
    return call;
  }

  /** Why the carrier gave the call up, if it did. */
  failure: string | undefined;

  /** Milliseconds since the first `start`. */
  clock = (): number => performance.now() - this.#zero;

  get stream(): MediaStream {
    const stream = this.streams.at(-1);
    if (!stream) throw new CallFailed("the call has no stream");
    return stream;
  }
  get over(): boolean {
    return this.#over;
  }
  /** Resolves when no verb is left to perform. */
  get ended(): Promise<void> {
    return this.#ended;
  }
  get audible(): { startMs: number; endMs: number }[] {
    return this.streams.flatMap((stream) => stream.audible);
  }

  /** When the last of what was played so far had been heard, silence in it included; 0 if nothing was. */
  get playedUntilMs(): number {
    const last = this.streams.flatMap((stream) => stream.playout?.heard ?? []).at(-1);
    return last === undefined ? 0 : last.atMs + last.bytes.length / 8;
  }

  /** Says `samples`; resolves when the last of them has been spoken, with when the speech in them began and ended. */
  async say(samples: Int16Array): Promise<{ startMs: number; endMs: number }> {
    const stream = this.stream;
    const beginMs = stream.startedMs + stream.spoken.length * 20;
    stream.say(samples);
    const bounds = speechBounds(samples) ?? { start: 0, end: samples.length };
    const utterance = { startMs: beginMs + bounds.start / 8, endMs: beginMs + bounds.end / 8 };
    this.#utterances.push(utterance);
    await this.until(() => stream.silent, samples.length / 8 + 2000);
    return utterance;
  }

  /**
   * Waits for the first sound that is heard at or after `afterMs` and is no rest of what was playing when the caller
   * began to speak; undefined when none comes in time.
   */
  async firstHeardAfter(afterMs: number, timeoutMs = 20_000): Promise<number | undefined> {
    const spokenMs = this.#utterances.at(-1)?.startMs ?? afterMs;
    const find = () => {
      const overMs = this.#overSince(spokenMs);
      if (overMs === undefined) return undefined;
      const fromMs = Math.max(afterMs, overMs);
      for (const { startMs, endMs } of this.audible) if (endMs > fromMs) return Math.max(startMs, fromMs);
      return undefined;
    };
    await this.until(() => find() !== undefined, timeoutMs);
    return find();
  }

  /** Waits until nothing has been heard for `quietMs` since the last sound. */
  async quiet(quietMs = 1500, timeoutMs = 60_000): Promise<boolean> {
    return this.until(() => {
      const last = this.audible.at(-1);
      return last !== undefined && this.clock() - last.endMs >= quietMs;
    }, timeoutMs);
  }

  /** Waits until `done`; false when the time is up or the call is over first. */
  until(done: () => boolean, timeoutMs: number): Promise<boolean> {
    if (done()) return Promise.resolve(true);
    if (this.#over) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiter = { done, resolve, deadlineMs: this.clock() + timeoutMs };
      this.#waiters.push(waiter);
      setTimeout(() => this.#poll(), timeoutMs + 5).unref();
    });
  }

  /** Ends the call: by `stop` and a close, by a close alone, or by a connection that breaks. */
  hangUp(manner: "stop" | "close" | "drop" = "stop"): void {
    this.#hungUp = true;
    if (manner === "stop") this.stream.hangUp();
    else if (manner === "close") this.stream.close();
    else this.stream.drop();
  }

  /** What a webhook says of the call. */
  get webhookFields(): Record<string, string> {
    return {
      AccountSid: this.#accountSid,
      ApiVersion: "2010-04-01",
      CallSid: this.callSid,
      Direction: "inbound",
      From: this.#options.from ?? "+15550001111",
      To: this.#options.to ?? "+15550002222",
    };
  }

  record(): CallRecord {
    const now = this.clock();
    const length = Math.ceil(now * 8);
    const heard = new Int16Array(length);
    const sent = new Int16Array(length);
    for (const stream of this.streams) {
      stream.renderHeard(heard);
      stream.spoken.forEach((frame, i) => {
        const at = Math.round(stream.startedMs * 8) + i * frame.length;
        if (at + frame.length <= length) sent.set(frame, at);
      });
    }
    return {
      callId: this.callId,
      callSid: this.callSid,
      epochMs: this.epochMs,
      sent,
      heard,
      utterances: this.#utterances,
      audible: this.audible,
      clears: this.streams.flatMap((stream) => stream.clears),
      violations: this.streams.flatMap((stream) => stream.violations),
      underruns: this.streams.reduce((sum, stream) => sum + (stream.playout?.underruns ?? 0), 0),
      documents: this.#documents,
      closeCode: this.#closeCode,
    };
  }

  /** When what was playing at `atMs` had ended or was cleared; `atMs` if nothing was. Undefined while it goes on. */
  #overSince(atMs: number): number | undefined {
    let overMs: number | undefined;
    for (const { atMs: startMs, bytes } of this.streams.flatMap((stream) => stream.playout?.heard ?? [])) {
      const endMs = startMs + bytes.length / 8;
      if (overMs === undefined ? startMs <= atMs && atMs < endMs : startMs - overMs < BREAK_MS) overMs = endMs;
    }
    if (overMs === undefined) return atMs;
    const lastMs = overMs;
    const clear = this.streams
      .flatMap((stream) => stream.clears)
      .find((each) => each.atMs >= atMs && each.atMs <= lastMs);
    if (clear) return clear.atMs;
    return this.clock() - lastMs >= BREAK_MS ? lastMs : undefined;
  }

  #poll(): void {
    const now = this.clock();
    const waiting = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiting) {
      const done = waiter.done();
      if (done || this.#over || now >= waiter.deadlineMs) waiter.resolve(done);
      else this.#waiters.push(waiter);
    }
  }

  async #openStream(verb: Extract<Verb, { verb: "stream" }>): Promise<void> {
    const first = this.streams.length === 0;
    if (first) this.#zero = performance.now();
    this.callId = new URL(verb.url).pathname.split("/").at(-1) ?? "";
    const stream = new MediaStream({
      url: verb.url,
      callSid: this.callSid,
      accountSid: this.#accountSid,
      streamSid: sid("MZ"),
      parameters: verb.parameters,
      signature: this.#options.authToken === undefined ? undefined : sign(this.#options.authToken, verb.url),
      clock: this.clock,
      jitterMs: this.#options.jitterMs ?? 0,
      loss: this.#options.loss ?? 0,
      random: this.#random,
      timestampOf: this.#options.timestampOf,
    });
    stream.onStep = () => this.#poll();
    await stream.open();
    if (first) {
      // Time 0 is when `start` was sent.
      this.epochMs = Date.now() - this.clock();
    }
    this.streams.push(stream);
  }

  async #perform(verbs: Verb[]): Promise<void> {
    let opened = true;
    let queue = verbs;
    for (let verb = queue[0]; verb !== undefined; verb = queue[0]) {
      queue = queue.slice(1);
      switch (verb.verb) {
        case "stream":
          if (!opened) await this.#openStream(verb);
          opened = false;
          this.#closeCode = (await this.stream.closed).code;
          if (this.#hungUp) return;
          break;
        case "redirect":
          queue = await this.#fetchTwiml(new URL(verb.url, this.#base).href, "in-progress");
          break;
        case "hangup":
        case "reject":
          return;
        case "pause":
          break;
      }
    }
  }

  /** @throws {CallFailed} saying what nobody has answered, and why */
  async #ask(url: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, init);
    } catch (error) {
      const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
      const why = name === "TimeoutError" ? "not in time" : (cause?.code ?? cause?.message ?? message);
      const { origin } = new URL(url);
      throw new CallFailed(`no gateway answers at ${origin} (${why}); scripts/dev starts one on this machine`);
    }
  }

  async #fetchTwiml(url: string, status: string): Promise<Verb[]> {
    if (++this.#documents > (this.#options.maxDocuments ?? MAX_DOCUMENTS))
      throw new CallFailed("the TwiML redirects for ever");
    const parameters = { ...this.webhookFields, CallStatus: status };
    const response = await this.#ask(url, {
      method: "POST",
      headers:
        this.#options.authToken === undefined
          ? {}
          : { "X-Twilio-Signature": sign(this.#options.authToken, url, parameters) },
      body: new URLSearchParams(parameters),
      signal: AbortSignal.timeout(15_000),
    });
    const body = await response.text();
    if (!response.ok) throw new CallFailed(`${url} answered ${response.status}: ${body.slice(0, 200)}`);
    return parseTwiml(body);
  }
}
