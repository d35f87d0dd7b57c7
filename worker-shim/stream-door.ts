import type { Verdict } from "./boundary.ts";
import { type Opening, readOpening, type Start } from "./carriers/twilio/opening.ts";
import { errorFields } from "./ports/log.ts";
import { closeQuietly } from "./ports/sockets.ts";
import type { Timers } from "./ports/timers.ts";
import type { Log, PeerSocket } from "./ports.ts";

/** Who asked for the upgrade: the carrier, by its signature, or somebody. */
export type Standing = "signed" | "unsigned";

/**
 * Sockets of one call that have not shown their token yet. Overflow of those that wait: the one that has waited longest
 * is closed with 1013. A socket that was closed has its place until its peer has closed it as well, CLOSE_MS at most, since
 * what its peer has sent of a message lies in memory until then, up to 32 MiB, and nothing here can see or drop it.
 * Overflow of places: the newest waits for one, PLACE_WAIT_MS, and is not taken after that.
 */
export const ROOM: Readonly<Record<Standing, { readonly waiting: number; readonly places: number }>> = {
  signed: { waiting: 8, places: 16 },
  unsigned: { waiting: 2, places: 3 },
};
/** How long an upgrade waits for a place; a peer that is told to close does so within a round trip. */
export const PLACE_WAIT_MS = 1_000;
/**
 * After this the place of a closed socket is free though its peer has not closed it: strangers who never do would keep the
 * caller's own stream out for good. A stream that was lost tries again several times within the core's time for it, 15 s.
 */
export const CLOSE_MS = 5_000;
/** Upgrades that wait for a place. Overflow: not taken. */
export const MAX_QUEUED = 32;
/** The longest message before the token is shown; the core reads no longer one. A start has some hundred. Overflow: 1009. */
export const MAX_OPENING_BYTES = 64 * 1024;
/** A character of a text has at most so many bytes. */
const MAX_UNIT_BYTES = 3;
/** What comes between a start and its verdict, characters and bytes: a second of audio of any format. Overflow: 1009. */
export const MAX_HELD_LENGTH = 256 * 1024;
/** Messages before the start that mean nothing. Overflow: 4400. */
export const MAX_IDLE_MESSAGES = 64;
/** Messages before the start that are against the protocol; as the core has it, kMaxFaultsBeforeStart. Overflow: 4400. */
export const MAX_OPENING_FAULTS = 16;

/** docs/boundary.md, close codes on the leg. */
const CLOSE_TRY_AGAIN_LATER = 1013;
const CLOSE_TOO_BIG = 1009;
const CLOSE_INTERNAL_ERROR = 1011;
const CLOSE_PROTOCOL = 4400;
const CLOSE_NO_START = 4401;
const CLOSE_REFUSED: Readonly<Record<Exclude<Verdict, "granted">, number>> = {
  missing: CLOSE_NO_START,
  foreign: 4403,
  used: 4409,
  expired: 4410,
};

type Message = string | ArrayBuffer;

/** Whether it is longer than MAX_OPENING_BYTES. */
function isTooLong(message: Message): boolean {
  if (typeof message !== "string") return message.byteLength > MAX_OPENING_BYTES;
  if (message.length * MAX_UNIT_BYTES <= MAX_OPENING_BYTES) return false;
  return message.length > MAX_OPENING_BYTES || new TextEncoder().encode(message).length > MAX_OPENING_BYTES;
}

export interface StreamDoorOptions {
  readonly log: Log;
  readonly timers: Timers;
  /** From a socket to its start. */
  startMs(): number;
  /** Whether the call can carry the stream's audio beside what it has had so far. */
  canCarry(start: Start): boolean;
  /** Judges what a stream brought; a token is used up only if `isThere` still says so then. */
  judge(start: Start, isThere: () => boolean): Promise<Verdict>;
  /** Gives the call a stream that has shown its token. */
  admit(socket: PeerSocket, start: Start): void;
  /** Nobody waits any more, and nobody was let in by the last one who did. */
  onDeserted(): void;
  background(work: Promise<void>): void;
}

/** What a call's door has turned away since the object was made. */
export interface DoorCounters {
  /** Brought no token, a wrong one, or nonsense. */
  refused: number;
  /** Brought nothing in time. */
  silent: number;
  /** Made room for a newer one. */
  displaced: number;
  /** Not taken: no place. */
  full: number;
  /** Closed, and never by their peers: their places are free again. */
  forgotten: number;
}

/** A socket at the door. */
class Visitor {
  readonly socket: PeerSocket;
  readonly standing: Standing;
  state: "waiting" | "judged" | "inside" | "closed" = "waiting";
  readonly held: Message[] = [];
  heldLength = 0;
  idle = 0;
  faults = 0;
  timer: unknown;
  /** Who gets its messages once it is inside. */
  listener: ((event: { readonly data: unknown }) => void) | undefined;

  constructor(socket: PeerSocket, standing: Standing) {
    this.socket = socket;
    this.standing = standing;
  }
}

/** A visitor's socket as the call gets it: not accepted yet, and what it has said comes after `accept`. */
class AdmittedSocket implements PeerSocket {
  readonly #visitor: Visitor;
  binaryType: "blob" | "arraybuffer" = "arraybuffer";

  constructor(visitor: Visitor) {
    this.#visitor = visitor;
  }

  accept(): void {
    // In a later task: who accepts has not told yet that it is open.
    queueMicrotask(() => {
      const visitor = this.#visitor;
      for (let message = visitor.held.shift(); message !== undefined; message = visitor.held.shift())
        visitor.listener?.({ data: message });
    });
  }

  send(message: string | ArrayBuffer | ArrayBufferView): void {
    this.#visitor.socket.send(message);
  }

  close(code?: number, reason?: string): void {
    this.#visitor.socket.close(code, reason);
  }

  addEventListener(type: "message" | "close" | "error", listener: (event: never) => void): void {
    if (type === "message") this.#visitor.listener = listener as (event: { readonly data: unknown }) => void;
    else this.#visitor.socket.addEventListener(type as "error", listener as (event: unknown) => void);
  }
}

/**
 * The door of one call: sockets wait here until they have shown a token. Nothing that happens here touches the call, its
 * session or the stream that it has: whoever is refused, silent or gone ends nothing.
 */
export class StreamDoor {
  readonly #options: StreamDoorOptions;
  /** All that have a place, in the order in which they came. */
  readonly #visitors = new Set<Visitor>();
  readonly counters: DoorCounters = { refused: 0, silent: 0, displaced: 0, full: 0, forgotten: 0 };
  /** Upgrades that wait for a place, in their order. */
  readonly #queue = new Set<() => void>();

  constructor(options: StreamDoorOptions) {
    this.#options = options;
  }

  /** Whether somebody may still show a token. */
  get isAwaited(): boolean {
    return [...this.#visitors].some(({ state }) => state === "waiting" || state === "judged");
  }

  /** Takes a socket that must show its token. Returns false, and leaves the socket alone, if there is no place. */
  add(socket: PeerSocket, standing: Standing): boolean {
    const room = ROOM[standing];
    const ofStanding = this.#of(standing);
    if (ofStanding.length >= room.places) {
      this.counters.full++;
      return false;
    }
    const waiting = ofStanding.filter(({ state }) => state === "waiting");
    // Whoever is being judged is gone in a moment.
    const [longest] = waiting;
    if (longest && waiting.length >= room.waiting) {
      this.counters.displaced++;
      this.#turnAway(longest, CLOSE_TRY_AGAIN_LATER, "others wait");
    }
    const visitor = new Visitor(socket, standing);
    this.#visitors.add(visitor);
    const { timers, startMs } = this.#options;
    visitor.timer = timers.set(() => {
      this.counters.silent++;
      this.#turnAway(visitor, CLOSE_NO_START, "no start");
    }, startMs());
    // Before accept(): else binary frames come as Blobs.
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event) => {
      // Fifty times a second, once it is inside: nothing is made for a message.
      if (visitor.state === "inside") visitor.listener?.(event);
      else this.#onMessage(visitor, event.data as Message);
    });
    socket.addEventListener("close", () => this.#onGone(visitor));
    socket.addEventListener("error", () => this.#onGone(visitor));
    socket.accept();
    return true;
  }

  /** Resolves when there is a place: true; or when it has taken too long, or too many wait: false. */
  async place(standing: Standing): Promise<boolean> {
    const { timers } = this.#options;
    let late = false;
    while (this.#of(standing).length >= ROOM[standing].places) {
      if (late || this.#queue.size >= MAX_QUEUED) return false;
      await new Promise<void>((resolve) => {
        const done = () => {
          timers.clear(timer);
          this.#queue.delete(done);
          resolve();
        };
        const timer = timers.set(() => {
          late = true;
          done();
        }, PLACE_WAIT_MS);
        this.#queue.add(done);
      });
    }
    return true;
  }

  #of(standing: Standing): Visitor[] {
    return [...this.#visitors].filter((visitor) => visitor.standing === standing);
  }

  /** The call is over. */
  closeAll(code: number, reason: string): void {
    for (const visitor of [...this.#visitors]) {
      this.#close(visitor, code, reason);
      this.#options.timers.clear(visitor.timer);
    }
  }

  /** Of a visitor that is not inside. */
  #onMessage(visitor: Visitor, data: Message): void {
    switch (visitor.state) {
      case "waiting":
        this.#onOpening(visitor, data);
        return;
      case "judged":
        this.#hold(visitor, data);
        return;
      case "inside":
      case "closed":
        return;
      default:
        visitor.state satisfies never;
    }
  }

  #onOpening(visitor: Visitor, data: Message): void {
    if (isTooLong(data)) {
      this.#refuse(visitor, CLOSE_TOO_BIG, "message too big");
      return;
    }
    const opening: Opening = typeof data === "string" ? readOpening(data) : { type: "fault" };
    switch (opening.type) {
      case "start":
        if (!this.#options.canCarry(opening)) {
          this.#refuse(visitor, CLOSE_PROTOCOL, "unsupportedFormat");
          return;
        }
        visitor.state = "judged";
        this.#hold(visitor, data);
        this.#options.background(this.#judge(visitor, opening));
        return;
      case "unsupported":
        // As the core has it: a format that cannot be carried is refused, not guessed.
        this.#refuse(visitor, CLOSE_PROTOCOL, "unsupportedFormat");
        return;
      case "nothing":
        if (++visitor.idle > MAX_IDLE_MESSAGES) this.#refuse(visitor, CLOSE_PROTOCOL, "no start");
        return;
      case "fault":
        if (++visitor.faults >= MAX_OPENING_FAULTS) this.#refuse(visitor, CLOSE_PROTOCOL, "malformed");
        return;
      default:
        opening satisfies never;
    }
  }

  #hold(visitor: Visitor, data: Message): void {
    visitor.heldLength += typeof data === "string" ? data.length : data.byteLength;
    if (visitor.heldLength > MAX_HELD_LENGTH) this.#refuse(visitor, CLOSE_TOO_BIG, "too much before the verdict");
    else visitor.held.push(data);
  }

  async #judge(visitor: Visitor, start: Start): Promise<void> {
    const { log, admit, judge, canCarry } = this.#options;
    const isThere = () => visitor.state === "judged";
    try {
      // Another stream may have been let in meanwhile.
      const verdict = await judge(start, () => isThere() && canCarry(start));
      if (!isThere()) return;
      if (!canCarry(start)) this.#refuse(visitor, CLOSE_PROTOCOL, "unsupportedFormat");
      else if (verdict === "granted") this.#letIn(visitor, start, admit);
      else {
        log.warn("a stream was not authorised", { verdict });
        this.#refuse(visitor, CLOSE_REFUSED[verdict], "not authorized");
      }
    } catch (error) {
      log.error("a stream was not judged", errorFields(error));
      this.#turnAway(visitor, CLOSE_INTERNAL_ERROR, "internal error");
    }
  }

  #letIn(visitor: Visitor, start: Start, admit: StreamDoorOptions["admit"]): void {
    visitor.state = "inside";
    this.#leave(visitor);
    this.#options.timers.clear(visitor.timer);
    admit(new AdmittedSocket(visitor), start);
  }

  #refuse(visitor: Visitor, code: number, reason: string): void {
    this.counters.refused++;
    this.#turnAway(visitor, code, reason);
  }

  #turnAway(visitor: Visitor, code: number, reason: string): void {
    this.#close(visitor, code, reason);
    if (!this.isAwaited) this.#options.onDeserted();
  }

  #close(visitor: Visitor, code: number, reason: string): void {
    if (visitor.state === "inside" || visitor.state === "closed") return;
    visitor.state = "closed";
    visitor.held.length = 0;
    const { log, timers } = this.#options;
    timers.clear(visitor.timer);
    visitor.timer = timers.set(() => {
      this.counters.forgotten++;
      this.#leave(visitor);
    }, CLOSE_MS);
    closeQuietly(visitor.socket, code, reason, log);
  }

  /** Its place is free. */
  #leave(visitor: Visitor): void {
    this.#visitors.delete(visitor);
    for (const next of [...this.#queue]) next();
  }

  #onGone(visitor: Visitor): void {
    this.#leave(visitor);
    if (visitor.state === "inside") return;
    const wasAwaited = visitor.state !== "closed";
    visitor.state = "closed";
    this.#options.timers.clear(visitor.timer);
    if (wasAwaited && !this.isAwaited) this.#options.onDeserted();
  }
}
