// A Worker in the place of Workers AI: the shim's own way to the binding AI, and behind it a binding that asks the
// simulator at SIMULATOR_URL, and throws where the platform's does.

import { type AiBinding, type AiRunOptions, WorkersAi } from "../../../worker-shim/ports/workers-ai.ts";

interface Env {
  readonly SIMULATOR_URL: string;
}

interface Errors {
  readonly errors?: readonly { readonly code?: number; readonly message: string }[];
}

class Ai implements AiBinding {
  readonly #base: string;

  constructor(base: string) {
    this.#base = `${base}/run/`;
  }

  async run(model: string, inputs: object, options: AiRunOptions): Promise<unknown> {
    const { signal = null } = options;
    const response = options.websocket
      ? await fetch(`${this.#base}${model}?${query(inputs)}`, { headers: { Upgrade: "websocket" }, signal })
      : await fetch(this.#base + model, { method: "POST", body: JSON.stringify(inputs), signal });
    if (response.status < 400) return response;
    const { errors } = (await response.json()) as Errors;
    throw new Error(`${errors?.[0]?.code ?? response.status}: ${errors?.[0]?.message ?? "no"}`);
  }
}

/** The binding takes texts alone. */
function query(inputs: object): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(inputs)) {
    for (const text of [value].flat()) {
      if (typeof text !== "string") throw new TypeError(`${name} is no text`);
      parameters.append(name, text);
    }
  }
  return parameters;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { url, headers, signal } = request;
    const body = new Uint8Array(await request.arrayBuffer());
    const answer = await new WorkersAi(new Ai(env.SIMULATOR_URL)).fetch(url, { headers, body, signal });
    if (answer instanceof Response) return answer;
    return new Response(null, { status: 101, webSocket: (answer as { webSocket: WebSocket }).webSocket });
  },
};
