import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { align } from "../../../simulators/audio/analysis.ts";
import { decodeMulaw, encodeMulaw } from "../../../simulators/audio/mulaw.ts";
import { readWav8k, writeWav } from "../../../simulators/audio/wav.ts";
import { type Behaviour, type FakeGateway, startFakeGateway, TOKEN } from "./support/fake-gateway.ts";

const CALL = path.join(import.meta.dirname, "../../../simulators/call.ts");

const folder = mkdtempSync(path.join(tmpdir(), "call-"));
const wordsFile = path.join(folder, "words.wav");
const WORDS = Int16Array.from({ length: 3200 }, (_, k) =>
  Math.round(8000 * Math.sin((2 * Math.PI * (200 + k / 8) * k) / 8000) + 50),
);
writeWav(wordsFile, WORDS, 8000);
const AS_SENT = decodeMulaw(encodeMulaw(WORDS));
afterAll(() => rmSync(folder, { recursive: true }));

const gateways: FakeGateway[] = [];
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close();
});

async function start(behaviour?: Behaviour): Promise<FakeGateway> {
  const gateway = await startFakeGateway(behaviour);
  gateways.push(gateway);
  return gateway;
}

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CALL, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString("utf8");
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString("utf8");
    });
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
}

describe("npm run call", () => {
  it("prints one JSON object, with the recordings where it says", async () => {
    const gateway = await start();
    const out = path.join(folder, "plain");
    const args = ["--wav", wordsFile, "--url", gateway.url, "--auth-token", TOKEN, "--out", out, "--json"];
    const { status, stdout } = await run(...args);
    const report = JSON.parse(stdout);
    expect(report.errors).toEqual([]);
    expect(status).toBe(0);
    expect(report.callId).toBe("c1");
    const { speechEndMs, endOfTurnMs, firstAudioSentMs, firstAudioHeardMs, clears, truncations } = report.timeline;
    // The gateway takes 200 ms of silence for the end of the turn.
    expect(endOfTurnMs).toBeGreaterThan(speechEndMs + 190);
    expect(firstAudioSentMs).toBeGreaterThanOrEqual(endOfTurnMs);
    expect(firstAudioHeardMs).toBeGreaterThan(speechEndMs + 190);
    expect([clears, truncations]).toEqual([[], []]);
    // Good to the noise of mu-law.
    expect(align(readWav8k(report.sentWav), AS_SENT)?.snrDb).toBeGreaterThan(35);
    const heard = align(readWav8k(report.heardWav), AS_SENT);
    expect(heard?.snrDb).toBeGreaterThan(80);
    expect(Math.abs((heard?.offset ?? 0) / 8 - firstAudioHeardMs)).toBeLessThanOrEqual(20);
    expect(JSON.parse(readFileSync(path.join(out, "timeline.json"), "utf8")).callId).toBe("c1");
  });

  it("prints a timeline for people", async () => {
    const gateway = await start();
    const args = ["--wav", wordsFile, "--url", gateway.url, "--auth-token", TOKEN, "--out", path.join(folder, "text")];
    const { status, stdout } = await run(...args);
    expect(status).toBe(0);
    expect(stdout).toMatch(/\d+ ms {2}speech end\n/);
    expect(stdout).toMatch(/\d+ ms {2}first audio heard\n/);
    expect(stdout).toContain(path.join(folder, "text", "heard.wav"));
  });

  it("asks for the agent by the gateway's name for it", async () => {
    const gateway = await start({ status: 503 });
    await run("--wav", wordsFile, "--agent", "realtime", "--url", gateway.url, "--json");
    expect(gateway.webhooks[0]?.path).toBe("/twiml?agent=openai-realtime");
  });

  it("fails when the gateway breaks the protocol", async () => {
    const gateway = await start({
      answer: (heard, { send, socket }) => {
        socket.send("{}");
        send({ event: "media", media: { payload: Buffer.from(heard).toString("base64") } });
      },
    });
    const args = ["--wav", wordsFile, "--url", gateway.url, "--auth-token", TOKEN, "--json"];
    const { status, stdout } = await run(...args, "--out", path.join(folder, "bad"));
    expect(status).toBe(1);
    expect(JSON.parse(stdout).errors).toEqual(["31951: {}"]);
  });

  it("fails when the gateway ends the call", async () => {
    const gateway = await start({
      onMessage: ({ media }, socket) => {
        if (media?.chunk === "10") socket.close(1011);
      },
    });
    const args = ["--wav", wordsFile, "--url", gateway.url, "--auth-token", TOKEN, "--json"];
    const { status, stdout } = await run(...args, "--out", path.join(folder, "lost"));
    expect(status).toBe(1);
    expect(JSON.parse(stdout).errors).toContain("no reply was heard");
  });

  // The sound of waiting was taken for the reply, and heard 0 ms after the words.
  it("does not take what is heard while the agent is not reached for a reply", async () => {
    const gateway = await start({ isDeaf: true });
    const args = ["--wav", wordsFile, "--url", gateway.url, "--auth-token", TOKEN, "--out", path.join(folder, "deaf")];
    const { status, stdout } = await run(...args);
    expect(status).toBe(1);
    expect(stdout).not.toMatch(/was heard \d/);
    expect(stdout).toContain("- ms  first audio heard\n");
    expect(stdout).toMatch(/\d+ ms {2}agentFailed \(connectFailed\)\n/);
    expect(stdout).toContain("note: the agent was not reached (connectFailed)\n");
    expect(stdout).toContain("error: no reply was heard\n");
  });

  it("fails with JSON all the same when no call comes about", async () => {
    const gateway = await start({ documents: ['<Response><Reject reason="busy"/></Response>'] });
    const { status, stdout } = await run("--wav", wordsFile, "--url", gateway.url, "--json");
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ callId: null, errors: [expect.stringContaining("busy")] });
  });

  it.each([
    ["no WAV", []],
    ["a WAV that is not there", ["--wav", path.join(folder, "none.wav")]],
    ["an option that is none", ["--wav", wordsFile, "--loudly"]],
    ["a loss without a percentage", ["--wav", wordsFile, "--loss", "2"]],
    ["a loss above all", ["--wav", wordsFile, "--loss", "101%"]],
    ["a time without a unit", ["--wav", wordsFile, "--interrupt-at", "1200"]],
  ])("is not understood with %s", async (_, args) => {
    const { status, stdout, stderr } = await run(...args);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("npm run call -- --wav FILE");
  });

  it("explains itself", async () => {
    const { status, stdout } = await run("--help");
    expect(status).toBe(0);
    expect(stdout).toContain("--interrupt-at");
  });
});
