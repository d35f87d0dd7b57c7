import { describe, expect, it } from "vitest";
import { parseTwiml } from "../../../simulators/twilio/twiml.ts";

const response = (content: string) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${content}</Response>\n`;
const connect = (attributes: string, content = "") =>
  response(`<Connect><Stream ${attributes}>${content}</Stream></Connect>`);

describe("parseTwiml", () => {
  it("reads a stream with its parameters, and what comes after it", () => {
    const document = `<?xml version="1.0" encoding="UTF-8"?>
      <!-- a call -->
      <Response>
        <Connect>
          <Stream url="wss://gw.example.com/call/4c7e">
            <Parameter name="token" value="a&amp;b&lt;c&quot;d"/>
            <Parameter name='tenant' value='t1' />
          </Stream>
        </Connect>
        <Redirect method="POST">https://gw.example.com/twiml/4c7e?a=1&amp;b=2</Redirect>
      </Response>`;
    expect(parseTwiml(document)).toEqual([
      { verb: "stream", url: "wss://gw.example.com/call/4c7e", parameters: { token: 'a&b<c"d', tenant: "t1" } },
      { verb: "redirect", url: "https://gw.example.com/twiml/4c7e?a=1&b=2" },
    ]);
  });

  it("reads the other verbs", () => {
    expect(
      parseTwiml(response('<Say>Hello</Say><Pause length="2"/><Reject reason="busy"/><Reject/><Hangup/>')),
    ).toEqual([
      { verb: "pause" },
      { verb: "pause" },
      { verb: "reject", reason: "busy" },
      { verb: "reject", reason: "rejected" },
      { verb: "hangup" },
    ]);
    expect(parseTwiml("<Response/>")).toEqual([]);
  });

  it("reads character references", () => {
    expect(parseTwiml(response("<Redirect>&#x2f;a&#47;b</Redirect>"))).toEqual([{ verb: "redirect", url: "/a/b" }]);
  });

  const ofLength = (length: number) =>
    connect('url="wss://gw.example.com/c"', `<Parameter name="n" value="${"v".repeat(length - 1)}"/>`);

  it("takes a parameter of 499 characters", () => {
    expect(parseTwiml(ofLength(499))).toHaveLength(1);
  });

  it.each([
    ["31920", "a query on the stream's URL", connect('url="wss://gw.example.com/c?x=1"')],
    ["12200", "a stream that is not a WebSocket", connect('url="https://gw.example.com/c"')],
    ["12200", "a stream without a URL", connect('name="x"')],
    ["12200", "a parameter of 500 characters", ofLength(500)],
    ["12200", "a parameter without a value", connect('url="wss://a/c"', '<Parameter name="n"/>')],
    ["12200", "something else in a stream", connect('url="wss://a/c"', "<Pause/>")],
    ["12200", "a connect without a stream", response("<Connect/>")],
    ["12200", "two streams", response('<Connect><Stream url="wss://a/c"/><Stream url="wss://a/c"/></Connect>')],
    ["12200", "a verb that is none", response("<Gather/>")],
    ["12200", "a verb in lower case", response("<hangup/>")],
    ["12100", "no XML", '{"error":{}}'],
    ["12100", "another root", "<Answer/>"],
    ["12100", "two roots", "<Response/><Response/>"],
    ["12100", "an element that is not closed", "<Response><Hangup></Response>"],
    ["12100", "an end without a begin", "<Response></Hangup></Response>"],
    ["12100", "an attribute without quotes", "<Response><Pause length=2/></Response>"],
    ["12100", "an unknown entity", response("<Redirect>&nbsp;</Redirect>")],
    ["12100", "a document type", "<!DOCTYPE x><Response/>"],
  ])("refuses with %s %s", (code, _, document) => {
    expect(() => parseTwiml(document)).toThrow(expect.objectContaining({ code }));
  });
});
