import { globSync } from "node:fs";
import { encodeMulaw } from "../simulators/audio/mulaw.ts";
import { readWav8k } from "../simulators/audio/wav.ts";
import type { Speech } from "./caller.ts";

/** People who speak whole sentences; scripts/setup installs them. */
const VOICES = ["en_US_f_Allison", "es_MX_f_Allison", "fr_CA_f_June", "it_IT_f_Menardi", "it_IT_m_Carlo"];
const SOUNDS = "/usr/share/asterisk/sounds";
/** A person in a room, with the room's noise between the words. */
const ROOM = "/usr/share/pocketsphinx/test/data/cards/005.wav";

const FRAME_SAMPLES = 160;
const MIN_S = 2;
const MAX_S = 6;
const PER_VOICE = 24;
const NOISE_FRAMES = 20;
/** What a telephone's line has, and what the room is brought to. */
const NOISE_DBFS = -55;

function frames(samples: Int16Array): string[] {
  const count = Math.floor(samples.length / FRAME_SAMPLES);
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(encodeMulaw(samples.subarray(i * FRAME_SAMPLES, (i + 1) * FRAME_SAMPLES))).toString("base64"),
  );
}

function rms(samples: Int16Array): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

/** The quietest stretch of a recording, brought to NOISE_DBFS. */
function noiseOf(samples: Int16Array): Int16Array {
  const length = NOISE_FRAMES * FRAME_SAMPLES;
  let quietest = samples.subarray(0, length);
  for (let at = 0; at + length <= samples.length; at += FRAME_SAMPLES) {
    const stretch = samples.subarray(at, at + length);
    if (rms(stretch) < rms(quietest)) quietest = stretch;
  }
  const gain = (32768 * 10 ** (NOISE_DBFS / 20)) / rms(quietest);
  return quietest.map((sample) => Math.round(sample * gain));
}

/** Sentences of 2 to 6 s by five people in four languages, the same ones each time. @throws when there are none */
export function recordedSpeech(): Speech {
  const utterances = VOICES.flatMap((voice) => {
    const found: string[][] = [];
    for (const file of globSync(`${SOUNDS}/${voice}/*.wav`).sort()) {
      if (found.length === PER_VOICE) break;
      const samples = readWav8k(file);
      const seconds = samples.length / 8000;
      if (seconds >= MIN_S && seconds <= MAX_S) found.push(frames(samples));
    }
    return found;
  });
  if (utterances.length === 0) throw new Error(`no recordings in ${SOUNDS}: scripts/setup installs them`);
  // One voice after the other.
  const mixed = utterances.map((_, i) => {
    const voices = Math.floor(utterances.length / PER_VOICE);
    return utterances[(i % voices) * PER_VOICE + Math.floor(i / voices)] ?? [];
  });
  return { utterances: mixed, noise: frames(noiseOf(readWav8k(ROOM))) };
}
