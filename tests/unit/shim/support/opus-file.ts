import { oggCrc } from "../../../../worker-shim/ogg.ts";

const EOS = 4;

/** One page with one packet. */
export function page(flags: number, granule: number, sequence: number, packet: Uint8Array, serial = 7): Uint8Array {
  const lacing = [...Array(Math.floor(packet.length / 255)).fill(255), packet.length % 255];
  const bytes = new Uint8Array(27 + lacing.length + packet.length);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("OggS"));
  bytes[5] = flags;
  view.setBigInt64(6, BigInt(granule), true);
  view.setUint32(14, serial, true);
  view.setUint32(18, sequence, true);
  bytes[26] = lacing.length;
  bytes.set(lacing, 27);
  bytes.set(packet, 27 + lacing.length);
  view.setUint32(22, oggCrc(bytes), true);
  return bytes;
}

function joined(...pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(pieces));
}

const PRE_SKIP = 312;
/** 20 ms of silence, stereo. */
const PACKET = Uint8Array.of(0xfc, 0xff, 0xfe);

export interface Batch {
  readonly granule: number;
  readonly pages: Uint8Array<ArrayBuffer>;
}

/** A recording as the core makes it: a batch with the headers, then one for each second; the last has EOS if whole. */
export function opusBatches(seconds: number, whole: boolean, serial = 7): Batch[] {
  const head = new Uint8Array(19);
  head.set(new TextEncoder().encode("OpusHead"));
  head.set([1, 2, PRE_SKIP & 255, PRE_SKIP >> 8, 0x40, 0x1f], 8);
  const tags = new Uint8Array(24);
  tags.set(new TextEncoder().encode("OpusTags"));
  tags.set([8], 8);
  tags.set(new TextEncoder().encode("recorder"), 12);
  const batches: Batch[] = [];
  for (let second = 1; second <= seconds; second++) {
    const granule = second * 48_000;
    const packets = Array.from({ length: 50 }, () => PACKET);
    const flags = whole && second === seconds ? EOS : 0;
    const audio = pageOf(flags, granule, second + 1, packets, serial);
    const headers = joined(page(2, 0, 0, head, serial), page(0, 0, 1, tags, serial));
    batches.push({ granule, pages: second === 1 ? joined(headers, audio) : audio });
  }
  return batches;
}

function pageOf(flags: number, granule: number, sequence: number, packets: Uint8Array[], serial: number) {
  const bytes = new Uint8Array(27 + packets.length + packets.reduce((sum, { length }) => sum + length, 0));
  bytes.set(page(flags, granule, sequence, new Uint8Array(0), serial).subarray(0, 27));
  const view = new DataView(bytes.buffer);
  view.setUint32(22, 0, true);
  bytes[26] = packets.length;
  bytes.set(
    packets.map(({ length }) => length),
    27,
  );
  let offset = 27 + packets.length;
  for (const packet of packets) {
    bytes.set(packet, offset);
    offset += packet.length;
  }
  view.setUint32(22, oggCrc(bytes), true);
  return bytes;
}
