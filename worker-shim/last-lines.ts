import { nextSeq, numberOr, parseEvent } from "./call-events.ts";
import type { Core, EffectHandler } from "./core.ts";

/** After every deadline of a session. */
const LATER_US = 48 * 3600 * 1e6;

/** Events of what comes of a call that nobody takes up. */
const KEPT_TYPES: ReadonlySet<unknown> = new Set(["line", "notSaid"]);

/** Performs nothing but to keep those events. */
class Listener implements EffectHandler {
  readonly lines: string[] = [];
  sendText(): void {}
  sendBinary(): void {}
  connect(): void {}
  close(): void {}
  fetch(): void {}
  fetchAbort(): void {}
  fetchCredit(): void {}
  loadResource(): void {}
  deadline(): void {}
  authorize(): void {}
  commandResult(): void {}
  record(): void {}
  snapshot(): void {}
  ended(): void {}
  event(json: string): void {
    if (KEPT_TYPES.has(parseEvent(json)?.type)) this.lines.push(json);
  }
}

/**
 * The lines that a lost session had not told, as its last snapshot in `config` has them, and what it still owed
 * (`notSaid`).
 *
 * Only the core reads a snapshot: a session that goes on from it, and that no stream comes to, ends and gives up all of
 * them. Whatever else it wants is left undone.
 */
export function linesLeftOpen(core: Core, config: string): string[] {
  const listener = new Listener();
  core.create(0, config);
  core.drain(listener);
  core.timer(LATER_US);
  core.drain(listener);
  return listener.lines;
}

/** `lines` as events that come after `events`, at the last instant that is known. */
export function numbered(lines: readonly string[], events: readonly string[]): string[] {
  const seq = nextSeq(events);
  const atMs = numberOr(parseEvent(events.at(-1) ?? "")?.atMs, 0);
  return lines.map((line, index) => JSON.stringify({ ...parseEvent(line), atMs, seq: seq + index }));
}
