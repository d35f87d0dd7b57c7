const PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>';

/** Of a <Parameter>, name and value together; Twilio wants fewer than 500. */
const MAX_PARAMETER_CHARACTERS = 499;

/** The document would not do what it says. */
export class TwimlError extends Error {
  readonly code = "twiml";
  override readonly name = "TwimlError";
}

function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 forbids exactly these.
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(text)) throw new TwimlError("a character that XML cannot hold");
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\t", "&#x9;")
    .replaceAll("\n", "&#xA;")
    .replaceAll("\r", "&#xD;");
}

function element(name: string, attributes: Readonly<Record<string, string>>, content = ""): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeXml(value)}"`);
  return content === "" ? `<${name}${list.join("")}/>` : `<${name}${list.join("")}>${content}</${name}>`;
}

function response(...verbs: readonly string[]): string {
  return `${PROLOGUE}<Response>${verbs.join("")}</Response>`;
}

export interface StreamDocument {
  /** ws(s), without a query: Twilio fails such a handshake with 31920. */
  readonly streamUrl: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Asked by POST when the stream is over, whoever ended it. */
  readonly redirectUrl: string;
}

/** Connects the caller to a stream, and asks again when that is over. */
export function streamTwiml({ streamUrl, parameters, redirectUrl }: StreamDocument): string {
  if (!/^wss?:\/\//.test(streamUrl)) throw new TwimlError("the stream's URL is not ws(s)");
  if (/[?#]/.test(streamUrl)) throw new TwimlError("the stream's URL has a query");
  const items = Object.entries(parameters).map(([name, value]) => {
    if (name.length + value.length > MAX_PARAMETER_CHARACTERS) throw new TwimlError("a parameter is too long");
    return element("Parameter", { name, value });
  });
  const stream = element("Stream", { url: streamUrl }, items.join(""));
  return response(element("Connect", {}, stream), element("Redirect", { method: "POST" }, escapeXml(redirectUrl)));
}

/** Refuses a call that was not answered; the caller hears the busy tone. */
export function busyTwiml(): string {
  return response(element("Reject", { reason: "busy" }));
}

/** A language that the carrier's voices speak is one of a region; by another text it has none, and its default speaks. */
const WITH_REGION = /^[a-z]{2,3}-[A-Z]{2}$/;

/** Tells the caller a text by the carrier's own voice, and hangs up. */
export function sayTwiml(text: string, language = ""): string {
  const attributes: Record<string, string> = WITH_REGION.test(language) ? { language } : {};
  return response(element("Say", attributes, escapeXml(text)), element("Hangup", {}));
}

export function hangUpTwiml(): string {
  return response(element("Hangup", {}));
}
