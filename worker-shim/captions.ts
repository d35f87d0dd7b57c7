/** What a caption is made of. */
export interface CaptionedTurn {
  readonly role: string;
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly recordingMs: number | null;
}

/** Shorter captions cannot be read. */
const MIN_CUE_MS = 500;

function timestamp(ms: number): string {
  const pad = (value: number, digits: number) => String(Math.floor(value)).padStart(digits, "0");
  return `${pad(ms / 3_600_000, 2)}:${pad((ms / 60_000) % 60, 2)}:${pad((ms / 1000) % 60, 2)}.${pad(ms % 1000, 3)}`;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replace(/\s+/g, " ").trim();
}

/**
 * WebVTT on the clock of the recording, which is `fileMs` long: no cue ends behind it. What is not in the recording, and
 * what has no words, is left out.
 */
export function captions(turns: readonly CaptionedTurn[], fileMs: number): string {
  const cues = turns
    .flatMap(({ role, text, startMs, endMs, recordingMs }) => {
      const words = escapeText(text);
      if (recordingMs === null || recordingMs >= fileMs || words === "") return [];
      const toMs = Math.min(fileMs, recordingMs + Math.max(MIN_CUE_MS, endMs - startMs));
      return [{ fromMs: recordingMs, toMs, words: `<v ${role === "caller" ? "Caller" : "Agent"}>${words}</v>` }];
    })
    .sort((a, b) => a.fromMs - b.fromMs);
  const blocks = cues.map(
    ({ fromMs, toMs, words }, index) => `${index + 1}\n${timestamp(fromMs)} --> ${timestamp(toMs)}\n${words}\n`,
  );
  return ["WEBVTT\n", ...blocks].join("\n");
}
