// A call whose object was lost: what the next session is told, and what is written when there is none.

import { beforeEach, describe, expect, it } from "vitest";
import {
  TL_EFFECT_ENDED,
  TL_EFFECT_EVENT,
  TL_EFFECT_RECORD,
  TL_EFFECT_SNAPSHOT,
  TL_INPUT_COMMAND,
  TL_INPUT_SOCKET_TEXT,
} from "../../../worker-shim/abi.generated.ts";
import { LOST_GRACE_MS } from "../../../worker-shim/call.ts";
import { ALIVE_INTERVAL_MS, FLUSH_INTERVAL_MS, PAGES_FLUSH_MS } from "../../../worker-shim/records/batches.ts";
import { record } from "../../support/fake-core.ts";
import { CALL, EPOCH_MS, World } from "./support/call-world.ts";
import { FakeSocket } from "./support/fakes.ts";
import { page } from "./support/opus-file.ts";

let world: World;

function event(type: string, atMs: number, seq: number, fields: object = {}): Uint8Array {
  return record(TL_EFFECT_EVENT, 0, JSON.stringify({ type, atMs, seq, ...fields }));
}

function attach(): FakeSocket {
  const socket = new FakeSocket();
  expect(world.call.attachLeg(socket)).toBe("taken");
  return socket;
}

/** The session makes `effects` of its next input. */
function happens(socket: FakeSocket, ...effects: Uint8Array[]): void {
  world.onInput = () => effects;
  socket.emit("message", { data: "x" });
  world.onInput = () => [];
}

function config(): Record<string, unknown> {
  return JSON.parse(world.core.config) as Record<string, unknown>;
}

function events(): Record<string, unknown>[] {
  return (world.call.events() ?? []).map((json) => JSON.parse(json) as Record<string, unknown>);
}

beforeEach(async () => {
  world = new World({ PROFILE: { voice: "marin" }, LIMITS: { maxCallMs: 60_000 } });
  await world.call.prepare(CALL);
});

describe("the session after a lost object", () => {
  it("is told nothing of former ones if it is the first", () => {
    attach();
    for (const key of ["callEpochMs", "aliveMs", "lastLine", "snapshot"]) expect(config()).not.toHaveProperty(key);
  });

  // The longest time of a call began anew.
  it("is told when the call began though nothing of it was written", async () => {
    world.time.advance(700);
    attach();
    world.time.advance(300);
    await world.lose();
    world.time.advance(5_000);
    attach();
    expect(config()).toMatchObject({ resumed: true, callEpochMs: EPOCH_MS + 700, aliveMs: 0, lastLine: 0 });
  });

  it("is told until when the last one lived: to what it wrote last, or to the carrier's question", async () => {
    const leg = attach();
    happens(
      leg,
      event("opened", 0, 0, { epochMs: EPOCH_MS }),
      event("line", 400, 1, { line: 3, role: "caller" }),
      event("line", 400, 2, { line: 2, role: "agent" }),
    );
    world.time.advance(FLUSH_INTERVAL_MS);
    await world.lose();
    world.time.advance(2_000);
    attach();
    expect(config()).toMatchObject({ callEpochMs: EPOCH_MS, aliveMs: FLUSH_INTERVAL_MS, lastLine: 3 });
    await world.lose();
    await world.call.resume("CA1");
    world.time.advance(500);
    attach();
    expect(config()).toMatchObject({ callEpochMs: EPOCH_MS, aliveMs: FLUSH_INTERVAL_MS + 2_000 - 100 });
  });

  // The carrier asked seconds after the loss, and what it had never played counted as heard.
  it.each([
    { askedMs: 200, aliveMs: 1_100 },
    { askedMs: 1_500, aliveMs: 2_400 },
    { askedMs: 6_000, aliveMs: 3_000 },
    { askedMs: 14_000, aliveMs: 3_000 },
  ])(
    "that was recorded lived no longer than two seconds behind what is stored: $askedMs",
    async ({ askedMs, aliveMs }) => {
      world = new World({}, { bucket: { put: async () => undefined, delete: async () => undefined } });
      await world.call.prepare(CALL);
      const leg = attach();
      const pages = page(0, 48_000, 2, new Uint8Array(100));
      happens(
        leg,
        event("opened", 0, 0, { epochMs: EPOCH_MS }),
        event("recordingStarted", 0, 1, { startMs: 0, fileMs: 0 }),
      );
      world.time.advance(1_000 - PAGES_FLUSH_MS);
      happens(leg, record(TL_EFFECT_RECORD, 48_000, pages));
      world.time.advance(PAGES_FLUSH_MS);
      await world.lose();
      world.time.advance(askedMs);
      await world.call.resume("CA1");
      attach();
      expect(config()).toMatchObject({ aliveMs, recordingSoFar: { granule: 48_000 } });
    },
  );

  // Sixty seconds of frames in one: all of a reply that played counted as heard until the carrier's question.
  it("that recorded frames which came faster than time lived no longer for that", async () => {
    world = new World({}, { bucket: { put: async () => undefined, delete: async () => undefined } });
    await world.call.prepare(CALL);
    happens(
      attach(),
      event("opened", 0, 0, { epochMs: EPOCH_MS }),
      event("recordingStarted", 0, 1, { startMs: 0, fileMs: 0 }),
      record(TL_EFFECT_RECORD, 60_000 * 48, page(0, 60_000 * 48, 2, new Uint8Array(100))),
    );
    world.time.advance(FLUSH_INTERVAL_MS);
    await world.lose();
    world.time.advance(14_000);
    await world.call.resume("CA1");
    attach();
    expect(config()).toMatchObject({ aliveMs: PAGES_FLUSH_MS + 2_000 });
  });

  const Speaking: [name: string, begins: [string, object], ends: [string, object]][] = [
    ["a reply", ["replyStarted", { item: "a1" }], ["replyDone", { item: "a1" }]],
    ["a reply that went on", ["resumed", { item: "a1", fromMs: 7 }], ["cleared", { reason: "bargeIn", item: "a1" }]],
    ["the caller", ["speechStarted", { startMs: 5 }], ["speechStopped", { endMs: 90 }]],
  ];

  // Nothing of a call without a recording was stored while a reply played, and all of it counted as heard.
  describe.each(Speaking)("that was not recorded while %s was heard", (_, begins, ends) => {
    let leg: FakeSocket;

    beforeEach(() => {
      leg = attach();
      happens(leg, event("opened", 0, 0, { epochMs: EPOCH_MS }), event(begins[0], 0, 1, begins[1]));
    });

    it.each([
      { livedMs: 9_000, askedMs: 1_000, aliveMs: 9_900 },
      { livedMs: 9_000, askedMs: 6_000, aliveMs: 8_500 + 2_000 },
      { livedMs: 9_000, askedMs: 14_000, aliveMs: 8_500 + 2_000 },
      // Nothing but when it was opened.
      { livedMs: 400, askedMs: 14_000, aliveMs: 2_000 },
    ])(
      "lived no longer than two seconds behind what it stored last: $livedMs, $askedMs",
      async ({ livedMs, askedMs, aliveMs }) => {
        world.time.advance(livedMs);
        await world.lose();
        world.time.advance(askedMs);
        await world.call.resume("CA1");
        attach();
        expect(config()).toMatchObject({ aliveMs });
      },
    );

    it("is over, when nobody comes back, as long as it is known to have gone on", async () => {
      happens(leg, record(TL_EFFECT_SNAPSHOT, 0, "what was said"));
      world.time.advance(9_000);
      await world.lose();
      await world.pass(LOST_GRACE_MS);
      expect(events().at(-1)).toMatchObject({ reason: "objectLost", durationMs: 8_500 });
      // And what was heard of a reply until then was heard.
      expect(config()).toMatchObject({ snapshot: "what was said", aliveMs: 8_500 });
    });

    it("stores nothing any more when nobody is heard", () => {
      world.time.advance(3_000);
      happens(leg, event(ends[0], 3_000, 2, ends[1]));
      world.time.advance(FLUSH_INTERVAL_MS + ALIVE_INTERVAL_MS);
      expect(world.time.armed.size).toBe(0);
    });

    it("stores nothing any more when the session is over", () => {
      happens(leg, record(TL_EFFECT_ENDED, 0, '{"callId":"c1","reason":"callerHangUp","durationMs":7}'));
      expect(world.time.armed.size).toBe(0);
    });
  });

  // A setting that was changed meanwhile changed the voice in the middle of a call.
  it("goes on with what the call was begun with", async () => {
    attach();
    world.variables = { PROFILE: { voice: "cedar" }, LIMITS: {} };
    await world.lose();
    attach();
    expect(config()).toMatchObject({ profile: { voice: "marin" }, limits: { maxCallMs: 60_000 } });
  });

  // The events were there and the snapshot that knew of them was not: the lines came twice.
  it("finds a snapshot and the events that it knows of, or neither", async () => {
    const leg = attach();
    const exec = world.sql.exec.bind(world.sql);
    let broken = true;
    world.sql.exec = (query, ...bindings) => {
      if (broken && query.includes("INTO snapshot")) throw new Error("no room");
      return exec(query, ...bindings);
    };
    happens(leg, event("line", 5, 0, { line: 1, role: "caller" }), record(TL_EFFECT_SNAPSHOT, 0, "told: 1"));
    world.time.advance(FLUSH_INTERVAL_MS);
    expect(exec("SELECT lines FROM batch").toArray()).toEqual([]);
    broken = false;
    happens(leg, event("dtmf", 6, 1));
    world.time.advance(FLUSH_INTERVAL_MS);
    await world.lose();
    attach();
    expect(config()).toMatchObject({ firstSeq: 2, snapshot: "told: 1", lastLine: 1 });
  });

  it.each(["started", "dtmf", "turnEnded", "toolCall", "usage"])(
    "knows what there is after %s, a moment later",
    async (type) => {
      const leg = attach();
      happens(leg, event(type, 5, 0), record(TL_EFFECT_SNAPSHOT, 0, "owes"));
      world.time.advance(PAGES_FLUSH_MS);
      await world.lose();
      attach();
      expect(config()).toMatchObject({ firstSeq: 1, snapshot: "owes" });
    },
  );
});

// Six turns, a page of the recording each second.
it.each(["recorded", "not recorded"])("costs at most 100 rows a call-minute, snapshots included: %s", async (how) => {
  world = new World(
    {},
    how === "recorded" ? { bucket: { put: async () => undefined, delete: async () => undefined } } : {},
  );
  await world.call.prepare(CALL);
  const leg = attach();
  let rows = 0;
  let characters = 0;
  const exec = world.sql.exec.bind(world.sql);
  world.sql.exec = (query, ...bindings) => {
    if (/INTO (batch|snapshot)|UPDATE batch/.test(query)) rows++;
    if (query.includes("INTO snapshot")) characters += String(bindings[0]).length;
    return exec(query, ...bindings);
  };
  const snapshot = record(TL_EFFECT_SNAPSHOT, 0, "x".repeat(10_000));
  // When in a turn of ten seconds what comes; as a call with the Realtime agent has it.
  const turn: Record<number, Uint8Array[]> = {
    800: [event("speechStarted", 0, 0)],
    2300: [event("speechStopped", 0, 0)],
    2700: [event("turnEnded", 0, 0), snapshot],
    3100: [event("transcript", 0, 0), event("line", 0, 0), snapshot],
    3400: [event("state", 0, 0), event("replyStarted", 0, 0, { item: "a" }), snapshot],
    4600: [event("usage", 0, 0), snapshot],
    8200: [event("replyDone", 0, 0, { item: "a" }), event("line", 0, 0), snapshot],
  };
  for (let ms = 0; ms < 60_000; ms += 20) {
    const page = ms % 1_000 === 0 ? [record(TL_EFFECT_RECORD, ms * 48, new Uint8Array(1_500))] : [];
    const effects = [...(turn[ms % 10_000] ?? []), ...page];
    if (effects.length > 0) happens(leg, ...effects);
    world.time.advance(20);
  }
  expect(rows).toBeLessThanOrEqual(100);
  expect(characters).toBeLessThanOrEqual(30 * 10_000);
});

describe("a call that no session ends", () => {
  const line = (seq: number, atMs: number) =>
    event("line", atMs, seq, { line: 2, role: "agent", said: "Good morning", heard: "Good", cut: true });
  /** A session with a snapshot tells at once what the former one left open; a tool's call at its end. */
  const tells = () => {
    world.onInput = ({ tag, body }) => {
      const left = tag === 0 && new TextDecoder().decode(body).includes('"snapshot":"what was said"');
      return left ? [event("opened", 0, 99), line(100, 0)] : [];
    };
  };

  it("has the lines that were open when the object was lost", async () => {
    const leg = attach();
    happens(
      leg,
      event("opened", 0, 0, { epochMs: EPOCH_MS }),
      event("turnEnded", 300, 1),
      record(TL_EFFECT_SNAPSHOT, 0, "what was said"),
    );
    world.time.advance(FLUSH_INTERVAL_MS);
    await world.lose();
    tells();
    await world.pass(LOST_GRACE_MS);
    // It is ended where it is known to have gone on to: what ends with it ends then.
    expect(config()).toMatchObject({ epochMs: EPOCH_MS + 300, aliveMs: 300 });
    const [end] = world.core.inputs;
    expect(end).toMatchObject({ tag: TL_INPUT_COMMAND, nowUs: 0n });
    expect(JSON.parse(new TextDecoder().decode(end?.body))).toMatchObject({ command: { type: "hangUp" } });
    const told = events();
    expect(told.map(({ type }) => type)).toEqual(["opened", "turnEnded", "line", "ended"]);
    expect(told[2]).toMatchObject({ line: 2, heard: "Good", cut: true, seq: 2, atMs: 300 });
    expect(told[3]).toMatchObject({ reason: "objectLost" });
  });

  // A text that somebody was told would be said was in no row.
  it("has what was owed when the object was lost, and was not said", async () => {
    const leg = attach();
    happens(leg, event("opened", 0, 0, { epochMs: EPOCH_MS }), record(TL_EFFECT_SNAPSHOT, 0, "what was said"));
    world.time.advance(FLUSH_INTERVAL_MS);
    await world.lose();
    world.onInput = ({ tag }) =>
      tag === 0 ? [event("notSaid", 100, 0, { text: "One moment.", reason: "ended" }), line(100, 1)] : [];
    await world.pass(LOST_GRACE_MS);
    expect(events().map(({ type }) => type)).toEqual(["opened", "notSaid", "line", "ended"]);
    expect(events()[1]).toMatchObject({ text: "One moment.", reason: "ended", seq: 1 });
  });

  it("has them after a trap, from the last snapshot, though it was not written yet", () => {
    const leg = attach();
    const observer = new FakeSocket();
    world.call.observe(observer);
    happens(leg, event("opened", 0, 0), record(TL_EFFECT_SNAPSHOT, 0, "what was said"));
    world.onInput = ({ tag }) => {
      if ((tag & 0xffff) === TL_INPUT_SOCKET_TEXT) throw new WebAssembly.RuntimeError("unreachable");
      return tag === 0 ? [line(100, 0)] : [];
    };
    leg.emit("message", { data: "x" });
    expect(events().map(({ type }) => type)).toEqual(["opened", "line", "ended"]);
    expect(observer.sent.map((json) => (JSON.parse(String(json)) as { type: string }).type)).toEqual([
      "opened",
      "line",
      "ended",
    ]);
  });

  it("ends where its object stored something last, and so do its lines, however much later that is found", async () => {
    const leg = attach();
    happens(leg, event("opened", 0, 0, { epochMs: EPOCH_MS }), event("replyStarted", 10, 1, { item: "a1" }));
    happens(leg, record(TL_EFFECT_SNAPSHOT, 0, "what was said"));
    world.time.advance(9_000);
    await world.lose();
    tells();
    // The alarm that would have found it was late.
    world.time.advance(40 * 3_600_000);
    await world.pass(0);
    expect(config()).toMatchObject({ epochMs: EPOCH_MS + 8_500, aliveMs: 8_500 });
    expect(events().slice(-2)).toMatchObject([
      { type: "line", atMs: 8_500 },
      { type: "ended", reason: "objectLost", durationMs: 8_500 },
    ]);
  });

  it("has its lines at the moment of its trap", () => {
    const leg = attach();
    happens(leg, event("opened", 0, 0, { epochMs: EPOCH_MS }), record(TL_EFFECT_SNAPSHOT, 0, "what was said"));
    world.time.advance(60_000);
    world.onInput = ({ tag }) => {
      if ((tag & 0xffff) === TL_INPUT_SOCKET_TEXT) throw new WebAssembly.RuntimeError("unreachable");
      return tag === 0 ? [line(100, 0)] : [];
    };
    leg.emit("message", { data: "x" });
    expect(config()).toMatchObject({ epochMs: EPOCH_MS + 60_000 });
    expect(events().slice(-2)).toMatchObject([
      { type: "line", atMs: 60_000 },
      { type: "ended", reason: "coreFault", durationMs: 60_000 },
    ]);
  });

  it("has its outcome though the core does not take the snapshot", async () => {
    const leg = attach();
    happens(leg, record(TL_EFFECT_SNAPSHOT, 0, "what was said"));
    world.time.advance(FLUSH_INTERVAL_MS);
    await world.lose();
    world.onInput = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    await world.pass(LOST_GRACE_MS);
    expect(events()).toMatchObject([{ type: "ended", reason: "objectLost" }]);
  });
});

// An operator was shown the last session's length, and the call log had the call's.
it("ends with one length: of the call, in the event, in what is read later and in the log", async () => {
  const logged: { call: { durationMs: number; summary: string } }[] = [];
  const callLog = {
    write: async (log: (typeof logged)[0]) => {
      logged.push(log);
    },
    delete: async () => undefined,
    forgetRecording: async () => undefined,
  };
  world = new World({}, { callLog });
  await world.call.prepare(CALL);
  happens(attach(), event("opened", 0, 0, { epochMs: EPOCH_MS }));
  world.time.advance(4_000);
  await world.lose();
  const leg = attach();
  happens(leg, event("opened", 0, 1, { epochMs: EPOCH_MS + 4_000 }));
  const observer = new FakeSocket();
  world.call.observe(observer);
  world.time.advance(2_500);
  happens(leg, record(TL_EFFECT_ENDED, 0, '{"callId":"c1","reason":"callerHangUp","durationMs":2500}'));
  const ended = { type: "ended", atMs: 2_500, callId: "c1", reason: "callerHangUp", durationMs: 6_500 };
  expect(observer.json.at(-1)).toEqual(ended);
  expect(events().at(-1)).toEqual(ended);
  await world.pass(10_000);
  expect(logged.map(({ call }) => call.durationMs)).toEqual([6_500]);
  expect(JSON.parse(logged[0]?.call.summary ?? "")).toMatchObject({ durationMs: 6_500 });
});

describe("a command with a field that it does not have", () => {
  it.each([
    [{ type: "hangUp", reason: "rude" }, "reason"],
    [{ type: "say", text: "hello", txet: 1 }, "txet"],
    [{ type: "toolResult", toolCallId: "k", output: "x", id: 1 }, "id"],
  ])("is refused by its name: %j", async (command, field) => {
    attach();
    const inputs = world.core.inputs.length;
    expect(await world.call.operate(command)).toMatchObject({ status: "refused", code: "invalid", field });
    expect(world.core.inputs).toHaveLength(inputs);
  });
});
