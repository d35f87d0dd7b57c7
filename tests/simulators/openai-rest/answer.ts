import type { ServerResponse } from "node:http";
import { codeOf, type Endpoint, errorBody, type Fault, type Point } from "./faults.ts";

/** One request, and what became of it; times as performance.now() has them. */
export interface RestRequest {
  readonly endpoint: Endpoint;
  /** When all of it was there. */
  readonly atMs: number;
  /** Its JSON, or the fields of its form, the file left out. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly fault: Fault | undefined;
  /** What was heard, answered or said. */
  text: string;
  status: number;
  readonly sent: { readonly atMs: number; readonly bytes: number }[];
  /** aborted: the client went before it was all sent. dropped: the simulator did. */
  outcome: "open" | "finished" | "aborted" | "dropped";
  endedMs: number | undefined;
}

/** A part of a body, and how long it takes until it is there. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly afterMs: number;
}

const text = new TextEncoder();

export function piece(body: string, afterMs = 0): Piece {
  return { bytes: text.encode(body), afterMs };
}

/** In pieces of 1 to 7 bytes. */
function* crumbs(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size % 7) + 1) yield bytes.subarray(at, at + size);
}

/** Writes the answer to one request, and performs its fault. */
export class Answer {
  readonly #response: ServerResponse;
  readonly #record: RestRequest;
  readonly #gone: Promise<void>;

  constructor(response: ServerResponse, record: RestRequest) {
    this.#response = response;
    this.#record = record;
    this.#gone = new Promise((resolve) => {
      response.on("close", () => {
        resolve();
        if (record.outcome !== "open") return;
        record.outcome = response.writableFinished ? "finished" : "aborted";
        record.endedMs = performance.now();
      });
    });
    response.on("error", () => undefined);
  }

  /** Whether the client is still there. */
  get isWanted(): boolean {
    return !this.#response.closed && !this.#response.destroyed;
  }

  /** Who has gone is not waited for. */
  async wait(ms: number): Promise<void> {
    if (ms <= 0) return;
    let timer: NodeJS.Timeout | undefined;
    const time = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([time, this.#gone]);
    clearTimeout(timer);
  }

  /** True if the exchange is to go no further. */
  #strike(point: Point): boolean {
    const { fault } = this.#record;
    if (fault?.kind === "drop" && fault.at === point) {
      this.#record.outcome = "dropped";
      this.#record.endedMs = performance.now();
      this.#response.destroy();
      return true;
    }
    return fault?.kind === "stall" && fault.at === point;
  }

  /** What strikes before there is an answer; true if nothing more is to be done. */
  begin(): boolean {
    return this.#strike("request");
  }

  #head(status: number, type: string, headers: Readonly<Record<string, string>> = {}): void {
    this.#record.status = status;
    this.#response.writeHead(status, { "Content-Type": type, ...headers });
    this.#response.flushHeaders();
  }

  #write(bytes: Uint8Array): void {
    if (!this.isWanted || bytes.length === 0) return;
    this.#record.sent.push({ atMs: performance.now(), bytes: bytes.length });
    this.#response.write(bytes);
  }

  error(status: number, code: string | null, message: string, headers: Readonly<Record<string, string>> = {}): void {
    if (!this.isWanted) return;
    this.#head(status, "application/json", headers);
    this.#write(text.encode(errorBody(status, code, message)));
    this.#response.end();
  }

  /** The whole answer, or what its fault leaves of it. `type` is its own. */
  async send(type: string, pieces: readonly Piece[]): Promise<void> {
    const { fault, endpoint } = this.#record;
    if (!this.isWanted) return;
    if (fault?.kind === "status") {
      const { status, retryAfterS, code = codeOf(status) } = fault;
      const headers = retryAfterS === undefined ? undefined : { "Retry-After": `${retryAfterS}` };
      this.error(status, code, "scripted", headers);
      return;
    }
    if (fault?.kind === "filter" && endpoint !== "chat") {
      this.error(400, "content_policy_violation", "Your request was rejected by our safety system.");
      return;
    }
    if (fault?.kind === "errorBody") {
      this.#head(200, fault.disguised ? type : "application/json");
      this.#write(text.encode(errorBody(500, "server_error", "The server had an error.")));
      this.#response.end();
      return;
    }
    if (fault?.kind === "garbage") {
      const page = "<html><head><title>It works!</title></head><body>nginx</body></html>";
      const nonsense = { transcription: "{ this is no JSON", chat: "data: { this is no JSON\n\n", speech: page };
      this.#head(200, endpoint === "speech" ? "text/html" : type);
      this.#write(text.encode(nonsense[endpoint]));
      this.#response.end();
      return;
    }
    await this.#sendBody(type, pieces);
  }

  async #sendBody(type: string, pieces: readonly Piece[]): Promise<void> {
    const { fault } = this.#record;
    // What takes time before the first piece takes it before the headers.
    await this.wait(pieces[0]?.afterMs ?? 0);
    if (!this.isWanted) return;
    this.#head(200, type);
    if (this.#strike("headers")) return;
    const total = pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const middle = Math.floor(total / 2);
    let done = 0;
    for (const [i, { bytes, afterMs }] of pieces.entries()) {
      if (i > 0) await this.wait(afterMs);
      if (fault?.kind === "slow") await this.wait(fault.chunkMs);
      if (!this.isWanted) return;
      const cutsHere = done + bytes.length >= middle;
      if (cutsHere && fault?.kind === "truncated") {
        // Of a stream whole events: what is cut in one is nobody's riddle.
        if (this.#record.endpoint !== "chat") this.#write(bytes.subarray(0, middle - done));
        this.#response.end();
        return;
      }
      if (cutsHere && (fault?.kind === "drop" || fault?.kind === "stall") && fault.at === "middle") {
        this.#write(bytes.subarray(0, middle - done));
        // What was written is out before the connection breaks.
        await this.wait(20);
        this.#strike("middle");
        return;
      }
      if (fault?.kind === "crumbs") {
        for (const crumb of crumbs(bytes)) {
          this.#write(crumb);
          // Each in a packet of its own, as far as the kernel does so.
          await new Promise((resolve) => setImmediate(resolve));
        }
      } else {
        this.#write(bytes);
      }
      done += bytes.length;
    }
    if (fault?.kind === "drop" && fault.at === "end") await this.wait(20);
    if (this.#strike("end")) return;
    this.#response.end();
  }
}
