import { CoreTrapError, type Effect } from "./core.ts";
import type { ConnectRequest, SessionPorts, StreamCredentials } from "./ports.ts";

/**
 * Performs one effect.
 *
 * @throws {CoreTrapError} if its JSON is not what docs/boundary.md says.
 */
export function applyEffect(effect: Effect, ports: SessionPorts): void {
  switch (effect.type) {
    case "sendText":
      ports.sockets.sendText(effect.port, effect.text);
      return;
    case "sendBinary":
      ports.sockets.sendBinary(effect.port, effect.bytes);
      return;
    case "connect":
      ports.sockets.connect(effect.port, parseConnect(effect.request));
      return;
    case "close":
      ports.sockets.close(effect.port, effect.code, effect.reason);
      return;
    case "deadline":
      ports.timer.setDeadline(effect.atUs);
      return;
    case "authorize":
      ports.authorizer.authorize(parseCredentials(effect.credentials));
      return;
    case "event":
      ports.events.event(effect.json);
      return;
    case "record":
      ports.recorder.record(effect.granule, effect.pages);
      return;
    case "ended":
      ports.events.ended(effect.summary);
      return;
    default:
      effect satisfies never;
  }
}

function parseObject(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    throw new CoreTrapError("an effect's body is no JSON", { cause: error });
  }
  throw new CoreTrapError("an effect's body is no object");
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new CoreTrapError("an effect's field is no text");
  return value;
}

function parseConnect(json: string): ConnectRequest {
  const { upstream, path, protocols } = parseObject(json);
  if (!Array.isArray(protocols)) throw new CoreTrapError("an effect's field is no list");
  return { upstream: text(upstream), path: text(path), protocols: protocols.map(text) };
}

function parseCredentials(json: string): StreamCredentials {
  const { token, callSid, streamSid } = parseObject(json);
  return { token: text(token), callSid: text(callSid), streamSid: text(streamSid) };
}
