import type { Log, LogFields } from "../ports.ts";

/** An error's text may be long; a log line is not. */
const MAX_ERROR_CHARACTERS = 300;

/** One JSON object a line, on the console's stream of the same level. */
export class ConsoleLog implements Log {
  readonly #fields: LogFields;

  /** `fields` go with every line. */
  constructor(fields: LogFields = {}) {
    this.#fields = fields;
  }

  info(message: string, fields: LogFields = {}): void {
    console.log(this.#line("info", message, fields));
  }

  warn(message: string, fields: LogFields = {}): void {
    console.warn(this.#line("warn", message, fields));
  }

  error(message: string, fields: LogFields = {}): void {
    console.error(this.#line("error", message, fields));
  }

  #line(level: string, message: string, fields: LogFields): string {
    return JSON.stringify({ level, message, ...this.#fields, ...fields });
  }
}

/** What a log says about whatever was thrown. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { errorName: typeof error };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return { errorName: error.name, errorCode: code, errorMessage: error.message.slice(0, MAX_ERROR_CHARACTERS) };
}
