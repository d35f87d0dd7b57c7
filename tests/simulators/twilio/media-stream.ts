import { WebSocket } from "ws";
import { decodeMulaw, encodeMulaw } from "../audio/mulaw.ts";
import { PlayoutBuffer } from "./playout-buffer.ts";

const FRAME_BYTES = 160;
const FRAME_MS = 20;
/** Louder than this is heard as sound, root mean square of S16: -50 dBFS. */
const AUDIBLE_RMS = 104;
/** Sounds less than this apart are one. */
const JOIN_MS = 300;
const MAX_VIOLATIONS = 100;

/** A warning of Twilio's debugger about what the gateway sent. */
export interface Violation {
  code: 31950 | 31951;
  atMs: number;
  text: string;
}

export interface StreamOptions {
  url: string;
  callSid: string;
  accountSid: string;
  streamSid: string;
  parameters: Record<string, string>;
  /** X-Twilio-Signature of the upgrade. */
  signature?: string | undefined;
  /** Milliseconds since the call began. */
  clock: () => number;
  /** Frames are late by a random time up to this, in order: as TCP bunches them. */
  jitterMs: number;
  /** Probability that a frame never comes; its time passes all the same. */
  loss: number;
  random: () => number;
  /** What a frame's `timestamp` is, where it is not the truth; `ms` is that. */
  timestampOf?: ((ms: number, frame: number) => unknown) | undefined;
}

type Json = Record<string, unknown>;

/**
 * One Media Streams socket, from the carrier's side: speaks for the caller every 20 ms, plays what it is sent, and
 * rejects what Twilio rejects. A bidirectional stream of <Connect>: only the inbound track is sent.
 */
export class MediaStream {
  readonly #options: StreamOptions;
  #socket: WebSocket | undefined;
  #playout: PlayoutBuffer | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sequence = 0;
  #frames = 0;
  #startedMs = 0;
  #mouth: Int16Array[] = [];
  #outbox: { releaseMs: number; text: string }[] = [];
  #heardCursor = 0;
  readonly #closed: Promise<{ code: number; reason: string }>;
  #resolveClosed: (value: { code: number; reason: string }) => void = () => {};
  /** Everything the caller said, from `startedMs` on. */
  readonly spoken: Int16Array[] = [];
  readonly violations: Violation[] = [];
  readonly clears: { atMs: number; droppedMs: number }[] = [];
  readonly marks: { atMs: number; name: string }[] = [];
  /** Media messages with when they came and how much lay unplayed then. */
  readonly media: { atMs: number; bytes: number; waitingMs: number }[] = [];
  /** When anything louder than -50 dBFS was heard. */
  readonly audible: { startMs: number; endMs: number }[] = [];
  /** Called at every step of the stream's clock. */
  onStep: () => void = () => {};

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  get closed(): Promise<{ code: number; reason: string }> {
    return this.#closed;
  }
  get startedMs(): number {
    return this.#startedMs;
  }
  get playout(): PlayoutBuffer | undefined {
    return this.#playout;
  }
  get socket(): WebSocket | undefined {
    return this.#socket;
  }
  /** Nothing is left to be said. */
  get silent(): boolean {
    return this.#mouth.length === 0;
  }

  /** Connects and sends `connected` and `start`. Rejects when the upgrade is refused (error 31920). */
  async open(): Promise<void> {
    const { url, signature } = this.#options;
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      ...(signature === undefined ? {} : { headers: { "X-Twilio-Signature": signature } }),
    });
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      socket.once("open", () => resolve());
      socket.once("unexpected-response", (_request, response) => {
        reject(new Error(`31920: the upgrade was answered ${response.statusCode}`));
        socket.terminate();
      });
      socket.once("error", reject);
    });
    socket.on("error", () => {});
    socket.on("message", (data, isBinary) => this.#receive(data.toString(), isBinary));
    socket.on("close", (code, reason) => {
      clearTimeout(this.#timer);
      this.#playout?.advance(this.#options.clock());
      this.#noteAudible();
      this.#resolveClosed({ code, reason: reason.toString() });
      this.onStep();
    });
    this.#startedMs = this.#options.clock();
    this.#playout = new PlayoutBuffer(this.#startedMs, (name) => this.#echo(name));
    this.sendRaw(JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }));
    const { streamSid, callSid, accountSid, parameters } = this.#options;
    this.#send({
      event: "start",
      start: {
        accountSid,
        streamSid,
        callSid,
        tracks: ["inbound"],
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
        customParameters: parameters,
      },
    });
    this.#step();
  }

  /** The caller says this after what is still to be said. */
  say(samples: Int16Array): void {
    if (samples.length > 0) this.#mouth.push(samples);
  }

  dtmf(digit: string): void {
    this.#send({ event: "dtmf", dtmf: { track: "inbound_track", digit } });
  }

  get url(): string {
    return this.#options.url;
  }
  /** Of the TwiML that the stream was opened by. */
  get parameters(): Readonly<Record<string, string>> {
    return this.#options.parameters;
  }

  /** Sends `stop` and closes, as on a caller's hang-up. */
  hangUp(): void {
    const { accountSid, callSid } = this.#options;
    this.#send({ event: "stop", stop: { accountSid, callSid } });
    this.#socket?.close(1000);
  }

  /** Closes without a `stop`. */
  close(): void {
    this.#socket?.close(1000);
  }

  /** Breaks the TCP connection. */
  drop(): void {
    this.#socket?.terminate();
  }

  sendRaw(text: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  #send(message: Json): void {
    this.#sequence++;
    this.sendRaw(
      JSON.stringify({ ...message, sequenceNumber: String(this.#sequence), streamSid: this.#options.streamSid }),
    );
  }

  #step(): void {
    const { clock, jitterMs, loss, random, streamSid, timestampOf = String } = this.#options;
    const now = clock();
    // A frame holds the 20 ms that have just passed. Late steps catch up.
    while (this.#startedMs + (this.#frames + 1) * FRAME_MS <= now) {
      const frame = this.#takeFrame();
      this.spoken.push(frame);
      this.#sequence++;
      this.#frames++;
      if (random() < loss) continue;
      const payload = Buffer.from(encodeMulaw(frame)).toString("base64");
      const text = JSON.stringify({
        event: "media",
        sequenceNumber: String(this.#sequence),
        streamSid,
        media: {
          track: "inbound",
          chunk: String(this.#frames),
          timestamp: timestampOf((this.#frames - 1) * FRAME_MS, this.#frames),
          payload,
        },
      });
      const before = this.#outbox.at(-1)?.releaseMs ?? 0;
      this.#outbox.push({ releaseMs: Math.max(before, now + random() * jitterMs), text });
    }
    for (let head = this.#outbox[0]; head && head.releaseMs <= now; head = this.#outbox[0]) {
      this.sendRaw(head.text);
      this.#outbox.shift();
    }
    this.#playout?.advance(now);
    this.#noteAudible();
    this.onStep();
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const next = Math.min(
      this.#startedMs + (this.#frames + 1) * FRAME_MS,
      this.#outbox[0]?.releaseMs ?? Number.POSITIVE_INFINITY,
      this.#playout?.nextMarkMs() ?? Number.POSITIVE_INFINITY,
    );
    this.#timer = setTimeout(() => this.#step(), Math.max(1, next - clock()));
  }

  #takeFrame(): Int16Array {
    const frame = new Int16Array(FRAME_BYTES);
    let filled = 0;
    while (filled < FRAME_BYTES && this.#mouth[0]) {
      const head = this.#mouth[0];
      const part = head.subarray(0, FRAME_BYTES - filled);
      frame.set(part, filled);
      filled += part.length;
      if (part.length === head.length) this.#mouth.shift();
      else this.#mouth[0] = head.subarray(part.length);
    }
    return frame;
  }

  #receive(text: string, isBinary: boolean): void {
    const now = this.#options.clock();
    if (isBinary) {
      this.#violate(31950, "a binary frame");
      return;
    }
    const message = parseOutbound(text, this.#options.streamSid);
    const playout = this.#playout;
    if (message === undefined || playout === undefined) {
      this.#violate(31951, text);
      return;
    }
    switch (message.event) {
      case "media":
        playout.append(message.bytes, now);
        this.media.push({ atMs: now, bytes: message.bytes.length, waitingMs: playout.waitingMs });
        break;
      case "mark":
        playout.mark(message.name, now);
        break;
      case "clear":
        this.clears.push({ atMs: now, droppedMs: playout.clear(now) });
        break;
    }
    this.#noteAudible();
  }

  #violate(code: 31950 | 31951, text: string): void {
    if (this.violations.length < MAX_VIOLATIONS) {
      this.violations.push({ code, atMs: this.#options.clock(), text: text.slice(0, 300) });
    }
  }

  #echo(name: string): void {
    this.marks.push({ atMs: this.#options.clock(), name });
    this.#send({ event: "mark", mark: { name } });
  }

  #noteAudible(): void {
    const heard = this.#playout?.heard ?? [];
    for (; this.#heardCursor < heard.length; this.#heardCursor++) {
      const piece = heard[this.#heardCursor];
      if (piece === undefined) continue;
      for (let at = 0; at < piece.bytes.length; at += FRAME_BYTES) {
        const samples = decodeMulaw(piece.bytes.subarray(at, at + FRAME_BYTES));
        let sum = 0;
        for (const sample of samples) sum += sample * sample;
        if (sum / samples.length < AUDIBLE_RMS ** 2) continue;
        const startMs = piece.atMs + at / 8;
        const endMs = startMs + samples.length / 8;
        const last = this.audible.at(-1);
        if (last && startMs - last.endMs < JOIN_MS) last.endMs = endMs;
        else this.audible.push({ startMs, endMs });
      }
    }
  }

  /** What was heard, as samples of the call's timeline written into `out`. */
  renderHeard(out: Int16Array): void {
    for (const { atMs, bytes } of this.#playout?.heard ?? []) {
      const at = Math.round(atMs * 8);
      const samples = decodeMulaw(bytes);
      for (let i = 0; i < samples.length && at + i < out.length; i++) out[at + i] = samples[i] ?? 0;
    }
  }
}

type Outbound = { event: "media"; bytes: Uint8Array } | { event: "mark"; name: string } | { event: "clear" };

function hasExactly(value: unknown, keys: string[]): value is Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const present = Object.keys(value);
  return present.length === keys.length && keys.every((key) => present.includes(key));
}

/** The three messages that Twilio takes, exactly; undefined for everything else. */
export function parseOutbound(text: string, streamSid: string): Outbound | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (hasExactly(message, ["event", "streamSid"]) && message["event"] === "clear") {
    return message["streamSid"] === streamSid ? { event: "clear" } : undefined;
  }
  if (hasExactly(message, ["event", "streamSid", "mark"]) && message["event"] === "mark") {
    const mark = message["mark"];
    if (message["streamSid"] !== streamSid || !hasExactly(mark, ["name"])) return undefined;
    const name = mark["name"];
    return typeof name === "string" && name !== "" ? { event: "mark", name } : undefined;
  }
  if (hasExactly(message, ["event", "streamSid", "media"]) && message["event"] === "media") {
    const media = message["media"];
    if (message["streamSid"] !== streamSid || !hasExactly(media, ["payload"])) return undefined;
    const payload = media["payload"];
    if (
      typeof payload !== "string" ||
      !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(payload)
    ) {
      return undefined;
    }
    const bytes = new Uint8Array(Buffer.from(payload, "base64"));
    return bytes.length > 0 ? { event: "media", bytes } : undefined;
  }
  return undefined;
}
