-- What other devices handed over directly and the central endpoint has not confirmed yet: stretches of their logs, each sealed by its
-- device's signature over the last entry. The entries themselves stand in `entry`, without a number.
CREATE TABLE seal (
    n          INTEGER PRIMARY KEY,
    device     INTEGER NOT NULL REFERENCES device (n),
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    signature  BLOB    NOT NULL,
    UNIQUE (device, last)
) STRICT;

-- Packages that were made here and that were taken in.
CREATE TABLE package (
    n         INTEGER PRIMARY KEY,
    id        BLOB    NOT NULL,
    is_out    INTEGER NOT NULL,
    at_ms     INTEGER NOT NULL,
    label     TEXT    NOT NULL,                  -- what stands on its outside, as JSON
    contents  TEXT    NOT NULL,                  -- what is in it, counted, as JSON
    file      TEXT    NOT NULL,
    log       BLOB,                              -- the own device that entries of it are of
    upto      INTEGER NOT NULL,                  -- the last of them; 0: none
    UNIQUE (id, is_out)
) STRICT;
