import type { Observer } from "../../simulators/observer.ts";
import type { Question } from "../../simulators/openai-realtime/domain.ts";
import { say, type Voice } from "../../simulators/speech/say.ts";
import type { PhoneCall } from "../../simulators/twilio/phone-call.ts";

/** What came of a question: what was missed of it or of its answer, and how long after it something was heard. */
export interface Asked {
  readonly miss: string | undefined;
  readonly latencyMs: number;
}

/** Asks over the telephone, waits for the end of the answer, and holds the transcripts against what they must have. */
export async function ask(call: PhoneCall, observer: Observer, question: Question, voice: Voice): Promise<Asked> {
  const from = observer.events.length;
  const spoken = await call.say(await say(question.text, { voice }));
  const heardAt = await call.firstHeardAfter(spoken.endMs, 12_000);
  await call.quiet(900, 20_000);
  const of = (role: string) =>
    observer.events
      .slice(from)
      .filter((event) => event.type === "transcript" && event["final"] === true && event["role"] === role)
      .map((event) => String(event["text"]).toLowerCase())
      .join(" ");
  const heard = question.heard.every((word) => of("caller").includes(word));
  const answered = question.answered.every((word) => of("agent").includes(word));
  const miss =
    heardAt !== undefined && heard && answered
      ? undefined
      : `${question.text} -> "${of("caller")}" -> "${of("agent")}"`;
  return { miss, latencyMs: (heardAt ?? Number.POSITIVE_INFINITY) - spoken.endMs };
}
