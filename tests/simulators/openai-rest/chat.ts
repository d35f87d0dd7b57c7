import { randomUUID } from "node:crypto";
import { think } from "../openai-realtime/domain.ts";
import { type Piece, piece } from "./answer.ts";

/** A request that the API would refuse. */
export class RequestError extends Error {
  readonly code: string | null;
  readonly param: string | null;

  constructor(message: string, code: string | null = null, param: string | null = null) {
    super(message);
    this.code = code;
    this.param = param;
  }
}

export interface ChatMessage {
  readonly role: string;
  readonly content?: unknown;
  readonly tool_calls?: readonly { readonly id: string; readonly function: { readonly name: string } }[];
  readonly tool_call_id?: string;
}

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}

const KEYS = new Set([
  ...["model", "messages", "stream", "stream_options", "tools", "tool_choice", "temperature"],
  ...["max_completion_tokens", "max_tokens"],
]);
const ROLES = new Set(["system", "developer", "user", "assistant", "tool"]);

/** @throws {RequestError} for what the API refuses */
export function readChatRequest(body: unknown): ChatRequest {
  if (typeof body !== "object" || body === null) throw new RequestError("We could not parse the JSON body.");
  for (const key of Object.keys(body))
    if (!KEYS.has(key)) throw new RequestError(`Unrecognized request argument supplied: ${key}`);
  const request = body as ChatRequest;
  if (typeof request.model !== "string" || request.model === "")
    throw new RequestError("you must provide a model parameter", null, "model");
  if (!Array.isArray(request.messages) || request.messages.length === 0)
    throw new RequestError("'messages' must have one message or more", "empty_array", "messages");
  let owed: string[] = [];
  for (const [i, message] of request.messages.entries()) {
    const place = `messages.[${i}]`;
    if (!ROLES.has(message.role)) throw new RequestError(`Invalid value: '${message.role}'`, null, `${place}.role`);
    if (message.role === "tool") {
      if (!owed.includes(message.tool_call_id ?? ""))
        throw new RequestError(
          "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        );
      owed = owed.filter((id) => id !== message.tool_call_id);
    } else if (owed.length > 0) {
      throw new RequestError(`these tool_call_ids did not have response messages: ${owed.join(", ")}`);
    }
    if (message.tool_calls) owed = message.tool_calls.map(({ id }: { readonly id: string }) => id);
    else if (typeof message.content !== "string") throw new RequestError("a string", null, `${place}.content`);
  }
  if (owed.length > 0) throw new RequestError(`these tool_call_ids did not have response messages: ${owed.join(", ")}`);
  return request;
}

export interface Thought {
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
}

/** What a model answers by itself: as the one of the Realtime simulator. */
export function thoughtOf({ messages, tools = [] }: ChatRequest): Thought {
  const last = messages.at(-1);
  if (last?.role === "tool") return { text: `The answer is ${last.content}.`, calls: [] };
  const said = messages.filter(({ role }) => role === "user").map(({ content }) => String(content));
  const words = said.at(-1) ?? "";
  const isHeard = words !== "" && !words.endsWith("[not understood]");
  const names = tools.map(({ function: { name } }) => name);
  const thought = think(isHeard ? words : "", names, said[0] ?? "");
  if (thought.kind === "say") return { text: thought.text, calls: [] };
  return { text: thought.text ?? "", calls: [{ name: thought.name, arguments: thought.arguments || "{}" }] };
}

/** As tokens are about: a word with the space before it. */
const tokensOf = (text: string) => text.match(/\s*\S+/g) ?? [];

function usageOf(request: ChatRequest, { text, calls }: Thought) {
  const prompt = tokensOf(JSON.stringify(request.messages)).length;
  const completion = tokensOf(text).length + 8 * calls.length;
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

export interface Pace {
  readonly thinkMs: number;
  readonly tokenMs: number;
}

/** The stream: a token a piece, calls of tools in fragments, [DONE] at the end. `filtered`: a filter stops it after some words. */
export function streamOf(request: ChatRequest, thought: Thought, pace: Pace, filtered: boolean): Piece[] {
  const head = {
    id: `chatcmpl-${randomUUID()}`,
    object: "chat.completion.chunk",
    created: Math.floor(Date.now() / 1000),
    model: request.model,
    system_fingerprint: null,
  };
  const withUsage = request.stream_options?.include_usage === true;
  const event = (fields: object, afterMs = 0) =>
    piece(
      `data: ${JSON.stringify({ ...head, ...fields, ...(withUsage && !("usage" in fields) && { usage: null }) })}\n\n`,
      afterMs,
    );
  const chunk = (delta: object, finish: string | null, afterMs = 0) =>
    event({ choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] }, afterMs);
  const pieces = [
    chunk({ role: "assistant", content: thought.text === "" ? null : "", refusal: null }, null, pace.thinkMs),
  ];
  const tokens = tokensOf(thought.text);
  const told = filtered ? tokens.slice(0, Math.ceil(tokens.length / 2)) : tokens;
  for (const token of told) pieces.push(chunk({ content: token }, null, pace.tokenMs));
  if (!filtered) {
    for (const [index, call] of thought.calls.entries()) {
      const id = `call_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
      const fragment = (fields: object) => chunk({ tool_calls: [{ index, ...fields }] }, null, pace.tokenMs);
      pieces.push(fragment({ id, type: "function", function: { name: call.name, arguments: "" } }));
      for (const part of call.arguments.match(/.{1,3}/gs) ?? [])
        pieces.push(fragment({ function: { arguments: part } }));
    }
  }
  const finish = filtered ? "content_filter" : thought.calls.length > 0 ? "tool_calls" : "stop";
  pieces.push(chunk({}, finish));
  if (withUsage) pieces.push(event({ choices: [], usage: usageOf(request, thought) }));
  pieces.push(piece("data: [DONE]\n\n"));
  return pieces;
}

/** The same at once. */
export function completionOf(request: ChatRequest, thought: Thought, pace: Pace, filtered: boolean): Piece[] {
  const calls = thought.calls.map(({ name, arguments: text }) => ({
    id: `call_${randomUUID().replaceAll("-", "").slice(0, 24)}`,
    type: "function",
    function: { name, arguments: text },
  }));
  const message = {
    role: "assistant",
    content: thought.text === "" ? null : thought.text,
    refusal: null,
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  const finish = filtered ? "content_filter" : calls.length > 0 ? "tool_calls" : "stop";
  const body = {
    id: `chatcmpl-${randomUUID()}`,
    object: "chat.completion",
    created: Math.floor(Date.now() / 1000),
    model: request.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
    usage: usageOf(request, thought),
  };
  return [piece(JSON.stringify(body), pace.thinkMs)];
}
