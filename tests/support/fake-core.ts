import {
  type CoreExports,
  TL_ABI_VERSION,
  TL_EFFECT_COMMAND_RESULT,
  TL_ERR_UNDRAINED,
  TL_INPUT_COMMAND,
  TL_MAX_INPUT_BYTES,
  TL_OK,
} from "../../worker-shim/abi.generated.ts";

/** What came in: one tl_session_input. */
export interface FakeInput {
  readonly nowUs: bigint;
  readonly tag: number;
  readonly body: Uint8Array;
}

/** One record as trunkline.h describes it. */
export function record(tag: number, arg: bigint | number = 0, body: string | Uint8Array = ""): Uint8Array {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const padded = new Uint8Array(16 + Math.ceil(bytes.length / 8) * 8);
  const view = new DataView(padded.buffer);
  view.setUint16(0, tag, true);
  view.setUint32(4, bytes.length, true);
  view.setBigUint64(8, BigInt(arg), true);
  padded.set(bytes, 16);
  return padded;
}

/** What the core answers to a command, and to nothing else. */
export function resultOf({ tag, body }: FakeInput, result: object = { status: "done" }): readonly Uint8Array[] {
  if ((tag & 0xffff) !== TL_INPUT_COMMAND) return [];
  const { id } = JSON.parse(new TextDecoder().decode(body)) as { id: number };
  return [record(TL_EFFECT_COMMAND_RESULT, 0, JSON.stringify({ id, ...result }))];
}

const INBOX = 8;
const EFFECTS = INBOX + TL_MAX_INPUT_BYTES;
const PAGES = 64;

/**
 * A module's exports without a module: what it answers is scripted. Keeps the
 * contract as the core does: an input while effects wait is refused.
 */
export class FakeCore {
  readonly memory = new WebAssembly.Memory({ initial: PAGES });
  readonly inputs: FakeInput[] = [];
  /** The configuration of tl_session_create. */
  config = "";
  initialised = 0;
  inboxCalls = 0;
  readonly destroyed: number[] = [];
  version = TL_ABI_VERSION;
  handle = 257;
  /** Answers the next inputs; then they are taken. */
  statuses: number[] = [];
  /**
   * Runs with each input, the creation included (tag 0); what it returns are
   * the effects.
   */
  onInput: (input: FakeInput) => readonly Uint8Array[] = (input) => resultOf(input);
  #pending = 0;

  readonly exports: CoreExports = {
    memory: this.memory,
    _initialize: () => {
      this.initialised++;
    },
    tl_abi_version: () => this.version,
    tl_inbox: (length) => {
      this.inboxCalls++;
      return length > TL_MAX_INPUT_BYTES ? 0 : INBOX;
    },
    tl_session_create: (nowUs, length) => {
      const body = this.#inbox(length);
      this.config = new TextDecoder().decode(body);
      if (this.handle !== 0) this.#put(this.onInput({ nowUs, tag: 0, body }));
      return this.handle;
    },
    tl_session_destroy: (session) => {
      this.destroyed.push(session);
    },
    tl_session_input: (_session, nowUs, tag, length) => {
      if (this.#pending > 0) return TL_ERR_UNDRAINED;
      const status = this.statuses.shift() ?? TL_OK;
      if (status !== TL_OK) return status;
      const input = { nowUs, tag, body: this.#inbox(length) };
      this.inputs.push(input);
      this.#put(this.onInput(input));
      return this.#pending;
    },
    tl_effects: () => EFFECTS,
    tl_effects_len: () => this.#pending,
    tl_effects_consume: (_session, length) => {
      this.#pending -= length;
    },
  };

  /** Puts bytes where effects are, well-formed or not. */
  putRaw(bytes: Uint8Array): void {
    new Uint8Array(this.memory.buffer).set(bytes, EFFECTS + this.#pending);
    this.#pending += bytes.length;
  }

  #put(records: readonly Uint8Array[]): void {
    for (const bytes of records) this.putRaw(bytes);
  }

  #inbox(length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, INBOX, length).slice();
  }
}
