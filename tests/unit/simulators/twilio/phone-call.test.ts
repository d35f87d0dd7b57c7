import { afterEach, describe, expect, it } from "vitest";
import { align } from "../../../simulators/audio/analysis.ts";
import { decodeMulaw, encodeMulaw } from "../../../simulators/audio/mulaw.ts";
import { type DialOptions, PhoneCall, seededRandom } from "../../../simulators/twilio/phone-call.ts";
import { type Behaviour, type FakeGateway, startFakeGateway, TOKEN } from "./support/fake-gateway.ts";

const QUIET_MS = 200;

const gateways: FakeGateway[] = [];
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close();
});

async function start(behaviour?: Behaviour): Promise<FakeGateway> {
  const gateway = await startFakeGateway(behaviour);
  gateways.push(gateway);
  return gateway;
}

/** 400 ms that sound like nothing else, without a sample at 0. */
const WORDS = Int16Array.from({ length: 3200 }, (_, k) =>
  Math.round(8000 * Math.sin((2 * Math.PI * (200 + k / 8) * k) / 8000) + 50),
);
const AS_SENT = decodeMulaw(encodeMulaw(WORDS));

/** Says WORDS, hears the answer to its end, hangs up. */
async function talk(gateway: FakeGateway, options: Partial<DialOptions> = {}) {
  const call = await PhoneCall.dial({ url: gateway.url, authToken: TOKEN, agent: "parrot", ...options });
  const said = await call.say(WORDS);
  const heardMs = await call.firstHeardAfter(said.endMs, 5000);
  await call.quiet(QUIET_MS, 5000);
  call.hangUp();
  await call.ended;
  return { call, said, heardMs, record: call.record() };
}

describe("PhoneCall", () => {
  it("speaks, hears the answer where it was played, and hangs up", async () => {
    const gateway = await start();
    const { call, said, heardMs, record } = await talk(gateway);

    expect(call.failure).toBeUndefined();
    expect(record.violations).toEqual([]);
    expect(record.callId).toBe("c1");
    expect(said.endMs - said.startMs).toBe(400);
    // The gateway waits for 200 ms of silence.
    expect((heardMs ?? 0) - said.endMs).toBeGreaterThan(199);

    // Both recordings lie on the call's timeline, to the sample.
    const sent = align(record.sent, AS_SENT);
    expect(sent?.offset).toBe(Math.round(said.startMs * 8));
    const heard = align(record.heard, AS_SENT);
    expect(heard?.snrDb).toBeGreaterThan(80);
    expect(Math.abs((heard?.offset ?? 0) / 8 - (heardMs ?? 0))).toBeLessThanOrEqual(20);
  });

  it("sends what Twilio sends", async () => {
    const gateway = await start();
    const { call } = await talk(gateway);
    const [log] = gateway.streams;
    const messages = log?.messages ?? [];
    expect(messages[0]).toEqual({ event: "connected", protocol: "Call", version: "1.0.0" });
    const sid = messages[1]?.streamSid;
    expect(sid).toMatch(/^MZ[0-9a-f]{32}$/);
    expect(messages[1]).toEqual({
      event: "start",
      sequenceNumber: "1",
      streamSid: sid,
      start: {
        accountSid: expect.stringMatching(/^AC[0-9a-f]{32}$/),
        streamSid: sid,
        callSid: call.callSid,
        tracks: ["inbound"],
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
        customParameters: { token: "t0" },
      },
    });
    const media = messages.filter(({ event }) => event === "media");
    media.forEach(({ streamSid, media: body }, k) => {
      expect(streamSid).toBe(sid);
      expect(body).toEqual({
        track: "inbound",
        chunk: String(k + 1),
        timestamp: String(k * 20),
        payload: expect.any(String),
      });
      expect(Buffer.from(body?.payload ?? "", "base64")).toHaveLength(160);
    });
    expect(messages.slice(1).map(({ sequenceNumber }) => sequenceNumber)).toEqual(
      messages.slice(1).map((_, k) => String(k + 1)),
    );
    const marks = messages.filter(({ event }) => event === "mark");
    expect(marks).toEqual([
      { event: "mark", sequenceNumber: expect.any(String), streamSid: sid, mark: { name: "end" } },
    ]);
    expect(messages.at(-1)).toMatchObject({ event: "stop", stop: { callSid: call.callSid } });
  });

  it("signs the webhook and the upgrade", async () => {
    const gateway = await start();
    const { call } = await talk(gateway);
    expect(gateway.webhooks).toEqual([
      {
        path: "/twiml?agent=parrot",
        isSigned: true,
        form: {
          AccountSid: expect.stringMatching(/^AC/),
          ApiVersion: "2010-04-01",
          CallSid: call.callSid,
          CallStatus: "ringing",
          Direction: "inbound",
          From: "+15550001111",
          To: "+15550002222",
        },
      },
    ]);
    expect(gateway.streams[0]?.isSigned).toBe(true);
  });

  it("signs nothing without a token", async () => {
    const gateway = await start();
    await talk(gateway, { authToken: undefined });
    expect(gateway.webhooks[0]?.isSigned).toBe(false);
    expect(gateway.streams[0]?.isSigned).toBeUndefined();
  });

  it("drops what waits on clear: the caller hears no more of it", async () => {
    let isCleared = false;
    const gateway = await start({
      answer: (_, { send }) => {
        const second = Buffer.from(encodeMulaw(new Int16Array(8000).fill(4000))).toString("base64");
        send({ event: "media", media: { payload: second } });
        send({ event: "mark", mark: { name: "begin" } });
      },
      onMessage: (message, socket) => {
        const last = gateway.streams[0]?.messages.filter(({ event }) => event === "media").length ?? 0;
        // 20 frames of the answer.
        if (message.event === "media" && !isCleared && last === 60) {
          isCleared = true;
          socket.send(JSON.stringify({ event: "clear", streamSid: message.streamSid }));
        }
      },
    });
    const { record } = await talk(gateway);
    const [clear] = record.clears;
    expect(record.clears).toHaveLength(1);
    const heardMs = record.heard.filter((sample) => sample !== 0).length / 8;
    expect(heardMs + (clear?.droppedMs ?? 0)).toBeCloseTo(1000, 3);
    expect(heardMs).toBeGreaterThan(100);
    expect(heardMs).toBeLessThan(900);
    // The pending mark comes back at once.
    const marks = gateway.streams[0]?.messages.filter(({ event }) => event === "mark");
    expect(marks?.map(({ mark }) => mark?.name)).toEqual(["begin"]);
  });

  it("complains about what Twilio complains about, drops it, and goes on", async () => {
    const gateway = await start({
      answer: (heard, { send, socket, sid }) => {
        const payload = Buffer.from(heard).toString("base64");
        send({ event: "media", media: { payload: "/w==", track: "outbound" } });
        socket.send(Buffer.from(heard));
        socket.send(JSON.stringify({ event: "clear", streamSid: `${sid}x` }));
        socket.send("not JSON");
        send({ event: "media", media: { payload } });
      },
    });
    const { heardMs, record } = await talk(gateway);
    expect(record.violations.map(({ code }) => code)).toEqual([31951, 31950, 31951, 31951]);
    expect(record.violations[0]?.text).toContain('"track":"outbound"');
    expect(record.clears).toEqual([]);
    expect(heardMs).toBeDefined();
    expect(align(record.heard, AS_SENT)?.snrDb).toBeGreaterThan(80);
  });

  it("goes on with the next verb when the gateway closes the stream", async () => {
    const gateway = await start({
      documents: [
        '<Response>STREAM<Redirect method="POST">URL/twiml/c1</Redirect></Response>',
        "<Response>STREAM<Redirect>URL/twiml/c1</Redirect></Response>",
        "<Response><Hangup/></Response>",
      ],
      onMessage: (message, socket, streams) => {
        if (message.media?.chunk === "5") socket.close(streams === 1 ? 1011 : 1000);
      },
    });
    const call = await PhoneCall.dial({ url: gateway.url, authToken: TOKEN });
    await call.ended;
    expect(gateway.webhooks.map(({ path }) => path)).toEqual(["/twiml", "/twiml/c1", "/twiml/c1"]);
    expect(gateway.webhooks.map(({ isSigned }) => isSigned)).toEqual([true, true, true]);
    expect(gateway.webhooks.map(({ form }) => form.CallStatus)).toEqual(["ringing", "in-progress", "in-progress"]);
    expect(new Set(gateway.webhooks.map(({ form }) => form.CallSid))).toEqual(new Set([call.callSid]));
    expect(gateway.streams).toHaveLength(2);
    expect(new Set(gateway.streams.map(({ messages }) => messages[1]?.streamSid)).size).toBe(2);
    expect(call.record().closeCode).toBe(1000);
    expect(call.failure).toBeUndefined();
  });

  it("gives a call up that redirects for ever", async () => {
    const documents = Array.from({ length: 20 }, () => "<Response><Redirect>URL/twiml/c1</Redirect></Response>");
    const gateway = await start({
      documents: ["<Response>STREAM<Redirect>URL/twiml/c1</Redirect></Response>", ...documents],
      onMessage: (message, socket) => {
        if (message.media?.chunk === "1") socket.close(1000);
      },
    });
    const call = await PhoneCall.dial({ url: gateway.url, authToken: TOKEN });
    await call.ended;
    expect(call.failure).toMatch(/for ever/);
    expect(gateway.webhooks).toHaveLength(10);
  });

  it.each([
    ["a webhook that fails", { status: 503 }, /503/],
    ["a rejection", { documents: ['<Response><Reject reason="busy"/></Response>'] }, /busy/],
    ["no stream", { documents: ["<Response><Hangup/></Response>"] }, /no stream/],
    ["no TwiML", { documents: ["{}"] }, /not well-formed|no <Response>/],
  ] satisfies [string, Behaviour, RegExp][])("cannot be placed with %s", async (_, behaviour, message) => {
    const gateway = await start(behaviour);
    await expect(PhoneCall.dial({ url: gateway.url, authToken: TOKEN })).rejects.toThrow(message);
  });

  it("loses frames, but neither their time nor their numbers", async () => {
    const gateway = await start();
    const { record } = await talk(gateway, { loss: 0.2, seed: 4 });
    expect(record.sent.length).toBeGreaterThan(0);
    const media = gateway.streams[0]?.messages.flatMap(({ event, media: body }) =>
      event === "media" && body ? [body] : [],
    );
    const chunks = media?.map(({ chunk }) => Number(chunk)) ?? [];
    const lost = (chunks.at(-1) ?? 0) - chunks.length;
    expect(lost).toBeGreaterThan(0);
    expect(lost / (chunks.at(-1) ?? 1)).toBeLessThan(0.5);
    for (const { chunk, timestamp } of media ?? []) expect(Number(timestamp)).toBe((Number(chunk) - 1) * 20);
  });

  it("delays frames without changing their order", async () => {
    const gateway = await start();
    await talk(gateway, { jitterMs: 60, seed: 9 });
    const chunks = gateway.streams[0]?.messages.flatMap(({ media }) => (media ? [Number(media.chunk)] : [])) ?? [];
    expect(chunks.length).toBeGreaterThan(20);
    expect(chunks).toEqual(chunks.map((_, k) => k + 1));
  });
});

describe("seededRandom", () => {
  it("is the same for the same seed, and even", () => {
    const draw = (seed: number) => Array.from({ length: 2000 }, seededRandom(seed));
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
    const mean = draw(5).reduce((sum, value) => sum + value, 0) / 2000;
    expect(mean).toBeGreaterThan(0.46);
    expect(mean).toBeLessThan(0.54);
  });
});
