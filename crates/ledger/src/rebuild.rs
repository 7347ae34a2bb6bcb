//! Dropping all views and folding them again from the entries.

use rusqlite::{Connection, Transaction};
use shicha_domain::RecordId;

use crate::{blobs, error::LedgerError, ledger::Ledger, record::fold, settings::get, views};

/// There from the moment in which the views no longer are those of the entries until they were folded again.
pub(crate) const STALE_VIEWS: &str = "stale_views";

impl Ledger {
    /// Drops all views and folds them again, in one transaction. `progress` hears how many records are done, of how many.
    ///
    /// # Errors
    /// When the database fails; the views are then as they were.
    pub fn rebuild(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), LedgerError> {
        self.write(|tx| rebuild(tx, progress))?;
        self.forget_folded();
        Ok(())
    }
}

/// Whether the views have to be folded again.
pub(crate) fn is_due(db: &Connection) -> Result<bool, LedgerError> {
    Ok(get(db, STALE_VIEWS)?.is_some())
}

pub(crate) fn rebuild(
    tx: &Transaction<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), LedgerError> {
    views::clear(tx)?;
    let records = records(tx)?;
    let total = records.len() as u64;
    for (done, record) in records.into_iter().enumerate() {
        if let Some(state) = fold(tx, record)? {
            views::project(tx, record, &state)?;
        }
        progress(done as u64 + 1, total);
    }
    tx.execute("DELETE FROM meta WHERE key = ?1", [STALE_VIEWS])?;
    blobs::want_named(tx)
}

fn records(db: &Connection) -> Result<Vec<RecordId>, LedgerError> {
    let mut query = db.prepare("SELECT id FROM record ORDER BY id")?;
    let ids = query.query_map([], |row| Ok(RecordId(uuid::Uuid::from_bytes(row.get(0)?))))?;
    Ok(ids.collect::<Result<_, _>>()?)
}
