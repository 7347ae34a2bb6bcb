-- Whether an entry of the record is a signature: a receipt may then change which version of it counts.
ALTER TABLE record ADD COLUMN is_signed INTEGER NOT NULL DEFAULT 0;
