//! Rows of one table on their way into the new database.

use rusqlite::{Connection, params_from_iter, types::Value};

use super::TOGETHER;
use crate::{error::LedgerError, ledger::begin};

/// Writes rows of one table, many in a transaction.
pub(super) struct Writer<'a> {
    into: &'a mut Connection,
    table: &'static str,
    insert: String,
    rows: Vec<Vec<Value>>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(into: &'a mut Connection, table: &'static str) -> Self {
        Self {
            into,
            table,
            insert: String::new(),
            rows: Vec::new(),
        }
    }

    pub(super) fn put(&mut self, columns: &[&str], row: Vec<Value>) -> Result<(), LedgerError> {
        if self.insert.is_empty() {
            let marks = vec!["?"; columns.len()].join(", ");
            self.insert = format!(
                "INSERT OR REPLACE INTO {} ({}) VALUES ({marks})",
                self.table,
                columns.join(", ")
            );
        }
        self.rows.push(row);
        if self.rows.len() >= TOGETHER {
            self.flush()?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), LedgerError> {
        let tx = begin(self.into)?;
        for row in self.rows.drain(..) {
            match tx
                .prepare_cached(&self.insert)?
                .execute(params_from_iter(row))
            {
                Ok(_) => {}
                // A row that is not what this program writes.
                Err(error)
                    if error.sqlite_error_code()
                        == Some(rusqlite::ErrorCode::ConstraintViolation) =>
                {
                    tracing::warn!(%error, table = self.table, "a row does not fit");
                }
                Err(error) => return Err(error.into()),
            }
        }
        tx.commit()?;
        Ok(())
    }
}
