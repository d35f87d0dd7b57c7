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
