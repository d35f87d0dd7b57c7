import type { CallSession } from "./call-session.ts";
import type { ProfileBook } from "./profile-book.ts";
import type { SettingVariables } from "./settings.ts";
import type { Switchboard } from "./switchboard.ts";

/** What wrangler.toml and the secrets bind. */
export interface Env extends SettingVariables {
  readonly CALLS: DurableObjectNamespace<CallSession>;
  readonly SWITCHBOARD: DurableObjectNamespace<Switchboard>;
  readonly PROFILE_BOOK: DurableObjectNamespace<ProfileBook>;
  /** Without one of these a deployment takes calls all the same, and does without what it is for. */
  readonly CALL_LOG?: D1Database;
  readonly RECORDINGS?: R2Bucket;
  /** Documents that agents answer from. */
  readonly KNOWLEDGE?: R2Bucket;
  readonly REQUESTS?: KVNamespace;
  /** Where calls read profiles; without it each asks the book. */
  readonly PROFILES?: KVNamespace;
  /** What the deployment serves as it is; resources of calls lie below `resources/`. */
  readonly ASSETS?: Fetcher;
  /** The Worker that speaks and listens; an upstream of the core. */
  readonly SPEECH?: Fetcher;
  /** Workers AI, or a Worker in its place; an upstream of the core. */
  readonly AI?: Ai;
  readonly WORKERS_AI?: Fetcher;
  readonly ANALYTICS?: AnalyticsEngineDataset;
  /** Counts by address what shows no proof, for all isolates of a location. */
  readonly RATE_LIMIT?: RateLimit;
}
