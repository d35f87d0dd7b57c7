import { LEG_CHANNEL } from "./boundary.ts";
import { Core, CoreTrapError } from "./core.ts";
import { IgnoredEffects } from "./effects.ts";

/** 3 s of audio: a turn, the silence that ends it, and its reply. */
const FRAMES = 150;
const SPEECH_FRAMES = 60;
const FRAME_US = 20_000;
/** 20 ms of mu-law at 8 kHz. */
const FRAME_BYTES = 160;

const CONFIG = { callId: "warm-up", seed: 1, epochMs: 0, leg: "twilio", agent: "parrot", authorization: "none" };

const START = {
  event: "start",
  sequenceNumber: "1",
  streamSid: "MZ0",
  start: {
    accountSid: "AC0",
    streamSid: "MZ0",
    callSid: "CA0",
    tracks: ["inbound"],
    mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
    customParameters: {},
  },
};

/** 20 ms of a buzz of 150 Hz, which detection takes for speech, or of silence. */
function frame(index: number): Uint8Array {
  if (index >= SPEECH_FRAMES) return new Uint8Array(FRAME_BYTES).fill(0xff);
  return Uint8Array.from({ length: FRAME_BYTES }, (_, i) => {
    const positive = Math.floor(((index * FRAME_BYTES + i) * 300) / 8000) % 2 === 0;
    return positive ? 0x9f : 0x1f;
  });
}

function media(index: number): object {
  const timestamp = `${(index * FRAME_US) / 1000}`;
  return {
    event: "media",
    sequenceNumber: `${index + 2}`,
    streamSid: "MZ0",
    media: { track: "inbound", chunk: `${index + 1}`, timestamp, payload: btoa(String.fromCharCode(...frame(index))) },
  };
}

class Heard extends IgnoredEffects {
  wantsVerdict = false;
  audio = false;

  override authorize(): void {
    this.wantsVerdict = true;
  }
  override sendText(): void {
    this.audio = true;
  }
}

/**
 * Takes a short call through the module, so that the code is compiled before a caller waits for it.
 *
 * Never throws: a Worker that does not start answers nobody. Returns what went wrong, undefined if nothing did.
 */
export function warmUp(module: WebAssembly.Module): unknown {
  try {
    const core = Core.instantiate(module);
    const heard = new Heard();
    const drain = () => core.drain(heard);
    core.create(0, JSON.stringify(CONFIG));
    drain();
    core.socketOpened(0, LEG_CHANNEL, "");
    drain();
    const frames = Array.from({ length: FRAMES }, (_, index) => media(index));
    const messages = [{ event: "connected", protocol: "Call", version: "1.0.0" }, START, ...frames];
    messages.forEach((message, index) => {
      core.socketText(index * FRAME_US, LEG_CHANNEL, JSON.stringify(message));
      drain();
      if (!heard.wantsVerdict) return;
      heard.wantsVerdict = false;
      core.authorized(index * FRAME_US, "granted");
      drain();
    });
    core.timer(messages.length * FRAME_US);
    drain();
    core.destroy();
    return heard.audio ? undefined : new CoreTrapError("the caller hears nothing");
  } catch (error) {
    return error;
  }
}
