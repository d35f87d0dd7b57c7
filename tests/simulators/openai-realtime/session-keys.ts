// What the GA API takes from a client.

import type { Json } from "./audio-format.ts";
import { asObject } from "./items.ts";

export const CLIENT_EVENTS = new Set([
  "session.update",
  "input_audio_buffer.append",
  "input_audio_buffer.commit",
  "input_audio_buffer.clear",
  "conversation.item.create",
  "conversation.item.retrieve",
  "conversation.item.delete",
  "conversation.item.truncate",
  "response.create",
  "response.cancel",
]);
export const SESSION_KEYS: Record<string, unknown> = {
  type: true,
  model: true,
  output_modalities: true,
  instructions: true,
  tools: true,
  tool_choice: true,
  parallel_tool_calls: true,
  reasoning: true,
  max_output_tokens: true,
  truncation: true,
  tracing: true,
  prompt: true,
  include: true,
  audio: {
    input: { format: true, noise_reduction: true, transcription: true, turn_detection: true },
    output: { format: true, voice: true, speed: true },
  },
};

/** The first key that the GA session object does not have. */
export function unknownKey(value: Json, known: Record<string, unknown>, path: string): string | undefined {
  for (const key of Object.keys(value)) {
    const allowed = known[key];
    if (allowed === undefined) return `${path}.${key}`;
    if (typeof allowed === "object" && value[key] !== null) {
      const inner = unknownKey(asObject(value[key]), allowed as Record<string, unknown>, `${path}.${key}`);
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}
