import { beforeEach, describe, expect, it } from "vitest";
import { CallSockets, closeReason, MAX_CLOSE_REASON_BYTES } from "../../../worker-shim/ports/sockets.ts";
import type { UpstreamAnswer } from "../../../worker-shim/ports/upstreams.ts";
import type { ConnectRequest } from "../../../worker-shim/ports.ts";
import { FakeInputs, FakeLog, FakeSocket, settle } from "./support/fakes.ts";

const LEG = 0;
const AGENT = 1;
const REQUEST: ConnectRequest = { upstream: "openai", path: "/v1/realtime", protocols: ["realtime"] };

let inputs: FakeInputs;
let log: FakeLog;
let asked: { readonly signal: AbortSignal; readonly answer: (answer: UpstreamAnswer) => void }[];
let sockets: CallSockets;

beforeEach(() => {
  inputs = new FakeInputs();
  log = new FakeLog();
  asked = [];
  sockets = new CallSockets(inputs, (_, signal) => new Promise((answer) => asked.push({ signal, answer })), log);
});

function attachLeg(): FakeSocket {
  const socket = new FakeSocket();
  sockets.attach(LEG, socket, "");
  return socket;
}

/** Connects the agent's port and answers the latest attempt. */
async function openAgent(): Promise<FakeSocket> {
  const socket = new FakeSocket();
  sockets.connect(AGENT, REQUEST);
  asked.at(-1)?.answer({ type: "opened", socket, subprotocol: "realtime" });
  await settle();
  return socket;
}

describe("a leg", () => {
  it("is accepted for bytes, not Blobs, and reported", () => {
    expect(attachLeg().acceptedAs).toBe("arraybuffer");
    expect(inputs.calls).toEqual([["opened", LEG, ""]]);
  });

  it("delivers text, bytes and its close", () => {
    const socket = attachLeg();
    socket.emit("message", { data: "hello" });
    socket.emit("message", { data: Uint8Array.of(1, 2).buffer });
    socket.emit("close", { code: 4000, reason: "bye" });
    expect(inputs.calls.slice(1)).toEqual([
      ["text", LEG, "hello"],
      ["binary", LEG, [1, 2]],
      ["closed", LEG, 4000, 0, "bye"],
    ]);
  });

  it("is closed once, whatever comes after", () => {
    const socket = attachLeg();
    socket.emit("error", {});
    socket.emit("close", { code: 1006, reason: "" });
    socket.emit("message", { data: "late" });
    expect(inputs.calls.slice(1)).toEqual([["closed", LEG, 1006, 0, "connection lost"]]);
  });

  it("that closes without a code has none", () => {
    attachLeg().emit("close", { code: 0, reason: "" });
    expect(inputs.calls.at(-1)).toEqual(["closed", LEG, 1005, 0, ""]);
  });

  it("gets what is sent until it is closed from here, and is not heard after that", () => {
    const socket = attachLeg();
    sockets.sendText(LEG, "one");
    sockets.sendBinary(LEG, Uint8Array.of(2));
    sockets.close(LEG, 4401, "no");
    sockets.sendText(LEG, "three");
    socket.emit("message", { data: "late" });
    socket.emit("close", { code: 4401, reason: "no" });
    expect(socket.sent).toEqual(["one", Uint8Array.of(2)]);
    expect(socket.closed).toEqual({ code: 4401, reason: "no" });
    expect(inputs.calls).toEqual([["opened", LEG, ""]]);
  });

  it("that comes back replaces the former one", () => {
    const first = attachLeg();
    const second = attachLeg();
    first.emit("message", { data: "old" });
    first.emit("close", { code: 1000, reason: "" });
    second.emit("message", { data: "new" });
    expect(first.closed).toEqual({ code: 1000, reason: "replaced" });
    expect(inputs.calls).toEqual([
      ["opened", LEG, ""],
      ["opened", LEG, ""],
      ["text", LEG, "new"],
    ]);
  });

  it("that is gone takes a message and a close without harm", () => {
    const socket = attachLeg();
    socket.failure = new Error("closed");
    expect(() => sockets.sendText(LEG, "x")).not.toThrow();
    expect(() => sockets.close(LEG, 1000, "")).not.toThrow();
    expect(log.lines.map(({ message }) => message)).toEqual([
      "a message came too late for its socket",
      "a socket was closed already",
    ]);
  });

  it("whose handler throws reports a fault instead of silence", () => {
    const socket = attachLeg();
    socket.emit("message", { data: { a: "Blob" } });
    expect(inputs.calls.at(-1)).toEqual(["fault", expect.any(TypeError)]);
    inputs.onSocketText = () => {
      throw new Error("broken");
    };
    socket.emit("message", { data: "x" });
    expect(inputs.calls.at(-1)).toEqual(["fault", expect.objectContaining({ message: "broken" })]);
  });
});

describe("an agent", () => {
  it("is reported open only after the answer, with its subprotocol", async () => {
    sockets.connect(AGENT, REQUEST);
    expect(inputs.calls).toEqual([]);
    const socket = new FakeSocket();
    asked[0]?.answer({ type: "opened", socket, subprotocol: "realtime" });
    await settle();
    expect(socket.acceptedAs).toBe("arraybuffer");
    expect(inputs.calls).toEqual([["opened", AGENT, "realtime"]]);
  });

  it("that refuses is reported with its status", async () => {
    sockets.connect(AGENT, REQUEST);
    asked[0]?.answer({ type: "refused", httpStatus: 429, reason: "upgrade refused" });
    await settle();
    expect(inputs.calls).toEqual([["closed", AGENT, 1006, 429, "upgrade refused"]]);
  });

  it("that is given up is not heard of again, and its late socket is closed", async () => {
    sockets.connect(AGENT, REQUEST);
    sockets.close(AGENT, 1000, "not ready in time");
    expect(asked[0]?.signal.aborted).toBe(true);
    const late = new FakeSocket();
    asked[0]?.answer({ type: "opened", socket: late, subprotocol: "" });
    await settle();
    expect(late.acceptedAs).toBeDefined();
    expect(late.closed?.code).toBe(1000);
    expect(inputs.calls).toEqual([]);
  });

  it("asked for again is the latest attempt's", async () => {
    sockets.connect(AGENT, REQUEST);
    const second = await openAgent();
    const late = new FakeSocket();
    asked[0]?.answer({ type: "opened", socket: late, subprotocol: "" });
    await settle();
    expect(late.closed?.code).toBe(1000);
    expect(second.closed).toBeUndefined();
    expect(inputs.calls).toEqual([["opened", AGENT, "realtime"]]);
  });

  it("whose attempt breaks is a fault of ours", async () => {
    const broken = new CallSockets(inputs, () => Promise.reject(new Error("broken")), log);
    broken.connect(AGENT, REQUEST);
    await settle();
    expect(inputs.calls).toEqual([["fault", expect.objectContaining({ message: "broken" })]]);
  });
});

describe("shutDown", () => {
  it("closes both sockets, once", async () => {
    const leg = attachLeg();
    const agent = await openAgent();
    sockets.shutDown(1011, "internal error");
    sockets.shutDown(1000, "again");
    for (const socket of [leg, agent]) expect(socket.closed).toEqual({ code: 1011, reason: "internal error" });
  });

  it("closes what arrives later", async () => {
    sockets.connect(AGENT, REQUEST);
    sockets.shutDown(1000, "over");
    const late = new FakeSocket();
    asked[0]?.answer({ type: "opened", socket: late, subprotocol: "" });
    await settle();
    expect(late.closed?.code).toBe(1000);
    const leg = attachLeg();
    expect(leg.closed).toEqual({ code: 1000, reason: "over" });
    expect(inputs.calls).toEqual([]);
  });
});

describe("closeReason", () => {
  it("leaves what fits", () => {
    const reason = "x".repeat(MAX_CLOSE_REASON_BYTES);
    expect(closeReason(reason)).toBe(reason);
  });

  it("cuts at a character", () => {
    const cut = closeReason("\u4f60".repeat(100));
    expect(cut).toBe("\u4f60".repeat(Math.floor(MAX_CLOSE_REASON_BYTES / 3)));
  });
});
