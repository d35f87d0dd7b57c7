import { describe, expect, it } from "vitest";
import { BucketError, PART_BYTES, R2Bucket, type R2Like } from "../../../worker-shim/ports/bucket.ts";
import type { ByteSource } from "../../../worker-shim/records/bytes.ts";

const OPTIONS = { contentType: "audio/ogg", metadata: { callId: "c1" } };
const never = new AbortController().signal;

/** R2's rules for parts: all alike, none below 5 MiB but the last. */
class FakeR2 implements R2Like {
  readonly objects = new Map<string, { readonly bytes: Uint8Array; readonly options: unknown }>();
  readonly calls: string[] = [];
  failPart = 0;
  shrink = 0;

  async put(key: string, value: ReadableStream<Uint8Array>, options: object) {
    this.calls.push("put");
    return this.#store(key, await collect(value), options);
  }

  async createMultipartUpload(key: string, options: object) {
    this.calls.push("create");
    const parts = new Map<string, Uint8Array>();
    return {
      uploadPart: async (partNumber: number, value: ReadableStream<Uint8Array>) => {
        this.calls.push(`part ${partNumber}`);
        if (partNumber === this.failPart) throw new Error("no");
        parts.set(`etag-${partNumber}`, await collect(value));
        return { partNumber, etag: `etag-${partNumber}` };
      },
      complete: async (list: { etag: string; partNumber: number }[]) => {
        this.calls.push("complete");
        const pieces = list.map(({ etag }) => parts.get(etag) ?? new Uint8Array());
        expect(list.map(({ partNumber }) => partNumber)).toEqual(pieces.map((_, index) => index + 1));
        for (const piece of pieces.slice(0, -1)) expect(piece.length).toBe(PART_BYTES);
        return this.#store(key, new Uint8Array(Buffer.concat(pieces)), options);
      },
      abort: async () => {
        this.calls.push("abort");
      },
    };
  }

  async delete(keys: string[]) {
    for (const key of keys) this.objects.delete(key);
  }

  #store(key: string, bytes: Uint8Array, options: unknown) {
    this.objects.set(key, { bytes, options });
    return { size: bytes.length - this.shrink };
  }
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Pieces of odd sizes whose bytes tell where they belong. */
function source(length: number): ByteSource & { largest: number } {
  return {
    length,
    largest: 0,
    *read() {
      for (let at = 0, i = 0; at < length; i++) {
        const size = Math.min(length - at, 1 + ((i * 7_919) % 64_000));
        yield Uint8Array.from({ length: size }, (_, k) => ((at + k) * 31) >> 4);
        at += size;
      }
    },
  };
}

function bucketOn(r2: R2Like): R2Bucket {
  return new R2Bucket(r2, () => new TransformStream<Uint8Array, Uint8Array>());
}

async function stored(length: number) {
  const r2 = new FakeR2();
  await bucketOn(r2).put("k", source(length), OPTIONS, never);
  return { r2, bytes: r2.objects.get("k")?.bytes };
}

describe("a bucket", () => {
  it.each([1, 4_000, PART_BYTES])("takes %i bytes in one piece", async (length) => {
    const { r2, bytes } = await stored(length);
    expect(r2.calls).toEqual(["put"]);
    expect(Buffer.compare(bytes ?? new Uint8Array(), Buffer.concat([...source(length).read()]))).toBe(0);
    expect(r2.objects.get("k")?.options).toEqual({
      httpMetadata: { contentType: "audio/ogg" },
      customMetadata: { callId: "c1" },
    });
  });

  it.each([PART_BYTES + 1, 2 * PART_BYTES, 2 * PART_BYTES + 12_345])(
    "takes %i bytes in equal parts",
    async (length) => {
      const { r2, bytes } = await stored(length);
      expect(r2.calls.filter((call) => call.startsWith("part"))).toHaveLength(Math.ceil(length / PART_BYTES));
      expect(Buffer.compare(bytes ?? new Uint8Array(), Buffer.concat([...source(length).read()]))).toBe(0);
    },
  );

  it("gives an upload up when a part fails", async () => {
    const r2 = new FakeR2();
    r2.failPart = 2;
    await expect(bucketOn(r2).put("k", source(3 * PART_BYTES), OPTIONS, never)).rejects.toThrow("no");
    expect(r2.calls).toEqual(["create", "part 1", "part 2", "abort"]);
    expect(r2.objects.size).toBe(0);
  });

  it("does not believe an answer that is wrong", async () => {
    const r2 = new FakeR2();
    r2.shrink = 1;
    await expect(bucketOn(r2).put("k", source(10), OPTIONS, never)).rejects.toThrow(BucketError);
    const nothing = { ...r2, put: async () => null } as unknown as R2Like;
    await expect(bucketOn(nothing).put("k", source(10), OPTIONS, never)).rejects.toThrow(BucketError);
  });

  it("stores nothing when it is told to give up, or the source ends early", async () => {
    const r2 = new FakeR2();
    await expect(bucketOn(r2).put("k", source(10), OPTIONS, AbortSignal.abort())).rejects.toThrow();
    const short = { length: 20, read: () => source(10).read() };
    await expect(bucketOn(r2).put("k", short, OPTIONS, never)).rejects.toThrow();
    expect(r2.objects.size).toBe(0);
  });
});
