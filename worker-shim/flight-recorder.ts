import {
  TL_ABI_VERSION,
  TL_INPUT_COMMAND,
  TL_INPUT_HTTP_CHUNK,
  TL_INPUT_RESOURCE,
  TL_INPUT_SOCKET_BINARY,
  TL_INPUT_SOCKET_TEXT,
} from "./abi.generated.ts";
import type { CoreWitness } from "./core.ts";

/** docs/replay.md describes the format. */
export const FLIGHT_VERSION = 2;
const MAGIC = "TLFLIGHT";
const HEADER_BYTES = 16;
const ENTRY_BYTES = 24;
/** Set in the tag of an entry whose body was left out. */
const REDACTED = 0x8000;

/** Inputs whose bodies have what somebody said or is: the configuration, messages, responses, commands, resources. */
const PERSONAL: readonly number[] = [
  0,
  TL_INPUT_SOCKET_TEXT,
  TL_INPUT_SOCKET_BINARY,
  TL_INPUT_COMMAND,
  TL_INPUT_HTTP_CHUNK,
  TL_INPUT_RESOURCE,
];

/** What is held in memory before it is handed on; more than that is taken early. */
export const MAX_CHUNK_BYTES = 256 * 1024;

/** full: what can be replayed. redacted: no word and no sample of anybody, only what came when. */
export type FlightContent = "full" | "redacted";

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let crc = i;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  return crc;
});

/** CRC-32 as of zlib. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}

const latin1 = new TextDecoder("latin1");
const TOKEN = /"token"\s*:\s*"([^"\\]*)"/g;
/** What needs no escapes: a token of ours is no other. */
const PLAIN = /^[\w.~-]+$/;

/** Overwrites what a stream brought as its token with as many `x`: the core reads it, and does not look inside. */
function maskTokens(bytes: Uint8Array): void {
  for (const match of latin1.decode(bytes).matchAll(TOKEN)) {
    const length = match[1]?.length ?? 0;
    const end = match.index + match[0].length - 1;
    bytes.fill(0x78, end - length, end);
  }
}

/** The same for a message, in which escapes may hide the name or a part of the value: then it is written anew. */
function withoutTokens(message: Uint8Array): Uint8Array {
  const bytes = message.slice();
  maskTokens(bytes);
  // No other escape stands for a character of a name or a value that is masked.
  if (!latin1.decode(bytes).includes("\\u")) return bytes;
  let found = false;
  const mask = (key: string, value: unknown) => {
    if (key !== "token" || typeof value !== "string" || !PLAIN.test(value)) return value;
    found = true;
    return "x".repeat(value.length);
  };
  try {
    const masked = JSON.stringify(JSON.parse(new TextDecoder().decode(bytes), mask));
    return found ? new TextEncoder().encode(masked) : bytes;
  } catch {
    // The core finds no token in it either.
    return bytes;
  }
}

/**
 * Keeps every input of a session and a check value of what the core made of it, so that the call can be run again.
 *
 * The core is a function of its inputs: this is the whole call. A token is masked before anything is kept, in the
 * input and in the effect that repeats it; no other secret enters the core.
 */
export class FlightRecorder implements CoreWitness {
  readonly #content: FlightContent;
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  #entry: Uint8Array<ArrayBuffer> | undefined;

  constructor(content: FlightContent) {
    this.#content = content;
    const header = new Uint8Array(HEADER_BYTES);
    new TextEncoder().encodeInto(MAGIC, header);
    const view = new DataView(header.buffer);
    view.setUint32(8, FLIGHT_VERSION, true);
    view.setUint32(12, TL_ABI_VERSION, true);
    this.#keep(header);
  }

  input(nowUs: number, tag: number, body: Uint8Array): void {
    const kind = tag & 0xffff;
    const redacted = this.#content === "redacted";
    let kept = redacted && PERSONAL.includes(kind) ? body.subarray(0, 0) : body;
    if (kind === TL_INPUT_SOCKET_TEXT) kept = withoutTokens(kept);
    const entry = new Uint8Array(ENTRY_BYTES + kept.length);
    entry.set(kept, ENTRY_BYTES);
    const view = new DataView(entry.buffer);
    view.setUint32(0, kept.length, true);
    view.setUint32(4, redacted ? (tag | REDACTED) >>> 0 : tag, true);
    view.setBigUint64(8, BigInt(nowUs), true);
    this.#entry = entry;
  }

  effects(bytes: Uint8Array): void {
    const entry = this.#entry;
    if (!entry) return;
    this.#entry = undefined;
    const masked = bytes.slice();
    maskTokens(masked);
    const view = new DataView(entry.buffer);
    view.setUint32(16, masked.length, true);
    view.setUint32(20, crc32(masked), true);
    this.#keep(entry);
  }

  /** Bytes that wait to be taken. */
  get waiting(): number {
    return this.#bytes;
  }

  /** What has come since the last time; entries are whole. */
  take(): Uint8Array<ArrayBuffer> {
    const chunk = new Uint8Array(this.#bytes);
    let offset = 0;
    for (const part of this.#parts) {
      chunk.set(part, offset);
      offset += part.length;
    }
    this.#parts = [];
    this.#bytes = 0;
    return chunk;
  }

  #keep(part: Uint8Array<ArrayBuffer>): void {
    this.#parts.push(part);
    this.#bytes += part.length;
  }
}
