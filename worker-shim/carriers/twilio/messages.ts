// Messages of a media stream as the carrier sends them, for a call that nobody makes: the core's warm-up.

export const FRAME_MS = 20;
/** 20 ms of mu-law at 8 kHz. */
const FRAME_BYTES = 160;
const STREAM = "MZ0";

export function connected(): object {
  return { event: "connected", protocol: "Call", version: "1.0.0" };
}

export function start(): object {
  return {
    event: "start",
    sequenceNumber: "1",
    streamSid: STREAM,
    start: {
      accountSid: "AC0",
      streamSid: STREAM,
      callSid: "CA0",
      tracks: ["inbound"],
      mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
      customParameters: {},
    },
  };
}

/** 20 ms of a buzz of 150 Hz, which detection takes for speech, or of silence. */
function frame(index: number, sound: "speech" | "silence"): Uint8Array {
  if (sound === "silence") return new Uint8Array(FRAME_BYTES).fill(0xff);
  return Uint8Array.from({ length: FRAME_BYTES }, (_, i) => {
    const positive = Math.floor(((index * FRAME_BYTES + i) * 300) / 8000) % 2 === 0;
    return positive ? 0x9f : 0x1f;
  });
}

/** Frame `index` of the caller, from 0. */
export function media(index: number, sound: "speech" | "silence"): object {
  const payload = btoa(String.fromCharCode(...frame(index, sound)));
  return {
    event: "media",
    sequenceNumber: `${index + 2}`,
    streamSid: STREAM,
    media: { track: "inbound", chunk: `${index + 1}`, timestamp: `${index * FRAME_MS}`, payload },
  };
}
