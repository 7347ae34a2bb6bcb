-- The identity a second time, on a page of its own: without its key nothing that waits here could be delivered any more.
CREATE TABLE identity_copy (
    n      INTEGER PRIMARY KEY CHECK (n = 1),
    value  TEXT NOT NULL
) STRICT;
INSERT INTO identity_copy (n, value) SELECT 1, value FROM meta WHERE key = 'identity';
