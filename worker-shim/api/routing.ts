import type { Hono } from "hono";
import type { Env } from "../env.ts";
import type { Settings } from "../settings.ts";
import type { SwitchboardClient } from "../switchboard-client.ts";
import { HttpError } from "./errors.ts";

/** What the entry knows about itself. */
export interface Build {
  readonly version: string;
  /** Why the core did not warm up; undefined if it did. */
  readonly warmUpError: unknown;
}

export type AppEnv = {
  Bindings: Env;
  Variables: { readonly settings: Settings; readonly switchboard: SwitchboardClient };
};

/** Refuses every method that `path` was not given a handler for so far. */
export function refuseOtherMethods(app: Hono<AppEnv>, path: string, allowed: readonly string[]): void {
  app.all(path, () => {
    throw new HttpError(405, "method_not_allowed", "the route does not take this method", {
      Allow: allowed.join(", "),
    });
  });
}
