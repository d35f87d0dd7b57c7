import { parseEnv } from "node:util";

/** What scripts/dev knows when it starts the gateway. */
export interface DevOptions {
  /** Where the gateway answers on this machine. */
  readonly url: string;
  /** What the Worker calls the agent; undefined unless it was asked for by `--agent`. */
  readonly agent: string | undefined;
  /** Where the simulator would answer. */
  readonly simulatorUrl: string;
}

/** Names and values of a file like .dev.vars. */
export function parseVariables(text: string): Map<string, string> {
  return new Map(Object.entries(parseEnv(text)).map(([name, value = ""]) => [name, value]));
}

/** Whether the agent openai-realtime is to reach a simulator: .dev.vars names neither a key nor a server. */
export function needsSimulator(file: ReadonlyMap<string, string>): boolean {
  return !file.get("OPENAI_API_KEY") && !file.get("OPENAI_BASE_URL");
}

/**
 * The variables to give to the gateway beside .dev.vars. They would win over that file, so what it says is left out; only
 * what was asked for on the command line stays.
 */
export function devVariables(file: ReadonlyMap<string, string>, options: DevOptions): Map<string, string> {
  const { url, agent, simulatorUrl } = options;
  const defaults: [string, string][] = [
    ["ENVIRONMENT", "development"],
    ["DEFAULT_AGENT", "house"],
    ["PUBLIC_BASE_URL", url],
  ];
  const variables = new Map(defaults.filter(([name]) => !file.has(name)));
  if (agent !== undefined) variables.set("DEFAULT_AGENT", agent);
  if (needsSimulator(file)) variables.set("OPENAI_BASE_URL", simulatorUrl);
  // The simulator, and many a compatible server, takes any key, but wants one.
  if (!file.get("OPENAI_API_KEY")) variables.set("OPENAI_API_KEY", "simulated");
  return variables;
}
