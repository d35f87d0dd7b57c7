import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { parseWav } from "../audio/wav.ts";
import { bodyOf, type Spoken, speak } from "../deepgram/aura.ts";
import type { Faults as DeepgramFaults } from "../deepgram/faults.ts";
import { FluxSession } from "../deepgram/flux.ts";
import { NovaSession } from "../deepgram/nova.ts";
import { type DeepgramSpeech, realSpeech } from "../deepgram/server.ts";
import { think } from "../openai-realtime/domain.ts";

export interface Faults extends DeepgramFaults {
  /** A run fails with this code of Workers AI's own. */
  failWith?: { readonly code: number; readonly status: number; readonly message: string };
  /** A model's stream ends in its middle. */
  truncate?: boolean;
}

/** What a model writes: Workers AI's own chunks, or OpenAI's. */
export type Dialect = "native" | "openai";

/** A run of a model, and what became of it. */
export interface Run {
  readonly model: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** What was heard, answered or said. */
  text: string;
  outcome: "open" | "finished" | "aborted";
}

export interface WorkersAiOptions {
  /** 0 = any free one. */
  readonly port?: number;
  readonly dialect?: Dialect;
  /** Default: flite and pocketsphinx. */
  readonly speech?: DeepgramSpeech;
  /** Between two words of an answer. */
  readonly tokenMs?: number;
}

interface Message {
  readonly role: string;
  readonly content?: string;
}

/** Models of Workers AI on loopback: POST /run/MODEL, and sockets; what the binding would do is done by whoever asks. */
export class WorkersAiServer {
  readonly #server: Server;
  readonly #speech: DeepgramSpeech & { close?(): void };
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #tokenMs: number;
  readonly runs: Run[] = [];
  readonly flux: FluxSession[] = [];
  readonly nova: NovaSession[] = [];
  readonly spoken: Spoken[] = [];
  dialect: Dialect;
  /** Of runs to come. */
  faults: Faults = {};

  private constructor(server: Server, speech: DeepgramSpeech, options: WorkersAiOptions) {
    this.#server = server;
    this.#speech = speech;
    this.#tokenMs = options.tokenMs ?? 2;
    this.dialect = options.dialect ?? "native";
  }

  static async start(options: WorkersAiOptions = {}): Promise<WorkersAiServer> {
    const http = createServer((request, response) => {
      server.#answer(request, response).catch(() => response.destroy());
    });
    const server = new WorkersAiServer(http, options.speech ?? (await realSpeech()), options);
    http.on("upgrade", (request, socket, head) => {
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
      const model = modelOf(pathname);
      const refusal = server.#refusal();
      if (refusal || !/flux|nova/.test(model)) {
        const [status, body] = refusal ?? [400, errors(5007, "No such model")];
        socket.end(
          `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
        );
        return;
      }
      server.#sockets.handleUpgrade(request, socket, head, (client) => {
        // Its types have no `type`.
        const faults = { omitType: model.includes("flux"), ...server.faults };
        if (model.includes("flux"))
          server.flux.push(new FluxSession(client, searchParams, server.#speech.hear, faults));
        else server.nova.push(new NovaSession(client, searchParams, server.#speech.hear, faults));
      });
    });
    await new Promise<void>((resolve, reject) => {
      http.once("error", reject);
      http.listen(options.port ?? 0, "127.0.0.1", resolve);
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    this.#server.closeAllConnections();
    this.#speech.close?.();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #refusal(): [status: number, body: string] | undefined {
    const { failWith, refuseStatus } = this.faults;
    if (failWith) return [failWith.status, errors(failWith.code, failWith.message)];
    return refuseStatus === undefined ? undefined : [refuseStatus, errors(0, "scripted")];
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const model = modelOf(new URL(request.url ?? "/", "http://localhost").pathname);
    const inputs = JSON.parse((await bodyOf(request)).toString()) as Record<string, unknown>;
    const run: Run = { model, inputs, text: "", outcome: "open" };
    this.runs.push(run);
    response.on("error", () => undefined);
    response.on("close", () => {
      run.outcome = response.writableFinished ? "finished" : "aborted";
    });
    const refusal = this.#refusal();
    if (refusal) {
      response.writeHead(refusal[0], { "Content-Type": "application/json" }).end(refusal[1]);
    } else if (model.includes("whisper")) {
      await this.#transcribe(run, response);
    } else if (model.includes("aura")) {
      await this.#speak(run, response);
    } else if (model.startsWith("@cf/")) {
      await this.#chat(run, response);
    } else {
      response.writeHead(400, { "Content-Type": "application/json" }).end(errors(5007, "No such model"));
    }
  }

  async #transcribe(run: Run, response: ServerResponse): Promise<void> {
    const { samples, sampleRateHz } = parseWav(Buffer.from(String(run.inputs["audio"]), "base64"));
    run.text = await this.#speech.hear(samples, sampleRateHz);
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(
      JSON.stringify({ text: run.text, word_count: run.text.split(" ").length, segments: [], vtt: "WEBVTT" }),
    );
  }

  async #speak(run: Run, response: ServerResponse): Promise<void> {
    const { text, encoding, container, sample_rate } = run.inputs;
    run.text = String(text);
    const asked = { text, encoding, container, rateHz: Number(sample_rate ?? 24_000) };
    const spoken = await speak(asked, response, this.#speech.say, this.faults, (status, _, message) => {
      response.writeHead(status, { "Content-Type": "application/json" }).end(errors(5006, message));
    });
    if (spoken) this.spoken.push(spoken);
  }

  async #chat(run: Run, response: ServerResponse): Promise<void> {
    const messages = run.inputs["messages"] as Message[];
    const said = messages.filter(({ role }) => role === "user").map(({ content = "" }) => content);
    const tools = ((run.inputs["tools"] ?? []) as { function: { name: string } }[]).map((tool) => tool.function.name);
    const thought = think(said.at(-1) ?? "", tools, said[0]);
    run.text = "text" in thought ? (thought.text ?? "") : "";
    const usage = { prompt_tokens: JSON.stringify(messages).length >> 2, completion_tokens: run.text.length >> 2 };
    const chunks: object[] = run.text.split(/(?<= )/).map((word) => this.#chunk(word));
    if (thought.kind === "call") chunks.push(this.#call(thought.name, thought.arguments));
    chunks.push(
      this.dialect === "native"
        ? { response: "", usage }
        : { choices: [{ index: 0, delta: {}, finish_reason: thought.kind === "call" ? "tool_calls" : "stop" }], usage },
    );
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const [i, chunk] of chunks.entries()) {
      if (response.destroyed) return;
      if (this.faults.truncate && i > chunks.length / 2) {
        response.end();
        return;
      }
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      await new Promise((resolve) => setTimeout(resolve, this.#tokenMs));
    }
    response.end("data: [DONE]\n\n");
  }

  #chunk(word: string): object {
    return this.dialect === "native"
      ? { response: word, p: "abcdefgh" }
      : { choices: [{ index: 0, delta: { content: word }, finish_reason: null }] };
  }

  #call(name: string, args: string): object {
    if (this.dialect === "native")
      return { response: "", tool_calls: [{ name, arguments: JSON.parse(args || "{}") as object }] };
    const call = { index: 0, id: "call_1", type: "function", function: { name, arguments: args } };
    return { choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] };
  }
}

function modelOf(path: string): string {
  return path.startsWith("/run/") ? decodeURIComponent(path.slice("/run/".length)) : "";
}

function errors(code: number, message: string): string {
  return JSON.stringify({ success: false, errors: [{ code, message }] });
}
