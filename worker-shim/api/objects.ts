import { UNOPENED } from "../call-object.ts";
import { HttpError } from "./errors.ts";

/** How often an object is asked before its failure is the caller's. */
export const MAX_ATTEMPTS = 3;

/** What the platform tells of an object that did not answer. */
interface ObjectFailure {
  readonly message?: unknown;
  readonly overloaded?: unknown;
  /** The object was lost, or could not be reached: asking again helps. */
  readonly retryable?: unknown;
}

/** The object's tables are of a later version of this code. */
export function newerSchema(): HttpError {
  const message = "the call is kept for a later version of the gateway, which left it";
  return new HttpError(503, "newer_schema", message, { "Retry-After": "3600" });
}

function answerTo(error: unknown, what: string): unknown {
  const { message, overloaded, retryable } = (error ?? {}) as ObjectFailure;
  // A class does not survive the way from an object, its message does.
  if (typeof message === "string" && message.includes(UNOPENED)) return newerSchema();
  if (overloaded === true)
    return new HttpError(503, "unavailable", `${what} gets too many requests`, { "Retry-After": "1" });
  if (retryable === true) return new HttpError(503, "unavailable", `${what} does not answer`, { "Retry-After": "1" });
  return error;
}

/**
 * Asks an object, a call's or `what` it is. One that is lost while it is asked comes back without what it held in memory, and is asked
 * again, up to `attempts` times; `ask` gets its stub anew each time and must not mind being run twice.
 *
 * @throws {HttpError} 503 for an object of a later version, and for one that is overloaded or lost: asking an overloaded
 * one again makes that worse
 * @throws what the last attempt threw
 */
export async function askObject<T>(
  ask: () => Promise<T>,
  attempts = MAX_ATTEMPTS,
  what = "the call's object",
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      const answer = answerTo(error, what);
      const overloaded = (error as ObjectFailure | null)?.overloaded === true;
      const isFinal = answer instanceof HttpError && answer.code === "newer_schema";
      if (attempt >= attempts || overloaded || isFinal) throw answer;
    }
  }
}
