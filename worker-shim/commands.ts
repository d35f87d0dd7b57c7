import type { Refusal } from "./boundary.ts";
import { jsonFault, outputFault, shownName, textFault, unknownName } from "./schemas.ts";

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
