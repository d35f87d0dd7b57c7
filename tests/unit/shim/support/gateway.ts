import { getExpectedTwilioSignature } from "twilio/lib/webhooks/webhooks.js";
import { expect } from "vitest";
import type { Erasure } from "../../../../worker-shim/afterlife.ts";
import { createApp } from "../../../../worker-shim/api/app.ts";
import type { CommandResult } from "../../../../worker-shim/boundary.ts";
import type { Announcement, Resumption, Stage } from "../../../../worker-shim/call.ts";
import type { Env } from "../../../../worker-shim/env.ts";
import type { Admission, LeaseCounts } from "../../../../worker-shim/leases.ts";
import type { Operator } from "../../../../worker-shim/operators.ts";
import { BookRecords, type Expected } from "../../../../worker-shim/profiles/book.ts";
import type { ChosenProfile } from "../../../../worker-shim/profiles/choice.ts";
import type { ProfileDocument } from "../../../../worker-shim/profiles/document.ts";
import { Publisher } from "../../../../worker-shim/profiles/publisher.ts";
import type { ExpectedCall } from "../../../../worker-shim/records/call-row.ts";
import { FakeLog, MemoryBucket, MemoryReplica, memoryDatabase, VirtualTime } from "./fakes.ts";

export const AUTH_TOKEN = "0123456789abcdef0123456789abcdef";
export const ADMIN_TOKEN = "admin-0123456789abcdef";
export const CALL_SID = "CA0123456789abcdef0123456789abcdef";
export const CALL_PARAMS = { CallSid: CALL_SID, From: "+15550001111", To: "+15550002222" };
export const COUNTS: LeaseCounts = { active: 2, admitted: 5, refused: 1, ended: { hangUp: 3 } };

/** The bindings, which write down what they are asked. */
export class Gateway {
  readonly asked: unknown[][] = [];
  readonly background: Promise<unknown>[] = [];
  admission: Admission = "granted";
  announcement: Announcement = { type: "stream", token: "the-token" };
  /** Ids of calls that there are already. */
  readonly known = new Set<string>();
  /** Whether there is a call that could be watched. */
  isObservable = true;
  /** Who gave the last command. */
  operator: Operator | undefined;
  resumption: Resumption = { type: "hangUp" };
  /** Status of what the call's object answers to an upgrade. */
  upgradeStatus = 204;
  commandResult: CommandResult = { status: "done" };
  history: string[] | undefined;
  erasure: Erasure = "begun";
  stage: Stage = "unknown";
  failing = new Set<string>();
  /** What is thrown by what fails; an error that names it, unless there is one. */
  failure: Error | undefined;
  warmUpError: unknown;
  /** Undefined: each request finds an isolate of its own. */
  app: ReturnType<typeof createApp> | undefined;
  /** The book of profiles, and what it publishes to. */
  readonly book = new BookRecords(memoryDatabase());
  readonly replica = new MemoryReplica();
  /** Documents of profiles. */
  readonly knowledge = new MemoryBucket();
  /** With what profile a call was last prepared. */
  profile: ChosenProfile | undefined;
  variables: Record<string, unknown> = {
    PROFILES: this.replica,
    KNOWLEDGE: this.knowledge,
    ENVIRONMENT: "development",
    TWILIO_AUTH_TOKEN: AUTH_TOKEN,
    TOKEN_SECRET: "0123456789abcdef",
    ADMIN_TOKEN,
    PUBLIC_BASE_URL: "https://gw.example.com",
  };

  request(path: string, init: RequestInit = {}): Promise<Response> {
    return this.ask(new Request(`http://internal:8080${path}`, init));
  }

  ask(request: Request): Promise<Response> {
    const objects = { CALLS: this.#calls, SWITCHBOARD: this.#switchboard, PROFILE_BOOK: this.#books };
    const env = { ...this.variables, ...objects } as unknown as Env;
    const app = this.app ?? createApp({ version: "1.2.3", warmUpError: this.warmUpError });
    const context = { waitUntil: (work: Promise<unknown>) => this.background.push(work), passThroughOnException() {} };
    return Promise.resolve(app.fetch(request, env, context as never));
  }

  /** As Twilio asks: signed for the public URL. */
  webhook(path: string, params: Readonly<Record<string, string>> = CALL_PARAMS, headers: Record<string, string> = {}) {
    const signature = getExpectedTwilioSignature(AUTH_TOKEN, `https://gw.example.com${path}`, params);
    return this.request(path, {
      method: "POST",
      headers: { "X-Twilio-Signature": signature, ...headers },
      body: new URLSearchParams(params),
    });
  }

  upgrade(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.request(path, { headers: { Upgrade: "websocket", ...headers } });
  }

  names(): unknown[] {
    return this.asked.map(([name]) => name);
  }

  #note(name: string, ...args: unknown[]): void {
    this.asked.push([name, ...args]);
    if (this.failing.has(name)) throw this.failure ?? new Error(`${name} failed`);
  }

  readonly #calls = {
    getByName: (callId: string, options?: unknown) => ({
      ...this.#erasable,
      prepare: async (call: ExpectedCall, profile?: ChosenProfile) => {
        this.profile = profile;
        this.#note("prepare", callId, call, options);
        return this.announcement;
      },
      knows: async (carrierCallId: string) => {
        this.#note("knows", callId, carrierCallId);
        return this.known.has(callId);
      },
      carrierEnded: async (carrierCallId: string) => {
        this.#note("carrierEnded", callId, carrierCallId);
      },
      resume: async (carrierCallId: string) => {
        this.#note("resume", callId, carrierCallId);
        return this.resumption;
      },
      command: async (command: object) => {
        this.#note("command", callId, command);
        return this.commandResult;
      },
      abort: async () => {
        this.#note("abort", callId);
        throw new Error("the object is lost");
      },
      fetch: async (url: string, init: RequestInit) => {
        this.#note("fetch", callId, url, new Headers(init.headers).get("Upgrade"));
        return new Response(null, { status: this.upgradeStatus });
      },
    }),
  };

  readonly #erasable = {
    events: async () => {
      if (this.failing.has("events")) this.#note("events");
      return this.history;
    },
    record: async () => true,
    expectObserver: async (nonce: string, operator: Operator) => {
      this.#note("expectObserver", nonce, operator);
      return this.isObservable;
    },
    operate: async (command: object, operator?: Operator) => {
      this.#note("operate", command);
      this.operator = operator;
      return this.commandResult;
    },
    stage: async () => {
      if (this.failing.has("stage")) this.#note("stage");
      return this.stage;
    },
    erase: async (what: string) => {
      this.#note("erase", what);
      return this.erasure;
    },
  };

  readonly #publisher = new Publisher({
    book: this.book,
    replica: this.replica,
    timers: new VirtualTime(),
    log: new FakeLog(),
    nowMs: Date.now,
  });

  readonly #written = async <T>(name: string, result: T) => {
    await this.#publisher.publish();
    return { result, published: this.#publisher.has(name) };
  };

  /** What is read is not written down. */
  readonly #books = {
    getByName: () => ({
      list: async () => this.book.list(),
      get: async (name: string) => this.book.get(name),
      history: async (name: string) => this.book.history(name),
      version: async (name: string, version: number) => this.book.version(name, version),
      lookUp: async (key: string) => {
        if (this.failing.has("lookUp")) this.#note("lookUp", key);
        return this.book.published(key);
      },
      save: async (name: string, document: ProfileDocument, expected: Expected) => {
        this.#note("save", name);
        return this.#written(name, this.book.save(name, document, expected));
      },
      restore: async (name: string, version: number, expected: Expected) => {
        this.#note("restore", name, version);
        return this.#written(name, this.book.restore(name, version, expected));
      },
      remove: async (name: string, expected: Expected) => {
        this.#note("remove", name);
        return this.#written(name, this.book.remove(name, expected));
      },
    }),
  };

  readonly #switchboard = {
    getByName: (shard: string) => ({
      acquire: async (callId: string, ...rest: unknown[]) => {
        this.#note("acquire", shard, callId, ...rest);
        return this.admission;
      },
      release: async (...args: unknown[]) => {
        this.#note("release", ...args);
        return true;
      },
      withdraw: async (callId: string) => this.#note("withdraw", callId),
      counts: async () => {
        this.#note("counts");
        return COUNTS;
      },
    }),
  };
}

/** The status and the code of an answer that is an error. */
export async function errorOf(response: Response): Promise<[number, unknown]> {
  const body = (await response.json()) as { error: { code: string; message: string } };
  expect(body).toEqual({ error: { code: expect.any(String), message: expect.any(String) } });
  return [response.status, body.error.code];
}
