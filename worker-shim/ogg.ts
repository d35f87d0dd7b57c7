/** RFC 3533: what a page is, and RFC 7845: what Opus puts into it. */

const HEADER_BYTES = 27;
const FLAGS = 5;
const FLAG_BOS = 2;
const FLAG_EOS = 4;
const CRC = 22;
const CAPTURE = 0x4f676753;
const OPUS_HEAD_BYTES = 19;

/** Granule positions of Opus count samples at this rate. */
export const GRANULES_PER_MS = 48;

export interface OggPage {
  readonly offset: number;
  readonly length: number;
  readonly begins: boolean;
  readonly ends: boolean;
  /** Samples up to the end of the last packet that is complete; -1 when none is. */
  readonly granule: number;
  readonly serial: number;
  readonly sequence: number;
}

/** What was to be pages is none. */
export class OggError extends Error {
  readonly code = "ogg";
  override readonly name = "OggError";
}

/** Polynomial 0x04C11DB7, most significant bit first. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

/** A page's checksum; its own field must be 0. */
export function oggCrc(bytes: Uint8Array): number {
  let value = 0;
  for (const byte of bytes) value = ((value << 8) ^ (TABLE[(value >>> 24) ^ byte] ?? 0)) >>> 0;
  return value;
}

/** The pages of `bytes`, headers only. @throws {OggError} unless they are whole pages and nothing else. */
export function* oggPages(bytes: Uint8Array): Generator<OggPage> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  while (offset < bytes.length) {
    if (bytes.length - offset < HEADER_BYTES || view.getUint32(offset) !== CAPTURE) throw new OggError("no page");
    const segments = bytes[offset + 26] ?? 0;
    const body = offset + HEADER_BYTES + segments;
    if (body > bytes.length) throw new OggError("a page is cut short");
    let length = HEADER_BYTES + segments;
    for (let i = offset + HEADER_BYTES; i < body; i++) length += bytes[i] ?? 0;
    if (offset + length > bytes.length) throw new OggError("a page is cut short");
    const flags = bytes[offset + FLAGS] ?? 0;
    yield {
      offset,
      length,
      begins: (flags & FLAG_BOS) !== 0,
      ends: (flags & FLAG_EOS) !== 0,
      granule: Number(view.getBigInt64(offset + 6, true)),
      serial: view.getUint32(offset + 14, true),
      sequence: view.getUint32(offset + 18, true),
    };
    offset += length;
  }
}

/** Samples at the start that are not to be heard, from the OpusHead that `pages` begin with; undefined without one. */
export function preSkipOf(pages: Uint8Array): number | undefined {
  const head = HEADER_BYTES + (pages[26] ?? 0);
  if (pages.length < head + OPUS_HEAD_BYTES) return undefined;
  const name = new TextDecoder().decode(pages.subarray(head, head + 8));
  if (name !== "OpusHead") return undefined;
  return new DataView(pages.buffer, pages.byteOffset + head).getUint16(10, true);
}

/**
 * Marks the last of `pages` as the end of its stream, so that a recording that was cut is whole: a player is told that
 * nothing is missing. Returns undefined if it is marked already.
 *
 * @throws {OggError} unless they are whole pages.
 */
export function endStream(pages: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  let last: OggPage | undefined;
  for (const page of oggPages(pages)) last = page;
  if (!last || last.ends) return undefined;
  const ended = new Uint8Array(pages);
  const page = ended.subarray(last.offset, last.offset + last.length);
  page[FLAGS] = (page[FLAGS] ?? 0) | FLAG_EOS;
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  view.setUint32(CRC, 0, true);
  view.setUint32(CRC, oggCrc(page), true);
  return ended;
}
