import type { Log, ResourcesPort, SessionInputs } from "../ports.ts";
import { errorFields } from "./log.ts";

/** The bytes of a resource; undefined if there is none of that name. */
export type FindResource = (name: string) => Promise<Uint8Array | undefined>;

/** Names of the core's, in folders if it likes; nothing that leads out of them. */
const NAME = /^(?=.{1,200}$)[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/;

/** Where the static assets have them. */
const FOLDER = "/resources/";

/** The part of a binding of static assets that is used. */
export interface Assets {
  fetch(url: string): Promise<{
    readonly ok: boolean;
    readonly body: { cancel(): Promise<void> } | null;
    arrayBuffer(): Promise<ArrayBuffer>;
  }>;
}

/** Looks in the deployment's static assets; without them there is nothing. */
export function assetResources(assets: Assets | undefined): FindResource {
  return async (name) => {
    if (!assets || !NAME.test(name)) return undefined;
    const response = await assets.fetch(`https://assets.local${FOLDER}${name}`);
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    await response.body?.cancel();
    return undefined;
  };
}

/** Hands resources to one session. One that cannot be had is one that there is not. */
export class CallResources implements ResourcesPort {
  readonly #inputs: SessionInputs;
  readonly #find: FindResource;
  readonly #maxBytes: number;
  readonly #log: Log;

  /** `maxBytes`: of a name and its bytes; longer ones are not delivered. */
  constructor(inputs: SessionInputs, find: FindResource, maxBytes: number, log: Log) {
    this.#inputs = inputs;
    this.#find = find;
    this.#maxBytes = maxBytes;
    this.#log = log;
  }

  load(name: string): void {
    void this.#load(name);
  }

  async #load(name: string): Promise<void> {
    try {
      this.#inputs.onResource(name, await this.#fitting(name));
    } catch (error) {
      this.#inputs.onPortFault(error);
    }
  }

  async #fitting(name: string): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#find(name);
      if (!bytes) this.#log.warn("there is no such resource", { name });
      else if (name.length + bytes.length <= this.#maxBytes) return bytes;
      else this.#log.warn("a resource is too long", { name, bytes: bytes.length });
    } catch (error) {
      this.#log.warn("a resource was not loaded", { name, ...errorFields(error) });
    }
    return undefined;
  }
}
