import type { WebSocket } from "ws";
import { type AudioFormat, formatObject, type Json, PCM, parseFormat } from "./audio-format.ts";
import { think } from "./domain.ts";
import type { Faults, Point } from "./faults.ts";
import { Hearing, readTurnDetection } from "./hearing.ts";
import { deedsOf } from "./hostile-replies.ts";
import { ERRORS, RETRY_TEXTS, type Reply, type Start, Temper } from "./hostility.ts";
import { asObject, ClientError, freshId, type Item, readItem, showItem } from "./items.ts";
import { CLIENT_EVENTS, SESSION_KEYS, unknownKey } from "./session-keys.ts";
import { type ActiveResponse, Speaking } from "./speaking.ts";

/** The model's voice and ears. */
export interface Speech {
  /** 16 kHz. */
  say(text: string): Promise<Int16Array>;
  hear(samples: Int16Array, rateHz: number): Promise<string>;
}

/** Between two events of a reply that is none. */
const DEED_MS = 10;
/** A message that is overtaken is late by this at most. */
const LATE_MS = 60;
const SLOW_START_MS = 1_200;

/** One Realtime session of the GA API, as its reference describes it. */
export class Session {
  readonly id = freshId("sess");
  readonly #socket: WebSocket;
  readonly #speech: Speech;
  readonly #faults: Faults;
  #stalled = false;
  #session: Json;
  readonly #hearing = new Hearing();
  readonly #speaking: Speaking;
  readonly items: Item[] = [];
  readonly received: Json[] = [];
  readonly sent: { atMs: number; event: Json }[] = [];
  readonly errors: string[] = [];

  #timers = new Set<NodeJS.Timeout>();
  #response: ActiveResponse | undefined;
  readonly #temper: Temper;
  readonly #start: Start;
  readonly #held: string[] = [];
  /** What came of each response.create. */
  readonly replies: Reply[] = [];

  constructor(socket: WebSocket, model: string, speech: Speech, faults: Faults) {
    this.#socket = socket;
    this.#speech = speech;
    this.#faults = { ...faults };
    this.#speaking = new Speaking((text) => speech.say(text), this.items, this.#faults, {
      isOpen: () => this.#isOpen,
      send: (type, fields) => this.#send(type, fields),
      strike: (point) => this.#strike(point),
      wait: (ms) => this.#wait(ms),
    });
    this.#temper = new Temper(faults.hostile ?? {});
    this.#start = this.#temper.start;
    this.#session = {
      type: "realtime",
      object: "realtime.session",
      id: this.id,
      model,
      expires_at: Math.floor(Date.now() / 1000) + 3600,
      output_modalities: ["audio"],
      instructions: "",
      tools: [],
      tool_choice: "auto",
      audio: {
        input: { format: formatObject(PCM), turn_detection: { type: "server_vad" } },
        output: { format: formatObject(PCM), voice: "marin", speed: 1 },
      },
    };
    socket.on("message", (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.on("close", () => {
      for (const timer of this.#timers) clearTimeout(timer);
    });
    if (this.#strike("open")) return;
    if (this.#start === "silent") this.#stalled = true;
    if (this.#start === "closes") {
      this.#close();
      return;
    }
    if (this.#start === "twice") this.#greet();
    if (faults.helloMs === undefined) this.#greet();
    else this.#after(faults.helloMs, () => this.#greet());
    if (faults.expireAfterMs !== undefined) {
      this.#after(faults.expireAfterMs, () => {
        this.#error("session_expired", "Your session hit the maximum duration of 60 minutes.");
        this.#socket.close(1000);
      });
    }
  }

  #greet(): void {
    this.#send("session.created", { session: this.#session });
    this.#strike("sessionCreated");
  }

  #after(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#after(ms, resolve));
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  #send(type: string, fields: Json): void {
    if (this.#stalled || !this.#isOpen) return;
    const event = { type, event_id: freshId("event"), ...fields };
    this.sent.push({ atMs: performance.now(), event });
    const frames = this.#temper.tamper(JSON.stringify(event), this.#held);
    for (const { text, fin } of frames) this.#socket.send(text, { fin });
    // What waits for the next message does not wait for ever.
    if (this.#held.length > 0) {
      this.#after(LATE_MS, () => {
        for (const text of this.#held.splice(0)) this.#socket.send(text);
      });
    }
  }

  #close({ code, reason } = this.#temper.nextClose()): void {
    this.#socket.close(code, reason);
  }

  #error(code: string, message: string, clientEvent?: unknown): void {
    this.errors.push(code);
    this.#send("error", {
      error: {
        type: "invalid_request_error",
        code,
        message,
        param: null,
        event_id: typeof clientEvent === "string" ? clientEvent : null,
      },
    });
  }

  /** Performs the fault that waits at this point, if any; true when the session is no more to be served. */
  #strike(point: Point): boolean {
    const faults = this.#faults;
    if (faults.nonsenseAt === point) {
      delete faults.nonsenseAt;
      this.#socket.send("{ this is no JSON");
      this.#send("response.something_new", { detail: [1, 2, 3] });
    }
    if (faults.errorAt?.point === point) {
      const { code } = faults.errorAt;
      delete faults.errorAt;
      this.#error(code, "scripted");
    }
    if (faults.stallAt === point) this.#stalled = true;
    if (faults.dropAt === point) {
      delete faults.dropAt;
      this.#socket.terminate();
      return true;
    }
    return false;
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.#error("invalid_frame", "binary frames are not supported");
      return;
    }
    let event: Json;
    try {
      event = asObject(JSON.parse(data.toString()));
    } catch {
      this.#error("invalid_json", "the message is no JSON");
      return;
    }
    if (event["type"] !== "input_audio_buffer.append") this.received.push(event);
    if (this.#stalled) return;
    try {
      this.#handle(event);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#error(error.code, error.message, event["event_id"]);
    }
  }

  #handle(event: Json): void {
    const type = String(event["type"]);
    if (!CLIENT_EVENTS.has(type)) throw new ClientError("invalid_value", `Invalid value: '${type}'.`);
    switch (type) {
      case "session.update":
        this.#onUpdate(asObject(event["session"]), event["event_id"]);
        break;
      case "input_audio_buffer.append":
        if (typeof event["audio"] !== "string") throw new ClientError("missing_required_parameter", "audio");
        this.#listen(Buffer.from(event["audio"], "base64"));
        break;
      case "input_audio_buffer.commit":
        if (this.#hearing.isEmpty) {
          throw new ClientError(
            "input_audio_buffer_commit_empty",
            "Error committing input audio buffer: the buffer is empty.",
          );
        }
        this.#commit(freshId("item"));
        break;
      case "input_audio_buffer.clear":
        this.#hearing.clear();
        this.#send("input_audio_buffer.cleared", {});
        break;
      case "conversation.item.create":
        this.#createItem(asObject(event["item"]));
        break;
      case "conversation.item.retrieve":
        this.#send("conversation.item.retrieved", { item: showItem(this.#find(event["item_id"])) });
        break;
      case "conversation.item.delete": {
        const item = this.#find(event["item_id"]);
        this.items.splice(this.items.indexOf(item), 1);
        this.#send("conversation.item.deleted", { item_id: item.id });
        break;
      }
      case "conversation.item.truncate":
        this.#truncate(event);
        break;
      case "response.create":
        this.#respond(asObject(event["response"]), event["event_id"]);
        break;
      case "response.cancel":
        this.#cancel();
        break;
    }
  }

  #onUpdate(session: Json, clientEvent: unknown): void {
    if (this.#start === "neverReady") return;
    if (this.#start === "configRefused") {
      this.#error(this.#temper.pick(ERRORS), this.#temper.pick(RETRY_TEXTS), clientEvent);
      return;
    }
    if (this.#start === "slow") {
      this.#after(SLOW_START_MS, () => this.#update(session));
      return;
    }
    if (this.#start === "twice") this.#update(session);
    this.#update(session);
    if (this.#start === "deaf") this.#stalled = true;
  }

  #cancel(): void {
    const response = this.#response;
    if (!response || response.cancelled)
      throw new ClientError("response_cancel_not_active", "Cancellation failed: no active response found");
    if (this.#temper.ignoresCancel()) return;
    response.cancelled = "client_cancelled";
    if (response.stalled) this.#finish(response, []);
  }

  #update(session: Json): void {
    const unknown = unknownKey(session, SESSION_KEYS, "session");
    if (unknown !== undefined) throw new ClientError("unknown_parameter", `Unknown parameter: '${unknown}'.`);
    if (session["type"] !== "realtime") throw new ClientError("missing_required_parameter", "session.type");
    const audio = asObject(session["audio"]);
    const input = asObject(audio["input"]);
    const output = asObject(audio["output"]);
    const formats = [input, output].map((side) =>
      side["format"] === undefined ? undefined : parseFormat(side["format"]),
    );
    for (const format of formats) {
      if (typeof format === "string") throw new ClientError(format, "session.audio.*.format.rate");
    }
    if (output["voice"] !== undefined && this.#speaking.hasSpoken) {
      throw new ClientError(
        "cannot_update_voice",
        "Cannot update a conversation's voice if assistant audio is present.",
      );
    }
    if (formats[0] !== undefined) this.#hearing.format = formats[0] as AudioFormat;
    if (formats[1] !== undefined) this.#speaking.format = formats[1] as AudioFormat;
    if (input["turn_detection"] !== undefined) this.#hearing.turnDetection = readTurnDetection(input["turn_detection"]);
    const before = asObject(this.#session["audio"]);
    this.#session = {
      ...this.#session,
      ...session,
      audio: {
        input: { ...asObject(before["input"]), ...input },
        output: { ...asObject(before["output"]), ...output },
      },
    };
    this.#send("session.updated", { session: this.#session });
  }

  get #transcribes(): boolean {
    return asObject(asObject(this.#session["audio"])["input"])["transcription"] != null;
  }

  #listen(audio: Buffer): void {
    for (const { kind, item, atMs } of this.#hearing.listen(audio)) {
      const vad = this.#hearing.turnDetection;
      if (kind === "started") {
        this.#send("input_audio_buffer.speech_started", { audio_start_ms: atMs, item_id: item });
        if (vad?.interruptResponse && this.#response) this.#response.cancelled ??= "turn_detected";
      } else {
        this.#send("input_audio_buffer.speech_stopped", { audio_end_ms: atMs, item_id: item });
        this.#commit(item);
        if (vad?.createResponse && !this.#response) this.#respond({});
      }
    }
  }

  #commit(itemId: string): void {
    const samples = this.#hearing.take();
    const item: Item = { id: itemId, type: "message", role: "user", text: "", generatedMs: 0 };
    const previous = this.items.at(-1)?.id ?? null;
    this.items.push(item);
    this.#send("input_audio_buffer.committed", { item_id: itemId, previous_item_id: previous });
    this.#send("conversation.item.added", { item: showItem(item), previous_item_id: previous });
    this.#send("conversation.item.done", { item: showItem(item), previous_item_id: previous });
    this.#strike("committed");
    item.understood = this.#speech.hear(samples, this.#hearing.format.rateHz).then((text) => {
      item.text = text;
      if (this.#transcribes) {
        this.#send("conversation.item.input_audio_transcription.completed", {
          item_id: itemId,
          content_index: 0,
          transcript: text,
          usage: { type: "duration", seconds: samples.length / this.#hearing.format.rateHz },
        });
      }
      return text;
    });
  }

  #createItem(value: Json): void {
    const item = readItem(value, this.items, () => freshId("item"));
    const previous = this.items.at(-1)?.id ?? null;
    this.items.push(item);
    this.#send("conversation.item.added", { item: showItem(item), previous_item_id: previous });
    this.#send("conversation.item.done", { item: showItem(item), previous_item_id: previous });
  }

  #find(itemId: unknown): Item {
    const item = this.items.find((candidate) => candidate.id === itemId);
    if (!item) throw new ClientError("item_not_found", `Item '${String(itemId)}' does not exist.`);
    return item;
  }

  #truncate(event: Json): void {
    const item = this.#find(event["item_id"]);
    const end = event["audio_end_ms"];
    if (item.role !== "assistant")
      throw new ClientError("invalid_value", "Only model output audio messages can be truncated.");
    if (typeof end !== "number" || !Number.isInteger(end) || end < 0) {
      throw new ClientError("invalid_type", "audio_end_ms is an integer");
    }
    if (event["content_index"] !== 0) throw new ClientError("invalid_value", "content_index");
    if (end > item.generatedMs) {
      throw new ClientError("invalid_value", `Audio content of ${item.generatedMs}ms is already shorter than ${end}ms`);
    }
    item.truncatedAtMs = end;
    // The words cannot be aligned with the audio: they go with it.
    item.text = "";
    this.#send("conversation.item.truncated", { item_id: item.id, content_index: 0, audio_end_ms: end });
  }

  #respond(request: Json, clientEvent?: unknown): void {
    if (this.#response) {
      throw new ClientError(
        "conversation_already_has_active_response",
        `Conversation already has an active response in progress: ${this.#response.id}.`,
      );
    }
    const response: ActiveResponse = { id: freshId("resp"), cancelled: undefined };
    this.#response = response;
    const reply = this.#temper.nextReply();
    this.replies.push(reply);
    if (reply !== "honest") {
      void this.#misbehave(reply, response, clientEvent);
      return;
    }
    this.#send("response.created", { response: this.#showResponse(response.id, "in_progress", []) });
    this.#send("rate_limits.updated", {
      rate_limits: [{ name: "requests", limit: 1000, remaining: 999, reset_seconds: 60 }],
    });
    if (this.#strike("responseCreated")) return;
    void this.#generate(response, request);
  }

  /** Plays a reply that no honest server makes. */
  async #misbehave(reply: Exclude<Reply, "honest">, response: ActiveResponse, clientEvent: unknown): Promise<void> {
    const deeds = deedsOf(reply, {
      responseId: response.id,
      eventId: typeof clientEvent === "string" ? clientEvent : undefined,
      tool: this.#tools[0],
      temper: this.#temper,
      audio: (ms) => this.#speaking.tone(ms),
      response: (status, details) => ({
        ...this.#showResponse(response.id, status, []),
        ...(details && { status_details: details }),
      }),
    });
    for (const deed of deeds) {
      if (!this.#isOpen) return;
      if (response.cancelled !== undefined) {
        this.#finish(response, []);
        return;
      }
      if (deed.kind === "drop") this.#socket.terminate();
      else if (deed.kind === "close") this.#close(deed);
      else this.#send(deed.type, deed.fields);
      await this.#wait(DEED_MS);
    }
    const isOver = deeds.some((deed) => deed.kind === "event" && ["response.done", "error"].includes(deed.type));
    response.stalled = !isOver;
    if (isOver || reply === "ignored") this.#response = undefined;
  }

  #finish(response: ActiveResponse, output: Json[]): void {
    this.#response = undefined;
    const status = response.cancelled === undefined ? "completed" : "cancelled";
    this.#send("response.done", { response: this.#showResponse(response.id, status, output, response.cancelled) });
  }

  #showResponse(responseId: string, status: string, output: Json[], reason?: string): Json {
    const done = status !== "in_progress";
    return {
      id: responseId,
      object: "realtime.response",
      status,
      status_details: reason === undefined ? null : { type: status, reason },
      output,
      conversation_id: "conv_1",
      output_modalities: ["audio"],
      max_output_tokens: "inf",
      metadata: null,
      ...(done && !this.#faults.omitUsage
        ? {
            usage: {
              total_tokens: 90,
              input_tokens: 60,
              output_tokens: 30,
              input_token_details: { text_tokens: 20, audio_tokens: 40, image_tokens: 0, cached_tokens: 0 },
              output_token_details: { text_tokens: 10, audio_tokens: 20 },
            },
          }
        : {}),
    };
  }

  get #tools(): string[] {
    const tools = this.#session["tools"];
    return (Array.isArray(tools) ? tools : []).map((tool) => String(asObject(tool)["name"]));
  }

  async #thought(request: Json) {
    const instructions = String(request["instructions"] ?? "");
    const quoted = /\bsay\b[^:]*:\s*(.+)$/is.exec(instructions);
    if (quoted) return { kind: "say", text: quoted[1] ?? "" } as const;
    const last = this.items.findLast(({ role, type }) => role === "user" || type === "function_call_output");
    if (last?.type === "function_call_output") return { kind: "say", text: `The answer is ${last.text}.` } as const;
    const words = last === undefined ? "" : await (last.understood ?? Promise.resolve(last.text));
    if (this.#faults.call) return { kind: "call", ...this.#faults.call } as const;
    return think(words, this.#tools, this.items.find(({ role }) => role === "user")?.text ?? "");
  }

  async #generate(response: ActiveResponse, request: Json): Promise<void> {
    const thought = await this.#thought(request);
    const { thinkMs } = this.#faults;
    if (thinkMs !== undefined) await this.#wait(thinkMs);
    const output: Json[] = [];
    const text = thought.kind === "say" ? thought.text : thought.text;
    if (text !== undefined && !response.cancelled) output.push(await this.#speaking.say(response, text, output.length));
    if (thought.kind === "call" && !response.cancelled)
      output.push(this.#speaking.call(response, thought, output.length));
    if (!this.#isOpen) return;
    this.#finish(response, output);
    this.#strike("responseDone");
  }
}
