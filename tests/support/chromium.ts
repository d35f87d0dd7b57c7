// Recordings as a browser decodes them, with its demultiplexer and its build of libopus.

import { spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { DECODED_HZ, type Sides, sidesOf } from "./decoders.ts";

const NAMES = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];
const TIMEOUT_MS = 120_000;

/** The browser, by CHROMIUM or on the PATH; undefined if there is none. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  const candidates = [
    ...(process.env.CHROMIUM ? [process.env.CHROMIUM] : []),
    ...NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))),
  ];
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What decodeAudioData makes of a file, and what an audio element takes its length for, seconds. */
export interface BrowserDecoded {
  readonly sides: Sides;
  readonly elementSeconds: number;
}

const PAGE = `<!doctype html><script type="module">
  const context = new OfflineAudioContext(2, 1, ${DECODED_HZ});
  const elementSeconds = (url) => new Promise((resolve) => {
    const audio = new Audio();
    audio.preload = "metadata";
    audio.onloadedmetadata = () => resolve(audio.duration);
    audio.onerror = () => resolve(-1);
    audio.src = url;
  });
  const count = Number(await (await fetch("/count")).text());
  for (let i = 0; i < count; i++) {
    let body = new Uint8Array();
    let fault = "";
    const seconds = await elementSeconds("/files/" + i);
    try {
      const buffer = await context.decodeAudioData(await (await fetch("/files/" + i)).arrayBuffer());
      if (buffer.numberOfChannels !== 2) throw new Error(buffer.numberOfChannels + " channels");
      const both = new Float32Array(2 * buffer.length);
      for (const side of [0, 1]) buffer.getChannelData(side).forEach((value, k) => { both[2 * k + side] = value; });
      body = both;
    } catch (error) {
      fault = String(error);
    }
    await fetch("/decoded/" + i + "?seconds=" + seconds + "&fault=" + encodeURIComponent(fault), { method: "POST", body });
  }
  await fetch("/done", { method: "POST" });
</script>`;

/** As the gateway does: an element asks for a file's end to know how long it is. */
function serve(file: Uint8Array, range: string | undefined, response: ServerResponse): void {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  const from = Number(first ?? 0);
  const part = file.subarray(from, last ? Number(last) + 1 : file.length);
  response.setHeader("Content-Type", "audio/ogg").setHeader("Accept-Ranges", "bytes");
  response.setHeader("Content-Length", part.length);
  if (first !== undefined)
    response.setHeader("Content-Range", `bytes ${from}-${from + part.length - 1}/${file.length}`);
  response.writeHead(first === undefined ? 200 : 206).end(part);
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // Nobody of it is left.
  }
}

/** Decodes each file in one browser. @throws {Error} when it cannot decode one, or says nothing for two minutes */
export async function decodeByChromium(browser: string, files: readonly Uint8Array[]): Promise<BrowserDecoded[]> {
  const decoded: BrowserDecoded[] = [];
  const profile = mkdtempSync(path.join(tmpdir(), "chromium-"));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let asked = Date.now();
  const server = createServer((request, response) => {
    asked = Date.now();
    const url = new URL(request.url ?? "/", "http://localhost");
    const file = files[Number(/^\/files\/(\d+)$/.exec(url.pathname)?.[1] ?? -1)];
    if (url.pathname === "/") return response.setHeader("Content-Type", "text/html").end(PAGE);
    if (url.pathname === "/count") return response.end(String(files.length));
    if (file) return serve(file, request.headers.range, response);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    return request.on("end", () => {
      response.end();
      const number = /^\/decoded\/(\d+)$/.exec(url.pathname)?.[1];
      if (url.pathname === "/done") resolve();
      if (number === undefined) return;
      const fault = url.searchParams.get("fault");
      if (fault) reject(new Error(`file ${number}: ${fault}`));
      const bytes = Buffer.concat(chunks);
      decoded[Number(number)] = {
        sides: sidesOf(new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))),
        elementSeconds: Number(url.searchParams.get("seconds")),
      };
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const options = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`];
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  // A group of its own: what is on the PATH may be a script that starts the browser, and does not take it along.
  const child = spawn(browser, [...options, "--remote-debugging-port=0", address], { stdio: "ignore", detached: true });
  const ended = new Promise<void>((exit) => child.once("close", () => exit()));
  child.once("error", reject);
  child.once("close", (code) => reject(new Error(`${browser} ended with ${code}`)));
  const timeout = setInterval(() => {
    if (Date.now() - asked > TIMEOUT_MS) reject(new Error(`${browser} has not answered`));
  }, 1_000);
  try {
    await promise;
    return decoded;
  } finally {
    clearInterval(timeout);
    if (child.pid !== undefined) endGroup(child.pid);
    await ended;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
