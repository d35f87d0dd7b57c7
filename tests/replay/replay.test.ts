// Calls through the module, recorded by the shim, run again by the native core.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEG_CHANNEL } from "../../worker-shim/boundary.ts";
import { Core } from "../../worker-shim/core.ts";
import { IgnoredEffects } from "../../worker-shim/effects.ts";
import { FlightFileError, openFlight, packPart } from "../../worker-shim/flight-file.ts";
import { type FlightContent, FlightRecorder } from "../../worker-shim/flight-recorder.ts";
import { voice } from "../integration/support/voice.ts";
import { encodeMulaw } from "../simulators/audio/mulaw.ts";

const Module = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;
const root = path.join(import.meta.dirname, "../..");
const module = new Module(readFileSync(path.join(root, "build/wasm-wasi/trunkline.wasm")));
const SAID = "what-somebody-said";
const TOKEN = "secret-token.with-parts";
const KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), "replay-test-"));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

/** A caller who speaks for a second, is answered and hangs up; `seed` varies what is said and when it comes. */
function record(
  seed: number,
  content: FlightContent = "full",
  written: (message: object) => string = JSON.stringify,
): Uint8Array<ArrayBuffer> {
  const flight = new FlightRecorder(content);
  const core = Core.instantiate(module, flight);
  let nowUs = 1_000;
  const drain = () => core.drain(new IgnoredEffects());
  core.create(nowUs, JSON.stringify({ callId: `c${seed}`, seed, agent: "parrot", authorization: "required" }));
  drain();
  const text = (message: object) => {
    core.socketText(nowUs, LEG_CHANNEL, written(message));
    drain();
  };
  core.socketOpened(nowUs, LEG_CHANNEL, "");
  drain();
  text({
    event: "start",
    sequenceNumber: "1",
    streamSid: "MZ1",
    start: {
      streamSid: "MZ1",
      callSid: "CA1",
      customParameters: { token: TOKEN },
      mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
    },
  });
  core.authorized(nowUs, "granted");
  drain();
  const speech = voice(1000, seed);
  let random = seed + 1;
  for (let i = 0; i < 180; i++) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    nowUs += 20_000 + (random % 5_000);
    const at = (i - 10) * 160;
    const frame = new Int16Array(160);
    if (at >= 0) frame.set(speech.subarray(at, at + 160));
    text({
      event: "media",
      sequenceNumber: String(i + 2),
      streamSid: "MZ1",
      media: {
        track: "inbound",
        chunk: String(i + 1),
        timestamp: String(i * 20),
        payload: Buffer.from(encodeMulaw(frame)).toString("base64"),
      },
    });
    if (i % 40 === 39) {
      core.timer(nowUs);
      drain();
      core.command(nowUs, JSON.stringify({ id: i, source: { kind: "operator" }, command: { type: SAID } }));
      drain();
      // Of a channel that the core does not have.
      core.httpHeaders(nowUs, 9, 200, { "content-type": "text/plain" });
      drain();
      core.httpChunk(nowUs, 9, new TextEncoder().encode(SAID));
      drain();
      core.httpDone(nowUs, 9);
      drain();
      core.httpFailed(nowUs, 0xffff, "network", "gone");
      drain();
      core.resource(nowUs, "music.wav", new TextEncoder().encode(SAID));
      drain();
    }
  }
  text({ event: "stop", sequenceNumber: "999", streamSid: "MZ1", stop: { callSid: "CA1" } });
  return flight.take();
}

function replay(plain: Uint8Array, ...options: string[]): { status: number | null; output: string } {
  const file = path.join(scratch, "flight");
  writeFileSync(file, plain);
  const run = spawnSync(path.join(root, "build/release/replay"), [...options, file], { encoding: "utf8" });
  return { status: run.status, output: run.stdout + run.stderr };
}

describe("a recorded call", () => {
  it.each([1, 2, 3, 4, 5])("does natively what it did in the module (%i)", (seed) => {
    const { status, output } = replay(record(seed), "--quiet");
    expect(output).toMatch(/^\d+ inputs, every effect the same\n$/);
    expect(status).toBe(0);
  });

  it("shows states and the end", () => {
    const { output } = replay(record(1));
    expect(output).toContain('"to":"listening"');
    expect(output).toContain('"type":"replyStarted"');
    expect(output).toContain("-> ended {");
  });

  it("that would go otherwise names the first such input", () => {
    const plain = record(1);
    // The first audible frame, made inaudible: the entry of media message 12.
    const at = Buffer.from(plain).indexOf('"chunk":"12"');
    const payload = Buffer.from(plain).indexOf('"payload":"', at) + '"payload":"'.length;
    plain.fill("/".charCodeAt(0), payload, payload + 100);
    const { status, output } = replay(plain, "--quiet");
    expect(output).toMatch(/^differs at input \d+ \(/);
    expect(status).toBe(1);
  });

  it("whose object was lost while it was written is replayed as far as it goes", () => {
    const plain = record(1);
    const { status, output } = replay(plain.subarray(0, plain.length - 100), "--quiet");
    expect(output).toContain("every effect the same");
    expect(status).toBe(0);
  });

  const escaped = (text: string) => text.replace(/[a-z]/, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
  it.each([
    ["as it is", (json: string) => json],
    ["with its name escaped", (json: string) => json.replace('"token"', escaped('"token"'))],
    ["with itself escaped", (json: string) => json.replace(TOKEN, escaped(TOKEN))],
    ["twice", (json: string) => json.replace('"token"', `"token":"${TOKEN}","${escaped("token")}"`)],
  ])("has no token that came %s, and replays", (_, written) => {
    const plain = Buffer.from(record(1, "full", (message) => written(JSON.stringify(message))));
    for (const part of ["ecret", "with-parts"]) expect(plain.includes(part)).toBe(false);
    expect(replay(plain, "--quiet").output).toContain("every effect the same");
  });

  it("that is redacted has nobody's words, and is read only", () => {
    const plain = Buffer.from(record(1, "redacted"));
    expect(plain.includes("payload")).toBe(false);
    expect(plain.includes("callId")).toBe(false);
    expect(plain.includes(SAID)).toBe(false);
    expect(Buffer.from(record(1)).includes(SAID)).toBe(true);
    const { status, output } = replay(plain);
    expect(output).toMatch(/\d+ inputs, redacted: read, not replayed/);
    for (const name of ["leg text", "9 headers", "9 chunk", "9 done", "65535 failed", "resource", "command"])
      expect(output).toContain(` ms ${name} `);
    expect(status).toBe(2);
  });

  it.each([
    ["something else", Buffer.from("not a record at all, but long enough")],
    ["of another version", Buffer.concat([Buffer.from("TLFLIGHT"), Buffer.from([9, 0, 0, 0, 1, 0, 0, 0])])],
    ["empty", Buffer.from(record(1).subarray(0, 16))],
  ])("that is %s is refused", (_, plain) => {
    expect(replay(plain).status).toBe(2);
  });

  const former = Buffer.concat([Buffer.from("TLFLIGHT"), Buffer.from([1, 0, 0, 0, 1, 0, 0, 0])]);
  const refusal =
    /^a flight record of format 1 \(ABI 1\); this build replays format 2 \(ABI 3\): use the release that wrote it$/m;

  it("of a former release is refused by name", () => {
    const { status, output } = replay(former);
    expect(output).toMatch(refusal);
    expect(status).toBe(2);
  });

  it("of a former release is refused by the command, too", async () => {
    const file = path.join(scratch, "former");
    writeFileSync(file, await packPart(0, new Uint8Array(former), undefined));
    const { status, stderr } = spawnSync("node", ["scripts/replay.ts", file], { cwd: root, encoding: "utf8" });
    expect(stderr).toMatch(refusal);
    expect(status).toBe(2);
  });
});

describe("a file of parts", () => {
  const parts = ["first", "second", ""].map((text) => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>);
  const pack = async (key?: string) => Buffer.concat(await Promise.all(parts.map((part, i) => packPart(i, part, key))));

  it.each([undefined, KEY])("opens to what was packed (key %s)", async (key) => {
    expect(Buffer.from(await openFlight(await pack(key), key)).toString()).toBe("firstsecond");
  });

  it("does not open without its key, with another, or in another order", async () => {
    const sealed = await pack(KEY);
    await expect(openFlight(sealed, undefined)).rejects.toThrow(FlightFileError);
    await expect(openFlight(sealed, KEY.replace("0", "1"))).rejects.toThrow(FlightFileError);
    const length = sealed.readUInt32LE(0) + 5;
    const swapped = Buffer.concat([sealed.subarray(length), sealed.subarray(0, length)]);
    await expect(openFlight(swapped, KEY)).rejects.toThrow(FlightFileError);
  });

  it.each([
    ["cut", async () => (await pack()).subarray(0, -1)],
    ["empty", async () => Buffer.alloc(0)],
    ["of another kind", async () => Buffer.from([0, 0, 0, 0, 9])],
    ["no gzip", async () => Buffer.from([3, 0, 0, 0, 0, 1, 2, 3])],
  ])("that is %s is an error", async (_, file) => {
    await expect(openFlight(await file(), undefined)).rejects.toThrow(FlightFileError);
  });

  it("is opened by the command", async () => {
    const file = path.join(scratch, "sealed");
    writeFileSync(file, await packPart(0, record(2), KEY));
    const output = execFileSync("node", ["scripts/replay.ts", "--quiet", "--key", KEY, file], {
      cwd: root,
      encoding: "utf8",
    });
    expect(output).toContain("every effect the same");
  });

  it("is one of several, whose worst decides", async () => {
    const [good, bad] = ["good", "bad"].map((name) => path.join(scratch, name));
    writeFileSync(good ?? "", await packPart(0, record(2), KEY));
    writeFileSync(bad ?? "", "no flight");
    const options = ["scripts/replay.ts", "--quiet", "--key", KEY, good ?? "", bad ?? ""];
    const { status, stdout } = spawnSync("node", options, { cwd: root, encoding: "utf8" });
    expect(stdout).toMatch(new RegExp(`^${good}:\\n\\d+ inputs, every effect the same\\n${bad}:\\n$`));
    expect(status).toBe(2);
  });
});
