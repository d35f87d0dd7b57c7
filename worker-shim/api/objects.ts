/** How often an object is asked before its failure is the caller's. */
export const MAX_ATTEMPTS = 3;

/**
 * Asks a call's object. One that is lost while it is asked comes back without what it held in memory, and is asked
 * again; `ask` gets its stub anew each time and must not mind being run twice.
 *
 * @throws what the last attempt threw, or the first that says the object is overloaded: asking again makes that worse
 */
export async function askObject<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      const overloaded = (error as { overloaded?: unknown } | null)?.overloaded === true;
      if (attempt === MAX_ATTEMPTS || overloaded) throw error;
    }
  }
}
