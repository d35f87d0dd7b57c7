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
  openedMs: undefined,
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

const line = (atMs: number, fields: Fields) => at(atMs, "line", fields);
const caller = (number: number, startMs: number, endMs: number, said: string, fields: Fields = {}) =>
  line(endMs + 700, {
    line: number,
    role: "caller",
    startMs,
    endMs,
    overMs: endMs + 500,
    item: `u${number}`,
    part: 0,
    said,
    heard: said,
    cut: false,
    text: "final",
    ...fields,
  });
const agent = (number: number, startMs: number, endMs: number, said: string, fields: Fields = {}) =>
  line(endMs, {
    line: number,
    role: "agent",
    origin: "reply",
    startMs,
    endMs,
    sentMs: startMs - 120,
    item: `a${number}`,
    part: 0,
    said,
    heard: said,
    cut: false,
    text: "final",
    ...fields,
  });

/** A question and its answer, as the core tells them. */
const EXCHANGE = [
  opened(),
  at(100, "started"),
  at(110, "recordingStarted", { startMs: 100, fileMs: 0 }),
  at(1_200, "speechStarted", { startMs: 1_000 }),
  at(2_300, "speechStopped", { endMs: 2_100 }),
  at(2_600, "turnEnded", { source: "agent", turn: 1 }),
  at(2_800, "transcript", { role: "caller", item: "u1", text: " When do you open? ", final: true, seq: 6 }),
  caller(1, 1_000, 2_100, "When do you open?"),
  at(3_100, "replyStarted", { item: "a1", turn: 1 }),
  at(3_300, "transcript", { role: "agent", item: "a1", text: "We open at nine.", final: true, seq: 9 }),
  agent(2, 3_220, 5_000, "We open at nine.", { latencySentMs: 500, latencyHeardMs: 620 }),
  at(5_000, "replyDone", { item: "a1", heardMs: 1_900, turn: 1 }),
  at(5_001, "usage", { inputTokens: 200, outputTokens: 50 }),
];

describe("a call in the log", () => {
  it("has its turns, when they were and what was said", () => {
    const { turns } = compose(EXCHANGE);
    const unasked = { callId: "c1", recordingMs: null, cut: 0, textState: "final" };
    expect(turns).toEqual([
      {
        ...unasked,
        seq: 0,
        role: "caller",
        startMs: 1_000,
        endMs: 2_100,
        text: "When do you open?",
        said: "When do you open?",
        question: "when do you open",
        item: "u1",
        latencyMs: null,
        latencyHeardMs: null,
      },
      {
        ...unasked,
        seq: 1,
        role: "agent",
        startMs: 3_220,
        endMs: 5_000,
        text: "We open at nine.",
        said: "We open at nine.",
        question: null,
        item: "a2",
        latencyMs: 500,
        latencyHeardMs: 620,
      },
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

  it("has of an interrupted reply what was said and what was heard", () => {
    const { turns, call } = compose([
      opened(),
      at(2_900, "cleared", { reason: "bargeIn", item: "a1", heardMs: 1_900 }),
      at(3_000, "truncated", { item: "a1", audioEndMs: 2_000, receivedMs: 4_000 }),
      agent(1, 1_000, 3_000, "one two three four", { heard: "one two", cut: true, text: "partial" }),
    ]);
    expect(turns).toMatchObject([{ text: "one two", said: "one two three four", cut: 1, textState: "partial" }]);
    expect(call).toMatchObject({ bargeIns: 1, resumes: 0 });
  });

  it("keeps which texts the caller was owed and never heard", () => {
    const { events } = compose([
      opened(),
      at(9_000, "notSaid", { text: "One moment, please.", reason: "failed" }),
      agent(1, 10_000, 11_000, "Goodbye."),
    ]);
    expect(events.map(({ type, atMs }) => [type, atMs])).toEqual([["notSaid", 9_000]]);
    expect(JSON.parse(events[0]?.body ?? "")).toMatchObject({ text: "One moment, please.", reason: "failed" });
  });

  it("does not count a cough as an interruption", () => {
    const { call } = compose([
      opened(),
      at(1_500, "cleared", { reason: "bargeIn", item: "a1", heardMs: 500 }),
      at(1_800, "resumed", { item: "a1", fromMs: 500 }),
      agent(1, 1_000, 4_000, "Hello."),
    ]);
    expect(call).toMatchObject({ bargeIns: 0, resumes: 1, replies: 1 });
  });

  // A session that went on from an older snapshot told it again.
  it("has a line once, as it was told first", () => {
    const { turns } = compose([
      opened(),
      caller(1, 1_000, 2_000, "Where?"),
      agent(2, 3_000, 4_000, "Here."),
      agent(2, 3_000, 3_500, "Here.", { heard: "", cut: true }),
      agent(3, 5_000, 6_000, "And there."),
    ]);
    expect(turns.map(({ seq, text }) => [seq, text])).toEqual([
      [0, "Where?"],
      [1, "Here."],
      [2, "And there."],
    ]);
  });

  it("has lines in the order in which they began, not in which they were over", () => {
    const { turns, toolCalls } = compose([
      opened(),
      agent(3, 3_000, 4_000, "One moment."),
      line(4_500, {
        ...{ line: 2, role: "tool", startMs: 2_600, endMs: 4_500 },
        ...{ toolCallId: "t1", name: "look", arguments: '{"a":1}', result: "nine", state: "answered" },
      }),
      line(9_000, {
        ...{ line: 4, role: "tool", startMs: 2_600, endMs: 9_000 },
        ...{ toolCallId: "t2", name: "look", arguments: "{}", result: "timed out", state: "failed" },
      }),
      caller(5, 5_000, 6_000, "", { text: "failed" }),
      caller(1, 1_000, 2_000, "Where?"),
    ]);
    expect(turns.map(({ seq, text, textState, question }) => [seq, text, textState, question])).toEqual([
      [0, "Where?", "final", "where"],
      [1, "One moment.", "final", null],
      [2, "", "failed", null],
    ]);
    const call = { callId: "c1", atMs: 2_600, name: "look" };
    expect(toolCalls).toEqual([
      { ...call, seq: 0, toolCallId: "t1", arguments: '{"a":1}', result: "nine", state: "answered" },
      { ...call, seq: 1, toolCallId: "t2", arguments: "{}", result: "timed out", state: "failed" },
    ]);
  });

  it("has the results that the provider refused as refused", () => {
    const result = (number: number, toolCallId: string, state: string) =>
      line(4_500, {
        ...{ line: number, role: "tool", startMs: number, endMs: 4_500 },
        ...{ toolCallId, name: "look", arguments: "{}", result: "nine", state },
      });
    const fault = (fields: object) => at(5_000, "fault", { source: "agent", code: "peerError", count: 1, ...fields });
    const { toolCalls } = compose([
      opened(),
      ...[result(1, "t1", "answered"), result(2, "t2", "answered"), result(3, "t3", "failed")],
      ...[fault({ toolCallId: "t1", error: "invalid_value" }), fault({ toolCallId: "t3" }), fault({})],
    ]);
    expect(toolCalls.map(({ toolCallId, state }) => [toolCallId, state])).toEqual([
      ["t1", "refused"],
      ["t2", "answered"],
      ["t3", "failed"],
    ]);
  });

  it("of a former version, without lines and numbers, has its final transcripts", () => {
    const { turns, toolCalls, call } = compose([
      opened(),
      at(2_600, "turnEnded", { source: "agent", turn: 1 }),
      at(2_700, "transcript", { role: "caller", item: "u1", text: "When", final: false }),
      at(2_800, "transcript", { role: "caller", item: "u1", text: " When do you open? ", final: true }),
      at(2_900, "toolCall", { toolCallId: "t1", name: "look", arguments: "{}" }),
      at(3_300, "transcript", { role: "agent", item: "a1", text: "At nine.", final: true }),
    ]);
    const unknown = { said: null, item: null, textState: null, latencyMs: null, latencyHeardMs: null, cut: 0 };
    expect(turns).toMatchObject([
      { ...unknown, role: "caller", startMs: 2_800, text: "When do you open?", question: "when do you open" },
      { ...unknown, role: "agent", startMs: 3_300, text: "At nine." },
    ]);
    expect(toolCalls).toMatchObject([{ atMs: 2_900, toolCallId: "t1", result: null, state: null }]);
    expect(call).toMatchObject({ questions: 1, replies: 1, latencyMs: null });
  });

  it("goes on over sessions, on one clock and in one recording", () => {
    const parts = [
      { session: 1, endMs: 9_000 },
      { session: 2, endMs: 16_000 },
    ];
    const recording = { bytes: 9_000, durationMs: 16_000, parts };
    const second = [
      opened(EPOCH_MS + 10_400),
      at(200, "started"),
      at(270, "recordingStarted", { startMs: 250, fileMs: 10_160 }),
      // Over which the object was lost, and which the next session tells.
      agent(3, 7_000, 9_200, "Is there anything", { heard: "Is there", cut: true }),
      agent(4, 11_200, 12_000, "Hello again."),
    ];
    const sessions = [
      { session: 1, events: EXCHANGE },
      { session: 2, events: second },
    ];
    const { call, turns } = compose([], { sessions, recording, recordingKey: "k" });
    expect(turns.map(({ startMs, recordingMs }) => [startMs, recordingMs])).toEqual([
      [1_000, 900],
      [3_220, 3_120],
      [7_000, 6_900],
      [11_200, 11_110],
    ]);
    expect(call).toMatchObject({ durationMs: 30_000, recordingMs: 16_000, recordingBytes: 9_000, recordingKey: "k" });
    expect(captions(turns, call.recordingMs)).toContain("00:00:11.110 --> 00:00:11.910\n<v Agent>Hello again.</v>");
  });

  // Ten seconds of frames in two: the recording is as long as the frames are.
  it("is as long as it was by the wall's clock, however long its recording is", () => {
    const recording = { bytes: 9_000, durationMs: 60_000, parts: [{ session: 1, endMs: 60_000 }] };
    const begun = at(110, "recordingStarted", { startMs: 100, fileMs: 0 });
    expect(compose([opened(), begun], { recording }).call).toMatchObject({ durationMs: 20_000, recordingMs: 60_000 });
    // Nor does that of one that was lost say how long it was: its outcome does.
    const row = { ...ROW, outcome: '{"reason":"objectLost","durationMs":2400}' };
    expect(compose([opened(), begun], { row, recording }).call.durationMs).toBe(2_400);
  });

  it("is no longer because a session that was lost has recorded frames that came too fast", () => {
    const sessions = [
      { session: 1, events: [opened(), at(110, "recordingStarted", { startMs: 100, fileMs: 0 })] },
      { session: 2, events: [opened(EPOCH_MS + 5_400)] },
    ];
    const recording = { bytes: 9_000, durationMs: 60_000, parts: [{ session: 1, endMs: 60_000 }] };
    const row = { ...ROW, sessions: 2, outcome: '{"reason":"callerHangUp","durationMs":3000}' };
    expect(compose([], { row, sessions, recording }).call.durationMs).toBe(8_000);
  });

  it("has one length: in its row and in its summary, which the core's is not of a call with two sessions", () => {
    const sessions = [
      { session: 1, events: EXCHANGE },
      { session: 2, events: [opened(EPOCH_MS + 10_400)] },
    ];
    const { call } = compose([], { row: { ...ROW, sessions: 2 }, sessions });
    expect(call.durationMs).toBe(30_000);
    expect(JSON.parse(call.summary)).toEqual({ callId: "c1", reason: "callerHangUp", durationMs: 30_000 });
  });

  it("is as long as it was until a session of it did not begin", () => {
    const row = { ...ROW, sessions: 2, outcome: '{"reason":"coreFault","durationMs":0}' };
    expect(compose(EXCHANGE, { row }).call.durationMs).toBe(20_100);
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
    const document = captions(
      [
        { ...turn, text: "a <b> & \n\n c --> d", recordingMs: 3_600_123 },
        { ...turn, role: "agent", startMs: 0, endMs: 10, text: "first", recordingMs: 0 },
      ],
      3_700_000,
    );
    expect(document).toBe(
      "WEBVTT\n\n1\n00:00:00.000 --> 00:00:00.500\n<v Agent>first</v>\n\n" +
        "2\n01:00:00.123 --> 01:00:01.623\n<v Caller>a &lt;b&gt; &amp; c --&gt; d</v>\n",
    );
  });

  it("leave out what is not in the recording and what has no words", () => {
    expect(
      captions(
        [
          { ...turn, recordingMs: null },
          { ...turn, text: "  " },
        ],
        60_000,
      ),
    ).toBe("WEBVTT\n");
  });

  it("end with the file", () => {
    expect(captions([turn], 5_000)).toContain("00:00:04.900 --> 00:00:05.000\n");
    expect(captions([turn], 4_900)).toBe("WEBVTT\n");
  });
});
