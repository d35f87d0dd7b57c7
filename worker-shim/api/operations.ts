import type { Context } from "hono";
import * as v from "valibot";
import type { LeaseCounts } from "../leases.ts";
import type { CallFigures } from "../ports/call-log-store.ts";
import { ConsoleLog, errorFields } from "../ports/log.ts";
import { oneOf } from "../schemas.ts";
import { callLogStore } from "../sinks.ts";
import { inTime } from "./health.ts";
import { type Route, route } from "./route.ts";
import type { AppEnv } from "./routing.ts";

/** What the figures of /metrics are about. */
const METRICS_WINDOW_MS = 24 * 3600 * 1000;

const log = new ConsoleLog();

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

async function metrics(context: Context<AppEnv>, format: "json" | "prometheus" | undefined): Promise<Response> {
  const store = callLogStore(context.env, context.get("settings"));
  const figures = store && inTime(store.figures(Date.now() - METRICS_WINDOW_MS));
  const [counts, known] = await Promise.all([
    context.get("switchboard").counts(),
    figures?.catch((error) => {
      log.error("a dependency does not answer", { name: "callLog", ...errorFields(error) });
      return undefined;
    }),
  ]);
  const values = metricsOf(counts, known);
  const accepts = context.req.header("Accept") ?? "";
  const isText = format === "prometheus" || (format === undefined && /text\/plain|openmetrics/.test(accepts));
  if (!isText) return context.json(values, 200, { "Cache-Control": "no-store" });
  return new Response(prometheus(values), { headers: { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" } });
}

export function operationRoutes(): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/metrics",
      access: "operator",
      query: { format: v.optional(oneOf(["json", "prometheus"])) },
      answer: (context, { query: { format } }) => metrics(context, format),
    }),
  ];
}
