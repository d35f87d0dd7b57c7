// One call whose object is lost in a given phase, and what must be true of it after.

import type { GatewayEvent, Observer } from "../../simulators/observer.ts";
import { ANSWERS } from "../../simulators/openai-realtime/domain.ts";
import type { RealtimeServer } from "../../simulators/openai-realtime/server.ts";
import type { Session } from "../../simulators/openai-realtime/session.ts";
import { say } from "../../simulators/speech/say.ts";
import { wordTimes } from "../../simulators/speech/word-times.ts";
import type { PhoneCall } from "../../simulators/twilio/phone-call.ts";
import type { Gateway } from "./gateway.ts";
import { eventually } from "./stored.ts";
import { voice } from "./voice.ts";

/** Where a call is when its object is lost: the core's state, and what is open in it. */
export const PHASES = [
  "connecting",
  "greeting",
  "listening",
  "callerSpeaks",
  "thinking",
  "speaking",
  "interrupted",
  "toolOpen",
  "toolAnswered",
  "legLost",
] as const;
export type Phase = (typeof PHASES)[number];

const FIRST = "Is my dog allowed inside?";
const SECOND = "What is on the menu today?";
const TIME = "What time is it?";
const PROOF = "What was my first question?";
export const QUESTIONS = [FIRST, SECOND, TIME, PROOF];
export const GREETING = "Welcome to our house.";
const NOW = "nine fifteen";
const REPLY_MS = 12_000;

/** The answer that is cut, and when each of its words has been said. */
const CUT = ANSWERS.find((answer) => answer.includes("soup")) ?? "";
let cutWordsMs: readonly number[] = [];

/** Once, before anything else: who makes speech while calls go on holds up their carriers. */
export async function prepareQuestions(): Promise<void> {
  cutWordsMs = (await wordTimes(CUT)).endsMs;
  for (const text of QUESTIONS) await speech(text);
  for (const text of [...ANSWERS, GREETING, `The answer is ${NOW}.`]) await say(text, { voice: "slt", rateHz: 16_000 });
  voice(1, 2);
}

function speech(text: string): Promise<Int16Array> {
  return say(text, { voice: "rms" });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function text(event: GatewayEvent, field: string): string {
  return String(event[field] ?? "");
}

function words(of: string): string[] {
  return of.split(" ").filter((word) => word !== "");
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

interface Seen {
  readonly event: GatewayEvent;
  /** performance.now() */
  readonly atMs: number;
}

/** What a fresh socket was told, in order. */
interface Told {
  readonly type: string;
  readonly role: string;
  readonly text: string;
  readonly callId: string;
}

function toldTo(session: Session): Told[] {
  return session.received
    .filter(({ type }) => type === "conversation.item.create")
    .map(({ item }) => {
      const { type, role, content, call_id, output } = item as Record<string, unknown>;
      const parts = (content ?? []) as { text?: string }[];
      return {
        type: String(type),
        role: String(role ?? ""),
        text: output === undefined ? parts.map((part) => part.text ?? "").join(" ") : String(output),
        callId: String(call_id ?? ""),
      };
    });
}

export interface SecondLifeOptions {
  readonly phase: Phase;
  readonly random: () => number;
  /** What was told less before a loss may be forgotten; what is owed, such as a tool's result, for the second. */
  readonly forgetsMs: number;
  readonly forgetsOwedMs: number;
  /** The call is not hung up: it ends when this time is over. */
  readonly maxCallMs?: number;
}

export class SecondLife {
  readonly #gateway: Gateway;
  readonly #upstream: RealtimeServer;
  readonly #options: SecondLifeOptions;
  #made: PhoneCall | undefined;
  /** What the first session has told, with when it was seen here. */
  #before: Seen[] = [];
  #toolCallId = "";
  #lostAtMs = 0;
  /** In which phase the object was lost, as far as was seen. */
  lostIn = "";
  /** From when somebody should be heard to when he is. */
  silenceMs: number | undefined;
  /** Of a reply that the loss cut: words that the fresh agent was told less those that were heard. */
  wordsApart: number | undefined;

  constructor(gateway: Gateway, upstream: RealtimeServer, options: SecondLifeOptions) {
    this.#gateway = gateway;
    this.#upstream = upstream;
    this.#options = options;
  }

  get callId(): string {
    return this.#made?.callId ?? "";
  }

  get #call(): PhoneCall {
    if (!this.#made) throw new Error("no call");
    return this.#made;
  }

  /** What the call's events were, for who looks for a fault. */
  get history(): string {
    return this.#before
      .filter(({ event: { type } }) => !["line", "usage", "opened"].includes(type))
      .map(
        ({ event: { type, to, text, atMs, endMs } }) =>
          `${atMs}:${type}${to ?? ""}${endMs ?? ""}${text ? `(${text})` : ""}`,
      )
      .join(" ");
  }

  async run(seed: number): Promise<void> {
    const call = await this.#gateway.dial({ agent: "openai-realtime", seed, maxDocuments: 4 });
    this.#made = call;
    const first = this.#gateway.observe(call.callId);
    first.onEvent = (event) => this.#before.push({ event, atMs: call.clock() });
    await this.#bring(this.#options.phase);
    this.lostIn = this.#phaseNow();
    this.#lostAtMs = call.clock();
    if (this.#options.phase === "legLost") call.stream.drop();
    await this.#gateway.fault(call.callId, { type: "abort" });
    check(await call.until(() => call.streams.length > 1, 10_000), "no stream comes back");
    const again = this.#gateway.observe(call.callId);
    await this.#goOn(again);
    if (this.#options.maxCallMs !== undefined) return this.#outlive(again, this.#options.maxCallMs);
    // Whatever came between, it knows how the call began.
    await this.#ask(again, PROOF, "dog");
    call.hangUp();
    await call.ended;
    await this.#seen(again, ({ type }) => type === "ended", "the end");
    check(call.record().violations.length === 0, JSON.stringify(call.record().violations));
    this.#judgeTold(again);
    await this.#judgeRecord(again);
    again.close();
  }

  // Before the loss

  async #bring(phase: Phase): Promise<void> {
    const { random } = this.#options;
    const first = (type: string, holds: (event: GatewayEvent) => boolean = () => true) =>
      eventually(`${type} before the loss`, async () =>
        this.#before.find(({ event }) => event.type === type && holds(event)),
      );
    const enters = (state: string) => first("state", ({ to }) => to === state);
    if (phase === "connecting") return sleep(100 * random());
    if (phase === "greeting") {
      await first("replyStarted");
      return sleep(50 + 1_000 * random());
    }
    // The greeting and one answer.
    await first("replyDone");
    await this.#say(FIRST);
    await eventually("the first answer", async () =>
      this.#before.filter(({ event }) => event.type === "replyDone").length > 1 ? true : undefined,
    );
    // What is asked now is another turn.
    await sleep(300 + 400 * random());
    const spoken = this.#before.length;
    const entersAgain = (state: string) =>
      eventually(`${state} before the loss`, async () =>
        this.#before.slice(spoken).find(({ event }) => event.type === "state" && event["to"] === state),
      );
    switch (phase) {
      case "listening":
      case "legLost":
        return sleep(500 * random());
      case "callerSpeaks":
        void this.#say(SECOND);
        return sleep(400 + 600 * random());
      case "thinking":
        await this.#say(SECOND);
        await entersAgain("thinking");
        return sleep(this.#options.forgetsOwedMs + 250 * random());
      case "speaking":
        await this.#say(SECOND);
        await entersAgain("speaking");
        return sleep(100 + 2_000 * random());
      case "interrupted":
        await this.#say(SECOND);
        await entersAgain("speaking");
        await sleep(600 + 1_000 * random());
        void this.#call.say(voice(280, 2));
        await entersAgain("interrupted");
        return sleep(60 * random());
      case "toolOpen":
      case "toolAnswered": {
        await this.#say(TIME);
        const { event } = await first("toolCall");
        this.#toolCallId = text(event, "toolCallId");
        await sleep(this.#options.forgetsOwedMs + 800 * random());
        if (phase === "toolOpen") return;
        await this.#answerTool();
        return sleep(150 * random());
      }
      default:
        phase satisfies never;
    }
    await enters("ended");
  }

  #phaseNow(): string {
    const { phase } = this.#options;
    const events = this.#before.map(({ event }) => event);
    const state = text(events.findLast(({ type }) => type === "state") ?? { type: "", atMs: 0 }, "to");
    const heard = events.filter(({ type }) => type === "replyDone").length;
    if (state === "speaking" && heard === 0) return "greeting";
    if (phase === "toolOpen" || phase === "toolAnswered" || phase === "legLost") return phase;
    if (state === "listening" && phase === "callerSpeaks") {
      const edges = events.filter(({ type }) => type === "speechStarted" || type === "speechStopped");
      return edges.at(-1)?.type === "speechStarted" ? "callerSpeaks" : state;
    }
    return state === "" || state === "setup" ? "connecting" : state;
  }

  async #say(question: string): Promise<number> {
    return (await this.#call.say(await speech(question))).endMs;
  }

  async #answerTool(): Promise<void> {
    const body = JSON.stringify({ type: "toolResult", toolCallId: this.#toolCallId, output: NOW });
    await eventually("answer of a tool that is taken", async () => {
      const response = await this.#gateway.api(`/api/calls/${this.callId}/commands`, { method: "POST", body });
      const said = await response.text();
      check(response.status !== 404, `the tool's call is forgotten: ${said}`);
      return response.status === 200 ? true : undefined;
    });
  }

  // After it

  async #goOn(again: Observer): Promise<void> {
    const call = this.#call;
    const beganMs = call.streams[1]?.startedMs ?? 0;
    const firstSound = async (fromMs: number) => {
      const heardMs = await call.firstHeardAfter(fromMs, REPLY_MS);
      check(heardMs !== undefined, `nobody is heard after the loss, ${this.lostIn}`);
      this.silenceMs = heardMs - Math.max(this.#lostAtMs, fromMs === beganMs ? 0 : fromMs);
      await this.#quiet(again);
    };
    switch (this.lostIn) {
      case "connecting":
        await firstSound(beganMs);
        await this.#ask(again, FIRST, "terrace");
        return;
      case "greeting":
        await firstSound(beganMs);
        await this.#ask(again, FIRST, "terrace");
        return;
      case "thinking":
      case "speaking":
      case "interrupted":
      case "toolAnswered":
        await firstSound(beganMs);
        return;
      case "toolOpen": {
        const answered = call.clock();
        await this.#answerTool();
        await firstSound(Math.max(answered, beganMs + 1));
        return;
      }
      default: {
        // The caller says it again.
        const endMs = await this.#say(SECOND);
        await firstSound(endMs);
      }
    }
  }

  async #ask(again: Observer, question: string, answered: string): Promise<void> {
    const asked = again.events.length;
    await this.#say(question);
    await this.#seen(
      again,
      (event) =>
        event.type === "transcript" &&
        event["role"] === "agent" &&
        event["final"] === true &&
        text(event, "text").toLowerCase().includes(answered),
      `"${answered}" in the answer to "${question}"`,
      asked,
    );
    await this.#quiet(again);
  }

  /** Until all that the agent says was heard. */
  async #quiet(again: Observer): Promise<void> {
    await eventually("end of what the agent says", async () => {
      const state = again.events.findLast(({ type }) => type === "state");
      return state?.["to"] === "listening" ? true : undefined;
    });
    await this.#call.quiet(400, REPLY_MS);
  }

  #seen(observer: Observer, holds: (event: GatewayEvent) => boolean, what: string, from = 0): Promise<GatewayEvent> {
    return eventually(what, async () => observer.events.slice(from).find(holds), REPLY_MS).catch((error: unknown) => {
      const last = observer.events.slice(from).filter(({ type }) => type === "transcript" || type === "state");
      throw new Error(`${error instanceof Error ? error.message : error}: ${JSON.stringify(last)}`);
    });
  }

  /** A call has no more time for its object having been lost. */
  async #outlive(again: Observer, maxCallMs: number): Promise<void> {
    const call = this.#call;
    await call.until(() => call.over, maxCallMs);
    const ended = await this.#seen(again, ({ type }) => type === "ended", "the end");
    check(ended["reason"] === "maxDuration", `over by ${String(ended["reason"])}`);
    const tookMs = call.clock();
    check(tookMs >= maxCallMs && tookMs < maxCallMs + 5_000, `over after ${tookMs.toFixed(0)} ms`);
    await this.#judgeRecord(again);
    again.close();
  }

  // What must be true

  /** The upstream sessions of this call, by the items that its events name. */
  #sessions(again: Observer): Session[] {
    const items = new Set(
      [...this.#before.map(({ event }) => event), ...again.events].flatMap((event) =>
        event.type === "transcript" || event.type === "line" ? [text(event, "item")] : [],
      ),
    );
    items.delete("");
    return this.#upstream.sessions.filter((session) => session.items.some(({ id }) => items.has(id)));
  }

  #judgeTold(again: Observer): void {
    const sessions = this.#sessions(again);
    const fresh = sessions.at(-1);
    check(fresh !== undefined, "no session upstream");
    check(sessions.length === (this.lostIn === "connecting" ? sessions.length : 2), `${sessions.length} sessions`);
    for (const { errors } of sessions)
      check(
        errors.every((code) => code === "response_cancel_not_active"),
        `errors upstream: ${errors.join(" ")}`,
      );
    // Nobody is greeted twice, nor not at all.
    const wasGreeted = this.#before.some(
      ({ event: { type }, atMs }) => type === "replyStarted" && atMs < this.#lostAtMs - this.#options.forgetsMs,
    );
    const greets = fresh.received.filter((event) => JSON.stringify(event).includes(`nothing else: ${GREETING}`)).length;
    check(wasGreeted ? greets === 0 : greets <= 1, `greeted ${greets} times, ${wasGreeted ? "and before" : ""}`);
    check(
      wasGreeted || this.#before.some(({ event: { type } }) => type === "replyStarted") || greets === 1,
      "not greeted",
    );
    const told = toldTo(fresh);
    const knownBefore = (event: GatewayEvent) =>
      this.#before.some((seen) => seen.event === event && seen.atMs < this.#lostAtMs - this.#options.forgetsMs);
    for (const { event } of this.#before) {
      if (event.type !== "line" || !knownBefore(event)) continue;
      if (event["role"] === "tool") continue;
      const [role, words] =
        event["role"] === "caller" ? ["user", text(event, "said")] : ["assistant", text(event, "heard")];
      if (words === "") continue;
      const times = told.filter((one) => one.role === role && one.text === words).length;
      check(times === 1, `"${words}" was told ${times} times: ${JSON.stringify(told)}`);
    }
    // The caller's last words, where they had been understood.
    for (const { event, atMs } of this.#before) {
      if (event.type !== "transcript" || event["role"] !== "caller" || event["final"] !== true) continue;
      if (atMs >= this.#lostAtMs - this.#options.forgetsMs || event["text"] === "") continue;
      const times = told.filter((one) => one.role === "user" && one.text === text(event, "text")).length;
      check(times === 1, `the caller's "${text(event, "text")}" was told ${times} times`);
    }
    this.#judgeTool(told);
    this.#judgeCut(told);
  }

  #judgeTool(told: readonly Told[]): void {
    if (this.#toolCallId === "") return;
    const of = (type: string) => told.filter((one) => one.type === type && one.callId === this.#toolCallId);
    check(of("function_call").length === 1, `the tool's call was told ${of("function_call").length} times`);
    const outputs = of("function_call_output").map((one) => one.text);
    check(outputs.length === 1 && outputs[0] === NOW, `the tool's results: ${JSON.stringify(outputs)}`);
  }

  /** Of a reply that was being heard the fresh agent knows what was heard. */
  #judgeCut(told: readonly Told[]): void {
    if (this.lostIn !== "speaking" && this.lostIn !== "interrupted") return;
    const last = told.findLast(({ role }) => role === "assistant")?.text ?? "";
    const heard = CUT.startsWith(last) ? last : "";
    this.wordsApart = words(heard).length - this.#wordsHeard();
  }

  /** How many words of what was being said were played until the loss. */
  #wordsHeard(): number {
    const began = this.#before.findLast(({ event }) => event.type === "replyStarted")?.atMs ?? 0;
    const heardMs = (this.#call.streams[0]?.playout?.heard ?? [])
      .filter(({ atMs }) => atMs >= began - 60 && atMs < this.#lostAtMs + 50)
      .reduce((sum, { bytes }) => sum + bytes.length / 8, 0);
    return cutWordsMs.filter((endMs) => endMs <= heardMs).length;
  }

  async #judgeRecord(again: Observer): Promise<void> {
    const { events } = await this.#gateway.json<{ events: GatewayEvent[] }>(`/api/calls/${this.callId}/events`);
    const count = (type: string) => events.filter((event) => event.type === type).length;
    const ended = again.events.find(({ type }) => type === "ended");
    for (const [type, counter] of [
      ["turnEnded", "turns"],
      ["replyDone", "replies"],
      ["resumed", "resumes"],
    ] as const)
      check(ended?.[counter] === count(type), `${counter}: ${String(ended?.[counter])}, ${count(type)} were told`);
    const tools = again.events.filter(({ type }) => type === "toolCall").length;
    check(tools === (this.#toolCallId === "" ? 0 : 1), `${tools} tools were called`);
    const numbers = events.flatMap(({ type, line }) => (type === "line" ? [Number(line)] : []));
    check(new Set(numbers).size === numbers.length, `lines twice: ${numbers.join(" ")}`);
    const seqs = events.flatMap(({ seq }) => (seq === undefined ? [] : [Number(seq)]));
    check(new Set(seqs).size === seqs.length, "numbers of events twice");
  }
}
