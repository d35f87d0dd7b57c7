import { type CallEvent, numberOr, parseEvent, type SessionEvents } from "./call-events.ts";
import { heardText, type Pause } from "./heard-text.ts";
import { type Recording, recordingClock } from "./recording.ts";
import type { CallRow } from "./records/call-row.ts";

/** The most of each kind that one call leaves in the call log; later ones are only in its own record. */
export const MAX_LOGGED_TURNS = 4_000;
export const MAX_LOGGED_EVENTS = 200;

/** Characters of speech a second, to tell how much of a reply was heard when the object was lost over it. */
const CHARACTERS_PER_SECOND = 15;
/** A transcript belongs to a turn that ended at most this long before. */
const TRANSCRIPT_DELAY_MS = 15_000;

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

interface Turn {
  readonly role: "caller" | "agent";
  readonly item: string;
  startMs: number;
  endMs: number;
  /** When it was known to be over; undefined while it goes on. */
  overMs: number | undefined;
  latencyMs: number | null;
  text: string;
  cut: boolean;
}

/** Of an item's audio. */
interface Heard {
  readonly heardMs: number;
  readonly receivedMs: number;
  readonly pauses?: readonly Pause[];
}

/** The turns of one session, on its own clock. */
class SessionTurns {
  readonly turns: Turn[] = [];
  /** By item: the agent's words so far, and whether they are all. */
  readonly #words = new Map<string, { text: string; final: boolean }>();
  #speech: { startMs: number; endMs: number } | undefined;
  #turnEndedMs: number | undefined;

  take(event: CallEvent): void {
    const { atMs } = event;
    const item = typeof event.item === "string" ? event.item : "";
    switch (event.type) {
      case "speechStarted":
        this.#speech ??= { startMs: numberOr(event.startMs, atMs), endMs: atMs };
        break;
      case "speechStopped":
        if (this.#speech) this.#speech.endMs = numberOr(event.endMs, atMs);
        break;
      case "turnEnded":
        this.#callerTurn(atMs);
        this.#turnEndedMs = atMs;
        break;
      case "transcript":
        this.#transcript(event, item);
        break;
      case "replyStarted":
        this.#reply(item, atMs);
        break;
      case "replyDone":
        this.#replyOver(item, atMs, undefined);
        break;
      case "truncated":
        this.#replyOver(item, atMs, {
          heardMs: numberOr(event.audioEndMs, 0),
          receivedMs: numberOr(event.receivedMs, 0),
          pauses: readPauses(event.pauses),
        });
        break;
    }
  }

  /** The session was lost over a reply: it was heard as long as it lasted. */
  end(atMs: number): void {
    for (const turn of this.turns) {
      if (turn.role !== "agent" || turn.overMs !== undefined) continue;
      const { text } = this.#words.get(turn.item) ?? { text: "" };
      const receivedMs = (text.length / CHARACTERS_PER_SECOND) * 1000;
      this.#replyOver(turn.item, atMs, { heardMs: Math.min(atMs - turn.startMs, receivedMs), receivedMs });
    }
  }

  #callerTurn(atMs: number): Turn {
    const { startMs, endMs } = this.#speech ?? { startMs: atMs, endMs: atMs };
    this.#speech = undefined;
    const turn: Turn = {
      role: "caller",
      item: "",
      startMs,
      endMs: Math.max(startMs, endMs),
      overMs: atMs,
      latencyMs: null,
      text: "",
      cut: false,
    };
    this.turns.push(turn);
    return turn;
  }

  #transcript(event: CallEvent, item: string): void {
    const text = typeof event.text === "string" ? event.text : "";
    const final = event.final === true;
    if (event.role === "agent") {
      const words = this.#words.get(item);
      // Parts follow one another; the final text is the whole.
      if (final) this.#words.set(item, { text, final });
      else if (!words?.final) this.#words.set(item, { text: (words?.text ?? "") + text, final });
      const turn = this.turns.findLast((one) => one.role === "agent" && one.item === item);
      if (turn && !turn.cut) turn.text = this.#words.get(item)?.text ?? "";
      return;
    }
    if (!final || text.trim() === "") return;
    const waiting = this.turns.find(
      (turn) => turn.role === "caller" && turn.text === "" && event.atMs - turn.endMs <= TRANSCRIPT_DELAY_MS,
    );
    (waiting ?? this.#callerTurn(event.atMs)).text = text.trim();
  }

  #reply(item: string, atMs: number): void {
    // A reply that was interrupted and goes on starts once.
    if (this.turns.some((turn) => turn.role === "agent" && turn.item === item)) return;
    const latencyMs = this.#turnEndedMs === undefined ? null : Math.max(0, atMs - this.#turnEndedMs);
    this.#turnEndedMs = undefined;
    const text = this.#words.get(item)?.text ?? "";
    this.turns.push({
      role: "agent",
      item,
      startMs: atMs,
      endMs: atMs,
      overMs: undefined,
      latencyMs,
      text,
      cut: false,
    });
  }

  #replyOver(item: string, atMs: number, heard: Heard | undefined): void {
    const turn = this.turns.findLast((one) => one.role === "agent" && one.item === item);
    if (!turn) return;
    turn.overMs = atMs;
    turn.endMs = Math.max(turn.startMs, atMs);
    if (!heard) return;
    turn.endMs = Math.min(turn.endMs, turn.startMs + Math.max(0, heard.heardMs));
    if (heard.heardMs >= heard.receivedMs) return;
    turn.cut = true;
    turn.text = heardText(turn.text, heard.heardMs, heard.receivedMs, heard.pauses);
  }
}

function readPauses(value: unknown): Pause[] {
  if (!Array.isArray(value)) return [];
  return value.filter(
    (pause): pause is Pause => Array.isArray(pause) && pause.length === 2 && pause.every(Number.isFinite),
  );
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
