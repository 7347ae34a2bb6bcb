-- Both bounds of time in one receipt, and what is kept of each device so that they are found without walking its log.

-- The endpoint's lives: a restore and a correction of its clock begin another.
CREATE TABLE life (
    n           INTEGER PRIMARY KEY,
    began_at_ms INTEGER NOT NULL
) STRICT;

INSERT INTO life (n, began_at_ms) VALUES (1, 0);

-- Of receipts that are known by more than their name.
ALTER TABLE receipt ADD COLUMN life INTEGER;
ALTER TABLE receipt ADD COLUMN first INTEGER;
ALTER TABLE receipt ADD COLUMN since_ms INTEGER;
ALTER TABLE receipt ADD COLUMN seen_ms INTEGER;
-- The refused places, with commas between them.
ALTER TABLE receipt ADD COLUMN refused TEXT;
-- Whether it is one of an earlier life that a device brought back. Its entries were confirmed by another one after that.
ALTER TABLE receipt ADD COLUMN is_brought INTEGER NOT NULL DEFAULT 0;
DROP INDEX receipt_by_device;
CREATE UNIQUE INDEX receipt_by_device ON receipt (device, seq) WHERE signature IS NOT NULL AND is_brought = 0;
CREATE INDEX receipt_brought ON receipt (device) WHERE is_brought = 1;

-- The earlier bound of what the device sends next.
ALTER TABLE device ADD COLUMN since_ms INTEGER NOT NULL DEFAULT 0;
-- The time of its newest receipt in this life.
ALTER TABLE device ADD COLUMN received_ms INTEGER NOT NULL DEFAULT 0;
-- The name of its newest receipt, and the name that its log named last: both need not be looked up.
ALTER TABLE device ADD COLUMN newest BLOB;
ALTER TABLE device ADD COLUMN named BLOB;
-- The stay in which it is or was last: sessions that follow each other closely. And when it was last seen before that.
ALTER TABLE device ADD COLUMN stay_from_ms INTEGER;
ALTER TABLE device ADD COLUMN stay_last_ms INTEGER;
ALTER TABLE device ADD COLUMN seen_ms INTEGER;
-- The newest end of its log that it told, with its signature.
ALTER TABLE device ADD COLUMN end_tick_ms INTEGER;
ALTER TABLE device ADD COLUMN end_seq INTEGER;
ALTER TABLE device ADD COLUMN end_head BLOB;
ALTER TABLE device ADD COLUMN end_signature BLOB;

UPDATE device SET since_ms = enrolled_at_ms;

-- The time of the newest receipt for an entry of the channel in this life.
ALTER TABLE channel ADD COLUMN received_ms INTEGER NOT NULL DEFAULT 0;
