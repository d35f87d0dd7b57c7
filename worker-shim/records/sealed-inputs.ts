import { packPart } from "../flight-file.ts";
import type { Batches } from "./batches.ts";

/** A plain record begins so; docs/replay.md. Nothing that is sealed does: it would be longer than a row holds. */
const PLAIN_MAGIC = [0x54, 0x4c, 0x46, 0x4c];

/** How the inputs of a call that are stored lie: none yet, plain, or sealed. */
export type StoredInputs = "none" | "plain" | "sealed";

/**
 * Inputs that a session keeps, sealed before they are stored: what was said lies in no storage without the key. Each
 * piece becomes a part of the flight record's file (worker-shim/flight-file.ts), so that the stored parts are the file.
 *
 * Sealing takes a moment; a piece is stored when it is done, in order. An object that is lost meanwhile loses the piece.
 */
export class SealedInputs {
  readonly #batches: Batches;
  #key: string | undefined;
  #index = 0;
  /** Counts what makes a piece that is being sealed unwanted. */
  #epoch = 0;
  #pending = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(batches: Batches) {
    this.#batches = batches;
  }

  /** What there is of former sessions. */
  get stored(): StoredInputs {
    const [first] = this.#batches.source("inputs").read();
    if (!first) return "none";
    return PLAIN_MAGIC.every((byte, i) => first[i] === byte) ? "plain" : "sealed";
  }

  /** Whether pieces are sealed from here on. */
  get isOn(): boolean {
    return this.#key !== undefined;
  }

  /** Whether a piece is on its way to the batches. */
  get isBusy(): boolean {
    return this.#pending > 0;
  }

  /** Seals what comes from here on; behind what there is. */
  begin(keyHex: string): void {
    this.#key = keyHex;
    for (const row of this.#batches.source("inputs").read()) this.#index += partsIn(row);
  }

  /** Whoever waits for `settled` then finds it in the batches. */
  add(piece: Uint8Array<ArrayBuffer>): void {
    const [index, epoch] = [this.#index++, this.#epoch];
    this.#pending++;
    const seal = async () => {
      try {
        if (epoch !== this.#epoch) return;
        const part = await packPart(index, piece, this.#key);
        if (epoch === this.#epoch) this.#batches.addInputs(part);
      } catch (error) {
        // The record ends here: behind a gap nothing could be opened.
        this.#epoch++;
        throw error;
      } finally {
        this.#pending--;
      }
    };
    this.#work = this.#work.then(seal, seal);
  }

  /** When everything that was added is in the batches. Rejects if a piece could not be sealed. */
  settled(): Promise<void> {
    return this.#work;
  }

  /** What is being sealed is not wanted any more. */
  drop(): void {
    this.#epoch++;
  }
}

/** Parts that lie one behind the other. */
function partsIn(row: Uint8Array): number {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  let parts = 0;
  for (let offset = 0; offset + 5 <= row.length; offset += 5 + view.getUint32(offset, true)) parts++;
  return parts;
}
