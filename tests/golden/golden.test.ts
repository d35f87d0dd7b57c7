// The golden transcripts on the module that TRUNKLINE_WASM names. golden_test.cc describes the format and runs the same
// files on the native core; this is its twin in another language, sharing no code.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodeMulaw } from "../simulators/audio/mulaw.ts";

const TEXT = 1;
const CONNECT = 3;
const CLOSE = 4;
const DEADLINE = 5;
const AUTHORIZE = 6;
const EVENT = 7;
const ENDED = 8;
const RECORD = 9;
const FETCH = 10;
const FETCH_ABORT = 11;
const FETCH_CREDIT = 12;
const LOAD_RESOURCE = 13;
const COMMAND_RESULT = 14;
const SNAPSHOT = 15;
const NEVER = 0xffff_ffff_ffff_ffffn;

// The Worker's types know no constructors: there only the runtime compiles.
const Module = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;
const Instance = WebAssembly.Instance as unknown as new (
  module: WebAssembly.Module,
  imports: object,
) => { exports: unknown };

interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  tl_inbox(length: number): number;
  tl_session_create(nowUs: bigint, length: number): number;
  tl_session_destroy(session: number): void;
  tl_session_input(session: number, nowUs: bigint, tag: number, length: number): number;
  tl_effects(session: number): number;
  tl_effects_len(session: number): number;
  tl_effects_consume(session: number, length: number): void;
}

const path = process.env["TRUNKLINE_WASM"];
if (path === undefined) throw new Error("TRUNKLINE_WASM names the module");
const module = new Module(readFileSync(path));
function lengthAndHash(body: Buffer): string {
  let hash = 14695981039346656037n;
  for (const byte of body) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 1099511628211n);
  return ` ~${body.length} ${hash.toString(16).padStart(16, "0")}`;
}

function show(body: Buffer): string {
  if (body.length <= 160) return body.toString("utf8");
  return body.subarray(0, 60).toString("utf8") + lengthAndHash(body);
}

function voice(n: number): number {
  const triangle = (at: number, period: number) => {
    const x = Math.floor(((at % period) * 4096) / period);
    return x < 2048 ? x - 1024 : 3072 - x;
  };
  const random = (Math.imul(n, 1664525) + 1013904223) >>> 0;
  const noise = (random >>> 22) - 512;
  const syllable = 4 + Math.trunc(triangle(n, 1280) / 512);
  const sum = 4 * triangle(n, 64) + 3 * triangle(n, 13) + 2 * triangle(n, 5) + Math.trunc(noise / 2);
  return Math.trunc((sum * syllable) / 6);
}

/** The first word, and what follows it. */
function split(text: string): [string, string] {
  const space = text.indexOf(" ");
  return space < 0 ? [text, ""] : [text.slice(0, space), text.slice(space + 1)];
}

/** A 16-bit number of a body. */
function two(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

class Transcript {
  readonly #core = new Instance(module, {}).exports as Exports;
  #session = 0;
  #deadlineUs = NEVER;
  #sequence = 1;
  #voiced = 0;
  #effects = "";

  run(inputs: string): string {
    this.#core._initialize();
    for (const line of inputs.split("\n")) {
      const match = /^(\d+) (\w+) ?(.*)$/.exec(line);
      if (match) this.#apply(BigInt(match[1] ?? 0) * 1000n, match[2] ?? "", match[3] ?? "");
    }
    this.#core.tl_session_destroy(this.#session);
    return this.#effects;
  }

  #apply(atUs: bigint, verb: string, rest: string): void {
    if (verb === "create") {
      this.#session = this.#core.tl_session_create(atUs, this.#fill(Buffer.from(rest)));
      expect(this.#session).not.toBe(0);
      this.#drain(atUs);
      return;
    }
    if (verb === "frames") {
      const [kind, count] = rest.split(" ");
      for (let i = 0; i < Number(count); i++) {
        this.#sequence++;
        if (kind !== "lost") this.#input(atUs + BigInt(i) * 20_000n, 2, Buffer.from(this.#media(kind === "speech")));
      }
      return;
    }
    if (verb === "command") {
      this.#input(atUs, 7, Buffer.from(rest));
      return;
    }
    if (verb === "authorized") {
      this.#input(atUs, 8, Buffer.from([Number(rest)]));
      return;
    }
    const [name, tail] = split(rest);
    if (verb === "resource") {
      this.#input(atUs, 13, Buffer.concat([Buffer.from([1, 0]), two(name.length), Buffer.from(name + tail)]));
      return;
    }
    const channel = (name === "leg" ? 0 : Number(name)) << 16;
    const [first, second] = split(tail);
    if (verb === "opened") this.#input(atUs, 1 | channel, Buffer.alloc(0));
    else if (verb === "text") this.#input(atUs, 2 | channel, Buffer.from(tail));
    else if (verb === "binary") this.#input(atUs, 3 | channel, Buffer.from(tail));
    else if (verb === "closed") this.#input(atUs, 4 | channel, Buffer.concat([two(Number(tail)), two(0)]));
    else if (verb === "headers")
      this.#input(atUs, 9 | channel, Buffer.concat([two(Number(first)), two(0), Buffer.from(second)]));
    else if (verb === "chunk") this.#input(atUs, 10 | channel, Buffer.from(tail));
    else if (verb === "done") this.#input(atUs, 11 | channel, Buffer.alloc(0));
    else if (verb === "failed")
      this.#input(atUs, 12 | channel, Buffer.concat([Buffer.from([Number(first)]), Buffer.from(second)]));
    else throw new Error(`unknown input: ${verb}`);
  }

  #media(speech: boolean): string {
    const samples = new Int16Array(160);
    if (speech) for (let i = 0; i < 160; i++) samples[i] = voice(this.#voiced++);
    return (
      `{"event":"media","sequenceNumber":"${this.#sequence}","streamSid":"MZ1","media":{"track":"inbound",` +
      `"chunk":"1","timestamp":"${this.#sequence * 20}","payload":"${Buffer.from(encodeMulaw(samples)).toString("base64")}"}}`
    );
  }

  #fill(body: Buffer): number {
    const at = this.#core.tl_inbox(body.length);
    new Uint8Array(this.#core.memory.buffer).set(body, at);
    return body.length;
  }

  #input(nowUs: bigint, tag: number, body: Buffer): void {
    while (this.#deadlineUs <= nowUs) {
      const due = this.#deadlineUs;
      this.#deadlineUs = NEVER;
      this.#feed(due, 6, Buffer.alloc(0));
    }
    this.#feed(nowUs, tag, body);
  }

  #feed(nowUs: bigint, tag: number, body: Buffer): void {
    const status = this.#core.tl_session_input(this.#session, nowUs, tag, this.#fill(body));
    if (status < 0) this.#effects += `${nowUs / 1000n} status ${status}\n`;
    this.#drain(nowUs);
  }

  #drain(nowUs: bigint): void {
    const length = this.#core.tl_effects_len(this.#session);
    const bytes = Buffer.from(this.#core.memory.buffer, this.#core.tl_effects(this.#session), length);
    for (let at = 0; at < length; ) {
      const tag = bytes.readUInt16LE(at);
      const size = bytes.readUInt32LE(at + 4);
      const arg = bytes.readBigUInt64LE(at + 8);
      const body = bytes.subarray(at + 16, at + 16 + size);
      const low = arg & 0xffff_ffffn;
      const channel = low === 0n ? "leg" : low;
      at += 16 + Math.ceil(size / 8) * 8;
      let line = `tag ${tag}`;
      if (tag === TEXT) line = `text ${channel} ${show(body)}`;
      else if (tag === CONNECT) line = `connect ${channel} ${body}`;
      else if (tag === CLOSE) line = `close ${channel} ${arg >> 32n} ${body}`;
      else if (tag === FETCH) {
        const json = 4 + body.readUInt32LE(0);
        line = `fetch ${channel} ${body.subarray(4, json)} ${lengthAndHash(body.subarray(json))}`;
      } else if (tag === FETCH_ABORT) line = `abort ${channel}`;
      else if (tag === FETCH_CREDIT) line = `credit ${channel} ${arg >> 32n}`;
      else if (tag === LOAD_RESOURCE) line = `load ${body}`;
      else if (tag === COMMAND_RESULT) line = `result ${body}`;
      else if (tag === SNAPSHOT) line = `snapshot ${show(body)}`;
      else if (tag === DEADLINE) {
        this.#deadlineUs = arg;
        line = `deadline ${arg === NEVER ? "none" : arg / 1000n}`;
      } else if (tag === AUTHORIZE) line = `authorize ${body}`;
      else if (tag === EVENT) line = `event ${show(body)}`;
      else if (tag === RECORD) line = `record ${arg}${lengthAndHash(body)}`;
      else if (tag === ENDED) line = `ended ${show(body)}`;
      this.#effects += `${nowUs / 1000n} ${line}\n`;
    }
    this.#core.tl_effects_consume(this.#session, length);
  }
}

function block(text: string, name: string): string {
  return new RegExp(`\`\`\`${name}\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] ?? "";
}

const folder = new URL(".", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".md"));

describe(`golden transcripts on ${path}`, () => {
  it.each(names)("%s", (name) => {
    const text = readFileSync(new URL(name, folder), "utf8");
    const inputs = block(text, "inputs");
    expect(inputs).not.toBe("");
    expect(new Transcript().run(inputs)).toBe(block(text, "effects"));
  });
});
