import { SpeechError } from "./errors.ts";
import type { Language, Recognizer } from "./recognizer.ts";

/** Callers who are listened to at a time. Each takes 11 to 15 MB of the 128 that an isolate has. */
export const MAX_LISTENERS = 4;
/** Recognisers that are kept for the next caller: making one takes a tenth of a second. */
export const MAX_IDLE = 1;

/** A recogniser that expects a language, for one caller. */
export interface Ear {
  readonly recognizer: Recognizer;
  /** Words of the language that it cannot hear. */
  readonly unknown: readonly string[];
  /** `language` says which it is: the next caller may expect the same. */
  readonly language: string;
}

/** Recognisers of one isolate: made when they are needed, kept when they are not, up to a bound. */
export class Ears {
  readonly #make: () => Promise<Recognizer>;
  readonly #idle: Ear[] = [];
  #listeners = 0;

  constructor(make: () => Promise<Recognizer>) {
    this.#make = make;
  }

  get listeners(): number {
    return this.#listeners;
  }

  /** Throws a SpeechError: `busy` where all are taken. */
  async take(language: Language): Promise<Ear> {
    if (this.#listeners >= MAX_LISTENERS) throw new SpeechError("busy", `${this.#listeners} are listened to`);
    this.#listeners++;
    try {
      const wanted = JSON.stringify([language.kind, language.sentences]);
      const same = this.#idle.findIndex((ear) => ear.language === wanted);
      const [idle] = same >= 0 ? this.#idle.splice(same, 1) : this.#idle.splice(0, 1);
      if (idle?.language === wanted) return idle;
      const recognizer = idle?.recognizer ?? (await this.#make());
      return { recognizer, unknown: recognizer.expect(language), language: wanted };
    } catch (error) {
      this.#listeners--;
      throw error;
    }
  }

  /** `broken`: it trapped, and is thrown away. */
  giveBack(ear: Ear, state: "usable" | "broken"): void {
    this.#listeners--;
    if (state === "usable" && this.#idle.length < MAX_IDLE) this.#idle.push(ear);
  }
}
