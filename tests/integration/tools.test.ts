// Tools that the gateway calls itself: the built Worker, the Realtime simulator that calls them, and a tool's server.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RealtimeServer } from "../simulators/openai-realtime/server.ts";
import { Gateway, waitForEvent } from "./support/gateway.ts";
import { eventually, logged } from "./support/stored.ts";
import { isSigned, ToolServer } from "./support/tool-server.ts";
import { voice } from "./support/voice.ts";

const SECRET = "a-secret-of-the-tools-for-tests-only";
const PATHS = ["ok", "text", "slow", "broken", "hang", "huge", "nonsense"];
const PARAMETERS = {
  type: "object",
  required: ["day"],
  properties: { day: { enum: ["friday", "sunday"] } },
};

let upstream: RealtimeServer;
let tools: ToolServer;
let gateway: Gateway;

beforeAll(async () => {
  tools = await ToolServer.start();
  // A voice of silence: what is tested is who is asked what.
  const speech = { say: async () => new Int16Array(4_000), hear: async () => "what time is it" };
  upstream = await RealtimeServer.start({ speech, faults: {} });
  const ofPath = (path: string) => ({
    type: "function",
    name: path,
    parameters: PARAMETERS,
    timeoutMs: path === "hang" ? 60_000 : 1_500,
    webhook: { url: `http://${tools.host}/${path}?key=s3cret` },
  });
  const late = { ...ofPath("hang"), name: "late", timeoutMs: 800 };
  gateway = await Gateway.start(
    {
      OPENAI_BASE_URL: `http://127.0.0.1:${upstream.port}`,
      TOOL_HOSTS: tools.host,
      WEATHER_BASE_URL: `http://${tools.host}`,
      PROFILE: JSON.stringify({ builtInTools: ["get_weather"], tools: [...PATHS.map(ofPath), late] }),
    },
    { TOOL_SECRET: SECRET },
  );
});
beforeEach(() => {
  tools.calls.length = 0;
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
  await tools.close();
});

/** A caller asks, and the model calls `name`. */
async function call(name: string, args: object = { day: "friday" }) {
  upstream.faults = { call: { name, arguments: JSON.stringify(args) } };
  const phone = await gateway.dial({ agent: "openai-realtime" });
  const observer = gateway.observe(phone.callId);
  await waitForEvent(observer, "agentReady");
  const session = upstream.sessions.at(-1);
  if (!session) throw new Error("no session upstream");
  await phone.say(voice(700));
  const { toolCallId } = await waitForEvent(observer, "toolCall");
  return { phone, observer, session, toolCallId };
}

/** The line of the tool, once it is final. */
async function lineOf(observer: ReturnType<Gateway["observe"]>) {
  return eventually("line of a tool", async () =>
    observer.events.find(({ type, role }) => type === "line" && role === "tool"),
  );
}

describe("a webhook", () => {
  it("is told what the model wants, by somebody it knows, and is heard", { timeout: 60_000 }, async () => {
    const { phone, observer, session, toolCallId } = await call("ok");
    const line = await lineOf(observer);
    expect(line).toMatchObject({ name: "ok", state: "answered", result: '{"free":["19:30"]}', status: 200 });
    expect(line["latencyMs"]).toBeGreaterThanOrEqual(0);
    const [asked, ...more] = tools.calls;
    if (!asked) throw new Error("nobody was asked");
    expect(more).toEqual([]);
    expect(isSigned(asked, SECRET)).toBe(true);
    expect(asked.headers["idempotency-key"]).toBe(`${phone.callId}:${toolCallId}`);
    expect(asked.headers["x-trunkline-delivery"]).toBe(`${phone.callId}:${toolCallId}`);
    expect(asked.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(asked.text)).toEqual({
      callId: phone.callId,
      toolCallId,
      name: "ok",
      arguments: { day: "friday" },
      atMs: line["startMs"],
    });
    const given = session.received.filter(({ item }) => (item as { type?: string })?.type === "function_call_output");
    expect(given.map(({ item }) => (item as { output?: string }).output)).toEqual(['{"free":["19:30"]}']);
    const refused = await gateway.api(`/api/calls/${phone.callId}/commands`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type: "toolResult", toolCallId, output: "mine" }),
    });
    expect(refused.status).toBe(404);
    phone.hangUp();
    await phone.ended;
  });

  it.each([
    ["text", "answered", "a table at nine", 200, undefined],
    ["slow", "answered", "late, but in time", 200, undefined],
    ["broken", "failed", '{"error":"the tool answered with status 500"}', 500, "status"],
    ["huge", "failed", '{"error":"the tool\'s answer is longer than 16384 bytes"}', 200, "tooLarge"],
    ["nonsense", "failed", '{"error":"the tool\'s answer is no JSON"}', 200, "json"],
    ["late", "failed", '{"error":"the tool did not answer in time"}', undefined, "timeout"],
  ])("that is %s", { timeout: 60_000 }, async (name, state, result, status, failure) => {
    const { phone, observer } = await call(name);
    const line = await lineOf(observer);
    expect(line).toMatchObject({ state, result, ...(status && { status }), ...(failure && { failure }) });
    expect(tools.calls).toHaveLength(1);
    phone.hangUp();
    await phone.ended;
  });

  it("is not asked with wrong arguments", { timeout: 60_000 }, async () => {
    const { phone, observer } = await call("ok", { day: "monday" });
    const line = await lineOf(observer);
    expect(line).toMatchObject({ state: "failed", failure: "refused" });
    expect(line["result"]).toMatch(/^\{"error":"arguments: day: /);
    expect(tools.calls).toEqual([]);
    phone.hangUp();
    await phone.ended;
  });

  it("is nobody else's to answer, nor anybody's when the call is over", { timeout: 60_000 }, async () => {
    const { phone, observer, toolCallId } = await call("hang");
    await eventually("call of the tool", async () => tools.calls[0]);
    const refused = await gateway.api(`/api/calls/${phone.callId}/commands`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type: "toolResult", toolCallId, output: "mine" }),
    });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ error: { code: "conflict" } });
    phone.hangUp();
    await phone.ended;
    expect(await lineOf(observer)).toMatchObject({ state: "unanswered" });
  });

  it("is asked again by the same key when the object is lost", { timeout: 90_000 }, async () => {
    const { phone, toolCallId } = await call("hang");
    await eventually("call of the tool", async () => tools.calls[0]);
    await gateway.fault(phone.callId, { type: "abort" }).catch(() => undefined);
    const again = await eventually("second call", async () => tools.calls[1], 30_000);
    expect(again.headers["idempotency-key"]).toBe(`${phone.callId}:${toolCallId}`);
    expect(again.text).toBe(tools.calls[0]?.text);
    phone.hangUp();
    await phone.ended;
    expect(tools.calls).toHaveLength(2);
  });
});

it("takes a message to the log, where an operator finds it", { timeout: 60_000 }, async () => {
  const { phone, observer } = await call("take_message", { text: "call me back" });
  expect(await lineOf(observer)).toMatchObject({ state: "answered" });
  phone.hangUp();
  await phone.ended;
  await logged(gateway, phone.callId);
  const { toolCalls } = await gateway.json<{ toolCalls: object[] }>(`/api/calls/${phone.callId}`);
  expect(toolCalls).toMatchObject([{ name: "take_message", arguments: '{"text":"call me back"}', state: "answered" }]);
});

it("lists the tools that the model is offered", { timeout: 60_000 }, async () => {
  const { phone, session } = await call("get_weather", { latitude: 52.52, longitude: 13.4 });
  await eventually("question for the weather", async () => tools.calls.find(({ path }) => path === "/v1/forecast"));
  phone.hangUp();
  await phone.ended;
  const update = session.received.find(({ type }) => type === "session.update")?.["session"] as {
    tools: Record<string, unknown>[];
  };
  const { tools: listed } = await gateway.json<{ tools: Record<string, unknown>[] }>("/tools");
  expect(JSON.stringify(listed)).not.toContain("s3cret");
  const offered = listed.filter(({ enabled }) => enabled);
  const plain = ({ name, description, parameters }: Record<string, unknown>) => ({
    type: "function",
    name,
    description: description ?? null,
    parameters: parameters ?? null,
  });
  const sorted = (all: readonly Record<string, unknown>[]) =>
    all.map(plain).toSorted((a, b) => String(a.name).localeCompare(String(b.name)));
  expect(sorted(offered)).toEqual(sorted(update.tools));
});
