import { beforeEach, describe, expect, it } from "vitest";
import { MAX_OBSERVERS, Observers } from "../../../worker-shim/ports/observers.ts";
import { FakeLog, FakeSocket } from "./support/fakes.ts";

let observers: Observers;

function add(history: string[] = []): FakeSocket {
  const socket = new FakeSocket();
  observers.add(socket, history);
  return socket;
}

beforeEach(() => {
  observers = new Observers(new FakeLog());
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
