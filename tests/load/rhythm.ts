/** What a gateway sends. */
export type Kind = "media" | "mark" | "clear";
export type Sent = readonly [kind: Kind, length: number];

/**
 * What a call of ours was sent after each of its media messages, for the bare object to send the same: `frames` has a
 * character a message, which counts through `table`. Small, so that the bare object's memory stays the platform's.
 */
export interface Rhythm {
  readonly table: readonly (readonly Sent[])[];
  readonly frames: string;
  /** Undefined: it stores nothing. */
  readonly stores?: Stores;
}

/** What an object writes to its SQLite, each `everyFrames` media messages. */
export interface Stores {
  readonly everyFrames: number;
  /** A new row of so many bytes. */
  readonly rowBytes: number;
  /** By so much grows the one row that is replaced each time. */
  readonly keptBytes: number;
}

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
/** Lengths are told apart to this: the names of marks grow by a digit. */
const LENGTH_STEP = 4;

/** Answers that the table has no place for are as the first of as many messages. */
export function rhythmOf(answers: readonly (readonly Sent[])[]): Rhythm {
  const table: (readonly Sent[])[] = [];
  const places = new Map<string, number>();
  let frames = "";
  for (const exact of answers) {
    const answer = exact.map(([kind, length]): Sent => [kind, Math.round(length / LENGTH_STEP) * LENGTH_STEP]);
    const key = JSON.stringify(answer);
    let place = places.get(key);
    if (place === undefined && table.length < ALPHABET.length) {
      place = table.push(answer) - 1;
      places.set(key, place);
    }
    place ??= Math.max(
      0,
      table.findIndex((each) => each.length === answer.length),
    );
    frames += ALPHABET[place];
  }
  return { table, frames };
}
