import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Voice } from "./say.ts";

const run = promisify(execFile);

interface Phone {
  readonly name: string;
  readonly endMs: number;
}

async function phones(text: string, voice: Voice): Promise<Phone[]> {
  const { stdout } = await run("flite", ["-voice", voice, "-psdur", "-t", text, "-o", "none"]);
  return stdout
    .trim()
    .split(/\s+/)
    .map((phone) => {
      const [name = "", seconds] = phone.split(":");
      return { name, endMs: Number(seconds) * 1000 };
    });
}

const PAUSE = "pau";
const phonesOfWord = new Map<string, Promise<number>>();

function countPhones(word: string, voice: Voice): Promise<number> {
  const key = `${voice} ${word}`;
  const known =
    phonesOfWord.get(key) ?? phones(word, voice).then((said) => said.filter(({ name }) => name !== PAUSE).length);
  phonesOfWord.set(key, known);
  return known;
}

export interface WordTimes {
  /** When each word of the text, split at spaces, has been said, ms. */
  readonly endsMs: readonly number[];
  /** Where nothing is said, ascending; those at both ends are among them. */
  readonly pausesMs: readonly (readonly [number, number])[];
  readonly lengthMs: number;
}

/** When flite says what, as flite tells: a word has as many phones in a sentence as alone. */
export async function wordTimes(text: string, voice: Voice = "slt"): Promise<WordTimes> {
  const said = await phones(text, voice);
  const spoken = said.filter(({ name }) => name !== PAUSE);
  const endsMs: number[] = [];
  let count = 0;
  for (const word of text.split(" ")) {
    count += await countPhones(word, voice);
    endsMs.push(spoken[count - 1]?.endMs ?? Number.NaN);
  }
  if (count !== spoken.length) throw new Error(`flite says "${text}" otherwise than its words`);
  return {
    endsMs,
    pausesMs: said.flatMap(({ name, endMs }, i) => (name === PAUSE ? [[said[i - 1]?.endMs ?? 0, endMs] as const] : [])),
    lengthMs: said.at(-1)?.endMs ?? 0,
  };
}
