import { describe, expect, it } from "vitest";
import { agentFault, readSettings as readVariables, type SettingVariables } from "../../../worker-shim/settings.ts";

function profileOf(profile: object, variables: SettingVariables = {}) {
  return readVariables({ ENVIRONMENT: "development", PROFILE: profile, ...variables }).profile;
}

const STT = { service: "openai", model: "a-transcriber" };
const LLM = { service: "openai", model: "a-model" };
const TTS = { service: "openai", model: "a-voice-model", voice: "alloy" };
const FLUX = { service: "deepgram", model: "flux-general-en" };
const AURA = { service: "deepgram", model: "aura-2-thalia-en" };
const LOCAL = { service: "local" };
const HOUSE = { service: "house" };

describe("a profile's services", () => {
  it.each([
    { stt: STT, llm: LLM, tts: TTS },
    { stt: { ...STT, prompt: "Menu: ramen, udon." }, language: "pt-BR" },
    { llm: { ...LLM, temperature: 0.4, maxTokens: 300 } },
    { tts: { ...TTS, speed: 1.1, instructions: "Warm, and quick." } },
    { tts: { ...TTS, voice: "voice_12ab" } },
    { stt: LOCAL, llm: HOUSE, tts: LOCAL, language: "en-GB" },
    { stt: { ...LOCAL, sentences: ["When do you open?"] }, llm: LLM, tts: { ...LOCAL, speed: 1.2 } },
    { stt: STT, llm: HOUSE, tts: TTS, language: "" },
    { stt: { ...FLUX, eager: 0.4, endOfTurn: 0.8, endOfTurnMs: 3000, terms: ["ramen"] }, tts: { ...AURA } },
    { stt: { service: "deepgram", model: "nova-3", terms: ["ramen", "udon"] }, language: "de" },
    { stt: { service: "workers-ai", model: "@cf/deepgram/flux", eager: 0.5 } },
    { stt: { service: "workers-ai", model: "@cf/openai/whisper-large-v3-turbo", prompt: "Ramen." } },
    { llm: { service: "workers-ai", model: "@cf/meta/llama-3.3-70b", temperature: 0.5, maxTokens: 200 } },
    { tts: { service: "workers-ai", model: "@cf/deepgram/aura-1", voice: "asteria" } },
    { tts: { service: "workers-ai", model: "@cf/deepgram/aura-2-en" } },
    // Who leaves out what the local ears would have the words from leaves out what a cascade needs.
    { stt: LOCAL },
  ])("may be %j", (profile) => {
    expect(profileOf(profile)).toEqual(profile);
  });

  it.each<[object, string]>([
    [{ stt: { service: "openai" } }, "PROFILE.stt.model is missing"],
    [{ stt: { ...STT, model: "" } }, "PROFILE.stt.model must be the name of a model: there is no default"],
    [{ stt: { ...STT, model: "whisper 1" } }, "PROFILE.stt.model must be the name of a model of at most"],
    [{ stt: { ...STT, prompt: "a".repeat(2049) } }, "PROFILE.stt.prompt must be a text of at most 2048 bytes"],
    [{ stt: { ...STT, voice: "alloy" } }, "PROFILE.stt.voice is not known; there are service, model, prompt"],
    [{ stt: { service: "whisper" } }, "PROFILE.stt.service must be one of openai, deepgram, workers-ai, local"],
    [{ stt: {} }, "PROFILE.stt.service must be one of openai, deepgram, workers-ai, local"],
    [{ stt: "openai" }, "PROFILE.stt must be an object with a service"],
    [{ stt: { ...LOCAL, sentences: [] }, llm: LLM }, "PROFILE.stt.sentences must have a sentence or more"],
    [{ stt: { ...LOCAL, sentences: [""] }, llm: LLM }, "PROFILE.stt.sentences[0] must not be empty"],
    [{ stt: { ...LOCAL, sentences: "hello" }, llm: LLM }, "PROFILE.stt.sentences must be a list of sentences"],
    [
      { stt: { ...LOCAL, sentences: Array.from({ length: 17 }, () => "a".repeat(4096)) }, llm: LLM },
      "PROFILE.stt.sentences must have at most 65536 bytes",
    ],
    [{ stt: LOCAL, llm: LLM, tts: TTS }, "PROFILE.stt.sentences is missing: these ears know the words"],
    [{ stt: { service: "deepgram" } }, "PROFILE.stt.model is missing"],
    [{ stt: { ...FLUX, eager: 0.2 } }, "PROFILE.stt.eager must be a number from 0.3 to 0.9"],
    [{ stt: { ...FLUX, endOfTurn: 0.4 } }, "PROFILE.stt.endOfTurn must be a number from 0.5 to 1"],
    [{ stt: { ...FLUX, endOfTurnMs: 499 } }, "PROFILE.stt.endOfTurnMs must be an integer from 500 to 60000"],
    [{ stt: { ...FLUX, terms: [] } }, "PROFILE.stt.terms must have a term or more"],
    [
      { stt: { ...FLUX, terms: ["a".repeat(1500), "b".repeat(600)] } },
      "PROFILE.stt.terms must have at most 2048 bytes",
    ],
    [{ stt: { ...FLUX, model: "nova-3", eager: 0.5 } }, "PROFILE.stt.eager is for a Flux alone"],
    [{ stt: { service: "workers-ai", model: "@cf/openai/whisper", endOfTurn: 0.7 } }, "endOfTurn is for a Flux alone"],
    [{ tts: { ...AURA, voice: "asteria" } }, "PROFILE.tts.voice is not known"],
    [{ tts: { service: "workers-ai" } }, "PROFILE.tts.model is missing"],
    [{ llm: { service: "workers-ai" } }, "PROFILE.llm.model is missing"],
    [{ llm: { service: "openai" } }, "PROFILE.llm.model is missing"],
    [{ llm: { service: "local" } }, "PROFILE.llm.service must be one of openai, workers-ai, house"],
    [{ llm: { ...HOUSE, model: "x" } }, "PROFILE.llm.model is not known; there is only service"],
    [{ llm: { ...LLM, temperature: 2.1 } }, "PROFILE.llm.temperature must be a number from 0 to 2"],
    [{ llm: { ...LLM, temperature: "1" } }, "PROFILE.llm.temperature must be a number from 0 to 2"],
    [{ llm: { ...LLM, maxTokens: 0 } }, "PROFILE.llm.maxTokens must be an integer from 1 to 100000"],
    [{ tts: { service: "openai", voice: "alloy" } }, "PROFILE.tts.model is missing"],
    [{ tts: { service: "openai", model: "m" } }, "PROFILE.tts.voice is missing"],
    [{ tts: { ...TTS, voice: "" } }, "PROFILE.tts.voice must be the name of a voice: there is no default"],
    [{ tts: { ...TTS, speed: 5 } }, "PROFILE.tts.speed must be a number from 0.25 to 4"],
    [{ tts: { ...LOCAL, speed: 0.4 } }, "PROFILE.tts.speed must be a number from 0.5 to 2"],
    [{ tts: LOCAL, language: "de" }, 'PROFILE.language must be English: tts is "local", which knows no other'],
    [{ llm: HOUSE, language: "eng" }, 'PROFILE.language must be English: llm is "house", which knows no other'],
    [
      { stt: { ...LOCAL, sentences: ["hi"] }, language: "fr-CA" },
      'PROFILE.language must be English: stt is "local", which knows no other',
    ],
  ])("may not be %j", (profile, message) => {
    expect(() => profileOf(profile)).toThrow(message);
  });

  it("are all there where the cascade is the deployment's agent", () => {
    const cascade = { DEFAULT_AGENT: "cascade" };
    expect(() => profileOf({ stt: STT, llm: LLM, tts: TTS }, cascade)).not.toThrow();
    expect(() => profileOf({ stt: STT, tts: TTS }, cascade)).toThrow(
      "PROFILE.llm is missing: the agent cascade is made of stt, llm and tts",
    );
    expect(() => profileOf({}, cascade)).toThrow("PROFILE.stt is missing");
    expect(agentFault("house", {}, "PROFILE")).toBeUndefined();
    expect(agentFault("scribe", { stt: STT } as never, "PROFILE")).toBeUndefined();
    expect(agentFault("parrot", { agents: [{ agent: "parrot" }, { agent: "scribe" }] }, "PROFILE")).toBe(
      "PROFILE.agents[1].stt is missing: the agent scribe is made of stt",
    );
    expect(agentFault("scribe", {}, "PROFILE")).toBe("PROFILE.stt is missing: the agent scribe is made of stt");
  });
});
