import { describe, expect, it } from "vitest";
import { parseOutbound } from "../../../simulators/twilio/media-stream.ts";

const SID = "MZ0123456789abcdef0123456789abcdef";

describe("parseOutbound", () => {
  it("takes the three messages that Twilio documents", () => {
    const media = { event: "media", streamSid: SID, media: { payload: "/84=" } };
    expect(parseOutbound(JSON.stringify(media), SID)).toEqual({ event: "media", bytes: Uint8Array.of(0xff, 0xce) });
    const mark = { streamSid: SID, mark: { name: "a:1" }, event: "mark" };
    expect(parseOutbound(JSON.stringify(mark), SID)).toEqual({ event: "mark", name: "a:1" });
    expect(parseOutbound(`{"event":"clear","streamSid":"${SID}"}`, SID)).toEqual({ event: "clear" });
  });

  it.each([
    ["no JSON", "{"],
    ["nothing", ""],
    ["an array", "[]"],
    ["null", "null"],
    ["text", '"clear"'],
    ["no event", { streamSid: SID }],
    ["another event", { event: "dtmf", streamSid: SID, dtmf: { digit: "1" } }],
    ["a connected of its own", { event: "connected", protocol: "Call", version: "1.0.0" }],
    ["an event in capitals", { event: "Clear", streamSid: SID }],
    ["no streamSid", { event: "clear" }],
    ["another stream", { event: "clear", streamSid: `${SID}0` }],
    ["a misspelt streamSid", { event: "clear", stream_sid: SID }],
    ["clear with more", { event: "clear", streamSid: SID, mark: {} }],
    ["clear with a sequence number", { event: "clear", streamSid: SID, sequenceNumber: "1" }],
    ["a mark without its body", { event: "mark", streamSid: SID }],
    ["a mark without a name", { event: "mark", streamSid: SID, mark: {} }],
    ["a mark with an empty name", { event: "mark", streamSid: SID, mark: { name: "" } }],
    ["a mark whose name is a number", { event: "mark", streamSid: SID, mark: { name: 1 } }],
    ["a mark with more", { event: "mark", streamSid: SID, mark: { name: "a", at: 1 } }],
    ["a mark of another stream", { event: "mark", streamSid: "MZ1", mark: { name: "a" } }],
    ["a mark as text", { event: "mark", streamSid: SID, mark: "a" }],
    ["media without its body", { event: "media", streamSid: SID }],
    ["media without a payload", { event: "media", streamSid: SID, media: {} }],
    ["media with a track", { event: "media", streamSid: SID, media: { payload: "/w==", track: "outbound" } }],
    ["media with a chunk", { event: "media", streamSid: SID, media: { payload: "/w==", chunk: "1" } }],
    ["media of another stream", { event: "media", streamSid: "MZ1", media: { payload: "/w==" } }],
    ["an empty payload", { event: "media", streamSid: SID, media: { payload: "" } }],
    ["a payload in the alphabet of URLs", { event: "media", streamSid: SID, media: { payload: "_w==" } }],
    ["a payload without padding", { event: "media", streamSid: SID, media: { payload: "/w" } }],
    ["a payload with a line break", { event: "media", streamSid: SID, media: { payload: "/////w==\n" } }],
    ["a payload of numbers", { event: "media", streamSid: SID, media: { payload: [255] } }],
    ["a data URL", { event: "media", streamSid: SID, media: { payload: "data:audio/basic;base64,/w==" } }],
  ])("refuses %s", (_, message) => {
    expect(parseOutbound(typeof message === "string" ? message : JSON.stringify(message), SID)).toBeUndefined();
  });
});
