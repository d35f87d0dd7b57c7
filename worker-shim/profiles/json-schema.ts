import { toJsonSchema } from "@valibot/to-json-schema";
import { document } from "./document.ts";

let made: object | undefined;

/**
 * The JSON Schema of a document, made of the schema that checks it. What JSON Schema cannot say (bytes of UTF-8, names
 * that differ) is left out: what it takes may still be refused, what it refuses is refused.
 */
export function documentJsonSchema(): object {
  made ??= { ...toJsonSchema(document, { errorMode: "ignore", target: "draft-2020-12" }), title: "Trunkline profile" };
  return made;
}
