import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import type { Faults, Point } from "./faults.ts";

export type Json = Record<string, unknown>;

/** What a listening session needs to understand; "" when nothing was understood. */
export type Hear = (samples: Int16Array, rateHz: number) => Promise<string>;

/** One listening socket: what it has in common whatever the version. */
export abstract class ListenSession {
  readonly parameters: URLSearchParams;
  /** Texts of the client, and how much audio it sent; messages of other lengths than 80 ms are counted. */
  readonly commands: Json[] = [];
  audioMs = 0;
  oddChunks = 0;
  /** What was told, in order. */
  readonly told: Json[] = [];
  closed: { code: number } | undefined;
  protected readonly requestId = randomUUID();
  protected readonly hear: Hear;
  protected readonly rateHz: number;
  readonly #client: WebSocket;
  readonly #faults: Faults;
  readonly #struck = new Set<string>();
  #sequence = 0;
  #silent = false;
  /** Hearing takes time; what is told stays in order. */
  #after: Promise<void> = Promise.resolve();

  constructor(client: WebSocket, parameters: URLSearchParams, hear: Hear, faults: Faults) {
    this.#client = client;
    this.parameters = parameters;
    this.hear = hear;
    this.#faults = faults;
    this.rateHz = Number(parameters.get("sample_rate") ?? 16_000);
    client.on("message", (message: Buffer, isBinary) => {
      if (isBinary) {
        const ms = message.length / (this.rateHz / 500);
        this.audioMs += ms;
        if (ms !== 80) this.oddChunks++;
        this.onAudio(message);
        return;
      }
      let command: Json;
      try {
        command = JSON.parse(message.toString()) as Json;
      } catch {
        this.fail("UNPARSABLE_CLIENT_MESSAGE", "no JSON");
        return;
      }
      this.commands.push(command);
      this.onCommand(command);
    });
    client.on("close", (code) => {
      this.closed = { code };
      this.onClosed();
    });
    client.on("error", () => undefined);
  }

  protected abstract onAudio(audio: Buffer): void;
  protected abstract onCommand(command: Json): void;
  protected onClosed(): void {}

  get isOpen(): boolean {
    return this.#client.readyState === this.#client.OPEN;
  }

  /** Does `work` behind all that was to be done before. */
  protected inOrder(work: () => void | Promise<void>): void {
    this.#after = this.#after.then(work).catch(() => undefined);
  }

  protected send(message: Json, numbered: boolean): void {
    if (!this.isOpen || this.#silent) return;
    const { type, ...rest } = message;
    const shown: Json = {
      ...(!this.#faults.omitType && { type }),
      ...rest,
      ...(numbered && { request_id: this.requestId, sequence_id: this.#sequence++ }),
    };
    this.told.push(message);
    this.#client.send(JSON.stringify(shown));
  }

  /** Performs the fault that waits at this point, if any. */
  protected strike(point: Point): void {
    const { dropAt, stallAt, garbageAt, errorAt } = this.#faults;
    const once = (kind: string) => {
      const first = !this.#struck.has(kind);
      this.#struck.add(kind);
      return first;
    };
    if (garbageAt === point && once("garbage")) {
      this.#client.send("{ this is no JSON");
      this.#client.send(JSON.stringify({ type: "Surprise", request_id: this.requestId }));
    }
    if (errorAt?.point === point && once("error")) this.fail(errorAt.code, "scripted");
    if (dropAt === point && once("drop")) this.#client.terminate();
    if (stallAt === point) this.#silent = true;
  }

  protected fail(code: string, description: string): void {
    this.send({ type: "Error", code, description }, true);
    this.close(1011, code);
  }

  close(code: number, reason: string): void {
    if (this.isOpen) this.#client.close(code, reason);
  }
}
