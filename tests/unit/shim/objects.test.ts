import { expect, it } from "vitest";
import { askObject, MAX_ATTEMPTS } from "../../../worker-shim/api/objects.ts";

/** Fails with `errors`, one an attempt, then answers with the attempt. */
function failing(...errors: Error[]) {
  let attempts = 0;
  const ask = async () => {
    const error = errors[attempts++];
    if (error) throw error;
    return attempts;
  };
  return { ask, attempts: () => attempts };
}

it("asks an object again that was lost while it was asked", async () => {
  expect(await askObject(failing(new Error("aborted")).ask)).toBe(2);
});

it("gives up with the last error", async () => {
  const errors = Array.from({ length: MAX_ATTEMPTS + 1 }, (_, i) => new Error(`attempt ${i + 1}`));
  const { ask, attempts } = failing(...errors);
  await expect(askObject(ask)).rejects.toThrow(`attempt ${MAX_ATTEMPTS}`);
  expect(attempts()).toBe(MAX_ATTEMPTS);
});

it("leaves an overloaded object alone", async () => {
  const { ask, attempts } = failing(Object.assign(new Error("too many requests"), { overloaded: true }));
  await expect(askObject(ask)).rejects.toThrow("too many requests");
  expect(attempts()).toBe(1);
});
