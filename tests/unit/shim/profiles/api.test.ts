import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../../../worker-shim/api/app.ts";
import { DELETED_KEPT_MS, INDEX_KEY, keyOf } from "../../../../worker-shim/profiles/book.ts";
import { MAX_DOCUMENT_BYTES } from "../../../../worker-shim/profiles/document.ts";
import { ADMIN_TOKEN, CALL_PARAMS, errorOf, Gateway } from "../support/gateway.ts";

let gateway: Gateway;

beforeEach(() => {
  gateway = new Gateway();
  gateway.app = createApp({ version: "1.2.3", warmUpError: undefined });
  for (const level of ["error", "warn"] as const) vi.spyOn(console, level).mockImplementation(() => undefined);
});

afterEach(() => {
  vi.restoreAllMocks();
});

function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return gateway.request(`/api/profiles${path}`, {
    method,
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}

async function jsonOf(response: Promise<Response>): Promise<Record<string, unknown>> {
  return (await (await response).json()) as Record<string, unknown>;
}

const DESK = { agent: "house", profile: { greeting: "Hello" }, numbers: ["+15550002222"] };

describe("PUT /api/profiles/NAME", () => {
  it("says what was saved, whether calls can have it, and what may be wrong about it", async () => {
    const created = await ask("PUT", "/desk", DESK);
    expect([created.status, created.headers.get("ETag"), created.headers.get("Location")]).toEqual([
      201,
      '"1"',
      "/api/profiles/desk",
    ]);
    expect(await created.json()).toEqual({
      name: "desk",
      version: 1,
      updated: expect.stringMatching(/^\d{4}-.*Z$/),
      document: DESK,
      published: true,
      findings: [{ severity: "error", place: "agent", message: expect.stringContaining("SPEECH") }],
    });
    const changed = await ask("PUT", "/desk", { ...DESK, agent: "parrot" });
    expect([changed.status, changed.headers.get("ETag"), changed.headers.get("Location")]).toEqual([200, '"2"', null]);
    expect([...gateway.replica.values.keys()].sort()).toEqual([INDEX_KEY, keyOf("desk")].sort());
  });

  it("says that calls elsewhere cannot have it yet", async () => {
    gateway.replica.behaviour = async () => {
      throw new Error("429");
    };
    const answer = await jsonOf(ask("PUT", "/desk", DESK));
    expect([answer.version, answer.published]).toEqual([1, false]);
  });

  it.each([
    [{ ...DESK, profile: { voice: "x".repeat(300) } }, "body.profile.voice must be"],
    [{ ...DESK, agent: "robot" }, "body.agent must be one of"],
    [{ ...DESK, limits: { maxCallMs: 1 } }, "body.limits.maxCallMs must be"],
    [{ ...DESK, numbers: ["+1", "+1"] }, "body.numbers must have each number once"],
    [{ ...DESK, numbers: ["+1 555"] }, "body.numbers[0] must be a number"],
    [{ ...DESK, colour: "red" }, "body.colour is not known"],
    [{ agent: "house" }, "body.profile is missing"],
  ])("takes only what is right, and names the field: %#", async (body, message) => {
    const response = await ask("PUT", "/desk", body);
    expect(await response.clone().text()).toContain(message);
    expect(await errorOf(response)).toEqual([400, "bad_profile"]);
    expect(gateway.asked).toEqual([]);
  });

  it("takes the longest instructions, and not a longer body", async () => {
    expect((await ask("PUT", "/desk", { profile: { instructions: "\u00e4".repeat(64 * 1024) } })).status).toBe(201);
    const long = `{"profile":{}${" ".repeat(MAX_DOCUMENT_BYTES)}}`;
    expect(await errorOf(await ask("PUT", "/desk", long))).toEqual([413, "body_too_long"]);
  });

  it("does not overwrite what somebody else has saved meanwhile", async () => {
    await ask("PUT", "/desk", DESK);
    const mine = await ask("PUT", "/desk", { ...DESK, description: "mine" }, { "If-Match": '"1"' });
    expect(mine.status).toBe(200);
    const theirs = await ask("PUT", "/desk", { ...DESK, description: "theirs" }, { "If-Match": '"1"' });
    expect(theirs.headers.get("ETag")).toBe('"2"');
    expect(await errorOf(theirs)).toEqual([412, "changed"]);
    expect(await errorOf(await ask("PUT", "/desk", DESK, { "If-None-Match": "*" }))).toEqual([412, "changed"]);
    expect(await errorOf(await ask("PUT", "/new", DESK, { "If-Match": "*" }))).toEqual([412, "changed"]);
    // A weak one says nothing of the bytes, and another's is none of ours.
    for (const tag of ['W/"2"', '"abc"', '"1", "7"'])
      expect(await errorOf(await ask("PUT", "/desk", { profile: {} }, { "If-Match": tag }))).toEqual([412, "changed"]);
    expect((await ask("PUT", "/desk", { profile: {} }, { "If-Match": '"7", "2"' })).status).toBe(200);
  });

  it.each([
    { "If-Match": "2" },
    { "If-Match": "" },
    { "If-Match": '"2' },
    { "If-None-Match": '"2"' },
    { "If-None-Match": "*", "If-Match": "*" },
  ])("takes no condition %j", async (headers) => {
    const expected = [400, "bad_precondition"];
    expect(await errorOf(await ask("PUT", "/desk", DESK, headers as Record<string, string>))).toEqual(expected);
    expect(gateway.book.list()).toEqual([]);
  });

  it("takes no number that another profile has, and names that one", async () => {
    await ask("PUT", "/desk", DESK);
    const response = await ask("PUT", "/other", { profile: {}, numbers: ["+1", "+15550002222"] });
    expect(await response.clone().text()).toContain("+15550002222, which is profile desk's");
    expect(await errorOf(response)).toEqual([409, "number_taken"]);
  });
});

describe("GET /api/profiles", () => {
  it("has the deployment's own as default, until one of that name is saved", async () => {
    const { profiles } = await jsonOf(ask("GET", ""));
    expect(profiles).toEqual([
      { name: "default", version: 0, updated: null, description: null, agent: "parrot", numbers: [], bundled: true },
    ]);
    const own = await ask("GET", "/default");
    expect(own.headers.get("ETag")).toBe('"0"');
    expect(await own.json()).toMatchObject({ bundled: true, document: { agent: "parrot", profile: {}, limits: {} } });
    expect(await errorOf(await ask("DELETE", "/default"))).toEqual([404, "not_found"]);
    await ask("PUT", "/default", { profile: {}, description: "ours" }, { "If-Match": '"0"' });
    await ask("PUT", "/desk", DESK);
    const after = (await jsonOf(ask("GET", ""))).profiles as { name: string }[];
    expect(after).toMatchObject([
      { name: "default", version: 1, description: "ours", bundled: false, agent: "parrot" },
      { name: "desk", version: 1, numbers: ["+15550002222"], agent: "house" },
    ]);
  });

  it("says how this isolate fares", async () => {
    const { counters } = await jsonOf(ask("GET", ""));
    expect(counters).toMatchObject({ replicaFailed: 0, replicaDamaged: 0, bookFailed: 0, defaulted: 0 });
  });

  it("has the schema under a name that no profile can have", async () => {
    const response = await ask("GET", "/schema.json");
    expect(response.headers.get("Content-Type")).toBe("application/schema+json");
    expect(await response.json()).toMatchObject({ title: "Trunkline profile", required: ["profile"] });
    expect((await ask("PUT", "/schema", DESK)).status).toBe(201);
    expect((await ask("GET", "/schema")).status).toBe(200);
  });
});

describe("versions", () => {
  beforeEach(async () => {
    await ask("PUT", "/desk", DESK);
    await ask("PUT", "/desk", { ...DESK, profile: { greeting: "Good day" } });
  });

  it("are listed, shown and restored", async () => {
    expect(await jsonOf(ask("GET", "/desk/versions"))).toEqual({
      name: "desk",
      deleted: null,
      versions: [
        { version: 2, updated: expect.any(String), restoredFrom: null },
        { version: 1, updated: expect.any(String), restoredFrom: null },
      ],
    });
    const old = await jsonOf(ask("GET", "/desk/versions/1"));
    expect(old).toMatchObject({ name: "desk", version: 1, document: DESK });
    const refused = await ask("POST", "/desk/versions/1/restore", undefined, { "If-Match": '"1"' });
    expect(await errorOf(refused)).toEqual([412, "changed"]);
    const restored = await ask("POST", "/desk/versions/1/restore");
    expect([restored.status, restored.headers.get("ETag")]).toEqual([200, '"3"']);
    expect(await jsonOf(ask("GET", "/desk"))).toMatchObject({ version: 3, document: DESK });
    expect((await jsonOf(ask("GET", "/desk/versions"))).versions).toMatchObject([
      { version: 3, restoredFrom: 1 },
      {},
      {},
    ]);
  });

  it("outlive their profile", async () => {
    expect(await errorOf(await ask("DELETE", "/desk", undefined, { "If-Match": '"1"' }))).toEqual([412, "changed"]);
    const deleted = await jsonOf(ask("DELETE", "/desk"));
    expect(deleted).toMatchObject({ status: "deleted", published: true });
    expect(Date.parse(String(deleted.keptUntil)) - Date.now()).toBeGreaterThan(DELETED_KEPT_MS - 60_000);
    expect(await errorOf(await ask("GET", "/desk"))).toEqual([404, "not_found"]);
    expect(await jsonOf(ask("GET", "/desk/versions"))).toMatchObject({ deleted: expect.any(String) });
    expect(gateway.replica.values.has(keyOf("desk"))).toBe(false);
    const restored = await ask("POST", "/desk/versions/2/restore");
    expect([restored.status, restored.headers.get("ETag")]).toEqual([201, '"3"']);
  });
});

describe("/api/profiles/NAME/check", () => {
  it("says of a body what PUT would refuse, all of it, and saves nothing", async () => {
    await ask("PUT", "/desk", DESK);
    const { ok, findings } = await jsonOf(
      ask("POST", "/new/check", { profile: { colour: "red" }, limits: { maxCallMs: 0 }, numbers: ["+15550002222"] }),
    );
    expect([ok, (findings as { place: string }[]).map(({ place }) => place)]).toEqual([
      false,
      ["profile.colour", "limits.maxCallMs", "numbers[0]"],
    ]);
    expect(gateway.book.get("new")).toBeUndefined();
    expect(await jsonOf(ask("POST", "/desk/check", { ...DESK, agent: "parrot" }))).toMatchObject({ ok: true });
  });

  it("says of what is saved what calls would meet", async () => {
    await ask("PUT", "/desk", { ...DESK, agent: "openai-realtime" });
    expect(await jsonOf(ask("GET", "/desk/check"))).toMatchObject({ name: "desk", ok: false });
    gateway.variables = { ...gateway.variables, OPENAI_API_KEY: "sk-simulated" };
    expect(await jsonOf(ask("GET", "/desk/check"))).toMatchObject({ ok: true });
    expect(await jsonOf(ask("GET", "/default/check"))).toEqual({ name: "default", ok: true, findings: [] });
  });
});

describe("/api/profiles/NAME/knowledge", () => {
  const Type = { "Content-Type": "text/markdown; charset=utf-8" };
  const put = (file: string, text: BodyInit, headers: Record<string, string> = {}) =>
    gateway.request(`/api/profiles/desk/knowledge/${file}`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, ...Type, ...headers },
      body: text,
    });

  beforeEach(async () => {
    await ask("PUT", "/desk", DESK);
  });

  it("stores a document, shows it, lists it and deletes it", async () => {
    const created = await put("hours.md", "Open at nine.\n\nDaily.");
    expect([created.status, created.headers.get("Location"), created.headers.get("ETag")]).toEqual([
      201,
      "/api/profiles/desk/knowledge/hours.md",
      '"e1"',
    ]);
    const about = { file: "hours.md", contentType: "text/markdown", bytes: 21, tokens: 6, etag: '"e1"' };
    expect(await created.json()).toEqual({ ...about, updated: expect.stringMatching(/Z$/) });
    expect((await put("hours.md", "Open at ten.")).status).toBe(200);
    const shown = await ask("GET", "/desk/knowledge/hours.md");
    expect([shown.headers.get("Content-Type"), shown.headers.get("ETag"), await shown.text()]).toEqual([
      "text/markdown; charset=utf-8",
      '"e2"',
      "Open at ten.",
    ]);
    const { documents } = await jsonOf(ask("GET", "/desk/knowledge"));
    expect(documents).toMatchObject([{ file: "hours.md", bytes: 12, tokens: 3, etag: '"e2"' }]);
    expect((await ask("DELETE", "/desk/knowledge/hours.md")).status).toBe(200);
    expect(await errorOf(await ask("GET", "/desk/knowledge/hours.md"))).toEqual([404, "not_found"]);
    expect(await errorOf(await ask("DELETE", "/desk/knowledge/hours.md"))).toEqual([404, "not_found"]);
    // The deployment's own has documents as well, and one that there is not has none.
    expect((await ask("GET", "/default/knowledge")).status).toBe(200);
    expect(await errorOf(await ask("GET", "/nobody/knowledge"))).toEqual([404, "not_found"]);
  });

  it.each([
    ["another type", "x", { "Content-Type": "text/html" }, 415, "unsupported_media_type"],
    ["no type", new Uint8Array([0x78]), { "Content-Type": "" }, 415, "unsupported_media_type"],
    ["other letters", "x", { "Content-Type": "text/plain; charset=latin1" }, 415, "unsupported_charset"],
    ["no UTF-8", new Uint8Array([0x78, 0xff]), {}, 400, "bad_body"],
    ["nothing", " \n ", {}, 400, "bad_document"],
    ["control characters", "a\u0000b", {}, 400, "bad_document"],
    ["too much", "x".repeat(256 * 1024 + 1), {}, 413, "body_too_long"],
    ["an odd condition", "x", { "If-Match": "e1" }, 400, "bad_precondition"],
  ] as const)("takes no document of %s, and says why", async (_, text, headers, status, code) => {
    expect(await errorOf(await put("a.md", text, headers))).toEqual([status, code]);
    expect(gateway.knowledge.objects.size).toBe(0);
  });

  it("takes so many, each as long as it may be", async () => {
    expect((await put("0.md", "x".repeat(256 * 1024))).status).toBe(201);
    for (let i = 1; i < 50; i++) gateway.knowledge.store(`desk/${i}.md`, "x");
    expect(await errorOf(await put("50.md", "x"))).toEqual([409, "too_many_documents"]);
    expect((await put("49.md", "y")).status).toBe(200);
  });

  it("does not overwrite what somebody else has stored meanwhile", async () => {
    expect((await put("a.md", "one", { "If-None-Match": "*" })).status).toBe(201);
    const again = await put("a.md", "two", { "If-None-Match": "*" });
    expect(again.headers.get("ETag")).toBe('"e1"');
    expect(await errorOf(again)).toEqual([412, "changed"]);
    expect((await put("a.md", "two", { "If-Match": '"e1"' })).status).toBe(200);
    expect(await errorOf(await put("a.md", "three", { "If-Match": '"e1"' }))).toEqual([412, "changed"]);
    expect(await errorOf(await put("b.md", "x", { "If-Match": "*" }))).toEqual([412, "changed"]);
    const remove = (tag: string) => ask("DELETE", "/desk/knowledge/a.md", undefined, { "If-Match": tag });
    expect(await errorOf(await remove('"e1"'))).toEqual([412, "changed"]);
    expect((await remove('"e2"')).status).toBe(200);
  });

  it("is checked: what is not there, and what has no room", async () => {
    await put("long.md", "word ".repeat(2_000));
    const named = { ...DESK, agent: "parrot", profile: { knowledge: ["long.md", "none.md"], knowledgeTokens: 1_000 } };
    const { ok, findings } = await jsonOf(ask("POST", "/desk/check", named));
    expect([ok, findings]).toMatchObject([
      true,
      [
        { place: "profile.knowledge", message: "is nothing that parrot reads" },
        { severity: "warning", place: "profile.knowledge[1]", message: "is not there, and calls begin without it" },
        { severity: "warning", place: "profile.knowledgeTokens", message: expect.stringContaining("2500 tokens") },
      ],
    ]);
    // A bucket that fails keeps nobody from saving.
    gateway.knowledge.behaviour = async () => {
      throw new Error("gone");
    };
    const saved = await ask("PUT", "/desk", named);
    expect(saved.status).toBe(200);
    expect(await saved.text()).toContain("was not looked at");
    gateway.variables = { ...gateway.variables, KNOWLEDGE: undefined };
    expect(JSON.stringify(await jsonOf(ask("GET", "/desk/check")))).toContain("no bucket is bound (KNOWLEDGE)");
  });

  it("is what a call is told, behind its instructions", async () => {
    await put("hours.md", "Open at nine.");
    const profile = { instructions: "Be brief.", knowledge: ["gone.md", "hours.md"] };
    await ask("PUT", "/desk", { ...DESK, profile });
    await gateway.webhook("/twiml");
    expect(gateway.profile?.profile?.instructions).toMatch(
      /^Be brief\.\n\n# Knowledge\n[\s\S]*## hours\.md\n\nOpen at nine\.$/,
    );
    expect(gateway.profile?.knowledge).toEqual({
      files: ["hours.md"],
      tokens: expect.any(Number),
      cut: [],
      missing: ["gone.md"],
    });
    // The deployment's own profile may name documents as well.
    gateway.variables = { ...gateway.variables, PROFILE: { knowledge: ["own.md"] } };
    gateway.knowledge.store("default/own.md", "Ours.");
    await gateway.webhook("/twiml", { ...CALL_PARAMS, To: "+44" });
    expect(gateway.profile).toMatchObject({ name: "default", version: 0, knowledge: { files: ["own.md"] } });
  });
});

describe("hours", () => {
  const Outside = { timeZone: "UTC", open: [] };
  const prepared = () => gateway.names().filter((name) => name === "prepare" || name === "acquire");

  it("give a call another profile, or tell its caller something and take no place", async () => {
    await ask("PUT", "/night", { agent: "house", profile: {} });
    await ask("PUT", "/desk", { ...DESK, hours: { ...Outside, outside: { profile: "night" } } });
    expect(await (await gateway.webhook("/twiml")).text()).toContain("<Stream");
    expect(gateway.profile).toMatchObject({ name: "night", by: "hours", outside: "desk" });
    const say = "We open at <nine> & close at five.";
    await ask("PUT", "/desk", {
      ...DESK,
      profile: { language: "en-GB" },
      hours: { ...Outside, outside: { say } },
    });
    gateway.asked.length = 0;
    gateway.announcement = { type: "closed" };
    expect(await (await gateway.webhook("/twiml")).text()).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><Response><Say language="en-GB">' +
        "We open at &lt;nine&gt; &amp; close at five.</Say><Hangup/></Response>",
    );
    expect(prepared()).toEqual(["prepare"]);
    // One that was announced within the hours goes on.
    gateway.announcement = { type: "stream", token: "the-token" };
    expect(await (await gateway.webhook("/twiml")).text()).toContain("<Stream");
    gateway.announcement = { type: "over" };
    expect(await (await gateway.webhook("/twiml")).text()).toContain("<Response><Hangup/></Response>");
  });

  it("are told within the hours to nobody who was told otherwise before", async () => {
    gateway.announcement = { type: "closed" };
    expect(await (await gateway.webhook("/twiml")).text()).toContain("<Response><Hangup/></Response>");
    expect(gateway.names()).toContain("withdraw");
  });

  it("refuse a stream that nobody has announced", async () => {
    await ask("PUT", "/desk", { ...DESK, hours: { ...Outside, outside: { say: "Closed." } } });
    gateway.variables = { ...gateway.variables, ALLOW_UNAUTHENTICATED: "true" };
    expect(await errorOf(await gateway.upgrade("/call?profile=desk"))).toEqual([409, "closed"]);
  });

  it("are checked for the profile that they name", async () => {
    const check = async (profile: string) =>
      (
        await jsonOf(
          ask("POST", "/desk/check", { agent: "parrot", profile: {}, hours: { ...Outside, outside: { profile } } }),
        )
      ).findings;
    const place = "hours.outside.profile";
    expect(await check("desk")).toEqual([
      { severity: "error", place, message: "is this profile: its hours would have no effect" },
    ]);
    expect(await check("night")).toEqual([{ severity: "error", place, message: "is night, which there is not" }]);
    expect(await check("default")).toEqual([]);
    await ask("PUT", "/night", { profile: {}, hours: { ...Outside, outside: { profile: "desk" } } });
    expect(await check("night")).toEqual([
      { severity: "warning", place, message: "is night, which has hours of its own: they do not count then" },
    ]);
  });
});

describe("/twiml", () => {
  const prepared = () => {
    const [, , call] = gateway.asked.findLast(([name]) => name === "prepare") ?? [];
    return [gateway.profile?.name, gateway.profile?.version, (call as { agent: string } | undefined)?.agent];
  };

  it("gives a call the profile of its number, or the one that the query names, and the agent that it names", async () => {
    await ask("PUT", "/desk", DESK);
    await ask("PUT", "/night", { profile: {} });
    await gateway.webhook("/twiml");
    expect(prepared()).toEqual(["desk", 1, "house"]);
    await gateway.webhook("/twiml?profile=night");
    expect(prepared()).toEqual(["night", 1, "parrot"]);
    await gateway.webhook("/twiml?profile=desk&agent=parrot");
    expect(prepared()).toEqual(["desk", 1, "parrot"]);
    await gateway.webhook("/twiml", { ...CALL_PARAMS, To: "+44" });
    expect(prepared()).toEqual(["default", 0, "parrot"]);
    await ask("PUT", "/default", { agent: "house", profile: {} });
    await gateway.webhook("/twiml", { ...CALL_PARAMS, To: "+44" });
    expect(prepared()).toEqual(["default", 1, "house"]);
  });

  it("has the next version for the next call, and another number's owner", async () => {
    await ask("PUT", "/desk", DESK);
    await gateway.webhook("/twiml");
    await ask("PUT", "/desk", { ...DESK, numbers: [] });
    await ask("PUT", "/night", { profile: {}, numbers: DESK.numbers });
    await gateway.webhook("/twiml");
    expect(prepared()).toEqual(["night", 1, "parrot"]);
    await gateway.webhook("/twiml?profile=desk");
    expect(prepared()).toEqual(["desk", 2, "house"]);
  });

  it("refuses a profile that there is not before anything happens, and names it", async () => {
    const response = await gateway.webhook("/twiml?profile=nobody");
    expect(await response.clone().text()).toContain("there is no profile nobody");
    expect(await errorOf(response)).toEqual([404, "unknown_profile"]);
    expect(await errorOf(await gateway.webhook("/twiml?profile="))).toEqual([404, "unknown_profile"]);
    expect(await errorOf(await gateway.webhook("/twiml?profile=a&profile=b"))).toEqual([400, "bad_query"]);
    expect(gateway.asked).toEqual([]);
  });

  it("takes a call with the default when no store answers", async () => {
    await ask("PUT", "/desk", DESK);
    gateway.replica.behaviour = async () => {
      throw new Error("gone");
    };
    gateway.failing.add("lookUp");
    gateway.app = createApp({ version: "1.2.3", warmUpError: undefined });
    expect((await gateway.webhook("/twiml?profile=desk")).status).toBe(200);
    expect(gateway.profile).toMatchObject({ name: "default", version: 0, problem: "unreachable" });
  });

  it("is the same for a stream that nobody has announced", async () => {
    await ask("PUT", "/desk", DESK);
    gateway.variables = { ...gateway.variables, ALLOW_UNAUTHENTICATED: "true" };
    await gateway.upgrade("/call?profile=desk");
    expect(prepared()).toEqual(["desk", 1, "house"]);
    expect(await errorOf(await gateway.upgrade("/call?profile=nobody"))).toEqual([404, "unknown_profile"]);
  });
});
