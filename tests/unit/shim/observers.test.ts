import { beforeEach, describe, expect, it } from "vitest";
import type { CommandResult } from "../../../worker-shim/boundary.ts";
import {
  ACKNOWLEDGE_MS,
  MAX_OBSERVERS,
  MAX_OPEN_COMMANDS,
  MAX_UNREAD_CHARACTERS,
  Observers,
  SLICE_EVENTS,
} from "../../../worker-shim/ports/observers.ts";
import { Batches, MAX_EVENT_CHARACTERS } from "../../../worker-shim/records/batches.ts";
import { Tables } from "../../../worker-shim/records/tables.ts";
import { FakeLog, FakeSocket, memoryDatabase, settle, VirtualTime } from "./support/fakes.ts";

let observers: Observers;
let time: VirtualTime;

function add(history: string[] = []): FakeSocket {
  const socket = new FakeSocket();
  observers.add(socket, (skip) => history.slice(skip));
  return socket;
}

beforeEach(() => {
  time = new VirtualTime();
  observers = new Observers(new FakeLog(), time);
});

describe("Observers", () => {
  it("get what happened before, then what happens", () => {
    const first = add();
    observers.broadcast("1");
    const second = add(["1"]);
    observers.broadcast("2");
    expect(first.sent).toEqual(["1", "2"]);
    expect(second.sent).toEqual(["1", "2"]);
  });

  it("beyond the bound are sent away for now", () => {
    for (let i = 0; i < MAX_OBSERVERS; i++) add();
    const surplus = add(["1"]);
    expect(surplus.closed?.code).toBe(1013);
    expect(surplus.sent).toEqual([]);
    expect(observers.count).toBe(MAX_OBSERVERS);
  });

  it("that leave make room", () => {
    const sockets = Array.from({ length: MAX_OBSERVERS }, () => add());
    sockets[0]?.emit("close", { code: 1000, reason: "" });
    sockets[1]?.emit("error", {});
    expect(add().closed).toBeUndefined();
    expect(observers.count).toBe(MAX_OBSERVERS - 1);
  });

  it("that are gone do not keep an event from the others", () => {
    const gone = add();
    const there = add();
    gone.failure = new Error("closed");
    observers.broadcast("1");
    expect(there.sent).toEqual(["1"]);
    expect(observers.count).toBe(1);
  });

  it("are closed at the end", () => {
    const socket = add();
    observers.closeAll("the call is over");
    expect(socket.closed).toEqual({ code: 1000, reason: "the call is over" });
    expect(observers.count).toBe(0);
  });
});

describe("an observer who gives commands", () => {
  const say = (socket: FakeSocket, message: unknown) => socket.emit("message", { data: JSON.stringify(message) });

  it("is told what becomes of each, with his own id", async () => {
    const given: object[] = [];
    const socket = new FakeSocket();
    const command = async (asked: object): Promise<CommandResult> => {
      given.push(asked);
      return given.length > 1 ? { status: "refused", code: "conflict", why: "not now" } : { status: "done" };
    };
    observers.add(socket, () => [], { command });
    say(socket, { type: "command", id: "a", command: { type: "hangUp" } });
    say(socket, { type: "command", id: 7, command: { type: "hangUp" } });
    say(socket, { type: "command", command: [] });
    for (const nonsense of [1, null, { type: "other" }, "x".repeat(70_000)]) say(socket, nonsense);
    await settle();
    expect(given).toEqual([{ type: "hangUp" }, { type: "hangUp" }]);
    expect(socket.json).toEqual([
      { type: "commandResult", id: null, status: "refused", code: "invalid", why: "command must be an object" },
      { type: "commandResult", id: "a", status: "done" },
      { type: "commandResult", id: 7, status: "refused", code: "conflict", why: "not now" },
    ]);
  });

  it("may have so many that wait, and none without a role", async () => {
    const socket = new FakeSocket();
    observers.add(socket, () => [], { command: () => new Promise(() => undefined) });
    for (let id = 0; id <= MAX_OPEN_COMMANDS; id++) say(socket, { type: "command", id, command: {} });
    await settle();
    expect(socket.json).toMatchObject([{ id: MAX_OPEN_COMMANDS, code: "conflict" }]);
    const silent = add();
    say(silent, { type: "command", id: 1, command: {} });
    await settle();
    expect(silent.json).toMatchObject([{ id: 1, code: "forbidden" }]);
  });
});

describe("levels", () => {
  const wanted: boolean[] = [];

  beforeEach(() => {
    wanted.length = 0;
    observers = new Observers(new FakeLog(), time, (is) => wanted.push(is));
  });

  it("are wanted while somebody is there who wants them, and sent to him alone", () => {
    const plain = add();
    const [one, two] = [new FakeSocket(), new FakeSocket()];
    expect(wanted).toEqual([]);
    for (const socket of [one, two]) observers.add(socket, () => [], { levels: true });
    observers.broadcastLevels("levels");
    expect([plain.sent, one.sent, two.sent]).toEqual([[], ["levels"], ["levels"]]);
    one.emit("close", {});
    expect(wanted).toEqual([true]);
    observers.closeAll("the call is over");
    expect(wanted).toEqual([true, false]);
  });

  it("have no number: what comes later is not counted wrongly", () => {
    const socket = new FakeSocket();
    const history = ["0", "1", "2"];
    observers.add(socket, (skip) => history.slice(skip), { levels: true, skip: 2 });
    for (let i = 0; i < 3; i++) observers.broadcastLevels("l".repeat(MAX_UNREAD_CHARACTERS / 2));
    // He reads nothing: levels are dropped, and events wait for him.
    expect(socket.sent.slice(1)).toHaveLength(2);
    history.push("3");
    observers.broadcast("3");
    time.advance(ACKNOWLEDGE_MS);
    expect(socket.closed).toEqual({ code: 1013, reason: "not acknowledged; go on after 2" });
  });
});

// Sixteen observers that read nothing of 40,000 events: other requests waited for 1.6 s, and all of it lay in memory.
describe("an observer that reads slowly", () => {
  const Events = 40_000;
  let batches: Batches;

  const event = (seq: number) => JSON.stringify({ atMs: seq, seq, text: "x".repeat(160), type: "state" });
  const characters = (socket: FakeSocket) => socket.sent.reduce<number>((sum, one) => sum + String(one).length, 0);
  const acknowledge = (socket: FakeSocket, seq: number) =>
    socket.emit("message", { data: JSON.stringify({ type: "ack", seq }) });

  /** Comes behind event `after`. */
  function watch(after = -1): FakeSocket {
    const socket = new FakeSocket();
    observers.add(socket, (skip) => batches.eventsAfter(skip), { skip: after + 1 });
    return socket;
  }

  function happens(seq: number): void {
    batches.addEvent(event(seq));
    if (seq % 97 === 96) batches.flush();
    observers.broadcast(event(seq));
  }

  beforeEach(() => {
    const tables = new Tables(memoryDatabase());
    tables.create();
    batches = new Batches(tables, 1);
  });

  it("gets so much and no more, and is sent away in time", () => {
    for (let seq = 0; seq < Events; seq++) happens(seq);
    expect(Events * event(0).length).toBeGreaterThan(MAX_EVENT_CHARACTERS * 0.9);
    const sockets = Array.from({ length: MAX_OBSERVERS }, () => watch());
    // At once only a slice each, so that others have their turn.
    for (const socket of sockets) expect(socket.sent).toHaveLength(SLICE_EVENTS);
    time.advance(ACKNOWLEDGE_MS - 1);
    for (const socket of sockets) {
      expect(characters(socket)).toBeLessThanOrEqual(MAX_UNREAD_CHARACTERS + 1_000);
      expect(socket.closed).toBeUndefined();
    }
    time.advance(1);
    for (const socket of sockets) expect(socket.closed?.code).toBe(1013);
    expect([observers.dropped, observers.count]).toEqual([MAX_OBSERVERS, 0]);
    expect(time.armed.size).toBe(0);
    // What waits for them is in memory until they are gone.
    expect(watch().closed).toEqual({ code: 1013, reason: "too many observers" });
    sockets[0]?.emit("close", { code: 1006, reason: "" });
    expect(watch().closed).toBeUndefined();
  });

  it("is sent away while the call goes on as well", () => {
    const socket = watch();
    for (let seq = 0; seq < 10_000; seq++) happens(seq);
    expect(characters(socket)).toBeLessThanOrEqual(MAX_UNREAD_CHARACTERS + 1_000);
    time.advance(ACKNOWLEDGE_MS);
    expect(socket.closed?.code).toBe(1013);
  });

  it("goes on where it was, by its number", () => {
    for (let seq = 0; seq < 10_000; seq++) happens(seq);
    const first = watch();
    time.advance(ACKNOWLEDGE_MS);
    const last = first.json.at(-1)?.["seq"] as number;
    expect(first.closed?.reason).toContain(String(last));
    expect(watch(last).json[0]?.["seq"]).toBe(last + 1);
  });

  it("gets everything, once and in order, if it acknowledges, whatever happens meanwhile", () => {
    for (let seq = 0; seq < 15_000; seq++) happens(seq);
    const socket = watch();
    const other = watch();
    let seq = 15_000;
    for (let round = 0; round < 200 && (socket.json.at(-1)?.["seq"] as number) < 15_999; round++) {
      time.advance(10);
      // What is packed meanwhile is found where it is then.
      if (round === 3) batches.compact();
      for (let i = 0; i < 50 && seq < 16_000; i++) happens(seq++);
      acknowledge(socket, socket.json.at(-1)?.["seq"] as number);
    }
    const numbers = socket.json.map((one) => one["seq"]);
    expect(numbers).toEqual(Array.from({ length: 16_000 }, (_, i) => i));
    expect(socket.closed).toBeUndefined();
    time.advance(ACKNOWLEDGE_MS);
    expect([other.closed?.code, observers.dropped]).toEqual([1013, 1]);
  });

  it.each(["x", "{", '{"type":"ack"}', '{"type":"ack","seq":"9"}', '{"type":"ack","seq":-5}', "[]", "null", "\ud800"])(
    "does not read by saying %j",
    (said) => {
      for (let seq = 0; seq < 10_000; seq++) happens(seq);
      const socket = watch();
      for (let ms = 0; ms < ACKNOWLEDGE_MS; ms += 1_000) {
        socket.emit("message", { data: said });
        time.advance(1_000);
      }
      expect(socket.closed?.code).toBe(1013);
    },
  );

  it("has the end behind all that it still has to read", () => {
    for (let seq = 0; seq < 3 * SLICE_EVENTS; seq++) happens(seq);
    const socket = watch();
    observers.closeAll("the call is over", '{"type":"ended"}');
    expect(socket.closed).toBeUndefined();
    time.advance(1);
    expect(socket.sent).toHaveLength(3 * SLICE_EVENTS + 1);
    expect(socket.json.at(-1)).toEqual({ type: "ended" });
    expect(socket.closed?.code).toBe(1000);
  });
});
