//! Verifying the whole ledger, for whoever doubts: entries and their chains, receipts, what follows from them for rank and numbers, and the
//! signatures of people.
//!
//! Two things are told apart. What *does not fit* is not as it was written or came, and the first of it is named. A *mark* is here as it
//! came, and contradicts something: a claimed time outside of its bounds, a signature that does not fit, a second signed version, another
//! past of a log. Nothing is repaired. Everything is walked an entry, a receipt or a record at a time, however much there is.

mod marks;
mod receipts;
mod records;

use std::collections::HashMap;

use rusqlite::Connection;
use shicha_domain::{
    Channel, DeviceId, EntryId, Receipt,
    bounds::{Bounds, Claim},
    entry::Entry,
    ids::BadId,
    suite::VerifyingKey,
};
use uuid::Uuid;

use crate::{
    contested::contested,
    entries::{ENTRY, read_entry, receipt_of},
    error::LedgerError,
    identity::start_of,
    ledger::{Ledger, Own},
};
pub use marks::{BadEntry, Misfit, VerifyMark, VerifyReport};

/// Hears how far it is: of how many steps how many are done.
type Progress<'p> = &'p mut dyn FnMut(u64, u64);

impl Ledger {
    /// Walks the whole ledger. `progress` hears how many entries and records were looked at, of how many.
    ///
    /// # Errors
    /// When the database cannot be read. What does not fit is no error but the report.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<VerifyReport, LedgerError> {
        let own = self.writer().own.clone();
        self.read(|db| {
            let mut report = VerifyReport::default();
            histories(db, &mut report)?;
            report.first_bad = first_bad(db, own.as_ref(), &mut report, progress)?;
            Ok(report)
        })
    }
}

/// The first that does not fit.
fn first_bad(
    db: &Connection,
    own: Option<&Own>,
    report: &mut VerifyReport,
    progress: Progress<'_>,
) -> Result<Option<BadEntry>, LedgerError> {
    let count = |what: &str| -> Result<u64, LedgerError> {
        let count: i64 = db.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| {
            row.get(0)
        })?;
        Ok(count as u64)
    };
    let total = count("entry")? + count("record")?;
    let key = own.and_then(|own| VerifyingKey::new(&own.identity.server_key).ok());
    if let Some(bad) = entries(db, own, report, &mut |done| progress(done, total))? {
        return Ok(Some(bad));
    }
    if let Some(bad) = receipts::first_bad(db, key)? {
        return Ok(Some(bad));
    }
    if let Some(bad) = numbers(db)? {
        return Ok(Some(bad));
    }
    let done = report.entries;
    records::first_bad(db, report, &mut |records| progress(done + records, total))
}

/// Walks all logs, entry by entry.
fn entries(
    db: &Connection,
    own: Option<&Own>,
    report: &mut VerifyReport,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<BadEntry>, LedgerError> {
    let cursors: HashMap<Channel, u64> = cursors(db)?.into_iter().collect();
    let mut statement = db.prepare(&format!("{ENTRY} ORDER BY e.device, e.seq"))?;
    let mut rows = statement.query([])?;
    let mut before: Option<(EntryId, Entry)> = None;
    let mut own_upto = 0;
    let start = match own {
        Some(own) => start_of(db, own.device)?,
        None => EntryId::NONE,
    };
    // Entries that came together stand under one receipt.
    let mut covering: Option<(i64, Receipt)> = None;
    while let Some(row) = rows.next()? {
        let (id, entry) = read_entry(row)?;
        let is_own = own.is_some_and(|own| own.identity.device == entry.device);
        if let Some(reason) = fault(before.as_ref(), id, &entry, is_own.then_some(start)) {
            return Ok(Some(bad(&entry, reason)));
        }
        let covered: Option<i64> = row.get(13)?;
        if covering.as_ref().map(|(n, _)| *n) != covered {
            covering = match covered {
                Some(n) => receipt_of(db, covered)?.map(|receipt| (n, receipt)),
                None => None,
            };
        }
        let receipt = covering.as_ref().map(|(_, receipt)| receipt);
        let number: Option<i64> = row.get(12)?;
        let is_refused = row.get::<_, Option<String>>(11)?.is_some();
        // Only what was pulled was given with its receipt.
        let cursor = cursors.get(&entry.channel).copied().unwrap_or(0);
        let is_pulled = number.is_some_and(|number| number > 0 && number as u64 <= cursor);
        if is_pulled && let Some(reason) = misplaced(&entry, is_refused, receipt) {
            return Ok(Some(bad(&entry, reason)));
        }
        if let (Some(receipt), Some(_), false) = (receipt, number, is_refused) {
            claim(&entry, Bounds::from(receipt), report);
        }
        if is_own {
            own_upto = entry.seq;
        }
        report.entries += 1;
        progress(report.entries);
        before = Some((id, entry));
    }
    if let Some(own) = own
        && own_upto < own_end(db, own.device)?
    {
        return Ok(Some(BadEntry {
            device: own.identity.device,
            seq: own_upto + 1,
            reason: Misfit::End,
        }));
    }
    Ok(None)
}

/// Why an entry that was pulled does not stand where its receipt puts it.
fn misplaced(entry: &Entry, is_refused: bool, receipt: Option<&Receipt>) -> Option<Misfit> {
    let Some(receipt) =
        receipt.filter(|receipt| receipt.device == entry.device && receipt.is_for(entry.seq))
    else {
        return Some(Misfit::Covered);
    };
    (is_refused || receipt.refused.contains(&entry.seq)).then_some(Misfit::Refused)
}

/// Up to which number each channel was pulled.
fn cursors(db: &Connection) -> Result<Vec<(Channel, u64)>, LedgerError> {
    let mut statement = db.prepare("SELECT name, cursor FROM channel")?;
    let mut rows = statement.query([])?;
    let mut cursors = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let channel = name
            .parse()
            .map_err(|error: BadId| LedgerError::Unexpected(error.to_string()))?;
        cursors.push((channel, row.get::<_, i64>(1)? as u64));
    }
    Ok(cursors)
}

/// Holds the time that a received entry claims against its bounds.
fn claim(entry: &Entry, bounds: Bounds, report: &mut VerifyReport) {
    match bounds.judge(entry.at) {
        Claim::BackDated | Claim::AheadOfTime => report.mark(VerifyMark::Contradicted {
            device: entry.device,
            seq: entry.seq,
            record: entry.record,
            claimed_ms: entry.at.ms(),
            bounds,
        }),
        Claim::Unproved => report.unproved += 1,
        Claim::Within | Claim::NotReceived => {}
    }
}

/// Of each channel all numbers up to the cursor are here, each once: what was taken away leaves a gap.
fn numbers(db: &Connection) -> Result<Option<BadEntry>, LedgerError> {
    let mut statement = db.prepare(
        "SELECT e.channel, c.cursor, e.number, d.id, e.seq, r.life FROM entry e
         JOIN channel c ON c.n = e.channel JOIN device d ON d.n = e.device LEFT JOIN receipt r ON r.n = e.covered
         WHERE e.number BETWEEN 1 AND c.cursor ORDER BY e.channel, e.number",
    )?;
    let mut rows = statement.query([])?;
    let mut last: Option<(i64, i64, i64, BadEntry)> = None;
    let mut last_life: Option<i64> = None;
    while let Some(row) = rows.next()? {
        let (channel, cursor, number): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let here = BadEntry {
            device: DeviceId(Uuid::from_bytes(row.get(3)?)),
            seq: row.get::<_, i64>(4)? as u64,
            reason: Misfit::Number,
        };
        let life: Option<i64> = row.get(5)?;
        let is_twice = last
            .as_ref()
            .is_some_and(|(before, last, ..)| (*before, *last) == (channel, number));
        let is_of_another_life = std::mem::replace(&mut last_life, life) != life;
        if is_twice && is_of_another_life {
            // The endpoint was restored, and this came with the answer to a push: the channel is still to be pulled anew.
            continue;
        }
        let expected = match last {
            Some((before, number, ..)) if before == channel => number + 1,
            // The channel before this one ends short of what was pulled.
            Some((_, number, cursor, last)) if number < cursor => return Ok(Some(last)),
            _ => 1,
        };
        if number != expected {
            return Ok(Some(here));
        }
        last = Some((channel, number, cursor, here));
    }
    Ok(last.and_then(|(_, number, cursor, last)| (number < cursor).then_some(last)))
}

/// What is known of copies of computers and of restored endpoints.
fn histories(db: &Connection, report: &mut VerifyReport) -> Result<(), LedgerError> {
    let latest: Option<i64> =
        db.query_row("SELECT max(life) FROM receipt", [], |row| row.get(0))?;
    if let Some(latest) = latest.filter(|latest| *latest > 1) {
        report.mark(VerifyMark::Lives {
            latest: latest as u64,
        });
    }
    for one in contested(db)?.into_iter().filter(|one| !one.is_settled) {
        report.mark(VerifyMark::Contested {
            device: one.device,
            seq: one.from,
        });
    }
    let mut aside = db.prepare(
        "SELECT device, min(seq), count(*) FROM entry_aside GROUP BY device ORDER BY min(n)",
    )?;
    let mut rows = aside.query([])?;
    while let Some(row) = rows.next()? {
        report.mark(VerifyMark::Aside {
            device: DeviceId(Uuid::from_bytes(row.get(0)?)),
            seq: row.get::<_, i64>(1)? as u64,
            count: row.get::<_, i64>(2)? as u64,
        });
    }
    Ok(())
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
    own_start: Option<EntryId>,
) -> Option<Misfit> {
    let is_own = own_start.is_some();
    if entry.id() != id {
        return Some(Misfit::Contents);
    }
    let before = before.filter(|(_, before)| before.device == entry.device);
    match before {
        Some((previous, before)) if before.seq + 1 == entry.seq && *previous != entry.prev => {
            Some(Misfit::Chain)
        }
        // Of others' logs this device has what it may read; its own has no gap.
        Some((_, before)) if is_own && before.seq + 1 != entry.seq => Some(Misfit::Missing),
        // What another one's log follows is for the endpoint to say.
        None if entry.seq == 1 && own_start.is_some_and(|start| start != entry.prev) => {
            Some(Misfit::Beginning)
        }
        None if is_own && entry.seq != 1 => Some(Misfit::Missing),
        _ => None,
    }
}

fn bad(entry: &Entry, reason: Misfit) -> BadEntry {
    BadEntry {
        device: entry.device,
        seq: entry.seq,
        reason,
    }
}
