// What is legal about a webhook but unusual: left out, encoded otherwise, doubled, in another type. It is taken as what it
// means, or refused by name, and never read as empty.

import { createHash, createHmac } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { AUTH_TOKEN, CALL_SID, errorOf, Gateway } from "../../support/gateway.ts";

const OTHER_SID = CALL_SID.replace("0", "f");
const FORM = "application/x-www-form-urlencoded";

let gateway: Gateway;
beforeEach(() => {
  gateway = new Gateway();
});

/** base64 of the HMAC-SHA1 of the URL and the sorted parameters. */
function sign(path: string, parameters: readonly (readonly [string, string])[] = []): string {
  const names = [...new Set(parameters.map(([name]) => name))].sort();
  const values = (of: string) =>
    [...new Set(parameters.filter(([name]) => name === of).map(([, value]) => value))].sort();
  const text = names
    .map((name) =>
      values(name)
        .map((value) => name + value)
        .join(""),
    )
    .join("");
  return createHmac("sha1", AUTH_TOKEN).update(`https://gw.example.com${path}${text}`).digest("base64");
}

interface Sent {
  readonly path?: string;
  readonly type?: string | undefined;
  readonly body?: BodyInit;
  readonly headers?: Record<string, string>;
}

type Pairs = readonly (readonly [string, string])[];

const CALL: Pairs = [
  ["CallSid", CALL_SID],
  ["From", "+15550001111"],
  ["To", "+15550002222"],
];

/** A form that is signed. */
function post(pairs: Pairs, { path = "/twiml", type = FORM, body, headers = {} }: Sent = {}): Promise<Response> {
  const bytes = body ?? pairs.map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
  const signed = { "X-Twilio-Signature": sign(path, pairs), ...(type && { "Content-Type": type }) };
  // Text gets a type of its own from the platform.
  const sent = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  return gateway.request(path, { method: "POST", headers: { ...signed, ...headers }, body: sent });
}

/** JSON, whose hash is in the query that is signed. */
function postJson(json: string, type = "application/json", hash = (hex: string) => hex): Promise<Response> {
  const path = `/twiml?bodySHA256=${hash(createHash("sha256").update(json).digest("hex"))}`;
  const headers = { "X-Twilio-Signature": sign(path), "Content-Type": type };
  return gateway.request(path, { method: "POST", headers, body: json });
}

function prepared(): unknown {
  return gateway.asked.find(([name]) => name === "prepare")?.[2];
}

describe("a webhook's form", () => {
  it.each<[string, () => Promise<Response>]>([
    ["as it is", () => post(CALL)],
    ["with a charset", () => post(CALL, { type: `${FORM}; charset=UTF-8` })],
    ["with a quoted charset", () => post(CALL, { type: `${FORM};charset="utf-8"` })],
    ["whose type is in capitals", () => post(CALL, { type: FORM.toUpperCase() })],
    ["without a type", () => post(CALL, { type: "" })],
    ["with fields twice that say the same", () => post([...CALL, ...CALL])],
    ["with fields that nobody knows", () => post([...CALL, ["Sh\u00f6n", "\ud83d\ude00"], ["", "x"]])],
    ["in another order", () => post(CALL.toReversed())],
    [
      "with plus signs for spaces and lower-case escapes",
      () =>
        post([...CALL, ["CallerName", "A B"]], {
          body: `CallSid=${CALL_SID}&From=%2b15550001111&To=%2B15550002222&CallerName=A+B`,
        }),
    ],
    ["with empty pairs", () => post(CALL, { body: `&CallSid=${CALL_SID}&&From=%2B15550001111&To=%2B15550002222&` })],
    ["as JSON", () => postJson(JSON.stringify(Object.fromEntries(CALL)))],
    [
      "as JSON with a charset",
      () => postJson(JSON.stringify(Object.fromEntries(CALL)), "application/json;charset=utf-8"),
    ],
    [
      "as JSON whose hash is in capitals",
      () => postJson(JSON.stringify(Object.fromEntries(CALL)), "application/json", (hex) => hex.toUpperCase()),
    ],
    [
      "as JSON with half a surrogate pair beside the fields",
      () => postJson(`{"CallerName":"\\ud83d","CallSid":"${CALL_SID}","From":"+15550001111","To":"+15550002222"}`),
    ],
  ])("is taken %s", async (_, ask) => {
    expect((await ask()).status).toBe(200);
    expect(prepared()).toMatchObject({ carrierCallId: CALL_SID, from: "+15550001111", to: "+15550002222" });
  });

  it("may lack who calls whom", async () => {
    expect((await post([["CallSid", CALL_SID]])).status).toBe(200);
    expect(prepared()).toMatchObject({ carrierCallId: CALL_SID, from: "", to: "" });
  });

  it.each<[string, () => Promise<Response>, number, string, string]>([
    ["no CallSid", () => post([["To", "+1"]]), 400, "bad_call_sid", "CallSid"],
    ["an empty CallSid", () => post([["CallSid", ""]]), 400, "bad_call_sid", "CallSid"],
    ["two CallSids", () => post([...CALL, ["CallSid", OTHER_SID]]), 400, "bad_form", "CallSid is given twice"],
    ["two callers", () => post([...CALL, ["From", "+2"]]), 400, "bad_form", "From is given twice"],
    ["two called numbers", () => post([...CALL, ["To", "+2"]]), 400, "bad_form", "To is given twice"],
    ["two statuses", () => post([...CALL, ["CallStatus", "a"], ["CallStatus", "b"]]), 400, "bad_form", "CallStatus"],
    [
      "another CallSid in the query",
      () => post(CALL, { path: `/twiml?CallSid=${OTHER_SID}` }),
      400,
      "bad_form",
      "CallSid",
    ],
    ["two agents", () => post(CALL, { path: "/twiml?agent=parrot&agent=x" }), 400, "bad_query", "agent is given twice"],
    ["a caller without an end", () => post([...CALL.slice(0, 1), ["From", "1".repeat(257)]]), 400, "bad_form", "From"],
    [
      "bytes that are not UTF-8",
      () =>
        post(
          [
            ["CallSid", CALL_SID],
            ["From", "\ufffd"],
          ],
          { body: Buffer.from(`CallSid=${CALL_SID}&From=\xff`, "latin1") },
        ),
      400,
      "bad_body",
      "UTF-8",
    ],
    ["other letters", () => post(CALL, { type: `${FORM}; charset=iso-8859-1` }), 415, "unsupported_charset", "charset"],
    [
      "a compressed body",
      () => post(CALL, { headers: { "Content-Encoding": "gzip" } }),
      415,
      "unsupported_encoding",
      "",
    ],
    ["JSON that is none", () => postJson("{"), 400, "bad_body", "JSON"],
    ["JSON that is no object", () => postJson("[]"), 400, "bad_body", "JSON"],
    ["JSON of other things", () => postJson('{"CallSid":["CA1"]}'), 400, "bad_call_sid", "CallSid"],
    ["text", () => postJson("CallSid=CA1", "text/plain"), 415, "unsupported_media_type", "form or JSON"],
    ["parts", () => postJson("--x", "multipart/form-data; boundary=x"), 415, "unsupported_media_type", "form or JSON"],
  ])("is refused with %s", async (_, ask, status, code, why) => {
    const response = await ask();
    expect(await response.clone().text()).toContain(why);
    expect(await errorOf(response)).toEqual([status, code]);
    expect(gateway.asked).toEqual([]);
  });
});

describe("a webhook's signature", () => {
  const signature = sign("/twiml", CALL);
  const asHex = Buffer.from(signature, "base64").toString("hex");

  it.each([
    ["twice", `${signature}, ${signature}`],
    ["behind another one", `AAAA,${signature}`],
    ["without padding", signature.replace(/=+$/, "")],
    ["in the alphabet of URLs", signature.replaceAll("+", "-").replaceAll("/", "_")],
    ["in hex", asHex],
    ["in hex capitals", asHex.toUpperCase()],
    ["with spaces around it", `  ${signature}  `],
  ])("is taken %s", async (_, header) => {
    expect((await post(CALL, { headers: { "X-Twilio-Signature": header } })).status).toBe(200);
  });

  it.each([
    ["in lower case", signature.toLowerCase()],
    ["cut", signature.slice(0, -4)],
    ["of another form", sign("/twiml", [["CallSid", OTHER_SID]])],
    ["of another path", sign("/twiml/c1", CALL)],
    ["behind too many others", `${"AAAA,".repeat(9)}${signature}`],
    ["of nothing", ""],
  ])("is refused %s", async (_, header) => {
    const response = await post(CALL, { headers: { "X-Twilio-Signature": header } });
    expect(await errorOf(response)).toEqual([403, "bad_signature"]);
    expect(gateway.asked).toEqual([]);
  });

  it.each([
    ["https://[2001:db8::1]", "https://[2001:db8::1]"],
    ["https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"],
    ["https://gw.example.com:443", "https://gw.example.com"],
    ["https://gw.example.com:8443", "https://gw.example.com"],
    ["https://gw.example.com/", "https://gw.example.com"],
  ])("is over the URL as the carrier has it: %s", async (base, signed) => {
    gateway.variables = { ...gateway.variables, PUBLIC_BASE_URL: base };
    const text = [...CALL]
      .sort()
      .map(([name, value]) => name + value)
      .join("");
    const header = createHmac("sha1", AUTH_TOKEN).update(`${signed}/twiml${text}`).digest("base64");
    expect((await post(CALL, { headers: { "X-Twilio-Signature": header } })).status).toBe(200);
  });

  // Each was taken, and answered with 500.
  it.each([
    ["HTTPS://GW.Example.COM", "https://gw.example.com"],
    ["Https://GW.example.com/", "https://gw.example.com"],
    ["https://gw.example.com:0443", "https://gw.example.com"],
    ["https://b\u00fccher.example", "https://xn--bcher-kva.example"],
    ["https://gw\u3002example", "https://gw.example"],
    ["https://%67w.example", "https://gw.example"],
  ])("is over the URL as it was written, or as everybody reads it: %s", async (base, meant) => {
    gateway.variables = { ...gateway.variables, PUBLIC_BASE_URL: base };
    const text = [...CALL]
      .sort()
      .map(([name, value]) => name + value)
      .join("");
    for (const signed of [base.replace(/\/$/, ""), meant]) {
      const header = createHmac("sha1", AUTH_TOKEN).update(`${signed}/twiml${text}`).digest("base64");
      const response = await post(CALL, { headers: { "X-Twilio-Signature": header } });
      expect(response.status).toBe(200);
      const document = await response.text();
      expect(document).toContain(`<Stream url="${meant.replace("https", "wss")}/call/`);
      expect(document).toContain(`>${meant}/twiml/`);
      const stream = createHmac("sha1", AUTH_TOKEN)
        .update(`${signed.replace(/^https/i, "wss")}/call/c1`)
        .digest("base64");
      expect((await gateway.upgrade("/call/c1", { "X-Twilio-Signature": stream })).status).toBe(204);
    }
    // A query that the platform has escaped further than the carrier.
    const quoted = `${base.replace(/\/$/, "")}/twiml?x=it's${text}`;
    const header = createHmac("sha1", AUTH_TOKEN).update(quoted).digest("base64");
    const response = await post(CALL, { path: "/twiml?x=it's", headers: { "X-Twilio-Signature": header } });
    expect(response.status).toBe(200);
    const other = createHmac("sha1", AUTH_TOKEN).update(`https://other.example/twiml${text}`).digest("base64");
    expect((await post(CALL, { headers: { "X-Twilio-Signature": other } })).status).toBe(403);
  });
});
