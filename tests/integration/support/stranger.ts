import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import net from "node:net";
import { constants, deflateRawSync } from "node:zlib";
import { WebSocket } from "ws";
import { sendWebhook } from "../../simulators/twilio/webhook.ts";
import type { Gateway } from "./gateway.ts";

/** What the carrier was answered. */
export interface Announced {
  readonly callSid: string;
  readonly document: string;
  readonly url: string;
  readonly callId: string;
  readonly token: string;
}

/** Where webhooks go, and what signs them. */
type Target = Pick<Gateway, "url" | "authToken">;

/** A webhook as the carrier signs it. */
export async function webhook(gateway: Target, path: string, fields: Record<string, string>): Promise<Response> {
  return sendWebhook(gateway.url, gateway.authToken, path, fields);
}

export function newCallSid(): string {
  return `CA${randomBytes(16).toString("hex")}`;
}

/** A call comes in, or asks again where `path` says so. */
export async function announce(gateway: Target, callSid = newCallSid(), path = "/twiml"): Promise<Announced> {
  const response = await webhook(gateway, path, { CallSid: callSid, From: "+15550001111", To: "+15550002222" });
  const document = await response.text();
  const url = /<Stream url="([^"]+)"/.exec(document)?.[1] ?? "";
  const token = /name="token" value="([^"]+)"/.exec(document)?.[1] ?? "";
  return { callSid, document, url, callId: url.split("/").at(-1) ?? "", token };
}

export function startMessage(token: unknown, callSid: string): string {
  const mediaFormat = { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 };
  const start = { streamSid: "MZ1", callSid, mediaFormat, customParameters: { token } };
  return JSON.stringify({ event: "start", sequenceNumber: "1", streamSid: "MZ1", start });
}

/** A socket that anybody may open, and what became of it. */
export class Stranger {
  readonly socket: WebSocket;
  /** Of its end: the close code, or the status that the upgrade was answered with. */
  readonly ended: Promise<number>;
  readonly opened: Promise<boolean>;
  messages = 0;
  over = false;

  constructor(url: string) {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    this.socket = socket;
    this.opened = new Promise((resolve) => {
      socket.once("open", () => resolve(true));
      socket.once("close", () => resolve(false));
    });
    this.ended = new Promise((resolve) => {
      socket.on("unexpected-response", (_, response) => {
        resolve(response.statusCode ?? 0);
        socket.terminate();
      });
      socket.on("close", (code) => resolve(code));
    });
    void this.ended.then(() => {
      this.over = true;
    });
    socket.on("error", () => undefined);
    socket.on("message", () => {
      this.messages++;
    });
  }

  async say(...messages: (string | Buffer)[]): Promise<void> {
    if (!(await this.opened)) return;
    for (const message of messages) if (this.socket.readyState === WebSocket.OPEN) this.socket.send(message);
  }
}

/** A connection that does as it likes after the upgrade. Resolves when the upgrade is answered, with its status. */
export async function rawUpgrade(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ readonly socket: net.Socket; readonly status: number; readonly extensions: string }> {
  const { hostname, port, pathname, search, host } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  socket.on("error", () => undefined);
  const lines = [
    `GET ${pathname}${search} HTTP/1.1`,
    ...[`Host: ${host}`, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"],
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const answer = await new Promise<string>((resolve) => {
    socket.once("data", (data: Buffer) => resolve(data.toString("latin1")));
    socket.once("close", () => resolve(""));
  });
  // Nothing that comes from here on is read.
  socket.pause();
  const extensions = /^Sec-WebSocket-Extensions: *(.*?)\r$/im.exec(answer)?.[1] ?? "";
  return { socket, status: Number(answer.slice(9, 12)), extensions };
}

/** The head of a message of so many bytes, and a part of it. */
export function unfinished(bytes: number, sent: number): Buffer {
  const message = Buffer.alloc(14 + sent, 1);
  message[0] = 0x82;
  message[1] = 0x80 | 127;
  message.writeBigUInt64BE(BigInt(bytes), 2);
  return message;
}

/** A whole text of so many spaces: as it is, or compressed as permessage-deflate has it. */
export function wholeText(bytes: number, form: "plain" | "deflated"): Buffer {
  const text = Buffer.alloc(bytes, " ");
  const sync = { finishFlush: constants.Z_SYNC_FLUSH };
  const payload = form === "plain" ? text : deflateRawSync(text, sync).subarray(0, -4);
  const head = Buffer.alloc(14);
  head[0] = form === "plain" ? 0x81 : 0xc1;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  // Masked by zeros.
  return Buffer.concat([head, payload]);
}

/** Memory of the workerd processes below this one, MB. */
export function workerdMb(): number {
  const processes = execFileSync("ps", ["-eo", "pid,ppid,rss,comm"], { encoding: "utf8" })
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, rss, name]) => ({ pid: Number(pid), parent: Number(parent), kb: Number(rss), name }));
  const own = new Set([process.pid]);
  // Parents come before their children, but for numbers that begin anew.
  for (let round = 0; round < 4; round++) for (const { pid, parent } of processes) if (own.has(parent)) own.add(pid);
  const found = processes.filter(({ pid, name }) => own.has(pid) && name === "workerd");
  return found.reduce((sum, { kb }) => sum + kb / 1024, 0);
}
