import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { resample } from "../audio/resample.ts";
import type { Faults } from "./faults.ts";

/** Of the voice. */
const VOICE_HZ = 16_000;
/** Audio comes this much faster than it plays, in chunks of so many bytes: samples are cut. */
const SPEED = 8;
const CHUNK_BYTES = 4001;
const MAX_CHARACTERS = 2000;

export type Say = (text: string) => Promise<Int16Array>;

/** A text that was to be spoken, and what became of it. */
export interface Spoken {
  readonly text: string;
  readonly rateHz: number;
  sentBytes: number;
  outcome: "speaking" | "whole" | "aborted" | "fault";
}

export interface SpeechRequest {
  readonly text: unknown;
  readonly encoding: unknown;
  readonly container: unknown;
  readonly rateHz: number;
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Answers with the audio of a text, or with why not. `refuse` writes an error as the API at hand does. */
export async function speak(
  asked: SpeechRequest,
  response: ServerResponse,
  say: Say,
  faults: Faults,
  refuse: (status: number, code: string, message: string) => void,
): Promise<Spoken | undefined> {
  const { text, encoding, container, rateHz } = asked;
  if (typeof text !== "string" || text === "") {
    refuse(400, "PARAMETER_ERROR", "text is missing");
    return undefined;
  }
  if (text.length > MAX_CHARACTERS) {
    refuse(413, "PAYLOAD_TOO_LARGE", "text is too long");
    return undefined;
  }
  if (encoding !== "linear16" || container !== "none" || faults.speech === "mp3") {
    // What is not asked for is MP3.
    response.writeHead(200, { "Content-Type": "audio/mpeg" }).end(Buffer.from([0xff, 0xfb, 0x90, 0x00]));
    return undefined;
  }
  const spoken: Spoken = { text, rateHz, sentBytes: 0, outcome: "speaking" };
  void run(spoken, response, say, faults);
  return spoken;
}

async function run(spoken: Spoken, response: ServerResponse, say: Say, faults: Faults): Promise<void> {
  response.on("error", () => undefined);
  response.on("close", () => {
    if (spoken.outcome === "speaking") spoken.outcome = "aborted";
  });
  const samples = resample(await say(spoken.text), VOICE_HZ, spoken.rateHz);
  const audio = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  response.writeHead(200, { "Content-Type": `audio/l16;rate=${spoken.rateHz};channels=1` });
  if (faults.speech === "errorBody") {
    spoken.outcome = "fault";
    response.end(JSON.stringify({ err_code: "INTERNAL", err_msg: "oh" }));
    return;
  }
  for (let at = 0; at < audio.length && spoken.outcome === "speaking"; at += CHUNK_BYTES) {
    if (at > audio.length / 2 && faults.speech !== undefined) {
      spoken.outcome = "fault";
      if (faults.speech === "truncated") response.destroy();
      return;
    }
    const chunk = audio.subarray(at, at + CHUNK_BYTES);
    const ready = response.write(chunk);
    spoken.sentBytes += chunk.length;
    // Nobody reads: more is not made.
    if (!ready) {
      await new Promise((resolve) => {
        response.once("drain", resolve);
        response.once("close", resolve);
      });
    }
    await sleep(chunk.length / ((spoken.rateHz / 1000) * 2) / SPEED);
  }
  if (spoken.outcome !== "speaking") return;
  spoken.outcome = "whole";
  response.end();
}
