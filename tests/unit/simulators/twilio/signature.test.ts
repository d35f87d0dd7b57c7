import twilio from "twilio";
import { describe, expect, it } from "vitest";
import { sign } from "../../../simulators/twilio/signature.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const FORM = {
  CallSid: "CA00000000000000000000000000000001",
  From: "+15550001111",
  To: "+15550002222",
  Digits: "",
};

describe("sign", () => {
  it.each([
    ["https://gw.example.com/twiml?tenant=a%20b", FORM, "7sN0Q8TtGke6ioz7K7OYOez3kiM="],
    ["https://gw.example.com/cb", { A: "1", B: ["z", "a", "a"] }, "B90VSxRKsF42CbRQewDeZNPZ5ps="],
    ["https://gw.example.com/cb", { Body: "h\u00e9llo" }, "PU0XXkqBhOegawvPcLL5cbmFnsI="],
    ["wss://gw.example.com/media", {}, "8rN4R6pCO7eO2imUfCMLxAhtvt8="],
    ["wss://gw.example.com:80/media", {}, "aHS9WazSfy9izlLJsNnEBvg2kt4="],
    [
      "https://gw.example.com/j?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862",
      {},
      "QxtfhDaXX+4bcbGprvfQR5FvPgI=",
    ],
  ])("of %s with %o", (url, parameters, expected) => {
    expect(sign(TOKEN, url, parameters)).toBe(expected);
  });

  it.each([
    ["https://gw.example.com/twiml?agent=parrot", FORM],
    ["https://gw.example.com/twiml/abc?x=it's", { ...FORM, a: "lower", B: "upper" }],
    ["wss://gw.example.com/call/4c7e", {}],
  ])("satisfies Twilio's own library: %s", (url, parameters) => {
    const signature = sign(TOKEN, url, parameters);
    expect(twilio.validateRequest(TOKEN, signature, url, parameters)).toBe(true);
    expect(twilio.validateRequest(TOKEN, signature, `${url}x`, parameters)).toBe(false);
    expect(twilio.validateRequest(`${TOKEN}0`, signature, url, parameters)).toBe(false);
  });
});
