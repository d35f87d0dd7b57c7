import { beforeEach, describe, expect, it } from "vitest";
import { CoreTrapError, type Effect } from "../../../worker-shim/core.ts";
import { applyEffect } from "../../../worker-shim/effects.ts";
import type { SessionPorts } from "../../../worker-shim/ports.ts";

let done: unknown[][];
let ports: SessionPorts;

beforeEach(() => {
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
});

describe("applyEffect", () => {
  const bytes = Uint8Array.of(1);
  const request = { upstream: "openai", path: "/v1/realtime?model=m", protocols: ["realtime"] };
  const credentials = { token: "t", callSid: "CA1", streamSid: "MZ1" };
  const table: [Effect, unknown[]][] = [
    [{ type: "sendText", port: "leg", text: "x" }, ["sendText", "leg", "x"]],
    [{ type: "sendBinary", port: "agent", bytes }, ["sendBinary", "agent", bytes]],
    [{ type: "connect", port: "agent", request: JSON.stringify(request) }, ["connect", "agent", request]],
    [{ type: "close", port: "leg", code: 4401, reason: "r" }, ["close", "leg", 4401, "r"]],
    [{ type: "deadline", atUs: 5 }, ["setDeadline", 5]],
    [{ type: "authorize", credentials: JSON.stringify(credentials) }, ["authorize", credentials]],
    [{ type: "event", json: "{}" }, ["event", "{}"]],
    [{ type: "record", granule: 48_000, pages: bytes }, ["record", 48_000, bytes]],
    [{ type: "ended", summary: "{}" }, ["ended", "{}"]],
  ];

  it.each(table)("performs $type", (effect, expected) => {
    applyEffect(effect, ports);
    expect(done).toEqual([expected]);
  });

  it.each<Effect>([
    { type: "connect", port: "agent", request: "{" },
    { type: "connect", port: "agent", request: "null" },
    { type: "connect", port: "agent", request: '{"upstream":"openai","path":1,"protocols":[]}' },
    { type: "connect", port: "agent", request: '{"upstream":"openai","path":"/","protocols":"x"}' },
    { type: "authorize", credentials: '{"token":"t"}' },
  ])("takes a body that the boundary does not know for a trap: %j", (effect) => {
    expect(() => applyEffect(effect, ports)).toThrow(CoreTrapError);
    expect(done).toEqual([]);
  });
});
