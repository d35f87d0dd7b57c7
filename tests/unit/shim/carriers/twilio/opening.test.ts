// What the door takes for a start the core must take for one, or its token is gone for nothing.

import { describe, expect, it } from "vitest";
import { readOpening } from "../../../../../worker-shim/carriers/twilio/opening.ts";

const FORMAT = { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 };

function start(fields: object = {}, around: object = {}): string {
  const body = { streamSid: "MZ1", callSid: "CA1", mediaFormat: FORMAT, customParameters: { token: "t" }, ...fields };
  return JSON.stringify({ event: "start", sequenceNumber: "1", streamSid: "MZ1", start: body, ...around });
}

/** Lists in lists. */
function nested(levels: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

describe("a start", () => {
  it.each([
    ["as the carrier sends it", start()],
    ["with the format in digits", start({ mediaFormat: { ...FORMAT, sampleRate: "8000", channels: "1" } })],
    ["without the number of channels", start({ mediaFormat: { encoding: "audio/x-alaw", sampleRate: 8000 } })],
    ["with its stream beside it", start({ streamSid: undefined })],
    ["as deep as the core reads", start({}, { more: nested(31) })],
    ["with brackets in a text", start({ note: "[".repeat(100) + '\\"' + "{".repeat(100) })],
    ["with a rate in a text", start({ note: '"sampleRate":8000.0' })],
    [
      "with another's rate",
      start({}, { more: { sampleRate: 8000 } }).replace('"sampleRate":8000}}', '"sampleRate":8000.0}}'),
    ],
    ["with a rate that is replaced", start().replace("8000", '8000.0,"sampleRate":8000')],
    ["with escaped names", start().replace("sampleRate", "s\\u0061mpleRat\\u0065").replace("event", "\\u0065vent")],
    [
      "with channels that are no whole number, as if there were none",
      start().replace('"channels":1', '"channels":2.0'),
    ],
    ["with channels that are negative, likewise", start({ mediaFormat: { ...FORMAT, channels: -2 } })],
    ["with as many digits as the core reads", start({ mediaFormat: { ...FORMAT, sampleRate: "0000000000008000" } })],
    ["with spaces", start().replaceAll(":", " :\n\t ")],
    ["as wide as the core reads", start({}, { more: Array(16_000).fill(0) })],
  ])("%s is one", (_, message) => {
    const encoding = /audio\/x-[a-z]+/.exec(message)?.[0];
    expect(readOpening(message)).toEqual({ type: "start", token: "t", carrierCallId: "CA1", encoding });
  });

  it.each([
    ["deeper than the core reads", start({}, { more: nested(32) })],
    ["with a token nested so", start({ customParameters: { token: "t", more: nested(30) } })],
    ["as deep as anybody likes", start({}, { more: 0 }).replace(":0", `:${"[".repeat(5_000)}${"]".repeat(5_000)}`)],
    ["wider than the core reads", start({}, { more: Array(16_384).fill(0) })],
    ["with a number that is none, and replaced", start().replace("8000", '-1e999,"sampleRate":8000')],
    ["with an escaped name of a number that is none", start().replace('"CA1"', '"CA1","\\u0061":1e999,"a":1')],
    ["with a number that is none", start({}, { more: 0 }).replace('"more":0', '"more":1e999')],
    ["without a stream", start({ streamSid: "" }, { streamSid: "" })],
    ["with a stream that is no name", start({ streamSid: "M Z" })],
    ["with a call that is no name", start({ callSid: "C/A" })],
    ["that is a list", start({}, { start: [] })],
  ])("%s is a fault", (_, message) => {
    expect(readOpening(message)).toEqual({ type: "fault" });
  });

  it.each([
    ["without a format", start({ mediaFormat: undefined })],
    ["with a format that is a text", start({ mediaFormat: "audio/x-mulaw" })],
    ["with another encoding", start({ mediaFormat: { ...FORMAT, encoding: "audio/opus" } })],
    ["at another rate", start({ mediaFormat: { ...FORMAT, sampleRate: 16_000 } })],
    ["at a rate that is no whole number", start().replace("8000", "8000.0")],
    ["at a rate by an exponent", start().replace("8000", "8e3")],
    [
      "at a rate that is no whole number, by an escaped name",
      start().replace('sampleRate":8000', 'sampl\\u0065Rate":8000.0'),
    ],
    [
      "at a rate by an escaped name and an exponent",
      start().replace('sampleRate":8000', '\\u0073ampleRate" :\n 80E+2'),
    ],
    ["at a rate that is replaced", start().replace("8000", '8000,"sampleRate":8000.0')],
    ["at a rate that is replaced by an escaped name", start().replace("8000", '8000,"\\u0073ampleRate":8000.0')],
    [
      "at a rate of more digits than the core reads",
      start({ mediaFormat: { ...FORMAT, sampleRate: "00000000000008000" } }),
    ],
    ["at a rate of other digits", start({ mediaFormat: { ...FORMAT, sampleRate: "\uff18\uff10\uff10\uff10" } })],
    ["at a rate below zero", start({ mediaFormat: { ...FORMAT, sampleRate: -8000 } })],
    ["with no channels", start().replace('"channels":1', '"channels":-0')],
    ["with two channels", start({ mediaFormat: { ...FORMAT, channels: 2 } })],
  ])("%s cannot be carried", (_, message) => {
    expect(readOpening(message)).toEqual({ type: "unsupported" });
  });
});
