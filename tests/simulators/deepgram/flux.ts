import type { WebSocket } from "ws";
import type { Faults } from "./faults.ts";
import { type Hear, type Json, ListenSession } from "./session.ts";
import { VoiceActivity } from "./voice-activity.ts";

/** Silence behind speech after which a turn may be over, and is. */
const EAGER_MS = 240;
const END_MS = 480;
/** Who wants to be surer than this that it is over waits longer. */
const SURE = 0.9;
const SURE_END_MS = 1200;
/** Audio between two updates. */
const UPDATE_MS = 240;

/**
 * Flux, /v2/listen: turns by silence, which stands for what the model goes by. What was said is understood when a turn
 * may be over; who goes on then has not said all.
 */
export class FluxSession extends ListenSession {
  readonly #activity: VoiceActivity;
  readonly #eager: boolean;
  readonly #endMs: number;
  #turn = 0;
  #turnFromMs = 0;
  #transcript = "";
  #eagerTold = false;
  #updateAtMs = UPDATE_MS;

  constructor(client: WebSocket, parameters: URLSearchParams, hear: Hear, faults: Faults) {
    super(client, parameters, hear, faults);
    this.#activity = new VoiceActivity(this.rateHz);
    this.#eager = parameters.has("eager_eot_threshold");
    this.#endMs = Number(parameters.get("eot_threshold") ?? 0) >= SURE ? SURE_END_MS : END_MS;
    this.send({ type: "Connected" }, true);
    this.strike("connected");
  }

  protected onCommand(command: Json): void {
    switch (command["type"]) {
      case "CloseStream":
        this.inOrder(() => this.close(1000, "closed"));
        return;
      case "Configure":
        this.inOrder(() => this.send({ type: "ConfigureSuccess", thresholds: command["thresholds"] ?? {} }, true));
        return;
      default:
        // KeepAlive, which v1 has, among them.
        this.fail("UNPARSABLE_CLIENT_MESSAGE", `there is no ${String(command["type"])}`);
    }
  }

  protected onAudio(audio: Buffer): void {
    for (const edge of this.#activity.listen(audio)) {
      if (edge.kind === "started") {
        const at = this.#activity.heardMs;
        this.inOrder(() => {
          this.#turnFromMs = at;
          this.#tell("StartOfTurn", 0.1);
          this.strike("started");
        });
      } else if (edge.kind === "speech") {
        if (this.#eagerTold) {
          this.#eagerTold = false;
          this.inOrder(() => this.#tell("TurnResumed", 0.1));
        }
      } else if (edge.ms === EAGER_MS) {
        this.#understand();
        this.#eagerTold = this.#eager;
        if (this.#eager) {
          this.inOrder(() => {
            this.#tell("EagerEndOfTurn", 0.5);
            this.strike("eager");
          });
        }
      } else if (edge.ms === this.#endMs) {
        this.#eagerTold = false;
        this.#activity.take();
        this.inOrder(() => {
          this.#tell("EndOfTurn", 0.9);
          this.#turn++;
          this.#transcript = "";
          this.strike("ended");
        });
      }
    }
    while (this.#activity.heardMs >= this.#updateAtMs) {
      this.#updateAtMs += UPDATE_MS;
      this.inOrder(() => {
        this.#tell("Update", 0.05);
        if (this.#activity.speaking) this.strike("update");
      });
    }
  }

  #understand(): void {
    const samples = this.#activity.peek();
    this.inOrder(async () => {
      this.#transcript = await this.hear(samples, this.rateHz);
    });
  }

  #tell(event: string, confidence: number): void {
    const to = this.#activity.heardMs / 1000;
    const words = this.#transcript.split(" ").filter((word) => word !== "");
    this.send(
      {
        type: "TurnInfo",
        event,
        turn_index: this.#turn,
        audio_window_start: this.#turnFromMs / 1000,
        audio_window_end: to,
        transcript: this.#transcript,
        words: words.map((word) => ({ word, confidence: 0.98 })),
        end_of_turn_confidence: confidence,
        ...(event === "EndOfTurn" && { trigger: "model" }),
      },
      true,
    );
  }
}
