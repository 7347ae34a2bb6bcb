//! A central endpoint that was restored from a backup: it holds less than it has confirmed, and numbers entries anew from there.
//!
//! Invariant: nothing that is here goes. Receipts stay, because what they prove of time still holds; only what follows from them for
//! delivery is taken back.

use std::collections::BTreeSet;

use rusqlite::{Connection, Transaction, params};
use shicha_domain::{EntryId, Event, Receipt, RecordId};
use uuid::Uuid;

use crate::{
    entries::{RECEIPT, read_receipt},
    error::LedgerError,
    identity::start_of,
    incoming::id_at,
    ledger::{Ledger, begin},
    settings::{get, put},
};

impl Ledger {
    /// Whether that entry stands at that place of the own log; at place 0 it is the beginning, which every log has.
    ///
    /// # Errors
    /// When this computer is not enrolled, or the database cannot be read.
    pub fn holds_own(&self, (seq, id): (u64, EntryId)) -> Result<bool, LedgerError> {
        let own = self.writer().own.as_ref().map(|own| own.device);
        let device = own.ok_or(LedgerError::NotEnrolled)?;
        self.read(|db| {
            Ok(match seq {
                0 => start_of(db, device)? == id,
                seq => id_at(db, device, seq)? == Some(id),
            })
        })
    }

    /// Own entries after `held`, the last one that the central endpoint has, wait to be sent again. Where this log has another entry at
    /// that place, all of them do, so that both sides find out where they parted. Returns how many wait.
    ///
    /// # Errors
    /// When this computer is not enrolled, or the database cannot be written.
    pub fn send_again_after(&self, held: (u64, EntryId)) -> Result<u64, LedgerError> {
        let mut writer = self.writer();
        let crate::ledger::Writer { db, own, .. } = &mut *writer;
        let own = own.as_mut().ok_or(LedgerError::NotEnrolled)?;
        let tx = begin(db)?;
        let from = if id_at(&tx, own.device, held.0)? == Some(held.1) {
            held
        } else {
            (0, start_of(&tx, own.device)?)
        };
        if from.0 >= own.acked.0 {
            return Ok(own.head.0.saturating_sub(own.acked.0));
        }
        // They are judged again, and may be judged otherwise. What was refused stays so until it is: the answer may be lost with this
        // program, and nobody would tell again.
        tx.execute(
            "UPDATE entry SET number = NULL WHERE device = ?1 AND seq > ?2",
            params![own.device, from.0 as i64],
        )?;
        put_rewound(&tx, from)?;
        tx.commit()?;
        own.acked = from;
        own.is_rewound = true;
        Ok(own.head.0 - from.0)
    }

    /// Receipts for own entries after a place that the central endpoint may have forgotten, oldest first: they are brought back to it with
    /// the entries up to another place that they are for (invariant 10, nothing proved is given up).
    ///
    /// # Errors
    /// When this computer is not enrolled, or the database cannot be read.
    pub fn to_bring_back(&self, after: u64, upto: u64) -> Result<Vec<Receipt>, LedgerError> {
        let own = self.writer().own.clone().ok_or(LedgerError::NotEnrolled)?;
        if !own.is_rewound {
            return Ok(Vec::new());
        }
        self.read(|db| {
            let mut statement = db.prepare_cached(&format!(
                "{RECEIPT} WHERE c.device = ?1 AND c.seq > ?2 AND c.first <= ?3 ORDER BY c.life, c.received_at_ms"
            ))?;
            let mut rows = statement.query(params![own.device, after as i64, upto as i64])?;
            let mut receipts = Vec::new();
            while let Some(row) = rows.next()? {
                let receipt = read_receipt(row)?;
                // What was put aside since is of another past.
                if id_at(db, own.device, receipt.seq)? == Some(receipt.head) {
                    receipts.push(receipt);
                }
            }
            Ok(receipts)
        })
    }

    /// All channels are pulled from the beginning again, and it is asked again for all evidence of this person whether the central
    /// endpoint has it.
    ///
    /// # Errors
    /// When this computer is not enrolled, or the database cannot be written.
    pub fn pull_again(&self) -> Result<(), LedgerError> {
        let person = self.identity()?.ok_or(LedgerError::NotEnrolled)?.person;
        self.write(|tx| {
            tx.execute("UPDATE channel SET cursor = 0, seen_upto = 0", [])?;
            // Numbers of an earlier life are kept below zero: the entry was there, and may have another number now.
            tx.execute("UPDATE entry SET number = -number WHERE number > 0", [])?;
            tx.execute(
                "UPDATE record SET last_number = 0 WHERE last_number > 0",
                [],
            )?;
            let mut ask = tx.prepare(
                "UPDATE blob SET is_waiting = 1, is_delivered = 0, sent_upto = size WHERE hash = ?1 AND is_delivered = 1",
            )?;
            let mut events = tx.prepare(
                "SELECT e.event FROM entry e JOIN person p ON p.n = e.author WHERE p.id = ?1",
            )?;
            let mut rows = events.query([person.0.as_bytes()])?;
            while let Some(row) = rows.next()? {
                let bytes: Vec<u8> = row.get(0)?;
                // What this version cannot read names no evidence that it knows of.
                if let Some((hash, _)) = Event::parse(&bytes).ok().and_then(|event| event.blobs()) {
                    ask.execute([hash.0])?;
                }
            }
            Ok(())
        })
    }
}

/// Under which name it is kept up to where the endpoint has confirmed this log, once there are receipts that would say more: of an earlier
/// life, or pulled before the answer came that says what was refused.
const REWOUND: &str = "rewound";

/// Up to where this log is confirmed, if the newest receipt does not say it.
pub(crate) fn rewound(db: &Connection) -> Result<Option<(u64, EntryId)>, LedgerError> {
    let Some(kept) = get(db, REWOUND)? else {
        return Ok(None);
    };
    let read = || {
        let (seq, id) = kept.split_once(' ')?;
        Some((seq.parse().ok()?, id.parse().ok()?))
    };
    let upto = read().ok_or_else(|| LedgerError::Unexpected(format!("{REWOUND}: {kept}")))?;
    Ok(Some(upto))
}

/// Notes up to where this log is confirmed.
pub(crate) fn put_rewound(db: &Connection, (seq, id): (u64, EntryId)) -> Result<(), LedgerError> {
    put(db, REWOUND, &format!("{seq} {id}"))
}

/// The log is another one, of which there are no receipts of an earlier life.
pub(crate) fn forget_rewound(db: &Connection) -> Result<(), LedgerError> {
    db.execute("DELETE FROM meta WHERE key = ?1", [REWOUND])?;
    Ok(())
}

/// Before entries are judged: what an endpoint that was restored since had refused of them is past. Of which records they are.
pub(crate) fn forget_refusals(
    tx: &Transaction<'_>,
    device: i64,
    after: u64,
    upto: u64,
) -> Result<BTreeSet<RecordId>, LedgerError> {
    let range = params![device, after as i64, upto as i64];
    let records: BTreeSet<RecordId> = tx
        .prepare_cached(
            "SELECT DISTINCT r.id FROM entry e JOIN record r ON r.n = e.record
             WHERE e.device = ?1 AND e.seq > ?2 AND e.seq <= ?3 AND e.refused IS NOT NULL",
        )?
        .query_map(range, |row| Ok(RecordId(Uuid::from_bytes(row.get(0)?))))?
        .collect::<Result<_, _>>()?;
    if records.is_empty() {
        return Ok(records);
    }
    tx.execute(
        "UPDATE record SET refused = refused - (SELECT count(*) FROM entry e
             WHERE e.record = record.n AND e.device = ?1 AND e.seq > ?2 AND e.seq <= ?3 AND e.refused IS NOT NULL)
         WHERE refused > 0",
        range,
    )?;
    tx.execute(
        "UPDATE entry SET refused = NULL, covered = NULL WHERE device = ?1 AND seq > ?2 AND seq <= ?3 AND refused IS NOT NULL",
        range,
    )?;
    Ok(records)
}
