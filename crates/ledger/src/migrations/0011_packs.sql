-- A record names its pack by the hash of the pack's bytes, and of published packs their place is kept: bureau and opening, from which
-- follow number and receipt.
DROP TABLE view_pack;
CREATE TABLE view_pack (
    id       INTEGER PRIMARY KEY,
    record   BLOB    NOT NULL,
    entry    BLOB    NOT NULL,                   -- the opening, which alone says what the pack is
    org      TEXT    NOT NULL,                   -- the bureau that published it
    pack     TEXT    NOT NULL,
    version  TEXT    NOT NULL,
    blob     BLOB    NOT NULL,
    title    TEXT    NOT NULL
) STRICT;
CREATE INDEX view_pack_blob ON view_pack (blob);

ALTER TABLE view_inspection ADD COLUMN pack_hash BLOB;   -- NULL where the record names none
