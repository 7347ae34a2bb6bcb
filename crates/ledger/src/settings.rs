//! Small things that are kept by name, and the log of synchronisation.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

use crate::{error::LedgerError, ledger::Ledger};

/// How much of the log is kept.
const LOG_ROWS: i64 = 2_000;
/// Before the names of settings, so that none meets a name of the ledger's own.
const SETTING: &str = "setting/";

/// A line of the log of synchronisation.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncLogRow {
    /// When, Unix ms by this computer's clock.
    pub at_ms: u64,
    /// Which part of the program.
    pub kind: String,
    /// What, as a key of a text.
    pub code: String,
    /// Values for the text.
    pub params: Value,
}

impl Ledger {
    /// A local setting.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<String>, LedgerError> {
        self.read(|db| get(db, &format!("{SETTING}{key}")))
    }

    /// Keeps a local setting.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_setting(&self, key: &str, value: &str) -> Result<(), LedgerError> {
        self.write(|tx| put(tx, &format!("{SETTING}{key}"), value))
    }

    /// Writes a line into the log of synchronisation; the oldest go.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn sync_log_add(
        &self,
        kind: &str,
        code: &str,
        params: &Value,
        now_ms: u64,
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            tx.prepare_cached(
                "INSERT INTO sync_log (at_ms, kind, code, params) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![now_ms as i64, kind, code, params.to_string()])?;
            tx.prepare_cached("DELETE FROM sync_log WHERE n <= ?1")?
                .execute([tx.last_insert_rowid() - LOG_ROWS])?;
            Ok(())
        })
    }

    /// The newest lines of the log, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sync_log(&self, limit: u64) -> Result<Vec<SyncLogRow>, LedgerError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT at_ms, kind, code, params FROM sync_log ORDER BY n DESC LIMIT ?1",
            )?;
            let mut rows = statement.query([limit.min(i64::MAX as u64) as i64])?;
            let mut log = Vec::new();
            while let Some(row) = rows.next()? {
                let params: String = row.get(3)?;
                log.push(SyncLogRow {
                    at_ms: row.get::<_, i64>(0)? as u64,
                    kind: row.get(1)?,
                    code: row.get(2)?,
                    params: serde_json::from_str(&params)?,
                });
            }
            Ok(log)
        })
    }
}

pub(crate) fn get(db: &Connection, key: &str) -> Result<Option<String>, LedgerError> {
    Ok(db
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?)
}

pub(crate) fn put(db: &Connection, key: &str, value: &str) -> Result<(), LedgerError> {
    db.prepare_cached(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
    )?
    .execute([key, value])?;
    Ok(())
}
