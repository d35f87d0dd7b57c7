import type { Timers } from "../ports/timers.ts";

/** What was asked has not answered in time. What becomes of it is not known. */
export class TimeoutError extends Error {
  readonly code = "timeout";
  override readonly name = "TimeoutError";
}

/** The answer of `work`, if it comes within `ms`. @throws {TimeoutError} */
export async function within<T>(work: Promise<T>, ms: number, timers: Timers): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = timers.set(() => late.reject(new TimeoutError(`no answer in ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    timers.clear(timer);
  }
}
