-- Of another device's log a stretch that parts from what is here: proof that its device signed two entries for one place, as it is brought to
-- the central endpoint. One for each device.
CREATE TABLE parted (
    device BLOB PRIMARY KEY,
    push   BLOB NOT NULL
) STRICT;
