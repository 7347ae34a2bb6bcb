//! Verifying the whole ledger: every entry is what its name says and follows the one before it, and every receipt is the server's and
//! names the entry that is here.

use rusqlite::{Connection, OptionalExtension as _, params};
use shicha_domain::suite::VerifyingKey;
use shicha_domain::{DeviceId, EntryId, Receipt, entry::Entry};

use crate::{
    entries::{ENTRY, RECEIPT, read_entry, read_receipt},
    error::LedgerError,
    ledger::Ledger,
};

/// What verifying found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Entries that were looked at.
    pub entries: u64,
    /// The first entry that does not fit; `None`: all fit.
    pub first_bad: Option<BadEntry>,
}

/// An entry that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEntry {
    /// The device whose log it stands in.
    pub device: DeviceId,
    /// Its place there.
    pub seq: u64,
    /// Why.
    pub reason: String,
}

impl Ledger {
    /// Walks the whole ledger. `progress` hears how many entries were looked at, of how many.
    ///
    /// # Errors
    /// When the database cannot be read. What does not fit is no error but the report.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<VerifyReport, LedgerError> {
        let own = self.writer().own.clone();
        self.read(|db| {
            let total: i64 = db.query_row("SELECT count(*) FROM entry", [], |row| row.get(0))?;
            let total = total as u64;
            let mut report = VerifyReport::default();
            let mut statement = db.prepare(&format!("{ENTRY} ORDER BY e.device, e.seq"))?;
            let mut rows = statement.query([])?;
            let mut before: Option<(EntryId, Entry)> = None;
            let mut own_upto = 0;
            while let Some(row) = rows.next()? {
                let (id, entry) = read_entry(row)?;
                let is_own = own
                    .as_ref()
                    .is_some_and(|own| own.identity.device == entry.device);
                if let Some(reason) = fault(before.as_ref(), id, &entry, is_own) {
                    report.first_bad = Some(bad(&entry, reason));
                    return Ok(report);
                }
                if is_own {
                    own_upto = entry.seq;
                }
                report.entries += 1;
                progress(report.entries, total);
                before = Some((id, entry));
            }
            drop(rows);
            if let Some(own) = &own
                && own_upto < own_end(db, own.device)?
            {
                report.first_bad = Some(BadEntry {
                    device: own.identity.device,
                    seq: own_upto + 1,
                    reason: "the log breaks off before its end".into(),
                });
                return Ok(report);
            }
            let key = own
                .as_ref()
                .and_then(|own| VerifyingKey::new(&own.identity.server_key).ok());
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
                let same_life = before
                    .take()
                    .filter(|before| is_same_life(before, &receipt));
                let from = same_life.as_ref().map_or(0, |before| before.from);
                if same_life.is_none() {
                    named_ms = 0;
                }
                let named: Option<i64> = latest_named.query_row(
                    params![
                        row.get::<_, i64>(10)?,
                        receipt.life as i64,
                        from as i64,
                        receipt.from as i64
                    ],
                    |row| row.get(0),
                )?;
                named_ms = named_ms.max(named.unwrap_or(0) as u64);
                let rises = same_life.is_none_or(|before| {
                    before.seq < receipt.seq && before.received_at_ms < receipt.received_at_ms
                });
                let held: Option<[u8; 32]> =
                    held.query_row([row.get::<_, i64>(10)?], |row| row.get(0)).optional()?;
                let reason = if key.is_some_and(|key| !receipt.is_signed_by(&key)) {
                    "its receipt is not signed by the central endpoint"
                } else if held.is_some_and(|held| held != receipt.head.0)
                    && !is_aside(db, &receipt)?
                {
                    "its receipt is for another entry"
                } else if !rises {
                    "its receipt is not later than the one before it"
                } else if receipt.since_ms < named_ms {
                    "its receipt's earlier bound lies before a receipt that the log had named"
                } else {
                    before = Some(receipt);
                    continue;
                };
                report.first_bad = Some(BadEntry {
                    device: receipt.device,
                    seq: receipt.seq,
                    reason: reason.into(),
                });
                return Ok(report);
            }
            Ok(report)
        })
    }
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

/// The last own entry that is known of, by what records and receipts say.
fn own_end(db: &Connection, device: i64) -> Result<u64, LedgerError> {
    let end: i64 = db.query_row(
        "SELECT max(ifnull((SELECT max(own_seq) FROM record), 0), ifnull((SELECT max(seq) FROM receipt WHERE device = ?1), 0))",
        [device],
        |row| row.get(0),
    )?;
    Ok(end as u64)
}

fn fault(
    before: Option<&(EntryId, Entry)>,
    id: EntryId,
    entry: &Entry,
    is_own: bool,
) -> Option<&'static str> {
    if entry.id() != id {
        return Some("it is not what its name says");
    }
    let before = before.filter(|(_, before)| before.device == entry.device);
    match before {
        Some((previous, before)) if before.seq + 1 == entry.seq && *previous != entry.prev => {
            Some("it does not follow the entry before it")
        }
        // Of others' logs this device has what it may read; its own has no gap.
        Some((_, before)) if is_own && before.seq + 1 != entry.seq => {
            Some("the entry before it is missing")
        }
        None if entry.seq == 1 && entry.prev != EntryId::NONE => Some("it does not begin its log"),
        None if is_own && entry.seq != 1 => Some("the entry before it is missing"),
        _ => None,
    }
}

fn bad(entry: &Entry, reason: &str) -> BadEntry {
    BadEntry {
        device: entry.device,
        seq: entry.seq,
        reason: reason.to_owned(),
    }
}
