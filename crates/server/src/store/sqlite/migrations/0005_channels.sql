-- The directory's past, and how much of each channel a device was given. Only adds.

-- Where an organisation lay before it was moved. The spans of one follow each other; the first begins with 0.
CREATE TABLE former_parent (
    org      TEXT NOT NULL REFERENCES org (code),
    parent   TEXT REFERENCES org (code),
    from_ms  INTEGER NOT NULL,
    -- Does not belong to it any more.
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (org, until_ms)
) STRICT, WITHOUT ROWID;

-- Up to which number a device was given a channel: it cannot have seen more.
CREATE TABLE given (
    device  INTEGER NOT NULL REFERENCES device (n),
    channel INTEGER NOT NULL REFERENCES channel (n),
    upto    INTEGER NOT NULL,
    PRIMARY KEY (device, channel)
) STRICT, WITHOUT ROWID;

-- Also a refused entry names a channel, whatever it is: those are not looked at when something is given out.
CREATE INDEX channel_with_entries ON channel (n) WHERE last > 0;
