import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One call of a tool, as its server got it. */
export interface ToolCall {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** The gateway has closed the connection before it was answered. */
  aborted: boolean;
}

/** How each path answers. */
const ANSWERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "/ok": (response) => response.setHeader("Content-Type", "application/json").end('{ "free": ["19:30"] }'),
  "/text": (response) => response.setHeader("Content-Type", "text/plain").end("a table at nine"),
  "/slow": (response) => {
    setTimeout(() => response.setHeader("Content-Type", "text/plain").end("late, but in time"), 700);
  },
  "/broken": (response) => {
    response.statusCode = 500;
    response.end("stack trace");
  },
  "/hang": () => undefined,
  "/redirect": (response) => response.writeHead(307, { Location: "/ok" }).end(),
  "/huge": (response) => response.setHeader("Content-Type", "text/plain").end("x".repeat(20_000)),
  "/nonsense": (response) => response.setHeader("Content-Type", "application/json").end('{"free":'),
};

/** A tool's server on loopback. It knows who asks by the signature alone. */
export class ToolServer {
  readonly #server: Server;
  readonly calls: ToolCall[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<ToolServer> {
    const http = createServer(async (request, response) => {
      let text = "";
      for await (const part of request) text += String(part);
      const path = (request.url ?? "").split("?")[0] ?? "";
      const call: ToolCall = { path, headers: request.headers, text, aborted: false };
      server.calls.push(call);
      response.on("close", () => {
        call.aborted = !response.writableEnded;
      });
      ANSWERS[path]?.(response);
    });
    const server = new ToolServer(http);
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Of the calls at a path. */
  at(path: string): readonly ToolCall[] {
    return this.calls.filter((call) => call.path === path);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Whether a call is signed under `secret`, as docs/boundary.md says. */
export function isSigned({ headers, text }: ToolCall, secret: string): boolean {
  const [, seconds, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers["x-trunkline-signature"])) ?? [];
  const isRecent = Math.abs(Date.now() / 1000 - Number(seconds)) < 60;
  return isRecent && signature === createHmac("sha256", secret).update(`${seconds}.${text}`).digest("hex");
}
