import type { CallLogStore } from "./ports/call-log-store.ts";
import { errorFields } from "./ports/log.ts";
import type { Log } from "./ports.ts";
import type { KnowledgeBucket, RecordingsBucket } from "./sinks.ts";

/** Objects in one request, as R2 has it. */
const LIST_LIMIT = 1_000;
/** Folders whose keys go on with YYYY/MM/DD/. */
const FOLDERS = ["recordings/", "flights/"];

/** What was kept for long enough. */
export interface Expired {
  readonly objects: number;
  readonly calls: number;
}

/** The UTC day of a key, epoch ms; undefined for a key that is none of ours. */
export function dayOfKey(key: string): number | undefined {
  const [, year, month, day] = /^[a-z-]+\/(\d{4})\/(\d{2})\/(\d{2})\//.exec(key) ?? [];
  return year === undefined ? undefined : Date.UTC(Number(year), Number(month) - 1, Number(day));
}

/**
 * Deletes documents of profiles of which nobody knows any more. Returns how many there were; a bucket that fails is asked
 * again the next day.
 */
export async function forgetKnowledge(
  bucket: Pick<KnowledgeBucket, "list" | "delete"> | undefined,
  profiles: () => Promise<readonly string[]>,
  log: Log,
): Promise<number> {
  if (!bucket) return 0;
  try {
    const { delimitedPrefixes } = await bucket.list({ delimiter: "/", limit: LIST_LIMIT });
    // After the list: a profile that comes meanwhile is known.
    const known = new Set(await profiles());
    let deleted = 0;
    for (const prefix of delimitedPrefixes) {
      if (known.has(prefix.slice(0, -1))) continue;
      const { objects } = await bucket.list({ prefix, limit: LIST_LIMIT });
      if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
      deleted += objects.length;
    }
    log.info("knowledge of nobody", { deleted });
    return deleted;
  } catch (error) {
    log.error("knowledge of nobody was not deleted", errorFields(error));
    return 0;
  }
}

/**
 * Deletes recordings and flight records of days that ended before `beforeMs`, and what was said in calls that began before.
 * One that fails does not keep the other; both are tried again the next day.
 */
export async function expire(
  bucket: Pick<RecordingsBucket, "objects" | "list"> | undefined,
  callLog: Pick<CallLogStore, "redactBefore"> | undefined,
  beforeMs: number,
  log: Log,
): Promise<Expired> {
  const attempt = async (what: string, work: () => Promise<number>) => {
    try {
      return await work();
    } catch (error) {
      log.error("what has expired was not deleted", { what, ...errorFields(error) });
      return 0;
    }
  };
  const objects = await attempt("objects", async () => {
    let deleted = 0;
    for (const folder of bucket ? FOLDERS : []) deleted += await expireObjects(bucket, folder, beforeMs);
    return deleted;
  });
  const calls = await attempt("calls", async () => (await callLog?.redactBefore(beforeMs)) ?? 0);
  log.info("retention", { objects, calls });
  return { objects, calls };
}

async function expireObjects(
  bucket: Pick<RecordingsBucket, "objects" | "list"> | undefined,
  prefix: string,
  beforeMs: number,
): Promise<number> {
  if (!bucket) return 0;
  const dayMs = 24 * 3600 * 1000;
  let deleted = 0;
  let cursor: string | undefined;
  do {
    const page = await bucket.list({ prefix, limit: LIST_LIMIT, ...(cursor !== undefined && { cursor }) });
    const keys = page.objects.map(({ key }) => key);
    const old = keys.filter((key) => (dayOfKey(key) ?? Number.POSITIVE_INFINITY) + dayMs <= beforeMs);
    if (old.length > 0) await bucket.objects.delete(old);
    deleted += old.length;
    // Keys come in order of their days: behind the first that stays all do.
    if (old.length < keys.length) break;
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return deleted;
}
