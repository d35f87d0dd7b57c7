import type { Context } from "hono";
import * as v from "valibot";
import type { CommandResult } from "../boundary.ts";
import { DEPENDENCIES, FAULTS, injectFault } from "../ports/injected-faults.ts";
import { anyObject, integer, oneOf, shape, table } from "../schemas.ts";
import { commandResponse } from "./commands.ts";
import { HttpError } from "./errors.ts";
import { forgetChecks } from "./health.ts";
import { askObject } from "./objects.ts";
import { type Route, route } from "./route.ts";
import type { AppEnv } from "./routing.ts";

const dependencyFault = table({ dependency: oneOf(DEPENDENCIES), fault: oneOf(FAULTS) });

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
export function faultRoutes(): readonly Route[] {
  return [
    route({
      method: "POST",
      path: "/api/faults",
      access: "harness",
      query: {},
      body: dependencyFault,
      bodyCode: "bad_fault",
      answer: (context, { body: { dependency, fault } }) => {
        injectFault(dependency, fault);
        forgetChecks();
        return context.json({ status: "injected" }, 202);
      },
    }),
    route({
      method: "POST",
      path: "/api/faults/:callId",
      access: "harness",
      query: {},
      body: callFault,
      bodyCode: "bad_fault",
      answer: async (context, { callId, body }) => injectCallFault(context, callId, body),
    }),
  ];
}

async function injectCallFault(
  context: Context<AppEnv>,
  callId: string,
  fault: v.InferOutput<typeof callFault>,
): Promise<Response> {
  const call = context.env.CALLS.getByName(callId);
  switch (fault.type) {
    case "abort":
      // An object that is lost does not answer.
      await call.abort().catch(() => undefined);
      return context.json({ status: "aborted" }, 202);
    case "command":
      return commandResponse(await askObject<CommandResult>(async () => call.command(fault.command), 1));
    case "record": {
      const bytes = Uint8Array.from(atob(fault.pages), (character) => character.charCodeAt(0));
      if (!(await askObject<boolean>(async () => call.record(fault.granule, bytes), 1)))
        throw new HttpError(409, "refused", "the call is not live");
      return context.json({ status: "accepted" }, 202);
    }
    default:
      fault satisfies never;
      throw new Error("an unknown fault");
  }
}
