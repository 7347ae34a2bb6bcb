-- The directory as rows, each as the JSON that came, with its hash; and the parts of a change of it that has not come whole yet.

CREATE TABLE directory_row (
    kind  TEXT NOT NULL,
    id    TEXT NOT NULL,
    value TEXT NOT NULL,
    hash  BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;

CREATE TABLE directory_part (
    kind  TEXT NOT NULL,
    id    TEXT NOT NULL,
    -- NULL: the row left what this person may know of.
    value TEXT,
    PRIMARY KEY (kind, id)
) STRICT;

-- It was one text; it is fetched again.
DELETE FROM meta WHERE key = 'directory';
