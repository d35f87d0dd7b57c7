import { randomBytes } from "node:crypto";
import { WebSocket } from "ws";
import { parseOutbound } from "../simulators/twilio/media-stream.ts";
import { sign } from "../simulators/twilio/signature.ts";
import { parseTwiml } from "../simulators/twilio/twiml.ts";
import type { Caller } from "./caller.ts";
import { Playout } from "./playout.ts";
import type { Kind, Rhythm, Sent } from "./rhythm.ts";
import type { Spoke } from "./wheel.ts";

const OPEN_TIMEOUT_MS = 15_000;
const CLOSE_TIMEOUT_MS = 5_000;
/** One media message in so many has a probe behind it. */
const PROBE_EVERY = 25;
/** One message in so many is read as strictly as the carrier does. */
const INSPECT_EVERY = 40;

/** What a line has counted since it was last asked. */
export interface Counts {
  media: number;
  echoes: number;
  received: Record<Kind, number>;
  receivedBytes: number;
  /** What was there to be played, ms. */
  playedMs: number;
  /** From a media message to its probe's answer, ms. */
  delaysMs: number[];
  /** From a media message to the first audio that came before the next one, ms. */
  answersMs: number[];
}

function noCounts(): Counts {
  return {
    media: 0,
    echoes: 0,
    received: { media: 0, mark: 0, clear: 0 },
    receivedBytes: 0,
    playedMs: 0,
    delaysMs: [],
    answersMs: [],
  };
}

function sid(prefix: string): string {
  return prefix + randomBytes(16).toString("hex");
}

/** Bytes of audio in so much base64. */
function audioBytes(text: string, from: number, to: number): number {
  const padding = text[to - 1] !== "=" ? 0 : text[to - 2] === "=" ? 2 : 1;
  return ((to - from) / 4) * 3 - padding;
}

export interface Announced {
  readonly url: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly callSid: string;
  readonly signature: string;
}

/** Asks the webhook for a stream, as the carrier does when a call comes in. */
export async function announce(url: string, authToken: string): Promise<Announced> {
  const callSid = sid("CA");
  const form = { AccountSid: sid("AC"), CallSid: callSid, From: "+15550001111", To: "+15550002222" };
  const response = await fetch(`${url}/twiml?agent=parrot`, {
    method: "POST",
    headers: { "X-Twilio-Signature": sign(authToken, `${url}/twiml?agent=parrot`, form) },
    body: new URLSearchParams(form),
    signal: AbortSignal.timeout(OPEN_TIMEOUT_MS),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`the webhook answered ${response.status}: ${body.slice(0, 200)}`);
  const [verb] = parseTwiml(body);
  if (verb?.verb !== "stream") throw new Error("the webhook has no stream for the call");
  return { url: verb.url, parameters: verb.parameters, callSid, signature: sign(authToken, verb.url) };
}

/**
 * The carrier's side of one call, light enough for many: a media message every 20 ms, marks that come back when they are
 * reached, `clear`. Messages are those of the simulator's MediaStream.
 */
export class Line implements Spoke {
  readonly #caller: Caller;
  readonly #socket: WebSocket;
  readonly #streamSid = sid("MZ");
  readonly #playout = new Playout();
  readonly #ours: boolean;
  #sequence = 0;
  #frames = 0;
  #sentMs = 0;
  #answered = true;
  #probedMs: number | undefined;
  #seen = 0;
  #hungUp = false;
  #counts = noCounts();
  /** Of each media message since the rhythm was asked for, what came before the next. */
  #answers: Sent[][] | undefined;
  /** Why the call broke; undefined for one that did not. */
  failure: string | undefined;

  private constructor(caller: Caller, socket: WebSocket, ours: boolean) {
    this.#caller = caller;
    this.#socket = socket;
    this.#ours = ours;
    socket.on("message", (data: Buffer) => this.#receive(data.toString("latin1"), performance.now()));
    socket.on("pong", () => {
      if (this.#probedMs !== undefined) this.#counts.delaysMs.push(performance.now() - this.#probedMs);
      this.#probedMs = undefined;
    });
    socket.on("error", (error) => this.#fail(error.message));
    socket.on("close", (code) => {
      if (!this.#hungUp) this.#fail(`the socket was closed with ${code}`);
    });
  }

  /** Opens a call of ours. */
  static async call(url: string, authToken: string, caller: Caller): Promise<Line> {
    const { url: stream, parameters, callSid, signature } = await announce(url, authToken);
    const socket = await open(stream, { "X-Twilio-Signature": signature });
    const line = new Line(caller, socket, true);
    line.#send('{"event":"connected","protocol":"Call","version":"1.0.0"}');
    line.#start(callSid, parameters);
    return line;
  }

  /** Opens a call of the bare object's. */
  static async bare(url: string, name: string, caller: Caller, rhythm: Rhythm): Promise<Line> {
    const socket = await open(`${url.replace(/^http/, "ws")}/${name}`, {});
    const line = new Line(caller, socket, false);
    line.#send(JSON.stringify(rhythm));
    return line;
  }

  get counts(): Readonly<Counts> {
    return this.#counts;
  }

  /** The counts so far; they start again. */
  takeCounts(): Counts {
    const taken = this.#counts;
    this.#counts = noCounts();
    return taken;
  }

  recordRhythm(): void {
    this.#answers = [];
  }

  takeRhythm(): Sent[][] {
    const answers = this.#answers ?? [];
    this.#answers = undefined;
    return answers;
  }

  get wakeMs(): number {
    return this.#playout.nextMarkMs;
  }

  wake(nowMs: number): void {
    for (const name of this.#playout.takeDue(nowMs)) {
      this.#sequence++;
      this.#counts.echoes++;
      this.#send(
        `{"event":"mark","sequenceNumber":"${this.#sequence}","streamSid":"${this.#streamSid}","mark":{"name":"${name}"}}`,
      );
    }
  }

  frame(nowMs: number): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const payload = this.#caller.frame(nowMs, this.#playout.endMs);
    this.#sequence++;
    this.#frames++;
    this.#counts.media++;
    this.#answers?.push([]);
    this.#send(
      `{"event":"media","sequenceNumber":"${this.#sequence}","media":{"track":"inbound","chunk":"${this.#frames}",` +
        `"timestamp":"${(this.#frames - 1) * 20}","payload":"${payload}"},"streamSid":"${this.#streamSid}"}`,
    );
    this.#sentMs = performance.now();
    this.#answered = false;
    if (this.#frames % PROBE_EVERY !== 0 || this.#probedMs !== undefined) return;
    this.#probedMs = this.#sentMs;
    this.#socket.ping();
  }

  /** Hangs up; resolves when the socket is closed. */
  async close(): Promise<void> {
    this.#hungUp = true;
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    if (this.#ours) {
      this.#sequence++;
      this.#send(`{"event":"stop","sequenceNumber":"${this.#sequence}","streamSid":"${this.#streamSid}","stop":{}}`);
    }
    this.#socket.close(1000);
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS);
    await closed;
    clearTimeout(timer);
  }

  #start(callSid: string, customParameters: Readonly<Record<string, string>>): void {
    this.#sequence++;
    this.#send(
      JSON.stringify({
        event: "start",
        sequenceNumber: String(this.#sequence),
        start: {
          accountSid: sid("AC"),
          streamSid: this.#streamSid,
          callSid,
          tracks: ["inbound"],
          mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
          customParameters,
        },
        streamSid: this.#streamSid,
      }),
    );
  }

  #send(text: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  #fail(reason: string): void {
    this.failure ??= reason;
  }

  #receive(text: string, nowMs: number): void {
    const kind = kindOf(text);
    if (kind === undefined) {
      this.#fail(`sent what a carrier does not take: ${text.slice(0, 100)}`);
      return;
    }
    if (this.#ours && this.#seen++ % INSPECT_EVERY === 0 && parseOutbound(text, this.#streamSid) === undefined)
      this.#fail(`sent what a carrier does not take: ${text.slice(0, 100)}`);
    this.#counts.received[kind]++;
    this.#counts.receivedBytes += text.length;
    this.#answers?.at(-1)?.push([kind, text.length]);
    switch (kind) {
      case "media": {
        const from = text.indexOf('"payload":"') + '"payload":"'.length;
        const bytes = audioBytes(text, from, text.indexOf('"', from));
        this.#playout.append(bytes, nowMs);
        this.#counts.playedMs += bytes / 8;
        if (!this.#answered) this.#counts.answersMs.push(nowMs - this.#sentMs);
        this.#answered = true;
        return;
      }
      case "mark": {
        const from = text.indexOf('"name":"') + '"name":"'.length;
        this.#playout.mark(text.slice(from, text.indexOf('"', from)), nowMs);
        return;
      }
      case "clear":
        this.#playout.clear(nowMs);
        this.wake(nowMs);
        return;
    }
  }
}

function kindOf(text: string): Kind | undefined {
  if (text.startsWith('{"event":"media"')) return "media";
  if (text.startsWith('{"event":"mark"')) return "mark";
  if (text.startsWith('{"event":"clear"')) return "clear";
  return undefined;
}

function open(url: string, headers: Record<string, string>): Promise<WebSocket> {
  const socket = new WebSocket(url, {
    perMessageDeflate: false,
    handshakeTimeout: OPEN_TIMEOUT_MS,
    headers,
    // A mask of zeros is one, and costs nothing.
    generateMask: (mask) => mask.fill(0),
  });
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(socket));
    socket.once("error", reject);
  });
}
