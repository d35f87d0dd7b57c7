import { beforeEach, describe, expect, it } from "vitest";
import {
  TL_EFFECT_AUTHORIZE,
  TL_EFFECT_ENDED,
  TL_EFFECT_EVENT,
  TL_INPUT_AUTHORIZED,
  TL_INPUT_SOCKET_CLOSED,
  TL_INPUT_SOCKET_OPENED,
  TL_INPUT_SOCKET_TEXT,
} from "../../../worker-shim/abi.generated.ts";
import {
  Call,
  type CallPlatform,
  HEARTBEAT_MS,
  LOST_GRACE_MS,
  MAX_STREAM_RECONNECTS,
  RETENTION_MS,
  STREAM_GRACE_MS,
} from "../../../worker-shim/call.ts";
import { TOKEN_LIFETIME_MS } from "../../../worker-shim/call-token.ts";
import { Core } from "../../../worker-shim/core.ts";
import { type ExpectedCall, FLUSH_INTERVAL_MS } from "../../../worker-shim/ports/records.ts";
import type { SqlDatabase } from "../../../worker-shim/ports.ts";
import { readSettings } from "../../../worker-shim/settings.ts";
import { FakeCore, record } from "../../support/fake-core.ts";
import { FakeLog, FakeSocket, memoryDatabase, settle, VirtualTime } from "./support/fakes.ts";

const EPOCH_MS = 1_795_000_000_000;
const CALL: ExpectedCall = {
  callId: "c1",
  callSid: "CA1",
  agent: "parrot",
  authorization: "required",
  from: "+15550001111",
  to: "+15550002222",
};
const GRANTED = 0;
const FOREIGN = 1;
const EXPIRED = 2;
const USED = 3;

/** What is left of an object between its lives. */
class World {
  readonly time = new VirtualTime();
  readonly log = new FakeLog();
  readonly cores: FakeCore[] = [];
  readonly leaseCalls: unknown[][] = [];
  /** What goes on beside the events. */
  readonly work: Promise<void>[] = [];
  sql: SqlDatabase = memoryDatabase();
  alarmMs: number | undefined;
  deleted = false;
  /** What every core does. */
  onInput: FakeCore["onInput"] = () => [];
  call: Call;

  constructor(variables: Parameters<typeof readSettings>[0] = {}) {
    this.time.nowMs = EPOCH_MS;
    this.variables = variables;
    this.call = this.#make();
  }

  readonly variables: Parameters<typeof readSettings>[0];

  get core(): FakeCore {
    const core = this.cores.at(-1);
    if (!core) throw new Error("no core");
    return core;
  }

  /** The object is lost and made again by its next event. */
  async lose(): Promise<void> {
    this.call = this.#make();
    await this.call.wake();
  }

  /** Lets time pass and runs the alarm when it is due. */
  async pass(ms: number): Promise<void> {
    const endMs = this.time.nowMs + ms;
    while (this.alarmMs !== undefined && this.alarmMs <= endMs) {
      this.time.advance(this.alarmMs - this.time.nowMs);
      this.alarmMs = undefined;
      await this.call.alarm();
    }
    this.time.advance(endMs - this.time.nowMs);
    await settle();
  }

  #make(): Call {
    const platform: CallPlatform = {
      sql: this.sql,
      settings: readSettings({ TOKEN_SECRET: "0123456789abcdef", ...this.variables }),
      switchboard: {
        renew: async (...args) => {
          this.leaseCalls.push(["renew", ...args]);
        },
        release: async (...args) => {
          this.leaseCalls.push(["release", ...args]);
          return true;
        },
      },
      timers: this.time,
      openUpstream: () => new Promise(() => undefined),
      log: this.log,
      nowMs: () => this.time.nowMs,
      randomSeed: () => 42,
      instantiate: () => {
        const core = new FakeCore();
        core.onInput = (input) => this.onInput(input);
        this.cores.push(core);
        return new Core(core.exports);
      },
      setAlarm: async (atMs) => {
        this.alarmMs = atMs;
      },
      deleteAll: async () => {
        this.deleted = true;
      },
      background: (work) => {
        this.work.push(work);
      },
    };
    return new Call(platform);
  }
}

let world: World;

/** Attaches a leg that must be taken. */
function attach(): FakeSocket {
  const socket = new FakeSocket();
  expect(world.call.attachLeg(socket)).toBe("taken");
  return socket;
}

function observe(): FakeSocket {
  const socket = new FakeSocket();
  expect(world.call.observe(socket)).toBe("taken");
  return socket;
}

/** Makes the core ask for a verdict on any text, whose content is the credentials. */
function authorizeOnText(): void {
  world.onInput = ({ tag, body }) =>
    (tag & 0xffff) === TL_INPUT_SOCKET_TEXT ? [record(TL_EFFECT_AUTHORIZE, 0, body)] : [];
}

function start(socket: FakeSocket, token: string, callSid = "CA1"): void {
  socket.emit("message", { data: JSON.stringify({ token, callSid, streamSid: "MZ1" }) });
}

/** The verdicts that the latest core got. */
async function verdicts(): Promise<number[]> {
  await Promise.all(world.work);
  return world.core.inputs.filter(({ tag }) => tag === TL_INPUT_AUTHORIZED).map(({ body }) => body[0] ?? -1);
}

function kinds(): number[] {
  return world.core.inputs.map(({ tag }) => tag & 0xffff);
}

/** Ends the session by the next timer or text. */
function endNext(reason: string): void {
  world.onInput = () => [record(TL_EFFECT_ENDED, 0, JSON.stringify({ callId: "c1", reason, durationMs: 7 }))];
}

beforeEach(() => {
  world = new World();
});

describe("a call that nobody has announced", () => {
  it("takes no socket, no command and no alarm", async () => {
    expect(world.call.attachLeg(new FakeSocket())).toBe("unknown");
    expect(world.call.observe(new FakeSocket())).toBe("unknown");
    expect(world.call.command("{}")).toBe(false);
    expect(await world.call.resume("CA1")).toEqual({ type: "hangUp" });
    await world.call.alarm();
    expect(world.alarmMs).toBeUndefined();
    expect(world.cores).toHaveLength(0);
  });
});

describe("the stream", () => {
  it("opens one core with the call's configuration", async () => {
    world = new World({ PROFILE: { voice: "marin" }, LIMITS: { maxCallMs: 1000 }, FAULT_INJECTION: "true" });
    await world.call.prepare(CALL);
    attach();
    expect(JSON.parse(world.core.config)).toEqual({
      callId: "c1",
      seed: 42,
      epochMs: EPOCH_MS,
      leg: "twilio",
      agent: "parrot",
      authorization: "required",
      faults: "allowed",
      resumed: false,
      profile: { voice: "marin" },
      limits: { maxCallMs: 1000 },
    });
    expect(kinds()).toEqual([TL_INPUT_SOCKET_OPENED]);
  });

  it("is granted by its token, once", async () => {
    const token = await world.call.prepare(CALL);
    authorizeOnText();
    start(attach(), token);
    expect(await verdicts()).toEqual([GRANTED]);
    start(attach(), token);
    expect(await verdicts()).toEqual([GRANTED, USED]);
  });

  it("is refused with a foreign or an expired token", async () => {
    const token = await world.call.prepare(CALL);
    authorizeOnText();
    start(attach(), token, "CA2");
    expect(await verdicts()).toEqual([FOREIGN]);
    world.time.advance(TOKEN_LIFETIME_MS);
    start(attach(), token);
    expect(await verdicts()).toEqual([FOREIGN, EXPIRED]);
  });

  it("that is replaced gets no verdict on the former one's token", async () => {
    const token = await world.call.prepare(CALL);
    authorizeOnText();
    start(attach(), token);
    attach();
    expect(await verdicts()).toEqual([]);
  });

  it("needs no token where none is required", async () => {
    expect(await world.call.prepare({ ...CALL, callSid: "", authorization: "none" })).toBe("");
    authorizeOnText();
    start(attach(), "");
    expect(await verdicts()).toEqual([GRANTED]);
  });

  it("that comes back joins the same session", async () => {
    await world.call.prepare(CALL);
    const first = attach();
    first.emit("close", { code: 1006, reason: "" });
    const resumption = await world.call.resume("CA1");
    expect(resumption).toMatchObject({ type: "stream" });
    attach();
    expect(world.cores).toHaveLength(1);
    expect(kinds()).toEqual([TL_INPUT_SOCKET_OPENED, TL_INPUT_SOCKET_CLOSED, TL_INPUT_SOCKET_OPENED]);
  });
});

describe("the carrier that asks what to do next", () => {
  it("gets a fresh token each time, to a bound", async () => {
    const tokens = new Set([await world.call.prepare(CALL)]);
    attach();
    for (let i = 0; i < MAX_STREAM_RECONNECTS; i++) {
      const resumption = await world.call.resume("CA1");
      if (resumption.type !== "stream") throw new Error("hung up too early");
      tokens.add(resumption.token);
    }
    expect(tokens.size).toBe(MAX_STREAM_RECONNECTS + 1);
    expect(await world.call.resume("CA1")).toEqual({ type: "hangUp" });
  });

  it("hangs up when the call is over, or is another one", async () => {
    await world.call.prepare(CALL);
    expect(await world.call.resume("CA2")).toEqual({ type: "hangUp" });
    const leg = attach();
    endNext("callerHangUp");
    leg.emit("message", { data: "x" });
    expect(await world.call.resume("CA1")).toEqual({ type: "hangUp" });
    expect(world.call.attachLeg(new FakeSocket())).toBe("over");
  });
});

describe("the outcome", () => {
  it("is the core's, releases the lease and ends the observers", async () => {
    await world.call.prepare(CALL);
    const leg = attach();
    const observer = observe();
    endNext("callerHangUp");
    leg.emit("message", { data: "x" });
    await settle();
    expect(world.leaseCalls).toEqual([["release", "c1", "callerHangUp"]]);
    expect(leg.closed?.code).toBe(1000);
    expect(observer.json).toEqual([{ type: "ended", atMs: 7, callId: "c1", reason: "callerHangUp", durationMs: 7 }]);
    expect(observer.closed?.code).toBe(1000);
  });

  it("of a trap is coreFault, once, and the socket closes with 1011", async () => {
    await world.call.prepare(CALL);
    const leg = attach();
    world.onInput = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    leg.emit("message", { data: "x" });
    leg.emit("close", { code: 1011, reason: "" });
    expect(leg.closed?.code).toBe(1011);
    await world.pass(10 * HEARTBEAT_MS);
    expect(world.leaseCalls).toEqual([["release", "c1", "coreFault"]]);
    expect(observe().json).toMatchObject([{ type: "ended", reason: "coreFault" }]);
  });

  it("of a core that cannot begin is coreFault", async () => {
    await world.call.prepare(CALL);
    world.onInput = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    expect(world.call.attachLeg(new FakeSocket())).toBe("over");
    await settle();
    expect(world.leaseCalls).toEqual([["release", "c1", "coreFault"]]);
  });

  it("of a stream that never came is noStart", async () => {
    await world.call.prepare(CALL);
    await world.pass(STREAM_GRACE_MS - 1);
    expect(world.leaseCalls).toEqual([]);
    await world.pass(1);
    expect(world.leaseCalls).toEqual([["release", "c1", "noStart"]]);
  });

  it("is kept for the retention and then deleted", async () => {
    await world.call.prepare(CALL);
    await world.pass(STREAM_GRACE_MS);
    await world.pass(RETENTION_MS - 1);
    expect(world.deleted).toBe(false);
    await world.pass(1);
    expect(world.deleted).toBe(true);
  });
});

describe("a live call", () => {
  it("renews its lease with every heartbeat", async () => {
    await world.call.prepare(CALL);
    attach();
    await world.pass(3 * HEARTBEAT_MS);
    const renewal = ["renew", "c1", { tenant: "default", number: "+15550002222" }];
    expect(world.leaseCalls).toEqual([renewal, renewal, renewal]);
  });

  it("shows its events: those before, those to come", async () => {
    await world.call.prepare(CALL);
    let atMs = 0;
    world.onInput = () => [record(TL_EFFECT_EVENT, 0, JSON.stringify({ type: "state", atMs: atMs++ }))];
    const leg = attach();
    const early = observe();
    world.time.advance(FLUSH_INTERVAL_MS);
    leg.emit("message", { data: "x" });
    expect(observe().json.map((event) => event.atMs)).toEqual([0, 1, 2]);
    expect(early.json.map((event) => event.atMs)).toEqual([0, 1, 2]);
  });

  it("writes events about once a second, not as they come", async () => {
    await world.call.prepare(CALL);
    world.onInput = () => [record(TL_EFFECT_EVENT, 0, '{"type":"state","atMs":0}')];
    const leg = attach();
    const batches = () => world.sql.exec("SELECT * FROM eventBatch").toArray().length;
    for (let i = 0; i < 50; i++) {
      world.time.advance(20);
      leg.emit("message", { data: "x" });
    }
    expect(batches()).toBe(1);
    world.time.advance(10 * FLUSH_INTERVAL_MS);
    expect(batches()).toBe(2);
    expect(world.time.armed.size).toBe(0);
  });

  it("takes commands", async () => {
    await world.call.prepare(CALL);
    attach();
    expect(world.call.command('{"type":"hangUp"}')).toBe(true);
  });
});

describe("a call whose object was lost", () => {
  beforeEach(async () => {
    await world.call.prepare(CALL);
    world.onInput = () => [record(TL_EFFECT_EVENT, 0, '{"type":"state","atMs":1500}')];
    attach();
    world.time.advance(FLUSH_INTERVAL_MS);
    world.onInput = () => [];
  });

  it("is found by its alarm and, when nobody comes back, over once", async () => {
    world.time.advance(HEARTBEAT_MS - FLUSH_INTERVAL_MS);
    await world.lose();
    await world.call.alarm();
    await world.pass(LOST_GRACE_MS - 1);
    expect(world.leaseCalls).toEqual([]);
    await world.pass(1);
    expect(world.leaseCalls).toEqual([["release", "c1", "objectLost"]]);
    // Lost again on its way: nothing new.
    await world.lose();
    await world.pass(10 * HEARTBEAT_MS);
    expect(world.leaseCalls).toHaveLength(1);
    expect(observe().json.at(-1)).toMatchObject({ type: "ended", reason: "objectLost", durationMs: 1500 });
  });

  it("does not wait longer because its object is lost again and again", async () => {
    await world.lose();
    await world.pass(LOST_GRACE_MS / 2);
    await world.lose();
    await world.pass(LOST_GRACE_MS / 2);
    expect(world.leaseCalls).toEqual([["release", "c1", "objectLost"]]);
  });

  it("goes on in a new session when its stream comes back first", async () => {
    await world.lose();
    const resumption = await world.call.resume("CA1");
    if (resumption.type !== "stream") throw new Error("hung up");
    await world.pass(LOST_GRACE_MS + 5_000);
    expect(world.leaseCalls).toEqual([]);
    authorizeOnText();
    start(attach(), resumption.token);
    expect(await verdicts()).toEqual([GRANTED]);
    expect(world.cores).toHaveLength(2);
    expect(JSON.parse(world.core.config)).toMatchObject({ callId: "c1", resumed: true });
    await world.pass(HEARTBEAT_MS);
    expect(world.leaseCalls).toMatchObject([["renew", "c1", {}]]);
  });

  it("is over when the stream is lost once too often", async () => {
    for (let i = 0; i < MAX_STREAM_RECONNECTS; i++) await world.call.resume("CA1");
    await world.lose();
    expect(await world.call.resume("CA1")).toEqual({ type: "hangUp" });
    await settle();
    expect(world.leaseCalls).toEqual([["release", "c1", "objectLost"]]);
  });
});
