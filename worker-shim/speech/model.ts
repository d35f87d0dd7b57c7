import type { Assets } from "../ports/resources.ts";
import { SpeechError } from "./errors.ts";
import type { Model } from "./recognizer.ts";

/** Where the static assets have them: scripts/build speech lays them there. */
const FOLDER = "/speech/en-us/";

interface ModelFile {
  readonly name: string;
  readonly sha256: string;
}

/** The acoustic model of pocketsphinx 5prealpha, by the numbers of tl_recognizer.h. */
export const MODEL_FILES: readonly ModelFile[] = [
  { name: "mdef", sha256: "2360f9a86889c1cfee8bd618a0269387911e5fb2920a594f506b18b8c79683b0" },
  { name: "means", sha256: "832019e32cac12eb318964f96f469034acb12d0348eeddc3831831a100cb4dd4" },
  { name: "variances", sha256: "b00d696f85e96834fc10f8e5f06428d8c4db6bffdbe5845b6f69bf6efbc48fa5" },
  { name: "transition_matrices", sha256: "c1f7f28ea43177be734be1f88bd7f1b9a853d0e660f8599c67c6eaeca8bb539a" },
  { name: "sendump", sha256: "8c9564c0d5bef69ca9d9bf1014abe162f071644cf02cf1fa8a483c3dc165a7a8" },
  { name: "feat.params", sha256: "9f8058c107ebbc42abef6d39c67c6aedbcf60ac371332e550994e12a0392cb02" },
  { name: "noisedict", sha256: "7295b07df2c204c4f87c6782b6be1a3859d7006d4e3864181c955d6dab105a33" },
];
export const DICTIONARY_FILE: ModelFile = {
  name: "dictionary.txt",
  sha256: "9de99dd2a24b63c653c1c30ab39388d05185cae36d0875f15c319b4ad6dc43af",
};

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function load(assets: Assets, file: ModelFile): Promise<Uint8Array> {
  const response = await assets.fetch(`https://assets.local${FOLDER}${file.name}`);
  if (!response.ok) {
    await response.body?.cancel();
    throw new SpeechError("model", `there is no ${file.name}`);
  }
  const bytes = await response.arrayBuffer();
  // The recogniser's library trusts what it reads.
  if (hex(await crypto.subtle.digest("SHA-256", bytes)) !== file.sha256)
    throw new SpeechError("model", `${file.name} is not the one that it must be`);
  return new Uint8Array(bytes);
}

/** The model, 10 MB, from the deployment's static assets. Throws a SpeechError of code `model`. */
export async function loadModel(assets: Assets | undefined): Promise<Model> {
  if (!assets) throw new SpeechError("model", "the deployment has no assets");
  const [dictionary, ...files] = await Promise.all([DICTIONARY_FILE, ...MODEL_FILES].map((file) => load(assets, file)));
  if (!dictionary) throw new SpeechError("model", "there is no dictionary");
  return { dictionary, files };
}
