/**
 * How the parts of a flight record lie in storage: each part compressed by itself, and sealed where there is a key.
 *
 * A file is a sequence of parts, `u32 length | u8 how | body`, where `how` is 0 for gzip and 1 for gzip within AES-256-GCM
 * (12 bytes of nonce, then ciphertext with tag; the part's index is authenticated with it). docs/replay.md.
 */

const HEADER_BYTES = 5;
const GZIP = 0;
const SEALED = 1;
const NONCE_BYTES = 12;

export class FlightFileError extends Error {
  readonly code = "flight_file";
  override readonly name = "FlightFileError";
}

async function pump(bytes: Uint8Array<ArrayBuffer>, through: GenericTransform): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Response(bytes).body?.pipeThrough(through as ReadableWritablePair<Uint8Array, Uint8Array>);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

interface GenericTransform {
  readonly readable: unknown;
  readonly writable: unknown;
}

/** @throws {FlightFileError} unless `hex` is 64 hex digits */
function importKey(hex: string): Promise<CryptoKey> {
  if (!/^[0-9A-Fa-f]{64}$/.test(hex)) throw new FlightFileError("the key must be 64 hex digits");
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function aad(index: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, index, true);
  return bytes;
}

/** Part number `index` of a file. `keyHex` seals it. */
export async function packPart(
  index: number,
  bytes: Uint8Array<ArrayBuffer>,
  keyHex: string | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  let body = await pump(bytes, new CompressionStream("gzip"));
  if (keyHex !== undefined) {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const algorithm = { name: "AES-GCM", iv: nonce, additionalData: aad(index) };
    const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, await importKey(keyHex), body));
    body = new Uint8Array(NONCE_BYTES + sealed.length);
    body.set(nonce);
    body.set(sealed, NONCE_BYTES);
  }
  const part = new Uint8Array(HEADER_BYTES + body.length);
  const view = new DataView(part.buffer);
  view.setUint32(0, body.length, true);
  view.setUint8(4, keyHex === undefined ? GZIP : SEALED);
  part.set(body, HEADER_BYTES);
  return part;
}

/**
 * The plain record of a file.
 *
 * @throws {FlightFileError} if the file is none, is sealed and there is no key, or the key is another
 */
export async function openFlight(file: Uint8Array, keyHex: string | undefined): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let offset = 0; offset < file.length; ) {
    if (file.length - offset < HEADER_BYTES) throw new FlightFileError("the file is cut short");
    const length = view.getUint32(offset, true);
    const how = view.getUint8(offset + 4);
    offset += HEADER_BYTES;
    if (length > file.length - offset) throw new FlightFileError("the file is cut short");
    parts.push(await openPart(parts.length, how, file.slice(offset, offset + length), keyHex));
    offset += length;
  }
  if (parts.length === 0) throw new FlightFileError("the file is empty");
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function openPart(
  index: number,
  how: number,
  body: Uint8Array<ArrayBuffer>,
  keyHex: string | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  let gzip = body;
  if (how === SEALED) {
    if (keyHex === undefined) throw new FlightFileError("the file is sealed, and there is no key");
    const algorithm = { name: "AES-GCM", iv: body.subarray(0, NONCE_BYTES), additionalData: aad(index) };
    const key = await importKey(keyHex);
    const opened = await crypto.subtle.decrypt(algorithm, key, body.subarray(NONCE_BYTES)).catch(() => undefined);
    if (opened === undefined) throw new FlightFileError("the key is another one, or the file is damaged");
    gzip = new Uint8Array(opened);
  } else if (how !== GZIP) {
    throw new FlightFileError("not a flight record");
  }
  try {
    return await pump(gzip, new DecompressionStream("gzip"));
  } catch (error) {
    throw new FlightFileError("a part is damaged", { cause: error });
  }
}
