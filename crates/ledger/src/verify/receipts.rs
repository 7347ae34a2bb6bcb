//! Receipts: that they are the endpoint's, are for what is here, rise, and do not reach back before what the log had named.

use rusqlite::{Connection, OptionalExtension as _, params};
use shicha_domain::{Receipt, suite::VerifyingKey};

use super::{BadEntry, Misfit};
use crate::{
    entries::{RECEIPT, read_receipt},
    error::LedgerError,
};

/// The first receipt that does not fit.
pub(super) fn first_bad(
    db: &Connection,
    key: Option<VerifyingKey>,
) -> Result<Option<BadEntry>, LedgerError> {
    let mut receipts = db.prepare(&format!(
        "{RECEIPT} ORDER BY c.device, c.life, c.received_at_ms"
    ))?;
    let mut held = db.prepare(
        "SELECT e.id FROM entry e JOIN receipt c ON c.device = e.device AND c.seq = e.seq WHERE c.n = ?1",
    )?;
    // The latest receipt of the same log and life that its entries had named up to a place.
    let mut latest_named = db.prepare(
        "SELECT max(n.received_at_ms) FROM entry e JOIN receipt n ON n.id = e.after AND n.device = e.device
         WHERE n.seq > 0 AND n.life = ?2 AND e.device = (SELECT device FROM receipt WHERE n = ?1) AND e.seq > ?3 AND e.seq <= ?4",
    )?;
    let mut before: Option<Receipt> = None;
    let mut named_ms = 0;
    let mut rows = receipts.query([])?;
    while let Some(row) = rows.next()? {
        let receipt = read_receipt(row)?;
        let n: i64 = row.get(10)?;
        let held: Option<[u8; 32]> = held.query_row([n], |row| row.get(0)).optional()?;
        let of_itself = if key.is_some_and(|key| !receipt.is_signed_by(&key)) {
            Some(Misfit::ReceiptSignature)
        } else if held.is_some_and(|held| held != receipt.head.0) && !is_aside(db, &receipt)? {
            Some(Misfit::ReceiptHead)
        } else if receipt.since_ms > receipt.received_at_ms {
            Some(Misfit::ReceiptBounds)
        } else {
            None
        };
        // It stands beside the runs of the log, which rise without it.
        let is_release = before
            .as_ref()
            .is_some_and(|before| is_release(before, &receipt));
        if is_release && of_itself.is_none() {
            continue;
        }
        let same_life = before
            .take()
            .filter(|before| is_same_life(before, &receipt));
        let from = same_life.as_ref().map_or(0, |before| before.from);
        if same_life.is_none() {
            named_ms = 0;
        }
        let named: Option<i64> = latest_named.query_row(
            params![n, receipt.life as i64, from as i64, receipt.from as i64],
            |row| row.get(0),
        )?;
        named_ms = named_ms.max(named.unwrap_or(0) as u64);
        let rises = same_life.is_none_or(|before| {
            before.seq < receipt.seq && before.received_at_ms < receipt.received_at_ms
        });
        let reason = if let Some(reason) = of_itself {
            reason
        } else if !rises {
            Misfit::ReceiptOrder
        } else if receipt.since_ms < named_ms {
            Misfit::ReceiptNamed
        } else {
            before = Some(receipt);
            continue;
        };
        return Ok(Some(BadEntry {
            device: receipt.device,
            seq: receipt.seq,
            reason,
        }));
    }
    Ok(None)
}

/// Whether the later of two receipts is that of a release: for one entry, of a run that had been received before.
fn is_release(before: &Receipt, receipt: &Receipt) -> bool {
    (before.device, before.life) == (receipt.device, receipt.life)
        && receipt.from == receipt.seq
        && receipt.seq <= before.seq
}

/// Whether two receipts, of which the second is later, are of one life of the central endpoint. A backup that was put back twice begins the
/// same life twice: a receipt for what the life before it had received already is of the second time. The first life begins once.
fn is_same_life(before: &Receipt, receipt: &Receipt) -> bool {
    let begins_again = receipt.life > 1 && receipt.from <= before.seq;
    (before.device, before.life) == (receipt.device, receipt.life) && !begins_again
}

/// Whether what a receipt is for was put aside: this log parted from a copy of itself after the central endpoint had confirmed it, and an
/// endpoint that was restored since went on with the copy's. What the receipt proves of time still holds.
fn is_aside(db: &Connection, receipt: &Receipt) -> Result<bool, LedgerError> {
    let is_aside = db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM entry_aside WHERE id = ?1)")?
        .query_row([receipt.head.0], |row| row.get(0))?;
    Ok(is_aside)
}
