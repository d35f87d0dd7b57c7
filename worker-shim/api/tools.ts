import { OPTIONAL_TOOLS } from "../profile.ts";
import type { Settings } from "../settings.ts";
import { type Route, route } from "./route.ts";

/** A tool as an operator sees it. */
interface ShownTool {
  readonly name: string;
  /** Who brings its results: the gateway itself, its webhook, or an operator by a command. */
  readonly by: "gateway" | "webhook" | "operator";
  /** Agents are offered it. */
  readonly enabled: boolean;
  readonly description: string | null;
  /** A JSON schema; null: it takes anything. */
  readonly parameters: object | null;
  /** Of a webhook; its path may have a secret in it. */
  readonly webhookHost: string | null;
  /** How long a result is waited for; null: as long as for a reply, where the deployment does not say how long. */
  readonly timeoutMs: number | null;
}

type OwnTool = Pick<ShownTool, "name" | "description" | "parameters" | "timeoutMs">;

const degrees = (most: number, description: string) => ({ type: "number", minimum: -most, maximum: most, description });

/** The gateway's own, as the core offers them to agents: wasm/session/tool_desk.cc, wasm/protocol/services/weather.cc. */
export const OWN_TOOLS: readonly OwnTool[] = [
  {
    name: "end_call",
    description: "Ends the call, once the caller has heard what you say with it.",
    parameters: { type: "object", properties: {} },
    timeoutMs: null,
  },
  {
    name: "take_message",
    description: "Takes a message from the caller, in the caller's own words.",
    parameters: { type: "object", required: ["text"], properties: { text: { type: "string" } } },
    timeoutMs: null,
  },
  {
    name: "get_weather",
    description: "The weather at a place, now and today.",
    parameters: {
      type: "object",
      required: ["latitude", "longitude"],
      properties: {
        latitude: degrees(90, "Degrees north; negative is south."),
        longitude: degrees(180, "Degrees east; negative is west."),
      },
    },
    timeoutMs: 5_000,
  },
];

/** Every tool that agents are offered, or could be. */
export function shownTools({ profile, limits }: Settings): readonly ShownTool[] {
  const { builtInTools = [], tools = [] } = profile;
  const isOptional = (name: string) => (OPTIONAL_TOOLS as readonly string[]).includes(name);
  const isAsked = (name: string) => (builtInTools as readonly string[]).includes(name);
  const own = OWN_TOOLS.filter(({ name }) => !tools.some((tool) => tool.name === name)).map(
    (tool): ShownTool => ({
      ...tool,
      by: "gateway",
      enabled: !isOptional(tool.name) || isAsked(tool.name),
      webhookHost: null,
    }),
  );
  const ofProfile = tools.map(
    ({ name, description, parameters, timeoutMs, webhook }): ShownTool => ({
      name,
      by: webhook ? "webhook" : "operator",
      enabled: true,
      description: description ?? null,
      parameters: parameters ?? null,
      webhookHost: webhook ? new URL(webhook.url).host : null,
      timeoutMs: timeoutMs ?? limits.replyMs ?? null,
    }),
  );
  return [...own, ...ofProfile];
}

export function toolRoutes(): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/tools",
      access: "operator",
      query: {},
      answer: (context) =>
        Response.json({ tools: shownTools(context.get("settings")) }, { headers: { "Cache-Control": "no-store" } }),
    }),
  ];
}
