// A carrier that repeats itself, forgets the order, counts time in its own way and hangs up when it likes: by a seed,
// the same each time. What it does to its own call is allowed by nobody and done by networks.

import { WebSocket } from "ws";
import { type DialOptions, PhoneCall, seededRandom } from "./phone-call.ts";
import { sendWebhook } from "./webhook.ts";

/** What a frame's `timestamp` is. */
export const TIMESTAMPS = {
  true: (ms: number) => String(ms),
  number: (ms: number) => ms,
  stuck: () => "0",
  backwards: (ms: number) => String(Math.max(0, 60_000 - ms)),
  negative: (ms: number) => String(-ms),
  ahead: (ms: number, frame: number) => String(frame > 20 ? ms + 3_600_000 : ms),
  huge: () => "99999999999999999999",
  words: () => "soon",
  missing: () => undefined,
  jitter: (ms: number, frame: number) => String(Math.max(0, ms + (frame % 7) * 400 - 1_200)),
} as const;
export type Timestamps = keyof typeof TIMESTAMPS;

/** When the caller goes, counted from the first `start`. */
export const MOMENTS = {
  atOnce: 0,
  beforeTheFirstFrame: 5,
  inTheFirstWord: 400,
  atTheEndOfHisTurn: 1_150,
  whileHeWaits: 1_650,
  inTheFirstSyllableOfTheReply: 1_950,
  inTheReply: 2_500,
  afterTheReply: 4_200,
} as const;
export type Moment = keyof typeof MOMENTS;

export const MANNERS = ["stop", "close", "drop"] as const;
export type Manner = (typeof MANNERS)[number];

/** What a stranger brings to the call's socket. */
const STRANGERS = ["nothing", "aWrongToken", "theUsedToken", "anotherCallsToken", "garbage"] as const;

export const STATUSES = ["queued", "initiated", "ringing", "in-progress", "completed", "busy", "no-answer", "failed"];

export interface HostilePlan {
  readonly timestamps: Timestamps;
  readonly moment: Moment;
  readonly manner: Manner;
  /** Times that the first webhook is sent once more, beside the call. */
  readonly repeats: number;
  /** Status callbacks that say nothing new, in an order that cannot be. */
  readonly statuses: readonly string[];
  readonly strangers: readonly (typeof STRANGERS)[number][];
}

/** The plan of a seed. */
export function planOf(seed: number): HostilePlan {
  const random = seededRandom(seed);
  for (let i = 0; i < 8; i++) random();
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T;
  return {
    timestamps: pick(Object.keys(TIMESTAMPS) as Timestamps[]),
    moment: pick(Object.keys(MOMENTS) as Moment[]),
    manner: pick(MANNERS),
    repeats: Math.floor(random() * 4),
    // Of those that end no call.
    statuses: Array.from({ length: Math.floor(random() * 4) }, () => pick(STATUSES.slice(0, 4))),
    strangers: Array.from({ length: Math.floor(random() * 4) }, () => pick(STRANGERS)),
  };
}

export interface Outcome {
  readonly call: PhoneCall;
  /** Of the repeated webhooks. */
  readonly repeatedStatuses: number[];
  /** Messages that each stranger was sent. */
  readonly toldToStrangers: number[];
  /** After the end: the first webhook once more, with its old signature. */
  readonly replayed: string;
}

/** Opens the call's socket as somebody else; resolves at its end with how many messages it was sent. */
function stranger(url: string, callSid: string, token: unknown): Promise<number> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on("error", () => undefined);
  const customParameters = token === undefined ? {} : { token };
  const mediaFormat = { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 };
  socket.once("open", () => {
    if (token === null) socket.send("{");
    else
      socket.send(
        JSON.stringify({ event: "start", start: { streamSid: "MZ2", callSid, mediaFormat, customParameters } }),
      );
    // One that is quiet is ended by the gateway, or goes.
    setTimeout(() => socket.close(), 1_500);
  });
  let messages = 0;
  socket.on("message", () => {
    messages++;
  });
  socket.once("unexpected-response", () => socket.terminate());
  return new Promise((resolve) => {
    socket.once("close", () => resolve(messages));
  });
}

/** Places one call by the plan; `words` is what the caller says. Resolves when it is over. */
export async function placeHostileCall(
  options: DialOptions & { readonly authToken: string },
  plan: HostilePlan,
  words: Int16Array,
  otherToken = "another-call's",
): Promise<Outcome> {
  const { url, authToken } = options;
  const call = await PhoneCall.dial({ ...options, timestampOf: TIMESTAMPS[plan.timestamps] });
  const { callSid } = call;
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const fields = { ...call.webhookFields, CallStatus: "ringing" };
  const path = options.agent === undefined ? "/twiml" : `/twiml?agent=${encodeURIComponent(options.agent)}`;
  const [first] = call.streams;
  const token = first?.parameters["token"];
  const repeatedStatuses: number[] = [];
  const beside = [
    ...Array.from({ length: plan.repeats }, async () => {
      const response = await sendWebhook(url, authToken, path, fields);
      repeatedStatuses.push(response.status);
      await response.arrayBuffer();
    }),
    ...plan.statuses.map(async (CallStatus) => {
      await (await sendWebhook(url, authToken, "/twiml/status", { ...fields, CallStatus })).arrayBuffer();
    }),
  ];
  const tokens = {
    nothing: undefined,
    aWrongToken: "made-up",
    theUsedToken: token,
    anotherCallsToken: otherToken,
    garbage: null,
  };
  const strangers = plan.strangers.map((kind) => stranger(first?.url ?? url, callSid, tokens[kind]));
  void call.say(words);
  await pause(MOMENTS[plan.moment] - call.clock());
  call.hangUp(plan.manner);
  await Promise.all([call.ended, ...beside]);
  // A carrier tells of the end by itself, and then of what was before.
  for (const CallStatus of ["completed", "in-progress"])
    await (await sendWebhook(url, authToken, "/twiml/status", { ...fields, CallStatus })).arrayBuffer();
  const replayed = await (await sendWebhook(url, authToken, path, fields)).text();
  return { call, repeatedStatuses, toldToStrangers: await Promise.all(strangers), replayed };
}
