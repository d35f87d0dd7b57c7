/** One small change of a source file, by which a test should fail. */
export interface Mutant {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

/** What stands for `pattern` in a line; each place is a mutant of its own. */
interface Operator {
  readonly pattern: RegExp;
  readonly replace: (match: RegExpExecArray) => string;
}

const SWAPS: Readonly<Record<string, string>> = {
  "==": "!=",
  "!=": "==",
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "&&": "||",
  "||": "&&",
  "+": "-",
  "-": "+",
};

/** The formatter puts blanks around binary operators and around nothing else that looks like them. */
const OPERATORS: readonly Operator[] = [
  { pattern: / (==|!=|<=?|>=?|&&|\|\||\+|-) /g, replace: ([, operator = ""]) => ` ${SWAPS[operator]} ` },
  { pattern: /\b(true|false)\b/g, replace: ([word]) => (word === "true" ? "false" : "true") },
  { pattern: /(?<![\w.'"])(\d+)(?![\w.'"])/g, replace: ([, number]) => String(Number(number) + 1) },
  { pattern: /\bif \(([^;]*)\)(?= (?:\{|return|continue|break)|$)/g, replace: ([, test]) => `if (!(${test}))` },
  // A call whose value nobody takes.
  { pattern: /^(\s+)[\w.>:-]+\([^;]*\);$/g, replace: ([, indent]) => `${indent};` },
];

/** Checks of what cannot happen, and what is no code of a function. */
const NOT_CODE = /^\s*(\/\/|#|namespace|using|template|static_assert|TL_CHECK|case )|^\S/;

function withoutComment(line: string): string {
  const at = line.indexOf("//");
  return at < 0 ? line : line.slice(0, at).trimEnd();
}

/** Whether a place lies in a string. */
function isQuoted(line: string, index: number): boolean {
  return (line.slice(0, index).match(/(?<!\\)"/g) ?? []).length % 2 === 1;
}

/** All mutants of `text`, in the order of its lines. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const all: Mutant[] = [];
  for (const [index, before] of text.split("\n").entries()) {
    if (NOT_CODE.test(before)) continue;
    const code = withoutComment(before);
    for (const { pattern, replace } of OPERATORS) {
      for (const match of code.matchAll(pattern)) {
        if (isQuoted(code, match.index)) continue;
        const after = code.slice(0, match.index) + replace(match) + code.slice(match.index + match[0].length);
        all.push({ file, line: index + 1, before, after });
      }
    }
  }
  return all;
}

/** `text` with the mutant in it. */
export function mutate(text: string, mutant: Mutant): string {
  const lines = text.split("\n");
  lines[mutant.line - 1] = mutant.after;
  return lines.join("\n");
}
