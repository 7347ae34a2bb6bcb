-- At which version of the directory each of its rows changed last, and what is no more where it was, so that what changed since a version
-- can be given out. Only adds. Triggers write it, whoever changes a row: the next version is given at the end of the same transaction.

ALTER TABLE org ADD COLUMN changed bigint NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN changed bigint NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN changed bigint NOT NULL DEFAULT 0;
ALTER TABLE former_parent ADD COLUMN changed bigint NOT NULL DEFAULT 0;

-- People, and devices with them, that went to another organisation.
CREATE TABLE directory_left (
    n       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed bigint NOT NULL,
    kind    text NOT NULL,
    id      uuid NOT NULL,
    -- Where they were.
    org     text NOT NULL
);

-- The version stays locked until the change is visible, so that versions are in the order of commits.
CREATE FUNCTION directory_next() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    known bigint;
BEGIN
    SELECT value::bigint INTO known FROM meta WHERE key = 'directory_version' FOR UPDATE;
    RETURN coalesce(known, 0) + 1;
END
$$;

CREATE FUNCTION directory_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed := directory_next();
    RETURN NEW;
END
$$;

CREATE FUNCTION person_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO directory_left (changed, kind, id, org) VALUES (NEW.changed, 'person', NEW.id, OLD.org);
    INSERT INTO directory_left (changed, kind, id, org)
        SELECT NEW.changed, 'device', d.id, OLD.org FROM device d WHERE d.person = NEW.id;
    UPDATE device SET changed = NEW.changed WHERE person = NEW.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER org_changes BEFORE INSERT OR UPDATE OF name, short_name, parent, kind, region ON org
    FOR EACH ROW EXECUTE FUNCTION directory_changes();
CREATE TRIGGER former_parent_changes BEFORE INSERT ON former_parent
    FOR EACH ROW EXECUTE FUNCTION directory_changes();
CREATE TRIGGER person_changes BEFORE INSERT OR UPDATE OF name, org, role, certificate, is_active ON person
    FOR EACH ROW EXECUTE FUNCTION directory_changes();
CREATE TRIGGER person_is_moved AFTER UPDATE OF org ON person
    FOR EACH ROW WHEN (OLD.org <> NEW.org) EXECUTE FUNCTION person_moves();
CREATE TRIGGER device_changes BEFORE INSERT OR UPDATE OF label, revoked_at_ms ON device
    FOR EACH ROW EXECUTE FUNCTION directory_changes();
