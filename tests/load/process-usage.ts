import { readdirSync, readFileSync } from "node:fs";

/** Of USER_HZ, which Linux fixes for /proc. */
const TICK_US = 10_000;
const PAGE_KB = 4;

export interface Usage {
  /** User and system time since the process began, microseconds; a step is 10 ms. */
  readonly cpuUs: number;
  readonly residentKb: number;
}

/** The fields of /proc/PID/stat from the third on: the second, a name, may hold anything. */
function fieldsOf(stat: string): string[] {
  const end = stat.lastIndexOf(")");
  if (end === -1) throw new Error("a /proc/PID/stat without a name");
  return stat
    .slice(end + 2)
    .trim()
    .split(" ");
}

/** Reads the text of /proc/PID/stat; proc(5) numbers its fields. */
export function parseStat(stat: string): Usage & { readonly parent: number } {
  const fields = fieldsOf(stat);
  const field = (number: number) => {
    const value = Number(fields[number - 3]);
    if (!Number.isFinite(value)) throw new Error(`/proc/PID/stat has no field ${number}`);
    return value;
  };
  return {
    parent: field(4),
    cpuUs: (field(14) + field(15)) * TICK_US,
    residentKb: field(24) * PAGE_KB,
  };
}

/** @throws when there is no such process. */
export function usageOf(pid: number): Usage {
  return parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
}

export function childrenOf(pid: number): number[] {
  const children: number[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (parseStat(readFileSync(`/proc/${name}/stat`, "latin1")).parent === pid) children.push(Number(name));
    } catch {
      // It has ended meanwhile.
    }
  }
  return children;
}
