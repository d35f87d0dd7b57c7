// What cannot be seen from outside; tests/integration/http-port.test.ts has the rest, over real connections.

import { beforeEach, describe, expect, it } from "vitest";
import { CallHttp, type HttpInit, type HttpResponse, MAX_HEADER_CHARACTERS } from "../../../worker-shim/ports/http.ts";
import type { Admission } from "../../../worker-shim/ports/upstreams.ts";
import type { HttpRequest } from "../../../worker-shim/ports.ts";
import { FakeInputs, FakeLog, settle, VirtualTime } from "./support/fakes.ts";

const REQUEST: HttpRequest = {
  upstream: "speech",
  method: "POST",
  path: "/v1/speak",
  headers: {},
  wants: ["content-type"],
  timeoutMs: 3_000,
  idleMs: 500,
  maxBytes: 4096,
  window: 0,
  body: new Uint8Array(),
};
const UPSTREAMS = { speech: { baseUrl: "https://speech.example.com/", headers: { Authorization: "Bearer secret" } } };

/** A response whose body is written by the test. */
class Answer implements HttpResponse {
  readonly status = 200;
  readonly headers = new Headers({ "content-type": "x".repeat(MAX_HEADER_CHARACTERS + 1) });
  cancelled = false;
  pulls = 0;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.pulls++;
      },
      cancel: () => {
        this.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );

  write(text: string): void {
    this.#controller?.enqueue(new TextEncoder().encode(text));
  }
  end(): void {
    this.#controller?.close();
  }
}

let inputs: FakeInputs;
let time: VirtualTime;
let asked: { readonly url: string; readonly init: HttpInit; readonly answer: (response: HttpResponse) => void }[];
let http: CallHttp;

beforeEach(() => {
  inputs = new FakeInputs();
  time = new VirtualTime();
  asked = [];
  const fetch = (url: string, init: HttpInit) =>
    new Promise<HttpResponse>((answer) => asked.push({ url, init, answer }));
  http = new CallHttp(inputs, UPSTREAMS, fetch, time, new FakeLog());
});

/** Asks and is answered. */
async function open(change: Partial<HttpRequest> = {}): Promise<Answer> {
  const answer = new Answer();
  http.fetch(1, { ...REQUEST, ...change });
  await settle();
  asked.at(-1)?.answer(answer);
  await settle();
  return answer;
}

describe("an exchange", () => {
  it("begins in a later task: effects are still being applied", async () => {
    http.fetch(1, { ...REQUEST, upstream: "nobody" });
    expect([asked, inputs.calls]).toEqual([[], []]);
    await settle();
    expect(inputs.calls).toEqual([["failed", 1, "upstream", "there is no such upstream"]]);
  });

  it("has the upstream's credentials and follows no redirect", async () => {
    await open({ headers: { authorization: "Bearer other", accept: "audio/pcm" } });
    expect(asked[0]?.url).toBe("https://speech.example.com/v1/speak");
    expect(asked[0]?.init).toMatchObject({ method: "POST", redirect: "manual" });
    expect(Object.fromEntries(asked[0]?.init.headers ?? [])).toEqual({
      accept: "audio/pcm",
      authorization: "Bearer secret",
    });
  });

  it("with a Worker that is bound goes by the binding, and is aborted there", async () => {
    const bound: { readonly url: string; readonly init: HttpInit }[] = [];
    const answer = new Answer();
    const binding = {
      async fetch(url: string, init: HttpInit) {
        bound.push({ url, init });
        return answer;
      },
    };
    const upstreams = { speech: { baseUrl: "http://speech.local", headers: {}, binding } };
    const unused = () => Promise.reject(new Error("the network is not asked"));
    http = new CallHttp(inputs, upstreams, unused, time, new FakeLog());
    http.fetch(1, { ...REQUEST, path: "/speak", window: 2 });
    await settle();
    expect(bound).toMatchObject([{ url: "http://speech.local/speak", init: { method: "POST", redirect: "manual" } }]);
    answer.write("abc");
    await settle();
    expect(inputs.calls.slice(1)).toEqual([["chunk", 1, "ab"]]);
    http.abort(1);
    await settle();
    expect(bound[0]?.init.signal.aborted).toBe(true);
    expect(answer.cancelled).toBe(true);
    expect(inputs.calls).toHaveLength(2);
  });

  it("with a Worker that is bound has no more time than another", async () => {
    const binding = {
      fetch: (_url: string, { signal }: HttpInit) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    };
    const upstreams = { speech: { baseUrl: "http://speech.local", headers: {}, binding } };
    http = new CallHttp(inputs, upstreams, () => Promise.reject(new Error("not asked")), time, new FakeLog());
    http.fetch(1, REQUEST);
    await settle();
    time.advance(REQUEST.timeoutMs);
    await settle();
    expect(inputs.calls).toEqual([["failed", 1, "timeout", "no headers in time"]]);
  });

  describe("with an upstream that looks at what it is sent", () => {
    const whole = {
      baseUrl: "https://tools.example.com/lookup?key=1",
      headers: { accept: "text/plain" },
      isWhole: true,
    };
    let admit: (request: HttpRequest) => Promise<Admission>;
    beforeEach(() => {
      const upstreams = { tool: { ...whole, admit: (request: HttpRequest) => admit(request) } };
      const fetch = (url: string, init: HttpInit) =>
        new Promise<HttpResponse>((answer) => asked.push({ url, init, answer }));
      http = new CallHttp(inputs, upstreams, fetch, time, new FakeLog());
    });

    it("has its headers, and its URL as it is", async () => {
      admit = async () => ({ type: "admitted", headers: { "x-signature": "s" } });
      http.fetch(1, { ...REQUEST, upstream: "tool", path: "/", headers: { "x-signature": "mine" } });
      await settle();
      expect(asked[0]?.url).toBe(whole.baseUrl);
      expect(Object.fromEntries(asked[0]?.init.headers ?? [])).toEqual({ accept: "text/plain", "x-signature": "s" });
    });

    it("has no path below it", async () => {
      http.fetch(1, { ...REQUEST, upstream: "tool", path: "/other" });
      await settle();
      expect([asked, inputs.calls]).toEqual([[], [["failed", 1, "upstream", "no URL"]]]);
    });

    it("is told why it is not sent", async () => {
      admit = async () => ({ type: "refused", reason: "arguments: day: is missing" });
      http.fetch(1, { ...REQUEST, upstream: "tool", path: "/" });
      await settle();
      expect([asked, inputs.calls]).toEqual([[], [["failed", 1, "refused", "arguments: day: is missing"]]]);
    });

    it("is not sent when it is given up while it is looked at", async () => {
      const looked = Promise.withResolvers<Admission>();
      admit = () => looked.promise;
      http.fetch(1, { ...REQUEST, upstream: "tool", path: "/" });
      await settle();
      http.abort(1);
      looked.resolve({ type: "admitted", headers: {} });
      await settle();
      expect([asked, inputs.calls]).toEqual([[], []]);
    });
  });

  it("tells no more of a header than any that the core reads has", async () => {
    await open();
    expect(inputs.calls).toEqual([["headers", 1, 200, { "content-type": "x".repeat(MAX_HEADER_CHARACTERS) }]]);
  });

  it("that is none is the fault of whoever asked for it", async () => {
    http.fetch(1, { ...REQUEST, headers: { "no name": "x" } });
    await settle();
    expect(inputs.calls).toEqual([["failed", 1, "upstream", expect.any(String)]]);
    expect(asked).toEqual([]);
  });

  it("whose answer comes after it was given up lets the answer go", async () => {
    http.fetch(1, REQUEST);
    await settle();
    http.abort(1);
    expect(asked[0]?.init.signal.aborted).toBe(true);
    const late = new Answer();
    asked[0]?.answer(late);
    await settle();
    expect(late.cancelled).toBe(true);
    expect(inputs.calls).toEqual([]);
  });

  it("that waits for credit is given up at once, and its timer with it", async () => {
    const answer = await open({ window: 2 });
    answer.write("abcd");
    await settle();
    expect(inputs.calls.slice(1)).toEqual([["chunk", 1, "ab"]]);
    http.abort(1);
    await settle();
    expect(answer.cancelled).toBe(true);
    expect(time.armed.size).toBe(0);
    http.credit(1, 2);
    await settle();
    expect(inputs.calls).toHaveLength(2);
  });

  it("reads only when there is credit, and delivers a chunk in pieces", async () => {
    const answer = await open({ window: 3 });
    answer.write("abcdefg");
    await settle();
    const pulls = answer.pulls;
    for (const bytes of [2, 1]) {
      http.credit(1, bytes);
      await settle();
    }
    expect(answer.pulls).toBe(pulls);
    http.credit(1, 2);
    await settle();
    expect(inputs.calls.slice(1)).toEqual(["abc", "de", "f", "g"].map((text) => ["chunk", 1, text]));
    expect(answer.pulls).toBe(pulls + 1);
    answer.end();
    await settle();
    expect(inputs.calls.at(-1)).toEqual(["done", 1]);
  });

  it("is not idle while it waits for credit", async () => {
    const answer = await open({ window: 1 });
    answer.write("ab");
    await settle();
    time.advance(10_000);
    await settle();
    http.credit(1, 2);
    await settle();
    expect(inputs.calls.slice(1)).toEqual([
      ["chunk", 1, "a"],
      ["chunk", 1, "b"],
    ]);
    time.advance(501);
    await settle();
    expect(inputs.calls.at(-1)).toEqual(["failed", 1, "timeout", "no next chunk in time"]);
    expect(answer.cancelled).toBe(true);
  });

  it("is over when the session is, and none is asked for after that", async () => {
    const answer = await open();
    http.shutDown();
    http.fetch(2, REQUEST);
    await settle();
    expect(answer.cancelled).toBe(true);
    expect(asked).toHaveLength(1);
    expect(inputs.calls).toHaveLength(1);
  });
});
