import { beforeEach, describe, expect, it } from "vitest";
import {
  TL_EFFECT_CLOSE,
  TL_EFFECT_CONNECT,
  TL_EFFECT_DEADLINE,
  TL_EFFECT_ENDED,
  TL_EFFECT_EVENT,
  TL_EFFECT_SEND_TEXT,
  TL_ERR_INPUT,
} from "../../../worker-shim/abi.generated.ts";
import { Core } from "../../../worker-shim/core.ts";
import { LiveSession, MonotonicClock } from "../../../worker-shim/live-session.ts";
import type { SessionPorts } from "../../../worker-shim/ports.ts";
import { FakeCore, record } from "../../support/fake-core.ts";
import { FakeLog, VirtualTime } from "./support/fakes.ts";

let fake: FakeCore;
let time: VirtualTime;
let log: FakeLog;
let done: unknown[][];
let session: LiveSession;
let ports: SessionPorts;

beforeEach(() => {
  fake = new FakeCore();
  time = new VirtualTime();
  log = new FakeLog();
  done = [];
  const note =
    (name: string) =>
    (...args: unknown[]) => {
      done.push([name, ...args]);
    };
  ports = {
    sockets: {
      sendText: note("sendText"),
      sendBinary: note("sendBinary"),
      connect: note("connect"),
      close: note("close"),
      shutDown: note("shutDown"),
    },
    timer: { setDeadline: note("setDeadline"), stop: note("stop") },
    authorizer: { authorize: note("authorize") },
    events: { event: note("event"), ended: note("ended") },
    recorder: { record: note("record") },
  };
  session = new LiveSession({
    callId: "c1",
    core: new Core(fake.exports),
    clock: time,
    log,
    ports: () => ports,
    onOver: note("over"),
  });
});

describe("LiveSession", () => {
  it("opens with its configuration and drains what that brings", () => {
    fake.onInput = () => [record(TL_EFFECT_EVENT, 0, '{"type":"opened"}')];
    session.open('{"callId":"c1"}');
    expect(fake.config).toBe('{"callId":"c1"}');
    expect(done).toEqual([["event", '{"type":"opened"}']]);
  });

  it("gives each input the instant of its event and drains in order", () => {
    session.open("{}");
    fake.onInput = () => [record(TL_EFFECT_SEND_TEXT, 0, "a"), record(TL_EFFECT_DEADLINE, 40_000)];
    time.nowMs = 20;
    session.onSocketText("leg", "hello");
    expect(fake.inputs[0]?.nowUs).toBe(20_000n);
    expect(done).toEqual([
      ["sendText", "leg", "a"],
      ["setDeadline", 40_000],
    ]);
  });

  it("is over after ENDED: sockets shut down, the timer stopped, later inputs ignored", () => {
    session.open("{}");
    fake.onInput = () => [
      record(TL_EFFECT_CLOSE, 1000n << 32n, "hangUp"),
      record(TL_EFFECT_ENDED, 0, '{"reason":"hangUp"}'),
    ];
    session.onTimer();
    expect(done).toEqual([
      ["close", "leg", 1000, "hangUp"],
      ["ended", '{"reason":"hangUp"}'],
      ["stop"],
      ["shutDown", 1000, "the call is over"],
      ["over"],
    ]);
    const inputs = fake.inputs.length;
    session.onSocketClosed("leg", 1000, 0, "");
    session.onSocketBinary("leg", new ArrayBuffer(1));
    session.onSocketOpened("leg", "");
    session.onAuthorized("granted");
    session.onPortFault(new Error("late"));
    expect(session.command("{}")).toBe(false);
    expect(fake.inputs).toHaveLength(inputs);
    expect(done).toHaveLength(5);
  });

  it("that traps closes with 1011 and has one outcome", () => {
    session.open("{}");
    time.nowMs = 1234;
    fake.onInput = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    session.onSocketText("leg", "x");
    session.onTimer();
    expect(done).toEqual([
      ["ended", JSON.stringify({ callId: "c1", reason: "coreFault", durationMs: 1234 })],
      ["stop"],
      ["shutDown", 1011, "internal error"],
      ["over"],
    ]);
    expect(session.over).toBe(true);
    expect(log.lines).toMatchObject([
      { level: "error", message: "the core has trapped", fields: { errorCode: "core_trap" } },
    ]);
  });

  it("whose configuration is refused ends the same way", () => {
    fake.handle = 0;
    session.open("{}");
    expect(done.map(([name]) => name)).toEqual(["ended", "stop", "shutDown", "over"]);
    expect(log.lines).toMatchObject([{ fields: { errorCode: "core_config" } }]);
  });

  it("ends when a port throws or reports a fault", () => {
    session.open("{}");
    ports.sockets.connect = () => {
      throw new Error("port broke");
    };
    fake.onInput = () => [record(TL_EFFECT_CONNECT, 1, '{"upstream":"openai","path":"/","protocols":[]}')];
    session.onTimer();
    expect(done.at(-2)).toEqual(["shutDown", 1011, "internal error"]);
    expect(log.lines[0]).toMatchObject({ message: "the session broke", fields: { errorMessage: "port broke" } });
  });

  it("that breaks after ENDED keeps that outcome", () => {
    session.open("{}");
    fake.onInput = () => [record(TL_EFFECT_ENDED, 0, "{}"), record(99)];
    session.onTimer();
    expect(done.filter(([name]) => name === "ended")).toEqual([["ended", "{}"]]);
    expect(done.at(-1)).toEqual(["over"]);
  });

  it("is over even when its outcome cannot be written", () => {
    session.open("{}");
    ports.events.ended = () => {
      throw new Error("storage");
    };
    session.onPortFault(new Error("broken"));
    expect(done.map(([name]) => name)).toEqual(["stop", "shutDown", "over"]);
    expect(log.lines.map(({ message }) => message)).toEqual(["the session broke", "an outcome was not written"]);
  });

  it("says whether a command was taken", () => {
    session.open("{}");
    expect(session.command('{"type":"say","text":"hi"}')).toBe(true);
    fake.statuses = [TL_ERR_INPUT];
    expect(session.command('{"type":"nonsense"}')).toBe(false);
    expect(session.over).toBe(false);
  });
});

describe("MonotonicClock", () => {
  it("starts at 0 and never goes back", () => {
    let wallMs = 1_795_000_000_000;
    const clock = new MonotonicClock(() => wallMs);
    expect(clock.nowUs()).toBe(0);
    wallMs += 20;
    expect(clock.nowUs()).toBe(20_000);
    wallMs -= 5_000;
    expect(clock.nowUs()).toBe(20_000);
    wallMs += 5_020;
    expect(clock.nowUs()).toBe(40_000);
  });
});
