// What a call costs beside what the platform costs: `npm run load`. tests/README.md says what is measured and how.

import { median, percentile, type Ratios, ROWS, type RowName, ratiosOf, rounded, table } from "./figures.ts";
import { Gateways } from "./gateways.ts";
import { type Options, parseOptions, USAGE, UsageError } from "./options.ts";
import { usageOf } from "./process-usage.ts";
import type { Rhythm, Stores } from "./rhythm.ts";
import { measureRow, type RowResult } from "./row.ts";
import { recordedSpeech } from "./speech.ts";

/** An isolate runs unoptimised for about so many frames; they are let pass before anything is measured. */
const WARM_UP_FRAMES = 20_000;
const FRAMES_PER_S = 50;
/** From the last call's first frame to the window: the callers are in conversation. */
const SETTLE_S = 4;
/** Before memory is looked at: what the first call of a process alone needs. */
const FIRST_CALL_S = 2;
/** Opening, closing and resting, at most, a row. */
const OVERHEAD_S = 30;
/** A client that sends later than this, p99, has measured itself. */
const MAX_LATENESS_MS = 10;

/** The order within a round: the bare object repeats what the talking calls before it were sent. */
const ORDER: readonly RowName[] = ["bareInbound", "silent", "talking", "bareBoth", "recorded"];
const TITLES: Readonly<Record<RowName, string>> = {
  bareInbound: "bare object, inbound",
  bareBoth: "bare object, both ways",
  silent: "a call, silent",
  talking: "a call, talking",
  recorded: "a call, talking, recorded",
};

/** What is followed over time. SQLite keeps pages in memory, so that a call is held against an object that writes as much. */
interface Follower {
  readonly name: string;
  readonly title: string;
  readonly row: RowName;
  readonly stores?: Stores;
}
/** Rows, bytes and pages a minute as tables of calls of three minutes have them: 9 pages of 4 KiB, recorded 48. */
const STORES_TALKING: Stores = { everyFrames: 150, rowBytes: 500, keptBytes: 130 };
const STORES_RECORDED: Stores = { everyFrames: 47, rowBytes: 2_080, keptBytes: 40 };
const FOLLOWERS: readonly Follower[] = [
  { name: "bareBoth", title: "bare object", row: "bareBoth" },
  { name: "bareStoring", title: "that stores as a call", row: "bareBoth", stores: STORES_TALKING },
  { name: "talking", title: "a call, talking", row: "talking" },
  { name: "bareRecording", title: "bare, stores as recorded", row: "bareBoth", stores: STORES_RECORDED },
  { name: "recorded", title: "a call, recorded", row: "recorded" },
];

type ByRow<T> = Record<RowName, T>;

function byRow<T>(make: (row: RowName) => T): ByRow<T> {
  return Object.fromEntries(ROWS.map((row) => [row, make(row)])) as ByRow<T>;
}

function cpuPerFrame(result: RowResult): number {
  return result.cpuUs / result.counts.media;
}

function share(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(0)} %`;
}

function perFrame(result: RowResult): string {
  const { media, received, echoes, receivedBytes } = result.counts;
  const sent = received.media + received.mark + received.clear;
  return `${(sent / media).toFixed(3)} of ${(receivedBytes / Math.max(1, sent)).toFixed(0)} B, ${(echoes / media).toFixed(3)} echoes`;
}

const started = performance.now();
let gateways: Gateways[] = [];

function progress(text: string): void {
  console.error(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`);
}

/** Runs `work` with a workerd of its own. */
async function withGateways<T>(work: (running: Gateways) => Promise<T>): Promise<T> {
  const running = await Gateways.start();
  gateways.push(running);
  try {
    return await work(running);
  } finally {
    gateways = gateways.filter((each) => each !== running);
    await running.close();
  }
}

const speech = recordedSpeech();
const failures: string[] = [];
let rhythms: readonly Rhythm[] = [];

interface Window {
  readonly gateways: Gateways;
  readonly row: RowName;
  /** Instead of all that the command line asks for. */
  readonly calls?: number;
  readonly settleS?: number;
  readonly windowS: number;
  readonly stores?: Stores;
  readonly onSecond?: (residentKb: number) => void;
}

async function measure(options: Options, window: Window): Promise<RowResult> {
  const { calls, beatMs } = options;
  const result = await measureRow({ calls, beatMs, settleS: SETTLE_S, ...window, speech, rhythms });
  failures.push(...result.failures.map((each) => `${window.row}: ${each}`));
  return result;
}

/** Past the frames that run unoptimised, in every isolate. */
async function warmUp(running: Gateways, options: Options): Promise<void> {
  const windowS = Math.ceil(WARM_UP_FRAMES / FRAMES_PER_S / options.calls);
  for (const row of ["talking", "recorded", "bareBoth"] as const) {
    progress(`warm-up: ${TITLES[row]}`);
    const { rhythms: heard } = await measure(options, { gateways: running, row, settleS: 0, windowS });
    if (row === "talking") rhythms = heard;
  }
}

async function measureRounds(options: Options): Promise<ByRow<RowResult[]>> {
  const { seconds, rounds } = options;
  const results = byRow((): RowResult[] => []);
  await withGateways(async (running) => {
    await warmUp(running, options);
    for (let round = 1; round <= rounds; round++) {
      for (const row of ORDER) {
        const result = await measure(options, { gateways: running, row, windowS: seconds });
        if (row === "talking") rhythms = result.rhythms;
        results[row].push(result);
        progress(`round ${round}: ${TITLES[row]}: ${cpuPerFrame(result).toFixed(1)} us a frame`);
      }
    }
  });
  return results;
}

/** Each row in a process that has held nothing else. */
async function measureMemory(options: Options): Promise<ByRow<RowResult>> {
  const results: Partial<ByRow<RowResult>> = {};
  for (const row of ORDER) {
    results[row] = await withGateways(async (running) => {
      await measure(options, { gateways: running, row, calls: 1, settleS: 0, windowS: FIRST_CALL_S });
      return measure(options, { gateways: running, row, windowS: options.seconds });
    });
    progress(`memory: ${TITLES[row]}: ${results[row].endKb.toFixed(0)} KB a call`);
  }
  return results as ByRow<RowResult>;
}

function printRows(options: Options, results: ByRow<RowResult[]>, memory: ByRow<RowResult>): void {
  const rows = byRow((row) => {
    const delays = results[row].map(({ counts }) => counts.delaysMs);
    return {
      cpuPerFrameUs: median(results[row].map(cpuPerFrame)),
      memoryPerCallKb: memory[row].endKb,
      delayP50Ms: median(delays.map((each) => percentile(each, 0.5))),
      delayP99Ms: median(delays.map((each) => percentile(each, 0.99))),
    };
  });
  // A round's rows were measured within minutes of each other; its ratios are better than those of medians.
  const ratios = ratiosOfRounds(results);
  if (options.json) {
    console.log(JSON.stringify(rounded({ rows, ratios })));
    return;
  }
  const lines = ROWS.map((row) => {
    const all = results[row];
    const cpu = all.map(cpuPerFrame);
    const answers = all.map(({ counts }) => counts.answersMs);
    const { cpuPerFrameUs, delayP50Ms, delayP99Ms } = rows[row];
    const spread = `${Math.min(...cpu).toFixed(1)}..${Math.max(...cpu).toFixed(1)}`;
    const isAnswered = answers.every((each) => each.length > 0);
    const answer = (part: number) =>
      isAnswered ? median(answers.map((each) => percentile(each, part))).toFixed(2) : "";
    return [
      TITLES[row],
      cpuPerFrameUs.toFixed(1),
      spread,
      memory[row].startKb.toFixed(0),
      memory[row].endKb.toFixed(0),
      `${delayP50Ms.toFixed(2)} / ${delayP99Ms.toFixed(2)}`,
      isAnswered ? `${answer(0.5)} / ${answer(0.99)}` : "",
    ];
  });
  const title = ["", "us a frame", "rounds", "KB a call: start", "end", "delay ms p50 / p99", "answer ms p50 / p99"];
  console.log(
    `${options.calls} calls, ${options.rounds} x ${options.seconds} s of each, a beat of ${options.beatMs} ms`,
  );
  console.log(table([title, ...lines]));
  const [talking] = results.talking;
  const [both] = results.bareBoth;
  if (talking && both) {
    const { spoken, silent, replies, missed, interrupted } = talking.conversation;
    const played = share(talking.counts.playedMs, talking.counts.media * (1000 / FRAMES_PER_S));
    console.log(
      `talking: the caller speaks ${share(spoken, spoken + silent)} of the time, the agent is sent for ${played}; ` +
        `${replies} replies, ${interrupted} of them interrupted, ${missed} missed`,
    );
    console.log(`sent for each frame: talking ${perFrame(talking)}; bare both ways ${perFrame(both)}`);
  }
  const lateness = ROWS.flatMap((row) => results[row].flatMap(({ latenessMs }) => latenessMs));
  console.log(
    `the client's frames were late by ${percentile(lateness, 0.5).toFixed(2)} ms (p50), ` +
      `${percentile(lateness, 0.99).toFixed(2)} ms (p99)`,
  );
  console.log(`warm-up: the first ${WARM_UP_FRAMES} frames of an isolate, which run unoptimised, are in no figure`);
  const { silent, talking: talks, recorded } = ratios;
  console.log(
    `ratios: silent ${silent.toFixed(2)} of bare inbound; ` +
      `talking ${talks.toFixed(2)} and recorded ${recorded.toFixed(2)} of bare both ways`,
  );
}

function ratiosOfRounds(results: ByRow<RowResult[]>): Ratios {
  const rounds = results.bareInbound.map((_, i) =>
    ratiosOf(byRow((row) => ({ cpuPerFrameUs: results[row][i] ? cpuPerFrame(results[row][i]) : Number.NaN }))),
  );
  return {
    silent: median(rounds.map(({ silent }) => silent)),
    talking: median(rounds.map(({ talking }) => talking)),
    recorded: median(rounds.map(({ recorded }) => recorded)),
  };
}

async function measureRowsAll(options: Options): Promise<void> {
  const results = await measureRounds(options);
  const memory = await measureMemory(options);
  printRows(options, results, memory);
  const lateness = percentile(
    ROWS.flatMap((row) => results[row].flatMap(({ latenessMs }) => latenessMs)),
    0.99,
  );
  if (lateness > MAX_LATENESS_MS)
    console.error(`the client did not keep up: its frames were late by ${lateness.toFixed(1)} ms (p99)`);
}

/** The lowest in each minute: what a collector of garbage has not yet taken is no growth. */
function lowOfMinutes(samplesKb: readonly number[], minutes: number): number[] {
  const perMinute = samplesKb.length / minutes;
  return Array.from({ length: minutes }, (_, i) =>
    Math.min(...samplesKb.slice(Math.floor(i * perMinute), Math.floor((i + 1) * perMinute))),
  );
}

/** The same talk in a process for each at once: what their calls hold, minute by minute. */
async function measureOverTime(options: Options, minutes: number): Promise<void> {
  const { calls, json } = options;
  progress("what the bare object is to send");
  await withGateways(async (running) => {
    const { rhythms: heard } = await measure(options, { gateways: running, row: "talking", windowS: 20 });
    rhythms = heard;
  });
  progress(`${minutes} minutes of talk`);
  const measured = await Promise.all(
    FOLLOWERS.map(({ name, row, stores }) =>
      withGateways(async (running) => {
        const window = { gateways: running, row, ...(stores && { stores }) };
        await measure(options, { ...window, calls: 1, settleS: 0, windowS: FIRST_CALL_S });
        const beforeKb = usageOf(running.pid).residentKb;
        const samples: number[] = [];
        const onSecond = (residentKb: number) => samples.push((residentKb - beforeKb) / calls);
        await measure(options, { ...window, windowS: minutes * 60, onSecond });
        return [name, lowOfMinutes(samples, minutes)] as const;
      }),
    ),
  );
  const memory = Object.fromEntries(measured);
  if (json) {
    console.log(JSON.stringify(rounded({ memoryPerCallKb: memory }, 1)));
    return;
  }
  const lines = Array.from({ length: minutes }, (_, i) => [
    String(i + 1),
    ...measured.map(([, each]) => (each[i] ?? Number.NaN).toFixed(0)),
  ]);
  const settled = Math.floor(minutes / 3);
  const growth = measured.map(([, each]) => ((each.at(-1) ?? Number.NaN) - (each[settled] ?? Number.NaN)).toFixed(0));
  console.log(`${calls} calls in each of ${FOLLOWERS.length} processes; the lowest of each minute, KB a call`);
  console.log(
    table([["minute", ...FOLLOWERS.map(({ title }) => title)], ...lines, [`since ${settled + 1}`, ...growth]]),
  );
}

/** Ends what was started, and this process. */
function abandon(reason: string): void {
  console.error(reason);
  for (const { pid } of gateways) process.kill(pid, "SIGKILL");
  process.exit(1);
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  const { minutes, rounds, seconds } = options;
  const expectedS =
    minutes === undefined
      ? ORDER.length * (rounds + 1) * (seconds + SETTLE_S + OVERHEAD_S) + WARM_UP_FRAMES / FRAMES_PER_S
      : minutes * 60 + 4 * OVERHEAD_S;
  setTimeout(() => abandon("this takes too long"), expectedS * 1000).unref();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => abandon(signal));
  if (minutes === undefined) await measureRowsAll(options);
  else await measureOverTime(options, minutes);
  for (const failure of [...new Set(failures)]) console.error(`a call broke: ${failure}`);
  return failures.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
