import type { HttpFailure, Verdict } from "./boundary.ts";

/** What the sockets of the platform have in common with those of the tests. */
export interface PeerSocket {
  binaryType: "blob" | "arraybuffer";
  accept(): void;
  send(message: string | ArrayBuffer | ArrayBufferView): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  addEventListener(type: "error", listener: (event: unknown) => void): void;
}

/**
 * What the outside may tell a session. None of it throws.
 *
 * A port never calls back from inside of one of its own methods: an input while effects are being applied would break
 * the core's contract. What it knows at once it tells in a later task.
 */
export interface SessionInputs {
  onSocketOpened(channel: number, subprotocol: string): void;
  onSocketText(channel: number, text: string): void;
  onSocketBinary(channel: number, bytes: ArrayBuffer): void;
  /** `code` is 1006 without a close frame; `httpStatus` is 0 unless an upgrade was refused. */
  onSocketClosed(channel: number, code: number, httpStatus: number, reason: string): void;
  /** `headers` by their lower-case names. */
  onHttpHeaders(channel: number, status: number, headers: Readonly<Record<string, string>>): void;
  /** `bytes` are at most TL_MAX_INPUT_BYTES; they are copied. */
  onHttpChunk(channel: number, bytes: Uint8Array): void;
  onHttpDone(channel: number): void;
  onHttpFailed(channel: number, failure: HttpFailure, reason: string): void;
  /** `bytes`: undefined if there is no such resource. */
  onResource(name: string, bytes: Uint8Array | undefined): void;
  onTimer(): void;
  onAuthorized(verdict: Verdict): void;
  /** A port broke: a fault of ours, which ends the session. */
  onPortFault(error: unknown): void;
}

/** What CONNECT asks for. */
export interface ConnectRequest {
  /** Name of an upstream, never a host. */
  readonly upstream: string;
  readonly path: string;
  readonly protocols: readonly string[];
}

/** The session's sockets. Whatever is sent to a socket that is not there is dropped. */
export interface SocketsPort {
  sendText(channel: number, text: string): void;
  sendBinary(channel: number, bytes: Uint8Array<ArrayBuffer>): void;
  connect(channel: number, request: ConnectRequest): void;
  close(channel: number, code: number, reason: string): void;
  /** Closes what is still open and what opens later; idempotent. */
  shutDown(code: number, reason: string): void;
}

/** One field of a form; with a file name it is a file. */
export interface HttpPart {
  readonly name: string;
  readonly fileName: string | undefined;
  readonly contentType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What FETCH asks for. */
export interface HttpRequest {
  /** Name of an upstream, never a host. */
  readonly upstream: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Response headers to be told. */
  readonly wants: readonly string[];
  /** From the request to the answer's headers, and between two chunks. */
  readonly timeoutMs: number;
  readonly idleMs: number;
  /** Of the response's body. */
  readonly maxBytes: number;
  /** Bytes that come before the first credit; 0 = all, without any. */
  readonly window: number;
  /** Empty = none; parts make a form. */
  readonly body: Uint8Array<ArrayBuffer> | readonly HttpPart[];
}

/** The session's HTTP exchanges. */
export interface HttpPort {
  fetch(channel: number, request: HttpRequest): void;
  /** Nothing more comes of it, and the upstream is told. */
  abort(channel: number): void;
  credit(channel: number, bytes: number): void;
  /** Aborts what is still open and what is asked for later; idempotent. */
  shutDown(): void;
}

export interface ResourcesPort {
  /** Comes back by `onResource`. */
  load(name: string): void;
}

export interface SnapshotPort {
  /** Keeps the text for the session that follows if the object is lost; replaces the former one. */
  snapshot(text: string): void;
}

export interface TimerPort {
  /** Replaces the former deadline; Infinity = none. */
  setDeadline(atUs: number): void;
  /** Nothing is due any more. */
  stop(): void;
}

/** What a stream brought with its start; empty strings where it brought nothing. */
export interface StreamCredentials {
  readonly token: string;
  readonly carrierCallId: string;
  readonly streamId: string;
}

export interface AuthorizerPort {
  /** The verdict comes back by `onAuthorized`, unless another stream has taken this one's place. */
  authorize(credentials: StreamCredentials): void;
}

export interface EventsPort {
  event(json: string): void;
  ended(summary: string): void;
}

export interface RecorderPort {
  /** Whole Ogg pages, in order; `granule` is the position at their end, samples at 48 kHz. */
  record(granule: number, pages: Uint8Array<ArrayBuffer>): void;
}

export interface SessionPorts {
  readonly sockets: SocketsPort;
  readonly http: HttpPort;
  readonly resources: ResourcesPort;
  readonly timer: TimerPort;
  readonly authorizer: AuthorizerPort;
  readonly events: EventsPort;
  readonly recorder: RecorderPort;
  readonly snapshots: SnapshotPort;
}

/** Microseconds, whole, never going back. */
export interface Clock {
  nowUs(): number;
}

/** A value that is personal: it never reaches a log. */
export class Redacted<T> {
  readonly value: T;
  constructor(value: T) {
    this.value = value;
  }
  toJSON(): string {
    return "[redacted]";
  }
  toString(): string {
    return "[redacted]";
  }
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined | Redacted<unknown>>>;

/** Messages are constant strings; what varies is in the fields. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type SqlValue = ArrayBuffer | string | number | null;

/** The part of an object's SQLite that the shim uses. */
export interface SqlDatabase {
  exec<T extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): { toArray(): T[] };
}
