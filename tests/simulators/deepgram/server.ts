import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { SENTENCES } from "../openai-realtime/domain.ts";
import { Ears } from "../speech/ears.ts";
import { say } from "../speech/say.ts";
import { bodyOf, type Say, type Spoken, speak } from "./aura.ts";
import type { Faults } from "./faults.ts";
import { FluxSession } from "./flux.ts";
import { NovaSession } from "./nova.ts";
import type { Hear } from "./session.ts";

export interface DeepgramSpeech {
  /** 16 kHz. */
  readonly say: Say;
  readonly hear: Hear;
}

export interface DeepgramOptions {
  /** 0 = any free one. */
  readonly port?: number;
  readonly faults?: Faults;
  /** Default: flite and pocketsphinx. */
  readonly speech?: DeepgramSpeech;
}

/** The voice and the ears of this machine. */
export async function realSpeech(): Promise<DeepgramSpeech & { close(): void }> {
  const ears = await Ears.open(SENTENCES);
  return {
    say: (text) => say(text.trim(), { voice: "slt", rateHz: 16_000 }),
    hear: (samples, rateHz) => ears.hear(samples, rateHz),
    close: () => ears.close(),
  };
}

const MODELS: Readonly<Record<string, RegExp>> = { "/v1/listen": /^nova-/, "/v2/listen": /^flux-/ };

/** Deepgram's API on loopback: /v2/listen (Flux), /v1/listen (Nova), /v1/speak (Aura). */
export class DeepgramServer {
  readonly #server: Server;
  readonly #speech: DeepgramSpeech & { close?(): void };
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly flux: FluxSession[] = [];
  readonly nova: NovaSession[] = [];
  readonly spoken: Spoken[] = [];
  /** Of sessions and requests to come. */
  faults: Faults;

  private constructor(server: Server, speech: DeepgramSpeech, faults: Faults) {
    this.#server = server;
    this.#speech = speech;
    this.faults = faults;
  }

  static async start(options: DeepgramOptions = {}): Promise<DeepgramServer> {
    const speech = options.speech ?? (await realSpeech());
    const http = createServer((request, response) => {
      server.#answer(request, response).catch(() => response.destroy());
    });
    const server = new DeepgramServer(http, speech, options.faults ?? {});
    http.on("upgrade", (request, socket, head) => {
      const url = new URL(request.url ?? "/", "http://localhost");
      const [status, code] = server.#refusal(request, url);
      if (status === 0) {
        server.#sockets.handleUpgrade(request, socket, head, (client) => server.#listen(client, url));
        return;
      }
      const body = JSON.stringify({ err_code: code, err_msg: "refused", request_id: "simulated" });
      socket.end(
        `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
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

  #refusal(request: IncomingMessage, url: URL): [status: number, code: string] {
    if (this.faults.refuseStatus !== undefined) return [this.faults.refuseStatus, "SCRIPTED"];
    if (!/^(Token|Bearer) \S+/i.test(request.headers.authorization ?? "")) return [401, "INVALID_AUTH"];
    const models = MODELS[url.pathname];
    if (models === undefined) return [404, "NOT_FOUND"];
    if (!models.test(url.searchParams.get("model") ?? "")) return [400, "Bad Request"];
    if (url.searchParams.get("encoding") !== "linear16") return [400, "Bad Request"];
    return [0, ""];
  }

  #listen(client: WebSocket, { pathname, searchParams }: URL): void {
    if (pathname === "/v2/listen")
      this.flux.push(new FluxSession(client, searchParams, this.#speech.hear, this.faults));
    else this.nova.push(new NovaSession(client, searchParams, this.#speech.hear, this.faults));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const body = (await bodyOf(request)).toString();
    const refuse = (status: number, code: string, message: string) => {
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ err_code: code, err_msg: message, request_id: "simulated" }));
    };
    if (request.method === "POST" && url.pathname === "/control") {
      this.faults = JSON.parse(body) as Faults;
      response.writeHead(204).end();
      return;
    }
    if (this.faults.refuseStatus !== undefined) return refuse(this.faults.refuseStatus, "SCRIPTED", "scripted");
    if (!/^(Token|Bearer) \S+/i.test(request.headers.authorization ?? ""))
      return refuse(401, "INVALID_AUTH", "Invalid credentials.");
    if (request.method !== "POST" || url.pathname !== "/v1/speak") return refuse(404, "NOT_FOUND", "no such path");
    const { searchParams } = url;
    if (!searchParams.get("model")?.startsWith("aura-")) return refuse(400, "INVALID_QUERY_PARAMETER", "no such model");
    const asked = {
      text: (JSON.parse(body) as { text?: unknown }).text,
      encoding: searchParams.get("encoding"),
      container: searchParams.get("container"),
      rateHz: Number(searchParams.get("sample_rate") ?? 24_000),
    };
    const spoken = await speak(asked, response, this.#speech.say, this.faults, refuse);
    if (spoken) this.spoken.push(spoken);
  }
}
