import { describe, expect, it } from "vitest";
import { TL_EFFECT_EVENT } from "../../../worker-shim/abi.generated.ts";
import { OPEN_MS, OPENS_AFTER } from "../../../worker-shim/circuits.ts";
import { record } from "../../support/fake-core.ts";
import { CALL, World } from "./support/call-world.ts";
import { FakeSocket } from "./support/fakes.ts";

const LIST = { agents: [{ agent: "openai-realtime", model: "m" }, { agent: "parrot" }] } as const;

/** The configuration of the session of a call that begins now. */
async function configOf(world: World): Promise<Readonly<Record<string, unknown>>> {
  await world.call.prepare({ ...CALL, agent: "openai-realtime" });
  world.call.attachLeg(new FakeSocket());
  return JSON.parse(world.core.config);
}

describe("the agents of a call", () => {
  it("are those that the profile has, and nobody is skipped", async () => {
    const config = await configOf(new World({ PROFILE: LIST }));
    expect(config.profile).toEqual(LIST);
    expect(config).not.toHaveProperty("skipped");
  });

  it("have the house behind them where it can speak", async () => {
    const world = new World({ PROFILE: LIST });
    world.upstreams = { speech: { baseUrl: "http://speech.local", headers: {} } };
    await world.lose();
    expect((await configOf(world)).profile).toEqual({ ...LIST, lastResort: "house" });
  });

  it("leave out at first who has failed call after call", async () => {
    const world = new World({ PROFILE: LIST });
    for (let i = 0; i < OPENS_AFTER; i++) world.circuits.failed("openai-realtime m");
    expect((await configOf(world)).skipped).toEqual([0]);
    world.time.nowMs += OPEN_MS;
    expect(world.circuits.isSkipped("openai-realtime m")).toBe(false);
  });

  it("tell the circuits when one gives way", async () => {
    const world = new World({ PROFILE: LIST });
    const event = JSON.stringify({
      type: "agentSwitched",
      atMs: 1,
      seq: 0,
      from: "openai-realtime",
      fromIndex: 0,
      to: "parrot",
      toIndex: 1,
      reason: "closed1008",
    });
    world.onInput = () => Array.from({ length: OPENS_AFTER }, () => record(TL_EFFECT_EVENT, 0, event));
    await configOf(world);
    expect(world.circuits.isSkipped("openai-realtime m")).toBe(true);
  });
});
