import { type AudioFormat, encode, type Json, PCM } from "./audio-format.ts";
import type { Faults, Point } from "./faults.ts";
import { freshId, type Item } from "./items.ts";

const CHUNK_MS = 200;
/** Audio comes this much faster than it plays. */
const SPEED = 8;
/** Of the voice, and of the tone. */
const VOICE_HZ = 16_000;

/** A response that is being made. */
export interface ActiveResponse {
  readonly id: string;
  cancelled: string | undefined;
  /** Nothing more comes of it until it is cancelled. */
  stalled?: boolean;
}

/** What speaking needs of its session. */
export interface Stage {
  isOpen(): boolean;
  send(type: string, fields: Json): void;
  /** Performs the fault that waits at this point, if any; true when the session is no more to be served. */
  strike(point: Point): boolean;
  wait(ms: number): Promise<void>;
}

/** The mouth of a session: the items of its responses. */
export class Speaking {
  format: AudioFormat = PCM;
  /** A text as audio at 16 kHz. */
  readonly #voice: (text: string) => Promise<Int16Array>;
  /** The conversation's, to which it adds its own. */
  readonly #items: Item[];
  readonly #faults: Faults;
  readonly #stage: Stage;
  #hasSpoken = false;

  constructor(voice: (text: string) => Promise<Int16Array>, items: Item[], faults: Faults, stage: Stage) {
    this.#voice = voice;
    this.#items = items;
    this.#faults = faults;
    this.#stage = stage;
  }

  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /** What a reply sounds like that nobody has made words for, in base64. */
  tone(ms: number): string {
    const samples = Int16Array.from({ length: (ms * VOICE_HZ) / 1000 }, (_, i) =>
      Math.round(6_000 * Math.sin((2 * Math.PI * 440 * i) / VOICE_HZ)),
    );
    return encode(this.format, samples, VOICE_HZ).toString("base64");
  }

  /** Calls a tool; returns the item as the response has it. */
  call(response: ActiveResponse, thought: { name: string; arguments: string }, index: number): Json {
    const callId = freshId("call");
    const item: Item = { id: freshId("item"), type: "function_call", text: "", generatedMs: 0, callId };
    this.#items.push(item);
    const shown = (status: string, args: string) => ({
      id: item.id,
      object: "realtime.item",
      type: "function_call",
      status,
      name: thought.name,
      call_id: callId,
      arguments: args,
    });
    const where = { response_id: response.id, output_index: index };
    this.#stage.send("response.output_item.added", { ...where, item: shown("in_progress", "") });
    this.#stage.send("response.function_call_arguments.delta", {
      ...where,
      item_id: item.id,
      call_id: callId,
      delta: thought.arguments,
    });
    this.#stage.send("response.function_call_arguments.done", {
      ...where,
      item_id: item.id,
      call_id: callId,
      name: thought.name,
      arguments: thought.arguments,
    });
    this.#stage.send("response.output_item.done", { ...where, item: shown("completed", thought.arguments) });
    return shown("completed", thought.arguments);
  }

  /** Says a text until it is said, or the response is cancelled; returns the item as the response has it. */
  async say(response: ActiveResponse, text: string, index: number): Promise<Json> {
    const audio = encode(this.format, await this.#voice(text), VOICE_HZ);
    this.#hasSpoken = true;
    const item: Item = { id: freshId("item"), type: "message", role: "assistant", text, generatedMs: 0 };
    const previous = this.#items.at(-1)?.id ?? null;
    this.#items.push(item);
    const shown = (status: string, words: string) => ({
      id: item.id,
      object: "realtime.item",
      type: "message",
      role: "assistant",
      status,
      content: status === "in_progress" ? [] : [{ type: "output_audio", transcript: words }],
    });
    const where = { response_id: response.id, item_id: item.id, output_index: index, content_index: 0 };
    this.#stage.send("response.output_item.added", {
      response_id: response.id,
      output_index: index,
      item: shown("in_progress", ""),
    });
    this.#stage.send("conversation.item.added", { item: shown("in_progress", ""), previous_item_id: previous });
    this.#stage.send("response.content_part.added", { ...where, part: { type: "audio", transcript: "" } });
    const words = text.split(/(?<= )/);
    const chunk = CHUNK_MS * this.format.bytesPerMs;
    let late = this.#faults.lateDeltas ?? 0;
    let spoken = "";
    for (let at = 0; at < audio.length; at += chunk) {
      if (response.cancelled !== undefined && late-- <= 0) break;
      const part = audio.subarray(at, at + chunk);
      item.generatedMs += Math.floor(part.length / this.format.bytesPerMs);
      this.#stage.send("response.output_audio.delta", { ...where, delta: part.toString("base64") });
      const until = Math.ceil((words.length * (at + part.length)) / audio.length);
      const delta = words.slice(Math.ceil((words.length * at) / audio.length), until).join("");
      spoken += delta;
      if (delta !== "") this.#stage.send("response.output_audio_transcript.delta", { ...where, delta });
      if (at === 0 && this.#stage.strike("firstDelta")) break;
      if (at > audio.length / 2 && this.#stage.strike("midAudio")) break;
      await this.#stage.wait(CHUNK_MS / SPEED);
      if (!this.#stage.isOpen()) break;
    }
    const status = response.cancelled === undefined ? "completed" : "incomplete";
    this.#stage.send("response.output_audio.done", where);
    this.#stage.send("response.output_audio_transcript.done", { ...where, transcript: spoken });
    this.#stage.send("response.content_part.done", { ...where, part: { type: "audio", transcript: spoken } });
    this.#stage.send("response.output_item.done", {
      response_id: response.id,
      output_index: index,
      item: shown(status, spoken),
    });
    this.#stage.send("conversation.item.done", { item: shown(status, spoken), previous_item_id: previous });
    return shown(status, spoken);
  }
}
