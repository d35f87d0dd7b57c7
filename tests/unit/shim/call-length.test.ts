import { describe, expect, it } from "vitest";
import { type KnownSources, lastKnown } from "../../../worker-shim/call-length.ts";
import { recordingSoFar } from "../../../worker-shim/recording.ts";

const OPENED_MS = 1_795_000_000_000;
const at = (atMs: number, type: string, fields: object = {}) => JSON.stringify({ type, atMs, ...fields });
const OPENED = at(0, "opened", { epochMs: OPENED_MS });
const BEGUN = at(110, "recordingStarted", { startMs: 100, fileMs: 0 });

/** Of a call with one session, of which `recordedMs` are recorded and that stored something last after `storedMs`. */
function known(recordedMs: number | undefined, storedMs: number | undefined, overrides: Partial<KnownSources> = {}) {
  const parts = [{ session: 1, endMs: recordedMs ?? 0 }];
  const { atMs, epochMs } = lastKnown({
    sessions: [{ session: 1, events: [OPENED, BEGUN] }],
    storedMs: storedMs === undefined ? undefined : OPENED_MS + storedMs,
    recording: recordedMs === undefined ? undefined : { bytes: 9_000, durationMs: recordedMs, parts },
    nowMs: OPENED_MS + 48 * 3_600_000,
    ...overrides,
  });
  expect(epochMs).toBe(OPENED_MS + atMs);
  return atMs;
}

describe("what is known of a call that nobody ended", () => {
  // Sixty seconds of frames in two of time: the call was as long as them.
  it.each([
    { recordedMs: 60_000, storedMs: 2_000, atMs: 2_000 },
    { recordedMs: 7_200_000, storedMs: 2_000, atMs: 2_000 },
    { recordedMs: 2_001, storedMs: 2_000, atMs: 2_000 },
    // As it is: the recording is behind by its lag.
    { recordedMs: 1_400, storedMs: 2_000, atMs: 2_000 },
    { recordedMs: undefined, storedMs: 2_000, atMs: 2_000 },
    { recordedMs: 60_000, storedMs: 50, atMs: 110 },
    // Clocks have fractions; a time of a call has none.
    { recordedMs: undefined, storedMs: 2_000.25, atMs: 2_000 },
  ])("ends with what its object stored last: $recordedMs, $storedMs", ({ recordedMs, storedMs, atMs }) => {
    expect(known(recordedMs, storedMs)).toBe(atMs);
  });

  it("is told by its recording where nobody noted that, until now at the most", () => {
    expect(known(15_990, undefined)).toBe(16_090);
    expect(known(undefined, undefined)).toBe(110);
    expect(known(60_000, undefined, { nowMs: OPENED_MS + 20_100 })).toBe(20_100);
  });

  it("is on the clock of the last session that has told anything", () => {
    const second = at(0, "opened", { epochMs: OPENED_MS + 10_000 });
    const sessions = [
      { session: 1, events: [OPENED, BEGUN] },
      { session: 2, events: [second, at(700, "state")] },
    ];
    const sources = { sessions, recording: undefined, nowMs: OPENED_MS + 90_000 };
    expect(lastKnown({ ...sources, storedMs: OPENED_MS + 12_000 })).toEqual({
      atMs: 2_000,
      epochMs: OPENED_MS + 12_000,
    });
    expect(lastKnown({ ...sources, storedMs: OPENED_MS + 10_100 })).toEqual({ atMs: 700, epochMs: OPENED_MS + 10_700 });
  });

  it("is when it was opened, where there is no event", () => {
    const none = { sessions: [], recording: undefined, nowMs: OPENED_MS + 90_000 };
    expect(lastKnown({ ...none, storedMs: OPENED_MS })).toEqual({ atMs: 0, epochMs: OPENED_MS });
    expect(lastKnown({ ...none, storedMs: undefined })).toEqual({ atMs: 0, epochMs: OPENED_MS + 90_000 });
  });
});

it("what was recorded too fast is no longer ago for that", () => {
  const page = { offset: 0, length: 1, begins: false, ends: false, granule: 60_000 * 48, serial: 7, sequence: 5 };
  expect(recordingSoFar(page, [{ session: 1, events: [OPENED, BEGUN] }], OPENED_MS + 5_000)?.ageMs).toBe(4_900);
});
