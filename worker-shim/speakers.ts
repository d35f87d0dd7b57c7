import { parseEvent } from "./call-events.ts";

/** Who stands for the caller beside the items of replies. */
const CALLER = Symbol("caller");

const CHANGES = /"type":"(speechStarted|speechStopped|replyStarted|resumed|replyDone|cleared|truncated)"/;

/** Who speaks in a session, as its events tell; docs/boundary.md. */
export class Speakers {
  readonly #speaking = new Set<unknown>();

  /** Whether the caller speaks, or something of a reply is still to be heard. */
  get areHeard(): boolean {
    return this.#speaking.size > 0;
  }

  onEvent(json: string): void {
    if (!CHANGES.test(json)) return;
    const event = parseEvent(json);
    switch (event?.type) {
      case "speechStarted":
        this.#speaking.add(CALLER);
        break;
      case "speechStopped":
        this.#speaking.delete(CALLER);
        break;
      case "replyStarted":
      case "resumed":
        this.#speaking.add(event["item"]);
        break;
      case "replyDone":
      case "truncated":
        this.#speaking.delete(event["item"]);
        break;
      case "cleared":
        // Whatever was on its way is gone.
        for (const speaker of this.#speaking) if (speaker !== CALLER) this.#speaking.delete(speaker);
        break;
      default:
    }
  }

  /** The session is over. */
  clear(): void {
    this.#speaking.clear();
  }
}
