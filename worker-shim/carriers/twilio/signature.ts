// X-Twilio-Signature: base64(HMAC-SHA1(auth token, URL + parameters)). What Twilio signs is the URL as it was
// configured, so none of this goes through a URL parser first: that would rewrite escapes.

/** Values by parameter name, in the order of the body. */
export type FormParameters = ReadonlyMap<string, readonly string[]>;

const SIGNATURE_BYTES = 20;
const ALGORITHM = { name: "HMAC", hash: "SHA-1" } as const;

const encoder = new TextEncoder();

/** By auth token. Overflow: begins anew; an account has two tokens. */
const MAX_KEYS = 4;
const keys = new Map<string, Promise<CryptoKey>>();

function keyOf(authToken: string): Promise<CryptoKey> {
  const known = keys.get(authToken);
  if (known) return known;
  if (keys.size >= MAX_KEYS) keys.clear();
  const made = crypto.subtle.importKey("raw", encoder.encode(authToken), ALGORITHM, false, ["verify"]);
  keys.set(authToken, made);
  return made;
}

interface UrlParts {
  /** With `://`. */
  readonly scheme: string;
  /** With `@`, or empty. */
  readonly userInfo: string;
  readonly host: string;
  /** With `:`, or empty. */
  readonly port: string;
  /** Path, query and fragment. */
  readonly rest: string;
}

/** Undefined without `scheme://`. */
function splitUrl(url: string): UrlParts | undefined {
  const match = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)/i.exec(url);
  if (!match) return undefined;
  const [prefix, scheme = "", authority = ""] = match;
  const userInfoEnd = authority.lastIndexOf("@") + 1;
  const hostAndPort = authority.slice(userInfoEnd);
  // The port's colon stands after the closing bracket of an IPv6 address.
  const colon = hostAndPort.indexOf(":", hostAndPort.lastIndexOf("]") + 1);
  const hostEnd = colon === -1 ? hostAndPort.length : colon;
  return {
    scheme,
    userInfo: authority.slice(0, userInfoEnd),
    host: hostAndPort.slice(0, hostEnd),
    port: hostAndPort.slice(hostEnd),
    rest: url.slice(prefix.length),
  };
}

function joinUrl({ scheme, userInfo, host, rest }: UrlParts, port: string): string {
  return scheme + userInfo + host + port + rest;
}

/** Without the port, and with one: its own, else the one that Twilio takes for the scheme. */
function portVariants(url: string): string[] {
  const parts = splitUrl(url);
  if (!parts) return [url];
  const standard = parts.scheme.toLowerCase() === "https://" ? ":443" : ":80";
  return [joinUrl(parts, ""), joinUrl(parts, parts.port || standard)];
}

function decodeQuery(text: string): string {
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

/** The query decoded and escaped again, equal names together, as some back ends of Twilio sign it. */
function withEscapedQuery(url: string): string {
  const start = url.indexOf("?") + 1;
  if (start === 0 || start === url.length) return url;
  const parameters = new Map<string, string[]>();
  for (const part of url.slice(start).split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = decodeQuery(equals === -1 ? part : part.slice(0, equals));
    const value = equals === -1 ? "" : decodeQuery(part.slice(equals + 1));
    parameters.set(name, [...(parameters.get(name) ?? []), value]);
  }
  const escaped = [...parameters].flatMap(([name, values]) =>
    values.map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
  );
  return url.slice(0, start) + escaped.join("&");
}

/** The URLs that Twilio may have signed for a request that came to `url`, the likely ones first. */
export function webhookUrls(url: string): string[] {
  const urls = portVariants(url);
  if (URL.canParse(url)) {
    const normalised = portVariants(new URL(url).toString());
    urls.push(...normalised, ...[...normalised, ...urls].map(withEscapedQuery));
  }
  return [...new Set(urls)];
}

const SOCKET_PORTS = ["", ":443", ":80"];

/**
 * The same for the upgrade of a media stream that came to `url`, an http(s) one: Twilio signs the URL of the TwiML,
 * whose scheme is wss, with or without a port, some say with a slash at the end.
 */
export function streamUrls(url: string): string[] {
  const parts = splitUrl(url);
  if (!parts) return [];
  const secure = /^(https|wss):/i.test(parts.scheme);
  const schemes = secure ? ["wss://", "https://"] : ["ws://", "http://"];
  const paths = parts.rest.endsWith("/") ? [parts.rest, parts.rest.slice(0, -1)] : [parts.rest, `${parts.rest}/`];
  const urls = schemes.flatMap((scheme) =>
    paths.flatMap((rest) => [parts.port, ...SOCKET_PORTS].map((port) => joinUrl({ ...parts, scheme, rest }, port))),
  );
  return [...new Set(urls)];
}

/** Names by code unit; each name with each of its different values, sorted. */
export function signedText(url: string, parameters: FormParameters): string {
  let text = url;
  for (const name of [...parameters.keys()].sort()) {
    for (const value of [...new Set(parameters.get(name))].sort()) text += name + value;
  }
  return text;
}

/** Signatures in one header that are looked at: a proxy that adds what is there already makes two of one. */
const MAX_SIGNATURES = 4;

/** Base64 of either alphabet, padded or not, or hex; undefined for what cannot be a signature. */
function decodeSignature(signature: string): Uint8Array<ArrayBuffer> | undefined {
  if (/^[0-9a-f]{40}$/i.test(signature))
    return Uint8Array.from(signature.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  try {
    const text = atob(signature.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    return bytes.length === SIGNATURE_BYTES ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** What a header has: one, or several by commas. */
function signaturesOf(header: string): Uint8Array<ArrayBuffer>[] {
  const texts = new Set(header.split(",", MAX_SIGNATURES).map((text) => text.trim()));
  return [...texts].flatMap((text) => decodeSignature(text) ?? []);
}

/** Returns the URL whose signature it is, undefined if it is none by any of the tokens. Takes constant time a URL. */
export async function findSignedUrl(
  authTokens: readonly string[],
  signature: string,
  urls: readonly string[],
  parameters: FormParameters,
): Promise<string | undefined> {
  for (const bytes of signaturesOf(signature)) {
    for (const authToken of authTokens) {
      const key = await keyOf(authToken);
      for (const url of urls) {
        if (await crypto.subtle.verify("HMAC", key, bytes, encoder.encode(signedText(url, parameters)))) return url;
      }
    }
  }
  return undefined;
}

export interface WebhookRequest {
  /** As Twilio has it, path and query untouched. */
  readonly url: string;
  readonly method: string;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly signature: string;
}

/** Values of an application/x-www-form-urlencoded body. */
export function parseForm(body: Uint8Array): FormParameters {
  const parameters = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(new TextDecoder().decode(body))) {
    parameters.set(name, [...(parameters.get(name) ?? []), value]);
  }
  return parameters;
}

/** A body whose type nobody has named is one. */
export function isForm(contentType: string): boolean {
  return /^\s*(application\/x-www-form-urlencoded\s*)?(;|$)/i.test(contentType);
}

async function sha256Hex(body: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether Twilio made the request. A body that is no form must have its hash in the query. */
export async function isSignedWebhook(authTokens: readonly string[], request: WebhookRequest): Promise<boolean> {
  const { url, method, contentType, body, signature } = request;
  const hasForm = method === "POST" && isForm(contentType);
  if (!hasForm && body.length > 0) {
    const query = url.indexOf("?");
    const hash = query === -1 ? null : new URLSearchParams(url.slice(query)).get("bodySHA256");
    if (hash?.toLowerCase() !== (await sha256Hex(body))) return false;
  }
  const parameters: FormParameters = hasForm ? parseForm(body) : new Map();
  return (await findSignedUrl(authTokens, signature, webhookUrls(url), parameters)) !== undefined;
}

/** Whether Twilio asked for the upgrade of a media stream at `url`. */
export async function isSignedUpgrade(authTokens: readonly string[], url: string, signature: string): Promise<boolean> {
  return (await findSignedUrl(authTokens, signature, streamUrls(url), new Map())) !== undefined;
}
