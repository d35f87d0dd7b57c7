-- The log of calls that are over; worker-shim/call-log.ts says what each column
-- means. Times are epoch ms in calls, ms since the call's start elsewhere. An
-- index is a row more to write for each call: there is one.

CREATE TABLE calls (
  callId TEXT PRIMARY KEY,
  callSid TEXT NOT NULL,
  tenant TEXT NOT NULL,
  agent TEXT NOT NULL,
  fromNumber TEXT NOT NULL,
  toNumber TEXT NOT NULL,
  startedMs INTEGER NOT NULL,
  endedMs INTEGER NOT NULL,
  durationMs INTEGER NOT NULL,
  reason TEXT NOT NULL,
  failed INTEGER NOT NULL,
  sessions INTEGER NOT NULL,
  questions INTEGER NOT NULL,
  replies INTEGER NOT NULL,
  bargeIns INTEGER NOT NULL,
  resumes INTEGER NOT NULL,
  inputTokens INTEGER NOT NULL,
  outputTokens INTEGER NOT NULL,
  costMicros INTEGER,
  latencyMs INTEGER,
  recordingKey TEXT,
  recordingBytes INTEGER NOT NULL,
  recordingMs INTEGER NOT NULL,
  flightKey TEXT,
  summary TEXT NOT NULL,
  redacted INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE INDEX calls_by_start ON calls (startedMs DESC, callId DESC);

CREATE TABLE turns (
  callId TEXT NOT NULL,
  seq INTEGER NOT NULL,
  role TEXT NOT NULL,
  startMs INTEGER NOT NULL,
  endMs INTEGER NOT NULL,
  recordingMs INTEGER,
  latencyMs INTEGER,
  text TEXT NOT NULL,
  cut INTEGER NOT NULL,
  question TEXT,
  PRIMARY KEY (callId, seq)
) WITHOUT ROWID;

CREATE TABLE tool_calls (
  callId TEXT NOT NULL,
  seq INTEGER NOT NULL,
  atMs INTEGER NOT NULL,
  toolCallId TEXT NOT NULL,
  name TEXT NOT NULL,
  arguments TEXT NOT NULL,
  PRIMARY KEY (callId, seq)
) WITHOUT ROWID;

CREATE TABLE events (
  callId TEXT NOT NULL,
  seq INTEGER NOT NULL,
  atMs INTEGER NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (callId, seq)
) WITHOUT ROWID;
