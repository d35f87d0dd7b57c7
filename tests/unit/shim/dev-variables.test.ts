import { describe, expect, it } from "vitest";
import { type DevOptions, devVariables, needsSimulator, parseVariables } from "../../../scripts/lib/dev-variables.ts";

const OPTIONS: DevOptions = { url: "http://127.0.0.1:8787", agent: undefined, simulatorUrl: "http://127.0.0.1:8788" };

function variablesFor(file: string, options: Partial<DevOptions> = {}) {
  return Object.fromEntries(devVariables(parseVariables(file), { ...OPTIONS, ...options }));
}

describe("the variables of scripts/dev", () => {
  it("are those of a gateway on this machine with a simulator behind it", () => {
    expect(variablesFor("")).toEqual({
      ENVIRONMENT: "development",
      DEFAULT_AGENT: "house",
      PUBLIC_BASE_URL: "http://127.0.0.1:8787",
      OPENAI_BASE_URL: "http://127.0.0.1:8788",
      OPENAI_API_KEY: "simulated",
    });
  });

  it.each(["ENVIRONMENT", "DEFAULT_AGENT", "PUBLIC_BASE_URL"])("leave %s to .dev.vars, where it is there", (name) => {
    expect(variablesFor(`${name}="x"\n`)).not.toHaveProperty(name);
    expect(variablesFor(`${name}=""\n`)).not.toHaveProperty(name);
    expect(variablesFor(`# ${name}="x"\n`)).toHaveProperty(name);
  });

  it("have the agent that was asked for, whatever .dev.vars says", () => {
    const agent = "openai-realtime";
    expect(variablesFor('DEFAULT_AGENT="parrot"\n', { agent })).toMatchObject({ DEFAULT_AGENT: agent });
  });

  it("leave the upstream to .dev.vars, where it has a key or a server", () => {
    expect(variablesFor('OPENAI_API_KEY="sk-x"\n')).not.toHaveProperty("OPENAI_BASE_URL");
    expect(variablesFor('OPENAI_API_KEY="sk-x"\n')).not.toHaveProperty("OPENAI_API_KEY");
    const server = variablesFor('OPENAI_BASE_URL="http://10.0.0.1"\n');
    expect([server.OPENAI_BASE_URL, server.OPENAI_API_KEY]).toEqual([undefined, "simulated"]);
    expect(needsSimulator(parseVariables('OPENAI_API_KEY=""\n'))).toBe(true);
    expect(needsSimulator(parseVariables('OPENAI_BASE_URL="http://10.0.0.1"\n'))).toBe(false);
  });
});

describe("the cascade of scripts/dev", () => {
  const partsOf = (file: string, options: Partial<DevOptions> = { agent: "cascade" }) => {
    const { PROFILE } = variablesFor(file, options);
    if (PROFILE === undefined) return undefined;
    const { stt, llm, tts } = JSON.parse(PROFILE) as Record<string, { service: string }>;
    return [stt?.service, llm?.service, tts?.service];
  };

  it("is made of OpenAI's services, and Deepgram's where there is a key", () => {
    expect(partsOf("")).toEqual(["openai", "openai", "openai"]);
    expect(partsOf('DEEPGRAM_API_KEY="x"\n')).toEqual(["deepgram", "openai", "deepgram"]);
    expect(partsOf('DEFAULT_AGENT="cascade"\n', {})).toEqual(["openai", "openai", "openai"]);
  });

  it("is what .dev.vars says, and nothing for other agents", () => {
    expect(partsOf("PROFILE='{}'\n")).toBeUndefined();
    expect(partsOf("", { agent: "house" })).toBeUndefined();
    expect(partsOf("", {})).toBeUndefined();
  });
});

describe(".dev.vars", () => {
  it("has names and values, quoted or not", () => {
    const file = 'A=1\n export B = "two words" \n# C=3\nD=\'{"a":"b"}\'\r\nE=\n';
    expect([...parseVariables(file)]).toEqual([
      ["A", "1"],
      ["B", "two words"],
      ["D", '{"a":"b"}'],
      ["E", ""],
    ]);
  });
});
