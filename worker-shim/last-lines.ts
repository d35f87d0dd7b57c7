import { nextSeq, parseEvent } from "./call-events.ts";
import type { Core, EffectHandler } from "./core.ts";

/** Ends a session that has no stream, at the instant at which it is given. */
const HANG_UP = JSON.stringify({ id: 1, source: { kind: "operator" }, command: { type: "hangUp" } });

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
 * Only the core reads a snapshot: a session that goes on from it, and that is ended before a stream comes to it, gives up
 * all of them. Whatever else it wants is left undone. It is ended at the instant at which it begins, the `epochMs` of
 * `config`: no line ends later.
 */
export function linesLeftOpen(core: Core, config: string): string[] {
  const listener = new Listener();
  core.create(0, config);
  core.drain(listener);
  core.command(0, HANG_UP);
  core.drain(listener);
  return listener.lines;
}

/** `lines` as events that come after `events`, at `atMs`. */
export function numbered(lines: readonly string[], events: readonly string[], atMs: number): string[] {
  const seq = nextSeq(events);
  return lines.map((line, index) => JSON.stringify({ ...parseEvent(line), atMs, seq: seq + index }));
}
