-- What an administrator sees of a device and orders it to do, and the log of what administrators did. Only adds.

-- Of the software, as the device said when it opened a session last.
ALTER TABLE device ADD COLUMN client_version TEXT;
-- What a revoked device is to do at its next contact: `lock` or `wipe`.
ALTER TABLE device ADD COLUMN order_act TEXT;
ALTER TABLE device ADD COLUMN order_at_ms INTEGER;
-- When the device said that it had done so.
ALTER TABLE device ADD COLUMN order_done_at_ms INTEGER;

-- Each row's hash covers the row before it, and the server signs each row.
CREATE TABLE audit (
    n           INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    -- NULL: the command line.
    person      BLOB,
    person_name TEXT NOT NULL,
    device      BLOB,
    act         TEXT NOT NULL,
    -- The organisation that it concerns.
    org         TEXT,
    target      TEXT NOT NULL,
    detail      TEXT NOT NULL,
    hash        BLOB NOT NULL,
    signature   BLOB NOT NULL
) STRICT;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;

CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
