// One captured webhook: its signed text, parted elsewhere, keeps its signature. It made another call for each place at which
// it could be cut.

import { beforeEach, describe, expect, it } from "vitest";
import { createApp } from "../../../../../worker-shim/api/app.ts";
import { sign } from "../../../../simulators/twilio/signature.ts";
import { AUTH_TOKEN, CALL_SID, errorOf, Gateway } from "../../support/gateway.ts";

const BASE = "https://gw.example.com";
type Fields = Readonly<Record<string, string>>;

let gateway: Gateway;
beforeEach(() => {
  gateway = new Gateway();
  gateway.app = createApp({ version: "1.2.3", warmUpError: undefined });
  gateway.variables = { ...gateway.variables, RATE_LIMIT_PER_MINUTE: "0" };
});

function send(
  path: string,
  fields: Fields,
  signature = sign(AUTH_TOKEN, BASE + path, { ...fields }),
): Promise<Response> {
  const headers = { "X-Twilio-Signature": signature };
  return gateway.request(path, { method: "POST", headers, body: new URLSearchParams(fields) });
}

/** As the carrier sends a call that comes in. */
function incoming(CallSid: string, more: Fields = {}): Fields {
  return {
    AccountSid: `AC${"1".repeat(32)}`,
    ApiVersion: "2010-04-01",
    CallSid,
    CallStatus: "ringing",
    Called: "+15550002222",
    Caller: "+15550001111",
    Direction: "inbound",
    From: "+15550001111",
    To: "+15550002222",
    ...more,
  };
}

const UUID = "b0877c48-4607-4c1a-9f2e-1a2b3c4d5e6f";
const OTHERS = [UUID, UUID.toUpperCase(), "call_abc-1", "12345", "aToB", "FromTo", "x".repeat(64)];

/** The calls that a webhook is about, as the objects are asked. */
function calls(): string[] {
  const sids = gateway.asked.map(([name, , call]) =>
    name === "prepare"
      ? (call as { carrierCallId: string }).carrierCallId
      : name === "carrierEnded"
        ? String(call)
        : "",
  );
  return [...new Set(sids.filter((sid) => sid !== ""))];
}

/** Every way to part the same text into `CallSid`, which begins at one of its places, one name behind it and one before. */
function* recuts(fields: Fields): Generator<Fields> {
  const text = Object.keys(fields)
    .sort()
    .map((name) => name + fields[name])
    .join("");
  for (let at = text.indexOf("CallSid"); at !== -1; at = text.indexOf("CallSid", at + 1)) {
    const rest = text.slice(at + "CallSid".length);
    for (let end = 1; end <= Math.min(rest.length, 70); end++) {
      const before = at === 0 ? {} : { [text.slice(0, 1)]: text.slice(1, at) };
      for (const nameLength of [1, 2, 4, 10]) {
        const name = rest.slice(end, end + nameLength);
        const behind = name === "" ? {} : { [name]: rest.slice(end + nameLength) };
        yield { ...before, CallSid: rest.slice(0, end), ...behind };
      }
    }
  }
}

describe.each(["/twiml", "/twiml?agent=parrot", "/twiml/status"])("at %s a call", (path) => {
  const status = path === "/twiml/status" ? { CallStatus: "completed" } : {};

  it.each([CALL_SID, CALL_SID.toUpperCase(), ...OTHERS])("may be called %s", async (sid) => {
    expect((await send(path, incoming(sid, status))).ok).toBe(true);
    expect(calls()).toEqual([sid]);
  });

  it.each([
    "CA1",
    "CA",
    `${CALL_SID}0`,
    CALL_SID.slice(0, -1),
    CALL_SID.replace("f", "g"),
    "a|b",
    "x".repeat(65),
    "\u00e4",
  ])("is not called %s", async (sid) => {
    expect(await errorOf(await send(path, incoming(sid, status)))).toEqual([400, "bad_call_sid"]);
    expect(gateway.asked).toEqual([]);
  });

  it.each<[string, Fields]>([
    ["as it is", incoming(CALL_SID, status)],
    ["with another call's id", incoming(CALL_SID, { ...status, ParentCallSid: CALL_SID.replace("0", "f") })],
    ["with little", { CallSid: CALL_SID, ...status }],
    ["by a UUID", incoming(UUID, status)],
    ["by a text", incoming("call_abc-1", status)],
    ["by a text with a name in it", incoming("aToB", status)],
    ["by a text, without callers", { CallSid: "call_abc-1", CallStatus: "completed" }],
  ])("is the only one that its signature can be for, %s", { timeout: 30_000 }, async (_, fields) => {
    const signature = sign(AUTH_TOKEN, BASE + path, { ...fields });
    expect((await send(path, fields, signature)).ok).toBe(true);
    let verified = 0;
    for (const recut of recuts(fields)) {
      const response = await send(path, recut, signature);
      if (response.status !== 403) verified++;
    }
    // The attack is one: the signature holds for what is refused by other means.
    expect(verified).toBeGreaterThan(20);
    expect(calls()).toEqual([fields.CallSid]);
  });

  it.each<[string, Fields]>([
    ["the name of the caller", incoming(CALL_SID, { CallerName: `CallSid${CALL_SID.replace("0", "f")}` })],
    ["a header of his", incoming(CALL_SID, { "SipHeader_X-CallSid": "a" })],
    ["a name that is made up", incoming(CALL_SID, { BCallSid: CALL_SID })],
    ["the query", incoming(CALL_SID)],
  ])("cannot be taken from %s", async (name, fields) => {
    const target = name === "the query" ? `${path}${path.includes("?") ? "&" : "?"}tag=CallSid${CALL_SID}` : path;
    expect(await errorOf(await send(target, { ...fields, ...status }))).toEqual([400, "bad_call_sid"]);
    expect(gateway.asked).toEqual([]);
  });

  it("needs its status behind a name whose end nobody knows", async () => {
    for (const fields of [
      { CallSid: "call_abc-1" },
      { CallSid: "abCallStatus", CallStatus: "" },
      { CallSid: "a", CallSource: "b" },
    ])
      expect(await errorOf(await send(path, fields))).toEqual([400, "bad_call_sid"]);
    expect(gateway.asked).toEqual([]);
  });
});
