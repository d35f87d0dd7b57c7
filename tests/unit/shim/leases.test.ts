import { beforeEach, describe, expect, it } from "vitest";
import { LEASE_MS, Leases, MAX_LISTED_CALLS, shardOf, shareOf } from "../../../worker-shim/leases.ts";
import { readSettings, type Settings } from "../../../worker-shim/settings.ts";
import { SwitchboardClient, type SwitchboardShard } from "../../../worker-shim/switchboard-client.ts";
import { memoryDatabase } from "./support/fakes.ts";

const ANYONE = { tenant: "default", number: "" };
const NO_LIMIT = { calls: 0, callsPerNumber: 0 };

let leases: Leases;

beforeEach(() => {
  leases = new Leases(memoryDatabase());
});

describe("Leases", () => {
  it("admit up to the limit and again when a call is over", () => {
    const limits = { calls: 2, callsPerNumber: 0 };
    expect(leases.acquire("a", ANYONE, limits, 0)).toBe("granted");
    expect(leases.acquire("b", ANYONE, limits, 0)).toBe("granted");
    expect(leases.acquire("c", ANYONE, limits, 0)).toBe("full");
    leases.release("a", "hangUp");
    expect(leases.acquire("c", ANYONE, limits, 0)).toBe("granted");
  });

  it("hold a number to its own limit", () => {
    const limits = { calls: 10, callsPerNumber: 1 };
    const of = (number: string) => ({ tenant: "default", number });
    expect(leases.acquire("a", of("+1"), limits, 0)).toBe("granted");
    expect(leases.acquire("b", of("+1"), limits, 0)).toBe("numberFull");
    expect(leases.acquire("c", of("+2"), limits, 0)).toBe("granted");
    expect(leases.acquire("d", of(""), limits, 0)).toBe("granted");
    expect(leases.acquire("e", of(""), limits, 0)).toBe("granted");
  });

  it("have no limit where it is 0", () => {
    for (let i = 0; i < 50; i++) expect(leases.acquire(`c${i}`, ANYONE, NO_LIMIT, 0)).toBe("granted");
    expect(leases.counts(0).active).toBe(50);
  });

  it("count a call that asks twice once", () => {
    const limits = { calls: 1, callsPerNumber: 1 };
    leases.acquire("a", ANYONE, limits, 0);
    expect(leases.acquire("a", ANYONE, limits, 1)).toBe("held");
    expect(leases.counts(1)).toMatchObject({ active: 1, admitted: 1 });
  });

  it("are not counted when they are withdrawn", () => {
    leases.acquire("a", ANYONE, NO_LIMIT, 0);
    leases.withdraw("a");
    leases.withdraw("a");
    expect(leases.counts(0)).toEqual({ active: 0, admitted: 0, refused: 0, ended: {} });
  });

  it("let a call in that has a place, whatever the limit of its number", () => {
    const limits = { calls: 0, callsPerNumber: 1 };
    const subject = { tenant: "default", number: "+1" };
    expect(leases.acquire("a", subject, limits, 0)).toBe("granted");
    expect(leases.acquire("a", subject, limits, 1)).toBe("held");
    expect(leases.acquire("b", subject, limits, 1)).toBe("numberFull");
  });

  it("become void without renewal, to the millisecond", () => {
    leases.acquire("a", ANYONE, NO_LIMIT, 0);
    expect(leases.nextExpiryMs()).toBe(LEASE_MS);
    expect(leases.sweep(LEASE_MS - 1)).toBe(0);
    expect(leases.counts(LEASE_MS - 1).active).toBe(1);
    expect(leases.counts(LEASE_MS).active).toBe(0);
    expect(leases.sweep(LEASE_MS)).toBe(1);
    expect(leases.nextExpiryMs()).toBeUndefined();
    expect(leases.counts(LEASE_MS).ended).toEqual({ expired: 1 });
  });

  it("that are void make room before anybody sweeps", () => {
    const limits = { calls: 1, callsPerNumber: 0 };
    leases.acquire("a", ANYONE, limits, 0);
    expect(leases.acquire("b", ANYONE, limits, LEASE_MS)).toBe("granted");
  });

  it("last while they are renewed", () => {
    leases.acquire("a", ANYONE, NO_LIMIT, 0);
    leases.renew("a", ANYONE, LEASE_MS - 1);
    expect(leases.sweep(LEASE_MS)).toBe(0);
    expect(leases.nextExpiryMs()).toBe(2 * LEASE_MS - 1);
  });

  it("come back for a call that goes on, room or not", () => {
    const limits = { calls: 1, callsPerNumber: 0 };
    leases.acquire("a", ANYONE, limits, 0);
    leases.acquire("b", ANYONE, limits, LEASE_MS);
    leases.renew("a", ANYONE, LEASE_MS + 1);
    expect(leases.counts(LEASE_MS + 1).active).toBe(2);
  });

  it("are released once, and counted by reason", () => {
    leases.acquire("a", ANYONE, NO_LIMIT, 0);
    leases.acquire("b", ANYONE, NO_LIMIT, 0);
    expect(leases.release("a", "callerHangUp")).toBe(true);
    expect(leases.release("a", "callerHangUp")).toBe(false);
    expect(leases.release("b", "coreFault")).toBe(true);
    expect(leases.counts(0)).toEqual({
      active: 0,
      admitted: 2,
      refused: 0,
      ended: { callerHangUp: 1, coreFault: 1 },
    });
  });

  it("count who was refused", () => {
    leases.acquire("a", ANYONE, { calls: 1, callsPerNumber: 0 }, 0);
    leases.acquire("b", ANYONE, { calls: 1, callsPerNumber: 0 }, 0);
    expect(leases.counts(0)).toMatchObject({ admitted: 1, refused: 1 });
  });

  it("are listed, oldest first, to a bound", () => {
    for (let i = 0; i <= MAX_LISTED_CALLS; i++) leases.acquire(`c${i}`, ANYONE, NO_LIMIT, i);
    const list = leases.list(MAX_LISTED_CALLS);
    expect(list).toHaveLength(MAX_LISTED_CALLS);
    expect(list[0]).toEqual({ callId: "c0", tenant: "default", sinceMs: 0 });
  });
});

describe("shards", () => {
  it.each([
    [10_000, 1],
    [10_000, 3],
    [7, 7],
  ])("share a limit of %i among %i without loss", (limit, shards) => {
    const shares = Array.from({ length: shards }, (_, index) => shareOf(limit, shards, index));
    expect(shares.reduce((a, b) => a + b, 0)).toBe(limit);
  });

  it("never turn a limit into none, nor none into a limit", () => {
    expect(shareOf(1, 4, 3)).toBe(1);
    expect(shareOf(0, 4, 3)).toBe(0);
  });

  it("get calls about evenly, each always to the same one", () => {
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) {
      const shard = shardOf(`call-${i}`, 4);
      expect(shardOf(`call-${i}`, 4)).toBe(shard);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    for (const count of counts) expect(count).toBeGreaterThan(800);
  });
});

describe("SwitchboardClient", () => {
  const Now = 5;

  function client(settings: Settings) {
    const shards = new Map<string, Leases>();
    const shardByName = (name: string): SwitchboardShard => {
      const shard = shards.get(name) ?? new Leases(memoryDatabase());
      shards.set(name, shard);
      return {
        acquire: async (callId, subject, limits) => shard.acquire(callId, subject, limits, Now),
        renew: async (callId, subject) => shard.renew(callId, subject, Now),
        release: async (callId, reason) => shard.release(callId, reason),
        withdraw: async (callId) => shard.withdraw(callId),
        counts: async () => shard.counts(Now),
        list: async () => shard.list(Now),
      };
    };
    return { switchboard: new SwitchboardClient(shardByName, settings), shards };
  }

  it("admits no more than the limit over all shards", async () => {
    const { switchboard, shards } = client(
      readSettings({ ENVIRONMENT: "development", MAX_CONCURRENT_CALLS: "10", SWITCHBOARD_SHARDS: "4" }),
    );
    let granted = 0;
    for (let i = 0; i < 100; i++) {
      if ((await switchboard.acquire(`call-${i}`, ANYONE)) === "granted") granted++;
    }
    expect(granted).toBe(10);
    expect(shards.size).toBe(4);
    expect(await switchboard.counts()).toEqual({ active: 10, admitted: 10, refused: 90, ended: {} });
  });

  it("renews and releases a call at the shard that admitted it", async () => {
    const { switchboard } = client(readSettings({ ENVIRONMENT: "development", SWITCHBOARD_SHARDS: "4" }));
    for (let i = 0; i < 8; i++) {
      await switchboard.acquire(`call-${i}`, ANYONE);
      await switchboard.renew(`call-${i}`, ANYONE);
    }
    expect((await switchboard.list()).map(({ callId }) => callId).sort()).toEqual(
      Array.from({ length: 8 }, (_, i) => `call-${i}`),
    );
    for (let i = 0; i < 8; i++) expect(await switchboard.release(`call-${i}`, i < 3 ? "hangUp" : "deadAir")).toBe(true);
    expect(await switchboard.counts()).toMatchObject({ active: 0, admitted: 8, ended: { hangUp: 3, deadAir: 5 } });
  });
});
