import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

const WEBHOOK_SECRET = "a-webhook-secret-for-tests-only";

/** How a listener behaves. `timeout`: takes a request and never answers. `wrong`: answers as no such server does. */
export type Behaviour = "none" | "error" | "timeout" | "slow" | "wrong";

const SLOW_MS = 1_500;

/** A PostgREST and a webhook on one port, each of which can be made to fail. */
export class Listeners {
  readonly behaviour: Record<"supabase" | "webhook", Behaviour> = { supabase: "none", webhook: "none" };
  /** By table, by key: what was upserted. */
  readonly tables = new Map<string, Map<string, Record<string, unknown>>>();
  /** By delivery, how often each was accepted, in order of the first. */
  readonly deliveries = new Map<string, number>();
  readonly badSignatures: string[] = [];
  requests = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      this.requests++;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const url = new URL(request.url ?? "/", "http://listener");
      const table = /^\/rest\/v1\/(\w+)$/.exec(url.pathname)?.[1];
      const behaviour = this.behaviour[table === undefined ? "webhook" : "supabase"];
      if (behaviour === "timeout") return;
      if (behaviour === "slow") await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
      if (behaviour === "error") {
        response.writeHead(503).end('{"message":"unavailable"}');
        return;
      }
      if (behaviour === "wrong") {
        response.writeHead(302, { Location: "/elsewhere" }).end("<html>");
        return;
      }
      const body = Buffer.concat(chunks).toString();
      if (request.method === "GET") {
        response.writeHead(200).end("[]");
        return;
      }
      if (table !== undefined && request.method === "DELETE")
        this.#delete(table, url.searchParams.get("call_id") ?? "");
      else if (table !== undefined) this.#upsert(table, url.searchParams.get("on_conflict") ?? "", body);
      else
        this.#deliver(
          String(request.headers["x-trunkline-delivery"]),
          String(request.headers["x-trunkline-signature"]),
          body,
        );
      response.writeHead(201).end();
    });
  }

  static async start(): Promise<Listeners> {
    const listeners = new Listeners();
    await new Promise<void>((resolve) => listeners.#server.listen(0, "127.0.0.1", resolve));
    return listeners;
  }

  /** What a gateway needs to know to tell them of its calls. */
  get variables(): Record<string, string> {
    return { SUPABASE_URL: this.url, WEBHOOK_URL: `${this.url}/hook` };
  }
  readonly secrets = { SUPABASE_KEY: "sb_secret_test", WEBHOOK_SECRET };

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  rows(table: string): Map<string, Record<string, unknown>> {
    const rows = this.tables.get(table) ?? new Map<string, Record<string, unknown>>();
    this.tables.set(table, rows);
    return rows;
  }

  #upsert(table: string, keys: string, body: string): void {
    for (const row of JSON.parse(body) as Record<string, unknown>[])
      this.rows(table).set(
        keys
          .split(",")
          .map((key) => row[key])
          .join("/"),
        row,
      );
  }

  #delete(table: string, filter: string): void {
    for (const [key, row] of this.rows(table)) if (`eq.${row.call_id}` === filter) this.rows(table).delete(key);
  }

  #deliver(id: string, signature: string, body: string): void {
    const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
    const expected = createHmac("sha256", WEBHOOK_SECRET).update(`${seconds}.${body}`).digest("hex");
    if (mac !== expected) this.badSignatures.push(id);
    this.deliveries.set(id, (this.deliveries.get(id) ?? 0) + 1);
  }
}
