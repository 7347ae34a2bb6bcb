//! The store in SQLite: one file, one writer at a time, readers beside it.
//!
//! Invariant: every change is made on the one writing connection, one after another in `BEGIN IMMEDIATE` transactions, so that numbers
//! become visible in the order in which they were given (promise 3). All SQL of the central endpoint is in this module tree.

mod administration;
mod append;
mod devices;
mod directory;
pub mod inspect;
mod pull;
mod refusals;
mod rows;
mod smaller;
mod updates;
mod whole;
mod writer;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior,
    config::DbConfig,
};
use uuid::Uuid;

use self::writer::Writer;
use super::{
    Format, Info, MIGRATIONS, Migration, Register, StoreError,
    format::{self, OLDEST},
    sound::Soundness,
};
use crate::private;

/// Connections that are kept for reading; more are opened when all are in use, and closed again. Opening one costs as much as a push
/// of a hundred entries.
const READERS_KEPT: usize = 48;
/// Memory for pages of a connection for reading, KiB; the system keeps the file's pages besides.
const READER_CACHE_KIB: i64 = 4_096;
/// Memory for pages of the writing connection, KiB: the indexes of many devices grow at once.
const WRITER_CACHE_KIB: i64 = 32_768;

/// Pages of the log after which they are taken over into the file. Pushes change the same pages of indexes again and again, so that taking
/// them over after each commit, as SQLite would by itself, is most of what the disk does.
const CHECKPOINT_PAGES: i64 = 8_192;

/// The store in one SQLite file.
pub struct SqliteStore {
    path: PathBuf,
    sound: Arc<Soundness>,
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
    register: Mutex<Option<Arc<Register>>>,
    /// The newest format that this program knows.
    known: u32,
    /// Challenges that were used, and until when that matters. Only one process serves, and it forgets its challenges when it ends.
    used: Mutex<HashMap<[u8; 16], u64>>,
}

impl SqliteStore {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// When it cannot be opened, is no database, or is too new for this program; then it is left as it is.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_as(path, MIGRATIONS)
    }

    /// [`Self::open`] as a program that knows these formats.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_as(path: &Path, migrations: &[Migration]) -> Result<Self, StoreError> {
        // SQLite gives its other files the rights of this one.
        private::make_file(path)?;
        if let Err(error) = private::close_database(path) {
            tracing::warn!(%error, "others may read the database");
        }
        let mut writer = connect(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        )?;
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.pragma_update(None, "synchronous", "FULL")?;
        writer.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        writer.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        writer.set_prepared_statement_cache_capacity(64);
        migrate(&mut writer, migrations)?;
        let sound = Arc::new(Soundness::of(path));
        Ok(Self {
            path: path.to_owned(),
            sound: Arc::clone(&sound),
            writer: Writer::new(writer, sound),
            readers: Mutex::new(Vec::new()),
            register: Mutex::new(None),
            known: migrations.len() as u32,
            used: Mutex::new(HashMap::new()),
        })
    }

    /// Changes the store: all of it or nothing, and on the disk when this returns.
    fn write<T>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.writer.change(change)
    }

    /// Reads one state of the store.
    fn read<T>(
        &self,
        query: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let read = self.try_read(query);
        self.sound.note(&read);
        read
    }

    fn try_read<T>(
        &self,
        query: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let kept = self.readers.lock().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => {
                let connection = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
                connection.pragma_update(None, "query_only", true)?;
                connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
                connection.set_prepared_statement_cache_capacity(64);
                connection
            }
        };
        let result = {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
            query(&transaction)
        };
        let mut readers = self.readers.lock();
        if readers.len() < READERS_KEPT {
            readers.push(connection);
        }
        result
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    // Each change refers to rows that it looked up in the same transaction. Tests have SQLite look them up once more; in a program that
    // serves people that was a seventh of what an entry costs.
    connection.pragma_update(None, "foreign_keys", cfg!(debug_assertions))?;
    // Otherwise a plan that looked at a value is made anew for each value, and the statements that are kept are compiled at every use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Brings the tables forward. One migration in each transaction: what is done stays done.
fn migrate(connection: &mut Connection, migrations: &[Migration]) -> Result<(), StoreError> {
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let format = format_of(&transaction, migrations.len() as u32)?;
        let Some((number, migration)) = format.lacking(migrations)?.next() else {
            return Ok(());
        };
        transaction.execute_batch(migration.sqlite)?;
        transaction.pragma_update(None, "user_version", number)?;
        set_meta(&transaction, OLDEST, &migration.oldest.to_string())?;
        transaction.commit()?;
    }
}

fn format_of(connection: &Connection, known: u32) -> Result<Format, StoreError> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // Before the first migration there is nothing to ask.
    let oldest = match found {
        0 => None,
        _ => format::oldest(meta(connection, OLDEST)?.as_deref())?,
    };
    Ok(Format::new(found, oldest, known))
}

fn meta(connection: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

fn set_meta(connection: &Connection, key: &str, value: &str) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [key, value],
    )?;
    Ok(())
}

fn directory_version(connection: &Connection) -> Result<u64, StoreError> {
    match meta(connection, "directory_version")? {
        None => Ok(0),
        Some(text) => text
            .parse()
            .map_err(|_| StoreError::Damaged("directory version")),
    }
}

fn info(connection: &Connection) -> Result<Option<Info>, StoreError> {
    let Some(name) = meta(connection, "name")? else {
        return Ok(None);
    };
    let epoch = meta(connection, "epoch")?.unwrap_or_default();
    Ok(Some(Info {
        name,
        is_sample: meta(connection, "is_sample")?.as_deref() == Some("1"),
        epoch: Uuid::parse_str(&epoch).map_err(|_| StoreError::Damaged("epoch"))?,
        life: connection.query_row("SELECT max(n) FROM life", [], |row| row.get::<_, i64>(0))?
            as u64,
        directory_version: directory_version(connection)?,
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_that_is_kept_is_compiled_once_whatever_it_is_asked_about() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("store.db")).unwrap();
        store.writer.ask(|connection| {
            for device in 1..4_i64 {
                // The plan depends on what it is given, if it may.
                let mut statement = connection
                    .prepare_cached("SELECT id FROM entry WHERE device = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3")
                    .unwrap();
                let _found = statement.exists((device, 1, device)).unwrap();
                assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
            }
        });
    }
}
