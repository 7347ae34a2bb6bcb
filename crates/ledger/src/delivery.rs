//! How far a record is: on this computer, delivered, seen by others.
//!
//! Kept with the record and brought up to date with each receipt, so that a list of records asks nothing of their entries.

use rusqlite::{Connection, OptionalExtension as _, params};
use shicha_domain::{Receipt, RecordId};

use crate::{
    error::LedgerError,
    ledger::{Ledger, Own},
};

/// How far a record is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordDelivery {
    /// Own entries that no receipt covers.
    pub waiting_entries: u64,
    /// Evidence files of it that are to be sent.
    pub waiting_blobs: u64,
    /// Their bytes still to go.
    pub waiting_blob_bytes: u64,
    /// When the newest receipt that covers an entry of it was given.
    pub delivered_at_ms: Option<u64>,
    /// Whether somebody else's device has all of it that was delivered.
    pub seen_by_others: bool,
    /// Own entries that were refused.
    pub refused: u64,
}

impl Ledger {
    /// How far a record is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn delivery(&self, record: RecordId) -> Result<RecordDelivery, LedgerError> {
        let own = self.writer().own.clone();
        self.read(|db| delivery(db, own.as_ref(), record))
    }
}

fn delivery(
    db: &Connection,
    own: Option<&Own>,
    record: RecordId,
) -> Result<RecordDelivery, LedgerError> {
    let row = db
        .prepare_cached(
            "SELECT r.n, r.own_seq, r.last_number, r.delivered_ms, r.refused, c.seen_upto
             FROM record r JOIN channel c ON c.n = r.channel WHERE r.id = ?1",
        )?
        .query_row([record.0.as_bytes()], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)? as u64,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)? as u64,
                row.get::<_, i64>(4)? as u64,
                row.get::<_, i64>(5)?,
            ))
        })
        .optional()?;
    let Some((n, own_seq, last_number, delivered_ms, refused, seen_upto)) = row else {
        return Ok(RecordDelivery::default());
    };
    let mut delivery = RecordDelivery {
        delivered_at_ms: (delivered_ms > 0).then_some(delivered_ms),
        seen_by_others: last_number > 0 && last_number <= seen_upto,
        refused,
        ..RecordDelivery::default()
    };
    if let Some(own) = own.filter(|own| own_seq > own.acked.0) {
        delivery.waiting_entries = db
            .prepare_cached(
                "SELECT count(*) FROM entry WHERE record = ?1 AND device = ?2 AND seq > ?3",
            )?
            .query_row(params![n, own.device, own.acked.0 as i64], |row| {
                row.get::<_, i64>(0)
            })? as u64;
    }
    if own_seq > 0 {
        (delivery.waiting_blobs, delivery.waiting_blob_bytes) =
            crate::blobs::waiting_of(db, record)?;
    }
    Ok(delivery)
}

/// Writes down for each record that a new receipt covers entries of how far it now is.
pub(crate) fn note_delivered(
    db: &Connection,
    device: i64,
    acked: u64,
    receipt: &Receipt,
) -> Result<(), LedgerError> {
    let mut statement = db.prepare_cached(
        "SELECT record, ifnull(max(number), 0), count(refused) FROM entry
         WHERE device = ?1 AND seq > ?2 AND seq <= ?3 GROUP BY record",
    )?;
    let mut rows = statement.query(params![device, acked as i64, receipt.seq as i64])?;
    let mut update = db.prepare_cached(
        "UPDATE record SET last_number = max(last_number, ?2), refused = refused + ?3, delivered_ms = max(delivered_ms, ?4)
         WHERE n = ?1",
    )?;
    while let Some(row) = rows.next()? {
        let (record, number, refused): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        update.execute(params![
            record,
            number,
            refused,
            receipt.received_at_ms as i64
        ])?;
    }
    Ok(())
}
