-- Updates of the application, and for whom they were released. Only adds. The bytes lie with the evidence.

CREATE TABLE update_file (
    -- Bears version and platform, as it is signed.
    name        TEXT PRIMARY KEY,
    blob        BLOB NOT NULL,
    size        INTEGER NOT NULL,
    signature   TEXT NOT NULL,
    added_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE update_release (
    name  TEXT NOT NULL REFERENCES update_file (name),
    -- For this organisation and all below it.
    org   TEXT NOT NULL REFERENCES org (code),
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (name, org)
) STRICT, WITHOUT ROWID;
