import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../simulators/twilio/phone-call.ts";
import { Caller, type Conversation, type Speech } from "./caller.ts";
import type { RowName } from "./figures.ts";
import { AUTH_TOKEN, type Gateways, type Host } from "./gateways.ts";
import { type Counts, Line } from "./line.ts";
import { usageOf } from "./process-usage.ts";
import { type Rhythm, rhythmOf, type Stores } from "./rhythm.ts";
import { Wheel } from "./wheel.ts";

/** Calls that are opened at a time. */
const OPENING = 4;
/** workerd is at rest when it uses less than this share of a core; it gets so long to come to it. */
const REST_SHARE = 0.02;
const REST_STEP_MS = 500;
const REST_TIMEOUT_MS = 15_000;

const HOSTS: Readonly<Record<RowName, Host>> = {
  bareInbound: "bare",
  bareBoth: "bare",
  silent: "plain",
  talking: "plain",
  recorded: "recording",
};
const TALKS: ReadonlySet<RowName> = new Set(["bareBoth", "talking", "recorded"]);

/** A call of ours that was never answered in a window that long has broken. */
const ANSWER_WITHIN_S = 12;

export interface RowOptions {
  readonly gateways: Gateways;
  readonly row: RowName;
  readonly calls: number;
  readonly beatMs: number;
  /** Before the window. */
  readonly settleS: number;
  /** The window, in which everything is counted. */
  readonly windowS: number;
  readonly speech: Speech;
  /** What the bare object sends, a rhythm a call. */
  readonly rhythms: readonly Rhythm[];
  /** What the bare object stores; nothing by default. */
  readonly stores?: Stores;
  /** Called about once a second while the calls go on, and at the end of the window. */
  readonly onSecond?: (residentKb: number) => void;
}

export interface RowResult {
  readonly cpuUs: number;
  /** Resident for each call, KB: at the beginning of the window and at its end, less what was there before the calls. */
  readonly startKb: number;
  readonly endKb: number;
  readonly counts: Counts;
  readonly conversation: Conversation;
  readonly latenessMs: readonly number[];
  /** What each call was sent in the window. */
  readonly rhythms: readonly Rhythm[];
  /** Why calls broke; empty if none did. */
  readonly failures: readonly string[];
}

function sum<T extends object>(all: readonly T[]): T {
  const total: Record<string, unknown> = {};
  for (const each of all) {
    for (const [name, value] of Object.entries(each)) {
      const before = total[name];
      if (typeof value === "number") total[name] = ((before as number | undefined) ?? 0) + value;
      else if (Array.isArray(value)) total[name] = [...((before as unknown[] | undefined) ?? []), ...value];
      else total[name] = sum([(before ?? {}) as object, value as object]);
    }
  }
  return total as T;
}

/** Resolves when workerd has nothing left to do, or has had time enough. */
export async function rest(pid: number): Promise<void> {
  const deadline = performance.now() + REST_TIMEOUT_MS;
  for (let before = usageOf(pid).cpuUs; performance.now() < deadline; ) {
    await delay(REST_STEP_MS);
    const now = usageOf(pid).cpuUs;
    if (now - before <= REST_STEP_MS * 1000 * REST_SHARE) return;
    before = now;
  }
}

/** Opens the calls, lets them settle, measures a window, and ends them. */
export async function measureRow(options: RowOptions): Promise<RowResult> {
  const { gateways, row, calls, beatMs, settleS, windowS, speech, rhythms, stores, onSecond } = options;
  const host = HOSTS[row];
  const url = gateways.url(host);
  const spoken: Speech = TALKS.has(row) ? speech : { ...speech, utterances: [] };
  const nobody: Rhythm = { table: [], frames: "" };
  const beforeKb = usageOf(gateways.pid).residentKb;
  const complaints = gateways.complaints.length;
  const wheel = new Wheel(calls, beatMs);
  const lines: Line[] = [];
  const callers = Array.from({ length: calls }, (_, i) => new Caller(spoken, seededRandom(1000 + i)));
  const openLine = async (index: number) => {
    const caller = callers[index] as Caller;
    const answers = row === "bareBoth" ? (rhythms[index % rhythms.length] ?? nobody) : nobody;
    const rhythm = stores ? { ...answers, stores } : answers;
    const line =
      host === "bare"
        ? await Line.bare(url, `${row}-${index}-${performance.now()}`, caller, rhythm)
        : await Line.call(url, AUTH_TOKEN, caller);
    lines.push(line);
    wheel.add(index, line);
  };
  try {
    for (let at = 0; at < calls; at += OPENING)
      await Promise.all(Array.from({ length: Math.min(OPENING, calls - at) }, (_, i) => openLine(at + i)));
    await delay(settleS * 1000);
    wheel.takeLateness();
    for (const line of lines) {
      line.takeCounts();
      line.recordRhythm();
    }
    const start = usageOf(gateways.pid);
    const endMs = performance.now() + windowS * 1000;
    for (let left = endMs - performance.now(); left > 0; left = endMs - performance.now()) {
      await delay(Math.min(1000, left));
      onSecond?.(usageOf(gateways.pid).residentKb);
    }
    const end = usageOf(gateways.pid);
    const counted = lines.map((line) => line.takeCounts());
    const latenessMs = wheel.takeLateness();
    const failures = lines.flatMap((line) => line.failure ?? []);
    if (wheel.failure !== undefined) failures.push(String(wheel.failure));
    failures.push(...gateways.complaints.slice(complaints));
    if ((row === "talking" || row === "recorded") && windowS >= ANSWER_WITHIN_S) {
      const unanswered = counted.filter(({ received }) => received.media === 0).length;
      if (unanswered > 0) failures.push(`${unanswered} calls heard nothing`);
    }
    return {
      cpuUs: end.cpuUs - start.cpuUs,
      startKb: (start.residentKb - beforeKb) / calls,
      endKb: (end.residentKb - beforeKb) / calls,
      counts: sum(counted),
      conversation: sum(callers.map(({ counts }) => counts)),
      latenessMs,
      rhythms: lines.map((line) => rhythmOf(line.takeRhythm())),
      failures,
    };
  } finally {
    await Promise.all(lines.map((line) => line.close()));
    await wheel.stop();
    await rest(gateways.pid);
  }
}
