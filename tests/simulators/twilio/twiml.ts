/** The TwiML verbs that this carrier performs, in order. */
export type Verb =
  | { verb: "stream"; url: string; parameters: Record<string, string> }
  | { verb: "redirect"; url: string }
  | { verb: "hangup" }
  | { verb: "reject"; reason: string }
  | { verb: "pause" };

export class TwimlError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Element {
  name: string;
  attributes: Record<string, string>;
  children: Element[];
  text: string;
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(/&(#x?[0-9a-fA-F]+|\w+);/g, (whole, name: string) => {
    if (name.startsWith("#x")) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith("#")) return String.fromCodePoint(Number.parseInt(name.slice(1), 10));
    const known = ENTITIES[name];
    if (known === undefined) throw new TwimlError("12100", `unknown entity ${whole}`);
    return known;
  });
}

/** A strict reader of the XML that TwiML is: elements, attributes, text. No DTDs, no CDATA. */
function parseXml(text: string): Element {
  const token =
    /<\?xml[^>]*\?>|<!--[\s\S]*?-->|<(\/?)([A-Za-z][\w.-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y;
  const root: Element = { name: "", attributes: {}, children: [], text: "" };
  const open: Element[] = [root];
  let at = 0;
  while (at < text.length) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (!match) throw new TwimlError("12100", `not well-formed at character ${at}`);
    at = token.lastIndex;
    const parent = open.at(-1) ?? root;
    const [, closing, name, attributes, empty, characters] = match;
    if (characters !== undefined) {
      parent.text += decodeEntities(characters);
    } else if (name !== undefined && closing === "/") {
      if (parent.name !== name) throw new TwimlError("12100", `</${name}> closes <${parent.name}>`);
      open.pop();
    } else if (name !== undefined) {
      const element: Element = { name, attributes: {}, children: [], text: "" };
      for (const [, key, double, single] of (attributes ?? "").matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
        element.attributes[key ?? ""] = decodeEntities(double ?? single ?? "");
      }
      parent.children.push(element);
      if (empty !== "/") open.push(element);
    }
  }
  if (open.length !== 1) throw new TwimlError("12100", `<${open.at(-1)?.name}> is not closed`);
  return root;
}

/** @throws {TwimlError} with the code of Twilio's debugger */
export function parseTwiml(text: string): Verb[] {
  const root = parseXml(text.trim());
  const response = root.children[0];
  if (root.children.length !== 1 || response?.name !== "Response") throw new TwimlError("12100", "no <Response>");
  return response.children.map((element): Verb => {
    switch (element.name) {
      case "Connect": {
        const stream = element.children[0];
        if (element.children.length !== 1 || stream?.name !== "Stream") {
          throw new TwimlError("12200", "<Connect> holds one <Stream>");
        }
        const url = stream.attributes["url"] ?? "";
        if (!/^wss?:\/\//.test(url)) throw new TwimlError("12200", `<Stream url="${url}"> is no WebSocket URL`);
        if (url.includes("?")) throw new TwimlError("31920", "a <Stream> URL takes no query string");
        const parameters: Record<string, string> = {};
        for (const child of stream.children) {
          const name = child.attributes["name"];
          const value = child.attributes["value"];
          if (child.name !== "Parameter" || name === undefined || value === undefined) {
            throw new TwimlError("12200", "a <Stream> holds <Parameter name value>");
          }
          if (name.length + value.length >= 500) throw new TwimlError("12200", `<Parameter ${name}> is too long`);
          parameters[name] = value;
        }
        return { verb: "stream", url, parameters };
      }
      case "Redirect":
        return { verb: "redirect", url: element.text.trim() };
      case "Hangup":
        return { verb: "hangup" };
      case "Reject":
        return { verb: "reject", reason: element.attributes["reason"] ?? "rejected" };
      case "Pause":
      case "Say":
        return { verb: "pause" };
      default:
        throw new TwimlError("12200", `<${element.name}> is no verb of this carrier`);
    }
  });
}
