// Calls over real sockets into the built Worker, answered by the parrot.

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { align, clicks, gaps, speechBounds } from "../simulators/audio/analysis.ts";
import { decodeMulaw, encodeMulaw } from "../simulators/audio/mulaw.ts";
import { sign } from "../simulators/twilio/signature.ts";
import { parseTwiml } from "../simulators/twilio/twiml.ts";
import { measured } from "../support/measured.ts";
import { Gateway, waitForEvent } from "./support/gateway.ts";
import { prepareVoices, voice } from "./support/voice.ts";

/** The parrot's own default, docs/boundary.md. */
const END_OF_TURN_MS = 700;

let gateway: Gateway;
beforeAll(async () => {
  prepareVoices();
  gateway = await Gateway.start();
});
afterAll(async () => {
  await gateway.close();
});

describe("a call", () => {
  it("is answered with the caller's own words, whole, in time, and logged once", async () => {
    const words = voice(1600);
    const call = await gateway.dial();
    const observer = gateway.observe(call.callId);
    const spoken = await call.say(words);
    const heardAt = await call.firstHeardAfter(spoken.endMs);
    await call.quiet(800);
    call.hangUp();
    await call.ended;
    const ended = await waitForEvent(observer, "ended");
    expect(ended["reason"]).toBe("callerHangUp");

    const record = call.record();
    expect(record.violations).toEqual([]);
    expect(record.underruns).toBe(0);
    expect((heardAt ?? Number.POSITIVE_INFINITY) - spoken.endMs).toBeLessThanOrEqual(END_OF_TURN_MS + 60);
    const bounds = speechBounds(words) ?? { start: 0, end: words.length };
    const line = decodeMulaw(encodeMulaw(words.subarray(bounds.start, bounds.end)));
    const reply = record.heard.subarray(Math.round(spoken.endMs * 8));
    const match = align(reply, line);
    expect(match?.snrDb).toBeGreaterThanOrEqual(20);
    const found = reply.subarray(match?.offset ?? 0, (match?.offset ?? 0) + line.length);
    expect(clicks(found, line)).toEqual([]);
    expect(gaps(found, line)).toEqual([]);

    await gateway.idle();
    expect(observer.events.filter((event) => event.type === "ended")).toHaveLength(1);
  });

  it("survives lost and late frames", async () => {
    const call = await gateway.dial({ loss: 0.02, jitterMs: 30, seed: 5 });
    const spoken = await call.say(voice(2000));
    expect(await call.firstHeardAfter(spoken.endMs)).toBeDefined();
    await call.quiet(800);
    call.hangUp();
    await call.ended;
    expect(call.record().violations).toEqual([]);
    expect(call.record().underruns).toBe(0);
  });

  it("resumes after a cough", async () => {
    const call = await gateway.dial();
    const observer = gateway.observe(call.callId);
    const spoken = await call.say(voice(2500));
    const heardAt = (await call.firstHeardAfter(spoken.endMs)) ?? 0;
    await call.until(() => call.clock() > heardAt + 800, 3000);
    await call.say(voice(140, 3));
    await call.quiet(800);
    call.hangUp();
    await call.ended;
    await waitForEvent(observer, "ended");
    const types = observer.events.map((event) => event.type);
    expect(types).toContain("resumed");
    expect(types).not.toContain("truncated");
    const heardMs = call.audible.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
    expect(heardMs).toBeGreaterThan(2300);
  });
});

describe("fifty interruptions", () => {
  it("clear within 60 ms of the decision and leave no stale audio", async () => {
    const Calls = 10;
    const Each = 5;
    const delays: number[] = [];
    const stale: number[] = [];
    const errors: number[] = [];
    await Promise.all(
      Array.from({ length: Calls }, async (_, index) => {
        const call = await gateway.dial({ seed: index + 1 });
        const observer = gateway.observe(call.callId);
        await call.say(voice(3000, index + 1));
        for (let i = 0; i < Each; i++) {
          const from = call.clock();
          const heardAt = await call.firstHeardAfter(from, 8_000);
          expect(heardAt).toBeDefined();
          await call.until(() => call.clock() > (heardAt ?? 0) + 300 + 137 * ((index + i) % 5), 5_000);
          const before = call.record().clears.length;
          // Long enough to be interrupted itself when it comes back.
          await call.say(voice(2500, index + i + 2));
          const clear = call.record().clears[before];
          expect(clear).toBeDefined();
          await waitForEvent(observer, "truncated", i + 1);
          const offset = observer.offsetMs(call.epochMs) ?? 0;
          const cleared = observer.events.filter((event) => event.type === "cleared").at(-1);
          const truncated = observer.events.filter((event) => event.type === "truncated").at(-1);
          delays.push((clear?.atMs ?? 0) - ((cleared?.atMs ?? 0) + offset));
          // Between the clear and the answer to the interruption nothing may be heard.
          const spokenUntil = call.record().utterances.at(-1)?.endMs ?? 0;
          stale.push(
            call.audible.reduce(
              (sum, { startMs, endMs }) =>
                sum + Math.max(0, Math.min(endMs, spokenUntil) - Math.max(startMs, clear?.atMs ?? 0)),
              0,
            ),
          );
          const started = observer.events.filter((event) => event.type === "replyStarted").at(-1);
          const heardOfReply = call.streams[0]?.playout?.heard
            .filter(({ atMs }) => atMs >= (started?.atMs ?? 0) + offset - 30 && atMs < (clear?.atMs ?? 0))
            .reduce((sum, { bytes }) => sum + bytes.length / 8, 0);
          errors.push(Math.abs(Number(truncated?.["audioEndMs"]) - (heardOfReply ?? 0)));
        }
        call.hangUp();
        await call.ended;
        expect(call.record().violations).toEqual([]);
      }),
    );
    expect(delays).toHaveLength(Calls * Each);
    const worst = (values: number[]) => Math.max(...values);
    measured(
      `50 interruptions: decision to clear at most ${worst(delays).toFixed(0)} ms, stale audio at most ` +
        `${worst(stale).toFixed(0)} ms, truncation error at most ${worst(errors).toFixed(0)} ms`,
    );
    expect(worst(delays)).toBeLessThanOrEqual(60);
    expect(worst(stale)).toBeLessThanOrEqual(20);
    expect(worst(errors)).toBeLessThanOrEqual(40);
    await gateway.idle();
  });
});

describe("faults", () => {
  it("in one call leave twenty others unharmed", async () => {
    const others = await Promise.all(Array.from({ length: 20 }, (_, i) => gateway.dial({ seed: i + 1 })));
    const victim = await gateway.dial();
    const observer = gateway.observe(victim.callId);
    await waitForEvent(observer, "agentReady");
    const replies = others.map(async (call, i) => {
      const spoken = await call.say(voice(900, i + 1));
      return call.firstHeardAfter(spoken.endMs, 8_000);
    });
    expect(await gateway.fault(victim.callId, { type: "command", command: { type: "crash" } })).toBeLessThan(600);
    await victim.ended;
    expect(victim.record().closeCode).toBe(1011);
    for (const heardAt of await Promise.all(replies)) expect(heardAt).toBeDefined();
    await Promise.all(
      others.map(async (call) => {
        await call.quiet(500);
        expect(call.over).toBe(false);
        call.hangUp();
        await call.ended;
        expect(call.record().violations).toEqual([]);
      }),
    );
    const health = await gateway.idle();
    expect(health.calls.ended["coreFault"]).toBe(1);
  });

  it("an object that is lost is reached again through the redirect, and ends once", async () => {
    const before = (await gateway.health()).calls.ended;
    const call = await gateway.dial();
    const observer = gateway.observe(call.callId);
    await waitForEvent(observer, "agentReady");
    await gateway.fault(call.callId, { type: "abort" });
    await call.until(() => call.streams.length === 2, 10_000);
    expect(call.streams).toHaveLength(2);
    const again = gateway.observe(call.callId);
    const spoken = await call.say(voice(900));
    expect(await call.firstHeardAfter(spoken.endMs, 8_000)).toBeDefined();
    await call.quiet(500);
    call.hangUp();
    await call.ended;
    await waitForEvent(again, "ended");
    const health = await gateway.idle();
    const total = (counts: Record<string, number>) => Object.values(counts).reduce((sum, n) => sum + n, 0);
    expect(total(health.calls.ended) - total(before)).toBe(1);
    expect(health.calls.ended["callerHangUp"] ?? 0).toBe((before["callerHangUp"] ?? 0) + 1);
  });

  it("a stream that breaks comes back to the same session", async () => {
    const call = await gateway.dial();
    const observer = gateway.observe(call.callId);
    const spoken = await call.say(voice(2500));
    await call.firstHeardAfter(spoken.endMs);
    call.stream.drop();
    await call.until(() => call.streams.length === 2, 10_000);
    await call.quiet(1000);
    call.hangUp();
    await call.ended;
    await waitForEvent(observer, "ended");
    const reasons = observer.events.filter((event) => event.type === "state").map((event) => event["reason"]);
    expect(reasons).toContain("legGone");
    expect(reasons).toContain("legBack");
    expect(observer.events.filter((event) => event.type === "ended")).toHaveLength(1);
    await gateway.idle();
  });
});

describe("every call above", () => {
  it("is made again natively, to the bit", { timeout: 120_000 }, async () => {
    const { same, different } = await gateway.replayAll();
    measured(`${same.length} calls made again natively: the same`);
    expect([...different]).toEqual([]);
    expect(same.length).toBeGreaterThanOrEqual(30);
  });
});

// Last: calls that are prepared and never come hold their lease for a while.
describe("media without a valid start", () => {
  /** Announces a call, one that the carrier has not announced before unless it is given. */
  async function prepare(callSid = `CA${randomBytes(16).toString("hex")}`) {
    const url = `${gateway.url}/twiml`;
    const parameters = { CallSid: callSid, From: "+15550001111", To: "+15550002222" };
    const response = await fetch(url, {
      method: "POST",
      headers: { "X-Twilio-Signature": sign(gateway.authToken, url, parameters) },
      body: new URLSearchParams(parameters),
    });
    const [verb] = parseTwiml(await response.text());
    if (verb?.verb !== "stream") throw new Error("no stream");
    return { ...verb, callSid };
  }

  function start(token: string | undefined, callSid: string): string {
    return JSON.stringify({
      event: "start",
      sequenceNumber: "1",
      streamSid: "MZ1",
      start: {
        streamSid: "MZ1",
        callSid,
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
        customParameters: token === undefined ? {} : { token },
      },
    });
  }

  function closeCode(url: string, ...messages: (string | Buffer)[]): Promise<number> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      socket.on("open", () => {
        for (const message of messages) socket.send(message);
      });
      socket.on("close", resolve);
      socket.on("error", reject);
    });
  }

  it("is closed with 4401 after five seconds", async () => {
    const { url } = await prepare();
    const before = Date.now();
    expect(await closeCode(url, '{"event":"connected"}')).toBe(4401);
    expect(Date.now() - before).toBeGreaterThan(4500);
    expect(Date.now() - before).toBeLessThan(7000);
  });

  it("is closed with 4401 without a token and with 4403 for a foreign one", async () => {
    const first = await prepare();
    const second = await prepare();
    expect(await closeCode(first.url, start(undefined, first.callSid))).toBe(4401);
    // Another call's token, whichever carrier's call brings it.
    const foreign = await prepare();
    expect(await closeCode(foreign.url, start(second.parameters["token"], foreign.callSid))).toBe(4403);
    const other = await prepare();
    expect(await closeCode(other.url, start(second.parameters["token"], second.callSid))).toBe(4403);
    const madeUp = await prepare();
    expect(await closeCode(madeUp.url, start("made-up", madeUp.callSid))).toBe(4403);
    // The right token for another carrier's call.
    const third = await prepare();
    expect(await closeCode(third.url, start(third.parameters["token"], "CAother"))).toBe(4403);
  });

  it("takes a token once", async () => {
    const { url, parameters, callSid } = await prepare();
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await new Promise((resolve) => socket.once("open", resolve));
    socket.send(start(parameters["token"], callSid));
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.terminate();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await closeCode(url, start(parameters["token"], callSid))).toBe(4409);
  });

  it("answers garbage by its rules", async () => {
    const garbage = Array.from({ length: 20 }, (_, i) => (i % 2 ? "{" : '{"event":7}'));
    expect(await closeCode((await prepare()).url, ...garbage)).toBe(4400);
    expect(await closeCode((await prepare()).url, Buffer.alloc(10_000_000, 0x20))).toBe(1009);
    expect(await closeCode((await prepare()).url, "x".repeat(10_000_000))).toBe(1009);
  });

  it("is not what a webhook that comes twice gets: it is the same call", async () => {
    const calls = async () => (await gateway.health()).calls.admitted;
    const first = await prepare();
    const admitted = await calls();
    const second = await prepare(first.callSid);
    expect(second.url).toBe(first.url);
    expect(await calls()).toBe(admitted);
    // The later token opens the stream; then the webhook is answered with a hang-up, and the stream goes on.
    const socket = new WebSocket(second.url, { perMessageDeflate: false });
    await new Promise((resolve) => socket.once("open", resolve));
    let closed = false;
    socket.once("close", () => {
      closed = true;
    });
    socket.send(start(second.parameters["token"], second.callSid));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await expect(prepare(first.callSid)).rejects.toThrow("no stream");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([closed, await calls()]).toEqual([false, admitted]);
    socket.send('{"event":"stop"}');
    await new Promise((resolve) => socket.once("close", resolve));
    await expect(prepare(first.callSid)).rejects.toThrow("no stream");
    expect(await calls()).toBe(admitted);
  });

  it("refuses an unsigned or wrongly signed webhook", async () => {
    const url = `${gateway.url}/twiml`;
    const body = new URLSearchParams({ CallSid: "CA1" });
    expect((await fetch(url, { method: "POST", body })).status).toBe(403);
    expect((await fetch(url, { method: "POST", body, headers: { "X-Twilio-Signature": "AAAA" } })).status).toBe(403);
  });
});
