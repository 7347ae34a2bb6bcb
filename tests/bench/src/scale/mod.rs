//! A whole region at once, on both stores.

pub(crate) mod first_pull;
mod floor;
pub(crate) mod follow;
pub(crate) mod growth;
pub(crate) mod laptop;
pub(crate) mod returning;
pub(crate) mod steady;

use std::path::Path;

use anyhow::Result;
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

    /// Bytes that the store takes on the disk: the database with its write-ahead log, without the logs that PostgreSQL keeps for all.
    pub(crate) fn size(self, data: &Path, database: Option<&str>) -> Result<u64> {
        let Some(database) = database else {
            return ["server.db", "server.db-wal"]
                .iter()
                .try_fold(0, |sum, name| match std::fs::metadata(data.join(name)) {
                    Ok(file) => Ok(sum + file.len()),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(sum),
                    Err(error) => Err(error.into()),
                });
        };
        let size: i64 = tokio::task::block_in_place(|| {
            postgres::Client::connect(database, postgres::NoTls)?
                .query_one("SELECT pg_database_size(current_database())", &[])?
                .try_get(0)
        })?;
        Ok(size as u64)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}
