import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import {
  TL_EFFECT_AUTHORIZE,
  TL_EFFECT_ENDED,
  TL_EFFECT_EVENT,
  TL_EFFECT_RECORD,
  TL_EFFECT_SNAPSHOT,
  TL_INPUT_AUTHORIZED,
  TL_INPUT_COMMAND,
  TL_INPUT_SOCKET_CLOSED,
  TL_INPUT_SOCKET_OPENED,
  TL_INPUT_SOCKET_TEXT,
} from "../../../worker-shim/abi.generated.ts";
import { EXPIRY_GRACE_MS, MARK_MS } from "../../../worker-shim/afterlife.ts";
import { HEARTBEAT_MS, LOST_GRACE_MS, STREAM_GRACE_MS, UNANNOUNCED_GRACE_MS } from "../../../worker-shim/call.ts";
import { TOKEN_LIFETIME_MS } from "../../../worker-shim/call-token.ts";
import type { Sinks } from "../../../worker-shim/deliveries.ts";
import { openFlight } from "../../../worker-shim/flight-file.ts";
import { FLUSH_INTERVAL_MS } from "../../../worker-shim/records/batches.ts";
import type { ExpectedCall } from "../../../worker-shim/records/call-row.ts";
import { STREAM_END_MS } from "../../../worker-shim/session-host.ts";
import { readSettings } from "../../../worker-shim/settings.ts";
import { MIN_TOKEN_LEFT_MS } from "../../../worker-shim/stream-authorizer.ts";
import { record, resultOf } from "../../support/fake-core.ts";
import { CALL, EPOCH_MS, World } from "./support/call-world.ts";
import { FakeSocket, memoryDatabase, settle } from "./support/fakes.ts";
import { opusBatches } from "./support/opus-file.ts";

const RETENTION_MS = 30 * 24 * 3600 * 1000;
const GRANTED = 0;
const FOREIGN = 1;
const EXPIRED = 2;
const USED = 3;

let world: World;

/** The tables of an object as a former version of this code left them. */
function former(name: string): string {
  return readFileSync(new URL(`./records/fixtures/${name}.sql`, import.meta.url), "utf8");
}

/** Announces a call whose stream is expected; returns the token that it must bring. */
async function announce(call: ExpectedCall = CALL): Promise<string> {
  const announcement = await world.call.prepare(call);
  if (announcement.type !== "stream") throw new Error(`the call is ${announcement.type}`);
  return announcement.token;
}

/** Attaches a leg that must be taken. */
function attach(): FakeSocket {
  const socket = new FakeSocket();
  expect(world.call.attachLeg(socket)).toBe("taken");
  return socket;
}

function observe(): FakeSocket {
  const socket = new FakeSocket();
  expect(world.call.observe(socket)).toBe("taken");
  return socket;
}

/** Makes the core ask for a verdict on any text, whose content is the credentials. */
function authorizeOnText(): void {
  world.onInput = ({ tag, body }) =>
    (tag & 0xffff) === TL_INPUT_SOCKET_TEXT ? [record(TL_EFFECT_AUTHORIZE, 0, body)] : [];
}

function start(socket: FakeSocket, token: string, carrierCallId = "CA1"): void {
  socket.emit("message", { data: JSON.stringify({ token, carrierCallId, streamId: "MZ1" }) });
}

/** The verdicts that the latest core got. */
async function verdicts(): Promise<number[]> {
  await Promise.all(world.work);
  return world.core.inputs.filter(({ tag }) => tag === TL_INPUT_AUTHORIZED).map(({ body }) => body[0] ?? -1);
}

function kinds(): number[] {
  return world.core.inputs.map(({ tag }) => tag & 0xffff);
}

/** Ends the session by the next timer or text. */
function endNext(reason: string): void {
  world.onInput = () => [record(TL_EFFECT_ENDED, 0, JSON.stringify({ callId: "c1", reason, durationMs: 7 }))];
}

beforeEach(() => {
  world = new World();
});

describe("a call that nobody has announced", () => {
  it("takes no socket, no command and no alarm", async () => {
    expect(world.call.attachLeg(new FakeSocket())).toBe("unknown");
    expect(world.call.observe(new FakeSocket())).toBe("unknown");
    expect(await world.call.command({ kind: "harness" }, {})).toMatchObject({ status: "refused", code: "unknown" });
    expect(await world.call.resume("CA1")).toEqual({ type: "hangUp" });
    await world.call.alarm();
    expect(world.alarmMs).toBeUndefined();
    expect(world.cores).toHaveLength(0);
  });
});

describe("the stream", () => {
  it("opens one core with the call's configuration", async () => {
    world = new World({ PROFILE: { voice: "marin" }, LIMITS: { maxCallMs: 1000 }, FAULT_INJECTION: "true" });
    await announce();
    attach();
    expect(JSON.parse(world.core.config)).toEqual({
      callId: "c1",
      seed: 42,
      epochMs: EPOCH_MS,
      leg: "twilio",
      agent: "parrot",
      authorization: "required",
      faults: "allowed",
      resumed: false,
      profile: { voice: "marin" },
      limits: { maxCallMs: 1000 },
      firstSeq: 0,
    });
    expect(kinds()).toEqual([TL_INPUT_SOCKET_OPENED]);
  });

  it("is granted by its token, once", async () => {
    const token = await announce();
    authorizeOnText();
    start(attach(), token);
    expect(await verdicts()).toEqual([GRANTED]);
    start(attach(), token);
    expect(await verdicts()).toEqual([GRANTED, USED]);
  });

  it("is refused with a foreign or an expired token", async () => {
    const token = await announce();
    authorizeOnText();
    start(attach(), token, "CA2");
    expect(await verdicts()).toEqual([FOREIGN]);
    world.time.advance(TOKEN_LIFETIME_MS);
    start(attach(), token);
    expect(await verdicts()).toEqual([FOREIGN, EXPIRED]);
  });

  it("that is replaced gets no verdict on the former one's token", async () => {
    const token = await announce();
    authorizeOnText();
    start(attach(), token);
    attach();
    expect(await verdicts()).toEqual([]);
  });

  it("needs no token where none is required", async () => {
    expect(await announce({ ...CALL, carrierCallId: "", authorization: "none" })).toBe("");
    authorizeOnText();
    start(attach(), "");
    expect(await verdicts()).toEqual([GRANTED]);
  });

  it("that comes back joins the same session", async () => {
    await announce();
    const first = attach();
    first.emit("close", { code: 1006, reason: "" });
    const resumption = await world.call.resume("CA1");
    expect(resumption).toMatchObject({ type: "stream" });
    attach();
    expect(world.cores).toHaveLength(1);
    expect(kinds()).toEqual([TL_INPUT_SOCKET_OPENED, TL_INPUT_SOCKET_CLOSED, TL_INPUT_SOCKET_OPENED]);
  });
});

describe("a call that is announced again", () => {
  // Two webhooks had two tokens, both good: whoever repeated the first could take the stream.
  it("gets the same answer until its stream has come, also after a lost object, and no more time", async () => {
    const token = await announce();
    await world.pass(10_000);
    const repeated = Array.from({ length: 30 }, () => announce());
    expect(new Set(await Promise.all(repeated))).toEqual(new Set([token]));
    await world.lose();
    expect(await announce()).toBe(token);
    authorizeOnText();
    start(attach(), token);
    expect(await verdicts()).toEqual([GRANTED]);
    expect(world.alarmMs).toBeLessThanOrEqual(EPOCH_MS + STREAM_GRACE_MS);
  });

  it("gets another token when the first has little time left", async () => {
    const token = await announce();
    await world.pass(TOKEN_LIFETIME_MS - MIN_TOKEN_LEFT_MS);
    expect(await announce()).toBe(token);
    await world.pass(1);
    const later = await announce();
    expect(later).not.toBe(token);
    expect(await announce()).toBe(later);
  });

  it("is given up in time, however often somebody announces it", async () => {
    await announce();
    await world.pass(STREAM_GRACE_MS - 1);
    await announce();
    await world.pass(1);
    expect(world.leaseCalls).toEqual([["release", "c1", "noStart"]]);
    expect(await world.call.prepare(CALL)).toEqual({ type: "over" });
  });

  it("goes on as if nobody had", async () => {
    await announce();
    attach();
    const tables = ["call", "agenda", "batch", "outcome"];
    const stored = () => tables.map((table) => world.sql.exec(`SELECT * FROM ${table}`).toArray());
    const before = stored();
    for (let i = 0; i < 20; i++) expect(await world.call.prepare(CALL)).toEqual({ type: "begun" });
    expect(await world.call.prepare({ ...CALL, carrierCallId: "CA2" })).toEqual({ type: "begun" });
    expect(stored()).toEqual(before);
    expect(world.cores).toHaveLength(1);
    // Also while it is lost: only its own redirect brings the stream back.
    await world.lose();
    expect(await world.call.prepare(CALL)).toEqual({ type: "begun" });
  });

  it("is known by the carrier's id only", async () => {
    expect(world.call.knows("CA1")).toBe(false);
    await announce();
    expect([world.call.knows("CA1"), world.call.knows("CA2")]).toEqual([true, false]);
  });
});

describe("a carrier whose call is over", () => {
  it("frees the place of a call whose stream has not come", async () => {
    await announce();
    world.call.carrierEnded("CA2");
    await settle();
    expect(world.leaseCalls).toEqual([]);
    world.call.carrierEnded("CA1");
    world.call.carrierEnded("CA1");
    await settle();
    expect(world.leaseCalls).toEqual([["release", "c1", "noStart"]]);
    expect(world.call.attachLeg(new FakeSocket())).toBe("over");
  });

  it("has no say while the stream is open: that knows better", async () => {
    await announce();
    attach();
    world.call.carrierEnded("CA1");
    await settle();
    expect(world.leaseCalls).toEqual([]);
    expect(world.core.inputs).toHaveLength(1);
  });

  // The place of a call whose carrier had lost its network was held for as long as a caller may be silent.
  it("ends a call whose stream is open and silent, as its caller does", async () => {
    await announce();
    const leg = attach();
    world.onInput = ({ tag }) =>
      (tag & 0xffff) === TL_INPUT_SOCKET_CLOSED
        ? [record(TL_EFFECT_ENDED, 0, '{"callId":"c1","reason":"callerHangUp","durationMs":7}')]
        : [];
    world.call.carrierEnded("CA2");
    world.time.advance(STREAM_END_MS);
    expect(world.core.inputs).toHaveLength(1);
    world.call.carrierEnded("CA1");
    world.time.advance(STREAM_END_MS - 1);
    // Once is enough.
    world.call.carrierEnded("CA1");
    expect(world.leaseCalls).toEqual([]);
    world.time.advance(1);
    await settle();
    expect(leg.closed).toEqual({ code: 1000, reason: "the carrier's call is over" });
    const closed = world.core.inputs.at(-1);
    expect((closed?.tag ?? 0) & 0xffff).toBe(TL_INPUT_SOCKET_CLOSED);
    expect(new DataView(closed?.body.buffer ?? new ArrayBuffer(2), closed?.body.byteOffset).getUint16(0, true)).toBe(
      1000,
    );
    expect(world.leaseCalls).toEqual([["release", "c1", "callerHangUp"]]);
  });

  it("waits while something comes on the stream, which knows better", async () => {
    await announce();
    const leg = attach();
    world.call.carrierEnded("CA1");
    for (let i = 0; i < 5; i++) {
      world.time.advance(STREAM_END_MS - 1);
      leg.emit("message", { data: "{}" });
      world.time.advance(1);
      await settle();
    }
    expect(leg.closed).toBeUndefined();
    // A message was the last: the time begins with the next look.
    world.time.advance(STREAM_END_MS);
    await settle();
    expect(leg.closed?.code).toBe(1000);
  });

  it("leaves a stream alone that closes by itself, and one that comes after it", async () => {
    await announce();
    const leg = attach();
    world.call.carrierEnded("CA1");
    leg.emit("close", { code: 1006, reason: "" });
    const next = attach();
    world.time.advance(3 * STREAM_END_MS);
    await settle();
    expect(next.closed).toBeUndefined();
    expect(world.leaseCalls).toEqual([]);
  });

  it("ends a call whose stream is lost", async () => {
    await announce();
    attach().emit("close", { code: 1006, reason: "" });
    world.onInput = ({ tag }) =>
      tag === TL_INPUT_COMMAND ? [record(TL_EFFECT_ENDED, 0, '{"callId":"c1","reason":"hangUp","durationMs":7}')] : [];
    world.call.carrierEnded("CA2");
    await settle();
    expect(world.leaseCalls).toEqual([]);
    world.call.carrierEnded("CA1");
    await settle();
    expect(world.leaseCalls).toEqual([["release", "c1", "hangUp"]]);
  });

  it("ends a call whose object is lost, at once", async () => {
    await announce();
    attach();
    await world.lose();
    world.call.carrierEnded("CA1");
    await settle();
    expect(world.leaseCalls).toEqual([["release", "c1", "objectLost"]]);
  });

  // The place was held for 75 s by a call that was over.
  it("leaves nothing for a webhook that comes after it", async () => {
    world.call.carrierEnded("CA1");
    expect(await world.call.prepare(CALL)).toEqual({ type: "over" });
    expect(await world.call.prepare({ ...CALL, carrierCallId: "CA2" })).toMatchObject({ type: "stream" });
  });
});

describe("the carrier that asks what to do next", () => {
  it("uses nothing up while the stream is there: it may be somebody else who asks", async () => {
    await announce();
    const leg = attach();
    for (let i = 0; i < 20; i++) expect(await world.call.resume("CA1")).toMatchObject({ type: "stream" });
    leg.emit("close", { code: 1006, reason: "" });
    expect(await world.call.resume("CA1")).toMatchObject({ type: "stream" });
  });

  // A question that was repeated four times ended a call that had not begun, and one whose stream was on its way back.
  it.each(["that has not begun", "whose stream is lost", "whose object is lost"])(
    "changes nothing by asking thirty times about a call %s",
    async (which) => {
      const first = await announce();
      if (which !== "that has not begun") {
        authorizeOnText();
        const leg = attach();
        start(leg, first);
        await verdicts();
        leg.emit("close", { code: 1006, reason: "" });
      }
      if (which === "whose object is lost") await world.lose();
      const answers = await Promise.all(Array.from({ length: 30 }, () => world.call.resume("CA1")));
      const tokens = new Set(answers.map((answer) => (answer.type === "stream" ? answer.token : answer.type)));
      expect(tokens.size).toBe(1);
      expect(tokens.has(first)).toBe(which === "that has not begun");
      expect(world.leaseCalls).toEqual([]);
      authorizeOnText();
      start(attach(), [...tokens][0] ?? "");
      expect((await verdicts()).at(-1)).toBe(GRANTED);
    },
  );

  it("does not keep a call whose stream stays away", async () => {
    await announce();
    attach();
    await world.lose();
    for (let ms = 0; ms < STREAM_GRACE_MS; ms += 5_000) {
      await world.call.resume("CA1");
      await world.pass(5_000);
    }
    expect(world.leaseCalls).toEqual([["release", "c1", "objectLost"]]);
  });

  it("gets a fresh token for each stream that comes back, to a bound", async () => {
    const { maxStreamReconnects } = readSettings({ ENVIRONMENT: "development" });
    authorizeOnText();
    const tokens = new Set([await announce()]);
    let leg = attach();
    start(leg, [...tokens][0] ?? "");
    for (let i = 0; i < maxStreamReconnects; i++) {
      await verdicts();
      leg.emit("close", { code: 1006, reason: "" });
      const resumption = await world.call.resume("CA1");
      if (resumption.type !== "stream") throw new Error("hung up too early");
      tokens.add(resumption.token);
      leg = attach();
      start(leg, resumption.token);
    }
    expect(await verdicts()).toEqual(Array(maxStreamReconnects + 1).fill(GRANTED));
    expect(tokens.size).toBe(maxStreamReconnects + 1);
    leg.emit("close", { code: 1006, reason: "" });
    expect(await world.call.resume("CA1")).toEqual({ type: "hangUp" });
  });

  it("hangs up when the call is over, or is another one", async () => {
    await announce();
    expect(await world.call.resume("CA2")).toEqual({ type: "hangUp" });
    const leg = attach();
    endNext("callerHangUp");
    leg.emit("message", { data: "x" });
    expect(await world.call.resume("CA1")).toEqual({ type: "hangUp" });
    expect(world.call.attachLeg(new FakeSocket())).toBe("over");
  });
});

describe("the outcome", () => {
  it("is the core's, releases the lease and ends the observers", async () => {
    await announce();
    const leg = attach();
    const observer = observe();
    endNext("callerHangUp");
    leg.emit("message", { data: "x" });
    await settle();
    expect(world.leaseCalls).toEqual([["release", "c1", "callerHangUp"]]);
    expect(leg.closed?.code).toBe(1000);
    expect(observer.json).toEqual([{ type: "ended", atMs: 7, callId: "c1", reason: "callerHangUp", durationMs: 7 }]);
    expect(observer.closed?.code).toBe(1000);
  });

  it("of a trap is coreFault, once, and the socket closes with 1011", async () => {
    await announce();
    const leg = attach();
    world.onInput = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    leg.emit("message", { data: "x" });
    leg.emit("close", { code: 1011, reason: "" });
    expect(leg.closed?.code).toBe(1011);
    await world.pass(10 * HEARTBEAT_MS);
    expect(world.leaseCalls).toEqual([["release", "c1", "coreFault"]]);
    expect(observe().json).toMatchObject([{ type: "ended", reason: "coreFault" }]);
  });

  it("of a core that cannot begin is coreFault", async () => {
    await announce();
    world.onInput = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    expect(world.call.attachLeg(new FakeSocket())).toBe("over");
    await settle();
    expect(world.leaseCalls).toEqual([["release", "c1", "coreFault"]]);
  });

  it("of a stream that never came is noStart", async () => {
    await announce();
    await world.pass(STREAM_GRACE_MS - 1);
    expect(world.leaseCalls).toEqual([]);
    await world.pass(1);
    expect(world.leaseCalls).toEqual([["release", "c1", "noStart"]]);
  });

  // Its request was given up between the call and the socket: the place was taken for 75 s.
  it.each([{}, { startMs: 30_000 }])(
    "of an unannounced call whose socket never came is noStart, soon: %j",
    async (limits) => {
      world = new World({ LIMITS: limits });
      await announce({ ...CALL, authorization: "none", carrierCallId: "" });
      const graceMs = (limits.startMs ?? 5_000) + UNANNOUNCED_GRACE_MS;
      await world.pass(graceMs - 1);
      expect(world.leaseCalls).toEqual([]);
      await world.pass(1);
      expect(world.leaseCalls).toEqual([["release", "c1", "noStart"]]);
    },
  );

  it("is kept for the retention and then deleted", async () => {
    await announce();
    await world.pass(STREAM_GRACE_MS);
    await world.pass(RETENTION_MS - 1);
    expect(world.deleted).toBe(false);
    await world.pass(1);
    expect(world.deleted).toBe(true);
  });
});

describe("a live call", () => {
  it("renews its lease with every heartbeat", async () => {
    await announce();
    attach();
    await world.pass(3 * HEARTBEAT_MS);
    const renewal = ["renew", "c1", { tenant: "default", number: "+15550002222" }];
    expect(world.leaseCalls).toEqual([renewal, renewal, renewal]);
  });

  it("shows its events: those before, those to come", async () => {
    await announce();
    let atMs = 0;
    world.onInput = () => [record(TL_EFFECT_EVENT, 0, JSON.stringify({ type: "state", atMs: atMs++ }))];
    const leg = attach();
    const early = observe();
    world.time.advance(FLUSH_INTERVAL_MS);
    leg.emit("message", { data: "x" });
    expect(observe().json.map((event) => event.atMs)).toEqual([0, 1, 2]);
    expect(early.json.map((event) => event.atMs)).toEqual([0, 1, 2]);
  });

  it("writes events about once a second, not as they come", async () => {
    await announce();
    world.onInput = () => [record(TL_EFFECT_EVENT, 0, '{"type":"state","atMs":0}')];
    const leg = attach();
    const batches = () => world.sql.exec("SELECT * FROM batch").toArray().length;
    for (let i = 0; i < 50; i++) {
      world.time.advance(20);
      leg.emit("message", { data: "x" });
    }
    expect(batches()).toBe(1);
    world.time.advance(10 * FLUSH_INTERVAL_MS);
    expect(batches()).toBe(2);
    expect(world.time.armed.size).toBe(0);
  });

  it("takes commands", async () => {
    await announce();
    attach();
    expect(await world.call.command({ kind: "harness" }, { type: "hangUp" })).toEqual({ status: "done" });
    world.onInput = () => [record(TL_EFFECT_ENDED, 0, '{"callId":"c1","reason":"hangUp","durationMs":7}')];
    expect(await world.call.command({ kind: "harness" }, {})).toMatchObject({ status: "refused", code: "conflict" });
    // Without a session.
    expect(await world.call.command({ kind: "harness" }, {})).toMatchObject({ status: "refused", code: "conflict" });
  });
});

describe("a call whose object was lost", () => {
  beforeEach(async () => {
    await announce();
    world.onInput = () => [record(TL_EFFECT_EVENT, 0, '{"type":"state","atMs":1500}')];
    attach();
    world.time.advance(FLUSH_INTERVAL_MS);
    world.onInput = () => [];
  });

  it("is found by its alarm and, when nobody comes back, over once", async () => {
    world.time.advance(HEARTBEAT_MS - FLUSH_INTERVAL_MS);
    await world.lose();
    await world.call.alarm();
    await world.pass(LOST_GRACE_MS - 1);
    expect(world.leaseCalls).toEqual([]);
    await world.pass(1);
    expect(world.leaseCalls).toEqual([["release", "c1", "objectLost"]]);
    // Lost again on its way: nothing new.
    await world.lose();
    await world.pass(10 * HEARTBEAT_MS);
    expect(world.leaseCalls).toHaveLength(1);
    expect(observe().json.at(-1)).toMatchObject({ type: "ended", reason: "objectLost", durationMs: 1500 });
  });

  it("does not wait longer because its object is lost again and again", async () => {
    await world.lose();
    await world.pass(LOST_GRACE_MS / 2);
    await world.lose();
    await world.pass(LOST_GRACE_MS / 2);
    expect(world.leaseCalls).toEqual([["release", "c1", "objectLost"]]);
  });

  it("goes on in a new session when its stream comes back first", async () => {
    await world.lose();
    const resumption = await world.call.resume("CA1");
    if (resumption.type !== "stream") throw new Error("hung up");
    await world.pass(LOST_GRACE_MS + 5_000);
    expect(world.leaseCalls).toEqual([]);
    authorizeOnText();
    start(attach(), resumption.token);
    expect(await verdicts()).toEqual([GRANTED]);
    expect(world.cores).toHaveLength(2);
    expect(JSON.parse(world.core.config)).toMatchObject({ callId: "c1", resumed: true });
    await world.pass(HEARTBEAT_MS);
    expect(world.leaseCalls).toMatchObject([["renew", "c1", {}]]);
  });

  it("is over when the stream is lost once too often", async () => {
    const { maxStreamReconnects } = readSettings({ ENVIRONMENT: "development" });
    for (let i = 0; i < maxStreamReconnects; i++) {
      await world.lose();
      expect(await world.call.resume("CA1")).toMatchObject({ type: "stream" });
      attach();
    }
    await world.lose();
    expect(await world.call.resume("CA1")).toEqual({ type: "hangUp" });
    await settle();
    expect(world.leaseCalls).toEqual([["release", "c1", "objectLost"]]);
  });
});

describe("the records of a call", () => {
  interface Sent {
    readonly to: string;
    readonly body: unknown;
  }
  let sent: Sent[];
  let failing: Set<string>;
  let objects: Map<string, Uint8Array>;

  beforeEach(() => {
    sent = [];
    failing = new Set();
    objects = new Map();
  });

  function note(to: string, body: unknown): void {
    if (failing.has(to)) throw new Error(`${to} fails`);
    sent.push({ to, body });
  }

  function sinks(): Sinks {
    return {
      bucket: {
        put: async (key, source) => {
          note("bucket", key);
          objects.set(key, new Uint8Array(Buffer.concat([...source.read()])));
        },
        delete: async (keys) => {
          note("bucket", ["delete", ...keys]);
          for (const key of keys) objects.delete(key);
        },
      },
      callLog: {
        write: async (log) => note("callLog", log),
        delete: async (callId) => note("callLog", ["delete", callId]),
        forgetRecording: async (callId) => note("callLog", ["forgetRecording", callId]),
      },
      supabase: {
        write: async (log) => note("supabase", log),
        redact: async (callId) => note("supabase", ["redact", callId]),
        delete: async (callId) => note("supabase", ["delete", callId]),
      },
      webhook: { send: async (id, body) => note("webhook", { id, ...(JSON.parse(body) as object) }) },
      analytics: (log) => note("analytics", log),
    };
  }

  /** A call of five seconds that is recorded; ends unless it is to be cut. */
  async function record5s(
    end: "ends" | "goesOn",
    variables: Parameters<typeof readSettings>[0] = {},
    said = "x",
  ): Promise<void> {
    world = new World(variables, sinks());
    await announce();
    const leg = attach();
    const batches = opusBatches(5, end === "ends");
    for (const [second, { granule, pages }] of batches.entries()) {
      const event = JSON.stringify({ type: "agentReady", atMs: second * 1000 });
      world.onInput = () => [record(TL_EFFECT_EVENT, 0, event), record(TL_EFFECT_RECORD, granule, pages)];
      leg.emit("message", { data: said });
      await world.pass(1000);
      // What is sealed takes a moment, and then it is written.
      if (variables.FLIGHT_KEY !== undefined) await Promise.all(world.work);
    }
    if (end === "goesOn") return;
    endNext("callerHangUp");
    leg.emit("message", { data: "x" });
    await world.pass(100);
  }

  const whole = (seconds: number) => Buffer.concat(opusBatches(seconds, true).map(({ pages }) => pages));
  const told = (to: string) => sent.filter((one) => one.to === to).map(({ body }) => body);
  const Key = "recordings/2026/11/18/c1.opus";

  it("are told to everybody, once, and nothing waits then", async () => {
    await record5s("ends");
    expect(Buffer.compare(objects.get(Key) ?? new Uint8Array(), whole(5))).toBe(0);
    expect(told("callLog")).toMatchObject([{ call: { callId: "c1", reason: "callerHangUp", recordingKey: Key } }]);
    expect(told("webhook")).toMatchObject([
      { id: "c1:call.started", type: "call.started" },
      { id: "c1:call.ended", type: "call.ended", call: { callId: "c1" } },
    ]);
    expect(told("supabase")).toHaveLength(1);
    expect(told("analytics")).toHaveLength(1);
    expect(world.sql.exec("SELECT * FROM outbox").toArray()).toEqual([]);
    // What was delivered does not stay; what happened does.
    expect(world.sql.exec("SELECT * FROM batch WHERE pages IS NOT NULL").toArray()).toEqual([]);
    expect(world.call.events()).toHaveLength(6);
    const before = sent.length;
    await world.pass(3 * HEARTBEAT_MS);
    expect(sent).toHaveLength(before);
  });

  it("that a destination does not take wait for it, and keep nobody else waiting", async () => {
    failing = new Set(["bucket", "callLog"]);
    await record5s("ends");
    expect(told("supabase")).toHaveLength(1);
    await world.pass(60_000);
    expect(told("callLog")).toEqual([]);
    failing.clear();
    await world.pass(120_000);
    expect(told("callLog")).toMatchObject([{ call: { recordingKey: Key, recordingMs: 4994 } }]);
    expect(objects.get(Key)?.length).toBe(whole(5).length);
    expect(world.sql.exec("SELECT * FROM outbox").toArray()).toEqual([]);
  });

  it("do not wait for the alarm of a webhook that hangs since the call began", async () => {
    const hanging: Sinks = { ...sinks(), webhook: { send: () => new Promise(() => undefined) } };
    world = new World({}, hanging);
    await announce();
    const leg = attach();
    void world.call.alarm();
    await settle();
    endNext("callerHangUp");
    leg.emit("message", { data: "x" });
    await settle();
    expect(told("callLog")).toMatchObject([{ call: { reason: "callerHangUp" } }]);
    expect(told("supabase")).toHaveLength(1);
  });

  it("of a lost object reach everybody, the recording closed and to its last second", async () => {
    await record5s("goesOn");
    await world.lose();
    await world.pass(LOST_GRACE_MS + 100);
    expect(told("callLog")).toMatchObject([{ call: { reason: "objectLost", failed: 1, recordingKey: Key } }]);
    expect(Buffer.compare(objects.get(Key) ?? new Uint8Array(), whole(5))).toBe(0);
  });

  it("go on in the same recording when the stream comes back", async () => {
    await record5s("goesOn");
    await world.lose();
    await world.pass(2_000);
    world.onInput = () => [];
    attach();
    // The page of each second, all but the last flushed with it; no event tells when the recording began.
    expect(JSON.parse(world.core.config)).toMatchObject({
      resumed: true,
      recordingSoFar: { serial: 7, pages: 7, granule: 240_000, ageMs: 5_000, pauses: [] },
    });
  });

  it("are delivered by the next object when the first is lost over them", async () => {
    failing = new Set(["bucket", "callLog", "supabase", "webhook", "analytics"]);
    await record5s("ends");
    failing.clear();
    world.alarmMs = undefined;
    await world.lose();
    await world.pass(10_000);
    expect(told("callLog")).toHaveLength(1);
    expect(told("webhook")).toHaveLength(2);
    expect(objects.has(Key)).toBe(true);
  });

  it("are given up with the retention, and not before", async () => {
    failing = new Set(["webhook"]);
    await record5s("ends");
    await world.pass(RETENTION_MS - 60_000);
    expect(world.deleted).toBe(false);
    await world.pass(120_000);
    expect(world.deleted).toBe(true);
    expect(world.log.lines.map(({ message }) => message)).toContain("a call's record ends with deliveries undone");
  });

  it("are redacted at Supabase when the retention ends, also where that fails at first", async () => {
    await record5s("ends");
    await world.pass(RETENTION_MS - 60_000);
    failing = new Set(["supabase"]);
    await world.pass(24 * 3600 * 1000);
    expect(world.deleted).toBe(false);
    expect(world.call.events()).toBeUndefined();
    failing.clear();
    await world.pass(3600 * 1000 * 1.25);
    expect(told("supabase").at(-1)).toEqual(["redact", "c1"]);
    expect(world.deleted).toBe(true);
  });

  it("are not kept for ever by a Supabase that is gone", async () => {
    await record5s("ends");
    failing = new Set(["supabase"]);
    await world.pass(RETENTION_MS + EXPIRY_GRACE_MS - 60_000);
    expect(world.deleted).toBe(false);
    await world.pass(120_000);
    expect(world.deleted).toBe(true);
    expect(world.log.lines.map(({ message }) => message)).toContain("a call's record ends with deliveries undone");
  });

  it("that a former version of this code left are delivered by this one", async () => {
    world = new World({}, sinks());
    world.sql = memoryDatabase(former("object-v1-over"));
    await world.lose();
    await world.pass(10_000);
    expect(told("callLog")).toMatchObject([
      { call: { carrierCallId: "CA1", reason: "callerHangUp", recordingKey: Key } },
    ]);
    expect(told("webhook")).toMatchObject([{ type: "call.started" }, { type: "call.ended" }]);
    expect([...objects.keys()].sort()).toEqual(["flights/2026/11/18/c1.flight", Key]);
    await world.pass(RETENTION_MS);
    expect(world.deleted).toBe(true);
  });

  it("of a call that went on under a former version are closed when its stream does not come back", async () => {
    world = new World({}, sinks());
    world.sql = memoryDatabase(former("object-v1-live"));
    await world.lose();
    await world.pass(LOST_GRACE_MS + 100);
    expect(told("callLog")).toMatchObject([{ call: { reason: "objectLost", recordingKey: Key } }]);
    expect(world.leaseCalls).toEqual([["release", "c1", "objectLost"]]);
  });

  it("that a later version of this code left are not touched", async () => {
    await record5s("goesOn");
    world.sql.exec("UPDATE schema SET version = 99");
    const before = world.sql.exec("SELECT total_changes() AS n").toArray();
    await expect(world.lose()).rejects.toThrow("the tables are of version 99");
    expect(world.sql.exec("SELECT total_changes() AS n").toArray()).toEqual(before);
  });

  it("cost at most 90 rows a minute", async () => {
    await record5s("goesOn");
    const written = () => world.sql.exec<{ n: number }>("SELECT total_changes() AS n").toArray()[0]?.n ?? 0;
    const before = written();
    const leg = attach();
    const { pages = new Uint8Array() } = opusBatches(2, false)[1] ?? {};
    for (let frame = 0; frame < 3000; frame++) {
      // A page a second, events whenever: each second has one row for both.
      world.onInput = () => [
        ...(frame % 50 === 0 ? [record(TL_EFFECT_RECORD, (5 + frame / 50) * 48_000, pages)] : []),
        ...(frame % 7 === 0 ? [record(TL_EFFECT_EVENT, 0, '{"type":"state","atMs":1}')] : []),
      ];
      leg.emit("message", { data: "x" });
      await world.pass(20);
    }
    const rows = written() - before;
    expect(rows).toBeGreaterThanOrEqual(59);
    // And two alarms, which are rows as well.
    expect(rows + 2).toBeLessThanOrEqual(90);
  });

  it("lose their audio on request, wherever it is, and in order", async () => {
    await record5s("ends");
    expect(await world.call.erase("recording")).toBe("begun");
    await world.pass(100);
    expect(objects.size).toBe(0);
    expect(told("callLog").at(-1)).toEqual(["forgetRecording", "c1"]);
    expect(world.call.events()).toHaveLength(6);
  });

  it("are forgotten altogether on request, also where that fails at first", async () => {
    await record5s("ends");
    failing = new Set(["bucket", "callLog", "supabase"]);
    expect(await world.call.erase("call")).toBe("begun");
    await world.pass(5_000);
    expect([world.deleted, world.call.events()]).toEqual([false, undefined]);
    expect(await world.call.erase("call")).toBe("unknown");
    failing.clear();
    await world.pass(20_000);
    expect(objects.size).toBe(0);
    expect(told("callLog").at(-1)).toEqual(["delete", "c1"]);
    expect(told("supabase").at(-1)).toEqual(["delete", "c1"]);
    expect(world.deleted).toBe(true);
    // The object is still there, and knows nothing.
    expect(world.call.events()).toBeUndefined();
    expect(await world.call.erase("call")).toBe("unknown");
    await world.call.alarm();
  });

  // The same webhook, signed once, began a call anew that had been deleted: with its id, a fresh token and a place.
  describe("that are forgotten", () => {
    /** All that is stored. */
    const stored = () => {
      const tables = world.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'");
      return tables.toArray().map(({ name }) => [name, world.sql.exec(`SELECT * FROM ${name}`).toArray()]);
    };
    const ends = {
      onRequest: async () => {
        await record5s("ends");
        await world.call.erase("call");
        await world.pass(100);
      },
      byRetention: async () => {
        await record5s("ends");
        await world.pass(RETENTION_MS);
      },
      byRetentionWithoutAStream: async () => {
        world = new World({}, sinks());
        await announce();
        await world.pass(STREAM_GRACE_MS + RETENTION_MS + 100);
      },
      whateverIsUndone: async () => {
        await record5s("ends");
        failing = new Set(["supabase"]);
        await world.call.erase("call");
        await world.pass(RETENTION_MS + EXPIRY_GRACE_MS);
      },
      ofAFormerVersion: async () => {
        world = new World({}, sinks());
        world.sql = memoryDatabase(former("object-v1-over"));
        await world.lose();
        await world.pass(10_000);
        await world.pass(RETENTION_MS);
      },
    };

    it.each(Object.keys(ends) as (keyof typeof ends)[])("leave the mark of a call that is over (%s)", async (end) => {
      await ends[end]();
      const { nowMs } = world.time;
      expect(world.deleted).toBe(true);
      // The object's name is the call's id: nothing else is kept, and for how long.
      expect(stored()).toEqual([["forgotten", [{ untilMs: expect.any(Number) }]]]);
      const leases = world.leaseCalls.length;
      for (const again of ["in the same life", "in the next one"]) {
        expect(await world.call.prepare(CALL), again).toEqual({ type: "over" });
        expect(await world.call.prepare({ ...CALL, agent: "openai-realtime", to: "+1" })).toEqual({ type: "over" });
        expect(await world.call.resume("CA1")).toEqual({ type: "hangUp" });
        world.call.carrierEnded("CA1");
        expect(world.call.receiveLeg(new FakeSocket(), "signed")).toBe("unknown");
        // Also by the secret of before.
        expect(world.call.knows("CA1")).toBe(true);
        expect(world.call.events()).toBeUndefined();
        expect(await world.call.erase("call")).toBe("unknown");
        expect(await world.call.operate({ type: "hangUp" })).toMatchObject({ code: "unknown" });
        await world.lose();
      }
      expect(world.leaseCalls).toHaveLength(leases);
      expect(stored()).toEqual([["forgotten", [{ untilMs: expect.any(Number) }]]]);
      expect(world.alarmMs).toBeGreaterThan(nowMs + MARK_MS - 2 * EXPIRY_GRACE_MS);
      expect(world.alarmMs).toBeLessThanOrEqual(nowMs + MARK_MS);
    });

    it("leave nothing when the time of the mark is over, however often the object was lost", async () => {
      await ends.onRequest();
      const markedMs = world.time.nowMs;
      await world.pass(MARK_MS - 60_000);
      world.alarmMs = undefined;
      await world.lose();
      expect(await world.call.prepare(CALL)).toEqual({ type: "over" });
      // One that comes early is harmless.
      await world.call.alarm();
      expect(stored()).toHaveLength(1);
      await world.pass(60_000);
      expect(world.time.nowMs).toBe(markedMs + MARK_MS);
      expect([stored(), world.alarmMs, world.call.knows("CA1")]).toEqual([[], undefined, false]);
      await world.call.alarm();
      expect(stored()).toEqual([]);
    });

    it("are over already while they are deleted, and stay so where that fails", async () => {
      await record5s("ends");
      const database = world.sql;
      const during: unknown[] = [];
      world.onDelete = async () => {
        during.push(await world.call.prepare(CALL));
        throw new Error("the storage fails");
      };
      await world.call.erase("call");
      await world.pass(100);
      expect(during[0]).toEqual({ type: "over" });
      expect(world.sql).toBe(database);
      expect(await world.call.prepare(CALL)).toEqual({ type: "over" });
      world.onDelete = undefined;
      await world.pass(RETENTION_MS + EXPIRY_GRACE_MS);
      expect(stored()).toEqual([["forgotten", [{ untilMs: expect.any(Number) }]]]);
    });

    it("leave nothing of a call that nobody can announce again", async () => {
      world = new World({}, sinks());
      await announce({ ...CALL, carrierCallId: "", authorization: "none" });
      attach();
      endNext("callerHangUp");
      await world.call.command({ kind: "harness" }, { type: "hangUp" });
      await world.pass(RETENTION_MS + LOST_GRACE_MS);
      expect([world.deleted, stored()]).toEqual([true, []]);
    });

    it("leave a mark for a year", () => {
      expect(MARK_MS).toBe(365 * 24 * 3600 * 1000);
    });
  });

  it("know how far their call is", async () => {
    world = new World({}, sinks());
    expect(world.call.stage()).toBe("unknown");
    await announce();
    expect(world.call.stage()).toBe("live");
    failing = new Set(["callLog"]);
    await record5s("goesOn");
    expect(world.call.stage()).toBe("live");
    await world.lose();
    expect(world.call.stage()).toBe("live");
    await world.pass(LOST_GRACE_MS + 100);
    expect(world.call.stage()).toBe("over");
    await world.call.erase("call");
    // Also while what is to be forgotten waits.
    expect(world.call.stage()).toBe("unknown");
    failing.clear();
    await world.pass(60_000);
    expect([world.deleted, world.call.stage()]).toEqual([true, "unknown"]);
  });

  it("of a call that goes on are not forgotten", async () => {
    await record5s("goesOn");
    expect(await world.call.erase("recording")).toBe("live");
    expect(await world.call.erase("call")).toBe("live");
  });

  it("have the inputs as well, if they are wanted, those of a second session behind the first's", async () => {
    const key = "0".repeat(64);
    const entries = async () => {
      const plain = await openFlight(objects.get("flights/2026/11/18/c1.flight") ?? new Uint8Array(), key);
      const view = new DataView(plain.buffer);
      const tags: number[] = [];
      for (let at = 16; at < plain.length; at += 24 + view.getUint32(at, true)) tags.push(view.getUint32(at + 4, true));
      return tags;
    };
    const wanted = { PROFILE: { flightRecord: "on" }, FLIGHT_KEY: key };
    const oneSession = [0, TL_INPUT_SOCKET_OPENED, ...Array(6).fill(TL_INPUT_SOCKET_TEXT)];
    await record5s("ends", wanted);
    await Promise.all(world.work);
    expect(await entries()).toEqual(oneSession);
    await record5s("goesOn", wanted);
    await world.lose();
    const leg = attach();
    endNext("callerHangUp");
    leg.emit("message", { data: "x" });
    await world.pass(100);
    await Promise.all(world.work);
    // Five messages before the object was lost, then the next session.
    expect(await entries()).toEqual([...oneSession.slice(0, -1), 0, TL_INPUT_SOCKET_OPENED, TL_INPUT_SOCKET_TEXT]);
  });

  // What was said lay in the object's storage as it was, though there was a key.
  describe("whose inputs are kept, where there is a key", () => {
    const key = "5a".repeat(32);
    const wanted = { PROFILE: { flightRecord: "on" }, FLIGHT_KEY: key };
    const said = "my card is 4242 4242 4242 4242";
    const Flight = "flights/2026/11/18/c1.flight";

    /** Every value of every table. */
    const stored = () => {
      const tables = world.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
      const rows = tables.flatMap(({ name }) => world.sql.exec(`SELECT * FROM ${name}`).toArray());
      return rows
        .flatMap((row) => Object.values(row))
        .map((value) => {
          return value instanceof ArrayBuffer ? Buffer.from(value).toString("latin1") : String(value);
        });
    };
    const plain = async () => {
      const file = objects.get(Flight) ?? new Uint8Array();
      return Buffer.from(await openFlight(file, key)).toString("latin1");
    };

    it.each(["ends", "goesOn"] as const)("have none of it in their object's storage (%s)", async (end) => {
      failing = new Set(["bucket"]);
      await record5s(end, wanted, said);
      await Promise.all(world.work);
      expect(stored().join("\n")).not.toContain("4242");
      expect(stored().join("\n")).not.toContain("TLFLIGHT");
      expect(world.sql.exec("SELECT batch FROM batch WHERE inputs IS NOT NULL").toArray().length).toBeGreaterThan(3);
      if (end === "goesOn") return;
      failing.clear();
      await world.pass(10_000);
      expect(objects.get(Flight)?.length).toBeGreaterThan(100);
      expect((await plain()).split(said)).toHaveLength(6);
      await expect(openFlight(objects.get(Flight) ?? new Uint8Array(), "00".repeat(32))).rejects.toThrow("another one");
    });

    it("have the last of it as well, however soon the call ends", async () => {
      world = new World(wanted, sinks());
      await announce();
      const leg = attach();
      leg.emit("message", { data: said });
      endNext("callerHangUp");
      leg.emit("message", { data: "bye" });
      await Promise.all(world.work);
      await world.pass(100);
      expect(await plain()).toContain(said);
      expect(await plain()).toContain("bye");
      expect(told("callLog")).toMatchObject([{ call: { flightKey: Flight } }]);
    });

    it("go on plain where a former version of this code began so, and are sealed when they are delivered", async () => {
      await record5s("goesOn", { PROFILE: { flightRecord: "on" } });
      world.variables = wanted;
      await world.lose();
      const leg = attach();
      leg.emit("message", { data: said });
      endNext("callerHangUp");
      leg.emit("message", { data: "bye" });
      await world.pass(100);
      await Promise.all(world.work);
      expect(await plain()).toContain(said);
    });

    it("end where the key is gone", async () => {
      await record5s("goesOn", wanted, said);
      world.variables = { PROFILE: { flightRecord: "on" } };
      await world.lose();
      const leg = attach();
      endNext("callerHangUp");
      leg.emit("message", { data: "bye" });
      await world.pass(100);
      await Promise.all(world.work);
      expect((await plain()).split(said)).toHaveLength(6);
      expect(await plain()).not.toContain("bye");
    });

    it("are forgotten on request also while they are sealed", async () => {
      await record5s("ends", wanted, said);
      expect(await world.call.erase("recording")).toBe("begun");
      await Promise.all(world.work);
      await world.pass(100);
      expect(objects.size).toBe(0);
      expect(world.sql.exec("SELECT batch FROM batch WHERE inputs IS NOT NULL").toArray()).toEqual([]);
    });
  });

  it("have no inputs unless they are wanted", async () => {
    await record5s("ends");
    expect([...objects.keys()]).toEqual([Key]);
  });
});

describe("the session after a lost object", () => {
  const event = (seq: number) => record(TL_EFFECT_EVENT, 0, JSON.stringify({ type: "dtmf", atMs: 5, seq }));
  const config = () => JSON.parse(world.core.config) as { firstSeq?: number; snapshot?: string };

  beforeEach(async () => {
    await announce();
  });

  it("goes on from the last snapshot and the last event that were written", async () => {
    const leg = attach();
    expect(config()).toMatchObject({ firstSeq: 0 });
    expect(config().snapshot).toBeUndefined();
    world.onInput = () => [event(0), event(1), record(TL_EFFECT_SNAPSHOT, 0, "first")];
    leg.emit("message", { data: "x" });
    world.onInput = () => [event(2), record(TL_EFFECT_SNAPSHOT, 0, '{ "version": 1, "said": "\u00e4" }')];
    leg.emit("message", { data: "x" });
    world.time.advance(FLUSH_INTERVAL_MS);
    // Lost before it was written, with what it knows.
    world.onInput = () => [event(3), record(TL_EFFECT_SNAPSHOT, 0, "lost")];
    leg.emit("message", { data: "x" });
    await world.lose();
    world.onInput = () => [];
    attach();
    expect(config()).toMatchObject({ firstSeq: 3, snapshot: '{ "version": 1, "said": "\u00e4" }' });
  });

  it("counts on from events of before they were numbered", async () => {
    const leg = attach();
    world.onInput = () => [record(TL_EFFECT_EVENT, 0, '{"type":"dtmf","atMs":5}'), event(0)].slice(0, 1);
    leg.emit("message", { data: "x" });
    leg.emit("message", { data: "x" });
    world.time.advance(FLUSH_INTERVAL_MS);
    await world.lose();
    world.onInput = () => [];
    attach();
    expect(config().firstSeq).toBe(2);
  });

  it("is written as seldom as the events are, and is forgotten when the call is over", async () => {
    const leg = attach();
    let writes = 0;
    const exec = world.sql.exec.bind(world.sql);
    world.sql.exec = (query, ...bindings) => {
      if (query.startsWith("INSERT OR REPLACE INTO snapshot")) writes++;
      return exec(query, ...bindings);
    };
    world.onInput = () => [record(TL_EFFECT_SNAPSHOT, 0, "what was said")];
    for (let i = 0; i < 100; i++) {
      leg.emit("message", { data: "x" });
      world.time.advance(20);
    }
    expect(writes).toBe(2);
    endNext("hangUp");
    leg.emit("message", { data: "x" });
    expect(exec("SELECT * FROM snapshot").toArray()).toEqual([]);
  });
});

describe("an operator", () => {
  it("gives commands under his own name, and is told what became of them", async () => {
    await announce();
    attach();
    expect(await world.call.operate({ type: "pauseRecording" })).toEqual({ status: "done" });
    const refusal = { status: "refused", code: "invalid", why: "there is no such command", field: "type" };
    world.onInput = (input) => resultOf(input, refusal);
    expect(await world.call.operate({ type: 7 })).toEqual(refusal);
    const [, given] = world.core.inputs.map(({ body }) => new TextDecoder().decode(body));
    expect(JSON.parse(given ?? "")).toEqual({
      id: 1,
      source: { kind: "operator" },
      command: { type: "pauseRecording" },
    });
  });

  it.each([
    ["sun", "sun"],
    ["", ""],
    [{ sun: true }, '{"sun":true}'],
    [["sun"], '["sun"]'],
    [7, "7"],
    [false, "false"],
    [null, "null"],
    [undefined, undefined],
  ])("may give %j as a tool's output, which the agent is told as text", async (output, text) => {
    await announce();
    attach();
    await world.call.operate({ type: "toolResult", toolCallId: "k", output });
    const { command } = JSON.parse(new TextDecoder().decode(world.core.inputs.at(-1)?.body)) as { command: object };
    expect(command).toEqual({ type: "toolResult", toolCallId: "k", ...(text !== undefined && { output: text }) });
  });

  it("is told of nothing that a lost object would forget", async () => {
    world = new World({}, { bucket: { put: async () => undefined, delete: async () => undefined } });
    await announce();
    const leg = attach();
    const [first] = opusBatches(1, false);
    world.onInput = () => [record(TL_EFFECT_RECORD, 48_000, first?.pages)];
    leg.emit("message", { data: "x" });
    const paused = JSON.stringify({ type: "recording", atMs: 5, state: "paused", pauses: ["command"] });
    world.onInput = (input) => [...resultOf(input), record(TL_EFFECT_EVENT, 0, paused)];
    expect(await world.call.operate({ type: "pauseRecording" })).toEqual({ status: "done" });
    await world.lose();
    world.onInput = () => [];
    attach();
    expect(JSON.parse(world.core.config)).toMatchObject({ recordingSoFar: { pauses: ["command"] } });
  });
});
