// The tables of a call's object, version by version. Objects live for 30 days and deployments come daily, so that an
// object wakes with the tables of any version before; the steps bring it to the present one.

/**
 * One row a batch: rows are what costs. `lines` is JSON text of each event, a line each; `pages` are Ogg pages up to
 * `granule`; `inputs` are the flight log's. `storedMs` is when the object last wrote to it, epoch ms: it lived then.
 */
export const BATCH_TABLE = `CREATE TABLE batch (
  batch INTEGER PRIMARY KEY,
  session INTEGER NOT NULL,
  lines TEXT,
  granule INTEGER,
  pages BLOB,
  inputs BLOB,
  storedMs INTEGER
)`;

/** The flight record, packed: a row a part. */
export const ARCHIVE_TABLE = "CREATE TABLE archive (frame INTEGER PRIMARY KEY, bytes BLOB NOT NULL)";

/**
 * What is left of a call that is forgotten, in the object that has its id: one row, until when that is known, epoch ms.
 * It is there when the tables below are gone, and has no version: who does not know it reads an object without tables.
 */
export const MARK_TABLE = "CREATE TABLE forgotten (untilMs INTEGER NOT NULL)";

/**
 * Step N leads from version N to N + 1; version 0 has no tables. A step that has been deployed never changes: who wants
 * other tables adds a step, and what a constant above was until then moves into the step that used it.
 */
export const STEPS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE call (
       callId TEXT PRIMARY KEY,
       callSid TEXT NOT NULL,
       agent TEXT NOT NULL,
       authorization TEXT NOT NULL,
       fromNumber TEXT NOT NULL,
       toNumber TEXT NOT NULL,
       createdMs INTEGER NOT NULL,
       sessions INTEGER NOT NULL DEFAULT 0,
       issuedSerial INTEGER NOT NULL DEFAULT 0,
       usedSerial INTEGER NOT NULL DEFAULT 0,
       graceUntilMs INTEGER NOT NULL,
       erased INTEGER NOT NULL DEFAULT 0
     )`,
    `CREATE TABLE outcome (
       callId TEXT PRIMARY KEY,
       endedMs INTEGER NOT NULL,
       summary TEXT NOT NULL,
       recording TEXT,
       flight INTEGER NOT NULL
     )`,
    `CREATE TABLE batch (
       batch INTEGER PRIMARY KEY,
       session INTEGER NOT NULL,
       lines TEXT,
       granule INTEGER,
       pages BLOB,
       inputs BLOB
     )`,
  ],
  [
    // Version 1 made the outbox when it was first needed. An id is never given twice: a delivery that succeeds after it
    // was dropped must not take another one with it.
    `CREATE TABLE IF NOT EXISTS outbox (
       id INTEGER PRIMARY KEY AUTOINCREMENT,
       sink TEXT NOT NULL,
       kind TEXT NOT NULL,
       body TEXT NOT NULL,
       attempts INTEGER NOT NULL,
       dueMs INTEGER NOT NULL
     )`,
    // What version 1 had packed is packed again for each attempt to deliver it.
    "DROP TABLE IF EXISTS archive",
    ARCHIVE_TABLE,
    "CREATE TABLE agenda (errand TEXT PRIMARY KEY, dueMs INTEGER NOT NULL) WITHOUT ROWID",
    `INSERT INTO agenda (errand, dueMs)
       SELECT 'grace', graceUntilMs FROM call
       WHERE graceUntilMs <> 0 AND NOT EXISTS (SELECT 1 FROM outcome)`,
    "ALTER TABLE call RENAME COLUMN callSid TO carrierCallId",
    "ALTER TABLE call ADD COLUMN reconnects INTEGER NOT NULL DEFAULT 0",
    // Until then each token after the first was one for a stream that came back.
    "UPDATE call SET reconnects = MAX(issuedSerial - 1, 0)",
    "ALTER TABLE call DROP COLUMN graceUntilMs",
    "CREATE TABLE schema (version INTEGER NOT NULL)",
    "INSERT INTO schema (version) VALUES (1)",
  ],
  [
    // One row. Some objects of version 1 have it already.
    "CREATE TABLE IF NOT EXISTS snapshot (one INTEGER PRIMARY KEY CHECK (one = 1), text TEXT NOT NULL)",
  ],
  [
    // One row: what the call was begun with, JSON each. Read when a session begins, so not a part of the call's row.
    `CREATE TABLE pinned (
       one INTEGER PRIMARY KEY CHECK (one = 1),
       profile TEXT NOT NULL,
       limits TEXT NOT NULL
     )`,
    // When the first session was opened, epoch ms.
    "ALTER TABLE call ADD COLUMN openedMs INTEGER",
  ],
  ["ALTER TABLE batch ADD COLUMN storedMs INTEGER"],
];

/** The version that this code reads and writes. */
export const SCHEMA_VERSION = STEPS.length;
