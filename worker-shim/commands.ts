import type { Refusal } from "./boundary.ts";
import { mayAs, type Operator, type Role } from "./operators.ts";
import { jsonFault, outputFault, shownName, textFault, unknownName } from "./schemas.ts";

/** The fields of each command beside its type; docs/boundary.md. The core says what each of them must be. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  hangUp: [],
  say: ["text"],
  digits: ["digits"],
  switchAgent: ["agent"],
  toolResult: ["toolCallId", "output"],
  recordingConsent: [],
  pauseRecording: [],
  resumeRecording: [],
  crash: [],
};

/** The shim's own, and nobody's outside. */
const OWN = "watch";

/** The least role of each; of one that is not known it is the same, and the core says that there is none. */
const LEAST_ROLES: Readonly<Record<string, Role>> = {
  hangUp: "operate",
  say: "operate",
  digits: "operate",
  toolResult: "operate",
  recordingConsent: "operate",
  pauseRecording: "operate",
  resumeRecording: "operate",
};

/** Why somebody may not give the command; undefined if he may. */
export function forbidCommand(command: object, { role }: Operator): Refusal | undefined {
  const { type } = command as { readonly type?: unknown };
  if (type === OWN) return invalid("type", "there is no such command");
  const known = typeof type === "string" && Object.hasOwn(LEAST_ROLES, type) ? LEAST_ROLES[type] : undefined;
  const least = known ?? "operate";
  if (mayAs(role, least)) return undefined;
  const what = known === undefined ? "a command" : String(type);
  return { status: "refused", code: "forbidden", why: `${what} takes the role ${least}, and yours is ${role}` };
}

function invalid(field: string, why: string): Refusal {
  return { status: "refused", code: "invalid", why, field };
}

/** Of fields that are texts: what else than a text each may not be. An empty one is the core's to refuse. */
const TEXT_FAULTS: Readonly<Record<string, (value: string) => string | undefined>> = {
  text: textFault,
  toolCallId: textFault,
  output: outputFault,
};

/**
 * What no core needs to see: a value beyond the core's bounds, which it takes for no command at all; a field that the
 * command does not have, since who misspells one would be told that all is done; a text of which nothing can be said.
 */
export function refuseCommand(command: object): Refusal | undefined {
  for (const [field, value] of Object.entries(command)) {
    const fault = jsonFault(value);
    if (fault !== undefined) return invalid(field, `${shownName(field)} ${fault}`);
  }
  const { type, ...rest } = command as { readonly type?: unknown };
  const fields = typeof type === "string" && Object.hasOwn(FIELDS, type) ? FIELDS[type] : undefined;
  const field = fields && Object.keys(rest).find((name) => !fields.includes(name));
  if (fields && field !== undefined) return invalid(field, `${shownName(field)} ${unknownName(["type", ...fields])}`);
  for (const [name, value] of Object.entries(rest)) {
    const fault = fields && typeof value === "string" ? TEXT_FAULTS[name]?.(value) : undefined;
    if (fault !== undefined) return invalid(name, `${name} ${fault}`);
  }
  return undefined;
}

/** A tool's result may be any JSON; the agent is told its text. */
export function withTextOutput(command: object): object {
  const { type, output } = command as { readonly type?: unknown; readonly output?: unknown };
  if (type !== "toolResult" || output === undefined || typeof output === "string") return command;
  return { ...command, output: JSON.stringify(output) };
}
