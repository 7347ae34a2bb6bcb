-- When somebody brought a second past of a device's log, signed by the device: it is at work at two places.
ALTER TABLE device ADD COLUMN parted_at_ms bigint;
DROP TRIGGER device_changes ON device;
CREATE TRIGGER device_changes BEFORE INSERT OR UPDATE OF label, revoked_at_ms, parted_at_ms ON device
    FOR EACH ROW EXECUTE FUNCTION directory_changes();
