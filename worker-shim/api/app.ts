import { Hono } from "hono";
import { webhookRoutes } from "../carriers/twilio/routes.ts";
import { ConsoleLog, errorFields } from "../ports/log.ts";
import { ConfigurationError, settingsOf } from "../settings.ts";
import { SwitchboardClient } from "../switchboard-client.ts";
import { callRoutes } from "./calls.ts";
import { measureRequests, slowRequestRoutes } from "./durations.ts";
import { errorResponse, HttpError } from "./errors.ts";
import { faultRoutes } from "./faults.ts";
import { mediaRoutes } from "./media.ts";
import { operationRoutes } from "./operations.ts";
import type { AppEnv, Build } from "./routing.ts";

export function createApp(build: Build): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const log = new ConsoleLog();
  app.use(async (context, next) => {
    const settings = settingsOf(context.env);
    context.set("settings", settings);
    context.set("switchboard", new SwitchboardClient((name) => context.env.SWITCHBOARD.getByName(name), settings));
    await next();
  });
  for (const path of ["/api/*", "/health", "/metrics"]) app.use(path, measureRequests(log));
  webhookRoutes(app);
  mediaRoutes(app);
  operationRoutes(app, build);
  callRoutes(app);
  slowRequestRoutes(app);
  faultRoutes(app);
  app.notFound(() => errorResponse(new HttpError(404, "not_found", "there is no such route")));
  app.onError((error) => {
    if (error instanceof HttpError) return errorResponse(error);
    log.error("a request failed", errorFields(error));
    if (error instanceof ConfigurationError) return errorResponse(new HttpError(503, error.code, error.message));
    return errorResponse(new HttpError(500, "internal_error", "the gateway failed"));
  });
  return app;
}
