import recognizerModule from "../../build/speech/recognizer.wasm";
import synthesizerModule from "../../build/speech/synthesizer.wasm";
import { ConsoleLog } from "../ports/log.ts";
import { Ears } from "./ears.ts";
import { SpeechError } from "./errors.ts";
import { Listener } from "./listener.ts";
import { loadModel } from "./model.ts";
import { Recognizer } from "./recognizer.ts";
import { Speakers, speakRequest } from "./speaker.ts";

/** What wrangler.toml beside this file binds. */
interface SpeechEnv {
  readonly ASSETS?: Fetcher;
}

/** A text of 16,384 bytes, whatever JSON makes of it. */
const MAX_BODY_BYTES = 128 * 1024;

const log = new ConsoleLog({ worker: "speech" });
const speakers = Speakers.of(() => synthesizerModule, log);
// The first caller of an isolate waits for its start in any case.
speakers.warmUp();
/** By its bindings, which are one object for all requests of an isolate. */
const earsOf = new WeakMap<SpeechEnv, Ears>();

function ears(env: SpeechEnv): Ears {
  const known = earsOf.get(env);
  if (known) return known;
  const made = new Ears(async () => Recognizer.instantiate(recognizerModule, await loadModel(env.ASSETS)));
  earsOf.set(env, made);
  return made;
}

function refusal(error: unknown): Response {
  const known = error instanceof SpeechError ? error : new SpeechError("trap", "speech failed");
  const status = { request: 400, language: 400, busy: 503, trap: 500, model: 500 }[known.code];
  return Response.json({ type: "error", code: known.code, message: known.message }, { status });
}

async function speak(request: Request): Promise<Response> {
  const length = Number(request.headers.get("Content-Length") ?? 0);
  if (length > MAX_BODY_BYTES) return refusal(new SpeechError("request", "the body is too long"));
  let json: unknown;
  try {
    json = await request.json();
  } catch {
    return refusal(new SpeechError("request", "the body is no JSON"));
  }
  return new Response(speakers.speak(speakRequest(json)), { headers: { "Content-Type": "application/x-ndjson" } });
}

function listen(request: Request, env: SpeechEnv): Response {
  if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket")
    return new Response("a WebSocket is expected", { status: 426, headers: { Upgrade: "websocket" } });
  const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
  const listener = new Listener(server, ears(env), log);
  server.binaryType = "arraybuffer";
  server.accept();
  server.addEventListener("message", ({ data }) => {
    if (typeof data === "string") listener.onText(data);
    else if (data instanceof ArrayBuffer) listener.onAudio(data);
  });
  server.addEventListener("close", () => listener.onClosed());
  server.addEventListener("error", () => listener.onClosed());
  return new Response(null, { status: 101, webSocket: client });
}

/**
 * A Worker of its own, which the gateway reaches by a service binding and nobody else does: the modules are loaded where
 * they are used, and what they do to their isolate they do not do to a call's.
 */
export default {
  async fetch(request: Request, env: SpeechEnv): Promise<Response> {
    const { pathname } = new URL(request.url);
    try {
      if (pathname === "/speak" && request.method === "POST") return await speak(request);
      if (pathname === "/listen" && request.method === "GET") return listen(request, env);
      return new Response("not found", { status: 404 });
    } catch (error) {
      return refusal(error);
    }
  },
} satisfies ExportedHandler<SpeechEnv>;
