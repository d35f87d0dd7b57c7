// Numbers that callers say: a card's typed digits were withheld, and its spoken ones kept.

import { describe, expect, it } from "vitest";
import { TL_EFFECT_ENDED, TL_EFFECT_EVENT } from "../../../worker-shim/abi.generated.ts";
import { captions } from "../../../worker-shim/captions.ts";
import type { Sinks } from "../../../worker-shim/deliveries.ts";
import { DigitRedactor, redactDigits, redactEvent } from "../../../worker-shim/digit-redaction.ts";
import { record } from "../../support/fake-core.ts";
import { CALL, World } from "./support/call-world.ts";
import { FakeSocket } from "./support/fakes.ts";

const DIGITS = /[\p{N}\u{1f51f}]/u;

describe("a long number", () => {
  it.each([
    "4242424242424242",
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    "4242.4242.4242.4242",
    "4242, 4242, 4242, 4242.",
    "4242 - 4242 - 4242 - 4242",
    "3782 822463 10005",
    "(555) 010-2222",
    "+1 555 010 2222",
    "123-45-6789",
    "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
    "4242 and 4242 um 4242, uh, 4242",
    "4242\u20104242\u20134242\u00b74242",
    "\u0664\u0662\u0664\u0662 \u0664\u0662\u0664\u0662 \u0664\u0662\u0664\u0662",
    "4242 forty two forty two 4242 42 forty-two",
    "4242? 4242! 4242?",
    "4242\u2026 4242\u2026 4242",
    "4242 | 4242 = 4242][4242",
    "4242 \u2212 4242\u200b4242",
    "4242 (pause) 4242 hmm, 4242",
    "4242&nbsp;4242%204242",
    // Full-width, circled, parenthesised, with a full stop, raised, Roman, as emoji.
    "\uff14\uff12\uff14\uff12 \uff14\uff12\uff14\uff12 \uff14\uff12",
    "\u2463\u2461\u2463\u2461\u2463\u2461\u2463\u2461\u2463",
    "\u2463 \u2461 \u2463 \u2461 \u24ea \u2461 \u2463 \u2461 \u2463",
    "\u2477\u2475\u2477\u2475\u2477\u2475\u2477\u2475\u2477",
    "\u248b\u2489 \u248b\u2489 \u248b\u2489 \u248b\u2489 \u248b",
    "\u2779\u2777\u2779\u2777\u2779\u2777\u2779\u2777\u2779",
    "\u2463\u2461 42 \u2074\u00b2 42 \u2163\u2161",
    "4\ufe0f\u20e32\ufe0f\u20e34\ufe0f\u20e32\ufe0f\u20e34\ufe0f\u20e32\ufe0f\u20e34\ufe0f\u20e32\ufe0f\u20e34\ufe0f\u20e3",
    "4\u20e3 2\u20e3 4\u20e3 2\u20e3 4\u20e3 2\u20e3 4\u20e3 2\u20e3 \u{1f51f}",
    "4242, you know, 4242, let me see, 4242",
    `[\n${" ".repeat(40)}4242,\n${" ".repeat(40)}4242,\n${" ".repeat(40)}"4242"\n]`,
    `4242\n\n\n\n\n\n\n\n\n\n\n\n\n4242${"\t".repeat(30)}-${"\t".repeat(30)}4242`,
  ])("is masked however it is written: %s", (number) => {
    for (const text of [number, `my card is ${number}, thanks`, `${number}`, `x${number}`]) {
      const redacted = redactDigits(text, "long");
      expect(redacted).not.toMatch(DIGITS);
      expect(redacted).not.toContain("forty");
      expect(redacted.match(/#/g)?.length).toBeGreaterThanOrEqual(9);
    }
    expect(redactDigits(`my card is ${number}, thanks`, "long")).toMatch(/^my card is .*, thanks$/s);
    expect(redactDigits(number, "off")).toBe(number);
  });

  it.each([
    "four two four two four two four two",
    "quadruple nine double four one",
    "Four. Two. Four. Two. Four. Two. Four.",
    "forty-two forty-two forty-two forty-two",
    "double four triple oh seven six",
    "four one one o five one two",
    "one two three, uh, four five and six seven",
    "five five five, oh one oh, two two two two",
  ])("is masked when it is in words: %s", (number) => {
    expect(redactDigits(`it is ${number} I think`, "long")).toMatch(/^it is [#\s.,uhand-]+ I think$/);
  });

  it.each([
    "five, you know, five, um, five, five, I mean, nine, five, five",
    "five five wait sorry nine five okay five five right yes five",
    "four two... let me see... four two. Hold on, four two, and then four two",
  ])("is masked with what is said between its words: %s", (number) => {
    const redacted = redactDigits(`it is ${number} at home`, "long");
    expect(redacted).toMatch(/^it is # ?#?.* at home$|^it is #, .* at home$/);
    expect(redacted).not.toMatch(/five|four|two|nine/);
    expect(redacted.match(/#/g)).toHaveLength(number.match(/five|four|two|nine/g)?.length ?? 0);
  });

  it.each([
    "I want 3 of them by 5 p.m. on the 12th",
    "four or five, at twenty past nine",
    "in 2026, about 1,500",
    "room 404",
    "one moment, two of us are here",
    "call me at 9 or at 10 or at 11",
    "well, you know, I mean, one or two of them, so let me see",
    "\u2460 open the lid, \u2461 press \u00bd a second",
    "",
  ])("is none of these: %s", (text) => {
    expect(redactDigits(text, "long")).toBe(text);
  });

  // As JSON may write it; the arguments of a tool's call are such a text.
  it.each([
    ['{"card":"\\u0034\\u0032\\u0034\\u0032\\u0034\\u0032\\u0034\\u0032"}', '{"card":"########"}'],
    ['{"card":"42\\u00342 4\\u0032424242"}', '{"card":"#### ########"}'],
    ['{"card":"4242\\n4242\\t4242\\u00a04242"}', '{"card":"####\\n####\\t####\\u00a0####"}'],
    ['{"card":"4242\\/4242\\u002d4242"}', '{"card":"####\\/####\\u002d####"}'],
    ['{"card":"\\ud835\\udfd2\\ud835\\udfd0424242"}', '{"card":"########"}'],
    ['{"card":"\\u0066our two four two \\u0066our two four"}', '{"card":"# # # # # # #"}'],
    [
      '{\\n                "cards": [\\n                  4242,\\n                  4242\\n',
      '{\\n                "cards": [\\n                  ####,\\n                  ####\\n',
    ],
    ['{"cards":["4242","4242", "42424242"]}', '{"cards":["####","####", "########"]}'],
    ['{"inner":"{\\"card\\":\\"\\\\u0034242424242\\"}"}', '{"inner":"{\\"card\\":\\"##########\\"}"}'],
    // Nothing of it is changed but digits.
    ['{"path":"C:\\\\u","note":"\\u00e9\\"x\\ud83d","n":12', '{"path":"C:\\\\u","note":"\\u00e9\\"x\\ud83d","n":12'],
    ["\\", "\\"],
    ["4242424\\u12", "#######\\u12"],
  ])("is masked when it is escaped: %s", (text, redacted) => {
    expect(redactDigits(text, "long")).toBe(redacted);
    const { stored } = redactEvent(JSON.stringify({ type: "toolCall", atMs: 5, seq: 1, arguments: text }), "long");
    expect(JSON.parse(stored)).toMatchObject({ arguments: redacted });
  });

  it("is every digit where all are", () => {
    expect(redactDigits("room 404, PIN 12 34, one moment", "all")).toBe("room ###, PIN ## ##, one moment");
  });
});

describe("a long number in other numerals", () => {
  const numerals =
    /[\p{N}\u96f6\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5e7a\u4e24\u5169\u5341\u767e\u5343\u4e07\u842c\u4ebf\u5104\u5eff\u5345\u58f9\u58f1\u5f0c\u8d30\u8cb3\u8cae\u5f10\u5f0d\u53c1\u53c4\u53c3\u53c2\u5f0e\u8086\u4f0d\u9646\u9678\u67d2\u634c\u7396\u62fe\u4f70\u4edf]/u;

  it.each([
    "\u56db\u4e8c\u56db\u4e8c\u56db\u4e8c\u56db\u4e8c\u56db",
    "\u56db\u4e8c\u56db\u4e8c \u56db\u4e8c\u56db\u4e8c \u56db\u4e8c\u56db\u4e8c",
    "\u56db\u3001\u4e8c\u3001\u56db\u3001\u4e8c\u3001\u56db\u3001\u4e8c\u3001\u56db\u3001\u4e8c\u3001\u56db",
    "\u56db\u4e8c\u56db\u4e8c\uff0c\u55ef\uff0c\u56db\u4e8c\u56db\u4e8c\uff0c\u90a3\u4e2a\uff0c\u56db\u4e8c\u56db\u4e8c",
    "\u8086\u8d30\u8086\u8d30\u8086\u8d30\u8086\u8d30\u8086",
    "\u8086\u8cb3\u8086\u8cb3\u8086\u8cb3\u8086\u8cb3\u8086",
    "\u58f1\u5f10\u53c2\u58f1\u5f10\u53c2\u58f1\u5f10\u53c2",
    "\u3007\u4e09\u306e\u4e00\u4e8c\u4e09\u56db\u306e\u4e94\u516d\u4e03\u516b",
    "\u5e7a\u4e09\u516b\u96f6\u96f6\u5e7a\u4e09\u516b\u96f6\u96f6\u96f6",
    "\u96f6\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d",
    "4\u4e8c4\u4e8c4\u4e8c4\u4e8c4\u4e8c",
    "\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12",
    "\u56db\u5343\u4e8c\u767e\u56db\u5341\u4e8c\u4e07\u56db\u5343\u4e8c\u767e\u56db\u5341\u4e8c",
    "\u0664\u0662\u0664\u0662\u0664\u0662\u0664\u0662\u0664",
    "\u06f4\u06f2\u06f4\u06f2 \u06f4\u06f2\u06f4\u06f2 \u06f4",
    "\u096a\u0968\u096a\u0968-\u096a\u0968\u096a\u0968-\u096a",
    "\u09ea\u09e8\u09ea\u09e8\u09ea\u09e8\u09ea\u09e8\u09ea",
    "\u0e54\u0e52\u0e54\u0e52 \u0e54\u0e52\u0e54\u0e52 \u0e54",
  ])("is masked in the midst of its language's words, which may have no spaces: %s", (number) => {
    for (const how of ["long", "all"] as const)
      for (const [before, behind] of [
        ["", ""],
        ["\u6211\u7684\u5361\u53f7\u662f", "\u8c22\u8c22"],
        ["my card is ", ", thanks"],
      ] as const) {
        const redacted = redactDigits(before + number + behind, how);
        expect(redacted).not.toMatch(numerals);
        expect(redacted.startsWith(before) && redacted.endsWith(behind)).toBe(true);
        expect(redacted.match(/#/g)?.length).toBeGreaterThanOrEqual(9);
      }
    const escaped = [...number].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
    const written = redactDigits(`{"card":"${escaped}"}`, "long");
    expect((JSON.parse(written) as { card: string }).card).not.toMatch(numerals);
    const event = JSON.stringify({ type: "line", atMs: 5, seq: 1, role: "caller", said: number, heard: number });
    const { said, heard } = JSON.parse(redactEvent(event, "long").stored) as { said: string; heard: string };
    expect(said + heard).not.toMatch(numerals);
  });

  it.each([
    "\u4e00\u4e5d\u516b\u56db\u5e74\u5341\u4e00\u6708\u4e8c\u5341\u516b\u65e5",
    "\u4e8c\u5343\u4e8c\u5341\u516d\u5e74",
    "\u8bf7\u7b49\u4e00\u7b49\uff0c\u4e00\u5b9a\u4e00\u8d77\u53bb",
    "\u4e09\u4e09\u4e24\u4e24\uff0c\u4e00\u4e2a\u4eba",
    "\u6211\u8981\u4e09\u4e2a\uff0c\u4ed6\u8981\u56db\u4e2a\uff0c\u4e94\u70b9\u89c1",
  ])("is none of these: %s", (text) => {
    expect(redactDigits(text, "long")).toBe(text);
  });

  it("is every row of such digits where all are, and no word that one of them begins", () => {
    expect(redactDigits("\u5bc6\u7801\u662f\u56db\u4e8c\u56db\u4e8c", "all")).toBe("\u5bc6\u7801\u662f####");
    expect(redactDigits("\u4e00\u5b9a\uff0c\u7b49\u4e00\u7b49", "all")).toBe("\u4e00\u5b9a\uff0c\u7b49\u4e00\u7b49");
    expect(redactDigits("PIN \u56db\u3001\u4e8c \u56db \u4e8c", "all")).toBe("PIN #\u3001# # #");
  });

  it("is masked digit by digit while it is said", () => {
    const piece = JSON.stringify({
      type: "transcript",
      atMs: 5,
      seq: 1,
      role: "caller",
      final: false,
      text: "\u662f\u56db",
    });
    expect(JSON.parse(redactEvent(piece, "long").stored)).toMatchObject({ text: "\u662f#" });
  });
});

// "uhh" and "mhm" ended a number that "uh" did not.
describe("a long number with hesitation in it", () => {
  it.each([
    ...[
      "uhh",
      "uhhh",
      "ummm",
      "umm",
      "mhm",
      "mmhmm",
      "mhmm",
      "hmmmm",
      "mmm",
      "errr",
      "ermm",
      "ehh",
      "ahhh",
      "uhm",
      "ehm",
      "ahm",
    ],
    ...[
      "huh",
      "uh-huh",
      "mm-hmm",
      "uhhuh",
      "ohh",
      "ooh",
      "aha",
      "Ummm",
      "UHH",
      "sooo",
      "wellll",
      "okayyy",
      "yesss",
      "anddd",
    ],
    ...["uhh, ummm", "like, ummm, you know", "dashhh"],
  ])("is masked: 4242 %s 4242", (filler) => {
    for (const number of [`4242 ${filler} 4242 ${filler} 42`, `4242, ${filler}, 4242... ${filler}... 42`]) {
      const redacted = redactDigits(`it is ${number} at home`, "long");
      expect(redacted).toBe(`it is ${number.replaceAll(/\d/g, "#")} at home`);
    }
    const words = redactDigits(`it is four two ${filler} four two ${filler} four two four at home`, "long");
    expect(words).toBe(`it is # # ${filler} # # ${filler} # # # at home`);
  });

  it("is masked where its words are drawn out", () => {
    expect(redactDigits("fiiive threee sevennn, fourrr ooone niiine eighttt", "long")).toBe("# # #, # # # #");
  });

  it.each([
    "a teen of 4242 and a mummy of 4242",
    "4242 add 4242",
    "4242 humm 4242 offf 42",
    "teen teen teen teen teen teen teen",
  ])("is none of these: %s", (text) => {
    expect(redactDigits(text, "long")).toBe(text);
  });
});

describe("an event", () => {
  const number = "4242 4242 4242 4242";
  const event = (fields: object) => JSON.stringify({ atMs: 5, seq: 1, ...fields });

  it.each([
    { type: "line", role: "caller", said: number, heard: number },
    { type: "line", role: "agent", said: `you said ${number}`, heard: "you said 4242 4242" },
    { type: "line", role: "tool", arguments: `{"card":"${number}"}`, result: `{"card":4242424242424242}` },
    { type: "transcript", role: "caller", final: true, text: number },
    // A piece of a number.
    { type: "transcript", role: "caller", final: false, text: " 42" },
    { type: "transcript", role: "caller", final: false, text: "four" },
  ])("has no such number in any field: %j", (fields) => {
    const { stored, shown } = redactEvent(event(fields), "long");
    expect(shown).toBe(stored);
    expect(stored).not.toMatch(/42|four/);
    expect(JSON.parse(stored)).toMatchObject({ type: fields.type, role: fields.role, atMs: 5, seq: 1 });
  });

  // What a provider says of a failure quotes what it was given.
  it.each([
    `Invalid value: '${number}'.`,
    `Could not parse {"card":"\\u0034242 4242 4242 4242"}`,
    "the caller said four two four two four two four",
  ])("of an agent that failed has none in what the provider says: %s", (message) => {
    const json = event({ type: "agentFailed", code: "invalid_value", param: `item_${number}`, message, fatal: false });
    const { stored, shown } = redactEvent(json, "long");
    expect(shown).toBe(stored);
    expect(stored).not.toMatch(/42|four/);
    expect(JSON.parse(stored)).toMatchObject({
      code: "invalid_value",
      param: "item_#### #### #### ####",
      fatal: false,
    });
  });

  it("of an error of the provider's has none either, and keeps what it is", () => {
    const fields = { type: "fault", source: "agent", code: "peerError", count: 1, toolCallId: "k4242424242" };
    const said = { error: "http_429", param: `item_${number}`, message: `No ${number}.` };
    const { stored, shown } = redactEvent(event({ ...fields, ...said }), "long");
    expect(shown).toBe(stored);
    expect(JSON.parse(stored)).toMatchObject({
      ...fields,
      error: "http_429",
      param: "item_#### #### #### ####",
      message: "No #### #### #### ####.",
    });
  });

  it("of an agent that failed keeps its code and where it is, whose digits are nobody's", () => {
    const fields = { type: "agentFailed", code: "http_429", param: "tools[3]", message: "Wait 20 s.", fatal: true };
    const { stored } = redactEvent(event(fields), "all");
    expect(JSON.parse(stored)).toMatchObject({ ...fields, message: "Wait ## s." });
  });

  it("of a text that was not said has no such number either", () => {
    const json = event({ type: "notSaid", text: `Your card is ${number}.`, reason: "failed" });
    const { stored, shown } = redactEvent(json, "long");
    expect(shown).toBe(stored);
    expect(JSON.parse(stored)).toMatchObject({ text: "Your card is #### #### #### ####.", reason: "failed" });
  });

  it("of a tool's call is kept without, and shown with it to whoever answers", () => {
    const json = event({ type: "toolCall", toolCallId: "k", arguments: `{"card":"${number}"}` });
    const { stored, shown } = redactEvent(json, "long");
    expect(shown).toBe(json);
    expect(stored).not.toContain("4242");
  });

  it.each([
    { type: "state", from: "setup", to: "connecting" },
    { type: "usage", inputTokens: 12_345_678 },
    { type: "started", carrierCallId: "CA12345678901234567890" },
  ])("is left alone without words: %j", (fields) => {
    const json = event(fields);
    expect(redactEvent(json, "all")).toEqual({ stored: json, shown: json });
  });

  it("survives half a surrogate pair", () => {
    const { stored } = redactEvent(event({ type: "line", role: "caller", said: `\ud83d ${number}` }), "long");
    expect(JSON.parse(stored)).toMatchObject({ role: "caller", said: "\ud83d #### #### #### ####" });
  });
});

it.each(["long", "all"] as const)("reaches nobody by any way where the profile says %s", async (redaction) => {
  const told: unknown[] = [];
  const sinks: Sinks = {
    callLog: {
      write: async (log) => {
        told.push(log);
      },
      delete: async () => undefined,
      forgetRecording: async () => undefined,
    },
    supabase: {
      write: async (log) => {
        told.push(log);
      },
      redact: async () => undefined,
      delete: async () => undefined,
    },
    webhook: {
      send: async (_, body) => {
        told.push(body);
      },
    },
  };
  const world = new World({ PROFILE: { redactDigits: redaction } }, sinks);
  await world.call.prepare(CALL);
  const leg = new FakeSocket();
  expect(world.call.attachLeg(leg)).toBe("taken");
  const observer = new FakeSocket();
  world.call.observe(observer);
  const said = "4242 4242 4242 4242";
  const line = { type: "line", atMs: 10, seq: 0, role: "caller", line: 1, startMs: 0, endMs: 9, said, heard: said };
  const ended = { callId: "c1", reason: "callerHangUp", durationMs: 7 };
  world.onInput = () => [
    record(TL_EFFECT_EVENT, 0, JSON.stringify({ ...line, text: "final" })),
    record(TL_EFFECT_ENDED, 0, JSON.stringify(ended)),
  ];
  leg.emit("message", { data: "x" });
  await world.pass(10_000);
  // The webhook twice: that it began, and that it ended.
  expect(told).toHaveLength(4);
  const [log] = told.filter((one) => typeof one === "object") as [
    { turns: { role: string; text: string; startMs: number; endMs: number; recordingMs: null }[] },
  ];
  expect(log.turns[0]?.text).toBe("#### #### #### ####");
  const cues = captions(
    log.turns.map((turn) => ({ ...turn, recordingMs: 0 })),
    60_000,
  );
  expect(cues).toContain("#### #### #### ####");
  const stored = world.sql.exec("SELECT * FROM batch").toArray();
  const everything = JSON.stringify([told, observer.sent, stored, world.call.events(), cues]);
  expect(everything).not.toContain("4242");
});

// An interruption in the middle of a card's number left its first four digits in what was heard.
describe("a provider's message that was cut", () => {
  const cut = (message: string, how: "long" | "all" = "long") => {
    const kept = message.slice(0, 300);
    const messages = ["agentFailed", "fault"].map((type) => {
      const { stored } = redactEvent(JSON.stringify({ type, code: "c", message: kept, fatal: false }), how);
      return (JSON.parse(stored) as { message: string }).message;
    });
    expect(messages[1]).toBe(messages[0]);
    return messages[0] ?? "";
  };

  it.each([1, 2, 4, 6, 7, 9, 12, 19])("has no digit of the number at its end: %i of it are left", (left) => {
    const before = `${"x".repeat(300 - left - 1)} `;
    const message = cut(`${before}4242 4242 4242 4242`);
    expect(message).toBe(before + "4242 4242 4242 4242".slice(0, left).replace(/\d/g, "#"));
    expect(cut(`${before}4242 4242 4242 4242`, "all")).toBe(message);
  });

  it.each([1, 2, 3, 4, 5, 9, 16, 22])("nor one in words: %i characters of it are left", (left) => {
    const before = `${"x".repeat(300 - left - 1)} `;
    const message = cut(`${before}four two four two four two four two`);
    expect(message.slice(before.length)).toMatch(/^[# ]+$/);
  });

  it("is seen by its bytes, up to three of which did not hold another character", () => {
    for (const bytes of [297, 298, 299, 300]) {
      const before = `${"\u00e4".repeat(100)}${"x".repeat(bytes - 200 - 5)} `;
      expect(cut(`${before}4242`)).toBe(`${before}####`);
    }
  });

  it("is cut as a line is that holds too much", () => {
    const said = `${"x".repeat(8 * 1024 - 5)} 4242`;
    const fields = { type: "line", role: "agent", said, heard: said.slice(0, -2), arguments: said };
    const { stored } = redactEvent(JSON.stringify(fields), "long");
    expect(stored).not.toMatch(/4/);
    expect(JSON.parse(stored)).toMatchObject({ said: said.replace("4242", "####") });
  });

  it("is another than a short one, which has its room number", () => {
    expect(cut(`${"x".repeat(280)} room 404`)).toBe(`${"x".repeat(280)} room 404`);
    expect(cut(`${"x".repeat(120)} room 404 ${"x".repeat(300)}`)).toContain("room 404");
  });
});

describe("a word for a number that comes in pieces", () => {
  const said = (redactor: DigitRedactor, text: string, fields: object = {}) => {
    const json = JSON.stringify({ type: "transcript", role: "caller", item: "u1", final: false, text, ...fields });
    return (JSON.parse(redactor.redact(json).stored) as { text: string }).text;
  };

  it.each([
    [
      ["fi", "ve"],
      ["", "#"],
    ],
    [
      [" fi", "ve", " six"],
      [" ", "#", " "],
    ],
    [
      ["f", "i", "v", "e", "."],
      ["", "", "", "#", "."],
    ],
    [
      [" seven", "ty two"],
      [" ", "# #"],
    ],
    [
      [" thir", "teen and fo"],
      [" ", "# and "],
    ],
    [
      ["I'll be on", " the fi", "rst"],
      ["I'll be ", "on the ", "first"],
    ],
    [
      ["tw", "elve", "th"],
      ["", "#", ""],
    ],
    [
      ["One", " moment"],
      ["#", " moment"],
    ],
    [
      ["4", "2 and ", "\u2460"],
      ["#", "# and ", "#"],
    ],
  ])("is masked when the piece that ends it is here: %j", (pieces, shown) => {
    for (const how of ["long", "all"] as const) {
      const redactor = new DigitRedactor(how);
      expect(pieces.map((piece) => said(redactor, piece))).toEqual(shown);
    }
  });

  it("waits for its own item, and for no longer than the item's text", () => {
    const redactor = new DigitRedactor("long");
    expect(said(redactor, "fi")).toBe("");
    expect(said(redactor, "ve", { item: "a1", role: "agent" })).toBe("ve");
    expect(said(redactor, "ve")).toBe("#");
    expect(said(redactor, "si")).toBe("");
    expect(said(redactor, "five six", { final: true })).toBe("five six");
    expect(said(redactor, "x")).toBe("x");
  });

  it("does not fill memory", () => {
    const redactor = new DigitRedactor("long");
    for (let i = 0; i < 100; i++) said(redactor, "fi", { item: `u${i}` });
    expect(said(redactor, "ve", { item: "u99" })).toBe("#");
    expect(said(redactor, "ve", { item: "u0" })).toBe("ve");
  });

  it("is masked in the events of a call", async () => {
    const world = new World({ PROFILE: { redactDigits: "long" } });
    await world.call.prepare(CALL);
    const leg = new FakeSocket();
    world.call.attachLeg(leg);
    const piece = (text: string) =>
      record(
        TL_EFFECT_EVENT,
        0,
        JSON.stringify({ type: "transcript", atMs: 5, role: "caller", item: "u", final: false, text }),
      );
    for (const text of ["it is fo", "ur", " fi", "ve"]) {
      world.onInput = () => [piece(text)];
      leg.emit("message", { data: "x" });
    }
    const texts = (world.call.events() ?? []).map((json) => (JSON.parse(json) as { text: string }).text);
    // "four" may be fourteen.
    expect(texts).toEqual(["it is ", "", "# ", "#"]);
  });
});

describe("what was heard of a number that was said", () => {
  const said = "your card is 4111 1111 1111 1111, right";
  const lineOf = (heard: string, text = said) =>
    JSON.parse(redactEvent(JSON.stringify({ type: "line", said: text, heard }), "long").stored) as { heard: string };

  it("is masked as far as it goes", () => {
    const redacted = redactDigits(said, "long");
    for (let length = 0; length <= said.length; length++)
      expect(lineOf(said.slice(0, length)).heard).toBe(redacted.slice(0, length));
  });

  it("is masked where the number is in words", () => {
    const words = "it is four two four two four two four two";
    expect(lineOf("it is four two", words).heard).toBe("it is # #");
    expect(lineOf("it is four tw", words).heard).toBe("it is # #");
  });

  it("is masked where a character of it is two digits", () => {
    const tens = "it is \u2469\u246a \u246b\u246c";
    expect(lineOf("it is \u2469\u246a \u246b", tens).heard).toBe("it is #### #");
    expect(lineOf(tens, tens).heard).toBe("it is #### ####");
  });

  it("stays as it is where the number is none of somebody's", () => {
    expect(lineOf("room 40", "room 404 is yours").heard).toBe("room 40");
  });

  it("is judged by itself where it is no beginning of what was said", () => {
    expect(lineOf("card 4242424242", said).heard).toBe("card ##########");
  });
});
