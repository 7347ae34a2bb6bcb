-- Whether an entry of the record is a signature: a receipt may then change which version of it counts.
ALTER TABLE record ADD COLUMN is_signed INTEGER NOT NULL DEFAULT 0;
-- The version that counts and was received, and the one that had counted before it and stepped back without a person's decision.
ALTER TABLE record ADD COLUMN counting BLOB;
ALTER TABLE record ADD COLUMN counted BLOB;
CREATE INDEX record_counted ON record (n) WHERE counted IS NOT NULL;
