import { CoreTrapError, type EffectHandler } from "./core.ts";
import type { ConnectRequest, HttpPart, HttpRequest, SessionPorts, StreamCredentials } from "./ports.ts";

/** What a session keeps to itself of the core's effects. */
export interface SessionNotes {
  /** The core has ended; its summary is being written. */
  ended(): void;
  /** JSON of docs/boundary.md. */
  commandResult(result: string): void;
}

/**
 * Performs each effect by the port that it is for.
 *
 * Every method throws {@link CoreTrapError} if the effect's JSON is not what docs/boundary.md says.
 */
export class EffectPerformer implements EffectHandler {
  readonly #ports: SessionPorts;
  readonly #notes: SessionNotes;

  constructor(ports: SessionPorts, notes: SessionNotes) {
    this.#ports = ports;
    this.#notes = notes;
  }

  sendText(channel: number, text: string): void {
    this.#ports.sockets.sendText(channel, text);
  }

  sendBinary(channel: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#ports.sockets.sendBinary(channel, bytes);
  }

  connect(channel: number, request: string): void {
    this.#ports.sockets.connect(channel, parseConnect(request));
  }

  close(channel: number, code: number, reason: string): void {
    this.#ports.sockets.close(channel, code, reason);
  }

  fetch(channel: number, request: string, body: Uint8Array<ArrayBuffer>): void {
    this.#ports.http.fetch(channel, parseFetch(request, body));
  }

  fetchAbort(channel: number): void {
    this.#ports.http.abort(channel);
  }

  fetchCredit(channel: number, bytes: number): void {
    this.#ports.http.credit(channel, bytes);
  }

  loadResource(name: string): void {
    this.#ports.resources.load(name);
  }

  deadline(atUs: number): void {
    this.#ports.timer.setDeadline(atUs);
  }

  authorize(credentials: string): void {
    this.#ports.authorizer.authorize(parseCredentials(credentials));
  }

  commandResult(result: string): void {
    this.#notes.commandResult(result);
  }

  event(json: string): void {
    this.#ports.events.event(json);
  }

  record(granule: number, pages: Uint8Array<ArrayBuffer>): void {
    this.#ports.recorder.record(granule, pages);
  }

  snapshot(snapshot: string): void {
    this.#ports.snapshots.snapshot(snapshot);
  }

  ended(summary: string): void {
    this.#notes.ended();
    this.#ports.events.ended(summary);
  }
}

function parseObject(json: string): Readonly<Record<string, unknown>> {
  try {
    return object(JSON.parse(json));
  } catch (error) {
    if (error instanceof CoreTrapError) throw error;
    throw new CoreTrapError("an effect's body is no JSON", { cause: error });
  }
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new CoreTrapError("an effect's body or a part of it is no object");
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new CoreTrapError("an effect's field is no text");
  return value;
}

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new CoreTrapError("an effect's field is no count");
  return value as number;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new CoreTrapError("an effect's field is no list");
  return value;
}

function parseConnect(json: string): ConnectRequest {
  const { upstream, path, protocols } = parseObject(json);
  return { upstream: text(upstream), path: text(path), protocols: list(protocols).map(text) };
}

function parseFetch(json: string, body: Uint8Array<ArrayBuffer>): HttpRequest {
  const fields = parseObject(json);
  const headers = Object.entries(object(fields["headers"])).map(([name, value]) => [name, text(value)] as const);
  return {
    upstream: text(fields["upstream"]),
    method: text(fields["method"]),
    path: text(fields["path"]),
    headers: Object.fromEntries(headers),
    wants: list(fields["wants"]).map(text),
    timeoutMs: count(fields["timeoutMs"]),
    idleMs: count(fields["idleMs"]),
    maxBytes: count(fields["maxBytes"]),
    window: count(fields["window"]),
    body: fields["multipart"] === undefined ? body : parseParts(list(fields["multipart"]), body),
  };
}

/** The parts lie in `body` one behind the other. */
function parseParts(described: readonly unknown[], body: Uint8Array<ArrayBuffer>): readonly HttpPart[] {
  let offset = 0;
  const parts = described.map((value) => {
    const { name, filename, contentType, length } = object(value);
    const begin = offset;
    offset += count(length);
    return {
      name: text(name),
      fileName: filename === undefined ? undefined : text(filename),
      contentType: text(contentType),
      bytes: body.subarray(begin, offset),
    };
  });
  if (offset !== body.length) throw new CoreTrapError("a request's parts are not its body");
  return parts;
}

function parseCredentials(json: string): StreamCredentials {
  const { token, carrierCallId, streamId } = parseObject(json);
  return { token: text(token), carrierCallId: text(carrierCallId), streamId: text(streamId) };
}

/** Performs nothing: for whoever wants to see some of the effects only. */
export class IgnoredEffects implements EffectHandler {
  sendText(_channel: number, _text: string): void {}
  sendBinary(_channel: number, _bytes: Uint8Array<ArrayBuffer>): void {}
  connect(_channel: number, _request: string): void {}
  close(_channel: number, _code: number, _reason: string): void {}
  fetch(_channel: number, _request: string, _body: Uint8Array<ArrayBuffer>): void {}
  fetchAbort(_channel: number): void {}
  fetchCredit(_channel: number, _bytes: number): void {}
  loadResource(_name: string): void {}
  deadline(_atUs: number): void {}
  authorize(_credentials: string): void {}
  commandResult(_result: string): void {}
  event(_json: string): void {}
  record(_granule: number, _pages: Uint8Array<ArrayBuffer>): void {}
  snapshot(_text: string): void {}
  ended(_summary: string): void {}
}
