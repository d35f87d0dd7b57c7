import manifest from "../package.json" with { type: "json" };
import { createApp } from "./api/app.ts";
import { warmUpError } from "./module.ts";
import { ConsoleLog, errorFields } from "./ports/log.ts";

export { CallSession } from "./call-session.ts";
export { Switchboard } from "./switchboard.ts";

if (warmUpError !== undefined) new ConsoleLog().error("the core did not warm up", errorFields(warmUpError));

export default createApp({ version: manifest.version, warmUpError });
