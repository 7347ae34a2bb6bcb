-- Views: folded from entries in the transaction that brings them, dropped and rebuilt at any time to the same content.
-- Numbers in `id` are local; whatever leaves this database, or is compared with another one, goes by `record`.

CREATE TABLE view_record (
    id              INTEGER PRIMARY KEY,
    record          BLOB    NOT NULL UNIQUE,
    kind            TEXT    NOT NULL,            -- '' while the opening has not arrived
    updated_ms      INTEGER NOT NULL,
    conforms        INTEGER NOT NULL,
    nonconforming   INTEGER NOT NULL,
    not_applicable  INTEGER NOT NULL,
    not_checked     INTEGER NOT NULL,
    to_verify       INTEGER NOT NULL,
    conflicts       INTEGER NOT NULL,
    late            INTEGER NOT NULL,
    unknown         INTEGER NOT NULL,
    -- First 8 bytes of the SHA-256 of each part of the record's views, in the order of `Part`: a part whose print
    -- did not change is not written again.
    prints          BLOB    NOT NULL
) STRICT;

CREATE TABLE view_subject (
    id                    INTEGER PRIMARY KEY,
    record                BLOB    NOT NULL,
    name                  TEXT    NOT NULL,
    name_key              TEXT    NOT NULL,
    credit_code           TEXT    NOT NULL,
    kind                  TEXT    NOT NULL,
    region                TEXT    NOT NULL,
    address               TEXT    NOT NULL,
    legal_representative  TEXT    NOT NULL,
    phone                 TEXT    NOT NULL,
    industry              TEXT    NOT NULL,
    org                   TEXT    NOT NULL,
    is_sample             INTEGER NOT NULL,
    last_inspected_ms     INTEGER NOT NULL,      -- 0: never
    open_findings         INTEGER NOT NULL
) STRICT;
CREATE INDEX view_subject_name ON view_subject (name_key);
CREATE INDEX view_subject_credit_code ON view_subject (credit_code);
CREATE INDEX view_subject_facets ON view_subject (org, region, kind, last_inspected_ms, open_findings);

CREATE TABLE view_inspection (
    id            INTEGER PRIMARY KEY,
    record        BLOB    NOT NULL,
    subject       BLOB,
    subject_name  TEXT    NOT NULL,
    subject_key   TEXT    NOT NULL,
    subject_kind  TEXT    NOT NULL,
    region        TEXT    NOT NULL,
    org           TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    phase         TEXT    NOT NULL,
    checklist     TEXT    NOT NULL,
    pack          TEXT    NOT NULL,
    pack_version  TEXT    NOT NULL,
    number        TEXT    NOT NULL,
    begun_ms      INTEGER NOT NULL,              -- begin of the visit, or of the record while none is given
    started_ms    INTEGER,
    ended_ms      INTEGER,
    stage         INTEGER NOT NULL,              -- 0 open, 1 signing, 2 signed, 3 annulled
    findings      INTEGER NOT NULL,
    inspectors    TEXT    NOT NULL,
    opened_by     BLOB,
    is_sample     INTEGER NOT NULL,
    credit_code   TEXT    NOT NULL               -- the subject's, when the inspection was opened
) STRICT;
-- One index answers every filter by walking it: a list never reads the table but for the rows that it shows.
CREATE INDEX view_inspection_facets ON view_inspection
    (begun_ms, stage, findings, org, region, subject_kind, kind, phase, checklist, subject);
CREATE INDEX view_inspection_subject ON view_inspection (subject, begun_ms, stage);
CREATE INDEX view_inspection_name ON view_inspection (subject_key);
CREATE INDEX view_inspection_number ON view_inspection (number);
CREATE INDEX view_inspection_credit_code ON view_inspection (credit_code) WHERE credit_code <> '';
CREATE INDEX view_inspection_unsigned ON view_inspection (stage) WHERE stage <> 2;

-- Who inspects, or opened the record.
CREATE TABLE view_inspector (
    person  BLOB    NOT NULL,
    id      INTEGER NOT NULL,
    PRIMARY KEY (person, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX view_inspector_id ON view_inspector (id);

-- All answers of an inspection in one row: a changed answer touches one page, and the figures of an item over a
-- hundred thousand inspections are one walk. The form is described in `views/packed.rs`.
CREATE TABLE view_answer (
    id       INTEGER PRIMARY KEY,
    results  BLOB NOT NULL,
    texts    BLOB NOT NULL
) STRICT;

-- The items that stand in `view_answer`, by the first 45 bits of their hash.
CREATE TABLE view_item (
    code  INTEGER PRIMARY KEY,
    item  TEXT NOT NULL
) STRICT;

-- Answers that do not conform, so that the inspections behind a bar of a chart are found at once.
CREATE TABLE view_nonconforming (
    item  TEXT    NOT NULL,
    id    INTEGER NOT NULL,
    PRIMARY KEY (item, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX view_nonconforming_id ON view_nonconforming (id);

CREATE TABLE view_finding (
    id            INTEGER PRIMARY KEY,
    record        BLOB    NOT NULL,
    inspection    BLOB,
    subject       BLOB,
    subject_name  TEXT    NOT NULL,
    subject_key   TEXT    NOT NULL,
    item          TEXT    NOT NULL,
    description   TEXT    NOT NULL,
    measure       TEXT    NOT NULL,
    responsible   TEXT    NOT NULL,
    due           TEXT    NOT NULL,              -- '' without a deadline
    due_key       TEXT    NOT NULL,              -- sorts those without a deadline last
    basis         TEXT    NOT NULL,
    penalty       TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    org           TEXT    NOT NULL,
    region        TEXT    NOT NULL,
    pack          TEXT    NOT NULL,
    pack_version  TEXT    NOT NULL,
    checklist     TEXT    NOT NULL,
    is_sample     INTEGER NOT NULL,
    is_annulled   INTEGER NOT NULL,
    is_void       INTEGER NOT NULL               -- annulled itself, or by its inspection
) STRICT;
CREATE INDEX view_finding_facets ON view_finding (due_key, is_void, state, item, org, region, subject, inspection);
CREATE INDEX view_finding_name ON view_finding (subject_key);
CREATE INDEX view_finding_subject ON view_finding (subject, is_void, state);
CREATE INDEX view_finding_inspection ON view_finding (inspection);

CREATE TABLE view_attachment (
    id           INTEGER NOT NULL,
    entry        BLOB    NOT NULL,               -- the entry that names the blob
    place        TEXT    NOT NULL,               -- 'signature' for the mark of a signature
    blob         BLOB    NOT NULL,
    size         INTEGER NOT NULL,
    is_detached  INTEGER NOT NULL,
    PRIMARY KEY (id, entry)
) STRICT, WITHOUT ROWID;

CREATE TABLE view_conflict (
    id     INTEGER NOT NULL,
    field  TEXT    NOT NULL,
    title  TEXT    NOT NULL,
    at_ms  INTEGER NOT NULL,
    PRIMARY KEY (id, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE view_late (
    id     INTEGER NOT NULL,
    entry  BLOB    NOT NULL,
    title  TEXT    NOT NULL,
    at_ms  INTEGER NOT NULL,
    PRIMARY KEY (id, entry)
) STRICT, WITHOUT ROWID;

-- Entries that need a newer version of the software, or are malformed.
CREATE TABLE view_unknown (
    id     INTEGER NOT NULL,
    entry  BLOB    NOT NULL,
    what   TEXT    NOT NULL,                     -- type of the event; '' when it is malformed
    at_ms  INTEGER NOT NULL,
    PRIMARY KEY (id, entry)
) STRICT, WITHOUT ROWID;

CREATE TABLE view_pack (
    id            INTEGER PRIMARY KEY,
    record        BLOB    NOT NULL,
    pack          TEXT    NOT NULL,
    version       TEXT    NOT NULL,
    blob          BLOB    NOT NULL,
    title         TEXT    NOT NULL,
    published_ms  INTEGER NOT NULL
) STRICT;

-- Search. What is put in is cut into pairs of characters already (`views/words.rs`); nothing is stored but the index.
CREATE VIRTUAL TABLE search_subject USING fts5
    (words, content = '', contentless_delete = 1, tokenize = 'ascii');
CREATE VIRTUAL TABLE search_inspection USING fts5
    (words, content = '', contentless_delete = 1, tokenize = 'ascii');
CREATE VIRTUAL TABLE search_finding USING fts5
    (words, content = '', contentless_delete = 1, tokenize = 'ascii');
-- What was written about single items; the row's number is that of the inspection × 65536 + a running number.
CREATE VIRTUAL TABLE search_answer USING fts5
    (words, content = '', contentless_delete = 1, tokenize = 'ascii');
