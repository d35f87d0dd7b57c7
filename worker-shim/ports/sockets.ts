import type { ConnectRequest, Log, PeerSocket, SessionInputs, SocketsPort } from "../ports.ts";
import { errorFields } from "./log.ts";
import type { UpstreamAnswer } from "./upstreams.ts";

/** RFC 6455: a control frame has 125 bytes, two of them the code. */
export const MAX_CLOSE_REASON_BYTES = 123;

const CLOSE_NORMAL = 1000;
const CLOSE_NO_STATUS = 1005;
const CLOSE_ABNORMAL = 1006;

/** Opens an upstream's socket; never rejects. `signal` gives up. */
export type OpenUpstream = (request: ConnectRequest, signal: AbortSignal) => Promise<UpstreamAnswer>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Cuts `reason` to what a close frame holds, at a character. */
export function closeReason(reason: string): string {
  const bytes = encoder.encode(reason);
  if (bytes.length <= MAX_CLOSE_REASON_BYTES) return reason;
  let end = MAX_CLOSE_REASON_BYTES;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return decoder.decode(bytes.subarray(0, end));
}

/** Closes a socket that may already be closed, whose peer may be gone. */
export function closeQuietly(socket: PeerSocket, code: number, reason: string, log: Log): void {
  try {
    socket.close(code, closeReason(reason));
  } catch (error) {
    log.info("a socket was closed already", errorFields(error));
  }
}

/**
 * The sockets of one session, one a channel.
 *
 * A socket that was closed from here, or replaced, is forgotten at once: what its peer still says is not delivered.
 */
export class CallSockets implements SocketsPort {
  readonly #inputs: SessionInputs;
  readonly #openUpstream: OpenUpstream;
  readonly #log: Log;
  readonly #sockets = new Map<number, PeerSocket>();
  readonly #pending = new Map<number, AbortController>();
  /** Channels on which something has come since they were asked about. */
  readonly #heard = new Set<number>();
  #down: { readonly code: number; readonly reason: string } | undefined;

  constructor(inputs: SessionInputs, openUpstream: OpenUpstream, log: Log) {
    this.#inputs = inputs;
    this.#openUpstream = openUpstream;
    this.#log = log;
  }

  /** Accepts `socket` and takes it in place of the channel's former one. */
  attach(channel: number, socket: PeerSocket, subprotocol: string): void {
    // Before accept(): else binary frames come as Blobs.
    socket.binaryType = "arraybuffer";
    if (this.#down) {
      socket.accept();
      closeQuietly(socket, this.#down.code, this.#down.reason, this.#log);
      return;
    }
    this.#drop(channel, CLOSE_NORMAL, "replaced");
    this.#sockets.set(channel, socket);
    const whileCurrent = (handle: () => void) => {
      if (this.#sockets.get(channel) === socket) this.#guard(handle);
    };
    // Fifty times a second: nothing is made for a message.
    socket.addEventListener("message", ({ data }) => {
      if (this.#sockets.get(channel) !== socket) return;
      this.#heard.add(channel);
      try {
        this.#deliver(channel, data);
      } catch (error) {
        this.#inputs.onPortFault(error);
      }
    });
    const onClosed = (code: number, reason: string) => {
      whileCurrent(() => {
        this.#sockets.delete(channel);
        this.#inputs.onSocketClosed(channel, code, 0, reason);
      });
    };
    socket.addEventListener("close", ({ code, reason }) => onClosed(code || CLOSE_NO_STATUS, reason));
    socket.addEventListener("error", () => onClosed(CLOSE_ABNORMAL, "connection lost"));
    socket.accept();
    whileCurrent(() => this.#inputs.onSocketOpened(channel, subprotocol));
  }

  /** Whether a message has come on the channel since this was asked last. */
  takeHeard(channel: number): boolean {
    return this.#heard.delete(channel);
  }

  /** The channel's peer is gone without a word: its socket is closed, and counts as closed by the peer. */
  giveUp(channel: number, reason: string): void {
    if (!this.#sockets.has(channel)) return;
    this.#drop(channel, CLOSE_NORMAL, reason);
    this.#guard(() => this.#inputs.onSocketClosed(channel, CLOSE_NORMAL, 0, reason));
  }

  sendText(channel: number, text: string): void {
    this.#send(channel, text);
  }

  sendBinary(channel: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#send(channel, bytes);
  }

  connect(channel: number, request: ConnectRequest): void {
    this.#drop(channel, CLOSE_NORMAL, "replaced");
    const attempt = new AbortController();
    this.#pending.set(channel, attempt);
    void this.#connect(channel, request, attempt);
  }

  close(channel: number, code: number, reason: string): void {
    this.#drop(channel, code, reason);
  }

  shutDown(code: number, reason: string): void {
    this.#down ??= { code, reason };
    for (const channel of [...this.#sockets.keys(), ...this.#pending.keys()]) this.#drop(channel, code, reason);
  }

  async #connect(channel: number, request: ConnectRequest, attempt: AbortController): Promise<void> {
    try {
      const answer = await this.#openUpstream(request, attempt.signal);
      if (this.#pending.get(channel) !== attempt) {
        // Too late: the session has ended, given up or asked again.
        if (answer.type === "opened") {
          answer.socket.accept();
          closeQuietly(answer.socket, CLOSE_NORMAL, "not wanted any more", this.#log);
        }
        return;
      }
      this.#pending.delete(channel);
      if (answer.type === "opened") {
        this.attach(channel, answer.socket, answer.subprotocol);
        return;
      }
      const { httpStatus, reason } = answer;
      this.#log.warn("an upstream was not reached", { upstream: request.upstream, httpStatus, reason });
      this.#inputs.onSocketClosed(channel, CLOSE_ABNORMAL, httpStatus, reason);
    } catch (error) {
      this.#inputs.onPortFault(error);
    }
  }

  #deliver(channel: number, data: unknown): void {
    if (typeof data === "string") this.#inputs.onSocketText(channel, data);
    else if (data instanceof ArrayBuffer) this.#inputs.onSocketBinary(channel, data);
    else throw new TypeError("a message is neither text nor bytes");
  }

  #send(channel: number, message: string | Uint8Array<ArrayBuffer>): void {
    const socket = this.#sockets.get(channel);
    if (!socket) return;
    try {
      socket.send(message);
    } catch (error) {
      // It is closing; its close event says the rest.
      this.#log.info("a message came too late for its socket", { channel, ...errorFields(error) });
    }
  }

  /** Ends whatever the channel has. */
  #drop(channel: number, code: number, reason: string): void {
    this.#pending.get(channel)?.abort();
    this.#pending.delete(channel);
    const socket = this.#sockets.get(channel);
    this.#sockets.delete(channel);
    if (socket) closeQuietly(socket, code, reason, this.#log);
  }

  /** The platform swallows what a listener throws. */
  #guard(handle: () => void): void {
    try {
      handle();
    } catch (error) {
      this.#inputs.onPortFault(error);
    }
  }
}
