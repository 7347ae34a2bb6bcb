//! Looking at a database without changing it, for whoever asks what is wrong.

use super::{migrate, pool::Connections, rows::get};
use crate::store::{Format, MIGRATIONS, StoreError};

/// What was found in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Its format, and the newest that this program knows; `None` where there are no tables yet.
    pub format: Option<Format>,
    /// The server's version, e.g. 170002.
    pub version: u32,
    /// Settings that matter to whether something is lost, by name.
    pub settings: Vec<(String, String)>,
    /// How the database's text is encoded.
    pub encoding: String,
}

/// The settings that are looked at.
const SETTINGS: [&str; 6] = [
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "archive_mode",
    "max_connections",
    "server_version_num",
];

/// Asks the database. Nothing is made, migrated or written.
///
/// # Errors
/// When it cannot be reached or read.
pub fn inspect(url: &str) -> Result<Inspection, StoreError> {
    let connections = Connections::open(url)?;
    connections.read(|tx| {
        let names: Vec<&str> = SETTINGS.to_vec();
        let rows = tx.query(
            "SELECT name, setting FROM pg_settings WHERE name = ANY($1) ORDER BY name",
            &[&names],
        )?;
        let settings = rows
            .iter()
            .map(|row| Ok((get::<String>(row, 0)?, get::<String>(row, 1)?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let version = settings
            .iter()
            .find(|(name, _)| name == "server_version_num")
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(0);
        let encoding = tx.first("SHOW server_encoding", &[])?;
        let encoding = encoding.map_or(Ok(String::new()), |row| get(&row, 0))?;
        let tables = tx.first("SELECT to_regclass('format') IS NOT NULL", &[])?;
        let has_tables = tables.map_or(Ok(false), |row| get(&row, 0))?;
        let format = has_tables
            .then(|| migrate::format_of(tx, MIGRATIONS.len() as u32))
            .transpose()?;
        Ok(Inspection {
            format,
            version,
            settings,
            encoding,
        })
    })
}
