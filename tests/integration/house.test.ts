// Calls that the house answers: words over a telephone line, a voice and ears in the speech Worker, rules between them;
// no account and no key.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Observer } from "../simulators/observer.ts";
import { say, type Voice } from "../simulators/speech/say.ts";
import type { PhoneCall } from "../simulators/twilio/phone-call.ts";
import { measured } from "../support/measured.ts";
import { Gateway, waitForEvent } from "./support/gateway.ts";
import { logged } from "./support/stored.ts";

/** The default of the agent, docs/boundary.md. */
const END_OF_TURN_MS = 700;
/** From the end of the turn to the first of the answer at the caller's ear, beside frames of 20 ms. */
const MAX_ANSWER_MS = 150;

/** What a caller may say, and a word that only an answer to it has. */
const SENTENCES: readonly (readonly [string, RegExp])[] = [
  ["Who are you?", /machine that answers/],
  ["What time is it?", /^It is .* (a|p) m/],
  ["What can you do for me?", /take a message/],
  ["When do you open?", /eleven in the morning/],
  ["Where are you located?", /garden street/],
  ["Please spell the word garden.", /g, a, r, d/i],
  ["Please count to ten.", /nine, ten/],
  ["How long have we been talking?", /This call has taken/],
  ["Could you say that again please?", /This call has taken/],
  ["Can I speak to a person please?", /put you through|nobody can take/],
];

interface Turn {
  readonly role: string;
  readonly text: string;
  readonly cut: boolean;
}

let gateway: Gateway;
beforeAll(async () => {
  gateway = await Gateway.start({}, {}, "bound");
}, 120_000);
afterAll(async () => {
  await gateway.close();
});

async function dial(): Promise<{ call: PhoneCall; observer: Observer }> {
  const call = await gateway.dial({ agent: "house" });
  const observer = gateway.observe(call.callId);
  await call.firstHeardAfter(0);
  await call.quiet(600);
  return { call, observer };
}

/** Says it, hears the answer to its end, and returns how long it took to begin. */
async function ask(call: PhoneCall, text: string, voice: Voice): Promise<number> {
  const spoken = await call.say(await say(text, { voice }));
  const heardMs = await call.firstHeardAfter(spoken.endMs);
  if (heardMs === undefined) throw new Error(`no answer to "${text}"`);
  await call.quiet(900);
  return heardMs - spoken.endMs;
}

async function hangUp(call: PhoneCall): Promise<readonly Turn[]> {
  call.hangUp();
  await call.ended;
  await logged(gateway, call.callId);
  return (await gateway.json<{ turns: Turn[] }>(`/api/calls/${call.callId}`)).turns;
}

// Beside each other: most of a call is waiting.
describe.concurrent("the house", () => {
  it.each(["rms", "slt"] as const)(
    "understands what is said at a front desk, in the voice %s",
    { timeout: 120_000 },
    async (voice) => {
      const { call } = await dial();
      const waits: number[] = [];
      for (const [text] of SENTENCES) waits.push(await ask(call, text, voice));
      const turns = await hangUp(call);
      const answers = turns.filter(({ role }) => role === "agent").map(({ text }) => text);
      expect(answers[0]).toBe("Hello, this is the front desk of the garden restaurant. How can I help you?");
      const understood = SENTENCES.filter(([, answer], index) => answer.test(answers[index + 1] ?? ""));
      const middle = [...waits].sort((a, b) => a - b)[waits.length >> 1] ?? 0;
      measured(
        `the house: ${understood.length} of ${SENTENCES.length} sentences of ${voice} understood, answered ${Math.round(middle - END_OF_TURN_MS)} ms (median) after the end of the turn`,
      );
      expect(understood.length, JSON.stringify(turns)).toBeGreaterThanOrEqual(9);
      expect(middle).toBeLessThanOrEqual(END_OF_TURN_MS + MAX_ANSWER_MS);
      expect(call.record().violations).toEqual([]);
    },
  );

  it("books a table in three turns, with an interruption in the middle", async () => {
    const { call, observer } = await dial();
    await ask(call, "I would like to book a table please.", "rms");
    await ask(call, "We are five people.", "rms");
    // The question for the day is cut off, and what was heard of it is what the log says.
    const spoken = await call.say(await say("Tomorrow at seven.", { voice: "rms" }));
    const heardMs = (await call.firstHeardAfter(spoken.endMs)) ?? 0;
    await call.until(() => call.clock() > heardMs + 1_200, 5_000);
    await ask(call, "No, seven people.", "rms");
    await waitForEvent(observer, "truncated");
    await ask(call, "Yes, that is right.", "rms");
    const turns = await hangUp(call);
    const detail = JSON.stringify(turns);
    const noted = observer.events.find((event) => event.type === "toolCall");
    expect(noted?.["name"], detail).toBe("take_message");
    expect(JSON.parse(String(noted?.["arguments"])), detail).toMatchObject({
      people: 7,
      day: "tomorrow",
      time: "19:00",
    });
    expect(turns.at(-1)?.text, detail).toContain("seven");
    const cut = turns.find((turn) => turn.role === "agent" && turn.cut);
    expect(cut, detail).toBeDefined();
    expect("A table for five, tomorrow, at seven p m. Is that right?".startsWith(cut?.text ?? "?"), detail).toBe(true);
  });

  it("hangs up when it is told to, after its last words", async () => {
    const { call, observer } = await dial();
    await call.say(await say("Thank you very much, good bye.", { voice: "rms" }));
    await call.ended;
    const ended = await waitForEvent(observer, "ended");
    expect(ended["reason"]).toBe("hangUp");
    const reply = observer.events.filter((event) => event.type === "line" && event["role"] === "agent").at(-1);
    expect(reply?.["heard"]).toMatch(/Good bye\.$/);
  });
});
