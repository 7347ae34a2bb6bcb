//! Looking at a store without changing it, for whoever asks what is wrong.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::format_of;
use crate::store::{Format, MIGRATIONS, StoreError};

/// What was found in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Its format, and the newest that this program knows.
    pub format: Format,
    /// The first thing that does not fit inside the file, if there is one.
    pub damage: Option<String>,
}

/// Reads the file's format and goes quickly through its pages. Nothing is made, migrated or written.
///
/// # Errors
/// When it is not there, cannot be read, or is no database.
pub fn inspect(path: &Path) -> Result<Inspection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    let format = format_of(&connection, MIGRATIONS.len() as u32)?;
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(Inspection {
        format,
        damage: (found != "ok").then_some(found),
    })
}
