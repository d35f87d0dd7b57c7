import manifest from "../package.json" with { type: "json" };
import { createApp } from "./api/app.ts";
import type { Env } from "./env.ts";
import { warmUpError } from "./module.ts";
import { ConsoleLog, errorFields } from "./ports/log.ts";
import { BOOK_NAME } from "./profiles/book.ts";
import { DEFAULT_NAME } from "./profiles/name.ts";
import { expire, forgetKnowledge } from "./retention.ts";
import { settingsOf } from "./settings.ts";
import { callLogStore, knowledgeBucket, recordingsBucket } from "./sinks.ts";

export { CallSession } from "./call-session.ts";
export { ProfileBook } from "./profile-book.ts";
export { Switchboard } from "./switchboard.ts";

if (warmUpError !== undefined) new ConsoleLog().error("the core did not warm up", errorFields(warmUpError));

const app = createApp({ version: manifest.version, warmUpError });

export default {
  fetch: app.fetch,
  /** Once a day, wrangler.toml. */
  async scheduled(controller, env) {
    const settings = settingsOf(env);
    const beforeMs = controller.scheduledTime - settings.retentionMs;
    const log = new ConsoleLog();
    await expire(recordingsBucket(env, settings), callLogStore(env, settings), beforeMs, log);
    const names = async () => [DEFAULT_NAME, ...(await env.PROFILE_BOOK.getByName(BOOK_NAME).names())];
    await forgetKnowledge(knowledgeBucket(env, settings), names, log);
  },
} satisfies ExportedHandler<Env>;
