// Who watches a call, as what he comes, and what reaches the core of it.

import { beforeEach, describe, expect, it } from "vitest";
import { TL_EFFECT_EVENT, TL_INPUT_COMMAND, TL_INPUT_SOCKET_OPENED } from "../../../worker-shim/abi.generated.ts";
import type { Observation } from "../../../worker-shim/call.ts";
import { record, resultOf } from "../../support/fake-core.ts";
import { CALL, World } from "./support/call-world.ts";
import { FakeSocket, settle } from "./support/fakes.ts";

const RITA = { name: "rita", role: "read" } as const;
const OTTO = { name: "otto", role: "operate" } as const;

let world: World;

beforeEach(() => {
  world = new World();
});

async function begin(): Promise<void> {
  await world.call.prepare(CALL);
  expect(world.call.attachLeg(new FakeSocket())).toBe("taken");
}

function watch(observation: Observation): FakeSocket {
  const socket = new FakeSocket();
  expect(world.call.observe(socket, observation)).toBe("taken");
  return socket;
}

function commands(): { source: object; command: object }[] {
  return world.core.inputs
    .filter(({ tag }) => (tag & 0xffff) === TL_INPUT_COMMAND)
    .map(({ body }) => JSON.parse(new TextDecoder().decode(body)) as { source: object; command: object });
}

const say = (socket: FakeSocket, command: object) =>
  socket.emit("message", { data: JSON.stringify({ type: "command", id: 1, command }) });

describe("a ticket", () => {
  it("opens the log once, as who it was made for", async () => {
    expect(world.call.expectObserver("n", OTTO)).toBe(false);
    await begin();
    expect(world.call.expectObserver("n", OTTO)).toBe(true);
    const socket = watch({ ticket: "n" });
    for (const ticket of ["n", "other", ""])
      expect(world.call.observe(new FakeSocket(), { ticket, by: OTTO })).toBe("denied");
    say(socket, { type: "hangUp" });
    await settle();
    expect(commands()).toMatchObject([
      { source: { kind: "observer", name: "otto", role: "operate" }, command: { type: "hangUp" } },
    ]);
    expect(socket.json.at(-1)).toEqual({ type: "commandResult", id: 1, status: "done" });
  });

  it("is void when the object is lost", async () => {
    await begin();
    world.call.expectObserver("n", OTTO);
    await world.lose();
    expect(world.call.observe(new FakeSocket(), { ticket: "n" })).toBe("denied");
  });
});

describe("an observer", () => {
  it("gives no command that his role does not have, nor the shim's own", async () => {
    await begin();
    const socket = watch({ by: RITA });
    say(socket, { type: "hangUp" });
    say(socket, { type: "watch", levels: "on" });
    say(watch({}), { type: "hangUp" });
    await settle();
    expect(commands()).toEqual([]);
    expect(socket.json).toMatchObject([
      { status: "refused", code: "forbidden" },
      { status: "refused", code: "invalid" },
    ]);
  });

  it("is refused by the field what the core must not see, and gives a tool's result as the API does", async () => {
    await begin();
    const socket = watch({ by: OTTO });
    say(socket, { type: "say", text: "Hello", loud: true });
    say(socket, { type: "toolResult", toolCallId: "k", output: { sun: true } });
    await settle();
    expect(socket.json).toMatchObject([{ code: "invalid", field: "loud" }, { status: "done" }]);
    expect(commands()[0]?.command).toEqual({ type: "toolResult", toolCallId: "k", output: '{"sun":true}' });
  });
});

describe("levels", () => {
  const Levels = '{"type":"levels","atMs":200,"caller":"AAAAAAAAAAAAAA==","agent":"AAAAAAAAAAAAAA=="}';

  it("are asked for while somebody watches them, and neither kept nor sent to others", async () => {
    await begin();
    const plain = watch({});
    const socket = watch({ levels: true });
    expect(commands()).toMatchObject([{ source: { kind: "observer" }, command: { type: "watch", levels: "on" } }]);
    // Without a name: no audit.
    expect(commands()[0]?.source).toEqual({ kind: "observer" });
    world.onInput = (input) =>
      input.tag === TL_INPUT_SOCKET_OPENED ? [record(TL_EFFECT_EVENT, 0, Levels)] : resultOf(input);
    expect(world.call.attachLeg(new FakeSocket())).toBe("taken");
    expect(socket.sent).toEqual([Levels]);
    expect([plain.sent, world.call.events()]).toEqual([[], []]);
    socket.emit("close", {});
    expect(commands().at(-1)?.command).toEqual({ type: "watch", levels: "off" });
  });

  it("are asked for in the session that comes after", async () => {
    await world.call.prepare(CALL);
    watch({ levels: true });
    expect(world.call.attachLeg(new FakeSocket())).toBe("taken");
    expect(commands()).toMatchObject([{ command: { type: "watch", levels: "on" } }]);
  });
});
