import type { Env } from "../env.ts";
import type { Operator } from "../operators.ts";
import type { ProfileChooser } from "../profiles/choice.ts";
import type { KnowledgeShelf } from "../profiles/shelf.ts";
import type { Settings } from "../settings.ts";
import type { SwitchboardClient } from "../switchboard-client.ts";
import type { DoorLimits } from "./rate-limit.ts";

/** What the entry knows about itself. */
export interface Build {
  readonly version: string;
  /** Why the core did not warm up; undefined if it did. */
  readonly warmUpError: unknown;
}

export type AppEnv = {
  Bindings: Env;
  Variables: {
    readonly settings: Settings;
    readonly switchboard: SwitchboardClient;
    readonly limits: DoorLimits;
    readonly chooser: ProfileChooser;
    readonly shelf: KnowledgeShelf;
    /** Who asks, once he has shown it; undefined for what is no operator's. */
    operator: Operator | undefined;
  };
};
