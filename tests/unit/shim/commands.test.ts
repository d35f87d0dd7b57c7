import { describe, expect, it } from "vitest";
import { refuseCommand } from "../../../worker-shim/commands.ts";
import { jsonExcess, MAX_JSON_LEVELS, MAX_JSON_VALUES } from "../../../worker-shim/schemas.ts";

/** `levels` lists, one in the other; built without recursion, as a parser builds it. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { value };
  return value;
}

describe("a value for the core", () => {
  it("is taken up to the bounds", () => {
    expect(jsonExcess(nested(MAX_JSON_LEVELS))).toBeUndefined();
    expect(jsonExcess(Array(MAX_JSON_VALUES - 1).fill(0))).toBeUndefined();
    expect(jsonExcess(nested(MAX_JSON_LEVELS), nested(MAX_JSON_LEVELS))).toBeUndefined();
  });

  it("is too much beyond, however far", () => {
    expect(jsonExcess(nested(MAX_JSON_LEVELS + 1))).toBe("must not be nested deeper than 24 levels");
    expect(jsonExcess(nested(200_000))).toBe("must not be nested deeper than 24 levels");
    expect(jsonExcess(Array(MAX_JSON_VALUES).fill(0))).toBe("must not have more than 8000 values in it");
    const half = Array(MAX_JSON_VALUES / 2).fill(0);
    expect(jsonExcess(half)).toBeUndefined();
    expect(jsonExcess(half, half)).toBe("must not have more than 8000 values in it");
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
  ])("that the core must not see is refused by the field: %#", (command, field) => {
    expect(refuseCommand(command)).toMatchObject({ status: "refused", code: "invalid", field });
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
    {},
  ])("goes to the core: %#", (command) => {
    expect(refuseCommand(command)).toBeUndefined();
  });
});
