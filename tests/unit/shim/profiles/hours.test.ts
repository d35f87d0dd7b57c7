import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { type Hours, hours, isOpen, MAX_EXCEPTIONS, MAX_RANGES } from "../../../../worker-shim/profiles/hours.ts";

const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"] as const;
const EVERY_DAY = [...WEEKDAYS, "sat", "sun"] as const;

const DESK: Hours = {
  timeZone: "Europe/Berlin",
  open: [
    { days: WEEKDAYS, from: "09:00", to: "12:30" },
    { days: WEEKDAYS, from: "13:30", to: "18:00" },
    { days: ["sat"], from: "10:00", to: "24:00" },
  ],
  exceptions: [
    { date: "2026-12-24", open: [{ from: "09:00", to: "12:00" }] },
    { date: "2026-12-25", open: [] },
    { date: "2026-12-27", open: [{ from: "00:00", to: "24:00" }] },
  ],
  outside: { say: "We are closed." },
};

function at(instant: string, of: Hours = DESK): boolean {
  return isOpen(of, Date.parse(instant));
}

/** One range every day. */
function daily(timeZone: string, from: string, to: string): Hours {
  return { timeZone, open: [{ days: EVERY_DAY, from, to }], outside: { say: "x" } };
}

describe("hours", () => {
  it("begin with their first minute and end before their last", () => {
    // A Monday, an hour ahead of UTC.
    expect(
      ["07:59:59.999Z", "08:00:00Z", "11:29:59.999Z", "11:30:00Z"].map((time) => at(`2026-11-30T${time}`)),
    ).toEqual([false, true, true, false]);
    expect([at("2026-11-30T12:29:59Z"), at("2026-11-30T12:30:00Z"), at("2026-11-30T17:00:00Z")]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it("are of the day that it is there, to its end", () => {
    // Saturday from ten to midnight, and no Sunday.
    expect([at("2026-11-28T22:59:59Z"), at("2026-11-28T23:00:00Z"), at("2026-11-29T12:00:00Z")]).toEqual([
      true,
      false,
      false,
    ]);
    // It is Monday on one side of the date line and Sunday on the other.
    const monday = (timeZone: string): Hours => ({
      timeZone,
      open: [{ days: ["mon"], from: "00:00", to: "24:00" }],
      outside: { say: "x" },
    });
    expect(at("2026-11-29T12:00:00Z", monday("Pacific/Kiritimati"))).toBe(true);
    expect(at("2026-11-29T12:00:00Z", monday("Pacific/Pago_Pago"))).toBe(false);
    expect(at("2026-11-30T12:00:00Z", monday("Pacific/Pago_Pago"))).toBe(true);
  });

  it("are others on dates that are exceptions, of that date there", () => {
    // A Thursday until noon, a Friday not at all, a Sunday all day.
    expect([at("2026-12-24T10:59:59Z"), at("2026-12-24T11:00:00Z"), at("2026-12-24T13:00:00Z")]).toEqual([
      true,
      false,
      false,
    ]);
    expect([at("2026-12-25T10:00:00Z"), at("2026-12-28T08:00:00Z")]).toEqual([false, true]);
    expect([at("2026-12-26T22:59:59Z"), at("2026-12-26T23:00:00Z"), at("2026-12-27T22:59:59Z")]).toEqual([
      true,
      true,
      true,
    ]);
    expect(at("2026-12-27T23:00:00Z")).toBe(false);
  });

  // Berlin, 29 March 2026: 02:00 becomes 03:00, at 01:00 UTC.
  it("of an hour that is left out there are none that day", () => {
    const before = "2026-03-29T00:59:59Z";
    const after = "2026-03-29T01:00:00Z";
    expect([before, after].map((time) => at(time, daily("Europe/Berlin", "02:00", "03:00")))).toEqual([false, false]);
    // What ends in it ends with its beginning; what begins in it begins with its end.
    expect([before, after].map((time) => at(time, daily("Europe/Berlin", "01:00", "02:30")))).toEqual([true, false]);
    expect([before, after].map((time) => at(time, daily("Europe/Berlin", "02:30", "04:00")))).toEqual([false, true]);
    // The day before it is there.
    expect(at("2026-03-28T01:30:00Z", daily("Europe/Berlin", "02:00", "03:00"))).toBe(true);
  });

  // Berlin, 25 October 2026: 03:00 becomes 02:00, at 01:00 UTC. New York, 1 November 2026: at 06:00 UTC.
  it("of an hour that comes twice are there twice", () => {
    const night = daily("Europe/Berlin", "02:15", "02:45");
    const times = ["00:14", "00:15", "00:44", "00:45", "01:14", "01:15", "01:44", "01:45"];
    expect(times.map((time) => at(`2026-10-25T${time}:00Z`, night))).toEqual([
      ...[false, true, true, false],
      ...[false, true, true, false],
    ]);
    const york = daily("America/New_York", "01:00", "02:00");
    expect(
      ["04:59", "05:00", "05:59", "06:00", "06:59", "07:00"].map((time) => at(`2026-11-01T${time}:00Z`, york)),
    ).toEqual([false, true, true, true, true, false]);
  });

  it("are where the clock is a part of an hour off, or changes by one", () => {
    expect([at("2026-06-01T03:29:00Z", daily("Asia/Kolkata", "09:00", "17:00"))]).toEqual([false]);
    expect([at("2026-06-01T03:30:00Z", daily("Asia/Kolkata", "09:00", "17:00"))]).toEqual([true]);
    // Lord Howe, 5 April 2026: 02:00 becomes 01:30, at 15:00 UTC of the day before.
    const howe = daily("Australia/Lord_Howe", "01:30", "02:00");
    expect(
      ["14:29", "14:30", "14:59", "15:00", "15:29", "15:30"].map((time) => at(`2026-04-04T${time}:00Z`, howe)),
    ).toEqual([false, true, true, true, true, false]);
  });

  it("are never there without a range, and always with all of them", () => {
    const never: Hours = { timeZone: "UTC", open: [], outside: { say: "x" } };
    const always = daily("UTC", "00:00", "24:00");
    for (const time of ["2026-01-01T00:00:00Z", "2026-07-15T12:34:56Z", "2026-12-31T23:59:59.999Z"])
      expect([at(time, never), at(time, always)]).toEqual([false, true]);
  });

  it("of a zone that is not known are an error, and no answer", () => {
    expect(() => at("2026-01-01T00:00:00Z", daily("Europe/Atlantis", "00:00", "24:00"))).toThrow(RangeError);
  });
});

describe("the schema of hours", () => {
  const fault = (more: object) => {
    const { issues } = v.safeParse(hours, { ...DESK, ...more }, { abortEarly: true });
    return issues?.[0].message;
  };

  it("takes what is right", () => {
    expect(fault({})).toBeUndefined();
    expect(fault({ outside: { profile: "night" }, exceptions: undefined, open: [] })).toBeUndefined();
    for (const timeZone of ["UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "America/Port-au-Prince"])
      expect(fault({ timeZone }), timeZone).toBeUndefined();
  });

  it.each([
    [{ timeZone: "Europe/Atlantis" }, "must be a time zone"],
    [{ timeZone: "+01:00" }, "must be a time zone"],
    [{ timeZone: "" }, "must be a time zone"],
    [{ timeZone: 1 }, "must be a time zone"],
    [{ open: [{ days: [], from: "09:00", to: "10:00" }] }, "must have a day or more"],
    [{ open: [{ days: ["mon", "mon"], from: "09:00", to: "10:00" }] }, "must have each day once"],
    [{ open: [{ days: ["monday"], from: "09:00", to: "10:00" }] }, "must be one of mon, tue"],
    [{ open: [{ days: ["mon"], from: "9:00", to: "10:00" }] }, "must be a time of the day"],
    [{ open: [{ days: ["mon"], from: "24:00", to: "24:00" }] }, "must be a time of the day"],
    [{ open: [{ days: ["mon"], from: "22:00", to: "06:00" }] }, "must end later than it begins"],
    [{ open: [{ days: ["mon"], from: "09:00", to: "09:00" }] }, "must end later than it begins"],
    [{ open: Array(MAX_RANGES + 1).fill(DESK.open[0]) }, "must be at most 50 ranges"],
    [{ exceptions: [{ date: "2026-02-30", open: [] }] }, "must be a date"],
    [{ exceptions: [{ date: "24.12.2026", open: [] }] }, "must be a date"],
    [{ exceptions: [DESK.exceptions?.[1], DESK.exceptions?.[1]] }, "must have each date once"],
    [{ exceptions: [{ date: "2026-12-24" }] }, "is missing"],
    [{ outside: {} }, "must have either profile or say"],
    [{ outside: { profile: "a", say: "b" } }, "must have either profile or say"],
    [{ outside: { profile: "a b" } }, "must be a profile's name"],
    [{ outside: { say: "" } }, "must not be empty"],
    [{ outside: { say: "x".repeat(3_001) } }, "must be a text of at most 3000 bytes"],
    [{ outside: undefined }, "must be an object"],
    [{ colour: "red" }, "is not known"],
  ])("refuses %j", (more, message) => {
    expect(fault(more)).toContain(message);
  });

  it("takes a year of exceptions and no more", () => {
    const days = Array.from({ length: MAX_EXCEPTIONS + 1 }, (_, i) => ({
      date: new Date(Date.UTC(2026, 0, 1 + i)).toISOString().slice(0, 10),
      open: [],
    }));
    expect(fault({ exceptions: days.slice(1) })).toBeUndefined();
    expect(fault({ exceptions: days })).toContain("must be at most 366 dates");
  });
});
