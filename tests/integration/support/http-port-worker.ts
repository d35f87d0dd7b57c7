// A Worker whose Durable Object has the shim's HTTP port and no core: what the port is told to do comes in by requests,
// what it tells a session is kept for whoever asks.

import type { HttpFailure } from "../../../worker-shim/boundary.ts";
import { CallHttp, type HttpFetch } from "../../../worker-shim/ports/http.ts";
import { platformTimers } from "../../../worker-shim/ports/timers.ts";
import type { HttpPart, HttpRequest, Log, SessionInputs } from "../../../worker-shim/ports.ts";

/** One input of a session; what has no meaning for it is absent. */
export interface NotedInput {
  readonly atMs: number;
  readonly input: "headers" | "chunk" | "done" | "failed" | "fault";
  readonly channel: number;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly bytes?: number;
  readonly failure?: HttpFailure;
  readonly reason?: string;
}

/** A request as JSON has it. */
export interface Asked extends Omit<HttpRequest, "body"> {
  readonly body: string | readonly (Omit<HttpPart, "bytes"> & { readonly bytes: readonly number[] })[];
}

interface Env {
  readonly UPSTREAM_URL: string;
  readonly RECORDERS: { getByName(name: string): { fetch(request: Request): Promise<Response> } };
}

const silent: Log = { info() {}, warn() {}, error() {} };
/** Longer chunks are counted, not kept. */
const MAX_TEXT = 1000;

export class Recorder {
  readonly #inputs: NotedInput[] = [];
  readonly #http: CallHttp;

  constructor(_state: unknown, env: Env) {
    const note = (noted: Omit<NotedInput, "atMs">) => this.#inputs.push({ atMs: Date.now(), ...noted });
    const ignored = () => undefined;
    const inputs: SessionInputs = {
      onSocketOpened: ignored,
      onSocketText: ignored,
      onSocketBinary: ignored,
      onSocketClosed: ignored,
      onResource: ignored,
      onTimer: ignored,
      onAuthorized: ignored,
      onHttpHeaders: (channel, status, headers) => note({ input: "headers", channel, status, headers }),
      onHttpChunk: (channel, bytes) => {
        const text = bytes.length <= MAX_TEXT ? new TextDecoder().decode(bytes) : "";
        note({ input: "chunk", channel, text, bytes: bytes.length });
      },
      onHttpDone: (channel) => note({ input: "done", channel }),
      onHttpFailed: (channel, failure, reason) => note({ input: "failed", channel, failure, reason }),
      onPortFault: (error) => note({ input: "fault", channel: 0, reason: String(error) }),
    };
    const upstreams = {
      test: { baseUrl: `${env.UPSTREAM_URL}/base/`, headers: { Authorization: "Bearer secret" } },
      nobody: { baseUrl: "http://127.0.0.1:1", headers: {} },
    };
    const platformFetch: HttpFetch = (url, init) => fetch(url, init as RequestInit) as ReturnType<HttpFetch>;
    this.#http = new CallHttp(inputs, upstreams, platformFetch, platformTimers, silent);
  }

  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const channel = Number(searchParams.get("channel"));
    if (pathname === "/fetch") {
      const asked = (await request.json()) as Asked;
      const body =
        typeof asked.body === "string"
          ? new TextEncoder().encode(asked.body)
          : asked.body.map((part) => ({ ...part, bytes: Uint8Array.from(part.bytes) }));
      this.#http.fetch(channel, { ...asked, body });
    } else if (pathname === "/abort") {
      this.#http.abort(channel);
    } else if (pathname === "/credit") {
      this.#http.credit(channel, Number(searchParams.get("bytes")));
    } else if (pathname === "/shutDown") {
      this.#http.shutDown();
    }
    return Response.json(this.#inputs.filter((noted) => noted.channel === channel || noted.channel === 0));
  }
}

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    return env.RECORDERS.getByName(new URL(request.url).searchParams.get("object") ?? "").fetch(request);
  },
};
