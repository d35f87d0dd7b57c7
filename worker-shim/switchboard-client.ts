import {
  type Admission,
  type LeaseCounts,
  type LeaseLimits,
  type LeaseSubject,
  type ListedCall,
  shardOf,
  shareOf,
} from "./leases.ts";
import type { Settings } from "./settings.ts";

/** One shard, as it is called from elsewhere. */
export interface SwitchboardShard {
  acquire(callId: string, subject: LeaseSubject, limits: LeaseLimits): Promise<Admission>;
  renew(callId: string, subject: LeaseSubject): Promise<void>;
  release(callId: string, reason: string): Promise<boolean>;
  withdraw(callId: string): Promise<void>;
  counts(): Promise<LeaseCounts>;
  list(): Promise<ListedCall[]>;
}

/**
 * The switchboard's shards as one. Each admits its share of a limit: the total is exact, a number's limit is exact with
 * one shard and at least one call a shard with more.
 */
export class SwitchboardClient {
  readonly #shard: (index: number) => SwitchboardShard;
  readonly #settings: Settings;

  constructor(shardByName: (name: string) => SwitchboardShard, settings: Settings) {
    this.#shard = (index) => shardByName(`switchboard-${index}`);
    this.#settings = settings;
  }

  acquire(callId: string, subject: LeaseSubject): Promise<Admission> {
    const { switchboardShards: shards, maxConcurrentCalls, maxCallsPerNumber } = this.#settings;
    const index = shardOf(callId, shards);
    const limits = {
      calls: shareOf(maxConcurrentCalls, shards, index),
      callsPerNumber: shareOf(maxCallsPerNumber, shards, index),
    };
    return this.#shard(index).acquire(callId, subject, limits);
  }

  renew(callId: string, subject: LeaseSubject): Promise<void> {
    return this.#of(callId).renew(callId, subject);
  }

  release(callId: string, reason: string): Promise<boolean> {
    return this.#of(callId).release(callId, reason);
  }

  withdraw(callId: string): Promise<void> {
    return this.#of(callId).withdraw(callId);
  }

  async counts(): Promise<LeaseCounts> {
    const all = await Promise.all(this.#all((shard) => shard.counts()));
    const sum = (of: (counts: LeaseCounts) => number) => all.reduce((total, counts) => total + of(counts), 0);
    const reasons = new Set(all.flatMap(({ ended }) => Object.keys(ended)));
    return {
      active: sum(({ active }) => active),
      admitted: sum(({ admitted }) => admitted),
      refused: sum(({ refused }) => refused),
      ended: Object.fromEntries([...reasons].map((reason) => [reason, sum(({ ended }) => ended[reason] ?? 0)])),
    };
  }

  async list(): Promise<ListedCall[]> {
    const all = await Promise.all(this.#all((shard) => shard.list()));
    return all.flat().sort((a, b) => a.sinceMs - b.sinceMs);
  }

  #of(callId: string): SwitchboardShard {
    return this.#shard(shardOf(callId, this.#settings.switchboardShards));
  }

  #all<T>(ask: (shard: SwitchboardShard) => T): T[] {
    return Array.from({ length: this.#settings.switchboardShards }, (_, index) => ask(this.#shard(index)));
  }
}
