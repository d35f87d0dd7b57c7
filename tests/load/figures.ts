export const ROWS = ["bareInbound", "bareBoth", "silent", "talking", "recorded"] as const;
export type RowName = (typeof ROWS)[number];

/** One row of the report; the names stay. */
export interface Row {
  /** User and system time of workerd for each media message that came in, microseconds. */
  readonly cpuPerFrameUs: number;
  /** What workerd has resident for each call, in a process that held nothing else. */
  readonly memoryPerCallKb: number;
  /** From a probe right behind a media message to its answer. */
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
}

export type Rows = Readonly<Record<RowName, Row>>;
export type Ratios = Readonly<Record<"silent" | "talking" | "recorded", number>>;

/** What `--json` prints. */
export interface Report {
  readonly rows: Rows;
  readonly ratios: Ratios;
}

/** The value that a share of `values` does not exceed; nearest rank. NaN without values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The middle one, or the mean of the middle two. NaN without values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const [low = Number.NaN, high = low] = sorted.slice(Math.ceil(half) - 1, Math.floor(half) + 1);
  return (low + high) / 2;
}

export function ratiosOf(rows: Readonly<Record<RowName, { readonly cpuPerFrameUs: number }>>): Ratios {
  const { bareInbound, bareBoth, silent, talking, recorded } = rows;
  return {
    silent: silent.cpuPerFrameUs / bareInbound.cpuPerFrameUs,
    talking: talking.cpuPerFrameUs / bareBoth.cpuPerFrameUs,
    recorded: recorded.cpuPerFrameUs / bareBoth.cpuPerFrameUs,
  };
}

/** Every figure to `digits` behind the point. */
export function rounded<T>(value: T, digits = 2): T {
  if (typeof value === "number") return Number(value.toFixed(digits)) as T;
  if (Array.isArray(value)) return value.map((each) => rounded(each, digits)) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, each]) => [name, rounded(each, digits)] as const);
  return Object.fromEntries(entries) as T;
}

/** A table with its first column to the left and the others to the right. */
export function table(lines: readonly (readonly string[])[]): string {
  const columns = Math.max(...lines.map((line) => line.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines
    .map((line) => line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))))
    .map((cells) => cells.join("  ").trimEnd())
    .join("\n");
}
