-- The carrier's name for a call, whoever the carrier is.

ALTER TABLE calls RENAME COLUMN callSid TO carrierCallId;
