import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { Ears } from "../speech/ears.ts";
import { say } from "../speech/say.ts";
import { SENTENCES } from "./domain.ts";
import type { Faults } from "./faults.ts";
import { Session, type Speech } from "./session.ts";

export interface RealtimeOptions {
  /** 0 = any free one. */
  port?: number;
  faults?: Faults;
  /** Default: flite and pocketsphinx. */
  speech?: Speech;
  /** Answers what is no socket, with the same voice and ears. */
  rest?: (speech: Speech) => (request: IncomingMessage, response: ServerResponse) => boolean;
}

async function realSpeech(): Promise<Speech & { close(): void }> {
  const ears = await Ears.open(SENTENCES);
  return {
    say: (text) => say(text, { voice: "slt", rateHz: 16_000 }),
    hear: (samples, rateHz) => ears.hear(samples, rateHz),
    close: () => ears.close(),
  };
}

/** A server of the Realtime API on loopback: /v1/realtime?model=..., and POST /control to script the next sessions. */
export class RealtimeServer {
  readonly #server: Server;
  readonly #close: () => void;
  readonly sessions: Session[] = [];
  /** Of sessions to come. */
  faults: Faults;

  private constructor(server: Server, faults: Faults, close: () => void) {
    this.#server = server;
    this.faults = faults;
    this.#close = close;
  }

  static async start(options: RealtimeOptions = {}): Promise<RealtimeServer> {
    const speech = options.speech ?? (await realSpeech());
    const rest = options.rest?.(speech);
    const http = createServer((request, response) => {
      if (rest?.(request, response)) return;
      if (request.method !== "POST" || request.url !== "/control") {
        response.writeHead(404).end();
        return;
      }
      let body = "";
      request.on("data", (part: Buffer) => {
        body += part.toString();
      });
      request.on("end", () => {
        server.faults = JSON.parse(body) as Faults;
        response.writeHead(204).end();
      });
    });
    const sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      handleProtocols: (protocols) => (protocols.has("realtime") ? "realtime" : false),
    });
    const server = new RealtimeServer(http, options.faults ?? {}, () => {
      for (const client of sockets.clients) client.terminate();
      if ("close" in speech && typeof speech.close === "function") speech.close();
    });
    http.on("upgrade", (request: IncomingMessage, socket, head) => {
      const url = new URL(request.url ?? "/", "http://localhost");
      const refuse = (status: number, code: string) => {
        const body = JSON.stringify({ error: { message: code, type: "invalid_request_error", param: null, code } });
        socket.end(
          `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
        );
      };
      if (server.faults.refuseStatus !== undefined) return refuse(server.faults.refuseStatus, "scripted");
      if (!/^Bearer \S+/.test(request.headers.authorization ?? "")) return refuse(401, "invalid_api_key");
      const model = url.searchParams.get("model");
      if (url.pathname !== "/v1/realtime" || model === null) return refuse(404, "not_found");
      sockets.handleUpgrade(request, socket, head, (client) => {
        server.sessions.push(new Session(client, model, speech, server.faults));
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
    this.#close();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
