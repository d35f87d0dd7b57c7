import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SENTENCES } from "../openai-realtime/domain.ts";
import { Ears } from "../speech/ears.ts";
import { say } from "../speech/say.ts";
import { Answer, piece, type RestRequest } from "./answer.ts";
import { readUpload, speechOf } from "./audio.ts";
import { completionOf, RequestError, readChatRequest, streamOf, type Thought, thoughtOf } from "./chat.ts";
import type { Endpoint, Fault, Faults } from "./faults.ts";

/** The voice and the ears behind the API. */
export interface RestSpeech {
  /** 16 kHz. */
  say(text: string): Promise<Int16Array>;
  hear(samples: Int16Array, rateHz: number): Promise<string>;
}

/** How long it takes over what. */
export interface RestPace {
  readonly transcriptionMs: number;
  readonly chatMs: number;
  readonly tokenMs: number;
  readonly speechMs: number;
  /** Audio comes so much faster than it plays. */
  readonly speed: number;
}

const PACE: RestPace = { transcriptionMs: 0, chatMs: 0, tokenMs: 2, speechMs: 0, speed: 8 };

const PATHS: Readonly<Record<string, Endpoint>> = {
  "/v1/audio/transcriptions": "transcription",
  "/v1/chat/completions": "chat",
  "/v1/audio/speech": "speech",
};

const MAX_INPUT_CHARACTERS = 4096;

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function jsonOf(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString()) as Record<string, unknown>;
  } catch {
    throw new RequestError("We could not parse the JSON body of your request.");
  }
}

/** OpenAI's REST API as far as a voice needs it; what is done to requests, and what became of them. */
export class RestApi {
  readonly #speech: RestSpeech;
  readonly requests: RestRequest[] = [];
  /** Of requests to come: each takes the first of its endpoint's. */
  faults: Faults = {};
  pace: RestPace = PACE;
  /** What a model answers in the place of what it would; undefined: that. */
  script: ((messages: readonly { role: string; content?: unknown }[]) => Thought | undefined) | undefined;

  constructor(speech: RestSpeech) {
    this.#speech = speech;
  }

  /** True if it is a request of this API. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const endpoint = PATHS[(request.url ?? "").split("?")[0] ?? ""];
    if (endpoint === undefined || request.method !== "POST") return false;
    this.#answer(endpoint, request, response).catch((error: unknown) => {
      if (!response.destroyed) response.destroy(error instanceof Error ? error : undefined);
    });
    return true;
  }

  async #answer(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.faults[endpoint]?.shift();
    const body = await bodyOf(request);
    const isForm = endpoint === "transcription";
    const form = isForm ? await formOf(body, request.headers["content-type"] ?? "") : undefined;
    const record: RestRequest = {
      endpoint,
      atMs: performance.now(),
      body: form ? Object.fromEntries([...form].filter(([, value]) => typeof value === "string")) : jsonOf(body),
      fault,
      text: "",
      status: 0,
      sent: [],
      outcome: "open",
      endedMs: undefined,
    };
    this.requests.push(record);
    const answer = new Answer(response, record);
    if (!/^Bearer \S+/.test(request.headers.authorization ?? "")) {
      answer.error(401, null, "You didn't provide an API key.");
      return;
    }
    if (answer.begin()) return;
    try {
      if (endpoint === "transcription") await this.#transcribe(form ?? new FormData(), answer, record);
      else if (endpoint === "chat") await this.#chat(answer, record);
      else await this.#speak(answer, record);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      answer.error(400, error.code, error.message);
    }
  }

  async #transcribe(form: FormData, answer: Answer, record: RestRequest): Promise<void> {
    const file = form.get("file");
    const { model, response_format: format = "json" } = record.body;
    if (typeof model !== "string" || model === "") throw new RequestError("you must provide a model parameter");
    if (!(file instanceof File)) throw new RequestError("Missing required parameter: 'file'.", null, "file");
    if (format !== "json" && format !== "text") throw new RequestError(`response_format '${format}' is not known`);
    const { samples, rateHz } = await readUpload(file);
    await answer.wait(this.pace.transcriptionMs);
    record.text = await this.#speech.hear(samples, rateHz);
    const usage = { type: "duration", seconds: Math.ceil(samples.length / rateHz) };
    if (format === "text") await answer.send("text/plain; charset=utf-8", [piece(`${record.text}\n`)]);
    else await answer.send("application/json", [piece(JSON.stringify({ text: record.text, usage }))]);
  }

  async #chat(answer: Answer, record: RestRequest): Promise<void> {
    const request = readChatRequest(record.body);
    const thought = this.script?.(request.messages) ?? thoughtOf(request);
    record.text = thought.text;
    const pace = { thinkMs: this.pace.chatMs, tokenMs: this.pace.tokenMs };
    const filtered = record.fault?.kind === "filter";
    if (request.stream === true)
      await answer.send("text/event-stream; charset=utf-8", streamOf(request, thought, pace, filtered));
    else await answer.send("application/json", completionOf(request, thought, pace, filtered));
  }

  async #speak(answer: Answer, record: RestRequest): Promise<void> {
    const { model, input, voice, response_format: format = "mp3" } = record.body;
    if (typeof model !== "string" || model === "") throw new RequestError("you must provide a model parameter");
    if (typeof input !== "string" || input === "") throw new RequestError("input must not be empty", null, "input");
    if ([...input].length > MAX_INPUT_CHARACTERS)
      throw new RequestError("input must have at most 4096 characters", "string_above_max_length", "input");
    if (typeof voice !== "string" && typeof (voice as { id?: unknown } | undefined)?.id !== "string")
      throw new RequestError("voice is missing", null, "voice");
    if (format !== "pcm" && format !== "wav") throw new RequestError(`response_format '${format}' is not simulated`);
    record.text = input;
    const pieces = speechOf(await this.#speech.say(input.trim()), format, this.pace.speechMs, this.pace.speed);
    await answer.send(`audio/${format}`, pieces);
  }
}

async function formOf(body: Buffer, type: string): Promise<FormData> {
  try {
    return await new Response(new Uint8Array(body), { headers: { "Content-Type": type } }).formData();
  } catch {
    throw new RequestError("Could not parse multipart form");
  }
}

export interface RestOptions {
  /** 0 = any free one. */
  readonly port?: number;
  /** Default: flite and pocketsphinx. */
  readonly speech?: RestSpeech;
}

/** The API on a port of loopback. */
export class RestServer {
  readonly api: RestApi;
  readonly port: number;
  readonly #close: () => void;
  #http: Server | undefined;

  private constructor(api: RestApi, http: Server, close: () => void) {
    this.api = api;
    this.#http = http;
    this.port = (http.address() as AddressInfo).port;
    this.#close = close;
  }

  static async start(options: RestOptions = {}): Promise<RestServer> {
    const ears = options.speech ? undefined : await Ears.open(SENTENCES);
    const speech = options.speech ?? {
      say: (text: string) => say(text, { voice: "slt", rateHz: 16_000 }),
      hear: (samples: Int16Array, rateHz: number) => ears?.hear(samples, rateHz) ?? Promise.resolve(""),
    };
    const api = new RestApi(speech);
    return new RestServer(api, await listen(api, options.port ?? 0), () => ears?.close());
  }

  /** What `endpoint` does to the next requests. */
  fail(endpoint: Endpoint, ...faults: readonly (Fault | undefined)[]): void {
    this.api.faults[endpoint] = [...faults];
  }

  /** Nobody listens any more: connections are refused until {@link comeBack}. */
  async goAway(): Promise<void> {
    const http = this.#http;
    this.#http = undefined;
    http?.closeAllConnections();
    await new Promise((resolve) => (http ? http.close(resolve) : resolve(undefined)));
  }

  async comeBack(): Promise<void> {
    this.#http ??= await listen(this.api, this.port);
  }

  async close(): Promise<void> {
    await this.goAway();
    this.#close();
  }
}

async function listen(api: RestApi, port: number): Promise<Server> {
  const http = createServer((request, response) => {
    if (!api.handle(request, response)) response.writeHead(404).end();
  });
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, "127.0.0.1", resolve);
  });
  return http;
}
