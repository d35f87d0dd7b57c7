import type { CommandResult, RefusalCode } from "../boundary.ts";
import type { Log, PeerSocket } from "../ports.ts";
import { errorFields } from "./log.ts";
import { closeQuietly } from "./sockets.ts";
import { platformTimers, type Timers } from "./timers.ts";

/** Sockets that watch one call, and as many that were sent away and are not gone. Overflow: the newest is closed: 1013. */
export const MAX_OBSERVERS = 16;
/**
 * Characters that an observer has been sent and has not said that he has read. The platform does not tell what waits for
 * a peer: whoever reads no more has at most this in memory. Overflow: he gets nothing until he acknowledges, and is
 * closed with 1013 after ACKNOWLEDGE_MS. Fifty minutes of an ordinary call.
 */
export const MAX_UNREAD_CHARACTERS = 1024 * 1024;
export const ACKNOWLEDGE_MS = 5_000;
/** Events of the past that are sent at a time; in between others have their turn. */
export const SLICE_EVENTS = 500;
/** A point that can be acknowledged, about every so many characters. */
const CHECKPOINT_CHARACTERS = 16 * 1024;
/** The longest that an observer says: a command with the result of a tool. Overflow: it is ignored. */
export const MAX_MESSAGE_CHARACTERS = 64 * 1024;
/** Commands of one observer that wait for what becomes of them. Overflow: the newest is refused. */
export const MAX_OPEN_COMMANDS = 8;

const CLOSE_NORMAL = 1000;
const CLOSE_TRY_AGAIN_LATER = 1013;

/** All events of the call but the first `skip`, as far as there are. */
export type EventsAfter = (skip: number) => Iterable<string>;

/** What one who watches wants and may. */
export interface Watching {
  /** Events of the past that are not wanted. */
  readonly skip?: number;
  /** Whether he is told how loud both sides are. */
  readonly levels?: boolean;
  /** Gives a command as him; without it he gives none. */
  readonly command?: (command: object) => Promise<CommandResult>;
}

interface Ending {
  readonly reason: string;
  /** What comes behind all events. */
  readonly last: string | undefined;
}

/** One who watches. */
class Watcher {
  readonly socket: PeerSocket;
  readonly events: EventsAfter;
  /** Events of the call up to the last one that was sent, those that were not wanted included. */
  count: number;
  sent = 0;
  acknowledged = 0;
  readonly checkpoints: { readonly count: number; readonly sent: number }[] = [];
  /** Where the past is read from; undefined when he is up to date. */
  past: Iterator<string> | undefined;
  timer: unknown;
  ending: Ending | undefined;
  readonly watching: Watching;
  openCommands = 0;

  constructor(socket: PeerSocket, events: EventsAfter, watching: Watching) {
    this.socket = socket;
    this.events = events;
    this.watching = watching;
    this.count = watching.skip ?? 0;
  }

  get isFull(): boolean {
    return this.sent - this.acknowledged >= MAX_UNREAD_CHARACTERS;
  }
}

/** What an observer says. */
interface Said {
  readonly type?: unknown;
  /** Of `ack`. */
  readonly seq?: unknown;
  /** Of `command`; the id is whatever he likes, and comes back with the result. */
  readonly id?: unknown;
  readonly command?: unknown;
}

/** Undefined for what is no object as JSON, and for what is too long. */
function readSaid(data: unknown): Said | undefined {
  if (typeof data !== "string" || data.length > MAX_MESSAGE_CHARACTERS) return undefined;
  try {
    const said = JSON.parse(data) as unknown;
    return typeof said === "object" && said !== null ? said : undefined;
  } catch {
    return undefined;
  }
}

/** What becomes of a command that did not reach the call. */
const refused = (code: RefusalCode, why: string): CommandResult => ({ status: "refused", code, why });

/** Those who watch a call: each gets every event, one a text message, at his own pace. */
export class Observers {
  readonly #watchers = new Set<Watcher>();
  /** Sent away; what waits for them is in memory until they are gone. */
  readonly #leaving = new Set<PeerSocket>();
  readonly #log: Log;
  readonly #timers: Timers;
  readonly #onLevelsWanted: (wanted: boolean) => void;
  #levelsWanted = false;
  /** Who read too slowly. */
  dropped = 0;

  /** `onLevelsWanted` is told when the first comes who wants levels, and when the last of them has gone. */
  constructor(log: Log, timers: Timers = platformTimers, onLevelsWanted: (wanted: boolean) => void = () => {}) {
    this.#log = log;
    this.#timers = timers;
    this.#onLevelsWanted = onLevelsWanted;
  }

  get count(): number {
    return this.#watchers.size;
  }

  /** Accepts `socket` and sends it what happened so far. */
  add(socket: PeerSocket, events: EventsAfter, watching: Watching = {}): void {
    socket.binaryType = "arraybuffer";
    socket.accept();
    if (this.#watchers.size >= MAX_OBSERVERS || this.#leaving.size >= MAX_OBSERVERS) {
      closeQuietly(socket, CLOSE_TRY_AGAIN_LATER, "too many observers", this.#log);
      return;
    }
    const watcher = new Watcher(socket, events, watching);
    this.#watchers.add(watcher);
    this.#tellLevelsWanted();
    const forget = () => {
      this.#forget(watcher);
      this.#leaving.delete(socket);
    };
    socket.addEventListener("close", forget);
    socket.addEventListener("error", forget);
    socket.addEventListener("message", ({ data }) => this.#onMessage(watcher, data));
    this.#catchUp(watcher);
  }

  broadcast(event: string): void {
    for (const watcher of [...this.#watchers]) {
      // Who is behind finds it where he reads on.
      if (watcher.past) continue;
      if (watcher.isFull) this.#catchUp(watcher);
      else this.#send(watcher, event);
    }
  }

  /** What is for the moment: nobody gets it later, and who is behind does not get it at all. */
  broadcastLevels(levels: string): void {
    for (const watcher of [...this.#watchers])
      if (watcher.watching.levels === true && !watcher.past && !watcher.isFull) this.#sendAside(watcher, levels);
  }

  /** Nothing will happen any more; `last` comes behind what each still has to be sent. */
  closeAll(reason: string, last?: string): void {
    for (const watcher of [...this.#watchers]) {
      watcher.ending = { reason, last };
      if (!watcher.past) this.#finish(watcher);
    }
  }

  #onMessage(watcher: Watcher, data: unknown): void {
    const said = readSaid(data);
    if (said?.type === "ack" && Number.isSafeInteger(said.seq)) this.#onAcknowledged(watcher, said.seq as number);
    if (said?.type === "command") void this.#onCommand(watcher, said);
  }

  /** Answered by exactly one message, while its asker is there. */
  async #onCommand(watcher: Watcher, { id = null, command }: Said): Promise<void> {
    const result = await this.#judge(watcher, command);
    if (this.#watchers.has(watcher)) this.#sendAside(watcher, JSON.stringify({ type: "commandResult", id, ...result }));
  }

  async #judge(watcher: Watcher, command: unknown): Promise<CommandResult> {
    const give = watcher.watching.command;
    if (typeof command !== "object" || command === null || Array.isArray(command))
      return refused("invalid", "command must be an object");
    if (!give) return refused("forbidden", "an observer without a role gives no commands");
    if (watcher.openCommands >= MAX_OPEN_COMMANDS) return refused("conflict", "too many commands wait");
    watcher.openCommands++;
    try {
      return await give(command);
    } catch (error) {
      this.#log.error("an observer's command failed", errorFields(error));
      return refused("conflict", "the gateway failed");
    } finally {
      watcher.openCommands--;
    }
  }

  #onAcknowledged(watcher: Watcher, seq: number): void {
    for (let next = watcher.checkpoints[0]; next && next.count <= seq + 1; next = watcher.checkpoints[0]) {
      watcher.acknowledged = next.sent;
      watcher.checkpoints.shift();
    }
    if (watcher.past && !watcher.isFull) this.#sendPast(watcher);
  }

  #catchUp(watcher: Watcher): void {
    watcher.past = watcher.events(watcher.count)[Symbol.iterator]();
    this.#sendPast(watcher);
  }

  #sendPast(watcher: Watcher): void {
    this.#timers.clear(watcher.timer);
    for (let events = 0; watcher.past && this.#watchers.has(watcher); events++) {
      if (watcher.isFull) {
        watcher.timer = this.#timers.set(() => this.#drop(watcher), ACKNOWLEDGE_MS);
        return;
      }
      if (events === SLICE_EVENTS) {
        watcher.timer = this.#timers.set(() => this.#sendPast(watcher), 0);
        return;
      }
      const next = watcher.past.next();
      if (next.done) watcher.past = undefined;
      else this.#send(watcher, next.value);
    }
    if (watcher.ending) this.#finish(watcher);
  }

  #finish(watcher: Watcher): void {
    const { ending } = watcher;
    if (!ending || !this.#watchers.has(watcher)) return;
    if (ending.last !== undefined) this.#send(watcher, ending.last);
    this.#forget(watcher);
    closeQuietly(watcher.socket, CLOSE_NORMAL, ending.reason, this.#log);
  }

  #drop(watcher: Watcher): void {
    this.dropped++;
    this.#log.warn("an observer read too slowly", { events: watcher.count, characters: watcher.sent });
    this.#forget(watcher);
    this.#leaving.add(watcher.socket);
    closeQuietly(
      watcher.socket,
      CLOSE_TRY_AGAIN_LATER,
      `not acknowledged; go on after ${watcher.count - 1}`,
      this.#log,
    );
  }

  #forget(watcher: Watcher): void {
    this.#timers.clear(watcher.timer);
    watcher.past = undefined;
    this.#watchers.delete(watcher);
    this.#tellLevelsWanted();
  }

  #tellLevelsWanted(): void {
    const wanted = [...this.#watchers].some(({ watching }) => watching.levels === true);
    if (wanted === this.#levelsWanted) return;
    this.#levelsWanted = wanted;
    this.#onLevelsWanted(wanted);
  }

  #send(watcher: Watcher, event: string): void {
    watcher.count++;
    this.#sendAside(watcher, event);
  }

  /** What is none of the call's events: it has no number, but takes room like them. */
  #sendAside(watcher: Watcher, event: string): void {
    try {
      watcher.socket.send(event);
    } catch {
      this.#forget(watcher);
      return;
    }
    watcher.sent += event.length;
    const before = watcher.checkpoints.at(-1)?.sent ?? watcher.acknowledged;
    if (watcher.sent - before >= CHECKPOINT_CHARACTERS || watcher.isFull)
      watcher.checkpoints.push({ count: watcher.count, sent: watcher.sent });
  }
}
