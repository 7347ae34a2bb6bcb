-- Format 1. Never edited once released: a change is another file.
--
-- `entry` carries all that a reader of its channel needs, so that it can be distributed by channel; what is looked up by device lies
-- with the device. No constraint reaches across channels: that a device's ledger has no gap and no two entries at one place is kept by
-- `device.head_seq`, which is changed under a lock in the transaction that inserts them.

CREATE TABLE meta (
    key   text PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE org (
    code       text PRIMARY KEY,
    name       text NOT NULL,
    short_name text NOT NULL,
    parent     text REFERENCES org (code),
    kind       text NOT NULL,
    region     text
);

CREATE TABLE person (
    id          uuid PRIMARY KEY,
    n           bigint GENERATED ALWAYS AS IDENTITY,
    name        text NOT NULL,
    org         text NOT NULL REFERENCES org (code),
    role        text NOT NULL,
    certificate text,
    is_active   boolean NOT NULL
);

CREATE TABLE device (
    id              uuid PRIMARY KEY,
    n               bigint GENERATED ALWAYS AS IDENTITY,
    person          uuid NOT NULL REFERENCES person (id),
    public_key      bytea NOT NULL UNIQUE,
    label           text NOT NULL,
    enrolled_at_ms  bigint NOT NULL,
    last_contact_ms bigint,
    revoked_at_ms   bigint,
    -- The device whose work this one goes on with, where its ledger had parted from the server's.
    continues       uuid REFERENCES device (id),
    head_seq        bigint NOT NULL DEFAULT 0,
    head            bytea NOT NULL
);

CREATE TABLE code (
    hash          bytea PRIMARY KEY,
    person        uuid NOT NULL REFERENCES person (id),
    created_at_ms bigint NOT NULL,
    expires_at_ms bigint NOT NULL,
    used_by       uuid REFERENCES device (id),
    used_at_ms    bigint
);

CREATE TABLE receipt (
    device         uuid NOT NULL,
    seq            bigint NOT NULL,
    head           bytea NOT NULL,
    received_at_ms bigint NOT NULL,
    signature      bytea NOT NULL,
    push_signature bytea NOT NULL,
    PRIMARY KEY (device, seq)
);

-- The row is locked from the moment at which numbers are given until they are visible.
CREATE TABLE channel (
    name text PRIMARY KEY,
    n    bigint GENERATED ALWAYS AS IDENTITY,
    last bigint NOT NULL DEFAULT 0
);

-- The two people who hold most of a channel. Apart from `channel`, so that readers do not wait for writers.
CREATE TABLE seen (
    channel text PRIMARY KEY,
    by1     uuid,
    upto1   bigint NOT NULL,
    by2     uuid,
    upto2   bigint NOT NULL
);

CREATE TABLE record (
    id      uuid PRIMARY KEY,
    -- Of its first accepted entry.
    channel text,
    kind    text
);

CREATE TABLE entry (
    channel text NOT NULL,
    -- NULL: refused, with `code`.
    number  bigint,
    device  uuid NOT NULL,
    seq     bigint NOT NULL,
    id      bytea NOT NULL,
    prev    bytea NOT NULL,
    after   bytea,
    at      bigint NOT NULL,
    -- NULL: the device's person. Another is possible only in a refused entry.
    author  uuid,
    record  uuid NOT NULL,
    -- The sequence number of the receipt that covers it; below zero the number of an older one.
    covered bigint NOT NULL,
    code    text,
    event   bytea NOT NULL,
    CHECK ((number IS NULL) = (code IS NOT NULL))
);

CREATE UNIQUE INDEX entry_by_number ON entry (channel, number);
CREATE INDEX entry_by_device ON entry (device, seq);

CREATE TABLE blob (
    hash           bytea PRIMARY KEY,
    size           bigint,
    received_at_ms bigint
);

CREATE TABLE blob_use (
    blob    bytea NOT NULL,
    channel text NOT NULL,
    person  uuid NOT NULL,
    PRIMARY KEY (blob, channel, person)
);

-- The last number lent of a kind.
CREATE TABLE number_upto (
    org  text NOT NULL,
    word text NOT NULL,
    year integer NOT NULL,
    upto bigint NOT NULL,
    PRIMARY KEY (org, word, year)
);

CREATE TABLE number_block (
    request    uuid PRIMARY KEY,
    org        text NOT NULL,
    word       text NOT NULL,
    year       integer NOT NULL,
    first      bigint NOT NULL,
    last       bigint NOT NULL,
    device     uuid NOT NULL,
    lent_at_ms bigint NOT NULL
);

-- Answers to challenges that were given already, until nobody would take them any more.
CREATE TABLE used_challenge (
    challenge bytea PRIMARY KEY,
    until_ms  bigint NOT NULL
);

CREATE INDEX used_challenge_by_time ON used_challenge (until_ms);
