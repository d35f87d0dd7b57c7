import { beforeEach, describe, expect, it } from "vitest";
import { CoreTrapError, type EffectHandler } from "../../../worker-shim/core.ts";
import { EffectPerformer, IgnoredEffects } from "../../../worker-shim/effects.ts";
import { notedPorts } from "./support/fakes.ts";

let done: unknown[][];
let performer: EffectPerformer;

beforeEach(() => {
  done = [];
  performer = new EffectPerformer(notedPorts(done), {
    ended: () => done.push(["noteEnded"]),
    commandResult: (result) => done.push(["noteResult", result]),
  });
});

type Perform = (handler: EffectHandler) => void;

const bytes = Uint8Array.of(1, 2, 3, 4, 5);
const connect = { upstream: "openai", path: "/v1/realtime?model=m", protocols: ["realtime"] };
const request = {
  upstream: "speech",
  method: "POST",
  path: "/v1/audio/speech",
  headers: { accept: "audio/pcm" },
  wants: ["content-type"],
  timeoutMs: 3000,
  idleMs: 500,
  maxBytes: 4096,
  window: 1024,
};
const multipart = [
  { name: "file", filename: "a.wav", contentType: "audio/wav", length: 3 },
  { name: "model", contentType: "text/plain", length: 2 },
];
const credentials = { token: "t", carrierCallId: "CA1", streamId: "MZ1" };

describe("an effect", () => {
  const table: [string, Perform, unknown[][]][] = [
    ["sendText", (to) => to.sendText(0, "x"), [["sendText", 0, "x"]]],
    ["sendBinary", (to) => to.sendBinary(7, bytes), [["sendBinary", 7, bytes]]],
    ["connect", (to) => to.connect(7, JSON.stringify(connect)), [["connect", 7, connect]]],
    ["close", (to) => to.close(0, 4401, "r"), [["close", 0, 4401, "r"]]],
    ["fetch", (to) => to.fetch(9, JSON.stringify(request), bytes), [["fetch", 9, { ...request, body: bytes }]]],
    [
      "fetch of a form",
      (to) => to.fetch(9, JSON.stringify({ ...request, multipart }), bytes),
      [
        [
          "fetch",
          9,
          {
            ...request,
            body: [
              { name: "file", fileName: "a.wav", contentType: "audio/wav", bytes: Uint8Array.of(1, 2, 3) },
              { name: "model", fileName: undefined, contentType: "text/plain", bytes: Uint8Array.of(4, 5) },
            ],
          },
        ],
      ],
    ],
    ["fetchAbort", (to) => to.fetchAbort(9), [["abort", 9]]],
    ["fetchCredit", (to) => to.fetchCredit(9, 512), [["credit", 9, 512]]],
    ["loadResource", (to) => to.loadResource("music"), [["load", "music"]]],
    ["deadline", (to) => to.deadline(5), [["setDeadline", 5]]],
    ["authorize", (to) => to.authorize(JSON.stringify(credentials)), [["authorize", credentials]]],
    ["commandResult", (to) => to.commandResult("{}"), [["noteResult", "{}"]]],
    ["event", (to) => to.event("{}"), [["event", "{}"]]],
    ["record", (to) => to.record(48_000, bytes), [["record", 48_000, bytes]]],
    ["snapshot", (to) => to.snapshot("s"), [["snapshot", "s"]]],
    ["ended", (to) => to.ended("{}"), [["noteEnded"], ["ended", "{}"]]],
  ];

  it.each(table)("%s goes to its port", (_, perform, expected) => {
    perform(performer);
    expect(done).toEqual(expected);
  });

  it.each(table)("%s can be left alone", (_, perform) => {
    expect(() => perform(new IgnoredEffects())).not.toThrow();
  });

  const faulty =
    (change: object): Perform =>
    (to) =>
      to.fetch(9, JSON.stringify({ ...request, ...change }), bytes);
  it.each<[string, Perform]>([
    ["no JSON", (to) => to.connect(7, "{")],
    ["no object", (to) => to.connect(7, "null")],
    ["a path that is none", (to) => to.connect(7, '{"upstream":"openai","path":1,"protocols":[]}')],
    ["protocols that are none", (to) => to.connect(7, '{"upstream":"openai","path":"/","protocols":"x"}')],
    ["credentials that miss something", (to) => to.authorize('{"token":"t"}')],
    ["no headers", faulty({ headers: null })],
    ["a header that is no text", faulty({ headers: { a: 1 } })],
    ["a time that is none", faulty({ timeoutMs: "1" })],
    ["a negative bound", faulty({ maxBytes: -1 })],
    ["a fraction of a byte", faulty({ window: 0.5 })],
    ["parts that are more than the body", faulty({ multipart: [...multipart, multipart[1]] })],
    ["parts that are less than the body", faulty({ multipart: [multipart[0]] })],
    ["a part that is none", faulty({ multipart: [null] })],
  ])("with %s is a trap", (_, perform) => {
    expect(() => perform(performer)).toThrow(CoreTrapError);
    expect(done).toEqual([]);
  });
});
