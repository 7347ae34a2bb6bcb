-- A line of identities goes on, it never begins anew: what the log of an identity follows that goes on from another one (the last entry
-- that both have, and its place), and where an entry stood first that was written again.
ALTER TABLE device ADD COLUMN start BLOB;
ALTER TABLE device ADD COLUMN start_seq INTEGER NOT NULL DEFAULT 0;
CREATE INDEX device_continues ON device (continues) WHERE continues IS NOT NULL;
ALTER TABLE entry ADD COLUMN again BLOB;
