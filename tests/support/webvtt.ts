// WebVTT as its specification has it (W3C, WebVTT 4.1), and no looser. Shares no code with the gateway.

export interface Cue {
  readonly id: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Of its voice span, without the markup. */
  readonly voice: string;
  readonly text: string;
}

const TIMING = /^(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})$/;
const ESCAPES: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };

const milliseconds = (parts: readonly string[]) => {
  const [h = 0, m = 0, s = 0, ms = 0] = parts.map(Number);
  return ((h * 60 + m) * 60 + s) * 1000 + ms;
};

/** @throws {Error} at the first thing that is not as it must be; cues that begin before the former one are among them */
export function parseWebVtt(document: string): Cue[] {
  const [header, ...blocks] = document.split("\n\n");
  if (header !== "WEBVTT" && document !== "WEBVTT\n") throw new Error(`header ${JSON.stringify(header)}`);
  const cues: Cue[] = [];
  for (const block of blocks.filter((text) => text !== "")) {
    const [id = "", timing = "", ...lines] = block.replace(/\n$/, "").split("\n");
    const times = TIMING.exec(timing);
    if (!times || id.includes("-->")) throw new Error(`cue ${JSON.stringify(block)}`);
    const [fromMs, toMs] = [milliseconds(times.slice(1, 5)), milliseconds(times.slice(5, 9))];
    const spoken = /^<v ([^>\n&]+)>([^<>]*)<\/v>$/.exec(lines.join("\n"));
    if (!spoken || lines.length !== 1) throw new Error(`payload ${JSON.stringify(lines)}`);
    if (toMs <= fromMs || fromMs < (cues.at(-1)?.fromMs ?? 0)) throw new Error(`times of ${JSON.stringify(block)}`);
    if (/&(?!amp;|lt;|gt;)/.test(spoken[2] ?? "")) throw new Error(`escapes of ${JSON.stringify(lines)}`);
    const text = (spoken[2] ?? "").replace(/&amp;|&lt;|&gt;/g, (code) => ESCAPES[code] ?? code);
    cues.push({ id, fromMs, toMs, voice: spoken[1] ?? "", text });
  }
  return cues;
}
