import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

  const file = (name: string, bytes: Uint8Array | string) => {
    const where = path.join(folder, name);
    writeFileSync(where, bytes);
    return where;
  };
  const silent = path.join(folder, "short.wav");
  writeWav(silent, new Int16Array(150), 8000);
  const whole = readFileSync(wordsFile);
  const to = (url: string) => ["--wav", wordsFile, "--url", url];

  it.each([
    ["no WAV", [], "--wav is missing"],
    ["a WAV that is not there", ["--wav", path.join(folder, "none.wav")], "none.wav: there is no such file"],
    ["a WAV that is a folder", ["--wav", folder], "that is a folder"],
    ["an empty file", ["--wav", file("empty.wav", "")], "empty.wav: not a RIFF WAVE file"],
    ["a file that is no WAV", ["--wav", file("text.wav", "Good morning, Sir")], "text.wav: not a RIFF WAVE file"],
    ["a WAV of nothing", ["--wav", file("head.wav", whole.subarray(0, 44))], "head.wav: there is no sound in it"],
    ["a WAV without data", ["--wav", file("fmt.wav", whole.subarray(0, 36))], "fmt.wav: no data chunk"],
    ["a WAV cut in its head", ["--wav", file("cut.wav", whole.subarray(0, 24))], "cut.wav: its fmt chunk is cut short"],
    ["a WAV of less than a frame", ["--wav", silent], "short.wav: there is no sound in it"],
    [
      "words of interruption that are none",
      ["--wav", wordsFile, "--interrupt-at", "1s", "--interrupt-wav", silent],
      "--interrupt-wav ",
    ],
    ["words of interruption for no time", ["--wav", wordsFile, "--interrupt-wav", wordsFile], "without --interrupt-at"],
    ["an option that is none", ["--wav", wordsFile, "--loudly"], "--loudly"],
    ["a loss without a percentage", ["--wav", wordsFile, "--loss", "2"], '--loss: "2" is no percentage: write 2%'],
    ["a loss above all", ["--wav", wordsFile, "--loss", "101%"], '--loss: "101%"'],
    ["a time without a unit", ["--wav", wordsFile, "--interrupt-at", "1200"], '--interrupt-at: "1200" is no time'],
    ["a time that is none", ["--wav", wordsFile, "--interrupt-at", "soon"], '--interrupt-at: "soon" is no time'],
    ["a negative time", ["--wav", wordsFile, "--interrupt-at=-1s"], '--interrupt-at: "-1s" is no time'],
    ["a jitter that is none", ["--wav", wordsFile, "--jitter", "x"], '--jitter: "x" is no time'],
    ["an address without a scheme", to("127.0.0.1:8787"), '--url: "127.0.0.1:8787" is no address of a gateway'],
    ["an address of nothing", to(""), '--url: "" is no address'],
    ["an address of a socket", to("ws://127.0.0.1:8787"), "write http://HOST:PORT"],
    ["an address with a query", to("http://127.0.0.1:8787/?a=b"), "write http://HOST:PORT"],
    ["a port that is none", to("http://127.0.0.1:99999"), "write http://HOST:PORT"],
    [
      "a folder below a file",
      ["--wav", wordsFile, "--out", path.join(wordsFile, "x")],
      "recordings cannot be kept there (ENOTDIR)",
    ],
    ["a file for a folder", ["--wav", wordsFile, "--out", wordsFile], "recordings cannot be kept there (EEXIST)"],
  ])("places no call with %s", async (_, args, why) => {
    const gateway = await start();
    const { status, stdout, stderr } = await run(...(args.includes("--url") ? args : [...args, "--url", gateway.url]));
    expect([status, stdout]).toEqual([2, ""]);
    const [first = "", second] = stderr.split("\n");
    expect(first).toMatch(/^npm run call: /);
    expect(first).toContain(why);
    expect(second).toBe("");
    expect(stderr).toContain("npm run call -- --wav FILE");
    expect(gateway.webhooks).toEqual([]);
  });

  it("makes the folder for its recordings before it calls", async () => {
    const gateway = await start({ status: 503 });
    const out = path.join(folder, "new", "er");
    expect(await run("--wav", wordsFile, "--url", gateway.url, "--out", out)).toMatchObject({ status: 1 });
    expect(readdirSync(out)).toEqual([]);
  });

  it("says that no gateway answers, and how there would be one", async () => {
    const gateway = await startFakeGateway();
    await gateway.close();
    const why = `no gateway answers at ${gateway.url} (ECONNREFUSED); scripts/dev starts one on this machine`;
    const people = await run("--wav", wordsFile, "--url", gateway.url);
    expect(people).toEqual({ status: 1, stdout: "", stderr: `The call failed: ${why}\n` });
    const json = await run("--wav", wordsFile, "--url", gateway.url, "--json");
    expect([json.status, json.stderr, JSON.parse(json.stdout).errors]).toEqual([1, "", [why]]);
  });

  // It spoke into the silence and took what came then for the reply to an interruption.
  it.each(["1500ms", "9s"])("says that a reply was over before %s of it", async (time) => {
    const gateway = await start();
    const out = path.join(folder, `over-${time}`);
    const args = ["--wav", wordsFile, "--interrupt-at", time, "--url", gateway.url, "--auth-token", TOKEN];
    const { status, stdout } = await run(...args, "--out", out, "--json");
    expect(status).toBe(1);
    const { errors, timeline } = JSON.parse(stdout);
    expect(errors).toEqual([
      expect.stringMatching(/^the reply was over after \d+ ms: --interrupt-at \d+ms is behind its end$/),
    ]);
    expect(timeline.clears).toEqual([]);
  });

  it("explains itself", async () => {
    const { status, stdout } = await run("--help");
    expect(status).toBe(0);
    expect(stdout).toContain("--interrupt-at");
  });
});
