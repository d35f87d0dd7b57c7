import type { Hono } from "hono";
import * as v from "valibot";
import { isCallId } from "../call-id.ts";
import { DEPENDENCIES, FAULTS, injectFault } from "../ports/injected-faults.ts";
import { integer, oneOf, shape, table } from "../schemas.ts";
import { commandResponse } from "./commands.ts";
import { HttpError } from "./errors.ts";
import { readJson, requireOperator } from "./requests.ts";
import { type AppEnv, refuseOtherMethods } from "./routing.ts";

const dependencyFault = table({ dependency: oneOf(DEPENDENCIES), fault: oneOf(FAULTS) });

const anyObject = v.custom<object>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "must be an object",
);

const callFault = v.variant(
  "type",
  [
    shape({ type: v.literal("abort") }),
    shape({ type: v.literal("command"), command: anyObject }),
    shape({
      type: v.literal("record"),
      granule: integer(0, Number.MAX_SAFE_INTEGER),
      pages: v.pipe(v.string("must be base64"), v.base64("must be base64")),
    }),
  ],
  'must be "abort", "command" or "record"',
);

/**
 * POST /api/faults makes a dependency of this isolate fail: `{"dependency":"d1","fault":"error"}`.
 *
 * POST /api/faults/CALL, where FAULT_INJECTION is "true" and the environment is not production:
 * `{"type":"abort"}` loses the object, `{"type":"command","command":{...}}` gives the core a command,
 * `{"type":"record","granule":48000,"pages":"base64"}` is a RECORD effect that the core did not have.
 */
export function faultRoutes(app: Hono<AppEnv>): void {
  app.post("/api/faults", async (context) => {
    const settings = context.get("settings");
    if (!settings.faultInjection) return context.notFound();
    await requireOperator(settings, context.req.raw);
    const { dependency, fault } = await readJson(context.req.raw, dependencyFault, "bad_fault");
    injectFault(dependency, fault);
    return context.json({ status: "injected" }, 202);
  });
  refuseOtherMethods(app, "/api/faults", ["POST"]);
  app.post("/api/faults/:callId", async (context) => {
    const settings = context.get("settings");
    if (!settings.faultInjection) return context.notFound();
    await requireOperator(settings, context.req.raw);
    const callId = context.req.param("callId");
    if (!isCallId(callId)) throw new HttpError(404, "not_found", "there is no such call");
    const fault = await readJson(context.req.raw, callFault, "bad_fault");
    const call = context.env.CALLS.getByName(callId);
    switch (fault.type) {
      case "abort":
        // An object that is lost does not answer.
        await call.abort().catch(() => undefined);
        return context.json({ status: "aborted" }, 202);
      case "command":
        return commandResponse(await call.command(fault.command));
      case "record": {
        const bytes = Uint8Array.from(atob(fault.pages), (character) => character.charCodeAt(0));
        if (!(await call.record(fault.granule, bytes))) throw new HttpError(409, "refused", "the call is not live");
        return context.json({ status: "accepted" }, 202);
      }
      default:
        fault satisfies never;
        throw new Error("an unknown fault");
    }
  });
  refuseOtherMethods(app, "/api/faults/:callId", ["POST"]);
}
