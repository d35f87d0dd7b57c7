import { describe, expect, it } from "vitest";
import { parseJson } from "../../../worker-shim/json-text.ts";

describe("JSON", () => {
  it.each([
    ['{"a":1,"a":1}', "a"],
    ['{"a":1,"b":{"a":2},"a":3}', "a"],
    ['{"b":{"a":{"c":[{"x":1,"x":2}]}}}', "x"],
    ['[{"a":1},{"a":[],"b":",","a":2}]', "a"],
    ['{"a":1,"\\u0061":2}', "a"],
    ['{"a\\"b":1, "a\\"b" : 2}', 'a"b'],
    ['{"":1,"":2}', ""],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
    [`{${Array.from({ length: 5_000 }, (_, i) => `"k${i}":${i}`).join()},"k17":0}`, "k17"],
  ])("with a key twice is known by it: %#", (text, key) => {
    expect(parseJson(text)).toEqual({ type: "doubledKey", key });
  });

  it.each([
    '{"a":{"a":1},"b":{"a":[{"a":2},{"a":3}]}}',
    '{"a":"a","b":"a:a,\\"a\\":1","A":"{"}',
    '["a","a",{"a":"\\\\"},"a"]',
    '"a"',
    "3",
    "null",
    ' { "a" : [ ] } ',
    `{"a":"${"x".repeat(200_000)}\\n${"y".repeat(200_000)}"}`,
  ])("without is what it is: %#", (text) => {
    expect(parseJson(text)).toEqual({ type: "value", value: JSON.parse(text) });
  });

  it("may be nested deep", () => {
    const deep = `${'[{"a":'.repeat(2_000)}1${"}]".repeat(2_000)}`;
    expect(parseJson(deep).type).toBe("value");
    expect(parseJson(`[${deep},{"a":1,"a":2}]`)).toEqual({ type: "doubledKey", key: "a" });
  });

  it.each(["", "{", '{"a"}', '{"a":1,}', '{"a":1,"a":}'])("that is none is refused: %s", (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });
});
