import { describe, expect, it } from "vitest";
import { refuseCommand } from "../../../worker-shim/commands.ts";
import { jsonFault, MAX_JSON_LEVELS, MAX_JSON_VALUES } from "../../../worker-shim/schemas.ts";

/** `levels` lists, one in the other; built without recursion, as a parser builds it. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { value };
  return value;
}

describe("a value for the core", () => {
  it("is taken up to the bounds", () => {
    expect(jsonFault(nested(MAX_JSON_LEVELS))).toBeUndefined();
    expect(jsonFault(Array(MAX_JSON_VALUES - 1).fill(0))).toBeUndefined();
    expect(jsonFault(nested(MAX_JSON_LEVELS), nested(MAX_JSON_LEVELS))).toBeUndefined();
  });

  it("is too much beyond, however far", () => {
    expect(jsonFault(nested(MAX_JSON_LEVELS + 1))).toBe("must not be nested deeper than 24 levels");
    expect(jsonFault(nested(200_000))).toBe("must not be nested deeper than 24 levels");
    expect(jsonFault(Array(MAX_JSON_VALUES).fill(0))).toBe("must not have more than 8000 values in it");
    const half = Array(MAX_JSON_VALUES / 2).fill(0);
    expect(jsonFault(half)).toBeUndefined();
    expect(jsonFault(half, half)).toBe("must not have more than 8000 values in it");
  });
});

describe("a command", () => {
  it.each([
    [{ type: "say", text: nested(31) }, "text"],
    [{ type: nested(60) }, "type"],
    [{ type: "say", text: Array(17_000).fill(1) }, "text"],
    [{ type: "toolResult", toolCallId: "a", output: nested(5000) }, "output"],
    [{ type: "say", text: "a", loud: true }, "loud"],
    [{ type: "hangUp", __proto__: null, why: nested(100) }, "why"],
    [{ type: "switchAgent", agent: 1, at: 3 }, "at"],
  ])("that the core must not see is refused by the field: %#", (command, field) => {
    expect(refuseCommand(command)).toMatchObject({ status: "refused", code: "invalid", field });
  });

  // They were accepted, and the agent was asked to say nothing, or something else.
  it.each(["say", "toolResult"])("of %s with a text of nothing is refused by the field", (type) => {
    const fields: readonly string[] = type === "say" ? ["text"] : ["toolCallId", "output"];
    const good = type === "say" ? { type, text: "a" } : { type, toolCallId: "k", output: "a" };
    expect(refuseCommand(good)).toBeUndefined();
    for (const field of fields) {
      for (const text of [" ", "  \t\r\n ", "\u00a0\u2003", "\u0000", "\u0001\u001b\u007f", "\u200b\ufeff", "\u0301"])
        expect(refuseCommand({ ...good, [field]: text })).toMatchObject({
          code: "invalid",
          field,
          why: `${field} must not be blank`,
        });
      for (const text of ["\ud800", "a \udc00 b", "\ude00\ud83d"])
        expect(refuseCommand({ ...good, [field]: text })).toMatchObject({
          code: "invalid",
          field,
          why: expect.stringMatching(/surrogate/),
        });
    }
  });

  it.each([
    ["x", 16_384],
    ["\u00e9", 8_192],
    ["\ud83d\ude00", 4_096],
  ])("has of a tool's output so much and no more: %s", (sign, most) => {
    const give = (output: string) => refuseCommand({ type: "toolResult", toolCallId: "k", output });
    expect(give(sign.repeat(most))).toBeUndefined();
    expect(give(`${sign.repeat(most)}x`)).toEqual({
      ...{ status: "refused", code: "invalid", field: "output" },
      why: "output must have at most 16384 bytes",
    });
  });

  it.each(["a\u0000b", "\u0007ring", "a\u001b[1m", "x\u0085y"])("has no control characters to say: %j", (text) => {
    expect(refuseCommand({ type: "say", text })).toMatchObject({
      field: "text",
      why: "text must not have control characters",
    });
    // A tool may have put out anything.
    expect(refuseCommand({ type: "toolResult", toolCallId: "k", output: text })).toBeUndefined();
  });

  it.each([{ "a\ud800": 1 }, { a: ["x", { b: "\udfff" }] }])(
    "has half a character nowhere in a tool's output: %j",
    (output) => {
      expect(refuseCommand({ type: "toolResult", toolCallId: "k", output })).toMatchObject({ field: "output" });
    },
  );

  it.each(["line one\nline two\t!", "\ud83d\ude00", "...", " a ", "\u4f60\u597d", "5"])("says %j", (text) => {
    expect(refuseCommand({ type: "say", text })).toBeUndefined();
  });

  it.each([
    [{ type: "hangUp", reason: "rude" }, "reason is not known; there is only type"],
    [{ type: "say", text: "a", "": 1 }, '"" is not known; there are type, text'],
    [{ type: "say", "a b": nested(100) }, '"a b" must not be nested deeper than 24 levels'],
  ])("that is refused says what it may have: %#", (command, why) => {
    expect(refuseCommand(command)).toMatchObject({ status: "refused", code: "invalid", why });
  });

  it.each([
    { type: "say", text: "a" },
    { type: "toolResult", toolCallId: "a", output: nested(MAX_JSON_LEVELS) },
    // The core says what is wrong with these.
    { type: "sing" },
    { type: "say", text: [1] },
    { type: "say", text: "" },
    { type: "digits", digits: " " },
    {},
  ])("goes to the core: %#", (command) => {
    expect(refuseCommand(command)).toBeUndefined();
  });
});
