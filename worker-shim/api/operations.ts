import type { Context, Hono } from "hono";
import type { LeaseCounts } from "../leases.ts";
import type { CallFigures } from "../ports/call-log-store.ts";
import type { SupabaseSink } from "../ports/http-sinks.ts";
import { ConsoleLog, errorFields } from "../ports/log.ts";
import { callLogStore, recordingsBucket, requestNotes, supabaseSink } from "../sinks.ts";
import { publicBaseUrl, requireOperator } from "./requests.ts";
import { type AppEnv, type Build, refuseOtherMethods } from "./routing.ts";

/** A dependency that has not answered by then has failed. */
const CHECK_TIMEOUT_MS = 2_000;
/** What the figures of /metrics are about. */
const METRICS_WINDOW_MS = 24 * 3600 * 1000;

/** Of this isolate, epoch ms; the clock stands at 0 before the first request. */
let startedMs: number | undefined;

type State = "ok" | "failed" | "absent";

/** Anyone may ask for /health: a server that is not ours is asked about this often by an isolate. */
const REMOTE_CHECK_INTERVAL_MS = 30_000;
/** The last answer; a promise must not be awaited by another request than its own. */
let remoteCheck: { readonly atMs: number; readonly error: unknown } | undefined;

async function checkSupabase(sink: SupabaseSink): Promise<void> {
  const atMs = Date.now();
  if (!remoteCheck || atMs - remoteCheck.atMs >= REMOTE_CHECK_INTERVAL_MS) {
    const answer = sink.check(AbortSignal.timeout(CHECK_TIMEOUT_MS));
    const error = await answer.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    remoteCheck = { atMs, error };
  }
  if (remoteCheck.error !== undefined) throw remoteCheck.error;
}

/** Rejects when the work takes too long. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("no answer in time")), CHECK_TIMEOUT_MS);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

interface Metrics {
  readonly totalCalls: number;
  readonly activeCalls: number;
  readonly refusedCalls: number;
  readonly endedCalls: Readonly<Record<string, number>>;
  /** Of the calls that began in the last 24 hours; null where there is no call log, or no such call. */
  readonly averageCallDuration: number | null;
  readonly errorRate: number | null;
  readonly averageLatency: number | null;
  readonly bargeIns: number | null;
}

function metricsOf(counts: LeaseCounts, figures: CallFigures | undefined): Metrics {
  return {
    totalCalls: counts.admitted,
    activeCalls: counts.active,
    refusedCalls: counts.refused,
    endedCalls: counts.ended,
    averageCallDuration: figures?.averageDurationMs == null ? null : figures.averageDurationMs / 1000,
    errorRate: figures && figures.calls > 0 ? figures.failed / figures.calls : null,
    averageLatency: figures?.averageLatencyMs ?? null,
    bargeIns: figures?.bargeIns ?? null,
  };
}

/** The text exposition format, version 0.0.4. What is not known is left out. */
function prometheus(metrics: Metrics): string {
  const family = (name: string, type: "counter" | "gauge", help: string, samples: [string, number | null][]) => {
    const lines = samples.flatMap(([labels, value]) => (value === null ? [] : [`${name}${labels} ${value}`]));
    return lines.length > 0 ? [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines] : [];
  };
  const label = (text: string) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  const ended = Object.entries(metrics.endedCalls).map(([reason, count]): [string, number] => [
    `{reason="${label(reason)}"}`,
    count,
  ]);
  return [
    ...family("trunkline_calls_total", "counter", "Calls admitted.", [["", metrics.totalCalls]]),
    ...family("trunkline_calls_refused_total", "counter", "Calls refused.", [["", metrics.refusedCalls]]),
    ...family("trunkline_calls_ended_total", "counter", "Calls ended, by reason.", ended),
    ...family("trunkline_calls_active", "gauge", "Calls that go on.", [["", metrics.activeCalls]]),
    ...family("trunkline_call_duration_seconds_average", "gauge", "Mean duration, last 24 hours.", [
      ["", metrics.averageCallDuration],
    ]),
    ...family("trunkline_call_error_ratio", "gauge", "Part of calls that failed, last 24 hours.", [
      ["", metrics.errorRate],
    ]),
    ...family("trunkline_reply_latency_seconds_average", "gauge", "End of turn to first audio, last 24 hours.", [
      ["", metrics.averageLatency === null ? null : metrics.averageLatency / 1000],
    ]),
    "",
  ].join("\n");
}

export function operationRoutes(app: Hono<AppEnv>, build: Build): void {
  const log = new ConsoleLog();

  const check = async (name: string, work: Promise<unknown> | undefined): Promise<State> => {
    if (!work) return "absent";
    try {
      await inTime(work);
      return "ok";
    } catch (error) {
      log.error("a dependency does not answer", { name, ...errorFields(error) });
      return "failed";
    }
  };

  const states = async (context: Context<AppEnv>) => {
    const settings = context.get("settings");
    const sink = supabaseSink(settings);
    const [callLog, recordings, requests, supabase] = await Promise.all([
      check("callLog", callLogStore(context.env, settings)?.check()),
      check("recordings", recordingsBucket(context.env, settings)?.head("health")),
      check("requests", requestNotes(context.env, settings)?.get("health")),
      check("supabase", sink && checkSupabase(sink)),
    ]);
    return { callLog, recordings, requests, supabase };
  };

  app.get("/health", async (context) => {
    const nowMs = Date.now();
    startedMs ??= nowMs;
    let counts: LeaseCounts | undefined;
    const [stores] = await Promise.all([
      states(context),
      inTime(context.get("switchboard").counts()).then(
        (answer) => {
          counts = answer;
        },
        (error) => log.error("the switchboard does not answer", errorFields(error)),
      ),
    ]);
    const core: State = build.warmUpError === undefined ? "ok" : "failed";
    const switchboard: State = counts ? "ok" : "failed";
    const dependencies = { core, switchboard, ...stores };
    // Without these two there are no calls. Without the others calls go on, and what is told of them waits.
    const serves = core === "ok" && switchboard === "ok";
    const report = {
      status: Object.values(dependencies).includes("failed") ? "degraded" : "ok",
      timestamp: new Date(nowMs).toISOString(),
      version: build.version,
      activeCalls: counts?.active ?? null,
      uptime: Math.floor((nowMs - startedMs) / 1000),
      core,
      dependencies,
      calls: counts ? { admitted: counts.admitted, refused: counts.refused, ended: counts.ended } : null,
    };
    return context.json(report, serves ? 200 : 503, { "Cache-Control": "no-store" });
  });
  refuseOtherMethods(app, "/health", ["GET"]);

  app.get("/metrics", async (context) => {
    const settings = context.get("settings");
    await requireOperator(settings, context.req.raw);
    const store = callLogStore(context.env, settings);
    const figures = store && inTime(store.figures(Date.now() - METRICS_WINDOW_MS));
    const [counts, known] = await Promise.all([
      context.get("switchboard").counts(),
      figures?.catch((error) => {
        log.error("a dependency does not answer", { name: "callLog", ...errorFields(error) });
        return undefined;
      }),
    ]);
    const metrics = metricsOf(counts, known);
    const format = context.req.query("format");
    const accepts = context.req.header("Accept") ?? "";
    const text = format === "prometheus" || (format === undefined && /text\/plain|openmetrics/.test(accepts));
    if (!text) return context.json(metrics, 200, { "Cache-Control": "no-store" });
    return new Response(prometheus(metrics), {
      headers: { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" },
    });
  });
  refuseOtherMethods(app, "/metrics", ["GET"]);

  app.get("/public-url", (context) => context.json({ url: publicBaseUrl(context.get("settings"), context.req.raw) }));
  refuseOtherMethods(app, "/public-url", ["GET"]);
}
