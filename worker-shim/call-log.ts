import { numberOr, parseEvent, type SessionEvents } from "./call-events.ts";
import { type Recording, recordingClock } from "./recording.ts";
import type { CallRow } from "./records/call-row.ts";
import { SessionTurns } from "./session-turns.ts";

/** The most of each kind that one call leaves in the call log; later ones are only in its own record. */
export const MAX_LOGGED_TURNS = 4_000;
export const MAX_LOGGED_EVENTS = 200;

/** Outcomes that are ours or an upstream's failure, not somebody's wish. */
const FAILURES = new Set(["coreFault", "objectLost", "agentFailed", "noAnswer", "protocol"]);
/** What says afterwards why a call went as it did. A digit may be of a card's number: `dtmf` is not kept. */
const KEPT_EVENTS = new Set(["agentReady", "agentFailed", "fault", "cleared", "resumed", "truncated"]);

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
  /** Turns of the caller, and replies of the agent that were begun. */
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
  /** Of a reply: from the end of the caller's turn to its first audio. */
  readonly latencyMs: number | null;
  /** What was said; of the agent, what was heard of it. */
  readonly text: string;
  /** 1 if the agent was not heard to the end. */
  readonly cut: number;
  /** `text` of a caller's turn as it is counted: lower case, without punctuation. */
  readonly question: string | null;
}

export interface LoggedToolCall {
  readonly callId: string;
  readonly seq: number;
  readonly atMs: number;
  readonly toolCallId: string;
  readonly name: string;
  readonly arguments: string;
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

/** What the call log says about a call that is over. Deterministic: composing it again gives the same. */
export function composeCallLog(sources: CallLogSources): CallLog {
  const { row, recording, prices } = sources;
  const { callId } = row;
  const summary = JSON.parse(row.outcome ?? "{}") as { reason?: string; durationMs?: number };
  const turns: LoggedTurn[] = [];
  const toolCalls: LoggedToolCall[] = [];
  const events: LoggedEvent[] = [];
  let startedMs: number | undefined;
  let durationMs = 0;
  let [bargeIns, resumes, inputTokens, outputTokens] = [0, 0, 0, 0];

  for (const { session, events: lines } of sources.sessions) {
    const parsed = lines.flatMap((line) => parseEvent(line) ?? []);
    const opened = parsed.find(({ type }) => type === "opened");
    startedMs ??= numberOr(opened?.epochMs, row.createdMs);
    const offsetMs = Math.max(0, numberOr(opened?.epochMs, startedMs + durationMs) - startedMs);
    const lastMs = parsed.at(-1)?.atMs ?? 0;
    const isLast = session === sources.sessions.at(-1)?.session;
    const clock = recordingClock(recording, session, parsed);
    // Of a session that was lost only the recording may say how long it was.
    const endMs = Math.max(lastMs, clock?.endMs ?? 0, isLast ? numberOr(summary.durationMs, 0) : 0);
    const spoken = new SessionTurns();
    for (const event of parsed) {
      const { type, atMs } = event;
      spoken.take(event);
      if (type === "usage") {
        inputTokens += numberOr(event.inputTokens, 0);
        outputTokens += numberOr(event.outputTokens, 0);
      } else if (type === "toolCall") {
        toolCalls.push({
          callId,
          seq: toolCalls.length,
          atMs: offsetMs + atMs,
          toolCallId: String(event.toolCallId ?? ""),
          name: String(event.name ?? ""),
          arguments: String(event.arguments ?? ""),
        });
      }
      if (type === "cleared" && event.reason === "bargeIn") bargeIns++;
      if (type === "resumed") {
        bargeIns--;
        resumes++;
      }
      if (KEPT_EVENTS.has(type) && events.length < MAX_LOGGED_EVENTS)
        events.push({ callId, seq: events.length, atMs: offsetMs + atMs, type, body: JSON.stringify(event) });
    }
    spoken.end(endMs);
    for (const turn of spoken.turns.sort((a, b) => a.startMs - b.startMs)) {
      if (turns.length >= MAX_LOGGED_TURNS) break;
      turns.push({
        callId,
        seq: turns.length,
        role: turn.role,
        startMs: Math.round(offsetMs + turn.startMs),
        endMs: Math.round(offsetMs + turn.endMs),
        recordingMs: clock?.inRecording(turn.startMs, turn.endMs) ?? null,
        latencyMs: turn.latencyMs === null ? null : Math.round(turn.latencyMs),
        text: turn.text,
        cut: turn.cut ? 1 : 0,
        question: turn.role === "caller" ? normalizeQuestion(turn.text) : null,
      });
    }
    durationMs = Math.max(durationMs, offsetMs + endMs);
  }

  const reason = summary.reason ?? "unknown";
  const latencies = turns.flatMap(({ latencyMs }) => latencyMs ?? []);
  const call: LoggedCall = {
    callId,
    carrierCallId: row.carrierCallId,
    tenant: sources.tenant,
    agent: row.agent,
    fromNumber: row.from,
    toNumber: row.to,
    startedMs: startedMs ?? row.createdMs,
    endedMs: row.endedMs,
    durationMs: Math.round(durationMs),
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
    summary: row.outcome ?? "{}",
  };
  return { call, turns, toolCalls, events };
}
