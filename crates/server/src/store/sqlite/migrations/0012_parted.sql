-- When somebody brought a second past of a device's log, signed by the device: it is at work at two places.
ALTER TABLE device ADD COLUMN parted_at_ms INTEGER;
DROP TRIGGER device_is_changed;
CREATE TRIGGER device_is_changed AFTER UPDATE OF label, revoked_at_ms, parted_at_ms ON device BEGIN
    UPDATE device SET changed = (SELECT version FROM directory_next) WHERE n = new.n;
END;
