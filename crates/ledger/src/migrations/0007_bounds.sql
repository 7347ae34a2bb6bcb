-- Both bounds of time in one receipt, and by which receipt an entry got its number. A receipt has a small number now, so that an entry
-- can name it. The new table takes the pages of the old one, at the beginning of the file, where a failing disk costs least.
CREATE TABLE receipt_before AS SELECT id, device, seq, head, received_at_ms, signature FROM receipt;
DROP TABLE receipt;
CREATE TABLE receipt (
    n               INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE,
    device          INTEGER NOT NULL REFERENCES device (n),
    life            INTEGER NOT NULL,           -- of the central endpoint, counted from 1
    first           INTEGER NOT NULL,           -- the first entry that it gives bounds to
    seq             INTEGER NOT NULL,           -- the last
    head            BLOB    NOT NULL,
    received_at_ms  INTEGER NOT NULL,
    since_ms        INTEGER NOT NULL,
    seen_ms         INTEGER,
    refused         TEXT    NOT NULL,           -- places of the run, with commas between them
    signature       BLOB    NOT NULL
) STRICT;
INSERT INTO receipt (id, device, life, first, seq, head, received_at_ms, since_ms, refused, signature)
    SELECT id, device, 1, min(seq, 1), seq, head, received_at_ms, 0, '', signature FROM receipt_before ORDER BY device, seq;
DROP TABLE receipt_before;
CREATE INDEX receipt_device ON receipt (device, seq, received_at_ms);

-- The endpoint's oldest receipt for the entry; none: it was not received yet, as far as is known here.
ALTER TABLE entry ADD COLUMN covered INTEGER REFERENCES receipt (n);
UPDATE entry SET covered = (SELECT r.n FROM receipt r WHERE r.device = entry.device AND r.seq >= entry.seq ORDER BY r.seq LIMIT 1);
