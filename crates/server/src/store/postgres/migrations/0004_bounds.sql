-- Both bounds of time in one receipt, and what is kept of each device so that they are found without walking its log.

-- The endpoint's lives: a restore and a correction of its clock begin another.
CREATE TABLE life (
    n           bigint PRIMARY KEY,
    began_at_ms bigint NOT NULL
);

INSERT INTO life (n, began_at_ms) VALUES (1, 0);

ALTER TABLE receipt ADD COLUMN id bytea;
ALTER TABLE receipt ADD COLUMN life bigint NOT NULL DEFAULT 1;
ALTER TABLE receipt ADD COLUMN first bigint NOT NULL DEFAULT 0;
ALTER TABLE receipt ADD COLUMN since_ms bigint NOT NULL DEFAULT 0;
ALTER TABLE receipt ADD COLUMN seen_ms bigint;
-- The refused places, with commas between them.
ALTER TABLE receipt ADD COLUMN refused text NOT NULL DEFAULT '';

CREATE INDEX receipt_by_id ON receipt (id);

-- Receipts of earlier lives that devices brought back. `entry.covered` names one of these by its number below zero.
CREATE TABLE older_receipt (
    n              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id             bytea NOT NULL UNIQUE,
    device         uuid NOT NULL,
    life           bigint NOT NULL,
    first          bigint NOT NULL,
    seq            bigint NOT NULL,
    head           bytea NOT NULL,
    received_at_ms bigint NOT NULL,
    since_ms       bigint NOT NULL,
    seen_ms        bigint,
    refused        text NOT NULL,
    signature      bytea NOT NULL
);

CREATE INDEX older_receipt_place ON older_receipt (device, (-n));

-- All of them, each by what entries name it by.
CREATE VIEW any_receipt AS
    SELECT seq AS place, id, device, life, first, seq, head, received_at_ms, since_ms, seen_ms, refused, signature FROM receipt
    UNION ALL
    SELECT -n AS place, id, device, life, first, seq, head, received_at_ms, since_ms, seen_ms, refused, signature FROM older_receipt;

-- The earlier bound of what the device sends next.
ALTER TABLE device ADD COLUMN since_ms bigint NOT NULL DEFAULT 0;
-- The time of its newest receipt in this life.
ALTER TABLE device ADD COLUMN received_ms bigint NOT NULL DEFAULT 0;
-- The name of its newest receipt, and the name that its log named last: both need not be looked up.
ALTER TABLE device ADD COLUMN newest bytea;
ALTER TABLE device ADD COLUMN named bytea;
-- The stay in which it is or was last: sessions that follow each other closely. And when it was last seen before that.
ALTER TABLE device ADD COLUMN stay_from_ms bigint;
ALTER TABLE device ADD COLUMN stay_last_ms bigint;
ALTER TABLE device ADD COLUMN seen_ms bigint;
-- The newest end of its log that it told, with its signature.
ALTER TABLE device ADD COLUMN end_tick_ms bigint;
ALTER TABLE device ADD COLUMN end_seq bigint;
ALTER TABLE device ADD COLUMN end_head bytea;
ALTER TABLE device ADD COLUMN end_signature bytea;

UPDATE device SET since_ms = enrolled_at_ms;

-- The time of the newest receipt for an entry of the channel in this life.
ALTER TABLE channel ADD COLUMN received_ms bigint NOT NULL DEFAULT 0;
