// Places a call against a running gateway, as Twilio would, and tells what the caller heard and when.

import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, parseEnv } from "node:util";
import { readWav8k, writeWav } from "./audio/wav.ts";
import { firstReply, heardWhen, type Span, whyNoReply } from "./first-reply.ts";
import { type GatewayEvent, Observer } from "./observer.ts";
import { PhoneCall } from "./twilio/phone-call.ts";

const HELP = `npm run call -- --wav FILE [options]

  --wav FILE            what the caller says (WAV: PCM16, mu-law or A-law, any rate)
  --agent NAME          house, parrot, realtime or cascade; default: what the gateway was started with
  --interrupt-at TIME   interrupt the reply this long after it was first heard (1.2s, 800ms)
  --interrupt-wav FILE  with these words instead of the same ones
  --loss PERCENT        frames that never arrive (2%)
  --jitter TIME         frames that arrive late by up to this (30ms)
  --url URL             the gateway; default http://127.0.0.1:8787
  --auth-token TOKEN    Twilio auth token; default TWILIO_AUTH_TOKEN, then .dev.vars
  --out DIR             where the recordings go; default calls/<call id>
  --json                print one JSON object and nothing else

Ends with 0 when all happened as asked, with 1 when the call failed or the
gateway broke the protocol, with 2 when an option or a file is not what it must
be and no call was placed.
`;

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Silence before the first word: the caller lifts the phone to the ear. */
const LEAD_MS = 300;
/** The longest wait for a reply. */
const REPLY_MS = 20_000;
/** Words are not shorter: a frame. */
const MIN_WORDS_MS = 20;
/** What was silent so long is over. */
const OVER_MS = 1_500;
/** A reply that was over so shortly before it was to be interrupted was interrupted at its end. */
const AT_ITS_END_MS = 100;

interface Truncation {
  atMs: number;
  item: string;
  audioEndMs: number;
  receivedMs: number;
  /** The simulator's own count of the reply, up to the clear. */
  heardByCallerMs: number | null;
}

function parseTime(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text);
  if (!match) throw new TypeError(`${option}: "${text}" is no time: write 800ms or 1.2s`);
  return Number(match[1]) * (match[2] === "s" ? 1000 : 1);
}

function parsePercent(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)%$/.exec(text);
  if (!match || Number(match[1]) > 100) throw new TypeError(`${option}: "${text}" is no percentage: write 2%`);
  return Number(match[1]) / 100;
}

function parseUrl(text: string): string {
  const message = `--url: "${text}" is no address of a gateway: write http://HOST:PORT`;
  if (!URL.canParse(text)) throw new TypeError(message);
  const { protocol, username, password, search, hash } = new URL(text);
  if (!/^https?:$/.test(protocol) || username + password + search + hash !== "") throw new TypeError(message);
  return text;
}

/** What the caller says. @throws {TypeError} if nothing can be heard of it */
function readWords(option: string, file: string): Int16Array {
  let words: Int16Array;
  try {
    words = readWav8k(file);
  } catch (error) {
    throw new TypeError(`${option} ${file}: ${whyUnread(error)}`);
  }
  if (words.length < MIN_WORDS_MS * 8) throw new TypeError(`${option} ${file}: there is no sound in it`);
  return words;
}

function whyUnread(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file";
  return code === "EISDIR" ? "that is a folder" : message;
}

/** Makes a folder before there is a call. @throws {TypeError} if it cannot be written to */
function makeFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new TypeError(`--out ${folder}: recordings cannot be kept there (${(error as NodeJS.ErrnoException).code})`);
  }
  return folder;
}

function devVar(name: string): string | undefined {
  if (process.env[name]) return process.env[name];
  const file = join(ROOT, ".dev.vars");
  if (!existsSync(file)) return undefined;
  return parseEnv(readFileSync(file, "utf8"))[name] || undefined;
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      wav: { type: "string" },
      agent: { type: "string" },
      "interrupt-at": { type: "string" },
      "interrupt-wav": { type: "string" },
      loss: { type: "string", default: "0%" },
      jitter: { type: "string", default: "0ms" },
      url: { type: "string", default: "http://127.0.0.1:8787" },
      "auth-token": { type: "string" },
      out: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  if (values.wav === undefined) throw new TypeError("--wav is missing");
  const agent = values.agent === "realtime" ? "openai-realtime" : values.agent;
  const { "interrupt-at": interruptAt, "interrupt-wav": interruptWav } = values;
  if (interruptWav !== undefined && interruptAt === undefined)
    throw new TypeError("--interrupt-wav is of no use without --interrupt-at");
  const words = readWords("--wav", values.wav);
  return {
    words,
    interruption: interruptWav === undefined ? words : readWords("--interrupt-wav", interruptWav),
    interruptAtMs: interruptAt === undefined ? undefined : parseTime("--interrupt-at", interruptAt),
    agent,
    loss: parsePercent("--loss", values.loss),
    jitterMs: parseTime("--jitter", values.jitter),
    url: parseUrl(values.url),
    authToken: values["auth-token"] ?? devVar("TWILIO_AUTH_TOKEN"),
    out: values.out === undefined ? undefined : makeFolder(values.out),
    json: values.json,
  };
}

type Arguments = ReturnType<typeof readArguments>;

/** When the reply to `utterance` was first heard; undefined when none comes in time. */
async function replyHeard(call: PhoneCall, observer: Observer, utterance: Span): Promise<number | undefined> {
  const soundAt = await call.firstHeardAfter(utterance.endMs, REPLY_MS);
  if (soundAt === undefined) return undefined;
  const offset = observer.offsetMs(call.epochMs);
  // Nobody tells whether it is a reply.
  if (offset === undefined) return soundAt;
  const heardAt = () => firstReply(observer.events, offset, call.audible, utterance).heardMs;
  await call.until(() => heardAt() !== null, REPLY_MS);
  return heardAt() ?? undefined;
}

/** Interrupts a reply that was first heard at `heardAt`; returns what did not happen as asked. */
async function interrupt(
  call: PhoneCall,
  observer: Observer,
  heardAt: number,
  afterMs: number,
  words: Int16Array,
): Promise<string | undefined> {
  const due = heardAt + afterMs;
  const isOver = () => call.clock() - call.playedUntilMs >= OVER_MS;
  await call.until(() => call.clock() >= due || isOver(), afterMs + 1000);
  const lastedMs = Math.round(call.playedUntilMs - heardAt);
  if (call.playedUntilMs < due - AT_ITS_END_MS)
    return `the reply was over after ${lastedMs} ms: --interrupt-at ${afterMs}ms is behind its end`;
  const second = await call.say(words);
  if ((await replyHeard(call, observer, second)) === undefined) return "no reply to the interruption was heard";
  return undefined;
}

/** Runs the conversation; returns what did not happen as asked. */
async function converse(call: PhoneCall, observer: Observer, options: Arguments): Promise<string[]> {
  const errors: string[] = [];
  await call.until(() => call.clock() >= LEAD_MS, LEAD_MS + 1000);
  const first = await call.say(options.words);
  const heardAt = await replyHeard(call, observer, first);
  if (heardAt === undefined) errors.push("no reply was heard");
  else if (options.interruptAtMs !== undefined) {
    const error = await interrupt(call, observer, heardAt, options.interruptAtMs, options.interruption);
    if (error !== undefined) errors.push(error);
  }
  await call.quiet();
  if (call.over) errors.push(`the gateway ended the call (close ${call.record().closeCode ?? "?"})`);
  else call.hangUp();
  await call.ended;
  if (call.failure !== undefined) errors.push(call.failure);
  return errors;
}

async function main(): Promise<number> {
  let options: Arguments;
  try {
    options = readArguments();
  } catch (error) {
    process.stderr.write(`npm run call: ${error instanceof Error ? error.message : error}\n\n${HELP}`);
    return 2;
  }
  let call: PhoneCall;
  try {
    call = await PhoneCall.dial(options);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (options.json) process.stdout.write(`${JSON.stringify(emptyReport(text))}\n`);
    else process.stderr.write(`The call failed: ${text}\n`);
    return 1;
  }
  const observer = new Observer(options.url, call.callId, devVar("ADMIN_TOKEN"));
  const errors = await converse(call, observer, options);
  // The summary follows the hang-up by a moment.
  await new Promise((resolve) => setTimeout(resolve, 300));
  observer.close();

  const record = call.record();
  for (const violation of record.violations) errors.push(`${violation.code}: ${violation.text}`);
  const out = options.out ?? makeFolder(join(ROOT, "calls", record.callId));
  const sentWav = join(out, "sent.wav");
  const heardWav = join(out, "heard.wav");
  writeWav(sentWav, record.sent, 8000);
  writeWav(heardWav, record.heard, 8000);

  const offset = observer.offsetMs(record.epochMs);
  const notes: string[] = [];
  if (offset === undefined) notes.push(`no events from the gateway: ${observer.failure ?? "the feed was empty"}`);
  const at = (event: GatewayEvent | undefined) =>
    event === undefined || offset === undefined ? null : Math.round(event.atMs + offset);
  const first = record.utterances[0];
  const firstEndMs = first?.endMs ?? 0;
  const reply =
    offset === undefined
      ? undefined
      : firstReply(observer.events, offset, record.audible, first ?? { startMs: 0, endMs: 0 });
  const sound = record.audible.find(({ endMs }) => endMs > firstEndMs);
  const soundMs = sound === undefined ? null : Math.round(Math.max(sound.startMs, firstEndMs));
  if (reply?.heardMs === null) {
    const why = whyNoReply(observer.events);
    if (why !== undefined) notes.push(why);
    if (soundMs !== null) notes.push("what was heard was no reply: see `waiting` in docs/boundary.md");
  }
  const truncations = observer.events
    .filter((event) => event.type === "truncated")
    .map((event): Truncation => {
      const atMs = at(event) ?? 0;
      const clear = record.clears.filter(({ atMs: clearMs }) => clearMs <= atMs + 100).at(-1);
      const started = observer.events.filter((e) => e.type === "replyStarted" && e.atMs <= event.atMs).at(-1);
      const replyStartMs = at(started);
      return {
        atMs,
        item: String(event["item"]),
        audioEndMs: Number(event["audioEndMs"]),
        receivedMs: Number(event["receivedMs"]),
        heardByCallerMs:
          clear === undefined || replyStartMs === null ? null : heardBetween(call, replyStartMs - 50, clear.atMs),
      };
    });
  const report = {
    callId: record.callId,
    sentWav,
    heardWav,
    timeline: {
      speechEndMs: Math.round(firstEndMs),
      endOfTurnMs: reply?.endOfTurnMs ?? null,
      firstAudioSentMs: reply?.sentMs ?? null,
      // Without events whatever sounds is taken for the reply.
      firstAudioHeardMs: reply === undefined ? soundMs : reply.heardMs,
      clears: record.clears.map(({ atMs, droppedMs }) => ({
        atMs: Math.round(atMs),
        droppedMs: Math.round(droppedMs),
      })),
      truncations,
    },
    underruns: record.underruns,
    notes,
    errors,
  };
  writeFileSync(join(out, "timeline.json"), `${JSON.stringify({ ...report, events: observer.events }, null, 2)}\n`);
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else print(report, observer.events, at, offset === undefined ? "a sound" : "the reply");
  return errors.length === 0 ? 0 : 1;
}

/** Reply audio that was heard in the time, ms, by the carrier's own buffer. */
function heardBetween(call: PhoneCall, fromMs: number, toMs: number): number {
  let bytes = 0;
  for (const stream of call.streams) {
    for (const piece of stream.playout?.heard ?? []) {
      const end = piece.atMs + piece.bytes.length / 8;
      bytes += Math.max(0, Math.min(end, toMs) - Math.max(piece.atMs, fromMs)) * 8;
    }
  }
  return Math.round(bytes / 8);
}

function emptyReport(error: string) {
  return {
    callId: null,
    sentWav: null,
    heardWav: null,
    timeline: {
      speechEndMs: null,
      endOfTurnMs: null,
      firstAudioSentMs: null,
      firstAudioHeardMs: null,
      clears: [],
      truncations: [],
    },
    errors: [error],
  };
}

interface Report {
  callId: string;
  heardWav: string;
  timeline: {
    speechEndMs: number;
    endOfTurnMs: number | null;
    firstAudioSentMs: number | null;
    firstAudioHeardMs: number | null;
    clears: { atMs: number; droppedMs: number }[];
    truncations: Truncation[];
  };
  underruns: number;
  notes: string[];
  errors: string[];
}

/** `what` was heard first. */
function print(report: Report, events: GatewayEvent[], at: (event: GatewayEvent) => number | null, what: string): void {
  const { timeline } = report;
  const lines: { ms: number | null; text: string }[] = [
    { ms: timeline.speechEndMs, text: "speech end" },
    { ms: timeline.endOfTurnMs, text: "end of turn" },
    { ms: timeline.firstAudioSentMs, text: "first audio out" },
    { ms: timeline.firstAudioHeardMs, text: "first audio heard" },
    ...timeline.clears.map(({ atMs, droppedMs }) => ({ ms: atMs, text: `clear (${droppedMs} ms dropped)` })),
    ...timeline.truncations.map((t) => ({
      ms: t.atMs,
      text: `truncate ${t.item} at ${t.audioEndMs} ms (the caller heard ${t.heardByCallerMs ?? "?"} ms of it)`,
    })),
    ...events
      .filter((event) => ["resumed", "transcript", "agentFailed"].includes(event.type) && event["final"] !== false)
      .map((event) => ({
        ms: at(event),
        text: textOf(event),
      })),
  ];
  process.stdout.write(`call ${report.callId}\n`);
  for (const { ms, text } of lines.sort((a, b) => (a.ms ?? 1e12) - (b.ms ?? 1e12))) {
    process.stdout.write(`${ms === null ? "-".padStart(8) : String(ms).padStart(8)} ms  ${text}\n`);
  }
  if (timeline.firstAudioHeardMs !== null) {
    process.stdout.write(`${what} was heard ${heardWhen(timeline.firstAudioHeardMs, timeline.speechEndMs)}\n`);
  }
  process.stdout.write(`heard: ${report.heardWav}\n`);
  for (const note of report.notes) process.stdout.write(`note: ${note}\n`);
  for (const error of report.errors) process.stdout.write(`error: ${error}\n`);
}

function textOf({ type, role, text, code }: GatewayEvent): string {
  if (type === "transcript") return `${role}: "${text}"`;
  return type === "agentFailed" ? `${type} (${code})` : type;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`npm run call: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
