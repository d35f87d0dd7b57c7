import { describe, expect, it } from "vitest";
import { shownTools } from "../../../worker-shim/api/tools.ts";
import { readSettings, type SettingVariables } from "../../../worker-shim/settings.ts";

function shown(profile: object, variables: SettingVariables = {}) {
  const tools = { TOOL_HOSTS: "tools.example.com:8443", TOOL_SECRET: "a-secret-of-the-tools" };
  return shownTools(readSettings({ ENVIRONMENT: "production", ...tools, ...variables, PROFILE: profile }));
}

const named = (tools: ReturnType<typeof shown>) => tools.map(({ name, by, enabled }) => [name, by, enabled]);

describe("the list of tools", () => {
  it("has the gateway's own, and which of them agents are offered", () => {
    const own = [
      ["end_call", "gateway", true],
      ["take_message", "gateway", true],
    ];
    expect(named(shown({}))).toEqual([...own, ["get_weather", "gateway", false]]);
    expect(named(shown({ builtInTools: ["get_weather"] }))).toEqual([...own, ["get_weather", "gateway", true]]);
  });

  it("has those of the profile, with a webhook's host and none of its secrets", () => {
    const url = "https://tools.example.com:8443/hooks/s3cret?key=s3cret";
    const parameters = { type: "object", properties: { day: { type: "string" } } };
    const profile = {
      tools: [
        { type: "function", name: "book", description: "Books.", parameters, timeoutMs: 4_000, webhook: { url } },
        { type: "function", name: "take_message" },
      ],
    };
    const tools = shown(profile, { LIMITS: { replyMs: 9_000 } });
    expect(tools.map(({ name }) => name)).toEqual(["end_call", "get_weather", "book", "take_message"]);
    expect(tools[2]).toEqual({
      name: "book",
      by: "webhook",
      enabled: true,
      description: "Books.",
      parameters,
      webhookHost: "tools.example.com:8443",
      timeoutMs: 4_000,
    });
    expect(tools[3]).toMatchObject({ by: "operator", parameters: null, webhookHost: null, timeoutMs: 9_000 });
    expect(JSON.stringify(tools)).not.toContain("s3cret");
  });
});
