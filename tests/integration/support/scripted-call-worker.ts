// A Worker whose Durable Object holds one session of the module with the scripted agent, with the shim's own ports: two
// sockets and an HTTP exchange at once are real ones.

import module from "trunkline_scripted.wasm";
import { LEG_CHANNEL } from "../../../worker-shim/boundary.ts";
import { Core, MAX_RESOURCE_BYTES } from "../../../worker-shim/core.ts";
import { LiveSession, MonotonicClock } from "../../../worker-shim/live-session.ts";
import { CallHttp, type HttpFetch } from "../../../worker-shim/ports/http.ts";
import { CallResources } from "../../../worker-shim/ports/resources.ts";
import { CallSockets } from "../../../worker-shim/ports/sockets.ts";
import { DeadlineTimer, platformTimers } from "../../../worker-shim/ports/timers.ts";
import { openUpstream, type UpgradeFetch } from "../../../worker-shim/ports/upstreams.ts";
import type { Log, PeerSocket } from "../../../worker-shim/ports.ts";

interface Env {
  readonly UPSTREAM_URL: string;
  readonly CALLS: { getByName(name: string): { fetch(request: Request): Promise<Response> } };
}

const CONFIG = {
  callId: "scripted",
  seed: 1,
  epochMs: 1_795_000_000_000,
  leg: "twilio",
  agent: "scripted",
  profile: { model: "provider-turns texts", tools: [{ type: "function", name: "look_up" }] },
};

export class ScriptedCall {
  readonly #events: string[] = [];
  readonly #complaints: string[] = [];
  readonly #live: LiveSession;
  #sockets: CallSockets | undefined;

  constructor(_state: unknown, env: Env) {
    const log: Log = {
      info: () => undefined,
      warn: (message) => this.#complaints.push(message),
      error: (message) => this.#complaints.push(message),
    };
    const upstream = (name: string) => ({ baseUrl: `${env.UPSTREAM_URL}/${name}`, headers: { Authorization: name } });
    const upstreams = {
      "scripted-ears": upstream("ears"),
      "scripted-voice": upstream("voice"),
      "scripted-mind": upstream("mind"),
    };
    const platformFetch: HttpFetch = (url, init) => fetch(url, init as RequestInit) as ReturnType<HttpFetch>;
    const clock = new MonotonicClock();
    this.#live = new LiveSession({
      callId: CONFIG.callId,
      core: Core.instantiate(module),
      clock,
      log,
      ports: (inputs) => {
        const open = (request: Parameters<typeof openUpstream>[1], signal: AbortSignal) =>
          openUpstream(upstreams, request, fetch as unknown as UpgradeFetch, signal);
        this.#sockets = new CallSockets(inputs, open, log);
        return {
          sockets: this.#sockets,
          http: new CallHttp(inputs, upstreams, platformFetch, platformTimers, log),
          resources: new CallResources(inputs, async () => undefined, MAX_RESOURCE_BYTES, log),
          timer: new DeadlineTimer(clock, platformTimers, () => inputs.onTimer()),
          authorizer: { authorize: () => setTimeout(() => inputs.onAuthorized("granted"), 0) },
          events: { event: (json) => this.#events.push(json), ended: (summary) => this.#events.push(summary) },
          recorder: { record: () => undefined },
          snapshots: { snapshot: () => undefined },
        };
      },
      onOver: () => undefined,
    });
    this.#live.open(JSON.stringify(CONFIG));
  }

  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === "/leg") {
      const { 0: client, 1: server } = new WebSocketPair();
      this.#sockets?.attach(LEG_CHANNEL, server as unknown as PeerSocket, "");
      return new Response(null, { status: 101, webSocket: client });
    }
    if (request.method === "POST") {
      return Response.json(await this.#live.command({ kind: "operator" }, (await request.json()) as object));
    }
    return Response.json({ events: this.#events.map((json) => JSON.parse(json)), complaints: this.#complaints });
  }
}

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    return env.CALLS.getByName(new URL(request.url).searchParams.get("object") ?? "").fetch(request);
  },
};
