import type { Context, MiddlewareHandler } from "hono";
import { HttpError } from "./errors.ts";
import type { AppEnv } from "./routing.ts";

/** Addresses that are remembered. Overflow: the one that was seen longest ago is forgotten, and counted. */
export const MAX_ADDRESSES = 10_000;
/** Answers to anyone, and upgrades that the carrier has not signed, each: at once, and per second after that. */
export const ANONYMOUS = { burst: 600, perSecond: 30 } as const;
export const UNSIGNED_UPGRADES = { burst: 600, perSecond: 10 } as const;
/** What a client is told to wait at the least, s. */
const MIN_RETRY_S = 1;
/** Window of the platform's own limit, wrangler.toml, s. */
const PLATFORM_WINDOW_S = 60;

export interface Rate {
  /** At once, after a pause. */
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A bucket of tokens an address, in memory: each isolate has its own. */
export class RateLimiter {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, Bucket>();
  /** Addresses that were forgotten because there were too many. */
  forgotten = 0;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  get addresses(): number {
    return this.#buckets.size;
  }

  /** Takes one from `address`. Returns 0, or the seconds after which there is one again. */
  take(address: string, nowMs: number): number {
    const { burst, perSecond } = this.#rate;
    const bucket = this.#buckets.get(address) ?? { tokens: burst, atMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) / 1000) * perSecond);
    bucket.atMs = nowMs;
    // Behind all others: the first of the map was seen longest ago.
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    if (this.#buckets.size > MAX_ADDRESSES) this.#forgetOne();
    if (bucket.tokens < 1) return Math.max(MIN_RETRY_S, Math.ceil((1 - bucket.tokens) / perSecond));
    bucket.tokens--;
    return 0;
  }

  #forgetOne(): void {
    const [oldest] = this.#buckets.keys();
    if (oldest === undefined) return;
    this.#buckets.delete(oldest);
    this.forgotten++;
  }
}

/** Who asks: the address that the platform has seen. Of IPv6 the network, since one customer has all of it. */
export function addressOf(request: Request): string {
  const address = request.headers.get("CF-Connecting-IP")?.trim().toLowerCase() ?? "";
  if (!address.includes(":")) return address || "unknown";
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - last.length);
  return [...groups, ...Array<string>(zeros).fill("0"), ...last].slice(0, 4).join(":");
}

function tooMany(seconds: number): HttpError {
  return new HttpError(429, "rate_limited", "too many requests from this address", { "Retry-After": String(seconds) });
}

/** Statuses that say that no proof was shown, or a wrong one. */
const UNPROVEN = new Set([401, 403]);

/**
 * What one address may ask for without showing whose it is. Who shows a proof is not counted: the carrier's requests come
 * from few addresses. A wrong proof that comes too often is not told whether it is wrong.
 */
export class DoorLimits {
  #proofs: { readonly perMinute: number; readonly limiter: RateLimiter } | undefined;
  readonly #anonymous = new RateLimiter(ANONYMOUS);
  readonly #upgrades = new RateLimiter(UNSIGNED_UPGRADES);

  /** For what is answered to anyone. @throws {HttpError} 429 */
  anonymous(context: Context<AppEnv>): void {
    this.#take(context, this.#anonymous);
  }

  /** For a socket that waits to show a token. @throws {HttpError} 429 */
  upgrade(context: Context<AppEnv>): void {
    this.#take(context, this.#upgrades);
  }

  /** After the answer, for one that says that a proof was missing or wrong. @throws {HttpError} 429 */
  async wrongProof(context: Context<AppEnv>): Promise<void> {
    const { rateLimitPerMinute: perMinute } = context.get("settings");
    if (perMinute === 0) return;
    if (this.#proofs?.perMinute !== perMinute)
      this.#proofs = { perMinute, limiter: new RateLimiter({ burst: perMinute, perSecond: perMinute / 60 }) };
    this.#take(context, this.#proofs.limiter);
    const platform = context.env.RATE_LIMIT;
    if (platform && !(await platform.limit({ key: addressOf(context.req.raw) })).success)
      throw tooMany(PLATFORM_WINDOW_S);
  }

  #take(context: Context<AppEnv>, limiter: RateLimiter): void {
    if (context.get("settings").rateLimitPerMinute === 0) return;
    const seconds = limiter.take(addressOf(context.req.raw), Date.now());
    if (seconds > 0) throw tooMany(seconds);
  }
}

/** Turns the refusal of a proof that came too often into 429. */
export function limitProofs(limits: DoorLimits): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    await next();
    // Who is known and may not is no guesser.
    if (UNPROVEN.has(context.res.status) && context.get("operator") === undefined) await limits.wrongProof(context);
  };
}
