// The speech Worker with a voice and ears that fail in the middle: by a trap of their module, or, below /gone, with all of
// their isolate.

import { Ears } from "../../../worker-shim/speech/ears.ts";
import { Listener } from "../../../worker-shim/speech/listener.ts";
import type { Recognizer } from "../../../worker-shim/speech/recognizer.ts";
import { Speakers } from "../../../worker-shim/speech/speaker.ts";
import type { Synthesizer } from "../../../worker-shim/speech/synthesizer.ts";

/** From the first chunk of an answer to its breaking off. */
const BREAK_MS = 50;

const silent = { info() {}, warn() {}, error() {} };

function trap(): never {
  throw new WebAssembly.RuntimeError("unreachable");
}

/** Speaks one stretch of silence. */
class TrappingVoice {
  readonly rateHz = 8000;
  #stretches = 0;
  begin(): void {}
  next() {
    if (this.#stretches++ > 0) trap();
    return { samples: new Int16Array(8000), words: [] };
  }
}

const trappingEars = { expect: () => [], start() {}, feed: trap };
const speakers = new Speakers(() => new TrappingVoice() as unknown as Synthesizer, silent);
const ears = new Ears(async () => trappingEars as unknown as Recognizer);

/** What is left of an answer whose isolate is gone. */
function brokenOff(): ReadableStream<Uint8Array> {
  let chunks = 0;
  return new ReadableStream({
    async pull(controller) {
      if (chunks++ === 0) return controller.enqueue(new TextEncoder().encode('{"type":"audio"'));
      // What has been written is read before.
      await new Promise((resolve) => setTimeout(resolve, BREAK_MS));
      controller.error(new Error("the isolate is gone"));
    },
  });
}

function listen(): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  const listener = new Listener(server, ears, silent);
  server.binaryType = "arraybuffer";
  server.accept();
  server.addEventListener("message", ({ data }) => {
    if (typeof data === "string") listener.onText(data);
    else if (data instanceof ArrayBuffer) listener.onAudio(data);
  });
  return new Response(null, { status: 101, webSocket: client });
}

export default {
  async fetch(request: Request): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case "/speak":
        return new Response(speakers.speak({ text: "", pace: 100 }));
      case "/listen":
        return listen();
      case "/gone/speak":
        return new Response(brokenOff());
      default:
        return new Response("not found", { status: 404 });
    }
  },
};
