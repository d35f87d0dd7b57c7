import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseWav, readWav8k, WavError, writeWav } from "../../../simulators/audio/wav.ts";

const PCM = 1;
const ALAW = 6;
const MULAW = 7;
const EXTENSIBLE = 0xfffe;

const folder = mkdtempSync(path.join(tmpdir(), "wav-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Layout {
  readonly format: number;
  readonly channels?: number;
  readonly rateHz?: number;
  readonly bits?: number;
  /** Chunks between the format and the data. */
  readonly extra?: readonly Buffer[];
  readonly dataLength?: number;
  readonly subformat?: number;
}

function chunk(id: string, body: Buffer, length = body.length): Buffer {
  const head = Buffer.alloc(8);
  head.write(id, 0, "latin1");
  head.writeUInt32LE(length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
}

function wav(data: Buffer, { format, channels = 1, rateHz = 8000, bits = 16, ...rest }: Layout): Uint8Array {
  const body = Buffer.alloc(rest.subformat === undefined ? 16 : 40);
  body.writeUInt16LE(format, 0);
  body.writeUInt16LE(channels, 2);
  body.writeUInt32LE(rateHz, 4);
  body.writeUInt32LE((rateHz * channels * bits) / 8, 8);
  body.writeUInt16LE((channels * bits) / 8, 12);
  body.writeUInt16LE(bits, 14);
  if (rest.subformat !== undefined) {
    body.writeUInt16LE(22, 16);
    body.writeUInt16LE(rest.subformat, 24);
  }
  const chunks = [chunk("fmt ", body), ...(rest.extra ?? []), chunk("data", data, rest.dataLength)];
  return chunk("RIFF", Buffer.concat([Buffer.from("WAVE"), ...chunks]));
}

function pcm(...samples: number[]): Buffer {
  const bytes = Buffer.alloc(2 * samples.length);
  samples.forEach((sample, k) => {
    bytes.writeInt16LE(sample, 2 * k);
  });
  return bytes;
}

describe("parseWav", () => {
  it.each([8000, 16000, 22050, 24000, 44100, 48000])("reads PCM16 at %i Hz", (rateHz) => {
    const read = parseWav(wav(pcm(1, -2, 32767, -32768), { format: PCM, rateHz }));
    expect(read).toEqual({ sampleRateHz: rateHz, samples: Int16Array.of(1, -2, 32767, -32768) });
  });

  it("averages two channels", () => {
    const read = parseWav(wav(pcm(100, 300, -100, -300), { format: PCM, channels: 2 }));
    expect([...read.samples]).toEqual([200, -200]);
  });

  it("reads mu-law", () => {
    const read = parseWav(wav(Buffer.of(0xff, 0xce, 0x4e), { format: MULAW, bits: 8 }));
    expect([...read.samples]).toEqual([0, 988, -988]);
  });

  it("reads A-law", () => {
    const read = parseWav(wav(Buffer.of(0xd5, 0xaa), { format: ALAW, bits: 8 }));
    expect([...read.samples]).toEqual([8, 32256]);
  });

  it("reads the extensible format", () => {
    const read = parseWav(wav(pcm(7, 8), { format: EXTENSIBLE, subformat: PCM }));
    expect([...read.samples]).toEqual([7, 8]);
  });

  it("skips chunks that it does not know, with their padding", () => {
    const extra = [chunk("LIST", Buffer.from("odd")), chunk("fact", Buffer.alloc(4))];
    expect([...parseWav(wav(pcm(5, 6), { format: PCM, extra })).samples]).toEqual([5, 6]);
  });

  it("reads to the end of a file whose length was never filled in", () => {
    const read = parseWav(wav(pcm(5, 6), { format: PCM, dataLength: 0xffffffff }));
    expect([...read.samples]).toEqual([5, 6]);
  });

  it("reads a view into a larger buffer", () => {
    const bytes = wav(pcm(5, 6), { format: PCM });
    const whole = Buffer.concat([Buffer.alloc(3), bytes]);
    expect([...parseWav(whole.subarray(3)).samples]).toEqual([5, 6]);
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["another kind of file", new TextEncoder().encode("OggS, and more of it")],
    ["8-bit PCM", wav(Buffer.of(1, 2), { format: PCM, bits: 8 })],
    ["24-bit PCM", wav(Buffer.alloc(6), { format: PCM, bits: 24 })],
    ["floats", wav(Buffer.alloc(8), { format: 3, bits: 32 })],
    ["no channels", wav(pcm(1), { format: PCM, channels: 0 })],
    ["no data", chunk("RIFF", Buffer.from("WAVE"))],
  ])("refuses %s", (_, bytes) => {
    expect(() => parseWav(bytes)).toThrow(WavError);
  });
});

describe("writeWav", () => {
  it("writes what is read back", () => {
    const file = path.join(folder, "written.wav");
    const samples = Int16Array.of(0, 1, -1, 32767, -32768);
    writeWav(file, samples, 8000);
    expect(parseWav(readFileSync(file))).toEqual({ sampleRateHz: 8000, samples });
    expect(readFileSync(file).readUInt32LE(4)).toBe(readFileSync(file).length - 8);
  });

  it("is read at 8 kHz whatever its rate", () => {
    const file = path.join(folder, "rate.wav");
    writeWav(file, new Int16Array(48000), 48000);
    expect(readWav8k(file)).toHaveLength(8000);
    writeFileSync(file, "no wav");
    expect(() => readWav8k(file)).toThrow(WavError);
  });
});
