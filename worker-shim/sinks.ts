import type { CallLog } from "./call-log.ts";
import type { Sinks } from "./deliveries.ts";
import type { Env } from "./env.ts";
import { type R2Like, R2Bucket as StoredObjects } from "./ports/bucket.ts";
import { CallLogStore, type D1Like } from "./ports/call-log-store.ts";
import { SupabaseSink, WebhookSink } from "./ports/http-sinks.ts";
import { asInjected, type Dependency } from "./ports/injected-faults.ts";
import type { Settings } from "./settings.ts";

type Run = <T>(dependency: Dependency, work: () => Promise<T>) => Promise<T>;

/** A store of the deployment does not do what it is asked for: the world's fault, not ours. */
export class DependencyError extends Error {
  readonly code = "unavailable";
  override readonly name = "DependencyError";
  readonly dependency: Dependency;

  constructor(dependency: Dependency, cause: unknown) {
    super(`${dependency}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.dependency = dependency;
  }
}

function runner({ faultInjection }: Settings): Run {
  const perform: Run = faultInjection ? asInjected : (_, work) => work();
  return async (dependency, work) => {
    try {
      return await perform(dependency, work);
    } catch (error) {
      throw new DependencyError(dependency, error);
    }
  };
}

export function callLogStore(env: Env, settings: Settings): CallLogStore | undefined {
  const { CALL_LOG: database } = env;
  if (!database) return undefined;
  const run = runner(settings);
  return new CallLogStore({
    prepare: (query) => database.prepare(query),
    batch: (statements) => run("d1", () => database.batch(statements as D1PreparedStatement[])),
  } as D1Like);
}

/** What is read of recordings, and how they are written. */
export function recordingsBucket(env: Env, settings: Settings) {
  const { RECORDINGS: bucket } = env;
  if (!bucket) return undefined;
  const run = runner(settings);
  const stored: R2Like = {
    put: (key, value, options) => run("r2", () => bucket.put(key, value, options)),
    createMultipartUpload: (key, options) => run("r2", () => bucket.createMultipartUpload(key, options)),
    delete: (keys) => run("r2", () => bucket.delete(keys)),
  };
  const objects = new StoredObjects(stored, (length) => new FixedLengthStream(length));
  return {
    objects,
    get: (key: string, options: R2GetOptions) => run("r2", () => bucket.get(key, options)),
    head: (key: string) => run("r2", () => bucket.head(key)),
    list: (options: R2ListOptions) => run("r2", () => bucket.list(options)),
  };
}

export type RecordingsBucket = NonNullable<ReturnType<typeof recordingsBucket>>;

/** Documents of profiles. */
export function knowledgeBucket(env: Env, settings: Settings) {
  const { KNOWLEDGE: bucket } = env;
  if (!bucket) return undefined;
  const run = runner(settings);
  return {
    get: (key: string, options: R2GetOptions) =>
      run("r2", () => bucket.get(key, options) as Promise<R2ObjectBody | (R2Object & { text?: never }) | null>),
    head: (key: string) => run("r2", () => bucket.head(key)),
    put: (key: string, text: string, options: R2PutOptions) =>
      run("r2", () => bucket.put(key, text, options) as Promise<R2Object | null>),
    delete: (keys: string[]) => run("r2", () => bucket.delete(keys)),
    list: (options: R2ListOptions) => run("r2", () => bucket.list(options)),
  };
}

export type KnowledgeBucket = NonNullable<ReturnType<typeof knowledgeBucket>>;

/** Small notes that go by themselves. */
export function requestNotes(env: Env, settings: Settings) {
  const { REQUESTS: namespace } = env;
  if (!namespace) return undefined;
  const run = runner(settings);
  return {
    put: (key: string, value: string, ttlSeconds: number) =>
      run("kv", () => namespace.put(key, value, { expirationTtl: ttlSeconds })),
    get: (key: string) => run("kv", () => namespace.get(key)),
    list: (prefix: string, limit: number) => run("kv", () => namespace.list({ prefix, limit })),
  };
}

/** Where calls read profiles, and the book publishes them. */
export function profileReplica(env: Env, settings: Settings) {
  const { PROFILES: namespace } = env;
  if (!namespace) return undefined;
  const run = runner(settings);
  return {
    get: (key: string) => run("kv", () => namespace.get(key)),
    put: (key: string, text: string) => run("kv", () => namespace.put(key, text)),
    delete: (key: string) => run("kv", () => namespace.delete(key)),
  };
}

/** A point a call: what dashboards need without asking the database. */
function point(dataset: AnalyticsEngineDataset): (log: CallLog) => void {
  return ({ call }) => {
    dataset.writeDataPoint({
      indexes: [call.tenant],
      blobs: [call.callId, call.agent, call.reason],
      doubles: [
        ...[call.durationMs, call.failed, call.questions, call.replies, call.bargeIns, call.resumes],
        ...[call.inputTokens, call.outputTokens, call.costMicros ?? 0, call.latencyMs ?? 0, call.sessions],
      ],
    });
  };
}

const send = (url: string, init: RequestInit) => fetch(url, init);

export function supabaseSink({ supabase }: Settings): SupabaseSink | undefined {
  return supabase && new SupabaseSink(supabase.url, supabase.key, send);
}

export function callSinks(env: Env, settings: Settings): Sinks {
  const { webhook } = settings;
  return {
    bucket: recordingsBucket(env, settings)?.objects,
    callLog: callLogStore(env, settings),
    supabase: supabaseSink(settings),
    webhook: webhook && new WebhookSink(webhook.url, webhook.secret, send),
    analytics: env.ANALYTICS && point(env.ANALYTICS),
  };
}
