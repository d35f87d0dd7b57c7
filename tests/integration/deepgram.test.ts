// A cascade whose ears decide when a turn is over: Flux and Aura, at Deepgram or at Workers AI, in workerd.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DeepgramServer, realSpeech } from "../simulators/deepgram/server.ts";
import type { Observer } from "../simulators/observer.ts";
import { QUESTIONS, type Question } from "../simulators/openai-realtime/domain.ts";
import { RestServer } from "../simulators/openai-rest/server.ts";
import { say } from "../simulators/speech/say.ts";
import type { PhoneCall } from "../simulators/twilio/phone-call.ts";
import { WorkersAiServer } from "../simulators/workers-ai/server.ts";
import { measured } from "../support/measured.ts";
import { Gateway, waitForEvent } from "./support/gateway.ts";
import { type Asked, ask } from "./support/question.ts";

const LIMITS = JSON.stringify({ replyMs: 6000, agentReadyMs: 6000 });
const AT_DEEPGRAM = {
  flightRecord: "on",
  stt: { service: "deepgram", model: "flux-general-en", eager: 0.4 },
  llm: { service: "openai", model: "a-model" },
  tts: { service: "deepgram", model: "aura-2-thalia-en" },
};
const AT_WORKERS_AI = {
  flightRecord: "on",
  stt: { service: "workers-ai", model: "@cf/deepgram/flux", eager: 0.4 },
  llm: { service: "workers-ai", model: "@cf/meta/llama-3.3-70b-instruct-fp8-fast" },
  tts: { service: "workers-ai", model: "@cf/deepgram/aura-1", voice: "asteria" },
};

let speech: Awaited<ReturnType<typeof realSpeech>>;
let deepgram: DeepgramServer;
let openai: RestServer;
let workersAi: WorkersAiServer;
const gateways: Gateway[] = [];

/** With a profile of its own; closed at the end. */
async function start(profile: object): Promise<Gateway> {
  const gateway = await Gateway.start(
    {
      LIMITS,
      PROFILE: JSON.stringify(profile),
      OPENAI_BASE_URL: `http://127.0.0.1:${openai.port}`,
      DEEPGRAM_BASE_URL: `http://127.0.0.1:${deepgram.port}`,
    },
    { DEEPGRAM_API_KEY: "simulated" },
    "absent",
    workersAi.port,
  );
  gateways.push(gateway);
  return gateway;
}

beforeAll(async () => {
  speech = await realSpeech();
  // Who is not asked to close them lets both have the same ears.
  const shared = { say: speech.say, hear: speech.hear };
  deepgram = await DeepgramServer.start({ speech: shared });
  openai = await RestServer.start({ speech: shared });
  workersAi = await WorkersAiServer.start({ speech: shared });
  for (const { text } of QUESTIONS) for (const voice of ["rms", "slt"] as const) await say(text, { voice });
}, 120_000);

afterEach(() => {
  deepgram.faults = {};
  workersAi.faults = {};
});

afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  await Promise.all([deepgram.close(), openai.close(), workersAi.close()]);
  speech.close();
});

async function dial(gateway: Gateway, agent = "cascade"): Promise<{ call: PhoneCall; observer: Observer }> {
  const call = await gateway.dial({ agent });
  const observer = gateway.observe(call.callId);
  await waitForEvent(observer, "agentReady");
  return { call, observer };
}

/** Four calls at a time, four turns each; two voices. */
async function sixteenTurns(
  gateway: Gateway,
): Promise<{ misses: string[]; latencies: number[]; observers: Observer[] }> {
  const asked: Asked[] = [];
  const observers: Observer[] = [];
  await Promise.all(
    [0, 1, 2, 3].map(async (index) => {
      const { call, observer } = await dial(gateway);
      observers.push(observer);
      for (const question of QUESTIONS.slice(index * 4, index * 4 + 4))
        asked.push(await ask(call, observer, question, index % 2 === 0 ? "rms" : "slt"));
      call.hangUp();
      await call.ended;
      expect(call.record().violations).toEqual([]);
    }),
  );
  return {
    misses: asked.flatMap(({ miss }) => miss ?? []),
    latencies: asked.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b),
    observers,
  };
}

/** What a scribe wrote down. */
const written = (observer: Observer) =>
  observer.events
    .filter((event) => event.type === "transcript" && event["final"] === true)
    .map((event) => String(event["text"]).toLowerCase());

const ofType = (observers: readonly Observer[], type: string) =>
  observers.flatMap(({ events }) => events.filter((event) => event.type === type));

describe("Flux and Aura", () => {
  it("at Deepgram answer sixteen of sixteen turns, each when Flux says that it is over", {
    timeout: 180_000,
  }, async () => {
    const gateway = await start(AT_DEEPGRAM);
    const { misses, latencies, observers } = await sixteenTurns(gateway);
    measured(
      `16 turns of Flux: reply heard ${latencies[8]?.toFixed(0)} ms (median) after the speech, at most ${latencies[15]?.toFixed(0)} ms`,
    );
    expect(misses).toEqual([]);
    const ends = ofType(observers, "turnEnded");
    expect(ends.map((event) => event["source"])).toEqual(ends.map(() => "agent"));
    // All were asked for early, and most of the words were right then.
    expect(openai.api.requests.filter(({ endpoint }) => endpoint === "chat").length).toBeGreaterThanOrEqual(16);
    for (const session of deepgram.flux) {
      expect(session.commands.map((command) => command["type"])).toEqual(["CloseStream"]);
      expect(session.parameters.get("eager_eot_threshold")).toBe("0.4");
    }
    await gateway.idle();
    const replays = await gateway.replayAll();
    expect([...replays.different]).toEqual([]);
    expect(replays.same).toHaveLength(4);
  });

  it("at Workers AI, with its model between them, do as well", { timeout: 180_000 }, async () => {
    const gateway = await start(AT_WORKERS_AI);
    const { misses } = await sixteenTurns(gateway);
    expect(misses).toEqual([]);
    expect(workersAi.flux.map(({ parameters }) => parameters.get("sample_rate"))).toEqual(Array(4).fill("16000"));
    expect(workersAi.spoken.every(({ outcome }) => outcome !== "fault")).toBe(true);
  });
});

describe("an answer that is made early", () => {
  it("is dropped when the caller goes on, and counted", { timeout: 120_000 }, async () => {
    const gateway = await start({ ...AT_DEEPGRAM, stt: { ...AT_DEEPGRAM.stt, endOfTurn: 0.95 } });
    const { call, observer } = await dial(gateway);
    const from = openai.api.requests.length;
    // A pause within a sentence: long enough for a guess, too short for an end.
    await call.say(await say("Please book a table", { voice: "rms" }));
    await call.until(() => openai.api.requests.length > from, 3_000);
    await call.say(await say("for seven people.", { voice: "rms" }));
    await waitForEvent(observer, "replyDone");
    const counted = ofType([observer], "usage").reduce((sum, event) => sum + Number(event["droppedAnswers"] ?? 0), 0);
    expect(counted).toBeGreaterThanOrEqual(1);
    const said = ofType([observer], "transcript").filter(
      (event) => event["role"] === "agent" && event["final"] === true,
    );
    expect(said.map((event) => event["text"])).toEqual(["I have booked a table for seven people."]);
    call.hangUp();
    await call.ended;
  });
});

/** At which of what Flux tells its socket breaks: nothing of the turn is told yet, half of it, all but its end. */
const LOSSES = ["started", "update", "eager"] as const;

describe("what goes wrong with Flux", () => {
  it.each(LOSSES)("at %s costs no word: another socket hears the turn again", { timeout: 60_000 }, async (point) => {
    const gateway = gateways[0] ?? (await start(AT_DEEPGRAM));
    deepgram.faults = { dropAt: point };
    const { call, observer } = await dial(gateway);
    const sessions = deepgram.flux.length;
    deepgram.faults = {};
    const { miss } = await ask(call, observer, QUESTIONS[1] as Question, "rms");
    expect(miss).toBeUndefined();
    expect(deepgram.flux.length).toBe(sessions + 1);
    // The agent is the same, and nobody was told to wait.
    expect(ofType([observer], "agentReady")).toHaveLength(1);
    expect(ofType([observer], "agentFailed")).toEqual([]);
    expect(ofType([observer], "fault")).toMatchObject([
      { source: "agent", code: "peerError", error: expect.stringMatching(/^closed/) },
    ]);
    call.hangUp();
    await call.ended;
  });

  it("that cannot pass ends the call", async () => {
    const gateway = gateways[0] ?? (await start(AT_DEEPGRAM));
    deepgram.faults = { refuseStatus: 401 };
    const call = await gateway.dial({ agent: "cascade" });
    const observer = gateway.observe(call.callId);
    expect(await waitForEvent(observer, "agentFailed")).toMatchObject({ code: "http401", fatal: true });
    await call.ended;
  });
});

describe("a scribe", () => {
  const Parts = {
    "Nova at Deepgram": { service: "deepgram", model: "nova-3" },
    "Flux at Deepgram": { service: "deepgram", model: "flux-general-en" },
    "Flux at Workers AI": { service: "workers-ai", model: "@cf/deepgram/flux" },
  } as const;

  it.each(Object.entries(Parts))(
    "of %s writes down what is said, and loses nothing with its socket",
    {
      timeout: 90_000,
    },
    async (_, stt) => {
      const gateway = await start({ flightRecord: "on", stt });
      const server = stt.service === "deepgram" ? deepgram : workersAi;
      const sessions = stt.model.includes("flux") ? server.flux : server.nova;
      const { call, observer } = await dial(gateway, "scribe");
      const questions = QUESTIONS.slice(0, 3);
      for (const [index, { text }] of questions.entries()) {
        const speech = await say(text, { voice: "rms" });
        const began = call.clock();
        const said = call.say(speech);
        if (index === 1) {
          // In the middle of it.
          await call.until(() => call.clock() > began + speech.length / 16, 5_000);
          sessions.at(-1)?.close(1011, "scripted");
        }
        await said;
        await call.until(() => written(observer).length > index, 8_000);
      }
      const lines = written(observer);
      expect(lines).toHaveLength(3);
      for (const [index, { heard }] of questions.entries())
        for (const word of heard) expect(lines[index], lines.join(" | ")).toContain(word);
      expect(ofType([observer], "agentFailed")).toEqual([]);
      call.hangUp();
      await call.ended;
      expect(call.record().violations).toEqual([]);
    },
  );
});
