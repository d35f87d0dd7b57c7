-- What the core tells of each line of the conversation. NULL in rows that are
-- older.

ALTER TABLE turns ADD COLUMN said TEXT;
ALTER TABLE turns ADD COLUMN latencyHeardMs INTEGER;
ALTER TABLE turns ADD COLUMN item TEXT;
ALTER TABLE turns ADD COLUMN textState TEXT;

ALTER TABLE tool_calls ADD COLUMN result TEXT;
ALTER TABLE tool_calls ADD COLUMN state TEXT;
