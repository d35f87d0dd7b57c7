import type { Hono } from "hono";
import type { LeaseCounts } from "../leases.ts";
import { ConsoleLog, errorFields } from "../ports/log.ts";
import { publicBaseUrl } from "./requests.ts";
import { type AppEnv, type Build, refuseOtherMethods } from "./routing.ts";

/** Of this isolate, epoch ms; the clock stands at 0 before the first request. */
let startedMs: number | undefined;

export function operationRoutes(app: Hono<AppEnv>, build: Build): void {
  const log = new ConsoleLog();

  app.get("/health", async (context) => {
    const nowMs = Date.now();
    startedMs ??= nowMs;
    let counts: LeaseCounts | undefined;
    try {
      counts = await context.get("switchboard").counts();
    } catch (error) {
      log.error("the switchboard does not answer", errorFields(error));
    }
    const warm = build.warmUpError === undefined;
    const healthy = warm && counts !== undefined;
    const report = {
      status: healthy ? "ok" : "degraded",
      timestamp: new Date(nowMs).toISOString(),
      version: build.version,
      activeCalls: counts?.active ?? null,
      uptimeSeconds: Math.floor((nowMs - startedMs) / 1000),
      core: warm ? "ok" : "failed",
      calls: counts ? { admitted: counts.admitted, refused: counts.refused, ended: counts.ended } : null,
    };
    return context.json(report, healthy ? 200 : 503, { "Cache-Control": "no-store" });
  });
  refuseOtherMethods(app, "/health", ["GET"]);

  app.get("/public-url", (context) => context.json({ url: publicBaseUrl(context.get("settings"), context.req.raw) }));
  refuseOtherMethods(app, "/public-url", ["GET"]);
}
