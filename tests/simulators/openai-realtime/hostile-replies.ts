// Replies that no honest server makes. Each is a list of events; whoever plays them sends one after the other.

import { randomBytes } from "node:crypto";
import type { Json } from "./audio-format.ts";
import { ERRORS, RETRY_TEXTS, type Reply, type Temper } from "./hostility.ts";

/** What is done next: an event is sent, or the connection ends. */
export type Deed =
  | { readonly kind: "event"; readonly type: string; readonly fields: Json }
  | { readonly kind: "close"; readonly code: number; readonly reason: string }
  | { readonly kind: "drop" };

export interface ReplyContext {
  readonly responseId: string;
  /** The client's event that asked. */
  readonly eventId: string | undefined;
  readonly tool: string | undefined;
  readonly temper: Temper;
  /** So much audio, base64. */
  audio(ms: number): string;
  /** The response object with this status. */
  response(status: string, details?: Json): Json;
}

const unique = (prefix: string) => `${prefix}_${randomBytes(10).toString("hex")}`;

function event(type: string, fields: Json = {}): Deed {
  return { kind: "event", type, fields };
}

function done(context: ReplyContext, status: string, details?: Json): Deed {
  return event("response.done", { response: context.response(status, details) });
}

function refusal(context: ReplyContext, code: string, message: string, named: boolean): Deed {
  const error = { type: "invalid_request_error", code, message, param: null };
  return event("error", { error: named ? { ...error, event_id: context.eventId ?? null } : error });
}

/** An audio item of `ms`, in `parts` content parts, with its words. */
function item(context: ReplyContext, ms: number, { parts = 1, step = 200, index = 0 } = {}): Deed[] {
  const id = unique("item");
  const where = { response_id: context.responseId, output_index: index, item_id: id };
  const shown = { id, type: "message", role: "assistant", content: [] };
  const deeds = [event("response.output_item.added", { ...where, item: shown })];
  for (let part = 0; part < parts; part++) {
    const at = { ...where, content_index: part };
    deeds.push(event("response.content_part.added", { ...at, part: { type: "audio", transcript: "" } }));
    for (let sent = 0; sent < ms; sent += step)
      deeds.push(event("response.output_audio.delta", { ...at, delta: context.audio(step) }));
    deeds.push(
      event("response.output_audio_transcript.delta", { ...at, delta: "Some words that were said. " }),
      event("response.output_audio.done", at),
      event("response.output_audio_transcript.done", { ...at, transcript: "Some words that were said. " }),
    );
  }
  deeds.push(event("response.output_item.done", { ...where, item: shown }));
  return deeds;
}

function toolCall(context: ReplyContext, name: string, callId = unique("call"), index = 0): Deed[] {
  const id = unique("item");
  const where = { response_id: context.responseId, output_index: index, item_id: id, call_id: callId };
  const shown = { id, type: "function_call", name, call_id: callId, arguments: "{}" };
  return [
    event("response.output_item.added", { ...where, item: { ...shown, arguments: "" } }),
    event("response.function_call_arguments.done", { ...where, name, arguments: "{}" }),
    event("response.output_item.done", { ...where, item: shown }),
  ];
}

/** Audio that belongs nowhere, then some that does. */
function nameless(context: ReplyContext): Deed[] {
  const audio = context.audio(200);
  const unknown = { response_id: unique("resp"), item_id: unique("item") };
  return [
    event("response.output_audio.delta", { delta: audio }),
    event("response.output_audio.delta", { ...unknown, delta: audio }),
    event("response.output_audio.delta", { response_id: context.responseId, item_id: 5, delta: "***" }),
    event("response.output_audio_transcript.delta", { delta: ["words"] }),
    event("response.done", {}),
    event("response.done", { response: unknown.response_id }),
    ...item(context, 600),
  ];
}

/** The deeds of a reply, in order. An honest one is not made here. */
export function deedsOf(reply: Exclude<Reply, "honest">, context: ReplyContext): Deed[] {
  const { temper } = context;
  const created = event("response.created", { response: context.response("in_progress") });
  const failure = { type: "failed", error: { type: "server_error", code: temper.pick(ERRORS) } };
  const speech = (ms: number) => item(context, ms).slice(0, -3);
  switch (reply) {
    case "ignored":
      return [];
    case "refused":
      return [refusal(context, temper.pick(ERRORS), temper.pick(RETRY_TEXTS), true)];
    case "refusedUnnamed":
      return [refusal(context, temper.pick(ERRORS), temper.pick(RETRY_TEXTS), false)];
    case "limited": {
      const error = { type: "requests", code: "rate_limit_exceeded", message: temper.pick(RETRY_TEXTS) };
      return [created, done(context, "failed", { type: "failed", error })];
    }
    case "callsTool":
      return [created, ...toolCall(context, context.tool ?? "get_time"), done(context, "completed")];
    case "callsUndeclared":
      return [created, ...toolCall(context, "nobody_knows"), done(context, "completed")];
    case "callsTwice": {
      const callId = unique("call");
      const calls = [0, 1].flatMap((index) => toolCall(context, context.tool ?? "get_time", callId, index));
      return [created, ...calls, done(context, "completed")];
    }
    case "preamble":
      return [
        created,
        ...item(context, 600),
        ...toolCall(context, context.tool ?? "get_time", unique("call"), 1),
        done(context, "completed"),
      ];
    case "items":
      return [
        created,
        ...item(context, 400, { parts: 2 }),
        ...item(context, 400, { index: 1 }),
        ...item(context, 0, { index: 2 }),
        done(context, "completed"),
      ];
    case "text": {
      const where = { response_id: context.responseId, output_index: 0, item_id: unique("item"), content_index: 0 };
      return [
        created,
        event("response.output_text.delta", { ...where, delta: "I only write." }),
        event("response.output_text.done", { ...where, text: "I only write." }),
        done(context, "completed"),
      ];
    }
    case "empty":
      return [created, done(context, "completed")];
    case "failed":
      return [created, done(context, "failed", failure)];
    case "failedInAudio":
      return [created, ...speech(800), done(context, "failed", failure)];
    case "incompleteTokens":
      return [created, done(context, "incomplete", { type: "incomplete", reason: "max_output_tokens" })];
    case "incompleteFilter":
      return [created, done(context, "incomplete", { type: "incomplete", reason: "content_filter" })];
    case "incompleteUnnamed":
      return [created, done(context, "incomplete")];
    case "cutShort":
      return [
        created,
        ...item(context, 800),
        done(context, "incomplete", { type: "incomplete", reason: "max_output_tokens" }),
      ];
    case "cancelled":
      return [created, done(context, "cancelled", { type: "cancelled", reason: "client_cancelled" })];
    case "stalls":
      return [created];
    case "stallsInAudio":
      return [created, ...speech(600)];
    case "drops":
      return [created, { kind: "drop" }];
    case "dropsInAudio":
      return [created, ...speech(600), { kind: "drop" }];
    case "closes":
      return [{ kind: "close", ...temper.nextClose() }];
    case "trickle":
      return [created, ...item(context, 800, { step: 10 }), done(context, "completed")];
    case "nameless":
      return [created, ...nameless(context), done(context, "completed")];
    case "doubled":
      return [created, ...item(context, 800), done(context, "completed")].flatMap((deed) => [deed, deed]);
    case "unannounced":
      return [...item(context, 800), done(context, "completed")];
  }
}
