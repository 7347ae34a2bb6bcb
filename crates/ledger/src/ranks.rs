//! When the central endpoint received an entry, and which records that changes.
//!
//! Invariant: an entry without a number was not received, whatever receipts are here: its log may have parted (invariant 11).

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, params};
use shicha_domain::{Receipt, RecordId, bounds::Bounds, entry::Entry, receipt::Rank};
use uuid::Uuid;

use crate::{
    entries::{bounds, receipt_of},
    error::LedgerError,
};

/// What the receipts of entries say, each looked up once.
#[derive(Default)]
pub(crate) struct Received(HashMap<i64, Option<(Rank, Bounds)>>);

impl Received {
    /// Of the receipt that an entry's number came with.
    pub(crate) fn of(
        &mut self,
        db: &Connection,
        covered: Option<i64>,
    ) -> Result<Option<(Rank, Bounds)>, LedgerError> {
        let Some(n) = covered else { return Ok(None) };
        if let Some(found) = self.0.get(&n) {
            return Ok(*found);
        }
        let receipt = receipt_of(db, covered)?;
        let found = receipt.map(|receipt| (receipt.rank(), Bounds::from(&receipt)));
        self.0.insert(n, found);
        Ok(found)
    }
}

/// Records that a receipt for a stretch of a log changes: those that are signed, because it may complete a version, those with a claim
/// outside of its bounds, and visits that are stated to begin after it.
pub(crate) fn changed_by_receipt(
    db: &Connection,
    device: i64,
    (from, upto): (u64, u64),
    receipt: &Receipt,
) -> Result<BTreeSet<RecordId>, LedgerError> {
    let mut statement = db.prepare_cached(
        "SELECT r.id
         FROM (SELECT record, max(((at >> 16) & 0xffffffffffff) NOT BETWEEN ?4 AND ?5) AS is_outside FROM entry
               WHERE device = ?1 AND seq BETWEEN ?2 AND ?3 GROUP BY record) AS e
         JOIN record r ON r.n = e.record
         WHERE e.is_outside OR r.is_signed = 1
             OR EXISTS (SELECT 1 FROM view_record v JOIN view_inspection i ON i.id = v.id
                        WHERE v.record = r.id AND i.begun_ms > ?5)",
    )?;
    let records = statement.query_map(
        params![
            device,
            from as i64,
            upto as i64,
            receipt.since_ms as i64,
            receipt.received_at_ms as i64,
        ],
        |row| Ok(RecordId(Uuid::from_bytes(row.get(0)?))),
    )?;
    Ok(records.collect::<Result<_, _>>()?)
}

/// Whether a record changes because an entry that is here got its number, with that receipt.
pub(crate) fn is_changed_by_number(
    db: &Connection,
    covered: i64,
    record: i64,
    entry: &Entry,
) -> Result<bool, LedgerError> {
    let bounds = bounds(db, Some(covered))?;
    if bounds.is_some_and(|bounds| bounds.clamp(entry.at) != entry.at) {
        return Ok(true);
    }
    let received_ms = bounds.map_or(u64::MAX, |bounds| bounds.received_ms);
    Ok(db
        .prepare_cached(
            "SELECT r.is_signed = 1 OR EXISTS (SELECT 1 FROM view_record v JOIN view_inspection i ON i.id = v.id
                 WHERE v.record = r.id AND i.begun_ms > ?2)
             FROM record r WHERE r.n = ?1",
        )?
        .query_row(
            params![record, i64::try_from(received_ms).unwrap_or(i64::MAX)],
            |row| row.get(0),
        )?)
}

/// Whether a record has a signature.
pub(crate) fn is_signed(db: &Connection, record: i64) -> Result<bool, LedgerError> {
    Ok(db
        .prepare_cached("SELECT is_signed FROM record WHERE n = ?1")?
        .query_row([record], |row| row.get(0))?)
}

/// Notes that a record has a signature.
pub(crate) fn note_signature(db: &Connection, record: i64) -> Result<(), LedgerError> {
    db.prepare_cached("UPDATE record SET is_signed = 1 WHERE n = ?1 AND is_signed = 0")?
        .execute([record])?;
    Ok(())
}
