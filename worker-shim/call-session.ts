import { DurableObject } from "cloudflare:workers";
import type { CommandResult } from "./boundary.ts";
import { type Attachment, Call, type Erasure, type Resumption } from "./call.ts";
import { Core } from "./core.ts";
import type { Env } from "./env.ts";
import { module } from "./module.ts";
import type { HttpFetch } from "./ports/http.ts";
import { ConsoleLog } from "./ports/log.ts";
import type { ExpectedCall } from "./ports/records.ts";
import { assetResources } from "./ports/resources.ts";
import { platformTimers } from "./ports/timers.ts";
import { openUpstream, type UpgradeFetch, upstreamTable } from "./ports/upstreams.ts";
import type { PeerSocket } from "./ports.ts";
import { readSettings } from "./settings.ts";
import { callSinks } from "./sinks.ts";
import { SwitchboardClient } from "./switchboard-client.ts";

/** Paths of `fetch`. */
export const LEG_PATH = "/leg";
export const OBSERVER_PATH = "/observer";

const STATUS: Readonly<Record<Exclude<Attachment, "taken">, number>> = { unknown: 404, over: 410 };

function randomSeed(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high & 0x1fffff) * 2 ** 32 + low;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}

/** One call: connects the platform to {@link Call}. */
export class CallSession extends DurableObject<Env> {
  readonly #call: Call;
  readonly #faultInjection: boolean;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const settings = readSettings(env);
    const upstreams = upstreamTable(env);
    const fetchUpgrade = fetch as unknown as UpgradeFetch;
    this.#faultInjection = settings.faultInjection;
    this.#call = new Call({
      sql: ctx.storage.sql,
      settings,
      switchboard: new SwitchboardClient((name) => env.SWITCHBOARD.getByName(name), settings),
      sinks: callSinks(env, settings),
      timers: platformTimers,
      openUpstream: (request, signal) => openUpstream(upstreams, request, fetchUpgrade, signal),
      upstreams,
      fetch: (url, init) => fetch(url, init as RequestInit) as ReturnType<HttpFetch>,
      findResource: assetResources(env.ASSETS),
      log: new ConsoleLog({ callId: ctx.id.name }),
      nowMs: Date.now,
      randomSeed,
      sleep,
      instantiate: (witness) => Core.instantiate(module, witness),
      setAlarm: (atMs) => ctx.storage.setAlarm(atMs),
      deleteAll: () => ctx.storage.deleteAll(),
      background: (work) => ctx.waitUntil(work),
    });
    ctx.blockConcurrencyWhile(() => this.#call.wake());
  }

  prepare(call: ExpectedCall): Promise<string> {
    return this.#call.prepare(call);
  }

  resume(callSid: string): Promise<Resumption> {
    return this.#call.resume(callSid);
  }

  /** Gives the call an operator's command and says what became of it. */
  operate(command: object): Promise<CommandResult> {
    return this.#call.operate(command);
  }

  /** Every event so far, JSON; undefined for a call that is not known here. */
  async events(): Promise<string[] | undefined> {
    return this.#call.events();
  }

  /** Forgets the recording, or the call as a whole, here and wherever it was delivered. */
  erase(what: "recording" | "call"): Promise<Erasure> {
    return this.#call.erase(what);
  }

  /** Gives the call a command as a test; only where faults may be injected. */
  async command(command: object): Promise<CommandResult> {
    if (this.#faultInjection) return this.#call.command({ kind: "harness" }, command);
    return { status: "refused", code: "unsupported", why: "faults are not injected here" };
  }

  /** Records pages that the core did not make; only where faults may be injected. Returns false if nobody takes them. */
  async record(granule: number, pages: Uint8Array<ArrayBuffer>): Promise<boolean> {
    return this.#faultInjection && this.#call.record(granule, pages);
  }

  /** Loses the object as a crash does; only where faults may be injected. Returns only if they may not. */
  async abort(): Promise<void> {
    if (this.#faultInjection) this.ctx.abort("fault injection");
  }

  override alarm(): Promise<void> {
    return this.#call.alarm();
  }

  /** Takes sockets. 404: no such call; 410: the call is over. */
  override async fetch(request: Request): Promise<Response> {
    const { 0: client, 1: server } = new WebSocketPair();
    const attachment = this.#attach(new URL(request.url).pathname, server as unknown as PeerSocket);
    if (attachment !== "taken") return new Response(null, { status: STATUS[attachment] });
    return new Response(null, { status: 101, webSocket: client });
  }

  #attach(path: string, socket: PeerSocket): Attachment {
    switch (path) {
      case LEG_PATH:
        return this.#call.attachLeg(socket);
      case OBSERVER_PATH:
        return this.#call.observe(socket);
      default:
        return "unknown";
    }
  }
}
