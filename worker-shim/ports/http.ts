import type { HttpFailure } from "../boundary.ts";
import type { HttpPart, HttpPort, HttpRequest, Log, SessionInputs } from "../ports.ts";
import { errorFields } from "./log.ts";
import type { Timers } from "./timers.ts";
import { fetchOf, findUpstream, type UpstreamTable, upstreamUrl } from "./upstreams.ts";

/** Longer ones of a response are cut: no header that the core reads is. */
export const MAX_HEADER_CHARACTERS = 4096;
/** A longer piece of a response is delivered in several. */
export const MAX_CHUNK_BYTES = 64 * 1024;

/** The part of the platform's fetch that is used. */
export type HttpFetch = (url: string, init: HttpInit) => Promise<HttpResponse>;

export interface HttpInit {
  readonly method: string;
  readonly headers: Headers;
  readonly body?: Uint8Array<ArrayBuffer> | Blob;
  readonly redirect: "manual";
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array> | null;
}

/** Why an exchange did not come to its end. */
class ExchangeError extends Error {
  readonly code = "exchange";
  override readonly name = "ExchangeError";
  readonly failure: HttpFailure;

  constructor(failure: HttpFailure, reason: string) {
    super(reason);
    this.failure = failure;
  }
}

/** One request and what is known of its answer. */
class Exchange {
  readonly #abort = new AbortController();
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #cause: ExchangeError | undefined;
  #wake: (() => void) | undefined;
  /** Bytes that may be delivered. */
  credit: number;

  constructor(request: HttpRequest) {
    this.credit = request.window === 0 ? Number.POSITIVE_INFINITY : request.window;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What it was given up for. */
  get cause(): ExchangeError | undefined {
    return this.#cause;
  }

  /** Takes the body of the answer; one that comes too late is let go. */
  open(response: HttpResponse): ReadableStreamDefaultReader<Uint8Array> | undefined {
    this.#reader = response.body?.getReader();
    if (this.signal.aborted) this.#release();
    return this.#reader;
  }

  addCredit(bytes: number): void {
    this.credit += bytes;
    this.#wake?.();
  }

  /** Until something may be delivered. @throws {ExchangeError} if it is given up before */
  async creditThere(): Promise<void> {
    while (this.credit <= 0 && !this.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.check();
  }

  /** @throws {ExchangeError} if it was given up */
  check(): void {
    if (this.signal.aborted) throw this.#cause ?? new ExchangeError("network", "not wanted any more");
  }

  /** Closes the connection; whatever waits goes on. */
  giveUp(cause?: ExchangeError): void {
    if (this.signal.aborted) return;
    this.#cause = cause;
    this.#abort.abort();
    this.#release();
    this.#wake?.();
  }

  #release(): void {
    // Its error is that of the abort.
    this.#reader?.cancel().catch(() => undefined);
  }
}

/** A form as RFC 7578 writes it. FormData cannot give a field a type of its own. */
function formBody(parts: readonly HttpPart[], boundary: string): Blob {
  const quoted = (name: string) => name.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  const pieces = parts.flatMap(({ name, fileName, contentType, bytes }) => {
    const file = fileName === undefined ? "" : `; filename="${quoted(fileName)}"`;
    const type = contentType.replace(/[\r\n]/g, "");
    return [
      `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"${file}\r\nContent-Type: ${type}\r\n\r\n`,
      bytes,
      "\r\n",
    ];
  });
  return new Blob([...pieces, `--${boundary}--\r\n`]);
}

/** @throws {ExchangeError} if it is none that could be made. */
function requestInit(
  request: HttpRequest,
  credentials: Readonly<Record<string, string>>,
  signal: AbortSignal,
): HttpInit {
  try {
    const headers = new Headers(request.headers);
    let body: HttpInit["body"];
    if (!(request.body instanceof Uint8Array)) {
      // Random: no part contains it.
      const boundary = crypto.randomUUID();
      body = formBody(request.body, boundary);
      headers.set("Content-Type", `multipart/form-data; boundary=${boundary}`);
    } else if (request.body.length > 0) {
      body = request.body;
    }
    // What opens the door is the upstream's own.
    for (const [name, value] of Object.entries(credentials)) headers.set(name, value);
    // A redirect is an answer like another: credentials go where they are configured to go, and nowhere else.
    return { method: request.method, headers, ...(body && { body }), redirect: "manual", signal };
  } catch (error) {
    throw new ExchangeError("upstream", error instanceof Error ? error.message : "no request");
  }
}

/**
 * The HTTP exchanges of one session.
 *
 * Of an exchange that was aborted nothing is heard any more. A response is read no faster than the core has credit for:
 * what it has not asked for stays with the upstream.
 */
export class CallHttp implements HttpPort {
  readonly #inputs: SessionInputs;
  readonly #upstreams: UpstreamTable;
  readonly #fetch: HttpFetch;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #exchanges = new Map<number, Exchange>();
  #down = false;

  constructor(inputs: SessionInputs, upstreams: UpstreamTable, fetch: HttpFetch, timers: Timers, log: Log) {
    this.#inputs = inputs;
    this.#upstreams = upstreams;
    this.#fetch = fetch;
    this.#timers = timers;
    this.#log = log;
  }

  fetch(channel: number, request: HttpRequest): void {
    if (this.#down) return;
    this.abort(channel);
    const exchange = new Exchange(request);
    this.#exchanges.set(channel, exchange);
    void this.#run(channel, request, exchange);
  }

  abort(channel: number): void {
    const exchange = this.#exchanges.get(channel);
    this.#exchanges.delete(channel);
    exchange?.giveUp();
  }

  credit(channel: number, bytes: number): void {
    this.#exchanges.get(channel)?.addCredit(bytes);
  }

  shutDown(): void {
    this.#down = true;
    for (const channel of [...this.#exchanges.keys()]) this.abort(channel);
  }

  async #run(channel: number, request: HttpRequest, exchange: Exchange): Promise<void> {
    try {
      // The effect that asked for it is still being applied.
      await undefined;
      await this.#deliver(channel, request, exchange, await this.#ask(request, exchange));
      this.#finish(channel, exchange, () => this.#inputs.onHttpDone(channel));
    } catch (error) {
      // What the platform throws of an exchange that was given up is not why.
      const known = exchange.cause ?? (error instanceof ExchangeError ? error : undefined);
      exchange.giveUp();
      this.#finish(channel, exchange, () => {
        const { upstream } = request;
        this.#log.warn("an exchange failed", { upstream, failure: known?.failure ?? "network", ...errorFields(error) });
        this.#inputs.onHttpFailed(channel, known?.failure ?? "network", known?.message ?? "connection failed");
      });
    }
  }

  /** The answer, up to its headers. */
  async #ask(request: HttpRequest, exchange: Exchange): Promise<HttpResponse> {
    const upstream = findUpstream(this.#upstreams, request.upstream);
    if (!upstream) throw new ExchangeError("upstream", "there is no such upstream");
    const url = upstreamUrl(upstream, request.path);
    if (!url) throw new ExchangeError("upstream", "no URL");
    const admission = await upstream.admit?.(request);
    if (admission?.type === "refused") throw new ExchangeError("refused", admission.reason);
    // Of what was given up meanwhile nothing is sent.
    exchange.check();
    const init = requestInit(request, { ...upstream.headers, ...admission?.headers }, exchange.signal);
    return this.#within(request.timeoutMs, "no headers in time", exchange, fetchOf(upstream, this.#fetch)(url, init));
  }

  async #deliver(channel: number, request: HttpRequest, exchange: Exchange, response: HttpResponse): Promise<void> {
    const reader = exchange.open(response);
    exchange.check();
    const headers: Record<string, string> = {};
    for (const name of request.wants) {
      const value = response.headers.get(name);
      if (value !== null) headers[name] = value.slice(0, MAX_HEADER_CHARACTERS);
    }
    this.#inputs.onHttpHeaders(channel, response.status, headers);
    if (!reader) return;
    for (let received = 0; ; ) {
      // Before the next read: only so the upstream has to wait.
      await exchange.creditThere();
      const { done, value } = await this.#within(request.idleMs, "no next chunk in time", exchange, reader.read());
      // A body that was let go looks like one that has ended.
      exchange.check();
      if (done) return;
      received += value.length;
      if (received > request.maxBytes) throw new ExchangeError("tooLarge", `more than ${request.maxBytes} bytes`);
      await this.#hand(channel, exchange, value);
    }
  }

  /** Delivers `bytes` as far as there is credit, then the rest. */
  async #hand(channel: number, exchange: Exchange, bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length; ) {
      await exchange.creditThere();
      const length = Math.min(bytes.length - offset, exchange.credit, MAX_CHUNK_BYTES);
      exchange.credit -= length;
      this.#inputs.onHttpChunk(channel, bytes.subarray(offset, offset + length));
      offset += length;
    }
  }

  /** What `work` brings, unless it takes too long: then the exchange is given up. */
  async #within<T>(ms: number, reason: string, exchange: Exchange, work: Promise<T>): Promise<T> {
    const timer = this.#timers.set(() => exchange.giveUp(new ExchangeError("timeout", reason)), ms);
    try {
      return await work;
    } finally {
      this.#timers.clear(timer);
    }
  }

  /** Tells how an exchange ended, if anybody still wants to know. */
  #finish(channel: number, exchange: Exchange, tell: () => void): void {
    if (this.#exchanges.get(channel) !== exchange) return;
    this.#exchanges.delete(channel);
    try {
      tell();
    } catch (error) {
      this.#inputs.onPortFault(error);
    }
  }
}
