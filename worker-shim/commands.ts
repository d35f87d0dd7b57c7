import type { Refusal } from "./boundary.ts";

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

/** Refuses a field that the command does not have: who misspells one would be told that all is done. */
export function refuseUnknownField(command: object): Refusal | undefined {
  const { type, ...rest } = command as { readonly type?: unknown };
  const fields = typeof type === "string" && Object.hasOwn(FIELDS, type) ? FIELDS[type] : undefined;
  const field = fields && Object.keys(rest).find((name) => !fields.includes(name));
  if (!fields || field === undefined) return undefined;
  const why = `${field} is not known; there are ${["type", ...fields].join(", ")}`;
  return { status: "refused", code: "invalid", why, field };
}
