import {
  type CoreExports,
  TL_ABI_VERSION,
  TL_EFFECT_AUTHORIZE,
  TL_EFFECT_CLOSE,
  TL_EFFECT_CONNECT,
  TL_EFFECT_DEADLINE,
  TL_EFFECT_ENDED,
  TL_EFFECT_EVENT,
  TL_EFFECT_RECORD,
  TL_EFFECT_SEND_BINARY,
  TL_EFFECT_SEND_TEXT,
  TL_ERR_ENDED,
  TL_ERR_INPUT,
  TL_INPUT_AUTHORIZED,
  TL_INPUT_COMMAND,
  TL_INPUT_SOCKET_BINARY,
  TL_INPUT_SOCKET_CLOSED,
  TL_INPUT_SOCKET_OPENED,
  TL_INPUT_SOCKET_OVERSIZE,
  TL_INPUT_SOCKET_TEXT,
  TL_INPUT_TIMER,
  TL_MAX_INPUT_BYTES,
  TL_OK,
  TL_PORT_AGENT,
  TL_PORT_LEG,
  TL_VERDICT_EXPIRED,
  TL_VERDICT_FOREIGN,
  TL_VERDICT_GRANTED,
  TL_VERDICT_MISSING,
  TL_VERDICT_USED,
} from "./abi.generated.ts";
import type { Port, Verdict } from "./boundary.ts";

/** What the core asks for; docs/boundary.md describes the JSON. Nothing in it refers to the core's memory. */
export type Effect =
  | { readonly type: "sendText"; readonly port: Port; readonly text: string }
  | { readonly type: "sendBinary"; readonly port: Port; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: "connect"; readonly port: Port; readonly request: string }
  | { readonly type: "close"; readonly port: Port; readonly code: number; readonly reason: string }
  /** `atUs` on the clock of the inputs; Infinity = none. */
  | { readonly type: "deadline"; readonly atUs: number }
  | { readonly type: "authorize"; readonly credentials: string }
  | { readonly type: "event"; readonly json: string }
  /** Whole Ogg pages; `granule` is the position at their end, samples at 48 kHz. */
  | { readonly type: "record"; readonly granule: number; readonly pages: Uint8Array<ArrayBuffer> }
  | { readonly type: "ended"; readonly summary: string };

/** Sees all that crosses the boundary. What it is given refers to the core's memory and is valid during the call only. */
export interface CoreWitness {
  /** `tag` as in trunkline.h; 0 is the configuration that the session is created from. */
  input(nowUs: number, tag: number, body: Uint8Array): void;
  /** Every record that the last input has left, as bytes. */
  effects(bytes: Uint8Array): void;
}

/** The instance trapped, broke the boundary's rules or refused what it must take; it is unusable. */
export class CoreTrapError extends Error {
  readonly code = "core_trap";
  override readonly name = "CoreTrapError";
}

/** The core does not take the configuration of a call. */
export class CoreConfigError extends Error {
  readonly code = "core_config";
  override readonly name = "CoreConfigError";
}

const PORT_NUMBERS: Readonly<Record<Port, number>> = { leg: TL_PORT_LEG, agent: TL_PORT_AGENT };

const VERDICT_NUMBERS: Readonly<Record<Verdict, number>> = {
  granted: TL_VERDICT_GRANTED,
  foreign: TL_VERDICT_FOREIGN,
  expired: TL_VERDICT_EXPIRED,
  used: TL_VERDICT_USED,
  missing: TL_VERDICT_MISSING,
};

const RECORD_HEADER_BYTES = 16;
/** u16 close code, u16 HTTP status. */
const CLOSED_HEADER_BYTES = 4;
/** An UTF-16 code unit becomes at most this many bytes of UTF-8. */
const MAX_BYTES_PER_CODE_UNIT = 3;
/** The high half of UINT64_MAX. */
const NEVER_HIGH = 0xffffffff;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function portOf(number: number): Port {
  if (number === TL_PORT_LEG) return "leg";
  if (number === TL_PORT_AGENT) return "agent";
  throw new CoreTrapError(`effect for port ${number}`);
}

/**
 * One session in one instance of the core.
 *
 * The contract: `create` or one input, then `drain`, then the next input. Times are whole microseconds on one clock that
 * starts anywhere and never goes back. Every method throws {@link CoreTrapError} when the instance is to be dropped.
 */
export class Core {
  readonly #exports: CoreExports;
  readonly #witness: CoreWitness | undefined;
  #session = 0;
  #inboxPointer = 0;

  /** Takes the exports of a fresh instance and initialises it. */
  constructor(exports: CoreExports, witness?: CoreWitness) {
    this.#exports = exports;
    this.#witness = witness;
    this.#guard(() => exports._initialize());
    const version = this.#guard(() => exports.tl_abi_version());
    if (version !== TL_ABI_VERSION)
      throw new CoreTrapError(`the module has boundary ${version}, not ${TL_ABI_VERSION}`);
  }

  /** Makes an instance of its own: a trap loses one call, and the memory goes with it. */
  static instantiate(module: WebAssembly.Module, witness?: CoreWitness): Core {
    return new Core(new WebAssembly.Instance(module, {}).exports as unknown as CoreExports, witness);
  }

  /**
   * Opens the session. `config` is the JSON of docs/boundary.md.
   *
   * @throws {CoreConfigError} if the core refuses it.
   */
  create(nowUs: number, config: string): void {
    const length = this.#writeText(config);
    if (length === undefined) throw new CoreConfigError("the configuration is too long");
    this.#show(nowUs, 0, length);
    this.#session = this.#guard(() => this.#exports.tl_session_create(BigInt(nowUs), length));
    if (this.#session === 0) throw new CoreConfigError("the core refuses the configuration");
  }

  /** Frees the session; nothing may follow. */
  destroy(): void {
    this.#guard(() => this.#exports.tl_session_destroy(this.#session));
    this.#session = 0;
  }

  socketOpened(nowUs: number, port: Port, subprotocol: string): void {
    const length = this.#writeText(subprotocol);
    if (length === undefined) throw new CoreTrapError("a subprotocol beyond all bounds");
    this.#input(nowUs, TL_INPUT_SOCKET_OPENED, port, length);
  }

  /** A text above TL_MAX_INPUT_BYTES is reported, not delivered; the same holds for bytes. */
  socketText(nowUs: number, port: Port, text: string): void {
    const length = this.#writeText(text);
    if (length === undefined) this.#oversize(nowUs, port, encoder.encode(text).length);
    else this.#input(nowUs, TL_INPUT_SOCKET_TEXT, port, length);
  }

  socketBinary(nowUs: number, port: Port, bytes: ArrayBuffer): void {
    if (bytes.byteLength > TL_MAX_INPUT_BYTES) {
      this.#oversize(nowUs, port, bytes.byteLength);
      return;
    }
    this.#inbox(bytes.byteLength).set(new Uint8Array(bytes));
    this.#input(nowUs, TL_INPUT_SOCKET_BINARY, port, bytes.byteLength);
  }

  /** `code` is 1006 without a close frame; `httpStatus` is 0 unless an upgrade was refused. */
  socketClosed(nowUs: number, port: Port, code: number, httpStatus: number, reason: string): void {
    const capacity = CLOSED_HEADER_BYTES + reason.length * MAX_BYTES_PER_CODE_UNIT;
    const inbox = this.#inbox(Math.min(capacity, TL_MAX_INPUT_BYTES));
    const view = new DataView(inbox.buffer, inbox.byteOffset, inbox.byteLength);
    view.setUint16(0, code, true);
    view.setUint16(2, httpStatus, true);
    const { written } = encoder.encodeInto(reason, inbox.subarray(CLOSED_HEADER_BYTES));
    this.#input(nowUs, TL_INPUT_SOCKET_CLOSED, port, CLOSED_HEADER_BYTES + written);
  }

  timer(nowUs: number): void {
    this.#input(nowUs, TL_INPUT_TIMER, "leg", 0);
  }

  /** Returns false, and nothing has changed, if the command is none or too long. */
  command(nowUs: number, json: string): boolean {
    const length = this.#writeText(json);
    if (length === undefined) return false;
    return this.#submit(nowUs, TL_INPUT_COMMAND, length) !== TL_ERR_INPUT;
  }

  authorized(nowUs: number, verdict: Verdict): void {
    this.#inbox(1)[0] = VERDICT_NUMBERS[verdict];
    this.#input(nowUs, TL_INPUT_AUTHORIZED, "leg", 1);
  }

  /**
   * Applies every queued effect in order and returns how many there were.
   *
   * Runs to completion without awaiting. `apply` must not feed an input.
   */
  drain(apply: (effect: Effect) => void): number {
    const [pointer, length] = this.#guard(() => [
      this.#exports.tl_effects(this.#session),
      this.#exports.tl_effects_len(this.#session),
    ]);
    this.#witness?.effects(new Uint8Array(this.#exports.memory.buffer as ArrayBuffer, pointer, length));
    if (length === 0) return 0;
    const count = decodeEffects(this.#exports.memory.buffer as ArrayBuffer, pointer, length, apply);
    this.#guard(() => this.#exports.tl_effects_consume(this.#session, length));
    return count;
  }

  /** Writes `text` to the inbox; returns its length in bytes, undefined if it does not fit. */
  #writeText(text: string): number | undefined {
    const inbox = this.#inbox(Math.min(text.length * MAX_BYTES_PER_CODE_UNIT, TL_MAX_INPUT_BYTES));
    const { read, written } = encoder.encodeInto(text, inbox);
    return read === text.length ? written : undefined;
  }

  /** A fresh view: memory that has grown has detached the former one. */
  #inbox(length: number): Uint8Array<ArrayBuffer> {
    const pointer = this.#guard(() => this.#exports.tl_inbox(length));
    if (pointer === 0) throw new CoreTrapError(`no inbox for ${length} bytes`);
    this.#inboxPointer = pointer;
    return new Uint8Array(this.#exports.memory.buffer as ArrayBuffer, pointer, length);
  }

  #oversize(nowUs: number, port: Port, length: number): void {
    const inbox = this.#inbox(8);
    new DataView(inbox.buffer, inbox.byteOffset, 8).setBigUint64(0, BigInt(length), true);
    this.#input(nowUs, TL_INPUT_SOCKET_OVERSIZE, port, 8);
  }

  #input(nowUs: number, kind: number, port: Port, length: number): void {
    const status = this.#submit(nowUs, (PORT_NUMBERS[port] << 16) | kind, length);
    if (status === TL_ERR_INPUT) throw new CoreTrapError(`the core refuses input ${kind}`);
  }

  /** An input that comes after the end is none; everything else that is refused is a fault of ours. */
  #submit(nowUs: number, tag: number, length: number): number {
    this.#show(nowUs, tag, length);
    const status = this.#guard(() => this.#exports.tl_session_input(this.#session, BigInt(nowUs), tag, length));
    if (status === TL_OK || status === TL_ERR_ENDED || status === TL_ERR_INPUT) return status;
    throw new CoreTrapError(`input ${tag & 0xffff} answered with status ${status}`);
  }

  #show(nowUs: number, tag: number, length: number): void {
    if (!this.#witness) return;
    const memory = this.#exports.memory.buffer as ArrayBuffer;
    this.#witness.input(nowUs, tag, new Uint8Array(memory, this.#inboxPointer, length));
  }

  #guard<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) throw new CoreTrapError(error.message, { cause: error });
      throw error;
    }
  }
}

/** Decodes the records of trunkline.h in `length` bytes at `pointer`; returns how many there were. */
function decodeEffects(memory: ArrayBuffer, pointer: number, length: number, apply: (effect: Effect) => void): number {
  if (pointer === 0 || pointer + length > memory.byteLength) throw new CoreTrapError("effects outside of the memory");
  const view = new DataView(memory, pointer, length);
  let count = 0;
  let offset = 0;
  while (offset < length) {
    if (length - offset < RECORD_HEADER_BYTES) throw new CoreTrapError("a record is cut short");
    const tag = view.getUint16(offset, true);
    if (tag === 0) break;
    const bodyLength = view.getUint32(offset + 4, true);
    const body = offset + RECORD_HEADER_BYTES;
    if (bodyLength > length - body) throw new CoreTrapError("a record's body is cut short");
    const low = view.getUint32(offset + 8, true);
    const high = view.getUint32(offset + 12, true);
    apply(decodeEffect(tag, low, high, new Uint8Array(memory, pointer + body, bodyLength)));
    count++;
    offset = body + ((bodyLength + 7) & ~7);
  }
  return count;
}

/** `low` and `high` are the halves of the record's argument. */
function decodeEffect(tag: number, low: number, high: number, body: Uint8Array<ArrayBuffer>): Effect {
  switch (tag) {
    case TL_EFFECT_SEND_TEXT:
      return { type: "sendText", port: portOf(low), text: decoder.decode(body) };
    case TL_EFFECT_SEND_BINARY:
      return { type: "sendBinary", port: portOf(low), bytes: body.slice() };
    case TL_EFFECT_CONNECT:
      return { type: "connect", port: portOf(low), request: decoder.decode(body) };
    case TL_EFFECT_CLOSE:
      return { type: "close", port: portOf(low), code: high, reason: decoder.decode(body) };
    case TL_EFFECT_DEADLINE:
      return { type: "deadline", atUs: high === NEVER_HIGH ? Number.POSITIVE_INFINITY : high * 2 ** 32 + low };
    case TL_EFFECT_AUTHORIZE:
      return { type: "authorize", credentials: decoder.decode(body) };
    case TL_EFFECT_EVENT:
      return { type: "event", json: decoder.decode(body) };
    case TL_EFFECT_RECORD:
      return { type: "record", granule: high * 2 ** 32 + low, pages: body.slice() };
    case TL_EFFECT_ENDED:
      return { type: "ended", summary: decoder.decode(body) };
    default:
      throw new CoreTrapError(`unknown effect ${tag}`);
  }
}
