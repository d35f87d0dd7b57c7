// Strangers at the door of the built Worker, over real sockets: what they know, what they bring, and how much of it. Beside
// each flood somebody is on the telephone, who must not notice.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PhoneCall } from "../simulators/twilio/phone-call.ts";
import { measured } from "../support/measured.ts";
import { DirectGateway } from "./support/direct-gateway.ts";
import { Gateway } from "./support/gateway.ts";
import {
  announce,
  newCallSid,
  rawUpgrade,
  Stranger,
  startMessage,
  unfinished,
  webhook,
  wholeText,
  workerdMb,
} from "./support/stranger.ts";
import { prepareVoices, voice } from "./support/voice.ts";

/** What a route of the Worker's table says of itself; the Worker's own types are of another runtime than this file's. */
interface TableRoute {
  readonly method: string;
  readonly path: string;
  readonly access: string;
  readonly upgrade?: boolean;
}

async function routesOfTheWorker(): Promise<readonly TableRoute[]> {
  const file = "../../worker-shim/api/app.ts";
  const { allRoutes } = (await import(file)) as { allRoutes(build: object): readonly TableRoute[] };
  return allRoutes({ version: "", warmUpError: undefined });
}

/** Silence within a reply that a caller would notice. */
const MAX_GAP_MS = 60;
/** Times that a flood is tried at most. */
const FLOODS = 4;
const MIB = 1024 * 1024;

let gateway: Gateway;
beforeAll(async () => {
  prepareVoices();
  gateway = await Gateway.start({ PROFILE: "{}" });
});
afterAll(async () => {
  await gateway.close();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const socketUrl = (path: string) => gateway.url.replace(/^http/, "ws") + path;

/** The longest silence within what a neighbour has heard since `fromMs`. */
function longestGapMs(call: PhoneCall, fromMs: number): number {
  const heard = call.streams.flatMap((stream) => stream.playout?.heard ?? []).filter(({ atMs }) => atMs >= fromMs);
  let longest = 0;
  for (const [i, { atMs }] of heard.entries()) {
    const before = heard[i - 1];
    if (before) longest = Math.max(longest, atMs - (before.atMs + before.bytes.length / 8));
  }
  return longest;
}

/** What `afterwards` is given ends what the flood has left open. */
type Flood = (neighbour: PhoneCall, afterwards: (cleanUp: () => void) => void) => Promise<void>;

/** Runs `flood` while a neighbour hears a reply; returns what was the longest gap in it. */
async function gapBeside(flood: Flood, target: Pick<Gateway, "url" | "authToken">): Promise<number> {
  const call = await PhoneCall.dial({ url: target.url, authToken: target.authToken });
  const spoken = await call.say(voice(1100));
  const heardAt = (await call.firstHeardAfter(spoken.endMs)) ?? 0;
  expect(heardAt).toBeGreaterThan(0);
  const cleanUps: (() => void)[] = [];
  await flood(call, (cleanUp) => cleanUps.push(cleanUp));
  await call.quiet(300, 5_000);
  for (const cleanUp of cleanUps) cleanUp();
  const heardMs = call.audible.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  expect(heardMs).toBeGreaterThan(900);
  expect(call.streams).toHaveLength(1);
  expect(call.over).toBe(false);
  call.hangUp();
  await call.ended;
  expect(call.record().violations).toEqual([]);
  return longestGapMs(call, heardAt);
}

/** The machine's other work makes gaps longer and never shorter: of several floods, the smallest gap is the flood's own. */
async function besideANeighbour(flood: Flood, target: Pick<Gateway, "url" | "authToken"> = gateway): Promise<number> {
  let gapMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < FLOODS && gapMs > MAX_GAP_MS; i++) gapMs = Math.min(gapMs, await gapBeside(flood, target));
  return gapMs;
}

describe("a call", () => {
  it("is one, however often it is announced, and its answer is the same", async () => {
    const callSid = newCallSid();
    const before = (await gateway.health()).calls.admitted;
    const answers = await Promise.all(Array.from({ length: 30 }, () => announce(gateway, callSid)));
    expect(new Set(answers.map(({ document }) => document)).size).toBe(1);
    expect((await gateway.health()).calls.admitted).toBe(before + 1);
    const [{ url, token, callId }] = answers as [(typeof answers)[number]];
    // Nor does it end by being asked about what it has not begun.
    const again = await Promise.all(Array.from({ length: 30 }, () => announce(gateway, callSid, `/twiml/${callId}`)));
    expect(new Set(again.map((answer) => answer.token))).toEqual(new Set([token]));
    const stream = new Stranger(url);
    await stream.say(startMessage(token, callSid));
    await pause(150);
    for (const path of ["/twiml", `/twiml/${callId}`])
      await Promise.all(Array.from({ length: 10 }, () => announce(gateway, callSid, path)));
    for (const CallStatus of ["ringing", "in-progress", "queued"])
      expect((await webhook(gateway, "/twiml/status", { CallSid: callSid, CallStatus })).status).toBe(204);
    await pause(100);
    expect(stream.over).toBe(false);
    await stream.say('{"event":"stop"}');
    expect(await stream.ended).toBe(1000);
    // After the end there is nothing to kill, and nothing to begin.
    expect((await announce(gateway, callSid)).url).toBe("");
    expect((await announce(gateway, callSid, `/twiml/${callId}`)).url).toBe("");
    expect((await gateway.idle()).calls.admitted).toBe(before + 1);
  });

  // The door took the token of a start that the core refused: the call was over before it began.
  it("keeps its token when a start comes that the core would refuse", async () => {
    const { url, token, callSid } = await announce(gateway);
    const good = startMessage(token, callSid);
    const spoilt: [code: number, message: string][] = [
      [4400, good.replace('"sampleRate":8000', '"sampl\\u0065Rate":8000.0')],
      [4400, good.replace('"sampleRate":8000', '"sampleRate":8000,"sampleRate":8e3')],
      [4400, good.replace('"sampleRate":8000', '"sampleRate":"00000000000008000"')],
      [1009, good.replace('"MZ1"', `"MZ1","note":"${"\u20ac".repeat(22_000)}"`)],
    ];
    for (const [code, message] of spoilt) {
      const stranger = new Stranger(url);
      await stranger.say(message);
      expect(await stranger.ended).toBe(code);
    }
    // One that is no JSON to the core leaves the socket as it was.
    const stream = new Stranger(url);
    await stream.say(good.replace('"sampleRate"', '"sampleRate":1e999,"sampleRate"'));
    await pause(100);
    await stream.say(good);
    await pause(200);
    expect(stream.over).toBe(false);
    await stream.say('{"event":"stop"}');
    expect(await stream.ended).toBe(1000);
  });

  // Its webhook, signed once, began it anew, with a fresh token and a place.
  it("stays over when it is deleted, whoever repeats its webhook", async () => {
    const { url, token, callSid, callId } = await announce(gateway);
    const stream = new Stranger(url);
    await stream.say(startMessage(token, callSid));
    await stream.say('{"event":"stop"}');
    expect(await stream.ended).toBe(1000);
    const { admitted } = (await gateway.idle()).calls;
    expect((await gateway.api(`/api/calls/${callId}`, { method: "DELETE" })).status).toBe(202);
    const events = async () => (await gateway.api(`/api/calls/${callId}/events`)).status;
    const goneMs = Date.now() + 10_000;
    while ((await events()) !== 404 && Date.now() < goneMs) await pause(50);
    // Deleted it is a moment later; before and after, by this object and by the next one, the answer is the same.
    for (let i = 0; i < 20; i++) {
      for (const path of ["/twiml", "/twiml?agent=parrot", `/twiml/${callId}`])
        expect((await announce(gateway, callSid, path)).document).toContain("<Hangup/>");
      if (i % 5 === 4) await gateway.fault(callId, { type: "abort" });
      await pause(50);
    }
    expect(await new Stranger(url).ended).not.toBe(1000);
    expect((await gateway.health()).calls.admitted).toBe(admitted);
    expect((await gateway.health()).activeCalls).toBe(0);
  });

  it("frees its place at once when the carrier says that it is over, before or after its webhook", async () => {
    const statuses = ["completed", "busy", "no-answer", "failed", "canceled"];
    await Promise.all(
      statuses.flatMap((CallStatus) => [
        announce(gateway).then(({ callSid }) => webhook(gateway, "/twiml/status", { CallSid: callSid, CallStatus })),
        (async () => {
          const callSid = newCallSid();
          await webhook(gateway, "/twiml/status", { CallSid: callSid, CallStatus });
          expect((await announce(gateway, callSid)).document).toContain("<Hangup/>");
        })(),
      ]),
    );
    expect((await gateway.idle(1_000)).activeCalls).toBe(0);
  });

  it("frees its place when the carrier says that it is over, though its stream never closes", async () => {
    const { url, token, callSid } = await announce(gateway);
    const before = (await gateway.health()).calls.ended["callerHangUp"] ?? 0;
    const { socket } = await rawUpgrade(url);
    const frame = wholeText(0, "plain");
    const start = Buffer.from(startMessage(token, callSid));
    frame.writeBigUInt64BE(BigInt(start.length), 2);
    // From here on it is silent, and answers nothing.
    socket.write(Buffer.concat([frame, start]));
    await pause(300);
    await webhook(gateway, "/twiml/status", { CallSid: callSid, CallStatus: "completed" });
    await pause(500);
    expect((await gateway.health()).activeCalls).toBe(1);
    const { calls } = await gateway.idle(8_000);
    expect(calls.ended["callerHangUp"]).toBe(before + 1);
    socket.destroy();
  });

  it("is opened by one of twenty sockets with its token, once more after its object was lost", async () => {
    const first = await announce(gateway);
    const race = async (token: string) => {
      const sockets = Array.from({ length: 20 }, () => new Stranger(first.url));
      await Promise.all(sockets.map((socket) => socket.say(startMessage(token, first.callSid))));
      await pause(400);
      const alive = sockets.filter(({ over }) => !over);
      expect(alive).toHaveLength(1);
      return alive[0] as Stranger;
    };
    const winner = await race(first.token);
    await gateway.fault(first.callId, { type: "abort" });
    expect(await winner.ended).toBe(1006);
    const used = new Stranger(first.url);
    await used.say(startMessage(first.token, first.callSid));
    expect(await used.ended).toBe(4409);
    const again = await announce(gateway, first.callSid, `/twiml/${first.callId}`);
    const second = await race(again.token);
    await second.say('{"event":"stop"}');
    expect(await second.ended).toBe(1000);
    await gateway.idle();
  });

  it("is not spoilt by what comes before the right token", async () => {
    const { url, token, callSid, callId } = await announce(gateway);
    const tries: [number, (socket: Stranger) => Promise<void>][] = [
      [4401, (socket) => socket.say(startMessage(undefined, callSid))],
      [4403, (socket) => socket.say(startMessage("made-up", callSid))],
      [4403, (socket) => socket.say(startMessage(callId, callSid))],
      [4403, (socket) => socket.say(startMessage(token, newCallSid()))],
      [4403, (socket) => socket.say(startMessage("\ud83d", callSid))],
      [4400, (socket) => socket.say(...Array<string>(16).fill('{"event":"media"}'))],
      [1009, (socket) => socket.say("x".repeat(70_000))],
      [1006, async (socket) => void ((await socket.opened) && socket.socket.terminate())],
    ];
    for (const [code, act] of tries) {
      const socket = new Stranger(url);
      await act(socket);
      expect(await socket.ended).toBe(code);
    }
    const silent = new Stranger(url);
    await silent.opened;
    const stream = new Stranger(url);
    await stream.say(startMessage(token, callSid));
    await pause(150);
    expect([silent.over, stream.over]).toEqual([false, false]);
    await stream.say('{"event":"stop"}');
    expect([await stream.ended, await silent.ended]).toEqual([1000, 1000]);
    await gateway.idle();
  });
});

describe("every route", () => {
  it("is closed to whoever has no proof, whatever he tries", async () => {
    const { callId, callSid } = await announce(gateway);
    const credentials: Record<string, string>[] = [
      {},
      { Authorization: "Bearer " },
      { Authorization: "Bearer undefined" },
      { Authorization: "Bearer replace-me-by-32-hex-digits" },
      { Authorization: "bearer an-admin-token-for-tests-onlx" },
      { Authorization: `Basic ${Buffer.from("admin:an-admin-token-for-tests-only").toString("base64")}` },
      { "X-Twilio-Signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
      { "X-Twilio-Signature": "", "X-Forwarded-For": "127.0.0.1", "X-Signed": "1" },
    ];
    const tricks = ["", `/?call=${callId}&CallSid=${callSid}`];
    const closed = (await routesOfTheWorker()).filter(({ access }) => access !== "anyone");
    let asked = 0;
    const statuses = new Map<number, number>();
    for (const { method, path, upgrade } of closed) {
      // The stream of a call that is announced is open to all until its start: above.
      if (path === "/call/:callId") continue;
      const target = path.replace(":callId", callId);
      await Promise.all(
        credentials.flatMap((credential) =>
          tricks.map(async (trick) => {
            // Each from an address of its own: what is tried is the proof, not the limit.
            const headers = { ...credential, "CF-Connecting-IP": `192.0.2.${++asked % 250}` };
            const url = `${gateway.url}${target}${trick}`;
            if (upgrade) {
              const { status, socket } = await rawUpgrade(url, headers);
              socket.destroy();
              statuses.set(status, (statuses.get(status) ?? 0) + 1);
              return;
            }
            const body = method === "POST" ? { body: new URLSearchParams({ CallSid: callSid }) } : {};
            const response = await fetch(url, { method, headers, ...body });
            await response.arrayBuffer();
            statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
          }),
        ),
      );
    }
    const total = [...statuses.values()].reduce((sum, count) => sum + count, 0);
    measured(`${total} requests without proof: ${[...statuses].map(([status, count]) => `${count} x ${status}`)}`);
    expect(total).toBeGreaterThan(200);
    for (const status of statuses.keys()) expect([401, 403, 429]).toContain(status);
    // Who has a proof is not told to wait.
    expect((await gateway.api("/api/calls")).status).toBe(200);
    await webhook(gateway, "/twiml/status", { CallSid: callSid, CallStatus: "canceled" });
    await gateway.idle();
  });
});

describe("a neighbour", () => {
  it("does not notice strangers at the door of his own call", async () => {
    const gapMs = await besideANeighbour(async (call) => {
      const url = socketUrl(`/call/${call.callId}`);
      const strangers: Stranger[] = [];
      for (let i = 0; i < 60; i++) {
        const stranger = new Stranger(url);
        strangers.push(stranger);
        if (i % 4 === 1) void stranger.say(startMessage("made-up", call.callSid));
        if (i % 4 === 2) void stranger.say(...Array<string>(20).fill("{"));
        if (i % 4 === 3) void stranger.opened.then(() => stranger.socket.terminate());
        await pause(5);
      }
      await Promise.all(strangers.map(({ socket }) => socket.terminate()));
    });
    measured(`60 strangers at a call's door: the longest gap in its reply ${gapMs.toFixed(0)} ms`);
    expect(gapMs).toBeLessThanOrEqual(MAX_GAP_MS);
  });

  it("does not notice floods of webhooks, of questions and of abandoned bodies", async () => {
    const statuses = new Set<number>();
    const gapMs = await besideANeighbour(async () => {
      const ask = async (path: string, init: RequestInit = {}) => {
        const response = await fetch(gateway.url + path, init).catch(() => undefined);
        await response?.arrayBuffer().catch(() => undefined);
        if (response) statuses.add(response.status);
      };
      for (let i = 0; i < 7; i++) {
        await Promise.all([
          ...Array.from({ length: 10 }, () => ask("/twiml", { method: "POST", body: "CallSid=CA1" })),
          ...Array.from({ length: 10 }, () => ask("/health")),
          ...Array.from({ length: 10 }, () => ask("/api/calls", { headers: { Authorization: "Bearer x" } })),
          ask("/twiml", { method: "POST", body: "x".repeat(100_000) }),
        ]);
      }
    });
    measured(`217 requests beside a call: the longest gap in its reply ${gapMs.toFixed(0)} ms`);
    expect(gapMs).toBeLessThanOrEqual(MAX_GAP_MS);
    expect(statuses).toContain(429);
  });

  it("does not notice messages that are never finished, and they are few", async () => {
    const before = workerdMb();
    const message = unfinished(30 * MIB, 24 * MIB);
    let taken: number[] = [];
    let grownMb = 0;
    const gapMs = await besideANeighbour(async (_, afterwards) => {
      const { url, callSid } = await announce(gateway);
      taken = [];
      const sockets: { destroy(): void }[] = [];
      const come = async () => {
        const { socket, status } = await rawUpgrade(url);
        sockets.push(socket);
        taken.push(status);
        if (status === 101) socket.write(message);
      };
      await Promise.all(Array.from({ length: 8 }, come));
      await pause(300);
      grownMb = workerdMb() - before;
      afterwards(() => {
        for (const socket of sockets) socket.destroy();
        void webhook(gateway, "/twiml/status", { CallSid: callSid, CallStatus: "completed" });
      });
    });
    measured(
      `8 unfinished messages of 30 MiB: ${taken.filter((status) => status === 101).length} taken, ` +
        `${grownMb.toFixed(0)} MB, the longest gap in a reply beside them ${gapMs.toFixed(0)} ms`,
    );
    expect(taken.filter((status) => status === 101).length).toBeLessThanOrEqual(3);
    expect(taken).toContain(429);
    expect(grownMb).toBeLessThan(3 * 32);
    expect(gapMs).toBeLessThanOrEqual(MAX_GAP_MS);
    await gateway.idle();
  });

  it("does not notice observers that read nothing of another call", async () => {
    const { url, token, callSid, callId } = await announce(gateway);
    const talker = new Stranger(url);
    await talker.say(startMessage(token, callSid));
    const digit = '{"event":"dtmf","streamSid":"MZ1","dtmf":{"digit":"5"}}';
    const say = (count: number) => talker.say(...Array<string>(count).fill(digit));
    await say(1_500);
    let slowestMs = 0;
    const gapMs = await besideANeighbour(async (_, afterwards) => {
      slowestMs = 0;
      const observers: { destroy(): void }[] = [];
      const headers = { Authorization: "Bearer an-admin-token-for-tests-only" };
      for (let i = 0; i < 16; i++)
        observers.push((await rawUpgrade(socketUrl(`/logs?call=${callId}`), headers)).socket);
      for (let i = 0; i < 6; i++) {
        await say(250);
        const beganMs = performance.now();
        await (await gateway.api(`/api/calls/${callId}`)).arrayBuffer();
        slowestMs = Math.max(slowestMs, performance.now() - beganMs);
        await pause(50);
      }
      afterwards(() => {
        for (const observer of observers) observer.destroy();
      });
    });
    measured(`16 deaf observers of 3,000 events: another request took ${slowestMs.toFixed(0)} ms at most`);
    expect(gapMs).toBeLessThanOrEqual(MAX_GAP_MS);
    expect(slowestMs).toBeLessThan(500);
    await talker.say('{"event":"stop","streamSid":"MZ1"}');
    await gateway.idle();
  });
});

// To 30 KB on the wire that become 30 MiB the platform agrees, unless it is told not to.
describe.each(["production", "staging"] as const)("strangers at the door of the Worker of %s", (environment) => {
  let direct: DirectGateway;
  beforeAll(async () => {
    direct = await DirectGateway.start(environment);
  });
  afterAll(async () => {
    await direct.close();
  });

  /** Brings a message, and waits until the socket is closed. */
  async function bring(
    url: string,
    message: Buffer,
    extension: string,
  ): Promise<{ status: number; extensions: string }> {
    const { socket, status, extensions } = await rawUpgrade(url, { "Sec-WebSocket-Extensions": extension });
    const closed = new Promise((resolve) => socket.once("close", resolve));
    // The close frame is read, and what is to be sent is not sent on.
    socket.once("data", () => socket.destroy());
    socket.resume();
    socket.write(message);
    await Promise.race([closed, pause(1_500)]);
    socket.destroy();
    return { status, extensions };
  }

  it.each([
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover, permessage-deflate",
    "x-webkit-deflate-frame",
  ])("agree on no compression: %s", async (extension) => {
    const { url, callSid } = await announce(direct);
    const { socket, status, extensions } = await rawUpgrade(url, { "Sec-WebSocket-Extensions": extension });
    socket.destroy();
    expect([status, extensions]).toEqual([101, ""]);
    await webhook(direct, "/twiml/status", { CallSid: callSid, CallStatus: "completed" });
  });

  it.each(["plain", "deflated"] as const)(
    "are not noticed by a neighbour, whatever they bring: 30 MiB, %s",
    async (form) => {
      const message = wholeText(30 * MIB, form);
      const taken = new Map<string, number>();
      const gapMs = await besideANeighbour(async () => {
        const { url, callSid } = await announce(direct);
        for (let i = 0; i < 8; i++) {
          const { status, extensions } = await bring(url, message, "permessage-deflate");
          taken.set(`${status}${extensions}`, (taken.get(`${status}${extensions}`) ?? 0) + 1);
        }
        await webhook(direct, "/twiml/status", { CallSid: callSid, CallStatus: "completed" });
      }, direct);
      measured(
        `8 messages of 30 MiB, ${form}, ${message.length} bytes: the longest gap beside them ${gapMs.toFixed(0)} ms`,
      );
      expect(gapMs).toBeLessThanOrEqual(MAX_GAP_MS);
      expect([...taken.keys()]).toEqual(["101"]);
    },
  );
});
