import { describe, expect, it } from "vitest";
import { decodeByChromium, findChromium } from "../support/chromium.ts";
import { DECODED_HZ, decodeBy, disagreements } from "../support/decoders.ts";
import { measured } from "../support/measured.ts";
import { RECORDED_CALLS, recordedCalls } from "./calls.ts";

const browser = findChromium();

describe.skipIf(!browser)("recordings in Chromium", () => {
  it("are what libopus makes of them", { timeout: 600_000 }, async () => {
    const calls = [...recordedCalls(RECORDED_CALLS)];
    const decoded = await decodeByChromium(
      browser ?? "",
      calls.map(({ file }) => file),
    );
    const faults = calls.flatMap(({ number, file, samples }, i) => {
      const { sides, elementSeconds } = decoded[i] ?? { sides: [new Float32Array(), new Float32Array()] as const };
      const seconds = samples / DECODED_HZ;
      return [
        ...disagreements(decodeBy("libopus", file), sides),
        ...(Math.abs((elementSeconds ?? 0) - seconds) < 0.02
          ? []
          : [`${elementSeconds} s to the element of ${seconds}`]),
      ].map((fault) => `call ${number}: ${fault}`);
    });
    measured(`${calls.length} recordings in ${browser}`);
    expect(faults).toEqual([]);
  });
});
