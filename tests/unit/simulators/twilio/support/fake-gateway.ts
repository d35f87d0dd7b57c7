import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import twilio from "twilio";
import { type WebSocket, WebSocketServer } from "ws";
import { MULAW_SILENCE } from "../../../../simulators/audio/mulaw.ts";

/** Silence that ends the caller's turn, frames. */
const TURN_FRAMES = 10;

/** A message of the carrier. */
export interface Message {
  readonly event: string;
  readonly sequenceNumber?: string;
  readonly streamSid?: string;
  readonly media?: {
    readonly track: string;
    readonly chunk: string;
    readonly timestamp: string;
    readonly payload: string;
  };
  readonly mark?: { readonly name: string };
  readonly start?: Readonly<Record<string, unknown>>;
  readonly stop?: Readonly<Record<string, unknown>>;
  readonly dtmf?: Readonly<Record<string, unknown>>;
}

export interface Webhook {
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
  /** By Twilio's own library. */
  readonly isSigned: boolean;
}

export interface StreamLog {
  readonly path: string;
  /** By Twilio's own library; undefined if there is no signature. */
  readonly isSigned: boolean | undefined;
  readonly messages: Message[];
}

export interface Behaviour {
  /** The documents that the webhook answers with, in order; by default one stream, then nothing. */
  readonly documents?: readonly string[];
  /** Answers a turn by what was heard; by default with all of it at once and a mark. */
  readonly answer?: (
    heard: Uint8Array,
    stream: { send(message: object): void; socket: WebSocket; sid: string },
  ) => void;
  /** Sees every message first. */
  readonly onMessage?: (message: Message, socket: WebSocket, streams: number) => void;
  readonly status?: number;
  /** There is no agent: the caller hears that he waits, and the call is over a second after his turn. */
  readonly isDeaf?: boolean;
}

export interface FakeGateway {
  readonly url: string;
  readonly streamUrl: string;
  readonly webhooks: Webhook[];
  readonly streams: StreamLog[];
  close(): Promise<void>;
}

export const TOKEN = "0123456789abcdef0123456789abcdef";

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    request.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
    });
    request.on("end", () => resolve(text));
  });
}

/**
 * The least that a gateway is: a webhook, a stream that repeats what it heard, a feed of events. Frames are its clock.
 * In `documents`, `STREAM` stands for a <Connect> to its stream and `URL` for its own address.
 */
export async function startFakeGateway(behaviour: Behaviour = {}): Promise<FakeGateway> {
  const webhooks: Webhook[] = [];
  const streams: StreamLog[] = [];
  const observers = new Set<WebSocket>();
  const history: string[] = [];
  const createdMs = Date.now();
  const tell = (event: object) => {
    const text = JSON.stringify({ atMs: Date.now() - createdMs, ...event });
    history.push(text);
    for (const observer of observers) observer.send(text);
  };
  tell({ type: "opened", callId: "c1", epochMs: createdMs, leg: "twilio", agent: "parrot", core: "none" });

  const server = createServer(async (request, response) => {
    const url = `http://127.0.0.1:${port}${request.url}`;
    const form = Object.fromEntries(new URLSearchParams(await readBody(request)));
    const signature = request.headers["x-twilio-signature"];
    const isSigned = typeof signature === "string" && twilio.validateRequest(TOKEN, signature, url, form);
    const document = (behaviour.documents ?? ["<Response>STREAM</Response>"])[webhooks.length] ?? "<Response/>";
    webhooks.push({ path: request.url ?? "", form, isSigned });
    const stream = `<Connect><Stream url="${streamUrl}"><Parameter name="token" value="t0"/></Stream></Connect>`;
    response.writeHead(behaviour.status ?? 200, { "Content-Type": "text/xml" });
    response.end(document.replaceAll("STREAM", stream).replaceAll("URL", `http://127.0.0.1:${port}`));
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      if (request.url?.startsWith("/logs")) {
        observers.add(webSocket);
        for (const event of history) webSocket.send(event);
        return;
      }
      const signature = request.headers["x-twilio-signature"];
      const log: StreamLog = {
        path: request.url ?? "",
        isSigned: typeof signature === "string" ? twilio.validateRequest(TOKEN, signature, streamUrl, {}) : undefined,
        messages: [],
      };
      streams.push(log);
      serve(webSocket, log);
    });
  });

  function serve(socket: WebSocket, log: StreamLog): void {
    let heard: number[] = [];
    let silentFrames = 0;
    socket.on("message", (data) => {
      const message = JSON.parse(data.toString()) as Message;
      log.messages.push(message);
      behaviour.onMessage?.(message, socket, streams.length);
      if (message.event !== "media" || !message.media) return;
      const frame = Buffer.from(message.media.payload, "base64");
      const isSilent = frame.every((code) => code === MULAW_SILENCE);
      silentFrames = isSilent ? silentFrames + 1 : 0;
      if (!isSilent || heard.length > 0) heard.push(...frame);
      if (heard.length === 0 || silentFrames < TURN_FRAMES) return;
      const words = Uint8Array.from(heard.slice(0, heard.length - TURN_FRAMES * 160));
      heard = [];
      const sid = message.streamSid ?? "";
      const send = (body: object) => socket.send(JSON.stringify({ ...body, streamSid: sid }));
      tell({ type: "turnEnded", source: "local", turn: 1 });
      if (behaviour.isDeaf) {
        // He hears that he waits.
        tell({ type: "waiting" });
        send({ event: "media", media: { payload: Buffer.from(words).toString("base64") } });
        tell({ type: "agentFailed", code: "connectFailed", fatal: true });
        setTimeout(() => socket.close(1000), 1_000);
        return;
      }
      tell({ type: "replyStarted", item: "i1", turn: 1 });
      if (behaviour.answer) behaviour.answer(words, { send, socket, sid });
      else {
        send({ event: "media", media: { payload: Buffer.from(words).toString("base64") } });
        send({ event: "mark", mark: { name: "end" } });
      }
    });
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const streamUrl = `ws://127.0.0.1:${port}/call/c1`;
  return {
    url: `http://127.0.0.1:${port}`,
    streamUrl,
    webhooks,
    streams,
    close: () => {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
