import { beforeEach, describe, expect, it } from "vitest";
import { type Assets, assetResources, CallResources } from "../../../worker-shim/ports/resources.ts";
import { FakeInputs, FakeLog, settle } from "./support/fakes.ts";

const MAX_BYTES = 20;

let inputs: FakeInputs;
let log: FakeLog;
let asked: string[];
let cancelled: number;
let content: string | undefined;

const assets: Assets = {
  fetch: async (url) => {
    asked.push(url);
    const response = new Response(content ?? "<html>", { status: content === undefined ? 404 : 200 });
    const cancel = async () => {
      cancelled++;
    };
    return { ok: response.ok, body: { cancel }, arrayBuffer: () => response.arrayBuffer() };
  },
};

beforeEach(() => {
  inputs = new FakeInputs();
  log = new FakeLog();
  asked = [];
  cancelled = 0;
  content = "RIFF";
});

async function load(name: string, from: Assets | undefined = assets): Promise<unknown[][]> {
  new CallResources(inputs, assetResources(from), MAX_BYTES, log).load(name);
  expect(inputs.calls).toEqual([]);
  await settle();
  return inputs.calls;
}

describe("a resource", () => {
  it("comes from the folder of the static assets", async () => {
    expect(await load("music/a-1.wav")).toEqual([["resource", "music/a-1.wav", "RIFF"]]);
    expect(asked).toEqual(["https://assets.local/resources/music/a-1.wav"]);
  });

  it("that is not there is not found", async () => {
    content = undefined;
    expect(await load("x.wav")).toEqual([["resource", "x.wav", undefined]]);
    expect(cancelled).toBe(1);
  });

  it("is not found where there are no assets", async () => {
    new CallResources(inputs, assetResources(undefined), MAX_BYTES, log).load("x.wav");
    await settle();
    expect(inputs.calls).toEqual([["resource", "x.wav", undefined]]);
  });

  it.each(["", "..", "../x", "a/../x", "/x", "a//x", ".hidden", "a?x", "a#x", "a%2fx", "a\\x", "x".repeat(201)])(
    "is never called %j",
    async (name) => {
      expect(await load(name)).toEqual([["resource", name, undefined]]);
      expect(asked).toEqual([]);
    },
  );

  it("that no input holds is not delivered, and is named in the log", async () => {
    content = "x".repeat(MAX_BYTES - 1);
    expect(await load("a")).toEqual([["resource", "a", content]]);
    inputs.calls.length = 0;
    content += "x";
    expect(await load("a")).toEqual([["resource", "a", undefined]]);
    expect(log.lines).toMatchObject([{ message: "a resource is too long", fields: { name: "a", bytes: MAX_BYTES } }]);
  });

  it("whose assets fail is not found either", async () => {
    const broken: Assets = { fetch: () => Promise.reject(new Error("gone")) };
    expect(await load("a", broken)).toEqual([["resource", "a", undefined]]);
    expect(log.lines).toMatchObject([{ message: "a resource was not loaded", fields: { errorMessage: "gone" } }]);
  });
});
