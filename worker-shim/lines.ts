import { type CallEvent, numberOr } from "./call-events.ts";

/** How its text came to be; docs/boundary.md, `line`. */
export type TextState = "final" | "partial" | "failed" | "missing";
/** What became of a tool call. `refused`: it was answered, and the agent's provider did not take that. */
export type ToolState = "answered" | "failed" | "unanswered" | "refused";

/** A turn of the caller or an utterance of the agent. Times are the call's. */
export interface SpokenLine {
  readonly role: "caller" | "agent";
  readonly line: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly item: string | null;
  /** All that was said; null if that is not known. */
  readonly said: string | null;
  readonly heard: string;
  readonly cut: boolean;
  readonly textState: TextState | null;
  /** From the end of the caller's turn that it answers to its first audio, as it was sent and as it was heard. */
  readonly latencySentMs: number | null;
  readonly latencyHeardMs: number | null;
}

/** A tool call with its result. */
export interface ToolLine {
  readonly role: "tool";
  readonly line: number;
  readonly startMs: number;
  readonly toolCallId: string;
  readonly name: string;
  readonly arguments: string;
  readonly result: string | null;
  readonly state: ToolState | null;
}

/** A line of the conversation. */
export type Line = SpokenLine | ToolLine;

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

/** What an event `line` tells; undefined for any other. */
export function readLine(event: CallEvent): Line | undefined {
  const { type, role } = event;
  if (type !== "line") return undefined;
  const line = numberOr(event.line, 0);
  const startMs = numberOr(event.startMs, 0);
  if (role === "tool") {
    return {
      role,
      line,
      startMs,
      toolCallId: text(event.toolCallId),
      name: text(event.name),
      arguments: text(event.arguments),
      result: text(event.result),
      state: event.state as ToolState,
    };
  }
  if (role !== "caller" && role !== "agent") return undefined;
  return {
    role,
    line,
    startMs,
    endMs: numberOr(event.endMs, startMs),
    item: text(event.item),
    said: text(event.said),
    heard: text(event.heard),
    cut: event.cut === true,
    textState: event.text as TextState,
    latencySentMs: numberOrNull(event.latencySentMs),
    latencyHeardMs: numberOrNull(event.latencyHeardMs),
  };
}

/**
 * The same of an event from before there were lines, which the objects that were there then still have: each final
 * transcript is a turn of which neither its length nor what was heard of it is known. Such events have no numbers.
 */
export function readFormerEvent(event: CallEvent, sessionOffsetMs: number): Line | undefined {
  const { type, role, seq } = event;
  if (seq !== undefined) return undefined;
  const startMs = sessionOffsetMs + event.atMs;
  if (type === "toolCall") {
    const { toolCallId, name } = event;
    const call = { toolCallId: text(toolCallId), name: text(name), arguments: text(event.arguments) };
    return { role: "tool", line: 0, startMs, ...call, result: null, state: null };
  }
  if (type !== "transcript" || event.final !== true || (role !== "caller" && role !== "agent")) return undefined;
  const unknown = { item: null, said: null, textState: null, latencySentMs: null, latencyHeardMs: null };
  return { role, line: 0, startMs, endMs: startMs, heard: text(event.text).trim(), cut: false, ...unknown };
}
