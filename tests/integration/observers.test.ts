// Who watches a call in the built Worker: by header and by ticket, what he may, and what is left of it.

import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { Gateway, waitForEvent } from "./support/gateway.ts";
import { logged } from "./support/stored.ts";
import { prepareVoices, voice } from "./support/voice.ts";

const OTTO = "operating-token-of-otto";
const RITA = "reading-token-of-rita";
const digest = (token: string) => createHash("sha256").update(token).digest("hex");

let gateway: Gateway;
beforeAll(async () => {
  prepareVoices();
  gateway = await Gateway.start({
    OPERATOR_TOKENS: JSON.stringify({
      otto: { role: "operate", sha256: [digest(OTTO)] },
      rita: { role: "read", sha256: [digest(RITA)] },
    }),
  });
});
afterAll(async () => {
  await gateway.close();
});

interface Message {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A page's socket: protocols, and no header. */
class Page {
  readonly messages: Message[] = [];
  readonly socket: WebSocket;
  readonly opened: Promise<string>;

  constructor(callId: string, protocols: readonly string[], query = "") {
    const url = `${gateway.url.replace("http", "ws")}/logs?call=${callId}${query}`;
    this.socket = new WebSocket(url, [...protocols]);
    this.socket.on("message", (data) => this.messages.push(JSON.parse(String(data)) as Message));
    this.opened = new Promise((resolve) => {
      this.socket.on("open", () => resolve(this.socket.protocol));
      this.socket.on("error", ({ message }) => resolve(message));
    });
  }

  async next(type: string, count = 1): Promise<Message> {
    const deadline = Date.now() + 10_000;
    for (;;) {
      const found = this.messages.filter((message) => message.type === type)[count - 1];
      if (found) return found;
      if (Date.now() > deadline) throw new Error(`no ${type}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function ticket(callId: string, token: string): Promise<string[]> {
  const response = await gateway.api("/api/tickets", {
    method: "POST",
    body: JSON.stringify({ call: callId }),
    headers: { Authorization: `Bearer ${token}` },
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { protocols: string[] }).protocols;
}

describe("a page that watches", () => {
  it("comes by a ticket, once, and hears how loud both sides are while it is there", async () => {
    const call = await gateway.dial();
    const plain = gateway.observe(call.callId);
    const protocols = await ticket(call.callId, RITA);
    const page = new Page(call.callId, protocols, "&levels=true");
    expect(await page.opened).toBe("trunkline.logs");
    expect(await new Page(call.callId, protocols).opened).toContain("401");
    expect(await new Page(call.callId, ["trunkline.logs", "ticket.x"]).opened).toContain("401");
    const spoken = await call.say(voice(1600));
    await call.firstHeardAfter(spoken.endMs);
    await call.quiet(800);
    const loudest = (side: string) =>
      Math.max(
        ...page.messages
          .filter(({ type }) => type === "levels")
          .flatMap((message) => [...Buffer.from(String(message[side]), "base64")]),
      );
    expect([loudest("caller") > 180, loudest("agent") > 180]).toEqual([true, true]);
    page.socket.close();
    call.hangUp();
    await call.ended;
    await waitForEvent(plain, "ended");
    expect(plain.events.some(({ type }) => type === "levels")).toBe(false);
    await logged(gateway, call.callId);
    const { events } = await gateway.json<{ events: Message[] }>(`/api/calls/${call.callId}/events`);
    expect(events.some(({ type }) => type === "levels")).toBe(false);
    // Nothing is missing between them: levels have no number.
    expect(events.slice(0, -1).map(({ seq }) => seq)).toEqual(events.slice(0, -1).map((_, index) => index));
  });

  it("gives commands as its role may, and the log has them by name", async () => {
    const call = await gateway.dial();
    const [otto, rita] = [
      new Page(call.callId, await ticket(call.callId, OTTO)),
      new Page(call.callId, await ticket(call.callId, RITA)),
    ];
    await Promise.all([otto.opened, rita.opened, otto.next("agentReady")]);
    const give = (page: Page, id: number, command: object) =>
      page.socket.send(JSON.stringify({ type: "command", id, command }));
    give(rita, 1, { type: "hangUp" });
    expect(await rita.next("commandResult")).toMatchObject({ id: 1, status: "refused", code: "forbidden" });
    // The parrot can say nothing.
    give(otto, 2, { type: "say", text: "A secret." });
    expect(await otto.next("commandResult")).toMatchObject({ id: 2, status: "refused", code: "unsupported" });
    give(otto, 3, { type: "hangUp" });
    expect(await otto.next("commandResult", 2)).toEqual({ type: "commandResult", id: 3, status: "done" });
    expect(await otto.next("ended")).toMatchObject({ reason: "hangUp" });
    await call.ended;
    const audit = otto.messages.filter(({ type }) => type === "audit");
    expect(audit).toMatchObject([
      { by: "otto", role: "operate", command: "say", status: "refused", code: "unsupported" },
      { by: "otto", role: "operate", command: "hangUp", status: "done" },
    ]);
    expect(JSON.stringify(audit)).not.toContain("secret");
    await logged(gateway, call.callId);
    const { same, different } = await gateway.replayAll();
    expect([...different.values()]).toEqual([]);
    expect(same).toContain(call.callId);
  });
});

it("an operator's command by the API is in the log by his name as well", async () => {
  const call = await gateway.dial();
  const observer = gateway.observe(call.callId);
  await waitForEvent(observer, "agentReady");
  const give = (token: string) =>
    gateway.api(`/api/calls/${call.callId}/commands`, {
      method: "POST",
      body: JSON.stringify({ type: "hangUp" }),
      headers: { Authorization: `Bearer ${token}` },
    });
  expect((await give(RITA)).status).toBe(403);
  expect((await give(OTTO)).status).toBe(200);
  expect(await waitForEvent(observer, "audit")).toMatchObject({ by: "otto", command: "hangUp", status: "done" });
  await call.ended;
});
