import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type Hostility, REPLIES, Temper } from "../../../simulators/openai-realtime/hostility.ts";
import { RealtimeServer } from "../../../simulators/openai-realtime/server.ts";

const speech = {
  say: () => Promise.resolve(new Int16Array(16_000).fill(6_000)),
  hear: () => Promise.resolve("what time is it"),
};

let server: RealtimeServer;
beforeEach(async () => {
  server = await RealtimeServer.start({ speech });
});
afterEach(async () => {
  await server.close();
});

interface Seen {
  /** Of each message, or "garbage". */
  readonly types: string[];
  readonly closeCode: number | undefined;
}

/** What a client sees that is greeted, configures, and asks for one reply. */
async function see(hostile: Hostility, quietMs = 150): Promise<Seen> {
  server.faults = { hostile };
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/v1/realtime?model=m`, ["realtime"], {
    headers: { Authorization: "Bearer x" },
  });
  const types: string[] = [];
  let closeCode: number | undefined;
  let lastMs = performance.now();
  socket.on("error", () => undefined);
  socket.on("close", (code) => {
    closeCode = code;
  });
  socket.on("message", (data) => {
    lastMs = performance.now();
    let type = "garbage";
    try {
      ({ type } = JSON.parse(data.toString()) as { type: string });
    } catch {
      // Said by its type.
    }
    types.push(type);
    if (type === "session.created" && types.length === 1)
      socket.send(JSON.stringify({ type: "session.update", session: { type: "realtime" } }));
    if (type === "session.updated") socket.send(JSON.stringify({ type: "response.create", event_id: "mine" }));
  });
  while (closeCode === undefined && performance.now() - lastMs < quietMs)
    await new Promise((resolve) => setTimeout(resolve, 10));
  socket.terminate();
  return { types, closeCode };
}

describe("a hostile provider", () => {
  it.each(REPLIES.filter((reply) => reply !== "honest"))("is not honest when it answers %s", async (reply) => {
    const { types, closeCode } = await see({ replies: [reply] });
    const counts = (type: string) => types.filter((each) => each === type).length;
    const isHonest =
      counts("response.created") === 1 &&
      counts("response.done") === 1 &&
      counts("response.output_audio.delta") > 0 &&
      counts("error") === 0 &&
      closeCode === undefined;
    const known = ["preamble", "items", "trickle", "cutShort", "failedInAudio", "nameless"];
    // These are honest by their types alone.
    if (!known.includes(reply)) expect(isHonest, types.join(" ")).toBe(false);
    expect(server.sessions.at(-1)?.replies).toEqual([reply]);
  });

  it("is honest again when the script is over", async () => {
    const { types } = await see({ replies: [] }, 400);
    expect(types).toContain("response.done");
    expect(server.sessions.at(-1)?.replies).toEqual(["honest"]);
  });

  it("starts as it is told to", async () => {
    expect((await see({ start: "silent" })).types).toEqual([]);
    expect((await see({ start: "neverReady" })).types).toEqual(["session.created"]);
    expect((await see({ start: "configRefused" })).types).toEqual(["session.created", "error"]);
    expect((await see({ start: "deaf" })).types).toEqual(["session.created", "session.updated"]);
    expect((await see({ start: "twice", replies: ["ignored"] })).types.slice(0, 2)).toEqual([
      "session.created",
      "session.created",
    ]);
    expect((await see({ start: "closes", close: { code: 4321, reason: "" } })).closeCode).toBe(4321);
  });

  it("tears and loses messages, and splits them so that nobody notices", async () => {
    expect((await see({ torn: 1, start: "neverReady" })).types).toEqual(["garbage", "garbage"]);
    expect((await see({ lost: 1 })).types).toEqual([]);
    expect((await see({ split: 1, start: "neverReady" })).types).toEqual(["session.created"]);
    expect((await see({ doubled: 1, start: "neverReady" })).types).toEqual(["session.created", "session.created"]);
    const { types } = await see({ reordered: 0.5, seed: 3, start: "honest", always: "empty" });
    expect(types).toContain("response.done");
  });

  it("does the same for the same seed", () => {
    const throws = (seed: number) => {
      const temper = new Temper({ seed });
      return Array.from({ length: 40 }, () => temper.nextReply());
    };
    expect(throws(5)).toEqual(throws(5));
    expect(throws(5)).not.toEqual(throws(6));
    expect(new Set(Array.from({ length: 40 }, (_, seed) => throws(seed + 1)).flat())).toEqual(new Set(REPLIES));
  });
});
