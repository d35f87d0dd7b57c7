import { beforeEach, describe, expect, it } from "vitest";
import { LOST_GRACE_MS } from "../../../../worker-shim/call.ts";
import type { ChosenProfile } from "../../../../worker-shim/profiles/choice.ts";
import { CALL, EPOCH_MS, World } from "../support/call-world.ts";
import { FakeSocket, settle } from "../support/fakes.ts";

const CHOSEN: ChosenProfile = {
  name: "desk",
  version: 3,
  by: "number",
  from: "replica",
  agent: "house",
  profile: { greeting: "Hello", redactDigits: "all" },
};

let world: World;

beforeEach(() => {
  world = new World({ PROFILE: { voice: "marin" }, LIMITS: { maxCallMs: 60_000 } });
});

async function begin(profile?: ChosenProfile): Promise<void> {
  await world.call.prepare({ ...CALL, agent: "house" }, profile);
  expect(world.call.attachLeg(new FakeSocket())).toBe("taken");
  await settle();
}

function configuration(): Record<string, unknown> {
  return JSON.parse(world.core.config) as Record<string, unknown>;
}

function events(): Record<string, unknown>[] {
  return (world.call.events() ?? []).map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("a call with a profile of its own", () => {
  it("has it in the place of the deployment's, whole, and tells first which it is", async () => {
    await begin(CHOSEN);
    expect(configuration()).toMatchObject({
      agent: "house",
      profile: CHOSEN.profile,
      limits: { maxCallMs: 60_000 },
      firstSeq: 1,
    });
    expect(configuration().profile).not.toHaveProperty("voice");
    expect(events()[0]).toEqual({
      ...{ type: "profile", atMs: 0, seq: 0 },
      ...{ name: "desk", version: 3, by: "number", from: "replica" },
    });
  });

  it("may have limits of its own as well", async () => {
    await begin({ ...CHOSEN, limits: { maxCallMs: 2_000 } });
    expect(configuration().limits).toEqual({ maxCallMs: 2_000 });
  });

  it("keeps it when somebody announces the call again with another one", async () => {
    await world.call.prepare(CALL, CHOSEN);
    await world.call.prepare(CALL, { ...CHOSEN, version: 4, profile: { greeting: "Other" } });
    expect(world.call.attachLeg(new FakeSocket())).toBe("taken");
    expect(configuration().profile).toEqual(CHOSEN.profile);
    expect(events().filter(({ type }) => type === "profile")).toHaveLength(1);
  });

  it("keeps it when its object is lost, before its stream comes and after", async () => {
    await world.call.prepare(CALL, CHOSEN);
    await world.lose();
    expect(world.call.attachLeg(new FakeSocket())).toBe("taken");
    expect(configuration()).toMatchObject({ profile: CHOSEN.profile, firstSeq: 1 });
    await world.lose();
    expect(world.call.attachLeg(new FakeSocket())).toBe("taken");
    expect(configuration()).toMatchObject({ profile: CHOSEN.profile, resumed: true });
    expect(events()[0]).toMatchObject({ type: "profile", name: "desk" });
  });

  it("counts its time from its stream, not from its announcement", async () => {
    await world.call.prepare(CALL, CHOSEN);
    await world.pass(30_000);
    expect(world.call.attachLeg(new FakeSocket())).toBe("taken");
    await world.lose();
    await world.pass(2_000);
    expect(world.call.attachLeg(new FakeSocket())).toBe("taken");
    expect(configuration()).toMatchObject({ callEpochMs: EPOCH_MS + 30_000, aliveMs: 0 });
  });

  it("that is lost ends as any other", async () => {
    await begin(CHOSEN);
    await world.lose();
    await world.pass(LOST_GRACE_MS);
    expect(events().at(-1)).toMatchObject({ type: "ended", reason: "objectLost" });
  });
});

describe("a call without one", () => {
  it("has the deployment's own and tells nothing", async () => {
    await begin({ name: "default", version: 0, by: "default", from: "settings" });
    expect(configuration()).toMatchObject({ profile: { voice: "marin" }, limits: { maxCallMs: 60_000 }, firstSeq: 0 });
    expect(events()).toEqual([]);
  });

  it("tells why, if it should have had another", async () => {
    await begin({ name: "default", version: 0, by: "number", from: "settings", problem: "unreachable" });
    expect(configuration()).toMatchObject({ profile: { voice: "marin" } });
    expect(events()[0]).toMatchObject({ type: "profile", name: "default", version: 0, problem: "unreachable" });
  });
});

describe("a call that comes outside the hours", () => {
  const Closed: ChosenProfile = { ...CHOSEN, by: "hours", outside: "desk", say: "We are closed." };

  it("is over at once, and says so to whoever announces it again", async () => {
    expect(await world.call.prepare(CALL, Closed)).toEqual({ type: "closed" });
    expect(world.call.attachLeg(new FakeSocket())).toBe("over");
    expect(events()).toMatchObject([
      { type: "profile", name: "desk", version: 3, by: "hours", outside: "desk" },
      { type: "ended", reason: "closed", durationMs: 0 },
    ]);
    await world.lose();
    expect(await world.call.prepare(CALL, CHOSEN)).toEqual({ type: "closed" });
    expect(await world.call.resume(CALL.carrierCallId)).toEqual({ type: "hangUp" });
    expect(world.cores).toEqual([]);
    // There is nothing to wait for.
    await world.pass(LOST_GRACE_MS);
    expect(events().filter(({ type }) => type === "ended")).toHaveLength(1);
  });

  it("goes on if it was announced within them", async () => {
    expect(await world.call.prepare(CALL, CHOSEN)).toMatchObject({ type: "stream" });
    expect(await world.call.prepare(CALL, Closed)).toMatchObject({ type: "stream" });
    expect(world.call.attachLeg(new FakeSocket())).toBe("taken");
  });
});

describe("a call with knowledge", () => {
  const knowledge = { files: ["hours.md"], tokens: 40, cut: ["long.md"], missing: [] };

  it("tells what of it the agent has, and never what it says", async () => {
    await begin({ ...CHOSEN, profile: { instructions: "Open at nine." }, knowledge });
    expect(events()).toMatchObject([
      { type: "profile", seq: 0 },
      { type: "knowledge", atMs: 0, seq: 1, ...knowledge },
    ]);
    expect(JSON.stringify(events())).not.toContain("nine");
    expect(configuration()).toMatchObject({ firstSeq: 2, profile: { instructions: "Open at nine." } });
    await world.lose();
    expect(world.call.attachLeg(new FakeSocket())).toBe("taken");
    expect(configuration()).toMatchObject({ profile: { instructions: "Open at nine." } });
  });

  it("tells it of the deployment's own as well", async () => {
    await begin({ name: "default", version: 0, by: "default", from: "settings", profile: {}, knowledge });
    expect(events()).toEqual([{ type: "knowledge", atMs: 0, seq: 0, ...knowledge }]);
  });
});
