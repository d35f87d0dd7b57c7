import * as v from "valibot";
import { oneOf, table, text } from "../schemas.ts";
import { isProfileName } from "./name.ts";

// When a profile answers, and what happens at other times: docs/profiles.md, Hours.

export const MAX_RANGES = 50;
export const MAX_EXCEPTIONS = 366;
/** What a carrier's own voice says at once. */
const MAX_SAY_BYTES = 3_000;

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
type Day = (typeof DAYS)[number];

const IS_ZONE = 'must be a time zone by its name in the IANA database, such as "Europe/Berlin" or "UTC"';

/** Of a name, and no offset: an offset knows no summer. */
const ZONE = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){0,2}$/;

function isTimeZone(zone: string): boolean {
  try {
    clockOf(zone);
    return true;
  } catch {
    return false;
  }
}

const IS_TIME = 'must be a time of the day, from "00:00" to "23:59"';
const IS_END = 'must be a time of the day, from "00:01" to "24:00"';

const range = {
  from: v.pipe(v.string(IS_TIME), v.regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, IS_TIME)),
  to: v.pipe(v.string(IS_END), v.regex(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, IS_END)),
};

const IN_ORDER = "must end later than it begins; what goes over midnight is two ranges";

const IS_DATE = 'must be a date, such as "2026-12-24"';

function isDate(date: string): boolean {
  const instant = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(date);
}

const exception = table({
  date: v.pipe(v.string(IS_DATE), v.regex(/^\d{4}-\d\d-\d\d$/, IS_DATE), v.check(isDate, IS_DATE)),
  /** In the place of those of its day of the week; none: closed all day. */
  open: v.pipe(
    v.array(
      v.pipe(
        table(range),
        v.check(({ from, to }) => from < to, IN_ORDER),
      ),
      "must be a list of ranges",
    ),
    v.maxLength(MAX_RANGES, `must be at most ${MAX_RANGES} ranges`),
  ),
});

const IS_NAME = "must be a profile's name: 1 to 64 letters, digits, - and _";

export const hours = table({
  timeZone: v.pipe(v.string(IS_ZONE), v.regex(ZONE, IS_ZONE), v.check(isTimeZone, IS_ZONE)),
  open: v.pipe(
    v.array(
      v.pipe(
        table({
          days: v.pipe(
            v.array(oneOf(DAYS), `must be a list of ${DAYS.join(", ")}`),
            v.minLength(1, "must have a day or more"),
            v.check((days) => new Set(days).size === days.length, "must have each day once"),
          ),
          ...range,
        }),
        v.check(({ from, to }) => from < to, IN_ORDER),
      ),
      "must be a list of ranges",
    ),
    v.maxLength(MAX_RANGES, `must be at most ${MAX_RANGES} ranges`),
  ),
  exceptions: v.optional(
    v.pipe(
      v.array(exception, "must be a list of dates"),
      v.maxLength(MAX_EXCEPTIONS, `must be at most ${MAX_EXCEPTIONS} dates`),
      v.check((all) => new Set(all.map(({ date }) => date)).size === all.length, "must have each date once"),
    ),
  ),
  outside: v.pipe(
    table({
      /** Another profile's name: the call has that one. */
      profile: v.optional(v.pipe(v.string(IS_NAME), v.check(isProfileName, IS_NAME))),
      /** What the caller is told before the call ends. */
      say: v.optional(v.pipe(text(MAX_SAY_BYTES), v.minLength(1, "must not be empty"))),
    }),
    v.check(
      ({ profile, say }) => (profile === undefined) !== (say === undefined),
      "must have either profile or say: what the call has, or what its caller is told",
    ),
  ),
});

interface Range {
  /** Of the wall clock, HH:MM: included. */
  readonly from: string;
  /** Not included. */
  readonly to: string;
}

export interface Hours {
  readonly timeZone: string;
  readonly open: readonly (Range & { readonly days: readonly Day[] })[];
  readonly exceptions?: readonly { readonly date: string; readonly open: readonly Range[] }[] | undefined;
  readonly outside: { readonly profile?: string | undefined; readonly say?: string | undefined };
}

/** By time zone. Overflow: begins anew. */
const MAX_CLOCKS = 64;
const clocks = new Map<string, Intl.DateTimeFormat>();

/** @throws {RangeError} for a zone that is not known here */
function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone);
  if (known) return known;
  const clock = new Intl.DateTimeFormat("en-US", {
    ...{ timeZone, calendar: "gregory", numberingSystem: "latn", hourCycle: "h23", weekday: "short" },
    ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" },
  });
  if (clocks.size >= MAX_CLOCKS) clocks.clear();
  clocks.set(timeZone, clock);
  return clock;
}

/** What a clock on the wall shows there. */
function wallClock(timeZone: string, atMs: number) {
  const parts = clockOf(timeZone).formatToParts(atMs);
  const part = (wanted: Intl.DateTimeFormatPartTypes) => parts.find(({ type }) => type === wanted)?.value ?? "";
  return {
    date: `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}`,
    day: part("weekday").toLowerCase(),
    time: `${part("hour")}:${part("minute")}`,
  };
}

/**
 * Whether a profile answers at an instant. Ranges are of the wall clock: an hour that a change of the clock leaves out is
 * in none, and one that comes twice is in the same ranges both times.
 *
 * @throws {RangeError} for a time zone that is not known (any more)
 */
export function isOpen({ timeZone, open, exceptions = [] }: Hours, atMs: number): boolean {
  const { date, day, time } = wallClock(timeZone, atMs);
  const exception = exceptions.find((one) => one.date === date);
  const ranges = exception?.open ?? open.filter(({ days }) => (days as readonly string[]).includes(day));
  return ranges.some(({ from, to }) => from <= time && time < to);
}
