// What the module that TRUNKLINE_WASM names holds after an hour of a recorded call, beside what it holds after a minute.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { CoreExports } from "../../worker-shim/abi.generated.ts";
import { LEG_CHANNEL } from "../../worker-shim/boundary.ts";
import { Core } from "../../worker-shim/core.ts";
import { IgnoredEffects } from "../../worker-shim/effects.ts";
import { voice } from "../integration/support/voice.ts";
import { encodeMulaw } from "../simulators/audio/mulaw.ts";
import { measured } from "../support/measured.ts";

// The Worker's types know no constructors: there only the runtime compiles.
const Module = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;
const Instance = WebAssembly.Instance as unknown as new (
  module: WebAssembly.Module,
  imports: object,
) => { exports: unknown };

const FRAME_US = 20_000;
const FRAMES_PER_MINUTE = 3_000;
/** The caller speaks for two seconds in seven, and the parrot repeats it; in every third round he interrupts it. */
const ROUND_FRAMES = 350;
const SPOKEN_FRAMES = 100;
const INTERRUPTION = { from: 190, to: 230 };
const BLOCK_BYTES = 1024;
/** From a mark to its echo. */
const PLAYOUT_US = 300_000;

class Caller extends IgnoredEffects {
  readonly memory: WebAssembly.Memory;
  recordedBytes = 0;
  readonly events = new Map<string, number>();
  readonly #core: Core;
  readonly #frames: string[];
  #frame = 0;
  #nowUs = 0;
  #deadlineUs = Number.POSITIVE_INFINITY;
  readonly #marks: { atUs: number; name: string }[] = [];

  constructor(module: WebAssembly.Module) {
    super();
    const exports = new Instance(module, {}).exports as CoreExports;
    this.memory = exports.memory;
    this.#core = new Core(exports);
    const words = encodeMulaw(voice(SPOKEN_FRAMES * 20));
    this.#frames = Array.from({ length: SPOKEN_FRAMES }, (_, i) =>
      Buffer.from(words.subarray(i * 160, (i + 1) * 160)).toString("base64"),
    );
    this.#frames.push(Buffer.alloc(160, 0xff).toString("base64"));
    const limits = { maxCallMs: 86_400_000, deadAirMs: 86_400_000 };
    const config = { callId: "hour", leg: "twilio", agent: "parrot", profile: { recording: "on" }, limits };
    this.#do(() => this.#core.create(0, JSON.stringify(config)));
    this.#do(() => this.#core.socketOpened(0, LEG_CHANNEL, ""));
    const start = { streamSid: "MZ1", callSid: "CA1", mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000 } };
    this.#say({ event: "start", sequenceNumber: "1", streamSid: "MZ1", start });
    this.#do(() => this.#core.authorized(0, "granted"));
  }

  override deadline(atUs: number): void {
    this.#deadlineUs = atUs;
  }

  override record(_granule: number, pages: Uint8Array): void {
    this.recordedBytes += pages.length;
  }

  override event(json: string): void {
    const { type } = JSON.parse(json) as { type: string };
    this.events.set(type, (this.events.get(type) ?? 0) + 1);
  }

  override sendText(_channel: number, text: string): void {
    if (!text.includes('"mark"')) return;
    const { name } = (JSON.parse(text) as { mark: { name: string } }).mark;
    this.#marks.push({ atUs: this.#nowUs + PLAYOUT_US, name });
  }

  talk(minutes: number): void {
    for (const end = this.#frame + minutes * FRAMES_PER_MINUTE; this.#frame < end; this.#frame++) {
      const nowUs = this.#frame * FRAME_US;
      while (this.#deadlineUs <= nowUs) {
        this.#nowUs = this.#deadlineUs;
        this.#deadlineUs = Number.POSITIVE_INFINITY;
        this.#do(() => this.#core.timer(this.#nowUs));
      }
      this.#nowUs = nowUs;
      while ((this.#marks[0]?.atUs ?? nowUs + 1) <= nowUs)
        this.#say({ event: "mark", streamSid: "MZ1", mark: { name: this.#marks.shift()?.name } });
      // One in fifty is lost on the way.
      if (this.#frame % 50 !== 49) this.#say(this.#media());
    }
  }

  #media(): object {
    const round = Math.floor(this.#frame / ROUND_FRAMES);
    const at = this.#frame % ROUND_FRAMES;
    const interrupts = round % 3 === 2 && at >= INTERRUPTION.from && at < INTERRUPTION.to;
    const payload = this.#frames[interrupts ? at - INTERRUPTION.from : Math.min(at, SPOKEN_FRAMES)];
    const sequenceNumber = String(this.#frame + 2);
    const timestamp = String(this.#frame * 20);
    return { event: "media", sequenceNumber, streamSid: "MZ1", media: { track: "inbound", timestamp, payload } };
  }

  #say(message: object): void {
    this.#do(() => this.#core.socketText(this.#nowUs, LEG_CHANNEL, JSON.stringify(message)));
  }

  #do(feed: () => void): void {
    feed();
    this.#core.drain(this);
  }
}

/** Bytes of the blocks that anything was ever written to: what was freed counts, what was never used does not. */
function touched({ buffer }: WebAssembly.Memory): number {
  const words = new BigUint64Array(buffer as ArrayBuffer);
  let blocks = 0;
  for (let at = 0; at < words.length; at += BLOCK_BYTES / 8)
    if (words.subarray(at, at + BLOCK_BYTES / 8).some((word) => word !== 0n)) blocks++;
  return blocks * BLOCK_BYTES;
}

/** When the transcript has all the lines that it keeps. */
const FULL_MINUTES = 20;
/** What the lines of a conversation take, with the snapshot of them while it is written. */
const MAX_CONVERSATION_BYTES = 384 * 1024;

it("holds the same after an hour as when the transcript is full, within 64 KB", { timeout: 120_000 }, () => {
  const caller = new Caller(new Module(readFileSync(process.env["TRUNKLINE_WASM"] ?? "")));
  caller.talk(1);
  const minute = touched(caller.memory);
  caller.talk(FULL_MINUTES - 1);
  const full = touched(caller.memory);
  caller.talk(60 - FULL_MINUTES);
  const hour = touched(caller.memory);
  expect(full - minute).toBeLessThanOrEqual(MAX_CONVERSATION_BYTES);
  expect(hour - full).toBeLessThanOrEqual(64 * 1024);
  // The hour was one of talk.
  const count = (type: string) => caller.events.get(type) ?? 0;
  expect(count("replyStarted")).toBeGreaterThan(450);
  expect(count("truncated")).toBeGreaterThan(150);
  expect(caller.recordedBytes).toBeGreaterThan(3_600 * 500);
  measured(
    `an hour's call: ${minute / 1024} KB touched after a minute, ${full / 1024} after ${FULL_MINUTES}, ${hour / 1024} at the end`,
  );
});
