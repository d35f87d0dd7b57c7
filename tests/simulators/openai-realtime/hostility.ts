// What a Realtime server does on its bad days: what it is told to by a script, or what a seed makes of it. The words are
// those of tests/support/world/hostile_realtime.h, which does the same in virtual time.

import { seededRandom } from "../twilio/phone-call.ts";

/** What comes of a response.create. */
export const REPLIES = [
  "honest",
  "ignored", // nothing at all
  "refused", // an error that names the request
  "refusedUnnamed",
  "limited", // a rate limit that says when to come back
  "callsTool", // of the declared ones, without audio
  "callsUndeclared",
  "callsTwice", // two calls with one id
  "preamble", // audio, then a tool
  "items", // several items and parts
  "text", // and no audio
  "empty", // completed, with nothing in it
  "failed",
  "failedInAudio",
  "incompleteTokens",
  "incompleteFilter",
  "incompleteUnnamed",
  "cutShort", // incomplete, behind some audio
  "cancelled", // by nobody
  "stalls", // response.created, then nothing
  "stallsInAudio",
  "drops", // the connection breaks
  "dropsInAudio",
  "closes", // with the code of `close`
  "trickle", // ten milliseconds of audio at a time
  "nameless", // audio of no item, of another response, no base64
  "doubled", // each event twice
  "unannounced", // without response.created
] as const;
export type Reply = (typeof REPLIES)[number];

/** What comes of a socket. */
export const STARTS = [
  "honest",
  "silent", // no session.created, and nothing else
  "closes",
  "neverReady", // session.update is not answered
  "configRefused", // an error in place of session.updated
  "slow", // session.updated late
  "twice", // session.created and session.updated twice
  "deaf", // ready, and no event from then on
] as const;
export type Start = (typeof STARTS)[number];

export interface Hostility {
  /** What is not scripted is thrown by dice of this seed; without one it is honest. */
  readonly seed?: number;
  readonly start?: Start;
  /** Of each response.create in turn. */
  readonly replies?: readonly Reply[];
  /** Of each response.create after those. */
  readonly always?: Reply;
  readonly close?: { readonly code: number; readonly reason: string };
  /** Chances, 0..1, of each event of the server's: it is lost, sent twice, sent behind the next one, ... */
  readonly lost?: number;
  readonly doubled?: number;
  readonly reordered?: number;
  /** ... sent in two frames of one message, or cut into two messages, of which neither is JSON. */
  readonly split?: number;
  readonly torn?: number;
  /** A cancel is not answered. */
  readonly cancelIgnored?: number;
}

/** Texts and codes of errors, as they were seen and as nobody has seen them. */
export const ERRORS = ["rate_limit_exceeded", "server_error", "session_expired", "insufficient_quota", "invalid_value"];
export const RETRY_TEXTS = [
  "Rate limit reached. Please try again in 300ms. Visit the page.",
  "Please try again in 1.2s.",
  "try again in soon",
  "try again in -5s",
  "try again in 99999999999999999999s",
];
/** Close codes that a server may send: RFC 6455, section 7.4, and the private ones. */
export const CLOSE_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4999];

/** One session's share of a Hostility: says what comes next. */
export class Temper {
  readonly #hostility: Hostility;
  readonly #random: () => number;
  readonly #replies: Reply[];
  readonly #thrown: boolean;

  constructor(hostility: Hostility) {
    this.#hostility = hostility;
    this.#thrown = hostility.seed !== undefined;
    this.#random = seededRandom(hostility.seed ?? 1);
    // The first numbers of neighbouring seeds are alike.
    for (let i = 0; i < 8; i++) this.#random();
    this.#replies = [...(hostility.replies ?? [])];
  }

  chance(probability = 0): boolean {
    return probability > 0 && this.#random() < probability;
  }

  pick<T>(values: readonly [T, ...T[]] | readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)] as T;
  }

  get start(): Start {
    if (this.#hostility.start !== undefined) return this.#hostility.start;
    // Most of what is to be seen comes after the start.
    return this.#thrown && this.chance(0.25) ? this.pick(STARTS) : "honest";
  }

  nextReply(): Reply {
    const scripted = this.#replies.shift() ?? this.#hostility.always;
    return scripted ?? (this.#thrown ? this.pick(REPLIES) : "honest");
  }

  nextClose(): { code: number; reason: string } {
    return this.#hostility.close ?? { code: this.pick(CLOSE_CODES), reason: 'the server says "so"' };
  }

  ignoresCancel(): boolean {
    return this.chance(this.#hostility.cancelIgnored);
  }

  /** What comes of a message on its way: the frames to be sent, each with whether it ends its message. */
  tamper(text: string, held: string[]): { text: string; fin: boolean }[] {
    const { lost, doubled, reordered, split, torn } = this.#hostility;
    if (this.chance(lost)) return [];
    if (held.length === 0 && this.chance(reordered)) {
      held.push(text);
      return [];
    }
    const half = text.length >> 1;
    const halves = [text.slice(0, half), text.slice(half)] as const;
    const frames: { text: string; fin: boolean }[] = [];
    if (this.chance(torn)) frames.push({ text: halves[0], fin: true }, { text: halves[1], fin: true });
    else if (this.chance(split)) frames.push({ text: halves[0], fin: false }, { text: halves[1], fin: true });
    else frames.push({ text, fin: true });
    if (frames.length === 1 && this.chance(doubled)) frames.push({ text, fin: true });
    for (const late of held.splice(0)) frames.push({ text: late, fin: true });
    return frames;
  }
}
