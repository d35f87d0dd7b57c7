import * as v from "valibot";
import { integer, providerName, shape, text } from "./schemas.ts";

// What a cascade is made of, as a profile says it: docs/boundary.md, Services. A line in each of the lists below for
// each vendor; the core's rows are in wasm/protocol/services/registry.cc, and refuse the same.

const MAX_PROMPT_BYTES = 2048;
const MAX_REPLY_TOKENS = 100_000;
const MAX_TEXT_BYTES = 4096;
/** wasm/protocol/services/local_services.h. */
const MAX_SENTENCES_BYTES = 64 * 1024;

const utf8 = new TextEncoder();

/** A vendor's name that has no default: which models and voices there are changes. */
const named = (what: string) => v.pipe(providerName(what), v.minLength(1, `must be ${what}: there is no default`));
const model = named("the name of a model");
const voice = named("the name of a voice");

function number(min: number, max: number) {
  const message = `must be a number from ${min} to ${max}`;
  return v.pipe(v.number(message), v.minValue(min, message), v.maxValue(max, message));
}

const sentences = v.pipe(
  v.array(v.pipe(text(MAX_TEXT_BYTES), v.minLength(1, "must not be empty")), "must be a list of sentences"),
  v.minLength(1, "must have a sentence or more"),
  v.check(
    (all) => all.reduce((sum, each) => sum + utf8.encode(each).length, 0) <= MAX_SENTENCES_BYTES,
    `must have at most ${MAX_SENTENCES_BYTES} bytes, all sentences together`,
  ),
);

/** Words that are likely; wasm/protocol/services/deepgram_services.cc. */
const MAX_TERMS_BYTES = 2048;
const terms = v.pipe(
  v.array(v.pipe(text(MAX_TERMS_BYTES), v.minLength(1, "must not be empty")), "must be a list of terms"),
  v.minLength(1, "must have a term or more"),
  v.check(
    (all) => all.reduce((sum, each) => sum + utf8.encode(each).length, 0) <= MAX_TERMS_BYTES,
    `must have at most ${MAX_TERMS_BYTES} bytes, all terms together`,
  ),
);

/** Of a model that detects turns: how sure it must be that one is over, may be over; and silence that ends it anyway. */
const turns = {
  endOfTurn: v.optional(number(0.5, 1)),
  eager: v.optional(number(0.3, 0.9)),
  endOfTurnMs: v.optional(integer(500, 60_000)),
};

/** Of a service that is none of these. */
const notOneOf =
  (...names: readonly string[]) =>
  (issue: v.BaseIssue<unknown>) =>
    issue.path ? `must be one of ${names.join(", ")}` : "must be an object with a service";

/** What makes a text of what the caller says. */
export const stt = v.variant(
  "service",
  [
    shape({ service: v.literal("openai"), model, prompt: v.optional(text(MAX_PROMPT_BYTES)) }),
    shape({ service: v.literal("deepgram"), model, terms: v.optional(terms), ...turns }),
    shape({
      service: v.literal("workers-ai"),
      model,
      prompt: v.optional(text(MAX_PROMPT_BYTES)),
      terms: v.optional(terms),
      ...turns,
    }),
    shape({ service: v.literal("local"), sentences: v.optional(sentences) }),
  ],
  notOneOf("openai", "deepgram", "workers-ai", "local"),
);

/** What answers. */
export const llm = v.variant(
  "service",
  [
    shape({
      service: v.literal("openai"),
      model,
      temperature: v.optional(number(0, 2)),
      maxTokens: v.optional(integer(1, MAX_REPLY_TOKENS)),
    }),
    shape({
      service: v.literal("workers-ai"),
      model,
      temperature: v.optional(number(0, 2)),
      maxTokens: v.optional(integer(1, MAX_REPLY_TOKENS)),
    }),
    shape({ service: v.literal("house") }),
  ],
  notOneOf("openai", "workers-ai", "house"),
);

/** What speaks. */
export const tts = v.variant(
  "service",
  [
    shape({
      service: v.literal("openai"),
      model,
      voice,
      speed: v.optional(number(0.25, 4)),
      instructions: v.optional(text(MAX_TEXT_BYTES)),
    }),
    shape({ service: v.literal("deepgram"), model }),
    shape({ service: v.literal("workers-ai"), model, voice: v.optional(voice) }),
    shape({ service: v.literal("local"), speed: v.optional(number(0.5, 2)) }),
  ],
  notOneOf("openai", "deepgram", "workers-ai", "local"),
);

/** The part of a profile that is about services. */
export interface Services {
  readonly stt?: v.InferOutput<typeof stt> | undefined;
  readonly llm?: v.InferOutput<typeof llm> | undefined;
  readonly tts?: v.InferOutput<typeof tts> | undefined;
  readonly language?: string | undefined;
}

export const SERVICE_KINDS = ["stt", "llm", "tts"] as const;

/** Services that know English and nothing else. */
const ENGLISH_ALONE: readonly string[] = ["local", "house"];

export interface ServiceFault {
  /** From the profile on. */
  readonly keys: readonly string[];
  readonly message: string;
}

/** What is said about turns to a model that detects none. */
function turnKeyOfNobody(stt: Services["stt"]): string | undefined {
  if (stt?.service !== "deepgram" && stt?.service !== "workers-ai") return undefined;
  if (stt.model.includes("flux")) return undefined;
  return (Object.keys(turns) as (keyof typeof turns)[]).find((key) => stt[key] !== undefined);
}

/** What is wrong about services that are right each by itself; undefined if nothing is. */
export function serviceFault(services: Services): ServiceFault | undefined {
  const { stt, llm, language = "" } = services;
  const turnKey = turnKeyOfNobody(stt);
  if (turnKey !== undefined)
    return { keys: ["stt", turnKey], message: "is for a Flux alone: no other model detects turns" };
  if (stt?.service === "local" && stt.sentences === undefined && llm !== undefined && llm.service !== "house")
    return {
      keys: ["stt", "sentences"],
      message:
        'is missing: these ears know the words that they are told, and llm is not "house", which tells them its own',
    };
  if (/^(?:$|en(?:$|-))/i.test(language)) return undefined;
  const kind = SERVICE_KINDS.find((kind) => ENGLISH_ALONE.includes(services[kind]?.service ?? ""));
  return (
    kind && {
      keys: ["language"],
      message: `must be English: ${kind} is "${services[kind]?.service}", which knows no other`,
    }
  );
}

/** The service that a cascade would lack; undefined if it has all of them. */
export function missingService(services: Services): (typeof SERVICE_KINDS)[number] | undefined {
  return SERVICE_KINDS.find((kind) => services[kind] === undefined);
}
