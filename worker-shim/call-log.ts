import { numberOr, parseEvent, type SessionEvents } from "./call-events.ts";
import { callLength } from "./call-length.ts";
import { type Line, readFormerEvent, readLine, type SpokenLine, type TextState, type ToolState } from "./lines.ts";
import { type Recording, type RecordingClock, recordingClock } from "./recording.ts";
import type { CallRow } from "./records/call-row.ts";

/** The most of each kind that one call leaves in the call log, tool calls as turns; later ones are only in its own record. */
export const MAX_LOGGED_TURNS = 4_000;
export const MAX_LOGGED_EVENTS = 200;

/**
 * Why a call may have ended: the core's reasons, docs/boundary.md, those of calls that had no core to end them, and one for
 * an outcome that says none. Append-only: the log keeps calls for years.
 */
export const OUTCOMES = [
  ...(["callerHangUp", "legLost", "agentFailed", "noAnswer", "deadAir", "maxDuration", "hangUp"] as const),
  ...(["unauthorized", "noStart", "protocol", "coreFault", "objectLost", "unknown"] as const),
  "closed",
] as const;
type Outcome = (typeof OUTCOMES)[number];

/** Outcomes that are ours or an upstream's failure, not somebody's wish. */
const FAILURES: ReadonlySet<string> = new Set<Outcome>([
  "coreFault",
  "objectLost",
  "agentFailed",
  "noAnswer",
  "protocol",
]);
/** What says afterwards why a call went as it did. A digit may be of a card's number: `dtmf` is not kept. */
const KEPT_EVENTS = new Set([
  "agentReady",
  "agentFailed",
  "agentSwitched",
  "fault",
  "cleared",
  "resumed",
  "truncated",
  "notSaid",
  "profile",
  "knowledge",
  "audit",
]);

export interface LoggedCall {
  readonly callId: string;
  readonly carrierCallId: string;
  readonly tenant: string;
  readonly agent: string;
  readonly fromNumber: string;
  readonly toNumber: string;
  /** Epoch ms. */
  readonly startedMs: number;
  readonly endedMs: number;
  readonly durationMs: number;
  readonly reason: string;
  /** 1 if the call failed, else 0. */
  readonly failed: number;
  readonly sessions: number;
  /** Turns of the caller, and utterances of the agent. */
  readonly questions: number;
  readonly replies: number;
  readonly bargeIns: number;
  readonly resumes: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Millionths of a US dollar; null where no prices are known. */
  readonly costMicros: number | null;
  /** From the end of a turn to the first audio of its reply, mean; null without replies. */
  readonly latencyMs: number | null;
  readonly recordingKey: string | null;
  readonly recordingBytes: number;
  readonly recordingMs: number;
  readonly flightKey: string | null;
  /** JSON of the summary. */
  readonly summary: string;
}

export interface LoggedTurn {
  readonly callId: string;
  /** From 0. */
  readonly seq: number;
  readonly role: "caller" | "agent";
  /** Since the call's start. */
  readonly startMs: number;
  readonly endMs: number;
  /** Where it begins in the recording; null if there is none. */
  readonly recordingMs: number | null;
  /** Of a reply: from the end of the caller's turn to its first audio, sent. */
  readonly latencyMs: number | null;
  /** What was heard of what was said. */
  readonly text: string;
  /** 1 if the agent was not heard to the end. */
  readonly cut: number;
  /** `text` of a caller's turn as it is counted: lower case, without punctuation. */
  readonly question: string | null;
  /** All that was said. This and what follows is null where a former version left the call. */
  readonly said: string | null;
  /** The same as `latencyMs` to the first audio heard; null also where that is not known. */
  readonly latencyHeardMs: number | null;
  /** The agent's own name of it; empty if it has none. */
  readonly item: string | null;
  /** `partial`: its end never came; `failed`: it could not be transcribed; `missing`: there is none. */
  readonly textState: TextState | null;
}

export interface LoggedToolCall {
  readonly callId: string;
  readonly seq: number;
  readonly atMs: number;
  readonly toolCallId: string;
  readonly name: string;
  readonly arguments: string;
  /** Of one that failed, why. This and `state` are null where a former version left the call. */
  readonly result: string | null;
  readonly state: ToolState | null;
}

export interface LoggedEvent {
  readonly callId: string;
  readonly seq: number;
  readonly atMs: number;
  readonly type: string;
  /** The event's JSON. */
  readonly body: string;
}

export interface CallLog {
  readonly call: LoggedCall;
  readonly turns: readonly LoggedTurn[];
  readonly toolCalls: readonly LoggedToolCall[];
  readonly events: readonly LoggedEvent[];
}

/** US dollars for a million tokens. */
export interface TokenPrices {
  readonly input: number;
  readonly output: number;
}

export interface CallLogSources {
  readonly row: CallRow;
  readonly tenant: string;
  readonly sessions: readonly SessionEvents[];
  readonly recording: Recording | undefined;
  readonly recordingKey: string | undefined;
  readonly flightKey: string | undefined;
  readonly prices: TokenPrices | undefined;
}

/** A question as it is counted. Null if it holds no word. */
export function normalizeQuestion(text: string): string | null {
  const words = text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}'-]*/gu);
  return words ? words.join(" ").slice(0, 200) : null;
}

/** recordings/YYYY/MM/DD/CALL.EXTENSION, by the UTC day on which the call was announced. */
export function objectKey(folder: string, row: CallRow, extension: string): string {
  const day = new Date(row.createdMs).toISOString().slice(0, 10).replaceAll("-", "/");
  return `${folder}/${day}/${row.callId}.${extension}`;
}

/** Where a session lies on the call's clock, and its part of the recording on the session's. */
interface Stretch {
  readonly offsetMs: number;
  readonly recording: RecordingClock | undefined;
}

/** Where in the recording a line begins: by the clock of the session that was live then. */
function inRecording(stretches: readonly Stretch[], { startMs, endMs }: SpokenLine): number | null {
  const live = stretches.findLast(({ offsetMs }) => offsetMs <= startMs) ?? stretches[0];
  return live?.recording?.inRecording(startMs - live.offsetMs, endMs - live.offsetMs) ?? null;
}

function loggedTurn(callId: string, seq: number, line: SpokenLine, stretches: readonly Stretch[]): LoggedTurn {
  const { role, startMs, endMs, heard, said, item, textState } = line;
  return {
    callId,
    seq,
    role,
    startMs,
    endMs,
    recordingMs: inRecording(stretches, line),
    latencyMs: line.latencySentMs,
    text: heard,
    cut: line.cut ? 1 : 0,
    question: role === "caller" ? normalizeQuestion(heard) : null,
    said,
    latencyHeardMs: line.latencyHeardMs,
    item,
    textState,
  };
}

/** What the call log says about a call that is over. Deterministic: composing it again gives the same. */
export function composeCallLog(sources: CallLogSources): CallLog {
  const { row, recording, prices } = sources;
  const { callId } = row;
  const summary = JSON.parse(row.outcome ?? "{}") as { reason?: string };
  const lines: Line[] = [];
  const told = new Set<number>();
  /** Tool calls whose results the agent's provider has refused. */
  const refused = new Set<unknown>();
  const stretches: Stretch[] = [];
  const events: LoggedEvent[] = [];
  const { startedMs, durationMs } = callLength(sources);
  /** Where the session after one begins of which that is not known. */
  let nextMs = 0;
  let [bargeIns, resumes, inputTokens, outputTokens] = [0, 0, 0, 0];

  for (const { session, events: texts } of sources.sessions) {
    const parsed = texts.flatMap((text) => parseEvent(text) ?? []);
    const opened = parsed.find(({ type }) => type === "opened");
    const offsetMs = Math.max(0, numberOr(opened?.epochMs, startedMs + nextMs) - startedMs);
    stretches.push({ offsetMs, recording: recordingClock(recording, session, parsed) });
    for (const event of parsed) {
      const { type, atMs } = event;
      const line = readLine(event) ?? readFormerEvent(event, offsetMs);
      // The first of a number is of the session that knew it best; those of before there were any have 0.
      if (line && (line.line === 0 || !told.has(line.line))) lines.push(line);
      if (line) told.add(line.line);
      if (type === "fault" && event.toolCallId !== undefined) refused.add(event.toolCallId);
      if (type === "usage") {
        inputTokens += numberOr(event.inputTokens, 0);
        outputTokens += numberOr(event.outputTokens, 0);
      }
      if (type === "cleared" && event.reason === "bargeIn") bargeIns++;
      if (type === "resumed") {
        bargeIns--;
        resumes++;
      }
      if (KEPT_EVENTS.has(type) && events.length < MAX_LOGGED_EVENTS)
        events.push({ callId, seq: events.length, atMs: offsetMs + atMs, type, body: JSON.stringify(event) });
    }
    nextMs = Math.max(nextMs, offsetMs + (parsed.at(-1)?.atMs ?? 0));
  }

  // They came as they were over.
  lines.sort((a, b) => a.startMs - b.startMs || a.line - b.line);
  const turns = lines
    .filter((line) => line.role !== "tool")
    .slice(0, MAX_LOGGED_TURNS)
    .map((line, seq) => loggedTurn(callId, seq, line, stretches));
  const toolCalls = lines
    .filter((line) => line.role === "tool")
    .slice(0, MAX_LOGGED_TURNS)
    .map(({ role: _, line: __, startMs, state, ...call }, seq) => ({
      ...{ callId, seq, atMs: startMs, ...call },
      // A late result is told otherwise, and that of a call that failed is why.
      state: state === "answered" && refused.has(call.toolCallId) ? "refused" : state,
    }));

  const reason = summary.reason ?? "unknown";
  const latencies = turns.flatMap(({ latencyMs }) => latencyMs ?? []);
  const call: LoggedCall = {
    callId,
    carrierCallId: row.carrierCallId,
    tenant: sources.tenant,
    agent: row.agent,
    fromNumber: row.from,
    toNumber: row.to,
    startedMs,
    endedMs: row.endedMs,
    durationMs,
    reason,
    failed: FAILURES.has(reason) ? 1 : 0,
    sessions: row.sessions,
    questions: turns.filter(({ role }) => role === "caller").length,
    replies: turns.filter(({ role }) => role === "agent").length,
    bargeIns: Math.max(0, bargeIns),
    resumes,
    inputTokens,
    outputTokens,
    // A price for a million tokens in dollars is one for a token in millionths.
    costMicros: prices ? Math.round(inputTokens * prices.input + outputTokens * prices.output) : null,
    latencyMs: latencies.length > 0 ? Math.round(latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length) : null,
    recordingKey: sources.recordingKey ?? null,
    recordingBytes: recording?.bytes ?? 0,
    recordingMs: Math.round(recording?.durationMs ?? 0),
    flightKey: sources.flightKey ?? null,
    // The core's is of its session.
    summary: row.outcome === undefined ? "{}" : JSON.stringify({ ...summary, durationMs }),
  };
  return { call, turns, toolCalls, events };
}
