import { parse, stringify } from "node:querystring";
import twilio from "twilio";
import { getExpectedTwilioSignature } from "twilio/lib/webhooks/webhooks.js";
import { describe, expect, it } from "vitest";
import {
  findSignedUrl,
  isSignedUpgrade,
  isSignedWebhook,
  parseForm,
  streamUrls,
  webhookUrls,
} from "../../../../../worker-shim/carriers/twilio/signature.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const OTHER_TOKEN = "fedcba9876543210fedcba9876543210";
const FORM = "application/x-www-form-urlencoded";

const encode = (text: string) => Uint8Array.from(new TextEncoder().encode(text));

interface Sent {
  readonly url: string;
  readonly params?: Readonly<Record<string, string | readonly string[]>>;
  readonly method?: string;
  readonly contentType?: string;
  readonly body?: string;
  readonly signature: string;
  readonly tokens?: readonly string[];
}

function formOf(params: NonNullable<Sent["params"]>): string {
  return stringify(params);
}

function verify({ url, params = {}, method = "POST", contentType = FORM, body, signature, tokens = [TOKEN] }: Sent) {
  return isSignedWebhook(tokens, {
    url,
    method,
    contentType,
    body: encode(body ?? formOf(params)),
    signature,
  });
}

const CALL = {
  CallSid: "CA00000000000000000000000000000001",
  From: "+15550001111",
  To: "+15550002222",
  Digits: "",
};

/** Measured with Twilio's own library. */
const VECTORS: readonly Sent[] = [
  { url: "https://gw.example.com/twiml?tenant=a%20b", params: CALL, signature: "7sN0Q8TtGke6ioz7K7OYOez3kiM=" },
  {
    url: "https://gw.example.com/cb",
    params: { A: "1", B: ["z", "a", "a"] },
    signature: "B90VSxRKsF42CbRQewDeZNPZ5ps=",
  },
  { url: "https://gw.example.com/cb", params: { Body: "h\u00e9llo" }, signature: "PU0XXkqBhOegawvPcLL5cbmFnsI=" },
  {
    url: "https://gw.example.com/j?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862",
    contentType: "application/json",
    body: '{"a":1}',
    signature: "QxtfhDaXX+4bcbGprvfQR5FvPgI=",
  },
];

describe("a webhook", () => {
  it.each(VECTORS)("of Twilio is taken: $signature", async (sent) => {
    expect(await verify(sent)).toBe(true);
  });

  it.each(VECTORS)("is refused with anything changed: $signature", async (sent) => {
    expect(await verify({ ...sent, tokens: [OTHER_TOKEN] })).toBe(false);
    expect(await verify({ ...sent, tokens: [] })).toBe(false);
    expect(await verify({ ...sent, url: sent.url.replace("gw.", "evil.") })).toBe(false);
    expect(await verify({ ...sent, url: `${sent.url}x` })).toBe(false);
    expect(await verify({ ...sent, body: `${sent.body ?? formOf(sent.params ?? {})}&X=1` })).toBe(false);
    expect(await verify({ ...sent, signature: `A${sent.signature.slice(1)}` })).toBe(false);
  });

  it.each(["", "x", "AAAA", "!!!!", "A".repeat(28), "A".repeat(5000)])(
    "is refused with the signature %j",
    async (signature) => {
      expect(await verify({ ...VECTORS[0], url: "https://gw.example.com/twiml", signature })).toBe(false);
    },
  );

  it("is taken by either token while they are being exchanged", async () => {
    const [sent] = VECTORS;
    if (!sent) throw new Error("no vector");
    expect(await verify({ ...sent, tokens: [OTHER_TOKEN, TOKEN] })).toBe(true);
  });

  it("by GET signs its query and nothing else", async () => {
    const url = "https://gw.example.com/twiml?CallSid=CA1&From=%2B1";
    const signature = getExpectedTwilioSignature(TOKEN, url, {});
    expect(await verify({ url, method: "GET", contentType: "", body: "", signature })).toBe(true);
    expect(await verify({ url: `${url}2`, method: "GET", contentType: "", body: "", signature })).toBe(false);
  });

  it.each([
    ["https://gw.example.com/a", "https://gw.example.com:443/a"],
    ["https://gw.example.com:443/a", "https://gw.example.com/a"],
    ["http://gw.example.com/a", "http://gw.example.com:80/a"],
    ["https://gw.example.com:8443/a", "https://gw.example.com/a"],
    ["https://user:pw@gw.example.com/a", "https://user:pw@gw.example.com:443/a"],
    ["https://[::1]/a", "https://[::1]:443/a"],
    ["https://gw.example.com/it's", "https://gw.example.com/it's"],
    ["https://gw.example.com/a?x=it's", "https://gw.example.com/a?x=it%27s"],
    ["https://gw.example.com/a?x=it%27s", "https://gw.example.com/a?x=it's"],
    ["https://gw.example.com/a?x=a+b&y=1&x=2", "https://gw.example.com/a?x=a%20b&x=2&y=1"],
  ])("that came to %s is taken when %s was signed", async (came, signed) => {
    const signature = getExpectedTwilioSignature(TOKEN, signed, CALL);
    expect(twilio.validateRequest(TOKEN, signature, came, CALL)).toBe(true);
    expect(await verify({ url: came, params: CALL, signature })).toBe(true);
  });

  it("never takes what Twilio's library refuses, nor the reverse", async () => {
    const urls = VECTORS.flatMap(({ url }) => [url, url.replace("https:", "http:"), url.replace(".com", ".com:8080")]);
    let taken = 0;
    for (const came of urls) {
      for (const signed of urls) {
        const signature = getExpectedTwilioSignature(TOKEN, signed, CALL);
        const expected = twilio.validateRequest(TOKEN, signature, came, CALL);
        expect(await verify({ url: came, params: CALL, signature }), `${came} | ${signed}`).toBe(expected);
        if (expected) taken++;
      }
    }
    expect(taken).toBeGreaterThan(urls.length);
    expect(taken).toBeLessThan(urls.length ** 2);
  });

  it("whose body is no form must have its hash in the query", async () => {
    const body = '{"a":1}';
    const url = "https://gw.example.com/j";
    const signature = getExpectedTwilioSignature(TOKEN, url, {});
    expect(await verify({ url, contentType: "application/json", body, signature })).toBe(false);
    // A form under another name must not slip through unsigned.
    expect(await verify({ url, contentType: "text/plain", body: formOf(CALL), signature })).toBe(false);
    expect(await verify({ url, contentType: "application/json", body: "", signature })).toBe(true);
  });
});

describe("the query as Node's querystring writes it", () => {
  it.each(["a=1", "a=1&a=2&b", "=x", "a=%zz&b=%20", "a=it's+(so)!", "x=1&&y=", "a=b=c"])(
    "of %s is among the candidates",
    (query) => {
      const url = `https://gw.example.com/p?${query}`;
      const expected = `https://gw.example.com/p?${stringify(parse(new URL(url).search.slice(1)))}`;
      expect(webhookUrls(url)).toContain(expected);
    },
  );
});

describe("the upgrade of a stream", () => {
  it.each([
    ["wss://gw.example.com/media", "8rN4R6pCO7eO2imUfCMLxAhtvt8="],
    ["wss://gw.example.com:80/media", "aHS9WazSfy9izlLJsNnEBvg2kt4="],
  ])("signed for %s is taken, though the request is https", async (_, signature) => {
    expect(await isSignedUpgrade([TOKEN], "https://gw.example.com/media", signature)).toBe(true);
    expect(await isSignedUpgrade([TOKEN], "https://gw.example.com/other", signature)).toBe(false);
    expect(await isSignedUpgrade([TOKEN], "https://evil.example.com/media", signature)).toBe(false);
    expect(await isSignedUpgrade([OTHER_TOKEN], "https://gw.example.com/media", signature)).toBe(false);
  });

  it.each(["wss://h/m", "wss://h/m/", "wss://h:443/m", "wss://h:80/m", "https://h/m"])(
    "takes the form %s",
    async (signed) => {
      const signature = getExpectedTwilioSignature(TOKEN, signed, {});
      expect(await isSignedUpgrade([TOKEN], "https://h/m", signature)).toBe(true);
      expect(await findSignedUrl([TOKEN], signature, streamUrls("https://h/m"), new Map())).toBe(signed);
    },
  );

  it("on this machine is signed for ws and the port", async () => {
    const signature = getExpectedTwilioSignature(TOKEN, "ws://127.0.0.1:8787/call/x", {});
    expect(await isSignedUpgrade([TOKEN], "http://127.0.0.1:8787/call/x", signature)).toBe(true);
    expect(await isSignedUpgrade([TOKEN], "https://127.0.0.1:8787/call/x", signature)).toBe(false);
  });

  it("has few candidates, the likely one first", () => {
    const urls = streamUrls("https://h/m");
    expect(urls[0]).toBe("wss://h/m");
    expect(urls.length).toBeLessThanOrEqual(16);
  });
});

describe("parseForm", () => {
  it("keeps repeated names and decodes once", () => {
    expect([...parseForm(encode("a=1&b=%2B1+2&a=2&c="))]).toEqual([
      ["a", ["1", "2"]],
      ["b", ["+1 2"]],
      ["c", [""]],
    ]);
  });
});
