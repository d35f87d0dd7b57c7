import { DurableObject } from "cloudflare:workers";
import type { Erasure } from "./afterlife.ts";
import type { CommandResult } from "./boundary.ts";
import { type Announcement, type Attachment, Call, type Observation, type Resumption, type Stage } from "./call.ts";
import { LEG_PATH, OBSERVER_PATH, SIGNED_HEADER, UNOPENED } from "./call-object.ts";
import type { CallPlatform } from "./call-platform.ts";
import { circuits } from "./circuits.ts";
import { Core } from "./core.ts";
import type { Env } from "./env.ts";
import { module } from "./module.ts";
import { type Operator, ROLES } from "./operators.ts";
import type { HttpFetch } from "./ports/http.ts";
import { ConsoleLog, errorFields } from "./ports/log.ts";
import { assetResources } from "./ports/resources.ts";
import { platformTimers } from "./ports/timers.ts";
import { openUpstream, type UpgradeFetch, upstreamTable } from "./ports/upstreams.ts";
import type { Log, PeerSocket } from "./ports.ts";
import type { ChosenProfile } from "./profiles/choice.ts";
import type { ExpectedCall } from "./records/call-row.ts";
import { settingsOf } from "./settings.ts";
import { callSinks } from "./sinks.ts";
import type { Standing } from "./stream-door.ts";
import { SwitchboardClient } from "./switchboard-client.ts";
import { OBSERVER_PROTOCOL } from "./tickets.ts";

const STATUS: Readonly<Record<Exclude<Attachment, "taken">, number>> = {
  unknown: 404,
  over: 410,
  full: 429,
  denied: 401,
};

/** What the gateway's entry says of somebody who watches; it has looked at who he is. */
function observationOf(query: URLSearchParams): Observation {
  const role = ROLES.find((one) => one === query.get("role"));
  return {
    after: Number(query.get("after") ?? -1),
    levels: query.has("levels"),
    by: role && { name: query.get("name") ?? "", role },
    ticket: query.get("ticket") ?? undefined,
  };
}

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

/** After this an object that could not be opened looks again whether it can. */
const REOPEN_MS = 3600 * 1000;

/** One call: connects the platform to {@link Call}. */
export class CallSession extends DurableObject<Env> {
  readonly #call: Call | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const log = new ConsoleLog({ callId: ctx.id.name });
    try {
      this.#call = new Call(this.#platform(log));
      this.#call.wake();
    } catch (error) {
      // What it holds is kept for a deployment that can open it.
      log.error("a call's object was not opened", errorFields(error));
      this.#call = undefined;
    }
  }

  prepare(call: ExpectedCall, profile?: ChosenProfile): Promise<Announcement> {
    return this.#opened().prepare(call, profile);
  }

  /** Whether this is the call that the carrier calls so. */
  async knows(carrierCallId: string): Promise<boolean> {
    return this.#opened().knows(carrierCallId);
  }

  resume(carrierCallId: string): Promise<Resumption> {
    return this.#opened().resume(carrierCallId);
  }

  /** The carrier's call is over. */
  async carrierEnded(carrierCallId: string): Promise<void> {
    this.#opened().carrierEnded(carrierCallId);
  }

  /** Gives the call an operator's command and says what became of it. */
  operate(command: object, operator?: Operator): Promise<CommandResult> {
    return this.#opened().operate(command, operator);
  }

  /** Somebody will come with this ticket. Returns false for a call that is not known here. */
  async expectObserver(nonce: string, operator: Operator): Promise<boolean> {
    return this.#opened().expectObserver(nonce, operator);
  }

  /** Every event so far, JSON; undefined for a call that is not known here. */
  async events(): Promise<string[] | undefined> {
    return this.#opened().events();
  }

  /** Whether the call goes on, is over, or is not known here. */
  async stage(): Promise<Stage> {
    return this.#opened().stage();
  }

  /** Forgets the recording, or the call as a whole, here and wherever it was delivered. */
  async erase(what: "recording" | "call"): Promise<Erasure> {
    return this.#opened().erase(what);
  }

  /** Gives the call a command as a test; only where faults may be injected. */
  async command(command: object): Promise<CommandResult> {
    if (settingsOf(this.env).faultInjection) return this.#opened().command({ kind: "harness" }, command);
    return { status: "refused", code: "unsupported", why: "faults are not injected here" };
  }

  /** Records pages that the core did not make; only where faults may be injected. Returns false if nobody takes them. */
  async record(granule: number, pages: Uint8Array<ArrayBuffer>): Promise<boolean> {
    return settingsOf(this.env).faultInjection && this.#opened().record(granule, pages);
  }

  /** Loses the object as a crash does; only where faults may be injected. Returns only if they may not. */
  async abort(): Promise<void> {
    if (settingsOf(this.env).faultInjection) this.ctx.abort("fault injection");
  }

  override async alarm(): Promise<void> {
    if (this.#call) await this.#call.alarm();
    else await this.ctx.storage.setAlarm(Date.now() + REOPEN_MS);
  }

  /** Takes sockets. 401: no good ticket; 404: no such call; 410: the call is over; 429: no place; 503: another deployment can open it. */
  override async fetch(request: Request): Promise<Response> {
    if (!this.#call) return new Response(null, { status: 503 });
    const { 0: client, 1: server } = new WebSocketPair();
    const standing = request.headers.has(SIGNED_HEADER) ? "signed" : "unsigned";
    const url = new URL(request.url);
    if (url.pathname === LEG_PATH) await this.#call.placeAtDoor(standing);
    const attachment = this.#attach(url, server as unknown as PeerSocket, standing);
    if (attachment !== "taken") return new Response(null, { status: STATUS[attachment] });
    // A page that has offered a protocol beside its ticket wants to hear it.
    const headers = url.searchParams.has("ticket") ? { "Sec-WebSocket-Protocol": OBSERVER_PROTOCOL } : {};
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  #attach({ pathname, searchParams }: URL, socket: PeerSocket, standing: Standing): Attachment {
    switch (pathname) {
      case LEG_PATH:
        return this.#opened().receiveLeg(socket, standing);
      case OBSERVER_PATH:
        return this.#opened().observe(socket, observationOf(searchParams));
      default:
        return "unknown";
    }
  }

  #opened(): Call {
    if (!this.#call) throw new Error(UNOPENED);
    return this.#call;
  }

  #platform(log: Log): CallPlatform {
    const { ctx, env } = this;
    const settings = settingsOf(env);
    const upstreams = upstreamTable(settings.upstreams, env);
    const fetchUpgrade = fetch as unknown as UpgradeFetch;
    const { storage } = ctx;
    return {
      database: {
        exec: (query, ...bindings) => storage.sql.exec(query, ...bindings),
        transaction: (work) => storage.transactionSync(work),
      },
      settings,
      switchboard: new SwitchboardClient((name) => env.SWITCHBOARD.getByName(name), settings),
      sinks: callSinks(env, settings),
      timers: platformTimers,
      openUpstream: (request, signal) => openUpstream(upstreams, request, fetchUpgrade, signal),
      upstreams,
      fetch: (url, init) => fetch(url, init as RequestInit) as ReturnType<HttpFetch>,
      findResource: assetResources(env.ASSETS),
      circuits,
      log,
      nowMs: Date.now,
      randomSeed,
      sleep,
      instantiate: (witness) => Core.instantiate(module, witness),
      setAlarm: (atMs) => storage.setAlarm(atMs),
      deleteAll: () => storage.deleteAll(),
      background: (work) => ctx.waitUntil(work),
    };
  }
}
