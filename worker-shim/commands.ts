import type { Refusal } from "./boundary.ts";
import { jsonExcess, shownName, unknownName } from "./schemas.ts";

/** The fields of each command beside its type; docs/boundary.md. The core says what each of them must be. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  hangUp: [],
  say: ["text"],
  digits: ["digits"],
  toolResult: ["toolCallId", "output"],
  recordingConsent: [],
  pauseRecording: [],
  resumeRecording: [],
  crash: [],
};

function invalid(field: string, why: string): Refusal {
  return { status: "refused", code: "invalid", why, field };
}

/**
 * What no core needs to see: a value beyond the core's bounds, which it takes for no command at all, or a field that the
 * command does not have, since who misspells one would be told that all is done.
 */
export function refuseCommand(command: object): Refusal | undefined {
  for (const [field, value] of Object.entries(command)) {
    const excess = jsonExcess(value);
    if (excess !== undefined) return invalid(field, `${shownName(field)} ${excess}`);
  }
  const { type, ...rest } = command as { readonly type?: unknown };
  const fields = typeof type === "string" && Object.hasOwn(FIELDS, type) ? FIELDS[type] : undefined;
  const field = fields && Object.keys(rest).find((name) => !fields.includes(name));
  if (!fields || field === undefined) return undefined;
  return invalid(field, `${shownName(field)} ${unknownName(["type", ...fields])}`);
}
