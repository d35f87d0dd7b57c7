import { expect, it } from "vitest";
import { Playout } from "../../load/playout.ts";
import { seededRandom } from "../../simulators/twilio/phone-call.ts";
import { PlayoutBuffer } from "../../simulators/twilio/playout-buffer.ts";

it("echoes a mark when what came before it has been played, at once when nothing was left", () => {
  const playout = new Playout();
  playout.mark("now", 5);
  expect(playout.takeDue(5)).toEqual(["now"]);
  playout.append(160, 10);
  playout.append(160, 12);
  playout.mark("later", 13);
  expect(playout.nextMarkMs).toBe(50);
  expect(playout.takeDue(49)).toEqual([]);
  expect(playout.takeDue(50)).toEqual(["later"]);
  expect(playout.takeDue(60)).toEqual([]);
});

it("echoes every mark at once when it is cleared, and forgets the audio", () => {
  const playout = new Playout();
  playout.append(1600, 0);
  playout.mark("a", 1);
  playout.clear(20);
  expect(playout.endMs).toBe(20);
  expect(playout.takeDue(20)).toEqual(["a"]);
});

it("echoes the same marks in the same order within the same step as the simulator's buffer", () => {
  const random = seededRandom(7);
  const playout = new Playout();
  const echoed: string[] = [];
  const twin = new PlayoutBuffer(0, (name) => echoed.push(name));
  const ours: string[] = [];
  for (let nowMs = 0; nowMs < 20_000; nowMs++) {
    const what = random();
    if (what < 0.03) {
      const bytes = 160 * (1 + Math.floor(random() * 3));
      playout.append(bytes, nowMs);
      twin.append(new Uint8Array(bytes), nowMs);
    } else if (what < 0.04) {
      playout.mark(`m${nowMs}`, nowMs);
      twin.mark(`m${nowMs}`, nowMs);
    } else if (what < 0.042) {
      playout.clear(nowMs);
      twin.clear(nowMs);
    }
    twin.advance(nowMs);
    ours.push(...playout.takeDue(nowMs));
    expect(ours).toEqual(echoed);
  }
  expect(ours.length).toBeGreaterThan(100);
});
