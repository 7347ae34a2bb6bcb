//! The formats of a store, and how one becomes the next while older programs go on serving it.
//!
//! A change comes in two steps. The first only adds (a table, a column with a default or NULL, an index): programs of the format before
//! read and write as they did, so `oldest` stays. The second, in a later release when no older program runs any more, takes away what
//! nobody uses or demands what everybody writes, and raises `oldest`. A store says its format and the oldest program format that may
//! still work on it; an older program leaves it as it is.
//!
//! To add one: write `sqlite/migrations/NNNN_what.sql` and `postgres/migrations/NNNN_what.sql` with the next free number, and add the
//! line to [`MIGRATIONS`]. Files that were released are never edited. SQL names its columns, never `*`. What a PostgreSQL migration
//! does while others write must be quick: a column without a volatile default, no rewriting of `entry`.

use super::StoreError;

/// What makes a format of the one before, in both stores.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Statements for SQLite.
    pub sqlite: &'static str,
    /// Statements for PostgreSQL.
    pub postgres: &'static str,
    /// The oldest program format that may work on a store after this.
    pub oldest: u32,
}

/// All formats, from 1: a program knows as many as stand here.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        sqlite: include_str!("sqlite/migrations/0001_first.sql"),
        postgres: include_str!("postgres/migrations/0001_first.sql"),
        oldest: 1,
    },
    Migration {
        sqlite: include_str!("sqlite/migrations/0002_administration.sql"),
        postgres: include_str!("postgres/migrations/0002_administration.sql"),
        oldest: 1,
    },
    Migration {
        sqlite: include_str!("sqlite/migrations/0003_updates.sql"),
        postgres: include_str!("postgres/migrations/0003_updates.sql"),
        oldest: 1,
    },
    // Whoever does not know that receipts rise must not give any.
    Migration {
        sqlite: include_str!("sqlite/migrations/0004_bounds.sql"),
        postgres: include_str!("postgres/migrations/0004_bounds.sql"),
        oldest: 4,
    },
    Migration {
        sqlite: include_str!("sqlite/migrations/0005_channels.sql"),
        postgres: include_str!("postgres/migrations/0005_channels.sql"),
        oldest: 4,
    },
    Migration {
        sqlite: include_str!("sqlite/migrations/0010_directory.sql"),
        postgres: include_str!("postgres/migrations/0010_directory.sql"),
        oldest: 4,
    },
    // Whoever does not know what was written again would give it out under another hash.
    Migration {
        sqlite: include_str!("sqlite/migrations/0011_lines.sql"),
        postgres: include_str!("postgres/migrations/0011_lines.sql"),
        oldest: 7,
    },
    Migration {
        sqlite: include_str!("sqlite/migrations/0012_parted.sql"),
        postgres: include_str!("postgres/migrations/0012_parted.sql"),
        oldest: 7,
    },
];

/// The key in `meta` for the oldest program format that may work on the store. Absent: no other than the store's own.
pub(super) const OLDEST: &str = "oldest_format";

/// Which formats meet: the store's, and the program's that opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// The store's format.
    pub found: u32,
    /// The oldest program format that may work on it.
    pub oldest: u32,
    /// The newest format that this program knows.
    pub known: u32,
}

impl Format {
    pub(super) fn new(found: u32, oldest: Option<u32>, known: u32) -> Self {
        Self {
            found,
            oldest: oldest.unwrap_or(found),
            known,
        }
    }

    /// Whether this program may work on the store: it knows the format, or the store was only added to.
    pub fn is_fit(&self) -> bool {
        self.known >= self.found.min(self.oldest)
    }

    /// The migrations that the store lacks, each with the format that it makes.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when this program is too old for the store.
    pub(super) fn lacking<'m>(
        &self,
        migrations: &'m [Migration],
    ) -> Result<impl Iterator<Item = (u32, &'m Migration)> + use<'m>, StoreError> {
        if !self.is_fit() {
            return Err(StoreError::Newer {
                found: self.found,
                known: self.known,
            });
        }
        let found = self.found;
        Ok((1..)
            .zip(migrations)
            .filter(move |(number, _)| *number > found))
    }
}

/// Reads what stands under [`OLDEST`].
pub(super) fn oldest(text: Option<&str>) -> Result<Option<u32>, StoreError> {
    text.map(str::parse)
        .transpose()
        .map_err(|_| StoreError::Damaged("oldest format"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_migration_lets_an_older_program_in_again_and_none_shuts_out_its_own() {
        let mut oldest = 1;
        for (number, migration) in (1..).zip(MIGRATIONS) {
            assert!(migration.oldest >= oldest, "migration {number}");
            assert!(migration.oldest <= number, "migration {number}");
            oldest = migration.oldest;
        }
    }

    #[test]
    fn a_program_works_on_a_store_that_was_only_added_to_and_on_no_other_newer_one() {
        let is_fit = |found, oldest, known| Format::new(found, oldest, known).is_fit();
        assert!(is_fit(3, Some(1), 3));
        assert!(is_fit(3, Some(2), 2), "two migrations that only add");
        assert!(!is_fit(3, Some(3), 2), "something was taken away");
        assert!(!is_fit(3, None, 2), "it does not say");
        assert!(is_fit(0, None, 2), "a new store");
        let lacking = |found, known: &[Migration]| {
            let format = Format::new(found, Some(1), known.len() as u32);
            let lacking = format.lacking(known).unwrap();
            lacking.map(|(number, _)| number).collect::<Vec<_>>()
        };
        let three = [MIGRATIONS[0]; 3];
        assert_eq!(lacking(0, &three), [1, 2, 3]);
        assert_eq!(lacking(2, &three), [3]);
        assert_eq!(lacking(4, &three), [0; 0]);
    }
}
