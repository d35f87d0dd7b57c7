import { describe, expect, it } from "vitest";
import type { OggPage } from "../../../worker-shim/ogg.ts";
import { recordingClock, recordingSoFar } from "../../../worker-shim/recording.ts";

const EPOCH_MS = 1_795_000_000_000;
const DAY_MS = 24 * 3600 * 1000;
const LAST: OggPage = {
  offset: 0,
  length: 27,
  begins: false,
  ends: false,
  granule: 5 * 48_000,
  serial: 9,
  sequence: 6,
};

type Fields = Record<string, unknown>;
const at = (atMs: number, type: string, fields: Fields = {}) => JSON.stringify({ type, atMs, ...fields });

describe("the recording so far", () => {
  const first = [at(0, "opened", { epochMs: EPOCH_MS }), at(330, "recordingStarted", { startMs: 300, fileMs: 0 })];
  const second = [
    at(0, "opened", { epochMs: EPOCH_MS + 9_000 }),
    at(140, "recordingStarted", { startMs: 100, fileMs: 8_820 }),
  ];
  const soFar = (...sessions: string[][]) =>
    recordingSoFar(
      LAST,
      sessions.map((events, index) => ({ session: index + 1, events })),
      EPOCH_MS + 12_000,
    );

  it("goes on behind the last page, as old as the first session's clock says", () => {
    expect(soFar(first, second)).toEqual({ serial: 9, pages: 7, granule: 240_000, ageMs: 11_700, pauses: [] });
    expect(soFar([...first, "{", "3"])).toMatchObject({ ageMs: 11_700 });
  });

  it("is paused as it last was", () => {
    const pause = (...pauses: string[]) => at(500, "recording", { state: "paused", pauses });
    expect(soFar([...first, pause("consent", "command")], second)?.pauses).toEqual(["consent", "command"]);
    expect(soFar([...first, pause("consent")], [...second, pause("digits"), pause()])?.pauses).toEqual([]);
    expect(soFar([...first, at(500, "recording", { pauses: "x" })])?.pauses).toEqual([]);
  });

  it("misses nothing where no event tells when it began, and is never younger than nothing", () => {
    expect(soFar([], ["null"])?.ageMs).toBe(5_000);
    expect(soFar([at(0, "opened", { epochMs: EPOCH_MS + 60_000 }), ...first.slice(1)])?.ageMs).toBe(0);
  });

  it("is no older than the core takes", () => {
    expect(soFar([at(0, "opened", { epochMs: EPOCH_MS - 48 * DAY_MS }), ...first.slice(1)])?.ageMs).toBe(DAY_MS);
  });

  it("is none where nothing was recorded, and behind the end", () => {
    expect(recordingSoFar(undefined, [], EPOCH_MS)).toBeUndefined();
    expect(recordingSoFar({ ...LAST, ends: true }, [], EPOCH_MS)).toBeUndefined();
  });
});

describe("the recording's clock", () => {
  const events = [
    { type: "started", atMs: 100 },
    { type: "recordingStarted", atMs: 210, startMs: 200, fileMs: 8_000 },
  ];
  const recording = { bytes: 1, durationMs: 20_000, parts: [{ session: 2, endMs: 11_000 }] };

  it("is that of the session, moved to where it goes on, from there on", () => {
    const clock = recordingClock(recording, 2, events);
    const from = (fromMs: number, toMs: number) => clock?.inRecording(fromMs, toMs);
    expect([from(200, 300), from(1_200.4, 1_300)]).toEqual([8_000, 9_000]);
    expect([from(100, 199), from(150, 300)]).toEqual([null, 8_000]);
    expect(clock?.endMs).toBe(3_200);
  });

  it("is none of a session that recorded nothing", () => {
    expect(recordingClock(recording, 2, [])).toBeUndefined();
    expect(recordingClock(recording, 1, events)).toBeUndefined();
    expect(recordingClock(undefined, 2, events)).toBeUndefined();
  });
});
