// What the shim lets pass, the module that TRUNKLINE_WASM names can read: else a command or a profile ends a call.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { CoreExports } from "../../worker-shim/abi.generated.ts";
import { refuseCommand } from "../../worker-shim/commands.ts";
import { Core } from "../../worker-shim/core.ts";
import { IgnoredEffects } from "../../worker-shim/effects.ts";
import { MAX_JSON_LEVELS, MAX_JSON_VALUES } from "../../worker-shim/schemas.ts";
import { readSettings } from "../../worker-shim/settings.ts";

// The Worker's types know no constructors: there only the runtime compiles.
const Module = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;
const Instance = WebAssembly.Instance as unknown as new (
  module: WebAssembly.Module,
  imports: object,
) => { exports: unknown };

class Results extends IgnoredEffects {
  readonly all: unknown[] = [];
  override commandResult(result: string): void {
    this.all.push(JSON.parse(result));
  }
}

function lists(levels: number): unknown {
  let value: unknown = [];
  for (let i = 1; i < levels; i++) value = [value];
  return value;
}

/** Of empty lists: a comma and a bracket each. */
const wide = (values: number) => Array.from({ length: values }, () => []);

it("a command and a tool's schema at the shim's bounds", () => {
  const deep = { type: "object", value: lists(MAX_JSON_LEVELS - 1) };
  const tools = [
    { type: "function", name: "deep", parameters: deep },
    { type: "function", name: "wide", parameters: { type: "object", enum: wide(MAX_JSON_VALUES - 100) } },
  ];
  const environment = { ENVIRONMENT: "development", PROFILE: { tools } };
  const { profile } = readSettings(environment);
  const exports = new Instance(new Module(readFileSync(process.env["TRUNKLINE_WASM"] ?? "")), {}).exports;
  const core = new Core(exports as CoreExports);
  const results = new Results();
  core.create(0, JSON.stringify({ callId: "bounds", leg: "twilio", agent: "parrot", profile, limits: {} }));
  core.drain(results);

  const commands = [
    { type: "say", text: lists(MAX_JSON_LEVELS) },
    { type: "say", text: wide(MAX_JSON_VALUES - 1) },
  ];
  for (const [index, command] of commands.entries()) {
    expect(refuseCommand(command)).toBeUndefined();
    const envelope = { id: index, source: { kind: "operator" }, command };
    expect(core.command(0, JSON.stringify(envelope))).toBe(true);
    core.drain(results);
  }
  expect(results.all).toMatchObject([
    { id: 0, status: "refused", code: "invalid", field: "text" },
    { id: 1, status: "refused", code: "invalid", field: "text" },
  ]);
});
