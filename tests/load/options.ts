import { parseArgs } from "node:util";

export const USAGE = `npm run load -- [--calls N] [--seconds S] [--rounds R] [--beat MS] [--json]
npm run load -- --minutes M [--calls N] [--json]

  --calls    calls at a time, 1 to 200; default 60
  --seconds  what is measured of each row in each round, 1 to 120; default 15
  --rounds   of which the median counts, 1 to 9; default 3
  --beat     what is due within so many ms is sent together, 0.25 to 20; default 1
  --minutes  instead: memory over a talk of so many minutes, 1 to 60
  --json     the figures alone, as JSON`;

export interface Options {
  readonly calls: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly beatMs: number;
  /** Undefined: the rows. */
  readonly minutes: number | undefined;
  readonly json: boolean;
}

/** The command line is none. */
export class UsageError extends Error {
  readonly code = "usage";
}

function whole(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > max) throw new UsageError(`--${name} must be 1 to ${max}`);
  return value;
}

function beat(text: string): number {
  const value = Number(text);
  if (!(value >= 0.25 && value <= 20)) throw new UsageError("--beat must be 0.25 to 20");
  return value;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        calls: { type: "string", default: "60" },
        seconds: { type: "string", default: "15" },
        rounds: { type: "string", default: "3" },
        beat: { type: "string", default: "1" },
        minutes: { type: "string" },
        json: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** @throws {UsageError} */
export function parseOptions(args: readonly string[]): Options {
  const { calls, seconds, rounds, beat: beatMs, minutes, json } = parse(args);
  return {
    calls: whole("calls", calls, 200),
    seconds: whole("seconds", seconds, 120),
    rounds: whole("rounds", rounds, 9),
    beatMs: beat(beatMs),
    minutes: minutes === undefined ? undefined : whole("minutes", minutes, 60),
    json,
  };
}
