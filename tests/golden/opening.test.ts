// The door and the module that TRUNKLINE_WASM names agree on what a start is: one that the door takes and the core does
// not would use its token up for nothing.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { CoreExports } from "../../worker-shim/abi.generated.ts";
import { LEG_CHANNEL } from "../../worker-shim/boundary.ts";
import { readOpening } from "../../worker-shim/carriers/twilio/opening.ts";
import { Core } from "../../worker-shim/core.ts";
import { IgnoredEffects } from "../../worker-shim/effects.ts";
import type { StreamCredentials } from "../../worker-shim/ports.ts";

// The Worker's types know no constructors: there only the runtime compiles.
const Module = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;
const Instance = WebAssembly.Instance as unknown as new (
  module: WebAssembly.Module,
  imports: object,
) => { exports: unknown };

class Said extends IgnoredEffects {
  asked: StreamCredentials | undefined;
  closed: number | undefined;
  override authorize(credentials: string): void {
    this.asked = JSON.parse(credentials) as StreamCredentials;
  }
  override close(_channel: number, code: number): void {
    this.closed = code;
  }
}

const core = new Core(
  new Instance(new Module(readFileSync(process.env["TRUNKLINE_WASM"] ?? "")), {}).exports as CoreExports,
);

/** What the core makes of the first message of a stream. */
function coreReads(message: string): Said {
  const said = new Said();
  core.create(0, JSON.stringify({ callId: "opening", leg: "twilio", agent: "parrot" }));
  core.drain(said);
  core.socketOpened(0, LEG_CHANNEL, "");
  core.drain(said);
  core.socketText(0, LEG_CHANNEL, message);
  core.drain(said);
  core.destroy();
  return said;
}

/** Numbers as JSON may have them, and what is nearly one. */
const NUMBERS = [
  ...["8000", "8000.0", "8000.", "8e3", "80E2", "8.0e+3", "80000e-1", "08000", "+8000", "-8000", "-0", "0", "1", "1.0"],
  ...[
    "1e0",
    "2",
    "2.0",
    "9007199254740993",
    "18446744073709559616",
    "1e308",
    "1e309",
    "-1e999",
    "9".repeat(400),
    "NaN",
  ],
  ...[
    '"8000"',
    '"0000000000008000"',
    '"00000000000008000"',
    '" 8000"',
    '"8000.0"',
    '"1"',
    '""',
    '"-1"',
    "null",
    "true",
  ],
  ...['"\\u0038000"', '"\uff18\uff10\uff10\uff10"', "[8000]", '{"":8000}', '"1"', "[]", "{}"],
];
const TEXTS = [
  ...[
    '"audio/x-mulaw"',
    '"audio/x-alaw"',
    '"audio\\/x-mulaw"',
    '"AUDIO/X-MULAW"',
    '"audio/x-mulaw "',
    '"MZ1"',
    '"M\\u005a1"',
  ],
  ...[
    '""',
    '" "',
    `"${"a".repeat(64)}"`,
    `"${"a".repeat(65)}"`,
    '"a-_9"',
    '"a/b"',
    '"MZ1\\n"',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
  ],
  ...['"start"', '"\\u0073tart"', '"Start"', '"\u00e9"', '"\\x"', "'a'", '"\t"', "undefined"],
];
const VALUES = [...NUMBERS, ...TEXTS, " ", "\ufeff1", "1/**/", "\u00a01", "\u20281", '{"a":1,}', "[1,]"];
const NAMES = ["event", "start", "streamSid", "callSid", "mediaFormat", "encoding", "sampleRate", "channels"];

/** A start in which the first place of `name` says `value`, and the name is written as `written`. */
function* spoilt(): Generator<string> {
  const fields =
    '{"streamSid":"MZ1","callSid":"CA1","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}';
  const good = `{"event":"start","start":${fields},"customParameters":{"token":"t"}},"streamSid":"MZ1"}`;
  yield good;
  const place = (name: string) =>
    new RegExp(`"${name}":("[^"]*"|\\d+|\\{[^]*\\}(?=,"streamSid":"MZ1"\\}$)|\\{[^{}]*\\})`);
  for (const name of NAMES) {
    const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, "0")}${name.slice(1)}`;
    const former = place(name).exec(good)?.[1] ?? "";
    expect(former, name).not.toBe("");
    const replaced = (by: string) => good.replace(place(name), () => by);
    yield replaced('"x":1');
    yield replaced(`"${escaped}":${former}`);
    for (const value of VALUES) {
      yield replaced(`"${name}":${value}`);
      yield replaced(`"${escaped}":${value}`);
      yield replaced(`"${name}":${value},"${name}":${former}`);
      yield replaced(`"${name}":${former},"${name}":${value}`);
      yield replaced(`"${name}":${former},"${escaped}":${value}`);
      yield replaced(`"${name}":${former},"note":${value}`);
      yield replaced(`"${name}" :\n${value}\r,"note": "\\"${name}\\":${value.replaceAll(/["\\]/g, "")}"`);
    }
  }
  for (const value of VALUES) for (const all of [`${good}${value}`, `${value}${good}`, `[${good}]`, value]) yield all;
  for (const levels of [30, 31, 32, 33])
    yield good.replace('"MZ1"}', `"MZ1","x":${"[".repeat(levels)}${"]".repeat(levels)}}`);
  for (const values of [16_370, 16_375, 16_380, 16_384])
    yield good.replace('"MZ1"}', `"MZ1","x":[${Array(values).fill(0)}]}`);
}

it("takes every start that the door takes, and asks for what the door has judged", () => {
  let [starts, others] = [0, 0];
  for (const message of new Set(spoilt())) {
    const opening = readOpening(message);
    const { asked, closed } = coreReads(message);
    const { type } = opening;
    expect({ message, isStart: asked !== undefined }).toEqual({ message, isStart: type === "start" });
    expect({ message, isClosed: closed === 4400 }).toEqual({ message, isClosed: type === "unsupported" });
    if (opening.type === "start") {
      const { token, carrierCallId } = opening;
      expect(asked).toMatchObject({ token, carrierCallId });
    }
    if (type === "start") starts++;
    else others++;
  }
  // There is enough of either.
  expect([starts > 500, others > 1_000]).toEqual([true, true]);
});

it("reads what is around a text of JSON where the door does not, whose peer keeps its token", () => {
  const [good = ""] = spoilt();
  for (const message of [`\ufeff${good}`, `${good}\0`, `${good}\0x`]) {
    expect(coreReads(message).asked).toBeDefined();
    expect(readOpening(message)).toEqual({ type: "fault" });
  }
});
