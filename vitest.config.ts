import path from "node:path";
import { defineConfig } from "vitest/config";

const root = import.meta.dirname;

/** The builds of the module; a golden test runs once against each. */
const modules = ["wasm-wasi", "wasm-emscripten"];

const integration = "tests/integration/**/*.test.ts";
/** Of those, what goes wrong: sockets, stores and objects that are lost, peers that are hostile. */
const faults = ["hostile", "lost-objects", "records", "second-life"].map((name) => `tests/integration/${name}.test.ts`);

export default defineConfig({
  test: {
    allowOnly: false,
    projects: [
      { test: { name: "shim", include: ["tests/unit/shim/**/*.test.ts"] } },
      {
        test: {
          name: "simulators",
          include: ["tests/unit/{simulators,load,mutation}/**/*.test.ts"],
          // Speech is synthesised and recognised by real programs.
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      ...modules.map((preset) => ({
        test: {
          name: `golden-${preset}`,
          include: ["tests/golden/**/*.test.ts"],
          env: { TRUNKLINE_WASM: path.join(root, "build", preset, "trunkline.wasm") },
        },
      })),
      ...modules.map((preset) => ({
        test: {
          name: `speech-${preset}`,
          include: ["tests/speech/**/*.test.ts"],
          env: { TRUNKLINE_SPEECH_BUILD: preset },
          testTimeout: 60_000,
        },
      })),
      { test: { name: "recordings", include: ["tests/recordings/**/*.test.ts"], testTimeout: 60_000 } },
      { test: { name: "replay", include: ["tests/replay/**/*.test.ts"], testTimeout: 60_000 } },
      ...[
        { name: "integration", include: [integration], exclude: faults },
        { name: "integration-faults", include: faults },
      ].map((part) => ({
        test: {
          ...part,
          // Each file starts its own workerd; two cores are for one at a time.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      })),
    ],
  },
});
