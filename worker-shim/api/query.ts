import * as v from "valibot";
import { textFault } from "../schemas.ts";

// What parameters of a query are made of: text that means one thing, or is refused.

/** The last instant of a year of four digits. */
const MAX_TIME_MS = Date.UTC(10_000, 0) - 1;
/** A date without its hyphens, 20261128, is no time: as epoch ms it would be a morning of 1970. */
const EPOCH_MS = /^(?:0|\d{12,})$/;
const MAX_FILTER_CHARACTERS = 256;

const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

/** Epoch ms of an ISO 8601 date; without a zone it is UTC. NaN for any other text. */
function parseDate(text: string): number {
  const match = DATE.exec(text);
  if (!match) return Number.NaN;
  const [, year = "", month = "", day = "", hour = "00", minute = "00", second = "00", zone = "Z"] = match;
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  // Date.parse makes the 3rd of March of the 31st of February.
  if (Number(day) > days || Number(hour) > 23) return Number.NaN;
  const offset = zone.toUpperCase() === "Z" ? "Z" : zone.replace(/^(.\d\d):?/, "$1:");
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`);
}

/** Epoch ms, or an ISO 8601 date, from 1970 to 9999. A `+` that came as a space is one. */
export function time() {
  const message =
    "must be a time: epoch ms (0, or 12 digits at least), or a date as 2026-11-28 or 2026-11-28T12:00:00Z, from 1970 to 9999";
  return v.pipe(
    v.string(message),
    v.transform((text) =>
      EPOCH_MS.test(text) ? Number(text) : parseDate(text.replace(/(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$/, "$1+$2")),
    ),
    v.number(message),
    v.minValue(0, message),
    v.maxValue(MAX_TIME_MS, message),
  );
}

/** Decimal digits, from `min` to `max`. */
export function count(min: number, max: number) {
  const message = `must be from ${min} to ${max}`;
  return v.pipe(
    v.string(message),
    v.regex(/^\d{1,9}$/, message),
    v.transform(Number),
    v.minValue(min, message),
    v.maxValue(max, message),
  );
}

/** 1 or 0, as the call log has it. */
export function flag() {
  return v.pipe(
    v.picklist(["true", "false"], "must be true or false"),
    v.transform((text) => (text === "true" ? 1 : 0)),
  );
}

/** A phone number, or an address, to compare with what the call log has. A `+` that came as a space is one. */
export function number() {
  const message = `must be a number or an address of at most ${MAX_FILTER_CHARACTERS} characters`;
  return v.pipe(
    v.string(message),
    v.maxLength(MAX_FILTER_CHARACTERS, message),
    v.check((text) => text.trim() !== "" && textFault(text) === undefined, message),
    v.transform((text) => text.replace(/^ /, "+")),
  );
}
