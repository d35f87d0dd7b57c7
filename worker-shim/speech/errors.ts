/** Why an answer failed. Its message is for a log, its code for whoever asked. */
export type SpeechFault =
  /** The module trapped, or broke its own rules: the instance is gone. */
  | "trap"
  /** The module has another boundary than this file knows, or the model is not the one that it must be. */
  | "model"
  /** What was asked for is out of range, or not its turn. */
  | "request"
  /** Nothing of what was expected can be heard. */
  | "language"
  /** As many as can be are listening. */
  | "busy";

export class SpeechError extends Error {
  override readonly name = "SpeechError";
  readonly code: SpeechFault;

  constructor(code: SpeechFault, message: string) {
    super(message);
    this.code = code;
  }
}

/** Runs a call into a module; whatever it throws means that the instance is unusable. `why` is asked for then. */
export function guard<T>(call: () => T, why: () => string = () => ""): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof SpeechError) throw error;
    const reason = why();
    const text = error instanceof Error ? error.message : String(error);
    throw new SpeechError("trap", reason ? `${text}: ${reason}` : text);
  }
}
