import twilio from "twilio";
import { describe, expect, it } from "vitest";
import { busyTwiml, hangUpTwiml, streamTwiml, TwimlError } from "../../../../../worker-shim/carriers/twilio/twiml.ts";

const { VoiceResponse } = twilio.twiml;

/** The same document by Twilio's own library. */
function reference(streamUrl: string, parameters: Readonly<Record<string, string>>, redirectUrl: string): string {
  const response = new VoiceResponse();
  const stream = response.connect().stream({ url: streamUrl });
  for (const [name, value] of Object.entries(parameters)) stream.parameter({ name, value });
  response.redirect({ method: "POST" }, redirectUrl);
  return response.toString();
}

describe("streamTwiml", () => {
  it.each([
    ["wss://gw.example.com/call/4c7e", { token: "abc-_123" }, "https://gw.example.com/twiml/4c7e"],
    ["ws://127.0.0.1:8787/call/x", {}, "http://127.0.0.1:8787/twiml/x"],
    ["wss://h/call/x", { token: `<&>"'\u00e9`, tenant: "t1" }, "https://h/twiml/x?a=1&b=2"],
  ])("writes what Twilio's library writes for %s", (streamUrl, parameters, redirectUrl) => {
    const document = streamTwiml({ streamUrl, parameters, redirectUrl });
    // XML has two ways to write a quotation mark in text and a `>` in an attribute.
    const plain = (xml: string) => xml.replaceAll("&quot;", '"').replaceAll("&gt;", ">");
    expect(plain(document)).toBe(plain(reference(streamUrl, parameters, redirectUrl)));
  });

  it("lets nothing out of an attribute", () => {
    const document = streamTwiml({
      streamUrl: "wss://h/call/x",
      parameters: { token: '"/><Hangup/>\n' },
      redirectUrl: "https://h/</Redirect><Hangup/>",
    });
    expect(document).not.toContain("<Hangup");
    expect(document).toContain("&#xA;");
  });

  const valid = { streamUrl: "wss://h/call/x", parameters: {}, redirectUrl: "https://h/x" };

  it.each([
    ["a query in the stream's URL", { ...valid, streamUrl: "wss://h/call/x?token=1" }],
    ["a fragment in the stream's URL", { ...valid, streamUrl: "wss://h/call/x#1" }],
    ["a stream that is no WebSocket", { ...valid, streamUrl: "https://h/call/x" }],
    ["a parameter of 500 characters", { ...valid, parameters: { token: "x".repeat(495) } }],
    ["a character that XML cannot hold", { ...valid, parameters: { token: "\u0000" } }],
  ])("refuses %s", (_, document) => {
    expect(() => streamTwiml(document)).toThrow(TwimlError);
  });

  it("takes a parameter of 499 characters", () => {
    expect(streamTwiml({ ...valid, parameters: { token: "x".repeat(494) } })).toContain("x".repeat(494));
  });
});

describe("the short documents", () => {
  it("are what Twilio's library writes", () => {
    const busy = new VoiceResponse();
    busy.reject({ reason: "busy" });
    expect(busyTwiml()).toBe(busy.toString());
    const hangUp = new VoiceResponse();
    hangUp.hangup();
    expect(hangUpTwiml()).toBe(hangUp.toString());
  });
});
