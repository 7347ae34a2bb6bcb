//! Signed records of which another version counts than before, because the endpoint turned out to have received that one earlier: a device
//! had brought it its own older receipt after it was restored (invariant 10, nothing proved is given up).
//!
//! Invariant: nothing is lost by it. The version that stepped back stands whole beside the one that counts, and the record is listed here
//! until a person settles between them.

use rusqlite::{Connection, params};
use shicha_domain::{RecordId, RecordState};
use uuid::Uuid;

use crate::{error::LedgerError, ledger::Ledger};

impl Ledger {
    /// Signed records of which another version counts than before without a person's decision.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn turned(&self) -> Result<Vec<RecordId>, LedgerError> {
        self.read(|db| {
            let mut statement =
                db.prepare_cached("SELECT id FROM record WHERE counted IS NOT NULL ORDER BY n")?;
            let records =
                statement.query_map([], |row| Ok(RecordId(Uuid::from_bytes(row.get(0)?))))?;
            Ok(records.collect::<Result<_, _>>()?)
        })
    }
}

/// Notes which version of a record counts, and which one had counted before it. Only once this device has pulled all of the record that has
/// a number: what it sent itself may have been received later than what it has not seen yet.
pub(crate) fn note_counting(
    db: &Connection,
    record: RecordId,
    state: &RecordState,
) -> Result<(), LedgerError> {
    let Some(counting) = state.counting().filter(|version| version.rank.is_some()) else {
        return Ok(());
    };
    let is_decided = state
        .settled()
        .is_some_and(|note| note.what.counts == counting.set);
    db.prepare_cached(
        "UPDATE record SET counting = ?2, counted = CASE
             WHEN ?3 OR counted = ?2 THEN NULL
             WHEN counting IS NOT NULL AND counting <> ?2 THEN counting
             ELSE counted END
         WHERE id = ?1 AND (counting IS NOT ?2 OR (?3 AND counted IS NOT NULL))
             AND last_number BETWEEN 1 AND (SELECT c.cursor FROM channel c WHERE c.n = record.channel)",
    )?
    .execute(params![record.0.as_bytes(), counting.set.0, is_decided])?;
    Ok(())
}
