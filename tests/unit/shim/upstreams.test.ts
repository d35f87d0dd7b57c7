import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  CONNECT_TIMEOUT_MS,
  openUpstream,
  type UpgradeFetch,
  type UpgradeResponse,
  upstreamTable,
  upstreamUrl,
} from "../../../worker-shim/ports/upstreams.ts";
import { readSettings } from "../../../worker-shim/settings.ts";
import { FakeSocket } from "./support/fakes.ts";

const TABLE = upstreamTable({ OPENAI_API_KEY: "sk-test" }, {});
const REQUEST = { upstream: "openai", path: "/v1/realtime?model=m", protocols: ["realtime"] };
const LISTEN = { upstream: "speech", path: "/listen", protocols: [] };

function response(status: number, socket: FakeSocket | null = null, subprotocol?: string): UpgradeResponse {
  const headers = new Headers(subprotocol === undefined ? {} : { "Sec-WebSocket-Protocol": subprotocol });
  return { status, headers, webSocket: socket, body: null };
}

/** Answers every request with `answer` and keeps what was asked. */
function recorder(answer: () => Promise<UpgradeResponse>) {
  const requests: { readonly url: string; readonly headers: Record<string, string>; readonly signal: AbortSignal }[] =
    [];
  const fetchUpgrade: UpgradeFetch = (url, init) => {
    requests.push({ url, ...init });
    return answer();
  };
  return { requests, fetchUpgrade };
}

const never = () => new Promise<UpgradeResponse>(() => undefined);

/** Needs no key. */
const weather = { baseUrl: "https://api.open-meteo.com", headers: {} };

describe("upstreamTable", () => {
  it("has the weather wherever it is configured", () => {
    expect(upstreamTable({ WEATHER_BASE_URL: "http://127.0.0.1:1" }, {})).toEqual({
      weather: { baseUrl: "http://127.0.0.1:1", headers: {} },
    });
  });

  it("has no upstream without its key", () => {
    expect(upstreamTable({ OPENAI_BASE_URL: "http://127.0.0.1:1" }, {})).toEqual({ weather });
  });

  it("names the organization and the project only where they are set", () => {
    expect(TABLE.openai).toEqual({
      baseUrl: "https://api.openai.com",
      headers: { Authorization: "Bearer sk-test" },
    });
    const full = upstreamTable(
      { OPENAI_API_KEY: "k", OPENAI_BASE_URL: "http://h", OPENAI_ORGANIZATION: "o", OPENAI_PROJECT: "p" },
      {},
    );
    expect(full.openai).toEqual({
      baseUrl: "http://h",
      headers: { Authorization: "Bearer k", "OpenAI-Organization": "o", "OpenAI-Project": "p" },
    });
  });

  it("has deepgram with its key, at its own base or another", () => {
    expect(upstreamTable({ DEEPGRAM_BASE_URL: "http://127.0.0.1:1" }, {})).not.toHaveProperty("deepgram");
    expect(upstreamTable({ DEEPGRAM_API_KEY: "k" }, {}).deepgram).toEqual({
      baseUrl: "https://api.deepgram.com",
      headers: { Authorization: "Token k" },
    });
    const { upstreams } = readSettings({
      ENVIRONMENT: "development",
      DEEPGRAM_API_KEY: "k",
      DEEPGRAM_BASE_URL: "http://127.0.0.1:1/",
    });
    expect(upstreamTable(upstreams, {})).toMatchObject({ deepgram: { headers: { Authorization: "Token k" } } });
    const { deepgram } = upstreamTable(upstreams, {});
    expect(deepgram && upstreamUrl(deepgram, "/v2/listen?model=m")).toBe("http://127.0.0.1:1/v2/listen?model=m");
  });

  it("has speech where its Worker is bound, with a key for the others or without", () => {
    const binding = { fetch: never };
    const speech = { baseUrl: "http://speech.local", headers: {}, binding };
    expect(upstreamTable({}, { SPEECH: binding })).toEqual({ speech, weather });
    expect(upstreamTable({ OPENAI_API_KEY: "k" }, { SPEECH: binding })).toMatchObject({ speech, openai: {} });
  });
});

// OpenAI's own libraries take a base that ends in /v1: with one the gateway asked for /v1/v1/realtime, and every call was
// lost.
describe("OPENAI_BASE_URL", () => {
  const path = "/v1/realtime?model=m";

  /** What is asked of it. */
  async function asked(base: string): Promise<string | undefined> {
    const { requests, fetchUpgrade } = recorder(async () => response(101, new FakeSocket()));
    const { upstreams } = readSettings({ ENVIRONMENT: "development", OPENAI_API_KEY: "k", OPENAI_BASE_URL: base });
    await openUpstream(upstreamTable(upstreams, {}), REQUEST, fetchUpgrade, new AbortController().signal);
    return requests[0]?.url;
  }

  it.each(["/v1", "/v1/", "/v1//", "//v1"])("that ends in %s means the same as without", async (end) => {
    for (const base of ["https://host", "wss://host", "https://host:8443", "https://[2001:db8::1]"])
      expect(await asked(base + end)).toBe(base.replace("wss:", "https:") + path);
    expect(await asked(`https://proxy/openai${end}`)).toBe(`https://proxy/openai${path}`);
    expect(await asked(`https://proxy/v1/openai${end}`)).toBe(`https://proxy/v1/openai${path}`);
  });

  it.each(["", "/", "/v2", "/v1beta", "/av1", "/v1.0", "/V1", "/v1/openai", "/openai/", "/-v1"])(
    "that ends in %j has all of it in front",
    async (end) => {
      expect(await asked(`https://host${end}`)).toBe(`https://host${end.replace(/\/$/, "")}${path}`);
    },
  );

  it("may be of a host that is called v1", async () => {
    expect(await asked("https://v1")).toBe(`https://v1${path}`);
    expect(await asked("http://v1/")).toBe(`http://v1${path}`);
    expect(await asked("http://v1/v1")).toBe(`http://v1${path}`);
  });

  it("leads its HTTP exchanges below the same place", () => {
    const { openai } = upstreamTable({ OPENAI_API_KEY: "k", OPENAI_BASE_URL: "https://host/v1/" }, {});
    expect(openai && upstreamUrl(openai, "/v1/audio/speech")).toBe("https://host/v1/audio/speech");
  });
});

describe("openUpstream", () => {
  const { signal } = new AbortController();

  describe("by a binding", () => {
    it("asks the binding, as its own method, and not the network", async () => {
      const socket = new FakeSocket();
      const binding = {
        asked: [] as { readonly url: string; readonly headers: object }[],
        async fetch(url: string, { headers }: { readonly headers: Record<string, string> }) {
          this.asked.push({ url, headers });
          return response(101, socket);
        },
      };
      const { requests, fetchUpgrade } = recorder(never);
      const answer = await openUpstream(upstreamTable({}, { SPEECH: binding }), LISTEN, fetchUpgrade, signal);
      expect(answer).toEqual({ type: "opened", socket, subprotocol: "" });
      expect(binding.asked).toEqual([{ url: "http://speech.local/listen", headers: { Upgrade: "websocket" } }]);
      expect(requests).toEqual([]);
    });

    it("gives up as it does by the network", async () => {
      const controller = new AbortController();
      const { requests, fetchUpgrade } = recorder(never);
      const table = upstreamTable({}, { SPEECH: { fetch: fetchUpgrade } });
      const answer = openUpstream(table, LISTEN, recorder(never).fetchUpgrade, controller.signal);
      controller.abort();
      expect(await answer).toMatchObject({ type: "refused", httpStatus: 0 });
      expect(requests[0]?.signal.aborted).toBe(true);
    });

    it("is refused where the Worker cannot be reached", async () => {
      const fails = { fetch: () => Promise.reject(new Error("no such Worker")) };
      const table = upstreamTable({}, { SPEECH: fails });
      expect(await openUpstream(table, LISTEN, recorder(never).fetchUpgrade, signal)).toEqual({
        type: "refused",
        httpStatus: 0,
        reason: "connection failed",
      });
    });

    it("goes nowhere but below its host", async () => {
      const { requests, fetchUpgrade } = recorder(never);
      const table = upstreamTable({}, { SPEECH: { fetch: fetchUpgrade } });
      const request = { ...LISTEN, path: "@other.local/listen" };
      expect(await openUpstream(table, request, fetchUpgrade, signal)).toMatchObject({ httpStatus: 400 });
      expect(requests).toEqual([]);
    });
  });

  it("asks for the upgrade with credentials and subprotocol", async () => {
    const socket = new FakeSocket();
    const { requests, fetchUpgrade } = recorder(async () => response(101, socket, "realtime"));
    const answer = await openUpstream(TABLE, REQUEST, fetchUpgrade, signal);
    expect(answer).toEqual({ type: "opened", socket, subprotocol: "realtime" });
    expect(requests).toMatchObject([
      {
        url: "https://api.openai.com/v1/realtime?model=m",
        headers: { Authorization: "Bearer sk-test", Upgrade: "websocket", "Sec-WebSocket-Protocol": "realtime" },
      },
    ]);
    expect(socket.acceptedAs).toBeUndefined();
  });

  it.each([
    ["wss://host", "https://host/v1/realtime?model=m"],
    ["ws://127.0.0.1:9", "http://127.0.0.1:9/v1/realtime?model=m"],
    ["https://proxy/openai/", "https://proxy/openai/v1/realtime?model=m"],
  ])("reaches %s by a URL that fetch takes", async (baseUrl, url) => {
    const { requests, fetchUpgrade } = recorder(async () => response(101, new FakeSocket()));
    await openUpstream({ openai: { baseUrl, headers: {} } }, REQUEST, fetchUpgrade, signal);
    expect(requests[0]?.url).toBe(url);
  });

  it.each(["v1", "@evil.example/x", ".evil.example", ""])("does not let the path %j choose the host", async (path) => {
    const { requests, fetchUpgrade } = recorder(never);
    const answer = await openUpstream(TABLE, { ...REQUEST, path }, fetchUpgrade, signal);
    expect(answer).toMatchObject({ type: "refused", httpStatus: 400 });
    expect(requests).toEqual([]);
  });

  it.each(["deepgram", "speech", "toString", "__proto__"])("refuses %s, which is not configured", async (upstream) => {
    const { requests, fetchUpgrade } = recorder(never);
    const answer = await openUpstream(TABLE, { ...REQUEST, upstream }, fetchUpgrade, signal);
    expect(answer).toMatchObject({ type: "refused", httpStatus: 401 });
    expect(requests).toEqual([]);
  });

  it.each([401, 429, 503, 200])("reports the status %i", async (status) => {
    const cancelled = vi.fn(async () => undefined);
    const body = { cancel: cancelled };
    const { fetchUpgrade } = recorder(async () => ({ ...response(status), body }));
    expect(await openUpstream(TABLE, REQUEST, fetchUpgrade, signal)).toMatchObject({
      type: "refused",
      httpStatus: status,
    });
    expect(cancelled).toHaveBeenCalledOnce();
  });

  it("reports a connection that fails without a status", async () => {
    const { fetchUpgrade } = recorder(() => Promise.reject(new Error("Network connection lost.")));
    expect(await openUpstream(TABLE, REQUEST, fetchUpgrade, signal)).toEqual({
      type: "refused",
      httpStatus: 0,
      reason: "connection failed",
    });
  });

  describe("when it takes too long", () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    it("gives up, and closes a socket that comes all the same", async () => {
      let arrive: (response: UpgradeResponse) => void = () => undefined;
      const { requests, fetchUpgrade } = recorder(() => new Promise((resolve) => (arrive = resolve)));
      const answer = openUpstream(TABLE, REQUEST, fetchUpgrade, signal);
      await vi.advanceTimersByTimeAsync(CONNECT_TIMEOUT_MS);
      expect(await answer).toEqual({ type: "refused", httpStatus: 0, reason: "no answer in time" });
      expect(requests[0]?.signal.aborted).toBe(true);
      const late = new FakeSocket();
      arrive(response(101, late));
      await vi.advanceTimersByTimeAsync(0);
      expect(late.acceptedAs).toBeDefined();
      expect(late.closed?.code).toBe(1000);
    });

    it("leaves a socket that came in time alone", async () => {
      const { requests, fetchUpgrade } = recorder(async () => response(101, new FakeSocket()));
      await openUpstream(TABLE, REQUEST, fetchUpgrade, signal);
      await vi.advanceTimersByTimeAsync(2 * CONNECT_TIMEOUT_MS);
      expect(requests[0]?.signal.aborted).toBe(false);
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  it("stops waiting when it is not wanted any more", async () => {
    const controller = new AbortController();
    const { requests, fetchUpgrade } = recorder(never);
    const answer = openUpstream(TABLE, REQUEST, fetchUpgrade, controller.signal);
    controller.abort();
    expect(await answer).toMatchObject({ type: "refused", httpStatus: 0 });
    expect(requests[0]?.signal.aborted).toBe(true);
  });
});
