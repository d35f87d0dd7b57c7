import type { Context } from "hono";
import { CARRIER_SECRET } from "../carriers/twilio/settings.ts";
import { circuits } from "../circuits.ts";
import type { LeaseCounts } from "../leases.ts";
import { ConsoleLog, errorFields } from "../ports/log.ts";
import { SERVICE_KINDS } from "../services.ts";
import type { Settings } from "../settings.ts";
import { callLogStore, profileReplica, recordingsBucket, requestNotes, supabaseSink } from "../sinks.ts";
import { publicBaseUrl, socketBaseUrl } from "./requests.ts";
import { type Route, route } from "./route.ts";
import type { AppEnv, Build } from "./routing.ts";

/** A dependency that has not answered by then has failed. */
const CHECK_TIMEOUT_MS = 2_000;
/** Anyone may ask for /health: an isolate asks a store about this often. What it said last is told until then. */
export const STORE_CHECK_INTERVAL_MS = 10_000;
/** The same for a server that is not ours. */
export const REMOTE_CHECK_INTERVAL_MS = 30_000;

type State = "ok" | "failed" | "absent";

/** Of this isolate, epoch ms; the clock stands at 0 before the first request. */
let startedMs: number | undefined;

/** The last answer of each; a promise must not be awaited by another request than its own. */
const lastChecks = new Map<string, { readonly atMs: number; readonly state: State }>();

/** Asks each store anew: a fault was injected. */
export function forgetChecks(): void {
  lastChecks.clear();
}

/** Rejects when the work takes too long. */
export async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("no answer in time")), CHECK_TIMEOUT_MS);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const log = new ConsoleLog();

/** Whether a store answers, as it was found at most `intervalMs` ago. Absent where it is not bound. */
async function check(name: string, intervalMs: number, ask: (() => Promise<unknown>) | undefined): Promise<State> {
  if (!ask) return "absent";
  const atMs = Date.now();
  const last = lastChecks.get(name);
  if (last && atMs - last.atMs < intervalMs) return last.state;
  // Before it has answered: who asks meanwhile does not ask it as well.
  lastChecks.set(name, { atMs, state: last?.state ?? "ok" });
  let state: State = "ok";
  try {
    await inTime(ask());
  } catch (error) {
    log.error("a dependency does not answer", { name, ...errorFields(error) });
    state = "failed";
  }
  lastChecks.set(name, { atMs, state });
  return state;
}

async function stores(context: Context<AppEnv>) {
  const { env } = context;
  const settings = context.get("settings");
  const store = callLogStore(env, settings);
  const bucket = recordingsBucket(env, settings);
  const notes = requestNotes(env, settings);
  const replica = profileReplica(env, settings);
  const sink = supabaseSink(settings);
  const [callLog, recordings, requests, profiles, supabase] = await Promise.all([
    check("callLog", STORE_CHECK_INTERVAL_MS, store && (() => store.check())),
    check("recordings", STORE_CHECK_INTERVAL_MS, bucket && (() => bucket.head("health"))),
    check("requests", STORE_CHECK_INTERVAL_MS, notes && (() => notes.get("health"))),
    check("profiles", STORE_CHECK_INTERVAL_MS, replica && (() => replica.get("health"))),
    check("supabase", REMOTE_CHECK_INTERVAL_MS, sink && (() => sink.check(AbortSignal.timeout(CHECK_TIMEOUT_MS)))),
  ]);
  return { callLog, recordings, requests, profiles, supabase };
}

/** Whether the deployment's own agent has that upstream. */
function needs(upstream: "openai" | "deepgram", { defaultAgent, profile }: Settings): boolean {
  if (defaultAgent === "scribe") return profile.stt?.service === upstream;
  if (defaultAgent === "cascade") return SERVICE_KINDS.some((kind) => profile[kind]?.service === upstream);
  return upstream === "openai" && defaultAgent === "openai-realtime";
}

/** What the gateway goes by, for whoever wonders why it does what it does. No secret is in it, only whether it is there. */
function configuration(settings: Settings, request: Request) {
  const baseUrl = publicBaseUrl(settings, request);
  const present = (value: unknown) => (value === undefined ? "missing" : "set");
  return {
    environment: settings.environment,
    publicBaseUrl: baseUrl,
    publicBaseUrlFrom: settings.publicBaseUrl === undefined ? "the request" : "PUBLIC_BASE_URL",
    streamUrl: `${socketBaseUrl(baseUrl)}/call/ID`,
    defaultAgent: settings.defaultAgent,
    allowUnauthenticated: settings.allowUnauthenticated,
    faultInjection: settings.faultInjection,
    secrets: {
      [CARRIER_SECRET]: present(settings.carrierAuthTokens[0]),
      TOKEN_SECRET: present(settings.tokenRing),
      ADMIN_TOKEN: present(settings.adminToken),
      ...(needs("openai", settings) && { OPENAI_API_KEY: present(settings.upstreams.OPENAI_API_KEY) }),
      ...(needs("deepgram", settings) && { DEEPGRAM_API_KEY: present(settings.upstreams.DEEPGRAM_API_KEY) }),
    },
  };
}

async function health(context: Context<AppEnv>, build: Build): Promise<Response> {
  const settings = context.get("settings");
  const nowMs = Date.now();
  startedMs ??= nowMs;
  let counts: LeaseCounts | undefined;
  const [answers] = await Promise.all([
    stores(context),
    inTime(context.get("switchboard").counts()).then(
      (answer) => {
        counts = answer;
      },
      (error) => log.error("the switchboard does not answer", errorFields(error)),
    ),
  ]);
  const core: State = build.warmUpError === undefined ? "ok" : "failed";
  const switchboard: State = counts ? "ok" : "failed";
  const dependencies = { core, switchboard, ...answers };
  const believed = configuration(settings, context.req.raw);
  const { secrets } = believed;
  // Without these there are no calls. Without the others calls go on, and what is told of them waits.
  const takesCalls =
    settings.allowUnauthenticated || (secrets[CARRIER_SECRET] === "set" && secrets.TOKEN_SECRET === "set");
  const serves = core === "ok" && switchboard === "ok" && takesCalls;
  const isWhole = !Object.values(dependencies).includes("failed") && !Object.values(secrets).includes("missing");
  const report = {
    status: isWhole ? "ok" : "degraded",
    timestamp: new Date(nowMs).toISOString(),
    version: build.version,
    activeCalls: counts?.active ?? null,
    uptime: Math.floor((nowMs - startedMs) / 1000),
    core,
    dependencies,
    configuration: believed,
    // Of this isolate.
    agents: { open: circuits.open(), counters: circuits.counters },
    calls: counts ? { admitted: counts.admitted, refused: counts.refused, ended: counts.ended } : null,
  };
  return context.json(report, serves ? 200 : 503, { "Cache-Control": "no-store" });
}

export function healthRoutes(build: Build): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/health",
      access: "anyone",
      query: {},
      answer: (context) => health(context, build),
    }),
    route({
      method: "GET",
      path: "/public-url",
      access: "anyone",
      query: {},
      answer: (context) => context.json({ url: publicBaseUrl(context.get("settings"), context.req.raw) }),
    }),
  ];
}
