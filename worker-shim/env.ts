import type { CallSession } from "./call-session.ts";
import type { SettingVariables } from "./settings.ts";
import type { Switchboard } from "./switchboard.ts";

/** What wrangler.toml and the secrets bind. */
export interface Env extends SettingVariables {
  readonly CALLS: DurableObjectNamespace<CallSession>;
  readonly SWITCHBOARD: DurableObjectNamespace<Switchboard>;
}
