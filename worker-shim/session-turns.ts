import { type CallEvent, numberOr } from "./call-events.ts";
import { heardText, type Pause } from "./heard-text.ts";

/** Characters of speech a second, to tell how much of a reply was heard when the object was lost over it. */
const CHARACTERS_PER_SECOND = 15;
/** A transcript belongs to a turn that ended at most this long before. */
const TRANSCRIPT_DELAY_MS = 15_000;

/** What one side said in one go, on the session's clock. */
export interface Turn {
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
export class SessionTurns {
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
