import type { Hono } from "hono";
import { DEPENDENCIES, type Dependency, FAULTS, type InjectedFault, injectFault } from "../ports/injected-faults.ts";
import { commandResponse } from "./commands.ts";
import { HttpError } from "./errors.ts";
import { isCallId, readBody, requireOperator } from "./requests.ts";
import { type AppEnv, refuseOtherMethods } from "./routing.ts";

interface FaultBody {
  readonly type?: unknown;
  readonly command?: unknown;
  readonly granule?: unknown;
  readonly pages?: unknown;
}

function parseBody(body: Uint8Array): FaultBody {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Answered below.
  }
  throw new HttpError(400, "bad_body", "the body is no JSON object");
}

function parseFault(body: Uint8Array): readonly [Dependency, InjectedFault] {
  const { dependency, fault } = parseBody(body) as { dependency?: unknown; fault?: unknown };
  const known = DEPENDENCIES.find((name) => name === dependency);
  const kind = FAULTS.find((name) => name === fault);
  if (known && kind) return [known, kind];
  throw new HttpError(400, "bad_fault", `dependency: ${DEPENDENCIES.join(", ")}; fault: ${FAULTS.join(", ")}`);
}

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
    injectFault(...parseFault(await readBody(context.req.raw)));
    return context.json({ status: "injected" }, 202);
  });
  refuseOtherMethods(app, "/api/faults", ["POST"]);
  app.post("/api/faults/:callId", async (context) => {
    const settings = context.get("settings");
    if (!settings.faultInjection) return context.notFound();
    await requireOperator(settings, context.req.raw);
    const callId = context.req.param("callId");
    if (!isCallId(callId)) throw new HttpError(404, "not_found", "there is no such call");
    const { type, command, granule, pages } = parseBody(await readBody(context.req.raw));
    const call = context.env.CALLS.getByName(callId);
    switch (type) {
      case "abort":
        // An object that is lost does not answer.
        await call.abort().catch(() => undefined);
        return context.json({ status: "aborted" }, 202);
      case "command":
        if (typeof command !== "object" || command === null || Array.isArray(command))
          throw new HttpError(400, "bad_fault", "command must be an object");
        return commandResponse(await call.command(command));
      case "record": {
        const bytes = Uint8Array.from(atob(String(pages)), (character) => character.charCodeAt(0));
        if (!(await call.record(Number(granule), bytes))) throw new HttpError(409, "refused", "the call is not live");
        return context.json({ status: "accepted" }, 202);
      }
      default:
        throw new HttpError(400, "bad_fault", 'type must be "abort", "command" or "record"');
    }
  });
  refuseOtherMethods(app, "/api/faults/:callId", ["POST"]);
}
