-- Evidence: the original bytes, in chunks, inside the encrypted database.

CREATE TABLE blob (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    hash          BLOB UNIQUE,                   -- NULL while it is being written on this device
    size          INTEGER NOT NULL,              -- of the whole original; a claim until it is complete
    have          INTEGER NOT NULL,              -- bytes from the start that are here
    is_complete   INTEGER NOT NULL,
    mime          TEXT    NOT NULL,              -- found in the bytes
    taken_at_ms   INTEGER,
    latitude_e7   INTEGER,
    longitude_e7  INTEGER,
    camera        TEXT,
    orientation   INTEGER NOT NULL,              -- as in EXIF, 1 to 8
    width         INTEGER,                       -- pixels as stored, before the orientation is applied
    height        INTEGER,
    is_waiting    INTEGER NOT NULL,              -- named by an own entry and not at the central endpoint yet
    sent_upto     INTEGER NOT NULL,
    is_delivered  INTEGER NOT NULL,
    is_wanted     INTEGER NOT NULL,              -- named by an entry and not here
    begun_ms      INTEGER NOT NULL
) STRICT;
CREATE INDEX blob_waiting ON blob (size) WHERE is_waiting = 1 AND is_complete = 1;
CREATE INDEX blob_wanted ON blob (size) WHERE is_wanted = 1 AND is_complete = 0;

-- The row's number is that of the blob × 8192 + the chunk's place; every chunk but the last has 262144 bytes.
CREATE TABLE blob_chunk (
    id     INTEGER PRIMARY KEY,
    bytes  BLOB NOT NULL
) STRICT;

-- Pictures derived from originals, made once.
CREATE TABLE blob_picture (
    blob    INTEGER NOT NULL,
    edge    INTEGER NOT NULL,
    bytes   BLOB,                                -- NULL: none can be made
    PRIMARY KEY (blob, edge)
) STRICT;
