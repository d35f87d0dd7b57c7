import compiled from "../build/trunkline.wasm";
import { warmUp } from "./warm-up.ts";

/** The core, compiled once for all calls. */
export const module: WebAssembly.Module = compiled;

/** Undefined if a whole call went through the module when the Worker started. */
export const warmUpError: unknown = warmUp(compiled);
