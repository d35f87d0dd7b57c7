import { randomBytes } from "node:crypto";
import type { Json } from "./audio-format.ts";

/** An item of the conversation. */
export interface Item {
  id: string;
  type: "message" | "function_call" | "function_call_output";
  role?: "user" | "assistant" | "system";
  /** What was said; of a user's audio, when it has been understood; of a function's call its arguments. */
  text: string;
  understood?: Promise<string>;
  generatedMs: number;
  truncatedAtMs?: number;
  callId?: string;
}

/** A client's event that the server refuses. */
export class ClientError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** A new id as the server makes them: `prefix` says of what. */
export function freshId(prefix: string): string {
  return `${prefix}_${randomBytes(10).toString("hex")}`;
}

export function asObject(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

/** The parts of a message that each role may have. */
const CONTENT: Readonly<Record<string, readonly string[]>> = {
  assistant: ["output_text"],
  user: ["input_text", "input_audio"],
  system: ["input_text"],
};

/** The item of conversation.item.create, which comes after `items`. @throws {ClientError} */
export function readItem(value: Json, items: readonly Item[], newId: () => string): Item {
  const id = typeof value["id"] === "string" ? value["id"] : newId();
  const type = value["type"];
  switch (type) {
    case "function_call": {
      const { call_id: callId, name, arguments: text } = value;
      if (typeof callId !== "string" || typeof name !== "string" || typeof text !== "string")
        throw new ClientError("missing_required_parameter", "item.call_id, item.name and item.arguments are strings");
      return { id, type, text, generatedMs: 0, callId };
    }
    case "function_call_output": {
      const { call_id: callId, output } = value;
      if (typeof callId !== "string" || typeof output !== "string")
        throw new ClientError("missing_required_parameter", "item.call_id and item.output are strings");
      if (!items.some((item) => item.type === "function_call" && item.callId === callId))
        throw new ClientError("invalid_tool_call_id", `No tool call found for ${callId}`);
      return { id, type, text: output, generatedMs: 0 };
    }
    case "message": {
      const role = value["role"];
      if (role !== "user" && role !== "assistant" && role !== "system")
        throw new ClientError("invalid_value", "item.role");
      const content = Array.isArray(value["content"]) ? value["content"].map(asObject) : [];
      const bad = content.find((part) => !CONTENT[role]?.includes(String(part["type"])));
      if (bad) throw new ClientError("invalid_value", `Invalid value: '${bad["type"]}' for a ${role} message.`);
      const text = content.map((part) => String(part["text"] ?? part["transcript"] ?? "")).join(" ");
      return { id, type, role, text, generatedMs: 0 };
    }
    default:
      throw new ClientError("invalid_value", `Invalid value: '${String(type)}'.`);
  }
}

/** The item as the server's events have it. */
export function showItem(item: Item): Json {
  const base = { id: item.id, object: "realtime.item", type: item.type, status: "completed" };
  if (item.type === "function_call") return { ...base, call_id: item.callId ?? "", arguments: item.text };
  if (item.type === "function_call_output") return { ...base, call_id: item.callId ?? "", output: item.text };
  const content =
    item.role === "assistant"
      ? [{ type: "output_audio", transcript: item.text }]
      : [{ type: "input_audio", transcript: item.text || null }];
  return { ...base, role: item.role, content };
}
