import type { Profile } from "./profile.ts";

// The agents of a call, as far as the shim knows of them: their names, which of them depend on the same provider, and
// what the core tells of them while it goes through the list. docs/boundary.md, Configuration.

export const AGENTS = ["parrot", "openai-realtime", "house", "cascade", "scribe"] as const;
export type Agent = (typeof AGENTS)[number];

/** What stands in where a list is used up. */
export const LAST_RESORTS = ["house", "none"] as const;

/** Who speaks with nobody, or has nothing that could fail: nobody stands in for them. */
const WITHOUT_LAST_RESORT: ReadonlySet<string> = new Set(["parrot", "scribe", "house"]);

/** One agent of a call, with what the profile says of it. */
export interface CallAgent {
  readonly name: string;
  /** Agents of the same are well, or not, together. */
  readonly circuit: string;
}

/** Agents by what they connect to: providers, and the models there. */
function circuitOf(name: string, { model, stt, llm, tts }: Profile): string {
  if (name !== "cascade" && name !== "scribe") return model === undefined ? name : `${name} ${model}`;
  const services = name === "scribe" ? [stt] : [stt, llm, tts];
  const parts = services.flatMap((each) => {
    if (!each) return [];
    return "model" in each ? [`${each.service}/${each.model}`] : [each.service];
  });
  return [name, ...parts].join(" ");
}

/** The agents of a call in the core's order, without the last resort. */
export function agentsOf(agent: string, profile: Profile): readonly CallAgent[] {
  if (!profile.agents) return [{ name: agent, circuit: circuitOf(agent, profile) }];
  return profile.agents.map(({ agent: name, ...own }) => ({ name, circuit: circuitOf(name, { ...profile, ...own }) }));
}

/** What a profile that says nothing of it has, where the house can speak. */
export function lastResortOf(agent: string, profile: Profile, hasSpeech: boolean): (typeof LAST_RESORTS)[number] {
  if (profile.lastResort !== undefined) return profile.lastResort;
  const first = profile.agents?.[0]?.agent ?? agent;
  return hasSpeech && !WITHOUT_LAST_RESORT.has(first) ? "house" : "none";
}

/** Which agent has the call at first, as the core has it: where all are skipped the last resort, or else the first. */
export function firstOf(agents: readonly CallAgent[], skipped: readonly number[], lastResort: string): number {
  const first = agents.findIndex((_, index) => !skipped.includes(index));
  if (first >= 0) return first;
  return lastResort === "none" ? 0 : agents.length;
}

/** Tells of agents' failures and answers, by what the core tells of a call. */
export class AgentWatch {
  readonly #agents: readonly CallAgent[];
  readonly #circuits: { failed(agent: string): void; succeeded(agent: string): void };
  #current: number;

  /** `first` has the call at first: {@link firstOf}. */
  constructor(
    agents: readonly CallAgent[],
    first: number,
    circuits: { failed(agent: string): void; succeeded(agent: string): void },
  ) {
    this.#agents = agents;
    this.#circuits = circuits;
    this.#current = first;
  }

  event(json: string): void {
    // Most events are others.
    if (!/"type":"(?:agentSwitched|agentFailed|replyDone)"/.test(json)) return;
    const event = JSON.parse(json) as Readonly<Record<string, unknown>>;
    if (event.type === "agentSwitched") {
      const { fromIndex, toIndex, reason } = event;
      if (reason !== "command" && reason !== "restored") this.#failed(Number(fromIndex));
      this.#current = Number(toIndex);
    } else if (event.type === "agentFailed") {
      if (event.fatal === true) this.#failed(this.#current);
    } else {
      const circuit = this.#agents[this.#current]?.circuit;
      if (circuit !== undefined) this.#circuits.succeeded(circuit);
    }
  }

  #failed(index: number): void {
    const circuit = this.#agents[index]?.circuit;
    if (circuit !== undefined) this.#circuits.failed(circuit);
  }
}
