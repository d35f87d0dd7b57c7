import type { ByteSource } from "../records/bytes.ts";

/** R2 takes parts of this size, all alike but the last; what is no longer goes in one piece. */
export const PART_BYTES = 5 * 1024 * 1024;

export interface ObjectOptions {
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Where recordings and flight records lie. */
export interface Bucket {
  /** Replaces what was there. Memory: a piece of `source`, whatever its length. `signal` gives up: nothing is stored. */
  put(key: string, source: ByteSource, options: ObjectOptions, signal: AbortSignal): Promise<void>;
  /** Keys that are not there are no error. */
  delete(keys: readonly string[]): Promise<void>;
}

/** The bucket's answer is not what it should be. */
export class BucketError extends Error {
  readonly code = "bucket";
  override readonly name = "BucketError";
}

interface StreamOfLength {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** The part of R2 that is used here. */
export interface R2Like {
  put(key: string, value: ReadableStream<Uint8Array>, options: object): Promise<{ readonly size: number } | null>;
  createMultipartUpload(key: string, options: object): Promise<R2UploadLike>;
  delete(keys: string[]): Promise<void>;
}

export interface R2UploadLike {
  uploadPart(
    number: number,
    value: ReadableStream<Uint8Array>,
  ): Promise<{ readonly etag: string; readonly partNumber: number }>;
  complete(parts: { etag: string; partNumber: number }[]): Promise<{ readonly size: number }>;
  abort(): Promise<void>;
}

export class R2Bucket implements Bucket {
  readonly #bucket: R2Like;
  readonly #streamOfLength: (length: number) => StreamOfLength;

  /** R2 wants to know the length of a stream: `streamOfLength` is the platform's FixedLengthStream. */
  constructor(bucket: R2Like, streamOfLength: (length: number) => StreamOfLength) {
    this.#bucket = bucket;
    this.#streamOfLength = streamOfLength;
  }

  async put(
    key: string,
    source: ByteSource,
    { contentType, metadata }: ObjectOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const options = { httpMetadata: { contentType }, customMetadata: metadata };
    const pieces = new Pieces(source, signal);
    const stored =
      source.length <= PART_BYTES
        ? await this.#send(pieces, source.length, (stream) => this.#bucket.put(key, stream, options))
        : await this.#putParts(await this.#bucket.createMultipartUpload(key, options), pieces, source.length);
    if (stored?.size !== source.length) throw new BucketError("the bucket does not have what it was given");
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#bucket.delete([...keys]);
  }

  async #putParts(upload: R2UploadLike, pieces: Pieces, length: number): Promise<{ readonly size: number }> {
    try {
      const parts: { etag: string; partNumber: number }[] = [];
      for (let sent = 0; sent < length; sent += PART_BYTES) {
        const bytes = Math.min(PART_BYTES, length - sent);
        parts.push(await this.#send(pieces, bytes, (stream) => upload.uploadPart(parts.length + 1, stream)));
      }
      return await upload.complete(parts);
    } catch (error) {
      // What stays behind is forgotten by the bucket itself, after a week.
      await upload.abort().catch(() => undefined);
      throw error;
    }
  }

  async #send<T>(pieces: Pieces, length: number, take: (stream: ReadableStream<Uint8Array>) => Promise<T>): Promise<T> {
    const { readable, writable } = this.#streamOfLength(length);
    const taken = take(readable);
    const writer = writable.getWriter();
    const write = async () => {
      try {
        for (const piece of pieces.take(length)) {
          await writer.ready;
          await writer.write(piece);
        }
        await writer.close();
      } catch (error) {
        // A stream that is cut stores nothing.
        await writer.abort(error).catch(() => undefined);
        throw error;
      }
    };
    // A bucket that fails leaves the writer waiting for a reader.
    const [answer] = await Promise.all([taken, Promise.race([write(), taken])]);
    return answer;
  }
}

/** Cuts a source into runs of a given length, once through. */
class Pieces {
  readonly #iterator: Iterator<Uint8Array>;
  readonly #signal: AbortSignal;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(source: ByteSource, signal: AbortSignal) {
    this.#iterator = source.read()[Symbol.iterator]();
    this.#signal = signal;
  }

  *take(length: number): Generator<Uint8Array> {
    let missing = length;
    while (missing > 0) {
      this.#signal.throwIfAborted();
      if (this.#rest.length === 0) {
        const next = this.#iterator.next();
        if (next.done) throw new BucketError("the source is shorter than it said");
        this.#rest = next.value;
      }
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
      yield piece;
    }
  }
}
