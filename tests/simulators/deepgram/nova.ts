import type { WebSocket } from "ws";
import type { Faults } from "./faults.ts";
import { type Hear, type Json, ListenSession } from "./session.ts";
import { VoiceActivity } from "./voice-activity.ts";

/** Silence that ends a stretch. */
const ENDPOINTING_MS = 300;
/** Audio between two interim results. */
const INTERIM_MS = 1000;
/** Without a message for so long the server closes. */
const IDLE_MS = 10_000;

/** Nova, /v1/listen: stretches of audio with a text each, which is final behind silence, or when the client asks. */
export class NovaSession extends ListenSession {
  readonly #activity: VoiceActivity;
  readonly #interim: boolean;
  #stretchFromMs = 0;
  #interimAtMs = INTERIM_MS;
  #idle: NodeJS.Timeout | undefined;

  constructor(client: WebSocket, parameters: URLSearchParams, hear: Hear, faults: Faults) {
    super(client, parameters, hear, faults);
    this.#activity = new VoiceActivity(this.rateHz);
    this.#interim = parameters.get("interim_results") === "true";
    this.#rest();
    this.strike("connected");
  }

  protected override onClosed(): void {
    clearTimeout(this.#idle);
  }

  #rest(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(1011, "NET-0001"), IDLE_MS);
  }

  protected onCommand(command: Json): void {
    this.#rest();
    switch (command["type"]) {
      case "KeepAlive":
        return;
      case "Finalize":
        this.#finish(true);
        return;
      case "CloseStream":
        this.#finish(false);
        this.inOrder(() => {
          this.send({ type: "Metadata", transaction_key: "deprecated", ...this.#metadata() }, false);
          this.close(1000, "closed");
        });
        return;
      default:
        this.fail("UNPARSABLE_CLIENT_MESSAGE", `there is no ${String(command["type"])}`);
    }
  }

  protected onAudio(audio: Buffer): void {
    this.#rest();
    for (const edge of this.#activity.listen(audio)) {
      if (edge.kind === "started") this.inOrder(() => this.strike("started"));
      if (edge.kind === "silence" && edge.ms === ENDPOINTING_MS) this.#finish(false);
    }
    while (this.#activity.heardMs >= this.#interimAtMs) {
      this.#interimAtMs += INTERIM_MS;
      if (!this.#interim) continue;
      const [from, to] = [this.#stretchFromMs, this.#activity.heardMs];
      const samples = this.#activity.speaking ? this.#activity.peek() : undefined;
      this.inOrder(async () => {
        this.#results(from, to, samples ? await this.hear(samples, this.rateHz) : "", { is_final: false });
        this.strike("update");
      });
    }
  }

  /** The stretch is over. */
  #finish(asked: boolean): void {
    const [from, to] = [this.#stretchFromMs, this.#activity.heardMs];
    const spoke = this.#activity.speaking;
    const samples = this.#activity.take();
    this.#stretchFromMs = to;
    // Where there is nothing left, nothing says that it was asked for.
    if (asked && to === from) return;
    this.inOrder(async () => {
      const text = spoke ? await this.hear(samples, this.rateHz) : "";
      this.#results(from, to, text, { is_final: true, speech_final: spoke, ...(asked && { from_finalize: true }) });
      this.strike("ended");
    });
  }

  #results(fromMs: number, toMs: number, transcript: string, flags: Json): void {
    this.send(
      {
        type: "Results",
        channel_index: [0, 1],
        start: fromMs / 1000,
        duration: (toMs - fromMs) / 1000,
        speech_final: false,
        ...flags,
        channel: { alternatives: [{ transcript, confidence: transcript === "" ? 0 : 0.98, words: [] }] },
        metadata: {
          request_id: this.requestId,
          model_info: { name: "simulated", version: "1", arch: "nova-3" },
          model_uuid: this.requestId,
        },
      },
      false,
    );
  }

  #metadata(): Json {
    return {
      request_id: this.requestId,
      sha256: "",
      created: new Date().toISOString(),
      duration: this.#activity.heardMs / 1000,
      channels: 1,
    };
  }
}
