-- Format 1. Never edited once released: a change is another file.
-- Small integers stand for identifiers everywhere; `n` is such an integer.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE org (
    code       TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    short_name TEXT NOT NULL,
    parent     TEXT REFERENCES org (code),
    kind       TEXT NOT NULL,
    region     TEXT
) STRICT;

CREATE TABLE person (
    n           INTEGER PRIMARY KEY,
    id          BLOB NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    org         TEXT NOT NULL REFERENCES org (code),
    role        TEXT NOT NULL,
    certificate TEXT,
    is_active   INTEGER NOT NULL
) STRICT;

CREATE TABLE device (
    n               INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE,
    person          INTEGER NOT NULL REFERENCES person (n),
    public_key      BLOB NOT NULL UNIQUE,
    label           TEXT NOT NULL,
    enrolled_at_ms  INTEGER NOT NULL,
    last_contact_ms INTEGER,
    revoked_at_ms   INTEGER,
    -- The device whose work this one goes on with, where its ledger had parted from the server's.
    continues       INTEGER REFERENCES device (n),
    head_seq        INTEGER NOT NULL DEFAULT 0,
    head            BLOB NOT NULL DEFAULT (zeroblob(32))
) STRICT;

CREATE TABLE code (
    hash          BLOB PRIMARY KEY,
    person        INTEGER NOT NULL REFERENCES person (n),
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    used_by       INTEGER REFERENCES device (n),
    used_at_ms    INTEGER
) STRICT, WITHOUT ROWID;

-- Receipts that were given, and names of receipts that entries come after and that this store does not hold: after a restoration
-- from a backup there are some. Only the former have a signature.
CREATE TABLE receipt (
    n              INTEGER PRIMARY KEY,
    id             BLOB NOT NULL UNIQUE,
    device         INTEGER REFERENCES device (n),
    seq            INTEGER,
    head           BLOB,
    received_at_ms INTEGER,
    signature      BLOB,
    push_signature BLOB
) STRICT;

CREATE UNIQUE INDEX receipt_by_device ON receipt (device, seq) WHERE signature IS NOT NULL;

CREATE TABLE channel (
    n        INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    last     INTEGER NOT NULL DEFAULT 0,
    -- The two people who hold most of it: enough to tell anybody how far somebody else has it.
    seen_by  INTEGER,
    seen     INTEGER NOT NULL DEFAULT 0,
    seen_by2 INTEGER,
    seen2    INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE record (
    n       INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE,
    -- Of its first accepted entry.
    channel INTEGER REFERENCES channel (n),
    kind    TEXT
) STRICT;

-- `prev` is the id of the row before in the device's ledger and is not stored twice.
CREATE TABLE entry (
    n       INTEGER PRIMARY KEY,
    device  INTEGER NOT NULL REFERENCES device (n),
    seq     INTEGER NOT NULL,
    id      BLOB NOT NULL,
    after   INTEGER REFERENCES receipt (n),
    at      INTEGER NOT NULL,
    -- NULL: the device's person. Another is possible only in a refused entry.
    author  BLOB,
    channel INTEGER NOT NULL REFERENCES channel (n),
    -- NULL: refused.
    number  INTEGER,
    record  INTEGER NOT NULL REFERENCES record (n),
    covered INTEGER NOT NULL REFERENCES receipt (n),
    event   BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX entry_by_device ON entry (device, seq);
CREATE UNIQUE INDEX entry_by_number ON entry (channel, number) WHERE number IS NOT NULL;

CREATE TABLE refused (
    entry INTEGER PRIMARY KEY REFERENCES entry (n),
    code  TEXT NOT NULL
) STRICT;

CREATE TABLE blob (
    n              INTEGER PRIMARY KEY,
    hash           BLOB NOT NULL UNIQUE,
    size           INTEGER,
    received_at_ms INTEGER
) STRICT;

CREATE TABLE blob_use (
    blob    INTEGER NOT NULL REFERENCES blob (n),
    channel INTEGER NOT NULL REFERENCES channel (n),
    person  INTEGER NOT NULL REFERENCES person (n),
    PRIMARY KEY (blob, channel, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE number_block (
    request    BLOB PRIMARY KEY,
    org        TEXT NOT NULL REFERENCES org (code),
    word       TEXT NOT NULL,
    year       INTEGER NOT NULL,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    device     INTEGER NOT NULL REFERENCES device (n),
    lent_at_ms INTEGER NOT NULL,
    UNIQUE (org, word, year, first)
) STRICT, WITHOUT ROWID;
