import { describe, expect, it } from "vitest";
import { mutantsOf, mutate } from "../../mutation/mutants.ts";

const TEXT = `int F(int a) {
  // if (a == 1) return 2;
  if (a < limit() && ok) return;
  Log("a == b", a + 1);
  TL_CHECK(a > 0);
}`;

describe("mutantsOf", () => {
  it("changes one condition, constant or call at a time", () => {
    expect(mutantsOf("f.cc", TEXT).map(({ line, after }) => [line, after.trim()])).toEqual([
      [3, "if (a <= limit() && ok) return;"],
      [3, "if (a < limit() || ok) return;"],
      [3, "if (!(a < limit() && ok)) return;"],
      [4, 'Log("a == b", a - 1);'],
      [4, 'Log("a == b", a + 2);'],
      [4, ";"],
    ]);
  });

  it("leaves alone what is in quotes, in comments and around functions", () => {
    const text = 'constexpr int kA = 1;\n  call["a - b"] = x;  // true\n#if A == B\n  std::vector<int> v{x};';
    expect(mutantsOf("f.cc", text)).toEqual([]);
  });

  it("changes the line it names and no other", () => {
    const [mutant] = mutantsOf("f.cc", TEXT);
    if (!mutant) throw new Error("none");
    const before = TEXT.split("\n");
    const after = mutate(TEXT, mutant).split("\n");
    expect(after.length).toBe(before.length);
    expect(after.filter((line, i) => line !== before[i])).toEqual([mutant.after]);
  });
});
