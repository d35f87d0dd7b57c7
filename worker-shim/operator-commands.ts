import * as v from "valibot";
import { shape } from "./schemas.ts";

const words = v.string("must be a text");

/** What an operator may tell a call; docs/boundary.md, Commands. */
export const operatorCommand = v.variant(
  "type",
  [
    shape({ type: v.literal("hangUp"), reason: v.optional(words) }),
    shape({ type: v.literal("say"), text: words }),
    shape({ type: v.literal("toolResult"), toolCallId: words, output: words }),
    shape({ type: v.literal("recordingConsent") }),
    shape({ type: v.literal("pauseRecording") }),
    shape({ type: v.literal("resumeRecording") }),
  ],
  "must be one of hangUp, say, toolResult, recordingConsent, pauseRecording, resumeRecording",
);

export function isOperatorCommand(value: unknown): boolean {
  return v.is(operatorCommand, value);
}
