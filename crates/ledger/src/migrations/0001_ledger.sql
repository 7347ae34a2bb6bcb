-- The ledger itself: what cannot be rebuilt. Devices, people, channels and records have small local numbers, so that an entry's row
-- is short; whatever leaves this database goes by their identifiers.

CREATE TABLE meta (
    key    TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
    n   INTEGER PRIMARY KEY,
    id  BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE person (
    n   INTEGER PRIMARY KEY,
    id  BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE channel (
    n          INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    cursor     INTEGER NOT NULL DEFAULT 0,      -- the last number that was pulled
    seen_upto  INTEGER NOT NULL DEFAULT 0       -- how far other people's devices have pulled
) STRICT;

CREATE TABLE record (
    n             INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE,
    channel       INTEGER NOT NULL REFERENCES channel (n),
    own_seq       INTEGER NOT NULL DEFAULT 0,   -- the last own entry about it
    last_number   INTEGER NOT NULL DEFAULT 0,   -- its last entry's number in the channel
    delivered_ms  INTEGER NOT NULL DEFAULT 0,   -- when the newest receipt that covers an entry of it was given
    refused       INTEGER NOT NULL DEFAULT 0    -- own entries that the central endpoint refused
) STRICT;

CREATE TABLE entry (
    n        INTEGER PRIMARY KEY,
    device   INTEGER NOT NULL REFERENCES device (n),
    seq      INTEGER NOT NULL,
    id       BLOB    NOT NULL,
    prev     BLOB    NOT NULL,
    after    BLOB,
    at       INTEGER NOT NULL,                  -- hybrid logical time; the bits of an unsigned number
    author   INTEGER NOT NULL REFERENCES person (n),
    channel  INTEGER NOT NULL REFERENCES channel (n),
    record   INTEGER NOT NULL REFERENCES record (n),
    number   INTEGER,                           -- in its channel, once the central endpoint has given it
    refused  TEXT,                              -- why the central endpoint refused it
    event    BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX entry_device ON entry (device, seq);
CREATE INDEX entry_record ON entry (record);
CREATE INDEX entry_refused ON entry (n) WHERE refused IS NOT NULL;

-- Entries that were written again under a new identity, as they were (design, "A restored laptop").
CREATE TABLE entry_aside (
    n         INTEGER PRIMARY KEY,
    device    BLOB    NOT NULL,
    seq       INTEGER NOT NULL,
    id        BLOB    NOT NULL,
    event     BLOB    NOT NULL,
    moved_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE receipt (
    id              BLOB    PRIMARY KEY,
    device          INTEGER NOT NULL REFERENCES device (n),
    seq             INTEGER NOT NULL,
    head            BLOB    NOT NULL,
    received_at_ms  INTEGER NOT NULL,
    signature       BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX receipt_device ON receipt (device, seq, received_at_ms);

-- Text as it is typed: durable before it is an entry.
CREATE TABLE typed (
    record  BLOB    NOT NULL,
    field   TEXT    NOT NULL,
    text    TEXT    NOT NULL,
    person  BLOB    NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (record, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE number_block (
    n     INTEGER PRIMARY KEY,
    org   TEXT    NOT NULL,
    word  TEXT    NOT NULL,
    year  INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last  INTEGER NOT NULL,
    next  INTEGER NOT NULL,
    UNIQUE (org, word, year, first)
) STRICT;

CREATE TABLE number_provisional (
    org   TEXT    NOT NULL,
    word  TEXT    NOT NULL,
    year  INTEGER NOT NULL,
    last  INTEGER NOT NULL,
    PRIMARY KEY (org, word, year)
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_log (
    n       INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms   INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    code    TEXT    NOT NULL,
    params  TEXT    NOT NULL
) STRICT;
