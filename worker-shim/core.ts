import {
  type CoreExports,
  TL_ABI_VERSION,
  TL_EFFECT_AUTHORIZE,
  TL_EFFECT_CLOSE,
  TL_EFFECT_COMMAND_RESULT,
  TL_EFFECT_CONNECT,
  TL_EFFECT_DEADLINE,
  TL_EFFECT_ENDED,
  TL_EFFECT_EVENT,
  TL_EFFECT_FETCH,
  TL_EFFECT_FETCH_ABORT,
  TL_EFFECT_FETCH_CREDIT,
  TL_EFFECT_LOAD_RESOURCE,
  TL_EFFECT_RECORD,
  TL_EFFECT_SEND_BINARY,
  TL_EFFECT_SEND_TEXT,
  TL_EFFECT_SNAPSHOT,
  TL_ERR_ENDED,
  TL_HTTP_FAILED_NETWORK,
  TL_HTTP_FAILED_REFUSED,
  TL_HTTP_FAILED_TIMEOUT,
  TL_HTTP_FAILED_TOO_LARGE,
  TL_HTTP_FAILED_UPSTREAM,
  TL_INPUT_AUTHORIZED,
  TL_INPUT_COMMAND,
  TL_INPUT_HTTP_CHUNK,
  TL_INPUT_HTTP_DONE,
  TL_INPUT_HTTP_FAILED,
  TL_INPUT_HTTP_HEADERS,
  TL_INPUT_RESOURCE,
  TL_INPUT_SOCKET_BINARY,
  TL_INPUT_SOCKET_CLOSED,
  TL_INPUT_SOCKET_OPENED,
  TL_INPUT_SOCKET_OVERSIZE,
  TL_INPUT_SOCKET_TEXT,
  TL_INPUT_TIMER,
  TL_MAX_INPUT_BYTES,
  TL_VERDICT_EXPIRED,
  TL_VERDICT_FOREIGN,
  TL_VERDICT_GRANTED,
  TL_VERDICT_MISSING,
  TL_VERDICT_USED,
} from "./abi.generated.ts";
import type { HttpFailure, Verdict } from "./boundary.ts";

/**
 * What the core asks for, a method each: fifty times a second there is no object of an effect to make.
 *
 * docs/boundary.md describes the JSON. Nothing that is handed over refers to the core's memory. None of them may feed an
 * input.
 */
export interface EffectHandler {
  sendText(channel: number, text: string): void;
  sendBinary(channel: number, bytes: Uint8Array<ArrayBuffer>): void;
  connect(channel: number, request: string): void;
  close(channel: number, code: number, reason: string): void;
  fetch(channel: number, request: string, body: Uint8Array<ArrayBuffer>): void;
  fetchAbort(channel: number): void;
  /** `bytes` more of the response have been used up. */
  fetchCredit(channel: number, bytes: number): void;
  loadResource(name: string): void;
  /** `atUs` on the clock of the inputs; Infinity = none. */
  deadline(atUs: number): void;
  authorize(credentials: string): void;
  commandResult(result: string): void;
  event(json: string): void;
  /** Whole Ogg pages; `granule` is the position at their end, samples at 48 kHz. */
  record(granule: number, pages: Uint8Array<ArrayBuffer>): void;
  snapshot(text: string): void;
  ended(summary: string): void;
}

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

const VERDICT_NUMBERS: Readonly<Record<Verdict, number>> = {
  granted: TL_VERDICT_GRANTED,
  foreign: TL_VERDICT_FOREIGN,
  expired: TL_VERDICT_EXPIRED,
  used: TL_VERDICT_USED,
  missing: TL_VERDICT_MISSING,
};

const FAILURE_NUMBERS: Readonly<Record<HttpFailure, number>> = {
  upstream: TL_HTTP_FAILED_UPSTREAM,
  network: TL_HTTP_FAILED_NETWORK,
  timeout: TL_HTTP_FAILED_TIMEOUT,
  tooLarge: TL_HTTP_FAILED_TOO_LARGE,
  refused: TL_HTTP_FAILED_REFUSED,
};

const RECORD_HEADER_BYTES = 16;
/** u16 close code, u16 HTTP status. */
const CLOSED_HEADER_BYTES = 4;
/** u16 status, u16 0. */
const HTTP_HEADER_BYTES = 4;
/** u8 found, u8 0, u16 length of the name. */
const RESOURCE_HEADER_BYTES = 4;
/** The longest name and resource that one input holds. */
export const MAX_RESOURCE_BYTES = TL_MAX_INPUT_BYTES - RESOURCE_HEADER_BYTES;
const MAX_CHANNEL = 0xffff;
/** An UTF-16 code unit becomes at most this many bytes of UTF-8. */
const MAX_BYTES_PER_CODE_UNIT = 3;
/** Code units up to which a text is tried as ASCII. */
const SHORT_TEXT = 1024;
const MAX_ASCII = 0x7f;
/** The high half of UINT64_MAX. */
const NEVER_HIGH = 0xffffffff;
const TWO_32 = 2 ** 32;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NO_BUFFER = new ArrayBuffer(0);

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
  /** Views of the memory as it was last; they are made anew when it has grown. */
  #buffer = NO_BUFFER;
  #view = new DataView(NO_BUFFER);
  #bytes = new Uint8Array(NO_BUFFER);
  readonly #inboxPointer: number;
  #inboxBytes = new Uint8Array(NO_BUFFER);
  /** Bytes of effects that the last input has left; undefined where that has to be asked for. */
  #waiting: number | undefined;

  /** Takes the exports of a fresh instance and initialises it. */
  constructor(exports: CoreExports, witness?: CoreWitness) {
    this.#exports = exports;
    this.#witness = witness;
    const version = guard(() => {
      exports._initialize();
      return exports.tl_abi_version();
    });
    if (version !== TL_ABI_VERSION)
      throw new CoreTrapError(`the module has boundary ${version}, not ${TL_ABI_VERSION}`);
    this.#inboxPointer = guard(() => exports.tl_inbox(TL_MAX_INPUT_BYTES));
    if (this.#inboxPointer === 0) throw new CoreTrapError("the module has no inbox");
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
    this.#session = guard(() => this.#exports.tl_session_create(BigInt(nowUs), length));
    if (this.#session === 0) throw new CoreConfigError("the core refuses the configuration");
  }

  /** Frees the session; nothing may follow. */
  destroy(): void {
    guard(() => this.#exports.tl_session_destroy(this.#session));
    this.#session = 0;
  }

  socketOpened(nowUs: number, channel: number, subprotocol: string): void {
    const length = this.#writeText(subprotocol);
    if (length === undefined) throw new CoreTrapError("a subprotocol beyond all bounds");
    this.#submit(nowUs, TL_INPUT_SOCKET_OPENED, channel, length);
  }

  /** A text above TL_MAX_INPUT_BYTES is reported, not delivered; the same holds for bytes. */
  socketText(nowUs: number, channel: number, text: string): void {
    const length = this.#writeText(text);
    if (length === undefined) this.#oversize(nowUs, channel, encoder.encode(text).length);
    else this.#submit(nowUs, TL_INPUT_SOCKET_TEXT, channel, length);
  }

  socketBinary(nowUs: number, channel: number, bytes: ArrayBuffer): void {
    if (bytes.byteLength > TL_MAX_INPUT_BYTES) {
      this.#oversize(nowUs, channel, bytes.byteLength);
      return;
    }
    this.#inbox(bytes.byteLength).set(new Uint8Array(bytes));
    this.#submit(nowUs, TL_INPUT_SOCKET_BINARY, channel, bytes.byteLength);
  }

  /** `code` is 1006 without a close frame; `httpStatus` is 0 unless an upgrade was refused. */
  socketClosed(nowUs: number, channel: number, code: number, httpStatus: number, reason: string): void {
    const length = CLOSED_HEADER_BYTES + this.#writeAt(CLOSED_HEADER_BYTES, reason);
    this.#view.setUint16(this.#inboxPointer, code, true);
    this.#view.setUint16(this.#inboxPointer + 2, httpStatus, true);
    this.#submit(nowUs, TL_INPUT_SOCKET_CLOSED, channel, length);
  }

  /** `headers` by their lower-case names. */
  httpHeaders(nowUs: number, channel: number, status: number, headers: Readonly<Record<string, string>>): void {
    const length = HTTP_HEADER_BYTES + this.#writeAt(HTTP_HEADER_BYTES, JSON.stringify(headers));
    this.#view.setUint16(this.#inboxPointer, status, true);
    this.#view.setUint16(this.#inboxPointer + 2, 0, true);
    this.#submit(nowUs, TL_INPUT_HTTP_HEADERS, channel, length);
  }

  /** At most TL_MAX_INPUT_BYTES. */
  httpChunk(nowUs: number, channel: number, bytes: Uint8Array): void {
    this.#inbox(bytes.length).set(bytes);
    this.#submit(nowUs, TL_INPUT_HTTP_CHUNK, channel, bytes.length);
  }

  httpDone(nowUs: number, channel: number): void {
    this.#submit(nowUs, TL_INPUT_HTTP_DONE, channel, 0);
  }

  httpFailed(nowUs: number, channel: number, failure: HttpFailure, reason: string): void {
    const length = 1 + this.#writeAt(1, reason);
    this.#view.setUint8(this.#inboxPointer, FAILURE_NUMBERS[failure]);
    this.#submit(nowUs, TL_INPUT_HTTP_FAILED, channel, length);
  }

  /** `bytes`, at most MAX_RESOURCE_BYTES with the name; undefined if there is no such resource. */
  resource(nowUs: number, name: string, bytes: Uint8Array | undefined): void {
    const nameLength = this.#writeAt(RESOURCE_HEADER_BYTES, name);
    const length = RESOURCE_HEADER_BYTES + nameLength + (bytes?.length ?? 0);
    const inbox = this.#inbox(length);
    this.#view.setUint8(this.#inboxPointer, bytes ? 1 : 0);
    this.#view.setUint8(this.#inboxPointer + 1, 0);
    this.#view.setUint16(this.#inboxPointer + 2, nameLength, true);
    if (bytes) inbox.set(bytes, RESOURCE_HEADER_BYTES + nameLength);
    this.#submit(nowUs, TL_INPUT_RESOURCE, 0, length);
  }

  timer(nowUs: number): void {
    this.#submit(nowUs, TL_INPUT_TIMER, 0, 0);
  }

  /** `json`: {"id","source","command"}. Returns false, and nothing has changed, if it is too long. */
  command(nowUs: number, json: string): boolean {
    const length = this.#writeText(json);
    if (length === undefined) return false;
    this.#submit(nowUs, TL_INPUT_COMMAND, 0, length);
    return true;
  }

  authorized(nowUs: number, verdict: Verdict): void {
    this.#inbox(1)[0] = VERDICT_NUMBERS[verdict];
    this.#submit(nowUs, TL_INPUT_AUTHORIZED, 0, 1);
  }

  /**
   * Applies every queued effect in order and returns how many there were.
   *
   * Runs to completion without awaiting. `handler` must not feed an input.
   */
  drain(handler: EffectHandler): number {
    let pointer = 0;
    let length = this.#waiting;
    this.#waiting = undefined;
    try {
      length ??= this.#exports.tl_effects_len(this.#session);
      if (length > 0) pointer = this.#exports.tl_effects(this.#session);
    } catch (error) {
      throw trapOf(error);
    }
    if (this.#bytes.length === 0) this.#refresh();
    this.#witness?.effects(this.#bytes.subarray(pointer, pointer + length));
    if (length === 0) return 0;
    const count = this.#decode(pointer, length, handler);
    try {
      this.#exports.tl_effects_consume(this.#session, length);
    } catch (error) {
      throw trapOf(error);
    }
    return count;
  }

  /** Writes `text` to the inbox; returns its length in bytes, undefined if it does not fit. */
  #writeText(text: string): number | undefined {
    if (text.length <= SHORT_TEXT && this.#writeAscii(text)) return text.length;
    const inbox = this.#inbox(Math.min(text.length * MAX_BYTES_PER_CODE_UNIT, TL_MAX_INPUT_BYTES));
    const { read, written } = encoder.encodeInto(text, inbox);
    return read === text.length ? written : undefined;
  }

  /** For a message of 20 ms, which is ASCII, a loop costs less than the encoder. Returns false if `text` is not. */
  #writeAscii(text: string): boolean {
    const inbox = this.#inbox(text.length);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > MAX_ASCII) return false;
      inbox[i] = unit;
    }
    return true;
  }

  /** Writes `text` behind the first `offset` bytes of the inbox, which are the caller's; returns its length in bytes. */
  #writeAt(offset: number, text: string): number {
    const length = Math.min(offset + text.length * MAX_BYTES_PER_CODE_UNIT, TL_MAX_INPUT_BYTES);
    return encoder.encodeInto(text, this.#inbox(length).subarray(offset)).written;
  }

  /** The inbox as a view that is at least `length` bytes long, which is at most TL_MAX_INPUT_BYTES. */
  #inbox(length: number): Uint8Array<ArrayBuffer> {
    if (length > TL_MAX_INPUT_BYTES) throw new CoreTrapError(`no inbox for ${length} bytes`);
    if (this.#bytes.length === 0) this.#refresh();
    return this.#inboxBytes;
  }

  /** Makes the views, the first time and when memory that has grown has detached the former ones. */
  #refresh(): void {
    const buffer = this.#exports.memory.buffer as ArrayBuffer;
    this.#buffer = buffer;
    this.#view = new DataView(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#inboxBytes = this.#bytes.subarray(this.#inboxPointer, this.#inboxPointer + TL_MAX_INPUT_BYTES);
  }

  #oversize(nowUs: number, channel: number, length: number): void {
    this.#inbox(8);
    this.#view.setUint32(this.#inboxPointer, length % TWO_32, true);
    this.#view.setUint32(this.#inboxPointer + 4, Math.floor(length / TWO_32), true);
    this.#submit(nowUs, TL_INPUT_SOCKET_OVERSIZE, channel, 8);
  }

  /** An input that comes after the end is none; everything else that is refused is a fault of ours. */
  #submit(nowUs: number, kind: number, channel: number, length: number): void {
    const tag = (channel << 16) | kind;
    this.#show(nowUs, tag, length);
    let status = 0;
    try {
      status = this.#exports.tl_session_input(this.#session, BigInt(nowUs), tag, length);
    } catch (error) {
      throw trapOf(error);
    }
    if (status < 0 && status !== TL_ERR_ENDED) throw new CoreTrapError(`input ${kind} answered with status ${status}`);
    this.#waiting = Math.max(status, 0);
  }

  #show(nowUs: number, tag: number, length: number): void {
    if (!this.#witness) return;
    // Unsigned, as the header has it.
    this.#witness.input(nowUs, tag >>> 0, this.#bytes.subarray(this.#inboxPointer, this.#inboxPointer + length));
  }

  /** Decodes the records of trunkline.h in `length` bytes at `pointer`; returns how many there were. */
  #decode(pointer: number, length: number, handler: EffectHandler): number {
    const end = pointer + length;
    if (pointer === 0 || end > this.#buffer.byteLength) throw new CoreTrapError("effects outside of the memory");
    const view = this.#view;
    let count = 0;
    for (let at = pointer; at < end; count++) {
      if (end - at < RECORD_HEADER_BYTES) throw new CoreTrapError("a record is cut short");
      const tag = view.getUint16(at, true);
      if (tag === 0) break;
      const bodyLength = view.getUint32(at + 4, true);
      const body = at + RECORD_HEADER_BYTES;
      if (bodyLength > end - body) throw new CoreTrapError("a record's body is cut short");
      this.#apply(tag, view.getUint32(at + 8, true), view.getUint32(at + 12, true), body, bodyLength, handler);
      at = body + ((bodyLength + 7) & ~7);
    }
    return count;
  }

  /** `low` and `high` are the halves of the record's argument; the body lies in the memory. */
  #apply(tag: number, low: number, high: number, body: number, length: number, handler: EffectHandler): void {
    switch (tag) {
      case TL_EFFECT_SEND_TEXT:
        handler.sendText(channelOf(low), this.#text(body, length));
        return;
      case TL_EFFECT_SEND_BINARY:
        handler.sendBinary(channelOf(low), this.#copy(body, length));
        return;
      case TL_EFFECT_CONNECT:
        handler.connect(channelOf(low), this.#text(body, length));
        return;
      case TL_EFFECT_CLOSE:
        handler.close(channelOf(low), high, this.#text(body, length));
        return;
      case TL_EFFECT_DEADLINE:
        handler.deadline(high === NEVER_HIGH ? Number.POSITIVE_INFINITY : high * TWO_32 + low);
        return;
      case TL_EFFECT_AUTHORIZE:
        handler.authorize(this.#text(body, length));
        return;
      case TL_EFFECT_EVENT:
        handler.event(this.#text(body, length));
        return;
      case TL_EFFECT_RECORD:
        handler.record(high * TWO_32 + low, this.#copy(body, length));
        return;
      case TL_EFFECT_ENDED:
        handler.ended(this.#text(body, length));
        return;
      case TL_EFFECT_FETCH: {
        const json = length < 4 ? Number.POSITIVE_INFINITY : this.#view.getUint32(body, true);
        if (json > length - 4) throw new CoreTrapError("a request is cut short");
        const request = this.#text(body + 4, json);
        handler.fetch(channelOf(low), request, this.#copy(body + 4 + json, length - 4 - json));
        return;
      }
      case TL_EFFECT_FETCH_ABORT:
        handler.fetchAbort(channelOf(low));
        return;
      case TL_EFFECT_FETCH_CREDIT:
        handler.fetchCredit(channelOf(low), high);
        return;
      case TL_EFFECT_LOAD_RESOURCE:
        handler.loadResource(this.#text(body, length));
        return;
      case TL_EFFECT_COMMAND_RESULT:
        handler.commandResult(this.#text(body, length));
        return;
      case TL_EFFECT_SNAPSHOT:
        handler.snapshot(this.#text(body, length));
        return;
      default:
        throw new CoreTrapError(`unknown effect ${tag}`);
    }
  }

  #text(at: number, length: number): string {
    return decoder.decode(this.#bytes.subarray(at, at + length));
  }

  #copy(at: number, length: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(at, at + length);
  }
}

function channelOf(number: number): number {
  if (number > MAX_CHANNEL) throw new CoreTrapError(`effect for channel ${number}`);
  return number;
}

/** What `error` means to whoever holds the instance. */
function trapOf(error: unknown): unknown {
  return error instanceof WebAssembly.RuntimeError ? new CoreTrapError(error.message, { cause: error }) : error;
}

function guard<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw trapOf(error);
  }
}
