import type { Log, PeerSocket } from "../ports.ts";
import { closeQuietly } from "./sockets.ts";

/** Sockets that watch one call. Overflow: the newest is closed with 1013. */
export const MAX_OBSERVERS = 16;

const CLOSE_NORMAL = 1000;
const CLOSE_TRY_AGAIN_LATER = 1013;

/** Those who watch a call: each gets every event, one a text message. */
export class Observers {
  readonly #sockets = new Set<PeerSocket>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  get count(): number {
    return this.#sockets.size;
  }

  /** Accepts `socket` and sends it what happened so far. */
  add(socket: PeerSocket, history: readonly string[]): void {
    socket.binaryType = "arraybuffer";
    socket.accept();
    if (this.#sockets.size >= MAX_OBSERVERS) {
      closeQuietly(socket, CLOSE_TRY_AGAIN_LATER, "too many observers", this.#log);
      return;
    }
    this.#sockets.add(socket);
    const forget = () => this.#sockets.delete(socket);
    socket.addEventListener("close", forget);
    socket.addEventListener("error", forget);
    for (const event of history) this.#send(socket, event);
  }

  broadcast(event: string): void {
    for (const socket of this.#sockets) this.#send(socket, event);
  }

  /** Nothing will happen any more. */
  closeAll(reason: string): void {
    for (const socket of this.#sockets) closeQuietly(socket, CLOSE_NORMAL, reason, this.#log);
    this.#sockets.clear();
  }

  #send(socket: PeerSocket, event: string): void {
    try {
      socket.send(event);
    } catch {
      this.#sockets.delete(socket);
    }
  }
}
