import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Assets } from "../../../../worker-shim/ports/resources.ts";
import { DICTIONARY_FILE, loadModel, MODEL_FILES } from "../../../../worker-shim/speech/model.ts";

const cache =
  process.env.TRUNKLINE_CACHE ?? path.join(process.env.XDG_CACHE_HOME ?? `${process.env.HOME}/.cache`, "trunkline");
const FOLDER = path.join(cache, "third_party/pocketsphinx-5prealpha/model/en-us");

/** The pinned archive's file for a name of the assets. */
function read(name: string): Buffer | undefined {
  const file = path.join(FOLDER, name === "dictionary.txt" ? "cmudict-en-us.dict" : `en-us/${name}`);
  return existsSync(file) ? readFileSync(file) : undefined;
}

let change: (name: string, bytes: Buffer | undefined) => Buffer | undefined;
let cancelled: number;

const assets: Assets = {
  fetch: async (url) => {
    const { pathname } = new URL(url);
    const name = /^\/speech\/en-us\/([a-z._]+)$/.exec(pathname)?.[1] ?? "";
    const bytes = change(name, read(name));
    const response = new Response(bytes && new Uint8Array(bytes), { status: bytes ? 200 : 404 });
    const cancel = async () => {
      cancelled++;
    };
    return { ok: response.ok, body: { cancel }, arrayBuffer: () => response.arrayBuffer() };
  },
};

beforeEach(() => {
  change = (_, bytes) => bytes;
  cancelled = 0;
});

describe("the model", () => {
  it("is that of the pinned archive", async () => {
    const { files, dictionary } = await loadModel(assets);
    expect(files.map(({ length }) => length)).toEqual([2959176, 838732, 838732, 2080, 1969024, 230, 56]);
    expect(dictionary.length).toBe(3272051);
  });

  it.each([...MODEL_FILES, DICTIONARY_FILE].map(({ name }) => name))("is none with another %s", async (name) => {
    change = (file, bytes) => {
      if (file !== name || !bytes) return bytes;
      const other = Buffer.from(bytes);
      other[other.length >> 1] = (other[other.length >> 1] ?? 0) ^ 1;
      return other;
    };
    await expect(loadModel(assets)).rejects.toMatchObject({ code: "model", message: expect.stringContaining(name) });
  });

  it.each(["mdef", "noisedict", "dictionary.txt"])("is none without %s", async (name) => {
    change = (file, bytes) => (file === name ? undefined : bytes);
    await expect(loadModel(assets)).rejects.toMatchObject({ code: "model", message: `there is no ${name}` });
    expect(cancelled).toBe(1);
  });

  it("is none where there are no assets", async () => {
    await expect(loadModel(undefined)).rejects.toMatchObject({ code: "model" });
  });
});
