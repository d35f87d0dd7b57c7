import { beforeEach, describe, expect, it } from "vitest";
import {
  TL_ABI_VERSION,
  TL_EFFECT_AUTHORIZE,
  TL_EFFECT_CLOSE,
  TL_EFFECT_COMMAND_RESULT,
  TL_EFFECT_CONNECT,
  TL_EFFECT_DEADLINE,
  TL_EFFECT_ENDED,
  TL_EFFECT_EVENT,
  TL_EFFECT_FETCH,
  TL_EFFECT_FETCH_ABORT,
  TL_EFFECT_FETCH_CREDIT,
  TL_EFFECT_LOAD_RESOURCE,
  TL_EFFECT_RECORD,
  TL_EFFECT_SEND_BINARY,
  TL_EFFECT_SEND_TEXT,
  TL_EFFECT_SNAPSHOT,
  TL_ERR_ENDED,
  TL_ERR_HANDLE,
  TL_ERR_INPUT,
  TL_INPUT_AUTHORIZED,
  TL_INPUT_COMMAND,
  TL_INPUT_HTTP_CHUNK,
  TL_INPUT_HTTP_DONE,
  TL_INPUT_HTTP_FAILED,
  TL_INPUT_HTTP_HEADERS,
  TL_INPUT_RESOURCE,
  TL_INPUT_SOCKET_BINARY,
  TL_INPUT_SOCKET_CLOSED,
  TL_INPUT_SOCKET_OPENED,
  TL_INPUT_SOCKET_OVERSIZE,
  TL_INPUT_SOCKET_TEXT,
  TL_INPUT_TIMER,
  TL_MAX_INPUT_BYTES,
} from "../../../worker-shim/abi.generated.ts";
import { Core, CoreConfigError, CoreTrapError, MAX_RESOURCE_BYTES } from "../../../worker-shim/core.ts";
import { FakeCore, record } from "../../support/fake-core.ts";
import { notedEffects } from "./support/fakes.ts";

const LEG = 0;
const AGENT = 7;

let fake: FakeCore;
let core: Core;

function drain(): unknown[][] {
  const effects: unknown[][] = [];
  const count = core.drain(notedEffects(effects));
  expect(count).toBe(effects.length);
  return effects;
}

function lastBody(): Uint8Array {
  const input = fake.inputs.at(-1);
  if (!input) throw new Error("no input");
  return input.body;
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

beforeEach(() => {
  fake = new FakeCore();
  fake.onInput = () => [];
  core = new Core(fake.exports);
  core.create(0, '{"callId":"c"}');
});

describe("creation", () => {
  it("initialises the instance once and hands the configuration over", () => {
    expect(fake.initialised).toBe(1);
    expect(fake.config).toBe('{"callId":"c"}');
  });

  it("refuses a module of another boundary", () => {
    fake.version = TL_ABI_VERSION + 1;
    expect(() => new Core(fake.exports)).toThrow(CoreTrapError);
  });

  it("tells a configuration that is refused from a trap", () => {
    const refusing = new FakeCore();
    refusing.handle = 0;
    expect(() => new Core(refusing.exports).create(0, "{}")).toThrow(CoreConfigError);
  });

  it("refuses a configuration that is longer than any input", () => {
    expect(() => new Core(new FakeCore().exports).create(0, "x".repeat(TL_MAX_INPUT_BYTES + 1))).toThrow(
      CoreConfigError,
    );
  });

  it("destroys the session it has made", () => {
    core.destroy();
    expect(fake.destroyed).toEqual([257]);
  });
});

describe("inputs", () => {
  it.each([0, 1, 16, 0x7fff, 0x8000, 0xffff])("carry channel %i in the high half of the tag", (channel) => {
    core.socketOpened(20_000, channel, "realtime");
    expect(fake.inputs[0]).toMatchObject({ nowUs: 20_000n, tag: (channel << 16) | TL_INPUT_SOCKET_OPENED });
    expect(decode(lastBody())).toBe("realtime");
  });

  it.each([
    "",
    "plain",
    "h\u00e9llo",
    "\u4f60\u597d",
    "\ud83d\ude00",
    "a\ud800b",
    // The last of ASCII and the first behind it, at the end of what is written as ASCII and beyond.
    "\u0000\u007f",
    "\u007f\u0080",
    `${"x".repeat(1023)}\u0080`,
    "x".repeat(1025),
    `${"x".repeat(1024)}\u0080`,
  ])("carry the text %j as UTF-8", (text) => {
    core.socketText(0, LEG, text);
    expect(fake.inputs[0]?.tag).toBe(TL_INPUT_SOCKET_TEXT);
    expect([...lastBody()]).toEqual([...new TextEncoder().encode(text)]);
  });

  it("ask for the inbox once, and write no more than it holds", () => {
    core.socketText(0, LEG, "abcd");
    core.socketText(0, LEG, "x".repeat(TL_MAX_INPUT_BYTES));
    expect(lastBody()).toHaveLength(TL_MAX_INPUT_BYTES);
    expect(fake.inboxCalls).toBe(1);
  });

  it("that leave no effects are followed by no other call of the module", () => {
    drain();
    core.timer(0);
    fake.exports.tl_effects = () => expect.unreachable();
    fake.exports.tl_effects_len = () => expect.unreachable();
    fake.exports.tl_effects_consume = () => expect.unreachable();
    expect(drain()).toEqual([]);
  });

  it("carry bytes untouched", () => {
    core.socketBinary(0, AGENT, Uint8Array.of(0, 255, 7).buffer);
    expect(fake.inputs[0]?.tag).toBe((AGENT << 16) | TL_INPUT_SOCKET_BINARY);
    expect([...lastBody()]).toEqual([0, 255, 7]);
  });

  it("deliver a text of exactly the limit and report the next longer one with its length in bytes", () => {
    core.socketText(0, LEG, "x".repeat(TL_MAX_INPUT_BYTES));
    expect(lastBody()).toHaveLength(TL_MAX_INPUT_BYTES);
    core.socketText(0, LEG, `${"x".repeat(TL_MAX_INPUT_BYTES - 1)}\u00e9`);
    expect(fake.inputs[1]?.tag).toBe(TL_INPUT_SOCKET_OVERSIZE);
    expect(new DataView(lastBody().buffer).getBigUint64(0, true)).toBe(BigInt(TL_MAX_INPUT_BYTES + 1));
  });

  it("deliver bytes of exactly the limit and report more", () => {
    core.socketBinary(0, LEG, new ArrayBuffer(TL_MAX_INPUT_BYTES));
    expect(lastBody()).toHaveLength(TL_MAX_INPUT_BYTES);
    core.socketBinary(0, AGENT, new ArrayBuffer(TL_MAX_INPUT_BYTES + 5));
    expect(fake.inputs[1]?.tag).toBe((AGENT << 16) | TL_INPUT_SOCKET_OVERSIZE);
    expect(new DataView(lastBody().buffer).getBigUint64(0, true)).toBe(BigInt(TL_MAX_INPUT_BYTES + 5));
  });

  it("describe how a socket was closed", () => {
    core.socketClosed(0, AGENT, 1006, 401, "n\u00f6");
    expect(fake.inputs[0]?.tag).toBe((AGENT << 16) | TL_INPUT_SOCKET_CLOSED);
    const view = new DataView(lastBody().buffer);
    expect([view.getUint16(0, true), view.getUint16(2, true)]).toEqual([1006, 401]);
    expect(decode(lastBody().subarray(4))).toBe("n\u00f6");
  });

  it("carry the headers of an answer behind its status", () => {
    core.httpHeaders(0, 3, 429, { "retry-after": "n\u00f6" });
    expect(fake.inputs[0]?.tag).toBe((3 << 16) | TL_INPUT_HTTP_HEADERS);
    const view = new DataView(lastBody().buffer);
    expect([view.getUint16(0, true), view.getUint16(2, true)]).toEqual([429, 0]);
    expect(JSON.parse(decode(lastBody().subarray(4)))).toEqual({ "retry-after": "n\u00f6" });
  });

  it("carry chunks, their end and their failure", () => {
    core.httpChunk(0, 3, Uint8Array.of(1, 2, 255));
    expect([...lastBody()]).toEqual([1, 2, 255]);
    core.httpDone(0, 3);
    expect(lastBody()).toHaveLength(0);
    core.httpFailed(0, 3, "tooLarge", "n\u00f6");
    expect([...lastBody()]).toEqual([3, ...new TextEncoder().encode("n\u00f6")]);
    expect(fake.inputs.map(({ tag }) => tag)).toEqual([
      (3 << 16) | TL_INPUT_HTTP_CHUNK,
      (3 << 16) | TL_INPUT_HTTP_DONE,
      (3 << 16) | TL_INPUT_HTTP_FAILED,
    ]);
  });

  it.each([
    ["upstream", 0],
    ["network", 1],
    ["timeout", 2],
    ["tooLarge", 3],
  ] as const)("carry the failure %s as %i", (failure, number) => {
    core.httpFailed(0, 3, failure, "");
    expect([...lastBody()]).toEqual([number]);
  });

  it("carry a resource behind its name, or that there is none", () => {
    core.resource(0, "m\u00fcsic", Uint8Array.of(9, 8));
    expect(fake.inputs[0]?.tag).toBe(TL_INPUT_RESOURCE);
    expect([...lastBody()]).toEqual([1, 0, 6, 0, ...new TextEncoder().encode("m\u00fcsic"), 9, 8]);
    core.resource(0, "x", undefined);
    expect([...lastBody()]).toEqual([0, 0, 1, 0, 0x78]);
    core.resource(0, "x", new Uint8Array(MAX_RESOURCE_BYTES - 1));
    expect(lastBody()).toHaveLength(TL_MAX_INPUT_BYTES);
  });

  it("go through fresh views when the memory has grown", () => {
    core.socketText(0, LEG, "before");
    fake.memory.grow(1);
    core.socketClosed(0, LEG, 1006, 0, "after");
    expect(decode(lastBody().subarray(4))).toBe("after");
    fake.memory.grow(1);
    core.socketText(0, LEG, "and after");
    expect(decode(lastBody())).toBe("and after");
  });

  it("say that the time has come", () => {
    core.timer(5_000_000);
    expect(fake.inputs[0]).toMatchObject({ nowUs: 5_000_000n, tag: TL_INPUT_TIMER });
    expect(lastBody()).toHaveLength(0);
  });

  it.each([
    ["granted", 0],
    ["foreign", 1],
    ["expired", 2],
    ["used", 3],
    ["missing", 4],
  ] as const)("carry the verdict %s as %i", (verdict, number) => {
    core.authorized(0, verdict);
    expect(fake.inputs[0]?.tag).toBe(TL_INPUT_AUTHORIZED);
    expect([...lastBody()]).toEqual([number]);
  });

  it("are ignored after the end", () => {
    fake.statuses = [TL_ERR_ENDED];
    expect(() => core.socketText(0, LEG, "late")).not.toThrow();
  });

  it.each([TL_ERR_HANDLE, TL_ERR_INPUT, -99])("that are refused with %i are a trap", (status) => {
    fake.statuses = [status];
    expect(() => core.socketText(0, LEG, "x")).toThrow(CoreTrapError);
  });

  it("before the effects are drained are a trap", () => {
    fake.onInput = () => [record(TL_EFFECT_EVENT, 0, "{}")];
    core.timer(0);
    expect(() => core.timer(1)).toThrow(CoreTrapError);
  });

  it("turn a trap of the module into an error of its own", () => {
    fake.onInput = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    expect(() => core.timer(0)).toThrow(expect.objectContaining({ code: "core_trap", message: "unreachable" }));
  });
});

describe("commands", () => {
  it("are handed over, and a module that refuses one is broken", () => {
    expect(core.command(0, '{"id":1}')).toBe(true);
    expect(fake.inputs[0]?.tag).toBe(TL_INPUT_COMMAND);
    expect(decode(lastBody())).toBe('{"id":1}');
    fake.statuses = [TL_ERR_INPUT];
    expect(() => core.command(0, "{}")).toThrow(CoreTrapError);
  });

  it("that are too long are refused", () => {
    expect(core.command(0, "x".repeat(TL_MAX_INPUT_BYTES + 1))).toBe(false);
    expect(fake.inputs).toHaveLength(0);
  });
});

/** The body of a FETCH. */
function fetchBody(json: string, bytes: readonly number[]): Uint8Array {
  const text = new TextEncoder().encode(json);
  return Uint8Array.of(text.length & 0xff, text.length >> 8, 0, 0, ...text, ...bytes);
}

describe("drain", () => {
  const table: [Uint8Array, unknown[]][] = [
    [record(TL_EFFECT_SEND_TEXT, LEG, "h\u00e9"), ["sendText", 0, "h\u00e9"]],
    [record(TL_EFFECT_SEND_BINARY, AGENT, Uint8Array.of(1, 2)), ["sendBinary", 7, Uint8Array.of(1, 2)]],
    [record(TL_EFFECT_CONNECT, 0xffff, "{}"), ["connect", 0xffff, "{}"]],
    [record(TL_EFFECT_CLOSE, (4401n << 32n) | BigInt(AGENT), "no"), ["close", 7, 4401, "no"]],
    [record(TL_EFFECT_DEADLINE, 5_000_000_000_001n), ["deadline", 5_000_000_000_001]],
    [record(TL_EFFECT_DEADLINE, 2n ** 64n - 1n), ["deadline", Number.POSITIVE_INFINITY]],
    [record(TL_EFFECT_AUTHORIZE, 0, '{"a":1}'), ["authorize", '{"a":1}']],
    [record(TL_EFFECT_EVENT, 0, "[]"), ["event", "[]"]],
    [record(TL_EFFECT_RECORD, 2 ** 40 + 5, Uint8Array.of(1, 2)), ["record", 2 ** 40 + 5, Uint8Array.of(1, 2)]],
    [record(TL_EFFECT_FETCH, 3, fetchBody('{"a":1}', [0, 255])), ["fetch", 3, '{"a":1}', Uint8Array.of(0, 255)]],
    [record(TL_EFFECT_FETCH, 3, fetchBody("", [])), ["fetch", 3, "", new Uint8Array()]],
    [record(TL_EFFECT_FETCH_ABORT, 3), ["fetchAbort", 3]],
    [record(TL_EFFECT_FETCH_CREDIT, (0xffffffffn << 32n) | 3n), ["fetchCredit", 3, 0xffffffff]],
    [record(TL_EFFECT_LOAD_RESOURCE, 0, "music"), ["loadResource", "music"]],
    [record(TL_EFFECT_COMMAND_RESULT, 0, "{}"), ["commandResult", "{}"]],
    [record(TL_EFFECT_SNAPSHOT, 0, "s"), ["snapshot", "s"]],
    [record(TL_EFFECT_ENDED, 0, "{}"), ["ended", "{}"]],
  ];

  it.each(table)("decodes %#", (bytes, expected) => {
    fake.putRaw(bytes);
    expect(drain()).toEqual([expected]);
  });

  it("keeps the order and leaves nothing", () => {
    for (const [bytes] of table) fake.putRaw(bytes);
    expect(drain()).toEqual(table.map(([, effect]) => effect));
    expect(drain()).toEqual([]);
  });

  it("takes what follows tag 0 for padding", () => {
    fake.putRaw(record(TL_EFFECT_EVENT, 0, "1"));
    fake.putRaw(new Uint8Array(24));
    expect(drain()).toEqual([["event", "1"]]);
  });

  it("hands out bytes that outlive the core's buffer", () => {
    fake.putRaw(record(TL_EFFECT_SEND_BINARY, LEG, Uint8Array.of(9)));
    const [effect] = drain();
    new Uint8Array(fake.memory.buffer).fill(0);
    expect(effect).toEqual(["sendBinary", LEG, Uint8Array.of(9)]);
  });

  it("reads through a fresh view when the memory has grown", () => {
    fake.memory.grow(1);
    fake.putRaw(record(TL_EFFECT_EVENT, 0, "{}"));
    expect(drain()).toHaveLength(1);
  });

  it.each([
    ["an unknown tag", record(99)],
    ["a channel that there cannot be", record(TL_EFFECT_SEND_TEXT, 0x10000)],
    ["a request without the length of its JSON", record(TL_EFFECT_FETCH, 1, "abc")],
    ["a request that is cut short", record(TL_EFFECT_FETCH, 1, fetchBody("{}", []).subarray(0, 5))],
    ["a header that is cut short", new Uint8Array(8).fill(1)],
    ["a body that is cut short", record(TL_EFFECT_EVENT, 0, "x".repeat(64)).slice(0, 40)],
  ])("takes %s for a trap", (_, bytes) => {
    fake.putRaw(bytes);
    expect(() => drain()).toThrow(CoreTrapError);
  });
});

/** A module with a memory, `_initialize` of the given instructions, and `tl_abi_version` that answers 7. */
function tinyModule(initialize: readonly number[]): WebAssembly.Module {
  const section = (id: number, ...content: number[]) => [id, content.length, ...content];
  const body = (...instructions: number[]) => [instructions.length + 2, 0, ...instructions, 0x0b];
  const name = (text: string) => [text.length, ...Buffer.from(text)];
  // The types are those of workerd, which compiles no bytes.
  const compile = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;
  return new compile(
    Uint8Array.of(
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, 2, 0x60, 0, 0, 0x60, 0, 1, 0x7f),
      ...section(3, 2, 0, 1),
      ...section(5, 1, 0, 1),
      ...section(7, 3, ...name("memory"), 2, 0, ...name("_initialize"), 0, 0, ...name("tl_abi_version"), 0, 1),
      ...section(10, 2, ...body(...initialize), ...body(0x41, 7)),
    ),
  );
}

describe("a real instance", () => {
  const Nop = 0x01;
  const Unreachable = 0x00;

  it("is instantiated without imports and asked for its boundary", () => {
    expect(() => Core.instantiate(tinyModule([Nop]))).toThrow("the module has boundary 7, not 3");
  });

  it("that traps is reported as a trap", () => {
    expect(() => Core.instantiate(tinyModule([Unreachable]))).toThrow(
      expect.objectContaining({ code: "core_trap", cause: expect.any(WebAssembly.RuntimeError) }),
    );
  });
});
