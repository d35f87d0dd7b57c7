// A Worker whose Durable Object has the shim's ports to upstreams and no core: what the ports are told to do comes in by
// requests, what they tell a session is kept for whoever asks.

import type { HttpFailure } from "../../../worker-shim/boundary.ts";
import { CallHttp, type HttpFetch, MAX_CHUNK_BYTES } from "../../../worker-shim/ports/http.ts";
import { CallSockets } from "../../../worker-shim/ports/sockets.ts";
import { platformTimers } from "../../../worker-shim/ports/timers.ts";
import {
  openUpstream,
  type UpgradeFetch,
  type UpstreamBindings,
  upstreamTable,
} from "../../../worker-shim/ports/upstreams.ts";
import type { ConnectRequest, HttpPart, HttpRequest, Log, SessionInputs } from "../../../worker-shim/ports.ts";

/** One input of a session; what has no meaning for it is absent. */
export interface NotedInput {
  readonly atMs: number;
  readonly input: "headers" | "chunk" | "done" | "failed" | "opened" | "text" | "closed" | "fault";
  readonly channel: number;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly bytes?: number;
  readonly failure?: HttpFailure;
  readonly reason?: string;
  /** Of a socket's close. */
  readonly code?: number;
}

/** A request as JSON has it. */
export interface Asked extends Omit<HttpRequest, "body"> {
  readonly body: string | readonly (Omit<HttpPart, "bytes"> & { readonly bytes: readonly number[] })[];
}

interface Env extends UpstreamBindings {
  readonly UPSTREAM_URL: string;
  readonly RECORDERS: { getByName(name: string): { fetch(request: Request): Promise<Response> } };
}

const silent: Log = { info() {}, warn() {}, error() {} };
/** Longer chunks are counted, not kept, unless all texts are wanted. */
const MAX_TEXT = 1000;

export class Recorder {
  readonly #inputs: NotedInput[] = [];
  readonly #http: CallHttp;
  readonly #sockets: CallSockets;
  #maxText = MAX_TEXT;

  constructor(_state: unknown, env: Env) {
    const note = (noted: Omit<NotedInput, "atMs">) => this.#inputs.push({ atMs: Date.now(), ...noted });
    const ignored = () => undefined;
    const inputs: SessionInputs = {
      onSocketOpened: (channel) => note({ input: "opened", channel }),
      onSocketText: (channel, text) => note({ input: "text", channel, text }),
      onSocketBinary: ignored,
      onSocketClosed: (channel, code, status, reason) => note({ input: "closed", channel, code, status, reason }),
      onResource: ignored,
      onTimer: ignored,
      onAuthorized: ignored,
      onHttpHeaders: (channel, status, headers) => note({ input: "headers", channel, status, headers }),
      onHttpChunk: (channel, bytes) => {
        const text = bytes.length <= this.#maxText ? new TextDecoder().decode(bytes) : "";
        note({ input: "chunk", channel, text, bytes: bytes.length });
      },
      onHttpDone: (channel) => note({ input: "done", channel }),
      onHttpFailed: (channel, failure, reason) => note({ input: "failed", channel, failure, reason }),
      onPortFault: (error) => note({ input: "fault", channel: 0, reason: String(error) }),
    };
    const upstreams = {
      test: { baseUrl: `${env.UPSTREAM_URL}/base/`, headers: { Authorization: "Bearer secret" } },
      nobody: { baseUrl: "http://127.0.0.1:1", headers: {} },
      ...upstreamTable({}, env),
    };
    const platformFetch: HttpFetch = (url, init) => fetch(url, init as RequestInit) as ReturnType<HttpFetch>;
    this.#http = new CallHttp(inputs, upstreams, platformFetch, platformTimers, silent);
    const open = (request: ConnectRequest, signal: AbortSignal) =>
      openUpstream(upstreams, request, fetch as unknown as UpgradeFetch, signal);
    this.#sockets = new CallSockets(inputs, open, silent);
  }

  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const channel = Number(searchParams.get("channel"));
    if (pathname === "/fetch") {
      const asked = (await request.json()) as Asked;
      this.#maxText = searchParams.get("texts") === "all" ? MAX_CHUNK_BYTES : MAX_TEXT;
      const body =
        typeof asked.body === "string"
          ? new TextEncoder().encode(asked.body)
          : asked.body.map((part) => ({ ...part, bytes: Uint8Array.from(part.bytes) }));
      this.#http.fetch(channel, { ...asked, body });
    } else if (pathname === "/abort") {
      this.#http.abort(channel);
    } else if (pathname === "/credit") {
      this.#http.credit(channel, Number(searchParams.get("bytes")));
    } else if (pathname === "/connect") {
      this.#sockets.connect(channel, (await request.json()) as ConnectRequest);
    } else if (pathname === "/text") {
      this.#sockets.sendText(channel, await request.text());
    } else if (pathname === "/binary") {
      const bytes = new Uint8Array(await request.arrayBuffer());
      const step = Number(searchParams.get("step"));
      for (let at = 0; at < bytes.length; at += step) this.#sockets.sendBinary(channel, bytes.slice(at, at + step));
    } else if (pathname === "/close") {
      this.#sockets.close(channel, 1000, "");
    } else if (pathname === "/shutDown") {
      this.#http.shutDown();
      this.#sockets.shutDown(1000, "");
    }
    return Response.json(this.#inputs.filter((noted) => noted.channel === channel || noted.channel === 0));
  }
}

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    return env.RECORDERS.getByName(new URL(request.url).searchParams.get("object") ?? "").fetch(request);
  },
};
