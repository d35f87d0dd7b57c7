import { errorFields } from "../ports/log.ts";
import type { Timers } from "../ports/timers.ts";
import type { Log } from "../ports.ts";
import type { Limits, Profile } from "../profile.ts";
import type { Agent } from "../settings.ts";
import { INDEX_KEY, keyOf } from "./book.ts";
import { readStored, type StoredProfile } from "./document.ts";
import { type Hours, isOpen } from "./hours.ts";
import type { KnowledgeReport } from "./knowledge.ts";
import { DEFAULT_NAME, isProfileName } from "./name.ts";
import { EMPTY_INDEX, type NumberIndex, nameFor, readIndex } from "./numbers.ts";
import { within } from "./within.ts";

/** A call waits so long for its profile, all told; then it has the last one that is known here, or the default. */
export const CHOICE_MS = 500;
/** Of that, for one read of the replica: there must be time left to ask the book. */
export const REPLICA_MS = 250;
/** Who has which number is read again when it is older than this. Half of what the replica itself keeps it for. */
export const INDEX_TTL_MS = 30_000;
/** Profiles that an isolate remembers in case the replica fails. Overflow: the one that was used longest ago goes. */
export const MAX_REMEMBERED = 64;

/** Where profiles are read. */
export interface ProfileStores {
  /** The replica: KV. Absent where none is bound. */
  readonly replica: { get(key: string): Promise<string | null | undefined> } | undefined;
  /** The book itself, for what the replica does not have. Undefined: it has none of it either. */
  lookUp(key: string): Promise<string | undefined>;
}

/** Why a call has another profile than it should, or has it from elsewhere than it should. */
export type Problem =
  /** No store has answered in time. */
  | "unreachable"
  /** A number's profile is gone. */
  | "missing"
  /** There is no version of it that a call can have. */
  | "damaged";

/** What a call is begun with. */
export interface ChosenProfile {
  readonly name: string;
  /** 0: the deployment's own, which has none. */
  readonly version: number;
  readonly by: "request" | "number" | "default" | "hours";
  /** The profile outside of whose hours the call came. */
  readonly outside?: string | undefined;
  /** What the caller is told before the call ends: it came outside the hours, and has no other profile. */
  readonly say?: string | undefined;
  readonly from: "replica" | "book" | "memory" | "settings";
  readonly problem?: Problem;
  /** Those of the deployment where these are absent. */
  readonly agent?: Agent | undefined;
  readonly profile?: Profile | undefined;
  readonly limits?: Limits | undefined;
  /** What of its documents `profile` has in its instructions; absent where it names none. */
  readonly knowledge?: KnowledgeReport | undefined;
}

/** What has gone wrong in this isolate since it began. */
export interface ChoiceCounters {
  /** Reads of the replica that failed, or took too long. */
  replicaFailed: number;
  /** What the replica said was damaged, or of other rules. */
  replicaDamaged: number;
  /** The replica did not have what the book has. */
  replicaMissing: number;
  bookAsked: number;
  bookFailed: number;
  /** Calls with a profile from this isolate's memory, or with the default in the place of theirs. */
  remembered: number;
  defaulted: number;
}

interface Found<T> {
  readonly type: "found";
  readonly value: T;
  readonly from: "replica" | "book" | "memory";
}

type Read<T> = Found<T> | { readonly type: "missing" | "damaged" | "unreachable" };

/** What one choice may take. */
interface Budget {
  /** Epoch ms. */
  readonly untilMs: number;
  /** The replica has failed, or kept it waiting: it is not asked again, so that there is time left for the book. */
  isReplicaDown: boolean;
}

export interface ChooserOptions {
  readonly log: Log;
  readonly timers: Timers;
  nowMs(): number;
}

/** Chooses the profiles of an isolate's calls, and remembers the last good ones. */
export class ProfileChooser {
  readonly #options: ChooserOptions;
  readonly #remembered = new Map<string, { readonly text: string; readonly profile: StoredProfile }>();
  #index: { readonly index: NumberIndex; readonly atMs: number } | undefined;
  readonly counters: ChoiceCounters = {
    replicaFailed: 0,
    replicaDamaged: 0,
    replicaMissing: 0,
    bookAsked: 0,
    bookFailed: 0,
    remembered: 0,
    defaulted: 0,
  };

  constructor(options: ChooserOptions) {
    this.#options = options;
  }

  /**
   * The profile that `asked` names, else that of the number `dialled`, else the default. `unknown`: what was asked for is
   * not there. Takes CHOICE_MS at most, and never rejects.
   */
  async choose(stores: ProfileStores, asked: string | undefined, dialled: string): Promise<ChosenProfile | "unknown"> {
    const budget: Budget = { untilMs: this.#options.nowMs() + CHOICE_MS, isReplicaDown: false };
    if (asked !== undefined) {
      if (!isProfileName(asked)) return "unknown";
      const read = await this.#profile(stores, asked, budget);
      if (read.type === "found") return this.#inHours(stores, read, "request", budget);
      // The deployment's own has no other name.
      if (read.type === "missing") return asked === DEFAULT_NAME ? bundled("request") : "unknown";
      return this.#instead(stores, asked, "request", read.type, budget);
    }
    const index = await this.#readIndex(stores, budget);
    const named = nameFor(index, dialled);
    const name = named ?? (index.hasDefault ? DEFAULT_NAME : undefined);
    const by = named === undefined ? "default" : "number";
    if (name === undefined) return bundled(by);
    const read = await this.#profile(stores, name, budget);
    return read.type === "found"
      ? this.#inHours(stores, read, by, budget)
      : this.#instead(stores, name, by, read.type, budget);
  }

  /** What was just saved counts for the next call here, whatever the replica says until it has it. */
  remember(profile: StoredProfile, text: string): void {
    this.#remembered.delete(profile.name);
    this.#remembered.set(profile.name, { text, profile });
    if (this.#remembered.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }

  /** A profile was saved or deleted: who has which number is read anew. */
  forgetIndex(): void {
    this.#index = undefined;
  }

  forget(name: string): void {
    this.#remembered.delete(name);
    this.forgetIndex();
  }

  /** The profile, or what it says is to be at this hour: another one, whose own hours do not count, or a text. */
  async #inHours(
    stores: ProfileStores,
    read: Found<StoredProfile>,
    by: ChosenProfile["by"],
    budget: Budget,
  ): Promise<ChosenProfile> {
    const own = chosen(read, by);
    const { hours } = read.value.document;
    if (!hours || this.#answers(own.name, hours)) return own;
    const { profile: name, say } = hours.outside;
    const outside = own.name;
    if (name === undefined) return { ...own, by: "hours", outside, say };
    if (name === outside) return { ...own, by: "hours", outside };
    const other = await this.#profile(stores, name, budget);
    if (other.type === "found") return { ...chosen(other, "hours"), outside };
    if (other.type === "missing" && name === DEFAULT_NAME) return { ...bundled("hours"), outside };
    this.counters.defaulted++;
    this.#options.log.error("a call has its profile outside its hours", { profile: outside, problem: other.type });
    return { ...own, problem: other.type };
  }

  #answers(name: string, hours: Hours): boolean {
    try {
      return isOpen(hours, this.#options.nowMs());
    } catch (error) {
      // A zone that this runtime does not know any more keeps nobody out.
      this.#options.log.error("the hours of a profile are not known", { profile: name, ...errorFields(error) });
      return true;
    }
  }

  /** A call whose profile cannot be had has the default, at any hour. */
  async #instead(
    stores: ProfileStores,
    name: string,
    by: ChosenProfile["by"],
    problem: Problem,
    budget: Budget,
  ): Promise<ChosenProfile> {
    this.counters.defaulted++;
    this.#options.log.error("a call has the default profile", { profile: name, problem });
    const hasDefault = name !== DEFAULT_NAME && this.#index?.index.hasDefault === true;
    const read = hasDefault ? await this.#profile(stores, DEFAULT_NAME, budget) : undefined;
    return read?.type === "found" ? { ...chosen(read, by), problem } : { ...bundled(by), problem };
  }

  async #readIndex(stores: ProfileStores, budget: Budget): Promise<NumberIndex> {
    const nowMs = this.#options.nowMs();
    const known = this.#index;
    if (known && nowMs - known.atMs < INDEX_TTL_MS) return known.index;
    const parse = (text: string) => readIndex(text) ?? "it is no index";
    const read = await this.#read(stores, INDEX_KEY, budget, parse);
    // Where no profile was ever saved there is none.
    if (read.type === "found" || read.type === "missing") {
      const index = read.type === "found" ? read.value : EMPTY_INDEX;
      this.#index = { index, atMs: nowMs };
      return index;
    }
    this.#options.log.error("who has which number is not known", { problem: read.type, isOld: known !== undefined });
    return known?.index ?? EMPTY_INDEX;
  }

  async #profile(stores: ProfileStores, name: string, budget: Budget): Promise<Read<StoredProfile>> {
    const known = this.#remembered.get(name);
    const parse = (text: string) => {
      if (text === known?.text) return known.profile;
      const read = readStored(text, name);
      return read.type === "good" ? this.#newest(read.profile, text) : read.reason;
    };
    const read = await this.#read(stores, keyOf(name), budget, parse);
    if (read.type === "found") return read;
    if (read.type === "missing") this.#remembered.delete(name);
    if (read.type === "missing" || !known) return read;
    this.counters.remembered++;
    const { version } = known.profile;
    this.#options.log.warn("a call has a profile from memory", { profile: name, version, problem: read.type });
    return { type: "found", value: known.profile, from: "memory" };
  }

  /** The replica may be behind what is known here: it is not gone back to. */
  #newest(profile: StoredProfile, text: string): StoredProfile {
    const known = this.#remembered.get(profile.name)?.profile;
    if (known && known.version > profile.version && known.savedMs > profile.savedMs) return known;
    this.remember(profile, text);
    return profile;
  }

  /** What the replica has under a key, else the book. `parse` returns what is wrong about a text. */
  async #read<T extends object>(
    stores: ProfileStores,
    key: string,
    budget: Budget,
    parse: (text: string) => T | string,
  ): Promise<Read<T>> {
    const { log } = this.#options;
    const text = await this.#fromReplica(stores, key, budget);
    if (text !== undefined) {
      const value = parse(text);
      if (typeof value !== "string") return { type: "found", value, from: "replica" };
      this.counters.replicaDamaged++;
      log.error("the replica of a profile is damaged", { key, reason: value });
    }
    const asked = await this.#fromBook(stores, key, budget);
    if (asked === "unreachable") return { type: text === undefined ? "unreachable" : "damaged" };
    if (asked === undefined) return { type: text === undefined ? "missing" : "damaged" };
    const value = parse(asked);
    if (typeof value !== "string") return { type: "found", value, from: "book" };
    log.error("the book has a damaged profile", { key, reason: value });
    return { type: "damaged" };
  }

  /** Undefined for what is not there, and for a replica that fails. */
  async #fromReplica({ replica }: ProfileStores, key: string, budget: Budget): Promise<string | undefined> {
    const { log, timers, nowMs } = this.#options;
    if (!replica || budget.isReplicaDown) return undefined;
    try {
      const waitMs = Math.min(REPLICA_MS, budget.untilMs - nowMs());
      const text = await within(replica.get(key), waitMs, timers);
      if (typeof text === "string") return text;
      this.counters.replicaMissing++;
    } catch (error) {
      this.counters.replicaFailed++;
      budget.isReplicaDown = true;
      log.warn("the replica of a profile was not read", { key, ...errorFields(error) });
    }
    return undefined;
  }

  async #fromBook(stores: ProfileStores, key: string, budget: Budget): Promise<string | undefined | "unreachable"> {
    const { log, timers, nowMs } = this.#options;
    this.counters.bookAsked++;
    try {
      return await within(stores.lookUp(key), budget.untilMs - nowMs(), timers);
    } catch (error) {
      this.counters.bookFailed++;
      log.error("the book of profiles does not answer", { key, ...errorFields(error) });
      return "unreachable";
    }
  }
}

function bundled(by: ChosenProfile["by"]): ChosenProfile {
  return { name: DEFAULT_NAME, version: 0, by, from: "settings" };
}

function chosen({ value, from }: Found<StoredProfile>, by: ChosenProfile["by"]): ChosenProfile {
  const { name, version, document } = value;
  const { agent, profile, limits } = document;
  return { name, version, by, from, agent, profile, limits };
}
