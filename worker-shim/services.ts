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
    shape({ service: v.literal("local"), sentences: v.optional(sentences) }),
  ],
  notOneOf("openai", "local"),
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
    shape({ service: v.literal("house") }),
  ],
  notOneOf("openai", "house"),
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
    shape({ service: v.literal("local"), speed: v.optional(number(0.5, 2)) }),
  ],
  notOneOf("openai", "local"),
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

/** What is wrong about services that are right each by itself; undefined if nothing is. */
export function serviceFault(services: Services): ServiceFault | undefined {
  const { stt, llm, language = "" } = services;
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
