// What stands where a secret should, as examples, templates and hurried hands have it. Everybody knows it.

/** Of these alone, whatever is between them. */
const WORDS =
  /^(?:(?:undefined|null|none|nil|nan|empty|true|false|todo|tbd|fixme|test|testing|default|dummy|demo|sample|example|placeholder|secret|password|passwd|token|auth|key|api|admin|change|replace|me|this|it|set|fill|insert|enter|your|my|the|a|value|here|x+)[\W_]*)+$/i;

/** What is between brackets, or a variable that nothing was put in for. */
const BRACKETS = /^(?:<.*>|\[.*\]|\{.*\}|\(.*\)|%.*%|\$\w+|.*\$\{.*\}.*|.*\{\{.*\}\}.*)$/s;

/** What a sentence to the reader begins or ends with. */
const BEGINS = /^(?:(?:replace|change)[\W_]*(?:me|this|it|by|with)|your[\W_]|(?:insert|enter|put|paste|fill)[\W_])/i;
const ENDS = /(?:[\W_]here|[\W_]?goes[\W_]?here|[\W_](?:example|placeholder))$/i;

/** One character all along, with hyphens or without: xxxx-xxxx. */
const REPEATED = /^(.)\1*(?:[\W_]\1+)*$/s;

export function isPlaceholder(value: string): boolean {
  return [WORDS, BRACKETS, BEGINS, ENDS, REPEATED].some((kind) => kind.test(value));
}
