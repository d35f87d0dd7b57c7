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

/**
 * What a cascade is made of that nobody has said: OpenAI's services, and Deepgram's ears, which detect turns, and voice where
 * there is a key for them.
 */
function cascadeProfile(file: ReadonlyMap<string, string>): string {
  const hasDeepgram = Boolean(file.get("DEEPGRAM_API_KEY"));
  return JSON.stringify({
    instructions: "You answer a telephone. Be brief: one or two sentences, without lists or signs.",
    stt: hasDeepgram
      ? { service: "deepgram", model: "flux-general-en" }
      : { service: "openai", model: "gpt-4o-mini-transcribe" },
    llm: { service: "openai", model: "gpt-4.1-mini" },
    tts: hasDeepgram
      ? { service: "deepgram", model: "aura-2-thalia-en" }
      : { service: "openai", model: "gpt-4o-mini-tts", voice: "alloy" },
  });
}

/** Whether OpenAI is a simulator: .dev.vars names neither a key nor a server. */
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
  const chosen = agent ?? file.get("DEFAULT_AGENT");
  if (chosen === "cascade" && !file.has("PROFILE")) variables.set("PROFILE", cascadeProfile(file));
  if (needsSimulator(file)) variables.set("OPENAI_BASE_URL", simulatorUrl);
  // The simulator, and many a compatible server, takes any key, but wants one.
  if (!file.get("OPENAI_API_KEY")) variables.set("OPENAI_API_KEY", "simulated");
  return variables;
}
