import type { Port, Verdict } from "./boundary.ts";

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
  onSocketOpened(port: Port, subprotocol: string): void;
  onSocketText(port: Port, text: string): void;
  onSocketBinary(port: Port, bytes: ArrayBuffer): void;
  /** `code` is 1006 without a close frame; `httpStatus` is 0 unless an upgrade was refused. */
  onSocketClosed(port: Port, code: number, httpStatus: number, reason: string): void;
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
  sendText(port: Port, text: string): void;
  sendBinary(port: Port, bytes: Uint8Array<ArrayBuffer>): void;
  connect(port: Port, request: ConnectRequest): void;
  close(port: Port, code: number, reason: string): void;
  /** Closes what is still open and what opens later; idempotent. */
  shutDown(code: number, reason: string): void;
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
  readonly callSid: string;
  readonly streamSid: string;
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
  readonly timer: TimerPort;
  readonly authorizer: AuthorizerPort;
  readonly events: EventsPort;
  readonly recorder: RecorderPort;
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
