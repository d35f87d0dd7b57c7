import type { Hono } from "hono";
import { HttpError } from "./errors.ts";
import { isCallId, readBody, requireOperator } from "./requests.ts";
import { type AppEnv, refuseOtherMethods } from "./routing.ts";

function parseBody(body: Uint8Array): { readonly type?: unknown; readonly command?: unknown } {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Answered below.
  }
  throw new HttpError(400, "bad_body", "the body is no JSON object");
}

/**
 * POST /api/faults/CALL, where FAULT_INJECTION is "true" and the environment is not production:
 * `{"type":"abort"}` loses the object, `{"type":"command","command":{...}}` gives the core a command.
 */
export function faultRoutes(app: Hono<AppEnv>): void {
  app.post("/api/faults/:callId", async (context) => {
    const settings = context.get("settings");
    if (!settings.faultInjection) return context.notFound();
    await requireOperator(settings, context.req.raw);
    const callId = context.req.param("callId");
    if (!isCallId(callId)) throw new HttpError(404, "not_found", "there is no such call");
    const { type, command } = parseBody(await readBody(context.req.raw));
    const call = context.env.CALLS.getByName(callId);
    switch (type) {
      case "abort":
        // An object that is lost does not answer.
        await call.abort().catch(() => undefined);
        return context.json({ status: "aborted" }, 202);
      case "command":
        if (!(await call.command(JSON.stringify(command ?? null))))
          throw new HttpError(409, "refused", "the call does not take the command");
        return context.json({ status: "accepted" }, 202);
      default:
        throw new HttpError(400, "bad_fault", 'type must be "abort" or "command"');
    }
  });
  refuseOtherMethods(app, "/api/faults/:callId", ["POST"]);
}
