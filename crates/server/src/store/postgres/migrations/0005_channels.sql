-- The directory's past, and how much of each channel a device was given. Only adds.

-- Where an organisation lay before it was moved. The spans of one follow each other; the first begins with 0.
CREATE TABLE former_parent (
    org      text NOT NULL REFERENCES org (code),
    parent   text REFERENCES org (code),
    from_ms  bigint NOT NULL,
    -- Does not belong to it any more.
    until_ms bigint NOT NULL,
    PRIMARY KEY (org, until_ms)
);

-- Up to which number a device was given a channel: it cannot have seen more.
CREATE TABLE given (
    device  uuid NOT NULL,
    channel text NOT NULL,
    upto    bigint NOT NULL,
    PRIMARY KEY (device, channel)
);

-- Channels are looked at in the order in which they were made, some at a time.
CREATE INDEX channel_by_n ON channel (n);
