#!/usr/bin/env node
// Checks wrangler.toml: environments inherit neither bindings nor variables, so
// that one that is forgotten is found here and not in production; and what a
// variable says is not what it would be without it. Prints one line a fault and
// exits 1 when there is any.

import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { unstable_readConfig } from "wrangler";
import { readSettings } from "../worker-shim/settings.ts";

const config = path.join(import.meta.dirname, "../wrangler.toml");
const speech = path.join(import.meta.dirname, "../worker-shim/speech/wrangler.toml");
const faults = [];

/** What must be the same in every environment, by name. */
function sameEverywhere(environment) {
  const names = (list) => list.map(({ binding }) => binding).sort();
  return {
    "Durable Objects": environment.durable_objects,
    "Durable Object migrations": environment.migrations,
    "D1 databases": environment.d1_databases.map(({ binding, migrations_dir }) => ({ binding, migrations_dir })),
    "R2 buckets": names(environment.r2_buckets),
    "KV namespaces": names(environment.kv_namespaces),
    "Analytics Engine datasets": names(environment.analytics_engine_datasets),
    services: names(environment.services),
    "rate limits": environment.ratelimits.map(({ name, simple }) => ({ name, simple })),
    crons: environment.triggers.crons,
    "kinds of bindings": Object.keys(environment).filter((key) => isBindings(environment[key])),
  };
}

/** A list of things that each have a name in the Worker. */
function isBindings(value) {
  return Array.isArray(value) && value.length > 0 && value.every((item) => item?.binding !== undefined);
}

function checkVariables(name, vars) {
  let settings;
  try {
    settings = readSettings(vars);
  } catch (error) {
    faults.push(`${name}: ${error.message}`);
    return;
  }
  if (vars.ENVIRONMENT !== name) faults.push(`${name}: ENVIRONMENT is ${vars.ENVIRONMENT}`);
  for (const variable of Object.keys(vars).filter((key) => key !== "ENVIRONMENT")) {
    const { [variable]: _, ...rest } = vars;
    if (isDeepStrictEqual(readSettings(rest), settings)) faults.push(`${name}: ${variable} repeats the default`);
  }
}

/** The speech Worker of an environment is that of the same environment, by the name that its own file gives it. */
function checkServices(name, environment, env) {
  const { name: deployed } = unstable_readConfig({ config: speech, env });
  for (const { binding, service } of environment.services)
    if (binding === "SPEECH" && service !== deployed)
      faults.push(`${name}: SPEECH is ${service}, and the speech Worker's name ${deployed}`);
}

const top = unstable_readConfig({ config });
checkVariables("development", top.vars);
checkServices("development", top, undefined);
const expected = sameEverywhere(top);
for (const env of top.definedEnvironments ?? []) {
  const environment = unstable_readConfig({ config, env });
  checkVariables(env, environment.vars);
  checkServices(env, environment, env);
  for (const [what, value] of Object.entries(sameEverywhere(environment))) {
    if (!isDeepStrictEqual(value, expected[what])) faults.push(`${env}: its ${what} are not those of the top level`);
  }
}

for (const fault of faults) console.error(`wrangler.toml: ${fault}`);
if (faults.length === 0) console.log("wrangler.toml holds");
process.exitCode = faults.length === 0 ? 0 : 1;
