-- What an administrator sees of a device and orders it to do, and the log of what administrators did. Only adds.

-- Of the software, as the device said when it opened a session last.
ALTER TABLE device ADD COLUMN client_version text;
-- What a revoked device is to do at its next contact: `lock` or `wipe`.
ALTER TABLE device ADD COLUMN order_act text;
ALTER TABLE device ADD COLUMN order_at_ms bigint;
-- When the device said that it had done so.
ALTER TABLE device ADD COLUMN order_done_at_ms bigint;

-- Each row's hash covers the row before it, and the server signs each row.
CREATE TABLE audit (
    n           bigint PRIMARY KEY,
    at_ms       bigint NOT NULL,
    -- NULL: the command line.
    person      uuid,
    person_name text NOT NULL,
    device      uuid,
    act         text NOT NULL,
    -- The organisation that it concerns.
    org         text,
    target      text NOT NULL,
    detail      text NOT NULL,
    hash        bytea NOT NULL,
    signature   bytea NOT NULL
);

CREATE FUNCTION audit_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only added to';
END;
$$;

CREATE TRIGGER audit_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_only_added_to();
