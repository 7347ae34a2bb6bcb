-- At which version of the directory each of its rows changed last, and what is no more where it was, so that what changed since a version
-- can be given out. Only adds. Triggers write it, whoever changes a row: the next version is given at the end of the same transaction.

ALTER TABLE org ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE former_parent ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;

-- People, and devices with them, that went to another organisation.
CREATE TABLE directory_left (
    n       INTEGER PRIMARY KEY,
    changed INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    id      BLOB NOT NULL,
    -- Where they were.
    org     TEXT NOT NULL
) STRICT;

CREATE VIEW directory_next (version) AS
    SELECT coalesce(max(CAST(value AS INTEGER)), 0) + 1 FROM meta WHERE key = 'directory_version';

CREATE TRIGGER org_is_added AFTER INSERT ON org BEGIN
    UPDATE org SET changed = (SELECT version FROM directory_next) WHERE code = new.code;
END;
CREATE TRIGGER org_is_changed AFTER UPDATE OF name, short_name, parent, kind, region ON org BEGIN
    UPDATE org SET changed = (SELECT version FROM directory_next) WHERE code = new.code;
END;
CREATE TRIGGER former_parent_is_added AFTER INSERT ON former_parent BEGIN
    UPDATE former_parent SET changed = (SELECT version FROM directory_next) WHERE org = new.org AND until_ms = new.until_ms;
END;
CREATE TRIGGER person_is_added AFTER INSERT ON person BEGIN
    UPDATE person SET changed = (SELECT version FROM directory_next) WHERE n = new.n;
END;
CREATE TRIGGER person_is_changed AFTER UPDATE OF name, org, role, certificate, is_active ON person BEGIN
    UPDATE person SET changed = (SELECT version FROM directory_next) WHERE n = new.n;
END;
CREATE TRIGGER person_is_moved AFTER UPDATE OF org ON person WHEN old.org <> new.org BEGIN
    INSERT INTO directory_left (changed, kind, id, org) SELECT version, 'person', new.id, old.org FROM directory_next;
    INSERT INTO directory_left (changed, kind, id, org)
        SELECT version, 'device', d.id, old.org FROM device d, directory_next WHERE d.person = new.n;
    UPDATE device SET changed = (SELECT version FROM directory_next) WHERE person = new.n;
END;
CREATE TRIGGER device_is_added AFTER INSERT ON device BEGIN
    UPDATE device SET changed = (SELECT version FROM directory_next) WHERE n = new.n;
END;
CREATE TRIGGER device_is_changed AFTER UPDATE OF label, revoked_at_ms ON device BEGIN
    UPDATE device SET changed = (SELECT version FROM directory_next) WHERE n = new.n;
END;
