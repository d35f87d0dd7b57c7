import type { ConnectRequest, HttpRequest, PeerSocket } from "../ports.ts";
import { type AiBinding, WorkersAi } from "./workers-ai.ts";

/** From the request to the answer of the upgrade. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Where an upstream lives and what opens its door. */
export interface Upstream {
  /** http(s) or ws(s), with or without a path that goes in front. */
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What is asked in place of the network. */
  readonly binding?: ServiceBinding;
  /** `baseUrl` is all of the URL, with its query if it has one; the path of a request is the root. */
  readonly isWhole?: boolean;
  /** Looks at a request before it is sent, and adds to `headers` what goes with this one. */
  readonly admit?: (request: HttpRequest) => Promise<Admission>;
}

/** `reason` says what is wrong with the request, for whoever made it. */
export type Admission =
  | { readonly type: "admitted"; readonly headers: Readonly<Record<string, string>> }
  | { readonly type: "refused"; readonly reason: string };

/** The part of a service binding that is used. Its fetch is the platform's, but for where it leads. */
export interface ServiceBinding {
  fetch(url: string, init: object): Promise<unknown>;
}

/** By the names that the core uses. An upstream without credentials, or without its binding, is absent. */
export type UpstreamTable = Readonly<Record<string, Upstream>>;

export interface UpstreamVariables {
  readonly OPENAI_API_KEY?: string | undefined;
  readonly OPENAI_BASE_URL?: string | undefined;
  readonly OPENAI_ORGANIZATION?: string | undefined;
  readonly OPENAI_PROJECT?: string | undefined;
  readonly WEATHER_BASE_URL?: string | undefined;
  readonly DEEPGRAM_API_KEY?: string | undefined;
  readonly DEEPGRAM_BASE_URL?: string | undefined;
}

/** Upstreams that are Workers of this deployment, or the platform's. */
export interface UpstreamBindings {
  /** The Worker that speaks and listens, docs/speech.md. */
  readonly SPEECH?: ServiceBinding;
  /** Workers AI. */
  readonly AI?: AiBinding;
  /** In its place: a Worker that answers as {@link WorkersAi} does. */
  readonly WORKERS_AI?: ServiceBinding;
}

const OPENAI_BASE_URL = "https://api.openai.com";
const WEATHER_BASE_URL = "https://api.open-meteo.com";
const DEEPGRAM_BASE_URL = "https://api.deepgram.com";
/** A binding leads to its Worker whatever the host is, but wants one. */
const SPEECH_BASE_URL = "http://speech.local";
const WORKERS_AI_BASE_URL = "http://workers-ai.local";

/** What the core's paths begin with, where it ends a base. A host that is called v1 is none. */
const VERSION_AT_END = /(?<=[^/:])\/+v1\/*$/;

/**
 * `baseUrl` without the version at its end, which OpenAI's own libraries take there and the paths of the core have as
 * well. Any other path stays in front.
 */
function withoutVersion(baseUrl: string): string {
  return baseUrl.replace(VERSION_AT_END, "");
}

export function upstreamTable(variables: UpstreamVariables, bindings: UpstreamBindings): UpstreamTable {
  const { OPENAI_API_KEY: key, OPENAI_ORGANIZATION: organization, OPENAI_PROJECT: project } = variables;
  const { DEEPGRAM_API_KEY: deepgramKey } = variables;
  const { SPEECH: speech, AI: ai } = bindings;
  const workersAi = bindings.WORKERS_AI || (ai && new WorkersAi(ai));
  return {
    ...(key && {
      openai: {
        baseUrl: withoutVersion(variables.OPENAI_BASE_URL || OPENAI_BASE_URL),
        headers: {
          Authorization: `Bearer ${key}`,
          ...(organization && { "OpenAI-Organization": organization }),
          ...(project && { "OpenAI-Project": project }),
        },
      },
    }),
    weather: { baseUrl: variables.WEATHER_BASE_URL || WEATHER_BASE_URL, headers: {} },
    ...(deepgramKey && {
      deepgram: {
        baseUrl: variables.DEEPGRAM_BASE_URL || DEEPGRAM_BASE_URL,
        headers: { Authorization: `Token ${deepgramKey}` },
      },
    }),
    ...(workersAi && { "workers-ai": { baseUrl: WORKERS_AI_BASE_URL, headers: {}, binding: workersAi } }),
    ...(speech && { speech: { baseUrl: SPEECH_BASE_URL, headers: {}, binding: speech } }),
  };
}

export type UpstreamAnswer =
  | { readonly type: "opened"; readonly socket: PeerSocket; readonly subprotocol: string }
  /** `httpStatus` is 0 if no answer came. */
  | { readonly type: "refused"; readonly httpStatus: number; readonly reason: string };

/** What the platform answers to a request for an upgrade. */
export interface UpgradeResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly webSocket: PeerSocket | null;
  readonly body: { cancel(): Promise<void> } | null;
}

export type UpgradeFetch = (
  url: string,
  init: { readonly headers: Record<string, string>; readonly signal: AbortSignal },
) => Promise<UpgradeResponse>;

function refused(httpStatus: number, reason: string): UpstreamAnswer {
  return { type: "refused", httpStatus, reason };
}

/** What to ask, and with what; `undefined` if there is no such upstream. */
export function findUpstream(table: UpstreamTable, name: string): Upstream | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** What to ask it by: its binding's fetch where it has one, else `fetch`. */
export function fetchOf<Init extends object, Answer>(
  { binding }: Upstream,
  fetch: (url: string, init: Init) => Promise<Answer>,
): (url: string, init: Init) => Promise<Answer> {
  // Both are the platform's, which answer alike.
  return binding ? (url, init) => binding.fetch(url, init) as Promise<Answer> : fetch;
}

/** The URL to ask, undefined if the path leads away from the upstream. */
export function upstreamUrl({ baseUrl: base, isWhole }: Upstream, path: string): string | undefined {
  if (isWhole) return path === "/" ? base : undefined;
  // fetch() knows http(s) URLs only, and upgrades them.
  const prefix = base.replace(/^ws(s?):/i, "http$1:").replace(/\/+$/, "");
  // A path cannot carry the host away: the slash ends the authority.
  if (!path.startsWith("/") || !URL.canParse(prefix + path)) return undefined;
  // Nor may dots carry the credentials to what lies beside the upstream.
  const { href } = new URL(prefix + path);
  return href.startsWith(`${new URL(prefix).href.replace(/\/+$/, "")}/`) ? href : undefined;
}

/**
 * Asks an upstream for a WebSocket. The socket is not accepted yet.
 *
 * Never rejects. `signal` gives up; a socket that comes later all the same is closed here.
 */
export async function openUpstream(
  table: UpstreamTable,
  request: ConnectRequest,
  fetchUpgrade: UpgradeFetch,
  signal: AbortSignal,
): Promise<UpstreamAnswer> {
  const upstream = findUpstream(table, request.upstream);
  // Answered as the upstream itself would: retrying does not help.
  if (!upstream) return refused(401, "this upstream is not configured");
  const url = upstreamUrl(upstream, request.path);
  if (!url) return refused(400, "no URL");
  const abort = new AbortController();
  const giveUp = () => abort.abort();
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  // The signal must not fire once the socket is there: it would take it down.
  const timer = setTimeout(giveUp, CONNECT_TIMEOUT_MS);
  try {
    const headers: Record<string, string> = { ...upstream.headers, Upgrade: "websocket" };
    if (request.protocols.length > 0) headers["Sec-WebSocket-Protocol"] = request.protocols.join(", ");
    const answer = fetchOf(upstream, fetchUpgrade)(url, { headers, signal: abort.signal });
    const response = await unlessAborted(answer, abort.signal);
    if (!response) {
      answer.then(discard, () => undefined);
      return refused(0, signal.aborted ? "not wanted any more" : "no answer in time");
    }
    if (response.status === 101 && response.webSocket) {
      const subprotocol = response.headers.get("Sec-WebSocket-Protocol") ?? "";
      return { type: "opened", socket: response.webSocket, subprotocol };
    }
    await response.body?.cancel();
    return refused(response.status, "upgrade refused");
  } catch {
    return refused(0, abort.signal.aborted ? "no answer in time" : "connection failed");
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}

/** What the promise brings, undefined if the signal comes first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
    promise.then(resolve, reject);
  });
}

/** Closes a socket that nobody waits for. */
export function discard(response: UpgradeResponse): void {
  if (!response.webSocket) return;
  response.webSocket.accept();
  response.webSocket.close(1000, "not wanted any more");
}
