/** An event of a call, as docs/boundary.md lists them. */
export type CallEvent = { readonly type: string; readonly atMs: number } & Readonly<Record<string, unknown>>;

/** The events of one session, JSON each, oldest first. */
export interface SessionEvents {
  /** From 1. */
  readonly session: number;
  readonly events: readonly string[];
}

/** Undefined for what is no event. */
export function parseEvent(line: string): CallEvent | undefined {
  try {
    const event = JSON.parse(line) as CallEvent;
    return typeof event?.type === "string" && typeof event.atMs === "number" ? event : undefined;
  } catch {
    return undefined;
  }
}

/** `value` if it is a number. */
export function numberOr(value: unknown, fallback: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

/** The highest number of a line that `lines`, events of a call, tell of; 0 for none. */
export function lastLine(lines: readonly string[]): number {
  let last = 0;
  for (const line of lines) if (line.includes('"line"')) last = Math.max(last, numberOr(parseEvent(line)?.["line"], 0));
  return last;
}

/** The number of the event that comes after `lines`, all events of a call so far. */
export function nextSeq(lines: readonly string[]): number {
  const last = lines.at(-1);
  // Events of before they were numbered are counted.
  return last === undefined ? 0 : numberOr(parseEvent(last)?.["seq"], lines.length - 1) + 1;
}
