// What the platform itself costs: an object that takes a call's messages and does nothing with them, or sends as many
// of the same size back as a call of ours does. No timers, no parsing, and no storage unless the rhythm has it.

import { DurableObject } from "cloudflare:workers";

/** As in rhythm.ts. */
const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
/** A media message of 20 ms is longer, a mark is shorter. */
const SHORTEST_MEDIA = 256;

/** What is sent, by what was asked for: one text for all calls. */
const messages = new Map();

/** A message of the kind and length, as the client reads them: its own text, and filler in the string at its end. */
function messageOf([kind, length]) {
  const key = `${kind} ${length}`;
  let message = messages.get(key);
  if (message === undefined) {
    const head = `{"event":"${kind}","streamSid":"MZ0","${kind}":{"${kind === "mark" ? "name" : "payload"}":"`;
    message = `${head}${"/".repeat(Math.max(0, length - head.length - 3))}"}}`;
    messages.set(key, message);
  }
  return message;
}

/** One object a call, one socket an object. The first message is the rhythm of what follows. */
export class BareObject extends DurableObject {
  fetch() {
    const { 0: client, 1: server } = new WebSocketPair();
    let table;
    let frames = "";
    let next = 0;
    let store = () => {};
    server.addEventListener("message", ({ data }) => {
      if (table === undefined) {
        const rhythm = JSON.parse(data);
        table = rhythm.table.map((kinds) => kinds.map(messageOf));
        frames = rhythm.frames;
        if (rhythm.stores) store = this.#storing(rhythm.stores);
        return;
      }
      // A mark that comes back has no answer.
      if (data.length < SHORTEST_MEDIA) return;
      store();
      if (frames.length === 0) return;
      const answer = table[ALPHABET.indexOf(frames[next])];
      next = next + 1 === frames.length ? 0 : next + 1;
      for (const message of answer) server.send(message);
    });
    server.addEventListener("close", () => server.close(1000));
    server.accept();
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Rows as a call's batches and snapshots are, of bytes that say nothing. */
  #storing({ everyFrames, rowBytes, keptBytes }) {
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE batch (batch INTEGER PRIMARY KEY, bytes BLOB)");
    sql.exec("CREATE TABLE snapshot (one INTEGER PRIMARY KEY, bytes BLOB)");
    const row = new Uint8Array(rowBytes);
    let seen = 0;
    return () => {
      if (++seen % everyFrames !== 0) return;
      const kept = new Uint8Array((seen / everyFrames) * keptBytes);
      this.ctx.storage.transactionSync(() => {
        sql.exec("INSERT INTO batch (bytes) VALUES (?)", row);
        sql.exec("INSERT OR REPLACE INTO snapshot VALUES (1, ?)", kept);
      });
    };
  }
}

export default {
  fetch(request, env) {
    return env.OBJECTS.getByName(new URL(request.url).pathname).fetch(request);
  },
};
