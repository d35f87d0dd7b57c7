import { WebSocket } from "ws";

/** An event of the gateway, docs/boundary.md. */
export interface GatewayEvent {
  type: string;
  atMs: number;
  [field: string]: unknown;
}

/** Follows one call on the gateway's /logs socket: what was, then what is. */
export class Observer {
  readonly events: GatewayEvent[] = [];
  #socket: WebSocket;
  /** Why the feed broke, if it did. */
  failure: string | undefined;
  onEvent: (event: GatewayEvent) => void = () => {};

  constructor(url: string, callId: string, adminToken?: string) {
    const base = url.replace(/^http/, "ws").replace(/\/$/, "");
    this.#socket = new WebSocket(`${base}/logs?call=${encodeURIComponent(callId)}`, {
      perMessageDeflate: false,
      ...(adminToken === undefined ? {} : { headers: { Authorization: `Bearer ${adminToken}` } }),
    });
    this.#socket.on("message", (data) => {
      const event = JSON.parse(data.toString()) as GatewayEvent;
      this.events.push(event);
      this.onEvent(event);
    });
    this.#socket.on("error", (error) => {
      this.failure ??= error.message;
    });
  }

  /** Milliseconds to add to an event's atMs to have time since `epochMs` of a call. */
  offsetMs(callEpochMs: number): number | undefined {
    const opened = this.events.find((event) => event.type === "opened");
    const epoch = opened?.["epochMs"];
    return typeof epoch === "number" ? epoch - callEpochMs : undefined;
  }

  close(): void {
    this.#socket.close();
  }
}
