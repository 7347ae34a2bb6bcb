//! A whole region at once, on both stores.

pub(crate) mod first_pull;
mod floor;
pub(crate) mod growth;
pub(crate) mod laptop;
pub(crate) mod returning;
pub(crate) mod steady;

use clap::ValueEnum;

use crate::postgres_server;

/// What holds the central endpoint's store.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Storage {
    /// A file in the data folder.
    Sqlite,
    /// A PostgreSQL server of the measurement's own, as its installation sets it up.
    Postgres,
}

impl Storage {
    /// A new database, where this store needs one.
    pub(crate) fn database(self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(tokio::task::block_in_place(postgres_server::database)),
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}
