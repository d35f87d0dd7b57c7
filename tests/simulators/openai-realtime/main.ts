// The simulator of OpenAI, Realtime and REST, as a server of its own: node main.ts --port N [--faults JSON]

import { parseArgs } from "node:util";
import { RestApi } from "../openai-rest/server.ts";
import type { Faults } from "./faults.ts";
import { RealtimeServer } from "./server.ts";

const { values } = parseArgs({
  options: { port: { type: "string", default: "8788" }, faults: { type: "string", default: "{}" } },
});
const server = await RealtimeServer.start({
  port: Number(values.port),
  faults: JSON.parse(values.faults) as Faults,
  rest: (speech) => {
    const api = new RestApi(speech);
    return (request, response) => api.handle(request, response);
  },
});
process.stdout.write(`Ready on ws://127.0.0.1:${server.port}\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void server.close().then(() => process.exit(0));
  });
}
