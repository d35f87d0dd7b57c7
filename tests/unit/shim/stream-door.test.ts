// Sockets that have shown no token yet, at the door of a call. What failed: a bare socket closed the caller's good stream,
// a wrong token before the right one ended the call, and twenty sockets with one token left none.

import { beforeEach, describe, expect, it } from "vitest";
import {
  TL_EFFECT_AUTHORIZE,
  TL_EFFECT_ENDED,
  TL_INPUT_AUTHORIZED,
  TL_INPUT_SOCKET_OPENED,
  TL_INPUT_SOCKET_TEXT,
} from "../../../worker-shim/abi.generated.ts";
import { TOKEN_LIFETIME_MS } from "../../../worker-shim/call-token.ts";
import {
  CLOSE_MS,
  MAX_HELD_LENGTH,
  MAX_IDLE_MESSAGES,
  MAX_OPENING_BYTES,
  MAX_OPENING_FAULTS,
  MAX_QUEUED,
  PLACE_WAIT_MS,
  ROOM,
  type Standing,
} from "../../../worker-shim/stream-door.ts";
import { record } from "../../support/fake-core.ts";
import { CALL, World } from "./support/call-world.ts";
import { FakeSocket, settle } from "./support/fakes.ts";

const START_MS = 5_000;

let world: World;
let token: string;

function startMessage(token: unknown, callSid = "CA1", fields: object = {}): string {
  const mediaFormat = { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 };
  const start = { streamSid: "MZ1", callSid, mediaFormat, customParameters: { token }, ...fields };
  return JSON.stringify({ event: "start", sequenceNumber: "1", streamSid: "MZ1", start });
}

function mediaMessage(n: number): string {
  return JSON.stringify({
    event: "media",
    streamSid: "MZ1",
    media: { track: "inbound", timestamp: n, payload: "/w==" },
  });
}

/** Somebody comes to the door. */
function come(standing: Standing = "unsigned"): FakeSocket {
  const socket = new FakeSocket();
  expect(world.call.receiveLeg(socket, standing)).toBe("taken");
  return socket;
}

function say(socket: FakeSocket, ...messages: unknown[]): void {
  for (const data of messages) socket.emit("message", { data });
}

/** Until nothing is being judged any more, and what was said has been heard. */
async function judged(): Promise<void> {
  let known = 0;
  while (known < world.work.length) {
    known = world.work.length;
    await Promise.all(world.work);
  }
}

/** The core asks for a verdict on what a start brings. */
function likeTheCore(): void {
  world.onInput = ({ tag, body }) => {
    if ((tag & 0xffff) !== TL_INPUT_SOCKET_TEXT) return [];
    const { event, start } = JSON.parse(new TextDecoder().decode(body)) as {
      event: string;
      start?: { callSid: string; customParameters: { token: string } };
    };
    if (event !== "start" || !start) return [];
    const { token } = start.customParameters;
    return [record(TL_EFFECT_AUTHORIZE, 0, JSON.stringify({ token, carrierCallId: start.callSid, streamId: "MZ1" }))];
  };
}

function heard(): string[] {
  const texts = world.core.inputs.filter(({ tag }) => (tag & 0xffff) === TL_INPUT_SOCKET_TEXT);
  return texts.map(({ body }) => new TextDecoder().decode(body));
}

function verdicts(): number[] {
  return world.core.inputs.filter(({ tag }) => tag === TL_INPUT_AUTHORIZED).map(({ body }) => body[0] ?? -1);
}

/** The call has a stream that has shown its token. */
async function withStream(): Promise<FakeSocket> {
  const socket = come();
  say(socket, startMessage(token));
  await judged();
  expect(verdicts()).toEqual([0]);
  return socket;
}

async function announceAgain(): Promise<string> {
  const resumption = await world.call.resume("CA1");
  if (resumption.type !== "stream") throw new Error("hung up");
  return resumption.token;
}

beforeEach(async () => {
  world = new World();
  likeTheCore();
  const announcement = await world.call.prepare(CALL);
  if (announcement.type !== "stream") throw new Error("no stream");
  token = announcement.token;
});

describe("a stream that shows its token", () => {
  it("is the call's, with all that it said since its start, in order", async () => {
    const socket = come();
    say(socket, '{"event":"connected"}', startMessage(token), mediaMessage(0), mediaMessage(20));
    expect(world.cores).toHaveLength(0);
    await judged();
    say(socket, mediaMessage(40));
    expect(heard()).toEqual([startMessage(token), ...[0, 20, 40].map(mediaMessage)]);
    expect(world.core.inputs[0]?.tag).toBe(TL_INPUT_SOCKET_OPENED);
    expect(verdicts()).toEqual([0]);
    expect(socket.acceptedAs).toBe("arraybuffer");
    // Its time is over, it is not.
    await world.pass(2 * START_MS);
    expect(socket.closed).toBeUndefined();
  });

  // It took the place of the good stream, used its token up, and was refused by the core after that.
  it("cannot take the place of one in another format, and keeps its token", async () => {
    const former = await withStream();
    const next = await announceAgain();
    const aLaw = { mediaFormat: { encoding: "audio/x-alaw", sampleRate: 8000, channels: 1 } };
    const other = come();
    say(other, startMessage(next, "CA1", aLaw));
    await judged();
    expect(other.closed?.code).toBe(4400);
    expect(former.closed).toBeUndefined();
    const socket = come();
    say(socket, startMessage(next));
    await judged();
    expect(socket.closed).toBeUndefined();
    expect(verdicts()).toEqual([0, 0]);
  });

  it("is judged anew when one in another format came in meanwhile", async () => {
    const next = await announceAgain();
    const aLaw = { mediaFormat: { encoding: "audio/x-alaw", sampleRate: 8000, channels: 1 } };
    const [first, second] = [come(), come()];
    say(first, startMessage(token));
    say(second, startMessage(next, "CA1", aLaw));
    await judged();
    expect(first.closed).toBeUndefined();
    expect(second.closed?.code).toBe(4400);
  });

  it("takes the place of the former one, which is kept until then", async () => {
    const former = await withStream();
    const next = await announceAgain();
    const socket = come();
    await world.pass(START_MS - 1);
    expect(former.closed).toBeUndefined();
    say(socket, startMessage(next));
    expect(former.closed).toBeUndefined();
    await judged();
    expect(former.closed).toEqual({ code: 1000, reason: "replaced" });
    expect(verdicts()).toEqual([0, 0]);
    expect(world.cores).toHaveLength(1);
  });

  it("is not judged twice by the core's question, and not by another token than its own", async () => {
    world.onInput = ({ tag }) =>
      (tag & 0xffff) === TL_INPUT_SOCKET_TEXT
        ? [record(TL_EFFECT_AUTHORIZE, 0, JSON.stringify({ token: "x", carrierCallId: "CA1", streamId: "MZ1" }))]
        : [];
    say(come(), startMessage(token));
    await judged();
    expect(verdicts()).toEqual([1]);
  });

  it("needs none where none is required, but a start", async () => {
    world = new World();
    likeTheCore();
    await world.call.prepare({ ...CALL, carrierCallId: "", authorization: "none" });
    const socket = come();
    say(socket, mediaMessage(0));
    expect(world.cores).toHaveLength(0);
    say(socket, startMessage(undefined));
    await judged();
    expect(world.cores).toHaveLength(1);
  });
});

/** What somebody without the right token may do, and how it ends for him. */
const STRANGERS: readonly [string, (socket: FakeSocket) => void, number | undefined][] = [
  ["says nothing", () => undefined, 4401],
  ["says only connected", (socket) => say(socket, '{"event":"connected"}'), 4401],
  ["brings no token", (socket) => say(socket, startMessage(undefined)), 4401],
  ["brings an empty token", (socket) => say(socket, startMessage("")), 4401],
  ["brings a token that is no text", (socket) => say(socket, startMessage({ a: 1 })), 4401],
  ["brings a made-up token", (socket) => say(socket, startMessage("made-up")), 4403],
  ["brings half a surrogate pair", (socket) => say(socket, startMessage("\ud83d")), 4403],
  ["brings the call's id", (socket) => say(socket, startMessage("c1")), 4403],
  ["names another carrier's call", (socket) => say(socket, startMessage("x", "CA2")), 4403],
  ["sends nonsense", (socket) => say(socket, ...Array(MAX_OPENING_FAULTS).fill("{")), 4400],
  ["sends audio before its start", (socket) => say(socket, ...Array(MAX_OPENING_FAULTS).fill(mediaMessage(0))), 4400],
  ["sends bytes", (socket) => say(socket, ...Array(MAX_OPENING_FAULTS).fill(new ArrayBuffer(160))), 4400],
  ["sends a start that is none", (socket) => say(socket, ...Array(MAX_OPENING_FAULTS).fill('{"event":"start"}')), 4400],
  ["goes on saying hello", (socket) => say(socket, ...Array(MAX_IDLE_MESSAGES + 1).fill('{"event":"hi"}')), 4400],
  ["sends too long a text", (socket) => say(socket, "x".repeat(MAX_OPENING_BYTES + 1)), 1009],
  [
    "sends too long a text of few characters",
    (socket) => say(socket, "\u00e9".repeat(MAX_OPENING_BYTES / 2 + 1)),
    1009,
  ],
  ["sends too many bytes", (socket) => say(socket, new ArrayBuffer(MAX_OPENING_BYTES + 1)), 1009],
  [
    "sends too much after its start",
    (socket) => say(socket, startMessage("x"), ...Array(9).fill("x".repeat(MAX_HELD_LENGTH / 8))),
    1009,
  ],
  ["breaks", (socket) => socket.emit("close", { code: 1006, reason: "" }), undefined],
  ["breaks by an error", (socket) => socket.emit("error", {}), undefined],
  [
    "breaks while it is judged",
    (socket) => {
      say(socket, startMessage("x"));
      socket.emit("close", { code: 1006, reason: "" });
    },
    undefined,
  ],
];

describe.each(STRANGERS)("who %s", (_, act, code) => {
  async function happens(standing: Standing): Promise<void> {
    const socket = come(standing);
    act(socket);
    await judged();
    await world.pass(START_MS);
    expect(socket.closed?.code).toBe(code);
  }

  it("ends nothing while a token is out, and spoils no token", async () => {
    await happens("unsigned");
    expect(world.cores).toHaveLength(0);
    expect(world.leaseCalls).toEqual([]);
    await withStream();
  });

  it("ends nothing after a lost object", async () => {
    const former = await withStream();
    await world.lose();
    former.emit("close", { code: 1006, reason: "" });
    token = await announceAgain();
    await happens("unsigned");
    await withStream();
    expect(world.leaseCalls).toEqual([]);
  });

  it.each<Standing>(["signed", "unsigned"])("does not touch the stream that there is (%s)", async (standing) => {
    const stream = await withStream();
    const inputs = world.core.inputs.length;
    await happens(standing);
    expect(stream.closed).toBeUndefined();
    expect(world.core.inputs).toHaveLength(inputs);
    say(stream, mediaMessage(0));
    expect(world.core.inputs).toHaveLength(inputs + 1);
  });
});

describe("one token", () => {
  it.each([2, 5, 20])("brought by %i sockets opens exactly one stream, and the call lives", async (count) => {
    const sockets: FakeSocket[] = [];
    for (let i = 0; i < count; i++) {
      const socket = new FakeSocket();
      // One that is not taken is told so by its upgrade.
      if (world.call.receiveLeg(socket, "unsigned") === "taken") sockets.push(socket);
    }
    for (const socket of sockets) if (!socket.closed) say(socket, startMessage(token));
    await judged();
    expect(sockets.filter(({ closed }) => !closed)).toHaveLength(1);
    expect(verdicts()).toEqual([0]);
    expect(world.leaseCalls).toEqual([]);
  });

  it("is used up by a stream that there was, also after a lost object", async () => {
    const former = await withStream();
    await world.lose();
    const socket = come();
    say(socket, startMessage(token));
    await judged();
    expect(socket.closed?.code).toBe(4409);
    expect(former.closed).toBeUndefined();
    expect(world.cores).toHaveLength(1);
  });

  it("is not used up by a socket that broke over it", async () => {
    const broken = come();
    say(broken, startMessage(token));
    broken.emit("close", { code: 1006, reason: "" });
    await judged();
    await withStream();
  });

  it("is of no use when it is late, and then another one is", async () => {
    world.time.advance(TOKEN_LIFETIME_MS);
    const socket = come();
    say(socket, startMessage(token));
    await judged();
    expect(socket.closed?.code).toBe(4410);
    token = await announceAgain();
    await withStream();
  });
});

describe("the room at the door", () => {
  it.each<Standing>(["signed", "unsigned"])("is bounded: who has waited longest makes room (%s)", async (standing) => {
    const { waiting } = ROOM[standing];
    const sockets = Array.from({ length: waiting + 1 }, () => come(standing));
    expect(sockets.map(({ closed }) => closed?.code)).toEqual([1013, ...Array(waiting).fill(undefined)]);
    const last = sockets.at(-1) ?? new FakeSocket();
    say(last, startMessage(token));
    await judged();
    expect(verdicts()).toEqual([0]);
  });

  it("is taken by sockets whose peers do not close, and free when they have", () => {
    const { places } = ROOM.unsigned;
    const sockets = Array.from({ length: places }, () => come());
    expect(world.call.receiveLeg(new FakeSocket(), "unsigned")).toBe("full");
    // The carrier has room of its own.
    come("signed");
    sockets[0]?.emit("close", { code: 1013, reason: "" });
    come();
  });

  it("is waited for: who is told to close makes room within a round trip", async () => {
    const sockets = Array.from({ length: ROOM.unsigned.places }, () => come());
    const queue = Array.from({ length: 3 }, () => world.call.placeAtDoor("unsigned"));
    const answers: boolean[] = [];
    for (const place of queue) void place.then((isFree) => answers.push(isFree));
    expect(await world.call.placeAtDoor("signed")).toBe(true);
    await settle();
    expect(answers).toEqual([]);
    sockets[0]?.emit("close", { code: 1013, reason: "" });
    await settle();
    expect(answers).toEqual([true, true, true]);
    come();
    // The others find it taken again.
    const late = world.call.placeAtDoor("unsigned");
    world.time.advance(PLACE_WAIT_MS);
    expect(await late).toBe(false);
    expect(world.call.receiveLeg(new FakeSocket(), "unsigned")).toBe("full");
  });

  it("is waited for by so many", async () => {
    for (let i = 0; i < ROOM.unsigned.places; i++) come();
    const queue = Array.from({ length: MAX_QUEUED + 3 }, () => world.call.placeAtDoor("unsigned"));
    expect(await Promise.all(queue.slice(MAX_QUEUED))).toEqual([false, false, false]);
    world.time.advance(PLACE_WAIT_MS);
    expect(await Promise.all(queue)).not.toContain(true);
    // Of those who wait for their start, and of one who has been told to close.
    expect(world.time.armed.size).toBe(ROOM.unsigned.places);
  });

  // Three strangers who knew a call's id kept a caller whose upgrade is not signed out for good.
  it.each<Standing>(["signed", "unsigned"])("is free in the end, though peers never close (%s)", async (standing) => {
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < ROOM[standing].places; i++) come(standing);
      // The last of them is told to close when it has said nothing for so long.
      world.time.advance(START_MS);
      world.time.advance(CLOSE_MS - 1);
      for (let i = ROOM[standing].places; i > ROOM[standing].waiting; i--) come(standing);
      expect(world.call.receiveLeg(new FakeSocket(), standing)).toBe("full");
      world.time.advance(START_MS + CLOSE_MS);
    }
    const late = Array.from({ length: ROOM[standing].places }, () => come(standing));
    // Whose peer closes it in the end.
    for (const socket of late) socket.emit("close", { code: 1006, reason: "" });
    expect(await world.call.placeAtDoor(standing)).toBe(true);
    await withStream();
  });

  it("is waited for as long as a peer has to close, and no longer", async () => {
    for (let i = 0; i < ROOM.unsigned.places; i++) come();
    world.time.advance(CLOSE_MS - PLACE_WAIT_MS);
    const place = world.call.placeAtDoor("unsigned");
    world.time.advance(PLACE_WAIT_MS);
    expect(await place).toBe(true);
    come();
    expect(world.call.receiveLeg(new FakeSocket(), "unsigned")).toBe("full");
  });

  it("counts what it turned away, and says so at the end", async () => {
    for (let i = 0; i < ROOM.unsigned.places; i++) come();
    expect(world.call.receiveLeg(new FakeSocket(), "unsigned")).toBe("full");
    say(come("signed"), startMessage("x"));
    await judged();
    await world.pass(START_MS);
    world.call.carrierEnded("CA1");
    const over = world.log.lines.find(({ message }) => message === "a call is over");
    expect(over?.fields).toMatchObject({ refused: 1, silent: 2, displaced: 1, full: 1, forgotten: 2 });
  });

  it("is empty when the call is over", async () => {
    const stream = await withStream();
    const waiting = come();
    world.onInput = () => [record(TL_EFFECT_ENDED, 0, '{"callId":"c1","reason":"callerHangUp","durationMs":7}')];
    say(stream, "x");
    expect(waiting.closed?.code).toBe(1000);
    expect(world.call.receiveLeg(new FakeSocket(), "signed")).toBe("over");
    expect(world.time.armed.size).toBe(0);
  });

  it("gives a stream the time that the limits say", async () => {
    world = new World({ LIMITS: { startMs: 600 } });
    await world.call.prepare(CALL);
    const socket = come();
    world.time.advance(599);
    expect(socket.closed).toBeUndefined();
    world.time.advance(1);
    expect(socket.closed?.code).toBe(4401);
  });
});

// The door took its token, and the core refused it.
describe("a start that the core cannot read", () => {
  it.each([
    ["too deep", undefined, (good: string) => good.replace("}}}", `},"x":${"[".repeat(32)}${"]".repeat(32)}}}`)],
    ["of another format", 4400, (good: string) => good.replace("8000", "16000")],
    ["an escaped name", 4400, (good: string) => good.replace('"sampleRate":8000', '"sampl\\u0065Rate":8000.0')],
    ["a rate that is replaced", 4400, (good: string) => good.replace("8000", '8000,"sampleRate":8e3')],
    ["a rate of too many digits", 4400, (good: string) => good.replace("8000", '"00000000000008000"')],
    [
      "a number beyond all that is replaced",
      undefined,
      (good: string) => good.replace("8000", '1e999,"sampleRate":8000'),
    ],
    ["too many bytes", 1009, (good: string) => good.replace('"MZ1"', `"MZ1","note":"${"\u20ac".repeat(22_000)}"`)],
  ])("uses nothing up, and the stream that is there goes on: %s", async (_, code, spoil) => {
    const stream = await withStream();
    const next = await announceAgain();
    const spoilt = spoil(startMessage(next));
    expect(spoilt).not.toBe(startMessage(next));
    const first = come();
    say(first, spoilt);
    await judged();
    expect(stream.closed).toBeUndefined();
    expect(heard()).not.toContain(spoilt);
    expect(first.closed?.code).toBe(code);
    // By the same socket, where it may say something better.
    say(code === undefined ? first : come(), startMessage(next));
    await judged();
    expect(heard().at(-1)).toBe(startMessage(next));
    expect(verdicts().at(-1)).toBe(0);
  });
});

describe("a call that nobody has announced", () => {
  it("is over when its only socket is gone without a start", async () => {
    world = new World();
    await world.call.prepare({ ...CALL, carrierCallId: "", authorization: "none" });
    come();
    await world.pass(START_MS);
    expect(world.leaseCalls).toEqual([["release", "c1", "noStart"]]);
  });

  it("has no door", () => {
    world = new World();
    expect(world.call.receiveLeg(new FakeSocket(), "signed")).toBe("unknown");
  });
});
