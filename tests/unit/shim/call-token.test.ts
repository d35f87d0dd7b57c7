import { describe, expect, it } from "vitest";
import type { Verdict } from "../../../worker-shim/boundary.ts";
import { judgeToken, mintToken, readToken, type TokenRing } from "../../../worker-shim/call-token.ts";

const RING: TokenRing = { current: "secret-one-0123456789" };
const OTHER: TokenRing = { current: "secret-two-0123456789" };
const CALL = { callId: "4c7e", carrierCallId: "CA00000000000000000000000000000001" };
const CLAIMS = { ...CALL, serial: 1, expiresMs: 60_000 };

function judge(
  token: string,
  options: { ring?: TokenRing; carrierCallId?: string; nowMs?: number; unused?: boolean } = {},
) {
  const { ring = RING, carrierCallId = CALL.carrierCallId, nowMs = 0, unused = true } = options;
  const asked: number[] = [];
  const use = (serial: number) => {
    asked.push(serial);
    return unused;
  };
  const verdict = judgeToken(ring, { token, carrierCallId }, CALL, () => nowMs, use);
  return verdict.then((value): [Verdict, number[]] => [value, asked]);
}

describe("a token", () => {
  it("says what it was made for, in characters that need no escape", async () => {
    const token = await mintToken(RING, CLAIMS);
    expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(await readToken(RING, token)).toEqual(CLAIMS);
  });

  it("fits into a <Parameter> with the longest call id", async () => {
    const token = await mintToken(RING, { ...CLAIMS, callId: "x".repeat(64), carrierCallId: "y".repeat(64) });
    expect(token.length).toBeLessThan(400);
  });

  it("is granted once: its serial number is taken", async () => {
    const token = await mintToken(RING, CLAIMS);
    expect(await judge(token)).toEqual(["granted", [1]]);
    expect(await judge(token, { unused: false })).toEqual(["used", [1]]);
  });

  it("expires to the millisecond, and is not taken then", async () => {
    const token = await mintToken(RING, CLAIMS);
    expect(await judge(token, { nowMs: 59_999 })).toEqual(["granted", [1]]);
    expect(await judge(token, { nowMs: 60_000 })).toEqual(["expired", []]);
  });

  it("that is missing is told from one that is foreign", async () => {
    expect(await judge("")).toEqual(["missing", []]);
    for (const token of ["x", "....", "A".repeat(43), "A".repeat(4000), "\u00e9"]) {
      expect(await judge(token)).toEqual(["foreign", []]);
    }
  });

  it.each([
    ["another call", { ...CLAIMS, callId: "5d8f" }],
    ["another CallSid", { ...CLAIMS, carrierCallId: "CA2" }],
  ])("of %s is foreign", async (_, claims) => {
    expect(await judge(await mintToken(RING, claims))).toEqual(["foreign", []]);
  });

  it("brought by a stream of another CallSid is foreign", async () => {
    expect(await judge(await mintToken(RING, CLAIMS), { carrierCallId: "CA2" })).toEqual(["foreign", []]);
  });

  it("of another deployment is foreign", async () => {
    expect(await judge(await mintToken(OTHER, CLAIMS))).toEqual(["foreign", []]);
  });

  it("counts while its secret is the previous one, and no longer", async () => {
    const token = await mintToken(RING, CLAIMS);
    expect(await judge(token, { ring: { current: OTHER.current, previous: RING.current } })).toEqual(["granted", [1]]);
    expect(await judge(token, { ring: { current: OTHER.current } })).toEqual(["foreign", []]);
  });

  it("with any character changed is foreign", async () => {
    const token = await mintToken(RING, CLAIMS);
    for (let i = 0; i < token.length - 1; i++) {
      const changed = token.slice(0, i) + (token[i] === "A" ? "B" : "A") + token.slice(i + 1);
      expect(await judge(changed), `at ${i}`).toEqual(["foreign", []]);
    }
  });

  it("for a webhook without CallSid is good for any stream of its call", async () => {
    const expected = { ...CALL, carrierCallId: "" };
    const token = await mintToken(RING, { ...CLAIMS, carrierCallId: "" });
    const verdict = judgeToken(
      RING,
      { token, carrierCallId: "CA9" },
      expected,
      () => 0,
      () => true,
    );
    expect(await verdict).toBe("granted");
  });
});
