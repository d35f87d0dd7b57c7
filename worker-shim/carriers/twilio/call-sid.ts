// A call's own name in the carrier's webhooks. What is signed of a form is its names and values one behind the other,
// without anything between them: who has one signed webhook may part the same text elsewhere. What must not change by that
// is which call it is about; docs/protocol.md, Webhooks.

import { type FormParameters, signedText } from "./signature.ts";

const NAME = "CallSid";
/** Names of parameters whose value is a call's id: `ParentCallSid` and others, which are signed behind `CallStatus`. */
const NAMES = /^(?:[D-Z][A-Za-z]*)?CallSid$/;
/** The parameter that the carrier has behind `CallSid`, in the order in which names are signed. */
const NEXT_NAME = "CallStatus";

const TWILIO = /^CA[0-9a-f]{32}$/i;
/** Of carriers that speak as Twilio does: UUIDs and others. As the core has it, wasm/protocol/legs/twilio.cc. */
const OTHER = /^(?!CA)[A-Za-z0-9_-]{1,64}$/;

/** Whether it can be the carrier's name of a call. One that begins with `CA` is Twilio's, whose length is known. */
export function isCallSid(text: string): boolean {
  return TWILIO.test(text) || OTHER.test(text);
}

function occurrences(text: string): number {
  return text.split(NAME).length - 1;
}

/** Whether it says by itself where it ends; else the name of what stands behind it must. */
function hasKnownEnd(sid: string, names: readonly string[]): boolean {
  if (TWILIO.test(sid)) return true;
  return OTHER.test(sid) && !sid.includes(NEXT_NAME) && names[names.indexOf(NAME) + 1] === NEXT_NAME;
}

/**
 * What is wrong about a signed request, `url` with the form's `parameters`, in which another `CallSid` could be read by
 * parting the signed text elsewhere; undefined if none could.
 *
 * - `CallSid` stands nowhere in the text but where a parameter is called so, or as one of {@link NAMES}: nobody can take
 *   another place in it for that of the call's name, nor hide the right one in the value of something else.
 * - The end of the value is known: by its length, or since `CallStatus` is what comes next.
 */
export function callSidFault(url: string, parameters: FormParameters): string | undefined {
  const query = url.indexOf("?") === -1 ? "" : url.slice(url.indexOf("?") + 1);
  const inQuery = [...new URLSearchParams(query).keys()].filter((name) => NAMES.test(name)).length;
  const inForm = [...parameters].filter(([name]) => NAMES.test(name));
  const sids = inForm.flatMap(([, values]) => [...new Set(values)]);
  if (occurrences(signedText(url, parameters)) !== inQuery + sids.length)
    return `${NAME} stands in the value or the name of something else`;
  if (!sids.every((sid) => sid === "" || isCallSid(sid))) return `a ${NAME} is none`;
  const names = [...parameters.keys()].sort();
  const own = [...new Set(parameters.get(NAME))];
  if (!own.every((sid) => sid === "" || hasKnownEnd(sid, names)))
    return `${NEXT_NAME} must stand behind a ${NAME} that is not "CA" and 32 hex digits`;
  return undefined;
}
