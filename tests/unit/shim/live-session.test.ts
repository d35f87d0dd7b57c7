import { beforeEach, describe, expect, it } from "vitest";
import {
  TL_EFFECT_CLOSE,
  TL_EFFECT_COMMAND_RESULT,
  TL_EFFECT_CONNECT,
  TL_EFFECT_DEADLINE,
  TL_EFFECT_ENDED,
  TL_EFFECT_EVENT,
  TL_EFFECT_SEND_TEXT,
  TL_INPUT_HTTP_CHUNK,
  TL_INPUT_HTTP_DONE,
  TL_INPUT_HTTP_FAILED,
  TL_INPUT_HTTP_HEADERS,
  TL_INPUT_RESOURCE,
  TL_MAX_INPUT_BYTES,
} from "../../../worker-shim/abi.generated.ts";
import { Core } from "../../../worker-shim/core.ts";
import { LiveSession, MonotonicClock } from "../../../worker-shim/live-session.ts";
import type { SessionPorts } from "../../../worker-shim/ports.ts";
import { FakeCore, record, resultOf } from "../../support/fake-core.ts";
import { FakeLog, notedPorts, VirtualTime } from "./support/fakes.ts";

const LEG = 0;
const HARNESS = { kind: "harness" } as const;

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
  ports = notedPorts(done);
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
    session.onSocketText(LEG, "hello");
    expect(fake.inputs[0]?.nowUs).toBe(20_000n);
    expect(done).toEqual([
      ["sendText", LEG, "a"],
      ["setDeadline", 40_000],
    ]);
  });

  it("is over after ENDED: sockets shut down, the timer stopped, later inputs ignored", async () => {
    session.open("{}");
    fake.onInput = () => [
      record(TL_EFFECT_CLOSE, 1000n << 32n, "hangUp"),
      record(TL_EFFECT_ENDED, 0, '{"reason":"hangUp"}'),
    ];
    session.onTimer();
    expect(done).toEqual([
      ["close", LEG, 1000, "hangUp"],
      ["ended", '{"reason":"hangUp"}'],
      ["stop"],
      ["shutDown", 1000, "the call is over"],
      ["shutDownHttp"],
      ["over"],
    ]);
    const inputs = fake.inputs.length;
    session.onSocketClosed(LEG, 1000, 0, "");
    session.onSocketBinary(LEG, new ArrayBuffer(1));
    session.onSocketOpened(LEG, "");
    session.onAuthorized("granted");
    session.onPortFault(new Error("late"));
    session.onHttpHeaders(1, 200, {});
    session.onHttpChunk(1, new Uint8Array(1));
    session.onHttpDone(1);
    session.onHttpFailed(1, "network", "");
    session.onResource("music", undefined);
    expect(await session.command(HARNESS, {})).toMatchObject({ status: "refused", code: "conflict" });
    expect(fake.inputs).toHaveLength(inputs);
    expect(done).toHaveLength(6);
  });

  it("that traps closes with 1011 and has one outcome", () => {
    session.open("{}");
    time.nowMs = 1234;
    fake.onInput = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    session.onSocketText(LEG, "x");
    session.onTimer();
    expect(done).toEqual([
      ["ended", JSON.stringify({ callId: "c1", reason: "coreFault", durationMs: 1234 })],
      ["stop"],
      ["shutDown", 1011, "internal error"],
      ["shutDownHttp"],
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
    expect(done.map(([name]) => name)).toEqual(["ended", "stop", "shutDown", "shutDownHttp", "over"]);
    expect(log.lines).toMatchObject([{ fields: { errorCode: "core_config" } }]);
  });

  it("ends when a port throws or reports a fault", () => {
    session.open("{}");
    ports.sockets.connect = () => {
      throw new Error("port broke");
    };
    fake.onInput = () => [record(TL_EFFECT_CONNECT, 1, '{"upstream":"openai","path":"/","protocols":[]}')];
    session.onTimer();
    expect(done.at(-3)).toEqual(["shutDown", 1011, "internal error"]);
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
    expect(done.map(([name]) => name)).toEqual(["stop", "shutDown", "shutDownHttp", "over"]);
    expect(log.lines.map(({ message }) => message)).toEqual(["the session broke", "an outcome was not written"]);
  });

  it("hands the inputs of channels over", () => {
    session.open("{}");
    session.onHttpHeaders(3, 200, { "content-type": "text/plain" });
    session.onHttpChunk(3, Uint8Array.of(1));
    session.onHttpDone(3);
    session.onHttpFailed(4, "timeout", "late");
    session.onResource("music", Uint8Array.of(1));
    expect(fake.inputs.map(({ tag }) => tag)).toEqual([
      (3 << 16) | TL_INPUT_HTTP_HEADERS,
      (3 << 16) | TL_INPUT_HTTP_CHUNK,
      (3 << 16) | TL_INPUT_HTTP_DONE,
      (4 << 16) | TL_INPUT_HTTP_FAILED,
      TL_INPUT_RESOURCE,
    ]);
  });
});

describe("a command", () => {
  const give = (command: object) => session.command({ kind: "observer", role: "supervisor", name: "Ann" }, command);
  const refusal = { status: "refused", code: "invalid", why: "text must be a text", field: "text" };

  it("comes with its source, under a number of its own", async () => {
    session.open("{}");
    expect(await give({ type: "say", text: "hi" })).toEqual({ status: "done" });
    expect(await give({ type: "hangUp" })).toEqual({ status: "done" });
    const bodies = fake.inputs.map(({ body }) => JSON.parse(new TextDecoder().decode(body)) as unknown);
    const source = { kind: "observer", role: "supervisor", name: "Ann" };
    expect(bodies).toEqual([
      { id: 1, source, command: { type: "say", text: "hi" } },
      { id: 2, source, command: { type: "hangUp" } },
    ]);
  });

  it("that is refused says why", async () => {
    session.open("{}");
    fake.onInput = (input) => resultOf(input, refusal);
    expect(await give({ type: "say" })).toEqual(refusal);
    expect(session.over).toBe(false);
  });

  it("may be answered later, and not in order", async () => {
    session.open("{}");
    fake.onInput = () => [];
    const [first, second] = [give({}), give({})];
    const answer = (id: number, result: object) =>
      record(TL_EFFECT_COMMAND_RESULT, 0, JSON.stringify({ id, ...result }));
    fake.onInput = () => [answer(2, { status: "done" }), answer(1, refusal), answer(77, { status: "done" })];
    session.onTimer();
    expect(await first).toEqual(refusal);
    expect(await second).toEqual({ status: "done" });
  });

  it("that the end overtakes is refused", async () => {
    session.open("{}");
    fake.onInput = () => [];
    const waiting = give({});
    fake.onInput = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    const crash = give({ type: "crash" });
    expect(await crash).toMatchObject({ status: "refused", code: "conflict" });
    expect(await waiting).toMatchObject({ status: "refused", code: "conflict" });
  });

  it("that is longer than an input is refused, and the session goes on", async () => {
    session.open("{}");
    expect(await give({ text: "x".repeat(TL_MAX_INPUT_BYTES) })).toMatchObject({ status: "refused", code: "invalid" });
    expect(session.over).toBe(false);
    expect(await give({})).toEqual({ status: "done" });
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
