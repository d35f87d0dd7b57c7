import { LEG_CHANNEL } from "./boundary.ts";
import { LEG } from "./carriers/twilio/leg.ts";
import { connected, FRAME_MS, media, start } from "./carriers/twilio/messages.ts";
import { Core, CoreTrapError } from "./core.ts";
import { IgnoredEffects } from "./effects.ts";

/** 3 s of audio: a turn, the silence that ends it, and its reply. */
const FRAMES = 150;
const SPEECH_FRAMES = 60;
const FRAME_US = FRAME_MS * 1000;
const CONFIG = { callId: "warm-up", seed: 1, epochMs: 0, leg: LEG, agent: "parrot", authorization: "none" };

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
    const frames = Array.from({ length: FRAMES }, (_, index) =>
      media(index, index < SPEECH_FRAMES ? "speech" : "silence"),
    );
    const messages = [connected(), start(), ...frames];
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
