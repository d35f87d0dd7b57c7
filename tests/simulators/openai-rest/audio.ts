import { spawn } from "node:child_process";
import { resample } from "../audio/resample.ts";
import { parseWav } from "../audio/wav.ts";
import type { Piece } from "./answer.ts";
import { RequestError } from "./chat.ts";

const MIN_FILE_MS = 100;
/** Of what the voice has. */
const VOICE_HZ = 16_000;
const PCM_HZ = 24_000;
/** 50 ms and a half sample: a piece begins in the middle of a sample as often as not. */
const PIECE_BYTES = 2_401;

const FILE_NAMES = /\.(flac|m4a|mp3|mp4|mpeg|mpga|oga|ogg|wav|webm)$/i;

/** 16 kHz, by a decoder that is not ours. */
async function decodeOgg(bytes: Uint8Array): Promise<Int16Array> {
  const options = ["-v", "error", "-i", "pipe:0", "-f", "s16le", "-ac", "1", "-ar", `${VOICE_HZ}`, "pipe:1"];
  const child = spawn("ffmpeg", options, { stdio: ["pipe", "pipe", "ignore"] });
  const parts: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => parts.push(part));
  child.stdin.on("error", () => undefined);
  child.stdin.end(bytes);
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new RequestError("Audio file might be corrupted or unsupported", null, "file");
  const pcm = Buffer.concat(parts);
  return new Int16Array(pcm.buffer.slice(pcm.byteOffset, pcm.byteOffset + (pcm.length & ~1)));
}

/** The audio of an upload: WAV, or Ogg Opus. @throws {RequestError} for what the API refuses */
export async function readUpload(file: File): Promise<{ readonly samples: Int16Array; readonly rateHz: number }> {
  if (!FILE_NAMES.test(file.name)) throw new RequestError("Unrecognized file format.", null, "file");
  const bytes = new Uint8Array(await file.arrayBuffer());
  let samples: Int16Array;
  let rateHz = VOICE_HZ;
  if (Buffer.from(bytes.subarray(0, 4)).toString("latin1") === "OggS") {
    samples = await decodeOgg(bytes);
  } else {
    try {
      const wav = parseWav(bytes);
      samples = wav.samples;
      rateHz = wav.sampleRateHz;
    } catch {
      throw new RequestError("Audio file might be corrupted or unsupported", null, "file");
    }
  }
  if ((samples.length * 1000) / rateHz < MIN_FILE_MS)
    throw new RequestError("Audio file is too short. Minimum audio length is 0.1 seconds.", "audio_too_short", "file");
  return { samples, rateHz };
}

/** A minute of nothing, so that who reads a header knows no length: as a server streams a WAV file. */
function wavHead(): Buffer {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(0xffffffff, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(PCM_HZ, 24);
  head.writeUInt32LE(PCM_HZ * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(0xffffffff, 40);
  return head;
}

/** What is said at 16 kHz, as it is sent: so much faster than it plays, in pieces that are no whole samples. */
export function speechOf(said: Int16Array, format: string, thinkMs: number, speed: number): Piece[] {
  const samples = resample(said, VOICE_HZ, PCM_HZ);
  const pcm = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  const body = format === "wav" ? Buffer.concat([wavHead(), pcm]) : pcm;
  const pieces: Piece[] = [];
  const pieceMs = PIECE_BYTES / ((PCM_HZ / 1000) * 2) / speed;
  for (let at = 0; at < body.length; at += PIECE_BYTES)
    pieces.push({ bytes: body.subarray(at, at + PIECE_BYTES), afterMs: at === 0 ? thinkMs : pieceMs });
  return pieces;
}
