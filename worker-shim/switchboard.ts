import { DurableObject } from "cloudflare:workers";
import type { Env } from "./env.ts";
import {
  type Admission,
  type LeaseCounts,
  type LeaseLimits,
  type LeaseSubject,
  Leases,
  type ListedCall,
} from "./leases.ts";
import type { SwitchboardShard } from "./switchboard-client.ts";

/** Admission, live list and counters of one shard. Calls renew their leases; an alarm sweeps the void ones. */
export class Switchboard extends DurableObject<Env> implements SwitchboardShard {
  readonly #leases: Leases;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#leases = new Leases(ctx.storage.sql);
  }

  async acquire(callId: string, subject: LeaseSubject, limits: LeaseLimits): Promise<Admission> {
    const admission = this.#leases.acquire(callId, subject, limits, Date.now());
    await this.#watch();
    return admission;
  }

  async renew(callId: string, subject: LeaseSubject): Promise<void> {
    this.#leases.renew(callId, subject, Date.now());
    await this.#watch();
  }

  async withdraw(callId: string): Promise<void> {
    this.#leases.withdraw(callId);
  }

  async release(callId: string, reason: string): Promise<boolean> {
    return this.#leases.release(callId, reason);
  }

  async counts(): Promise<LeaseCounts> {
    return this.#leases.counts(Date.now());
  }

  async list(): Promise<ListedCall[]> {
    return this.#leases.list(Date.now());
  }

  override async alarm(): Promise<void> {
    this.#leases.sweep(Date.now());
    await this.#watch();
  }

  /** One alarm while there are leases; a renewed lease only makes it early. */
  async #watch(): Promise<void> {
    const expiryMs = this.#leases.nextExpiryMs();
    if (expiryMs === undefined || (await this.ctx.storage.getAlarm()) !== null) return;
    await this.ctx.storage.setAlarm(expiryMs);
  }
}
