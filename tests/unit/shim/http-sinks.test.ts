import { createHmac } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { CallLog } from "../../../worker-shim/call-log.ts";
import { HttpSinkError, SupabaseSink, WebhookSink } from "../../../worker-shim/ports/http-sinks.ts";
import { RetryLaterError } from "../../../worker-shim/records/outbox.ts";

const never = new AbortController().signal;
let requests: { url: string; method: string; headers: Headers; body: unknown }[];
let answer: () => Response;

async function fakeFetch(url: string, init: RequestInit): Promise<Response> {
  const body = typeof init.body === "string" ? (JSON.parse(init.body) as unknown) : undefined;
  requests.push({ url, method: init.method ?? "GET", headers: new Headers(init.headers), body });
  return answer();
}

beforeEach(() => {
  requests = [];
  answer = () => new Response(null, { status: 201 });
});

describe("Supabase", () => {
  const log = {
    call: { callId: "c1", startedMs: 5, recordingKey: null },
    turns: Array.from({ length: 501 }, (_, seq) => ({ callId: "c1", seq, recordingMs: null })),
    toolCalls: [],
    events: [],
  } as unknown as CallLog;

  it("gets rows that it can get again, the call last", async () => {
    await new SupabaseSink("https://p.supabase.co/", "sb_secret_x", fakeFetch).write(log, never);
    expect(requests.map(({ url, method }) => `${method} ${url}`)).toEqual([
      "POST https://p.supabase.co/rest/v1/turns?on_conflict=call_id,seq",
      "POST https://p.supabase.co/rest/v1/turns?on_conflict=call_id,seq",
      "POST https://p.supabase.co/rest/v1/calls?on_conflict=call_id",
    ]);
    expect(requests[2]?.body).toEqual([{ call_id: "c1", started_ms: 5, recording_key: null }]);
    expect(requests[0]?.headers.get("Prefer")).toContain("resolution=merge-duplicates");
  });

  // With the interface's URL in the place of the project's every row went to /rest/v1/rest/v1.
  it.each(["", "/", "/rest/v1", "/rest/v1/", "//rest/v1//"])("is the same with %j behind its host", async (end) => {
    for (const base of ["https://p.supabase.co", "https://proxy/rest/v1/p"]) {
      requests = [];
      await new SupabaseSink(base + end, "k", fakeFetch).check(never);
      expect(requests.map(({ url }) => url)).toEqual([`${base}/rest/v1/calls?select=call_id&limit=0`]);
    }
  });

  it("is shown a new key in one header, an old one in two, and no browser's name", async () => {
    for (const key of ["sb_secret_x", "eyJhbGciOi"])
      await new SupabaseSink("https://p", key, fakeFetch).delete("c1", never);
    const [newer, , , older] = requests;
    expect([newer?.headers.get("apikey"), newer?.headers.get("Authorization")]).toEqual(["sb_secret_x", null]);
    expect([older?.headers.get("apikey"), older?.headers.get("Authorization")]).toEqual([
      "eyJhbGciOi",
      "Bearer eyJhbGciOi",
    ]);
    expect(newer?.headers.get("User-Agent")).toBe("trunkline");
    expect(newer).toMatchObject({ method: "DELETE", url: "https://p/rest/v1/calls?call_id=eq.c1" });
  });

  it("keeps the figures of a call whose retention is over", async () => {
    await new SupabaseSink("https://p", "k", fakeFetch).redact("c1", never);
    expect(requests.map(({ method, url, body }) => [method, url, body])).toEqual([
      [
        "PATCH",
        "https://p/rest/v1/calls?call_id=eq.c1",
        {
          from_number: "",
          to_number: "",
          carrier_call_id: "",
          recording_key: null,
          recording_bytes: 0,
          flight_key: null,
        },
      ],
      ["PATCH", "https://p/rest/v1/turns?call_id=eq.c1", { text: "", question: null, said: null }],
      ["PATCH", "https://p/rest/v1/tool_calls?call_id=eq.c1", { arguments: "", result: null }],
    ]);
  });

  it.each([200, 201, 204])("has taken it with %i", async (status) => {
    answer = () => new Response(null, { status });
    await new SupabaseSink("https://p", "k", fakeFetch).write(log, never);
  });

  it.each([301, 400, 401, 409, 500, 503])("has not with %i", async (status) => {
    answer = () => new Response(null, { status });
    await expect(new SupabaseSink("https://p", "k", fakeFetch).write(log, never)).rejects.toThrow(HttpSinkError);
    expect(requests).toHaveLength(1);
  });
});

describe("a webhook", () => {
  const send = () =>
    new WebhookSink("https://h.example/x?y=1", "webhook-secret-0123", fakeFetch).send(
      "c1:call.ended",
      '{"a":1}',
      1_700_000_000_999,
      never,
    );

  it("is signed so that its listener can tell who and when", async () => {
    await send();
    const [request] = requests;
    const expected = createHmac("sha256", "webhook-secret-0123").update('1700000000.{"a":1}').digest("hex");
    expect(request?.headers.get("X-Trunkline-Signature")).toBe(`t=1700000000,v1=${expected}`);
    expect(request?.headers.get("X-Trunkline-Delivery")).toBe("c1:call.ended");
    expect(request).toMatchObject({ method: "POST", url: "https://h.example/x?y=1", body: { a: 1 } });
  });

  it("is sent later when its listener says so", async () => {
    answer = () => new Response(null, { status: 429, headers: { "Retry-After": "7" } });
    const error = await send().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RetryLaterError);
    expect((error as RetryLaterError).afterMs).toBe(7_000);
  });
});
