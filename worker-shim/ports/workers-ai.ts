import type { ServiceBinding } from "./upstreams.ts";

/** The part of the binding `AI` that is used. */
export interface AiBinding {
  run(model: string, inputs: object, options: AiRunOptions): Promise<unknown>;
}

export interface AiRunOptions {
  readonly returnRawResponse?: true;
  readonly websocket?: true;
  readonly signal?: AbortSignal;
}

/** The path that runs a model: this, and its name. */
const RUN = "/run/";

/**
 * The status that stands for an error of the binding, by its code: what Cloudflare's page of Workers AI's errors says
 * that the same error has over HTTP.
 */
const STATUS_BY_CODE: Readonly<Record<number, number>> = {
  3003: 400,
  3006: 413,
  3007: 408,
  3008: 408,
  3023: 403,
  3036: 429,
  3039: 400,
  3040: 429,
  3041: 403,
  3042: 404,
  5004: 400,
  5005: 405,
  5007: 400,
  5016: 403,
  5018: 403,
  5019: 405,
};
/** Of an error that has no code, or one that is not known. */
const UNKNOWN_STATUS = 500;
/** Where the binding needs an account that it does not have. */
const UNAUTHORIZED = /\b(authentication|unauthorized|not authorized|needs to be run remotely)\b/i;
/** A code in front of an error's text, with the error's own name before it or without: "AiError: 5007: No such model". */
const CODE = /^(?:[A-Za-z]+:\s*)*(\d{4})\b:?\s*/;

/** What the platform answers over HTTP for an error that the binding has thrown. */
function errorResponse(error: unknown): Response {
  const message = error instanceof Error ? error.message : "the model was not run";
  const code = Number(CODE.exec(message)?.[1] ?? 0);
  const status = STATUS_BY_CODE[code] ?? (UNAUTHORIZED.test(message) ? 401 : UNKNOWN_STATUS);
  const shown = message.replace(CODE, "");
  return Response.json({ success: false, errors: [{ ...(code > 0 && { code }), message: shown }] }, { status });
}

function refusal(status: number, message: string): Response {
  return Response.json({ success: false, errors: [{ message }] }, { status });
}

/** A model's inputs as a URL has them: texts, and a list of texts for what comes more than once. */
function inputsOf(parameters: URLSearchParams): Record<string, string | string[]> {
  const inputs: Record<string, string | string[]> = {};
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name);
    inputs[name] = values.length === 1 ? (values[0] ?? "") : values;
  }
  return inputs;
}

interface WithSocket {
  readonly webSocket?: object | null;
}

/**
 * The binding `AI` as a server: `POST /run/MODEL` with the inputs as JSON, and `GET /run/MODEL?NAME=VALUE` that becomes
 * a WebSocket. What the binding throws is an answer with the status and the body that the same error has over HTTP, so
 * that the core reads one kind of errors.
 *
 * An abort goes to the binding, which ends the run. An answer that comes all the same is let go by whoever asked.
 */
export class WorkersAi implements ServiceBinding {
  readonly #ai: AiBinding;

  constructor(ai: AiBinding) {
    this.#ai = ai;
  }

  async fetch(url: string, init: object): Promise<unknown> {
    const { headers, body, signal } = init as {
      readonly headers?: Headers | Readonly<Record<string, string>>;
      readonly body?: Uint8Array<ArrayBuffer>;
      readonly signal?: AbortSignal;
    };
    const { pathname, searchParams } = new URL(url);
    const model = pathname.startsWith(RUN) ? decodeURIComponent(pathname.slice(RUN.length)) : "";
    if (model === "") return refusal(404, "no model");
    const aborts = signal && { signal };
    try {
      if (new Headers(headers).get("Upgrade") === "websocket")
        return this.#upgraded(await this.#ai.run(model, inputsOf(searchParams), { websocket: true, ...aborts }));
      let inputs: unknown;
      try {
        inputs = JSON.parse(new TextDecoder().decode(body));
      } catch {
        return refusal(400, "the inputs are no JSON");
      }
      return asResponse(await this.#ai.run(model, inputs as object, { returnRawResponse: true, ...aborts }));
    } catch (error) {
      if (signal?.aborted) throw error;
      return errorResponse(error);
    }
  }

  /** As a server that agrees to the upgrade answers, or its refusal. */
  #upgraded(answer: unknown): unknown {
    const socket = (answer as WithSocket | null)?.webSocket;
    // Its status is not documented.
    if (socket) return { status: 101, headers: new Headers(), webSocket: socket, body: null };
    const response = answer instanceof Response ? answer : refusal(UNKNOWN_STATUS, "no socket");
    // A good answer to another question.
    return response.ok ? refusal(UNKNOWN_STATUS, "no socket") : response;
  }
}

/** What is not raw all the same: a stream, or the answer as an object. */
function asResponse(answer: unknown): Response {
  if (answer instanceof Response) return answer;
  if (answer instanceof ReadableStream)
    return new Response(answer, { headers: { "Content-Type": "application/octet-stream" } });
  return Response.json(answer);
}
