import { describe, expect, it } from "vitest";
import { AgentWatch, agentsOf, firstOf, lastResortOf } from "../../../worker-shim/agents.ts";

const CASCADE = {
  stt: { service: "deepgram", model: "nova-3" },
  llm: { service: "openai", model: "gpt-5-mini" },
  tts: { service: "local" },
} as const;

describe("agentsOf", () => {
  it("has one where the profile has no list", () => {
    expect(agentsOf("parrot", {})).toEqual([{ name: "parrot", circuit: "parrot" }]);
  });

  it("knows agents by what they connect to", () => {
    const agents = agentsOf("parrot", {
      model: "m",
      ...CASCADE,
      agents: [
        { agent: "openai-realtime" },
        { agent: "openai-realtime", model: "n" },
        { agent: "cascade", llm: { service: "house" } },
        { agent: "scribe" },
      ],
    });
    expect(agents.map(({ circuit }) => circuit)).toEqual([
      "openai-realtime m",
      "openai-realtime n",
      "cascade deepgram/nova-3 house local",
      "scribe deepgram/nova-3",
    ]);
  });
});

describe("lastResortOf", () => {
  it("is the house where it can speak and the agent is one that may fail", () => {
    expect(lastResortOf("openai-realtime", {}, true)).toBe("house");
    expect(lastResortOf("openai-realtime", {}, false)).toBe("none");
    for (const agent of ["parrot", "scribe", "house"]) expect(lastResortOf(agent, {}, true)).toBe("none");
    expect(lastResortOf("parrot", { agents: [{ agent: "openai-realtime" }] }, true)).toBe("house");
  });

  it("is what the profile says", () => {
    expect(lastResortOf("openai-realtime", { lastResort: "none" }, true)).toBe("none");
    expect(lastResortOf("parrot", { lastResort: "house" }, false)).toBe("house");
  });
});

describe("AgentWatch", () => {
  const agents = [
    { name: "openai-realtime", circuit: "a" },
    { name: "cascade", circuit: "b" },
  ];
  function watch(first: number) {
    const told: string[] = [];
    const circuits = {
      failed: (agent: string) => told.push(`${agent} failed`),
      succeeded: (agent: string) => told.push(`${agent} answered`),
    };
    const watched = new AgentWatch(agents, first, circuits);
    return { told, event: (event: object) => watched.event(JSON.stringify(event)) };
  }
  const switched = (fromIndex: number, toIndex: number, reason: string) => ({
    type: "agentSwitched",
    from: "x",
    fromIndex,
    to: "y",
    toIndex,
    reason,
  });

  it("tells of the agent that was left, and of the one that was heard", () => {
    const { told, event } = watch(0);
    event(switched(0, 1, "closed1006"));
    event({ type: "replyDone", item: "i", heardMs: 100, turn: 1 });
    expect(told).toEqual(["a failed", "b answered"]);
  });

  it("does not hold a command, or a lost object, against an agent", () => {
    const { told, event } = watch(0);
    event(switched(0, 1, "command"));
    event(switched(1, 0, "restored"));
    event({ type: "agentFailed", code: "closed1006", fatal: false });
    expect(told).toEqual([]);
    event({ type: "agentFailed", code: "closed1006", fatal: true });
    expect(told).toEqual(["a failed"]);
  });

  it("knows nothing of the last resort", () => {
    const { told, event } = watch(firstOf(agents, [0, 1], "house"));
    event({ type: "replyDone" });
    event({ type: "agentFailed", fatal: true });
    expect(told).toEqual([]);
  });

  it("begins where the core does", () => {
    expect(firstOf(agents, [], "house")).toBe(0);
    expect(firstOf(agents, [0], "house")).toBe(1);
    expect(firstOf(agents, [0, 1], "house")).toBe(2);
    expect(firstOf(agents, [0, 1], "none")).toBe(0);
  });
});
