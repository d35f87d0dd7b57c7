/** A token of English is about four bytes, of other languages about two (three of UTF-8 a character and a half). */
const TOKENS_PER_BYTE = { ascii: 1 / 4, other: 1 / 2 } as const;

const utf8 = new TextEncoder();

/** What a text takes: bytes of UTF-8, and tokens, not rounded, so that those of parts add up. */
export interface TextCost {
  readonly bytes: number;
  readonly tokens: number;
}

export function costOf(text: string): TextCost {
  const bytes = utf8.encode(text);
  let ascii = 0;
  for (const byte of bytes) if (byte < 0x80) ascii++;
  const tokens = ascii * TOKENS_PER_BYTE.ascii + (bytes.length - ascii) * TOKENS_PER_BYTE.other;
  return { bytes: bytes.length, tokens };
}

/** About how many tokens a text is; the provider alone knows. */
export function estimatedTokens(text: string): number {
  return Math.ceil(costOf(text).tokens);
}
