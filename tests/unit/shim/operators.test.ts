import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { allRoutes, createApp } from "../../../worker-shim/api/app.ts";
import { leastRole } from "../../../worker-shim/api/route.ts";
import { forbidCommand } from "../../../worker-shim/commands.ts";
import { mayAs, operatorOf, ROLES } from "../../../worker-shim/operators.ts";
import { readSettings } from "../../../worker-shim/settings.ts";
import {
  MAX_TICKETS,
  mintTicket,
  newNonce,
  nonceOf,
  offeredTicket,
  TICKET_LIFETIME_MS,
  Tickets,
} from "../../../worker-shim/tickets.ts";
import { VirtualTime } from "./support/fakes.ts";
import { ADMIN_TOKEN, errorOf, Gateway } from "./support/gateway.ts";

const digest = (token: string) => createHash("sha256").update(token).digest("hex");
const TOKENS = { read: "reading-token-0123", operate: "operating-token-01", admin: "another-admin-0123" } as const;
const OPERATORS = {
  rita: { role: "read", sha256: [digest(TOKENS.read)] },
  otto: { role: "operate", sha256: [digest("former-token-01234"), digest(TOKENS.operate).toUpperCase()] },
  anna: { role: "admin", sha256: [digest(TOKENS.admin)] },
};

let gateway: Gateway;

beforeEach(() => {
  gateway = new Gateway();
  gateway.variables = { ...gateway.variables, OPERATOR_TOKENS: OPERATORS };
});

function ask(token: string, method: string, path: string, body?: object): Promise<Response> {
  const headers = { Authorization: `Bearer ${token}` };
  return gateway.request(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
}

describe("operators", () => {
  it("are known by the digests of their tokens, both while one is exchanged", async () => {
    const ring = {
      adminTokens: [ADMIN_TOKEN, "the-former-admin-t"],
      operators: readSettings({ ENVIRONMENT: "development", OPERATOR_TOKENS: OPERATORS }).operators,
    };
    const nameOf = async (token: string) => (await operatorOf(ring, token))?.name;
    expect(await nameOf(TOKENS.read)).toBe("rita");
    expect([await nameOf(TOKENS.operate), await nameOf("former-token-01234")]).toEqual(["otto", "otto"]);
    expect([await nameOf(ADMIN_TOKEN), await nameOf("the-former-admin-t")]).toEqual(["admin", "admin"]);
    // A digest is no token.
    for (const token of ["", "x", digest(TOKENS.admin), `${TOKENS.read} `, TOKENS.read.slice(1)])
      expect(await nameOf(token)).toBeUndefined();
  });

  it.each([
    [{ a: { role: "owner", sha256: [digest("a")] } }, "OPERATOR_TOKENS.a.role must be one of read, operate, admin"],
    [{ a: { role: "read", sha256: [] } }, "OPERATOR_TOKENS.a.sha256 must have a digest"],
    [{ a: { role: "read", sha256: ["a-token-in-the-clear"] } }, "OPERATOR_TOKENS.a.sha256[0] must be the SHA-256"],
    [{ a: { role: "read", sha256: ["a", "b", "c"].map(digest) } }, "must be at most 2 digests"],
    [{ admin: { role: "read", sha256: [digest("a")] } }, "neither admin nor anyone"],
    [{ "a b": { role: "read", sha256: [digest("a")] } }, "must be 1 to 64 letters"],
    [{ a: { role: "read", sha256: [digest("x")] }, b: { role: "admin", sha256: [digest("x")] } }, "each digest once"],
    ["[]", "must be an object"],
    ["{", "it is no JSON"],
  ])("are refused by name: %j", (value, message) => {
    expect(() => readSettings({ ENVIRONMENT: "development", OPERATOR_TOKENS: value })).toThrow(message);
  });

  it("may what their role may, and are told what it takes", async () => {
    const statuses = async (method: string, path: string, body?: object) =>
      Promise.all(ROLES.map(async (role) => (await ask(TOKENS[role], method, path, body)).status));
    expect(await statuses("GET", "/api/profiles")).toEqual([200, 200, 200]);
    expect(await statuses("PUT", "/api/profiles/desk", { profile: {} })).toEqual([403, 403, 201]);
    expect(await statuses("POST", "/api/profiles/desk/check", { profile: {} })).toEqual([200, 200, 200]);
    const hangUp = { type: "hangUp" };
    expect(await statuses("POST", "/api/calls/c1/commands", hangUp)).toEqual([403, 200, 200]);
    const refused = await ask(TOKENS.operate, "DELETE", "/api/calls/c1");
    expect(await refused.clone().text()).toContain("the role operate may not do this: it takes admin");
    expect(await errorOf(refused)).toEqual([403, "forbidden"]);
    const command = await ask(TOKENS.read, "POST", "/api/calls/c1/commands", { type: "say", text: "Hello" });
    expect(await command.json()).toEqual({
      error: { code: "forbidden", message: "say takes the role operate, and yours is read" },
    });
    expect(await errorOf(await ask("nobody", "GET", "/api/profiles"))).toEqual([401, "unauthorized"]);
  });

  it("give commands by their names", async () => {
    await ask(TOKENS.operate, "POST", "/api/calls/c1/commands", { type: "hangUp" });
    expect(gateway.operator).toEqual({ name: "otto", role: "operate" });
    await ask(ADMIN_TOKEN, "POST", "/api/calls/c1/commands", { type: "hangUp" });
    expect(gateway.operator).toEqual({ name: "admin", role: "admin" });
    gateway.operator = undefined;
    // The shim's own command is nobody's.
    const watch = { type: "watch", levels: "on" };
    expect(await errorOfField(ask(ADMIN_TOKEN, "POST", "/api/calls/c1/commands", watch))).toBe("type");
    expect(gateway.operator).toBeUndefined();
  });

  it("who may not are no guessers, however often they ask", async () => {
    gateway.app = createApp({ version: "1.2.3", warmUpError: undefined });
    gateway.variables = { ...gateway.variables, RATE_LIMIT_PER_MINUTE: "2" };
    for (let i = 0; i < 5; i++) expect((await ask(TOKENS.read, "DELETE", "/api/profiles/desk")).status).toBe(403);
    expect((await ask(TOKENS.admin, "GET", "/api/profiles")).status).toBe(200);
  });

  it("of the role read change nothing: every route but these takes more", () => {
    const routes = allRoutes({ version: "1.2.3", warmUpError: undefined });
    const reading = routes.filter(
      (one) => one.access === "operator" && one.method !== "GET" && leastRole(one) === "read",
    );
    expect(reading.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      "POST /api/calls/:callId/commands",
      "POST /api/profiles/:profile/check",
      "POST /api/tickets",
    ]);
    for (const type of [
      "hangUp",
      "say",
      "digits",
      "toolResult",
      "recordingConsent",
      "pauseRecording",
      "resumeRecording",
      "x",
    ])
      expect(forbidCommand({ type }, { name: "rita", role: "read" })).toMatchObject({ code: "forbidden" });
    expect([mayAs("admin", "read"), mayAs("read", "operate"), mayAs("operate", "operate")]).toEqual([
      true,
      false,
      true,
    ]);
  });
});

async function errorOfField(response: Promise<Response>): Promise<unknown> {
  return ((await (await response).json()) as { error: { field?: unknown } }).error.field;
}

describe("a ticket", () => {
  const Ring = { current: "0123456789abcdef" };
  const NowMs = 1_795_000_000_000;
  const expiresMs = NowMs + TICKET_LIFETIME_MS;

  it("is good for its call, for its time, by its signature", async () => {
    const nonce = newNonce();
    const ticket = await mintTicket(Ring, "c1", nonce, expiresMs);
    expect(await nonceOf(Ring, "c1", ticket, expiresMs - 1)).toBe(nonce);
    expect(await nonceOf({ current: "another-secret-01", previous: Ring.current }, "c1", ticket, NowMs)).toBe(nonce);
    expect(await nonceOf(Ring, "c1", ticket, expiresMs)).toBeUndefined();
    expect(await nonceOf(Ring, "c2", ticket, NowMs)).toBeUndefined();
    expect(await nonceOf({ current: "another-secret-01" }, "c1", ticket, NowMs)).toBeUndefined();
    const later = ticket.replace(String(expiresMs), String(expiresMs + 1));
    for (const other of ["", "c1", "....", later, `${ticket}0`, ticket.slice(0, -1), `${ticket}.x`, "c1.x.1.y"])
      expect(await nonceOf(Ring, "c1", other, NowMs), other).toBeUndefined();
    // As a subprotocol may be.
    expect(ticket).toMatch(/^[A-Za-z0-9._-]+$/);
    expect(offeredTicket(`trunkline.logs, ticket.${ticket}`)).toBe(ticket);
    for (const header of [undefined, "", "trunkline.logs", `ticket.${ticket}`])
      expect(offeredTicket(header)).toBeUndefined();
  });

  it("is its owner's once, and for so long", () => {
    const time = new VirtualTime();
    const tickets = new Tickets(time);
    const rita = { name: "rita", role: "read" } as const;
    tickets.expect("a", rita);
    expect([tickets.take("a"), tickets.take("a"), tickets.take("b")]).toEqual([rita, undefined, undefined]);
    tickets.expect("a", rita);
    time.advance(TICKET_LIFETIME_MS - 1);
    expect(tickets.count).toBe(1);
    time.advance(1);
    expect([tickets.take("a"), tickets.count, time.armed.size]).toEqual([undefined, 0, 0]);
    for (let i = 0; i <= MAX_TICKETS; i++) tickets.expect(String(i), rita);
    expect([tickets.count, tickets.take("0"), tickets.take("1")]).toEqual([MAX_TICKETS, undefined, rita]);
  });

  it("is made for who asks, with his role or a lesser one, and opens one call's log", async () => {
    const made = await ask(TOKENS.operate, "POST", "/api/tickets", { call: "c1" });
    expect(made.status).toBe(201);
    const { protocols, role } = (await made.json()) as { protocols: string[]; role: string };
    expect(role).toBe("operate");
    const [, nonce, operator] = gateway.asked.find(([name]) => name === "expectObserver") ?? [];
    expect(operator).toEqual({ name: "otto", role: "operate" });
    const header = { "Sec-WebSocket-Protocol": protocols.join(", ") };
    expect((await gateway.upgrade("/logs?call=c1&after=4&levels=true", header)).status).toBe(204);
    expect(gateway.asked.at(-1)).toEqual([
      ...["fetch", "c1", `https://call/observer?ticket=${String(nonce)}&after=4&levels=1`, "websocket"],
    ]);
    const asked = gateway.asked.length;
    expect(await errorOf(await gateway.upgrade("/logs?call=c2", header))).toEqual([401, "unauthorized"]);
    expect(gateway.asked).toHaveLength(asked);
    // The call's object says that it was used.
    gateway.upgradeStatus = 401;
    expect(await errorOf(await gateway.upgrade("/logs?call=c1", header))).toEqual([401, "unauthorized"]);
    const less = await ask(TOKENS.operate, "POST", "/api/tickets", { call: "c1", role: "read" });
    expect(await less.json()).toMatchObject({ role: "read" });
    const more = await ask(TOKENS.read, "POST", "/api/tickets", { call: "c1", role: "operate" });
    expect(await errorOf(more)).toEqual([403, "forbidden"]);
    gateway.isObservable = false;
    expect(await errorOf(await ask(TOKENS.read, "POST", "/api/tickets", { call: "c1" }))).toEqual([404, "not_found"]);
    expect(await errorOf(await ask(TOKENS.read, "POST", "/api/tickets", { call: "a b" }))).toEqual([400, "bad_ticket"]);
    gateway.variables = { ...gateway.variables, TOKEN_SECRET: "" };
    expect(await errorOf(await ask(TOKENS.read, "POST", "/api/tickets", { call: "c1" }))).toEqual([
      503,
      "configuration",
    ]);
  });
});
