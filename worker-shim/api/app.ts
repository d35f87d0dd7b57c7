import { Hono } from "hono";
import { webhookRoutes } from "../carriers/twilio/routes.ts";
import { CallLogError } from "../ports/call-log-store.ts";
import { ConsoleLog, errorFields } from "../ports/log.ts";
import { platformTimers } from "../ports/timers.ts";
import { ProfileChooser } from "../profiles/choice.ts";
import { KnowledgeShelf } from "../profiles/shelf.ts";
import { ConfigurationError, settingsOf } from "../settings.ts";
import { DependencyError } from "../sinks.ts";
import { SwitchboardClient } from "../switchboard-client.ts";
import { callRoutes } from "./calls.ts";
import { measureRequests, slowRequestRoutes } from "./durations.ts";
import { errorResponse, HttpError } from "./errors.ts";
import { faultRoutes } from "./faults.ts";
import { healthRoutes } from "./health.ts";
import { knowledgeRoutes } from "./knowledge.ts";
import { mediaRoutes } from "./media.ts";
import { observerRoutes } from "./observers.ts";
import { operationRoutes } from "./operations.ts";
import { profileRoutes } from "./profiles.ts";
import { DoorLimits, limitProofs } from "./rate-limit.ts";
import { mount, noSuchRoute, type Route } from "./route.ts";
import type { AppEnv, Build } from "./routing.ts";
import { toolRoutes } from "./tools.ts";

/** Every route there is. */
export function allRoutes(build: Build): readonly Route[] {
  return [
    ...webhookRoutes(),
    ...mediaRoutes(),
    ...healthRoutes(build),
    ...operationRoutes(),
    ...toolRoutes(),
    ...callRoutes(),
    ...profileRoutes(),
    ...knowledgeRoutes(),
    ...observerRoutes(),
    ...slowRequestRoutes(),
    ...faultRoutes(),
  ];
}

export function createApp(build: Build): Hono<AppEnv> {
  // A slash at the end is none.
  const app = new Hono<AppEnv>({ strict: false });
  const log = new ConsoleLog();
  const limits = new DoorLimits();
  const ofIsolate = { log, timers: platformTimers, nowMs: Date.now };
  const chooser = new ProfileChooser(ofIsolate);
  const shelf = new KnowledgeShelf(ofIsolate);
  app.use(async (context, next) => {
    const settings = settingsOf(context.env);
    context.set("settings", settings);
    context.set("switchboard", new SwitchboardClient((name) => context.env.SWITCHBOARD.getByName(name), settings));
    context.set("limits", limits);
    context.set("chooser", chooser);
    context.set("shelf", shelf);
    await next();
  });
  app.use(limitProofs(limits));
  for (const path of ["/api/*", "/health", "/metrics", "/tools"]) app.use(path, measureRequests(log));
  mount(app, allRoutes(build));
  app.notFound((context) => {
    limits.anonymous(context);
    return errorResponse(noSuchRoute());
  });
  app.onError((error) => {
    if (error instanceof HttpError) return errorResponse(error);
    log.error("a request failed", errorFields(error));
    if (error instanceof ConfigurationError) return errorResponse(new HttpError(503, error.code, error.message));
    if (error instanceof DependencyError || error instanceof CallLogError)
      return errorResponse(new HttpError(503, "unavailable", "a store does not answer", { "Retry-After": "1" }));
    return errorResponse(new HttpError(500, "internal_error", "the gateway failed"));
  });
  return app;
}
