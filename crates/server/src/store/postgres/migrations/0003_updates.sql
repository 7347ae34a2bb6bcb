-- Updates of the application, and for whom they were released. Only adds. The bytes lie with the evidence.

CREATE TABLE update_file (
    -- Bears version and platform, as it is signed.
    name        text PRIMARY KEY,
    blob        bytea NOT NULL,
    size        bigint NOT NULL,
    signature   text NOT NULL,
    added_at_ms bigint NOT NULL
);

CREATE TABLE update_release (
    name  text NOT NULL REFERENCES update_file (name),
    -- For this organisation and all below it.
    org   text NOT NULL REFERENCES org (code),
    at_ms bigint NOT NULL,
    PRIMARY KEY (name, org)
);
