import { describe, expect, it } from "vitest";
import { type CallLogSources, composeCallLog, normalizeQuestion, objectKey } from "../../../worker-shim/call-log.ts";
import { captions } from "../../../worker-shim/captions.ts";
import type { CallRow } from "../../../worker-shim/records/call-row.ts";

const EPOCH_MS = Date.UTC(2026, 10, 21, 23, 59, 59);
const ROW: CallRow = {
  callId: "c1",
  carrierCallId: "CA1",
  agent: "openai-realtime",
  authorization: "required",
  from: "+1",
  to: "+2",
  createdMs: EPOCH_MS,
  sessions: 1,
  issuedSerial: 1,
  usedSerial: 1,
  reconnects: 0,
  outcome: '{"callId":"c1","reason":"callerHangUp","durationMs":20000}',
  endedMs: EPOCH_MS + 20_500,
  erased: false,
};

type Fields = Record<string, unknown>;
const at = (atMs: number, type: string, fields: Fields = {}) => JSON.stringify({ type, atMs, ...fields });
const opened = (epochMs = EPOCH_MS + 400) => at(0, "opened", { epochMs });

function compose(events: string[], overrides: Partial<CallLogSources> = {}) {
  return composeCallLog({
    row: ROW,
    tenant: "default",
    sessions: [{ session: 1, events }],
    recording: undefined,
    recordingKey: undefined,
    flightKey: undefined,
    prices: undefined,
    ...overrides,
  });
}

/** A question and its answer, as the core tells them. */
const EXCHANGE = [
  opened(),
  at(100, "started"),
  at(110, "recordingStarted", { startMs: 100, fileMs: 0 }),
  at(1_200, "speechStarted", { startMs: 1_000 }),
  at(2_300, "speechStopped", { endMs: 2_100 }),
  at(2_600, "turnEnded", { source: "agent", turn: 1 }),
  at(2_700, "transcript", { role: "caller", item: "u1", text: "When do", final: false }),
  at(2_800, "transcript", { role: "caller", item: "u1", text: " When do you open? ", final: true }),
  at(3_000, "transcript", { role: "agent", item: "a1", text: "We open at ", final: false }),
  at(3_100, "replyStarted", { item: "a1", turn: 1 }),
  at(3_200, "transcript", { role: "agent", item: "a1", text: "nine.", final: false }),
  at(3_300, "transcript", { role: "agent", item: "a1", text: "We open at nine.", final: true }),
  at(5_000, "replyDone", { item: "a1", heardMs: 1_900, turn: 1 }),
  at(5_001, "usage", { inputTokens: 200, outputTokens: 50 }),
];

describe("a call in the log", () => {
  it("has its turns, when they were and what was said", () => {
    const { turns } = compose(EXCHANGE);
    expect(turns).toMatchObject([
      { seq: 0, role: "caller", startMs: 1_000, endMs: 2_100, text: "When do you open?", question: "when do you open" },
      { seq: 1, role: "agent", startMs: 3_100, endMs: 5_000, text: "We open at nine.", latencyMs: 500, cut: 0 },
    ]);
  });

  it("has its figures", () => {
    const { call } = compose(EXCHANGE, { prices: { input: 4, output: 16 } });
    expect(call).toMatchObject({
      startedMs: EPOCH_MS + 400,
      durationMs: 20_000,
      reason: "callerHangUp",
      failed: 0,
      questions: 1,
      replies: 1,
      bargeIns: 0,
      inputTokens: 200,
      outputTokens: 50,
      costMicros: 200 * 4 + 50 * 16,
      latencyMs: 500,
    });
    expect(compose(EXCHANGE).call.costMicros).toBeNull();
  });

  it("keeps of an interrupted reply what was heard, to the word", () => {
    const text = "one two three four five six seven eight nine ten";
    const { turns, call } = compose([
      opened(),
      at(1_000, "replyStarted", { item: "a1", turn: 1 }),
      at(1_100, "transcript", { role: "agent", item: "a1", text, final: false }),
      at(2_900, "cleared", { reason: "bargeIn", item: "a1", heardMs: 1_900 }),
      at(3_000, "truncated", { item: "a1", audioEndMs: 2_000, receivedMs: 4_000 }),
      // Whatever the provider still says of it was not heard.
      at(3_100, "transcript", { role: "agent", item: "a1", text, final: true }),
    ]);
    expect(turns).toMatchObject([{ text: "one two three four five", cut: 1, startMs: 1_000, endMs: 3_000 }]);
    expect(call).toMatchObject({ bargeIns: 1, resumes: 0 });
  });

  it("does not count a cough as an interruption, nor a reply twice that goes on", () => {
    const { turns, call } = compose([
      opened(),
      at(1_000, "replyStarted", { item: "a1", turn: 1 }),
      at(1_500, "cleared", { reason: "bargeIn", item: "a1", heardMs: 500 }),
      at(1_800, "resumed", { item: "a1", fromMs: 500 }),
      at(1_801, "replyStarted", { item: "a1", turn: 1 }),
      at(4_000, "replyDone", { item: "a1", heardMs: 2_700, turn: 1 }),
    ]);
    expect(turns).toHaveLength(1);
    expect(call).toMatchObject({ bargeIns: 0, resumes: 1 });
  });

  it("cuts a reply that the end of the call cut, by how long it was heard", () => {
    const text = "abcd ".repeat(60).trim();
    const { turns } = compose([
      opened(),
      at(10_000, "replyStarted", { item: "a1", turn: 1 }),
      at(10_100, "transcript", { role: "agent", item: "a1", text, final: true }),
    ]);
    // 10 s of 15 characters, to the call's end at 20 s.
    expect(turns[0]).toMatchObject({ cut: 1, text: text.slice(0, 149) });
  });

  it("cuts a reply over which the object was lost by what was recorded of it, also if the call went on", () => {
    const text = "abcd ".repeat(60).trim();
    const parts = [
      { session: 1, endMs: 6_000 },
      { session: 2, endMs: 19_000 },
    ];
    const { turns } = compose([], {
      recording: { bytes: 1, durationMs: 19_000, parts },
      sessions: [
        {
          session: 1,
          events: [
            opened(),
            at(100, "recordingStarted", { startMs: 100, fileMs: 0 }),
            at(1_000, "transcript", { role: "agent", item: "a1", text, final: true }),
            at(2_100, "replyStarted", { item: "a1", turn: 1 }),
          ],
        },
        { session: 2, events: [opened(EPOCH_MS + 8_000), at(50, "recordingStarted", { startMs: 50, fileMs: 7_600 })] },
      ],
    });
    // 4 s of 15 characters.
    expect(turns[0]).toMatchObject({ cut: 1, endMs: 6_100, text: text.slice(0, 59) });
  });

  it("gives each transcript to its own turn, also when it comes after the next turn has ended", () => {
    const { turns } = compose([
      opened(),
      at(1_000, "speechStarted", { startMs: 900 }),
      at(1_500, "speechStopped", { endMs: 1_400 }),
      at(1_600, "turnEnded", { turn: 1 }),
      at(2_000, "speechStarted", { startMs: 1_900 }),
      at(2_500, "speechStopped", { endMs: 2_400 }),
      at(2_600, "turnEnded", { turn: 2 }),
      at(2_700, "transcript", { role: "caller", item: "u1", text: "first", final: true }),
      at(2_800, "transcript", { role: "caller", item: "u2", text: "second", final: true }),
    ]);
    expect(turns.map(({ text, startMs }) => [text, startMs])).toEqual([
      ["first", 900],
      ["second", 1_900],
    ]);
  });

  it("goes on over sessions, each with a clock of its own and all in one recording", () => {
    const parts = [
      { session: 1, endMs: 9_000 },
      { session: 2, endMs: 16_000 },
    ];
    const recording = { bytes: 9_000, durationMs: 16_000, parts };
    const second = [
      opened(EPOCH_MS + 10_400),
      at(200, "started"),
      at(270, "recordingStarted", { startMs: 250, fileMs: 10_160 }),
      at(1_200, "replyStarted", { item: "a1", turn: 1 }),
      at(1_300, "transcript", { role: "agent", item: "a1", text: "Hello again.", final: true }),
      at(2_000, "replyDone", { item: "a1", heardMs: 800, turn: 1 }),
    ];
    const sessions = [
      { session: 1, events: EXCHANGE },
      { session: 2, events: second },
    ];
    const { call, turns } = compose([], { sessions, recording, recordingKey: "k" });
    expect(turns.map(({ startMs, recordingMs }) => [startMs, recordingMs])).toEqual([
      [1_000, 900],
      [3_100, 3_000],
      [11_200, 11_110],
    ]);
    expect(call).toMatchObject({ durationMs: 30_000, recordingMs: 16_000, recordingBytes: 9_000, recordingKey: "k" });
    expect(captions(turns)).toContain("00:00:11.110 --> 00:00:11.910\n<v Agent>Hello again.</v>");
  });

  it("of an object that was lost while nothing happened is as long as its recording", () => {
    const row = { ...ROW, outcome: '{"reason":"objectLost","durationMs":110}' };
    const recording = { bytes: 9_000, durationMs: 15_990, parts: [{ session: 1, endMs: 15_990 }] };
    const { call } = compose([opened(), at(110, "recordingStarted", { startMs: 100, fileMs: 0 })], { row, recording });
    expect(call.durationMs).toBe(16_090);
  });

  it("says when a call failed, and keeps what tells why but no digits", () => {
    const row = { ...ROW, outcome: '{"reason":"agentFailed","durationMs":1}' };
    const events = [opened(), at(5, "dtmf", { digit: "4" }), at(9, "agentFailed", { code: "x", fatal: true })];
    const log = compose(events, { row });
    expect(log.call.failed).toBe(1);
    expect(log.events.map(({ type }) => type)).toEqual(["agentFailed"]);
  });

  it("of a stream that never came has no turns and began when it was announced", () => {
    const row = { ...ROW, sessions: 0, outcome: '{"reason":"noStart","durationMs":0}' };
    const { call, turns } = compose([], { row, sessions: [] });
    expect(turns).toEqual([]);
    expect(call).toMatchObject({ startedMs: EPOCH_MS, durationMs: 0, failed: 0, latencyMs: null });
  });

  it("outlives events that are none", () => {
    expect(compose(["{", "null", "3", '{"type":1}', ...EXCHANGE]).turns).toHaveLength(2);
  });
});

describe("normalizeQuestion", () => {
  it("counts what differs in case and signs as one", () => {
    expect(normalizeQuestion("  What's the PRICE?! ")).toBe("what's the price");
    expect(normalizeQuestion("Was kostet das, Muenchen-Ost?")).toBe("was kostet das muenchen-ost");
    expect(normalizeQuestion("?!")).toBeNull();
  });
});

describe("objectKey", () => {
  it("is of the day on which the call was announced", () => {
    expect(objectKey("recordings", ROW, "opus")).toBe("recordings/2026/11/21/c1.opus");
  });
});

describe("captions", () => {
  const turn = { role: "caller", startMs: 5_000, endMs: 6_500, text: "x", recordingMs: 4_900 };

  it("are WebVTT, escaped, in order, and long enough to read", () => {
    const document = captions([
      { ...turn, text: "a <b> & \n\n c --> d", recordingMs: 3_600_123 },
      { ...turn, role: "agent", startMs: 0, endMs: 10, text: "first", recordingMs: 0 },
    ]);
    expect(document).toBe(
      "WEBVTT\n\n1\n00:00:00.000 --> 00:00:00.500\n<v Agent>first</v>\n\n" +
        "2\n01:00:00.123 --> 01:00:01.623\n<v Caller>a &lt;b&gt; &amp; c --&gt; d</v>\n",
    );
  });

  it("leave out what is not in the recording and what has no words", () => {
    expect(
      captions([
        { ...turn, recordingMs: null },
        { ...turn, text: "  " },
      ]),
    ).toBe("WEBVTT\n");
  });
});
