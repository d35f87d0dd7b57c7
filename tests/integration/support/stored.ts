// What a call has left in the stores, once it is there.

import type { Gateway } from "./gateway.ts";

/** A call as the calls API shows it. */
export interface CallJson {
  readonly callId: string;
  readonly reason: string;
  readonly recordingMs: number;
  readonly recordingKey: string | null;
  readonly sessions: number;
  readonly durationMs: number;
}

/** Polls until `look` finds something; rejects in time. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>, timeoutMs = 15_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`no ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The call's row in the log. */
export function logged(gateway: Gateway, callId: string, timeoutMs?: number): Promise<CallJson> {
  return eventually(
    `row of ${callId}`,
    async () => {
      const response = await gateway.api(`/api/calls/${callId}`);
      if (response.status !== 200) {
        await response.arrayBuffer();
        return undefined;
      }
      return ((await response.json()) as { call: CallJson }).call;
    },
    timeoutMs,
  );
}

/** The bytes behind a path. */
export function stored(gateway: Gateway, path: string, timeoutMs?: number): Promise<Uint8Array> {
  return eventually(
    path,
    async () => {
      const response = await gateway.api(path);
      const bytes = new Uint8Array(await response.arrayBuffer());
      return response.status === 200 ? bytes : undefined;
    },
    timeoutMs,
  );
}

/** Of every call in the log, page by page. */
export async function allLogged(gateway: Gateway): Promise<CallJson[]> {
  const calls: CallJson[] = [];
  let cursor: string | null = null;
  do {
    const page: { calls: CallJson[]; cursor: string | null } = await gateway.json(
      `/api/calls?limit=100${cursor === null ? "" : `&cursor=${cursor}`}`,
    );
    calls.push(...page.calls);
    cursor = page.cursor;
  } while (cursor !== null);
  return calls;
}
