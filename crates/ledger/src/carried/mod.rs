//! Entries of other devices that the central endpoint does not have yet, as their devices hand them over directly: by a package or over
//! a local network. They fold like all others, and this device offers them to the endpoint for their author.
//!
//! Invariant: nothing is taken that the endpoint would refuse by what is known here, and what the endpoint says always goes before: an
//! entry of it takes the place of one that stands here without a number, which is put aside and never dropped.

mod judged;
mod parted;
mod seals;

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use shicha_domain::{
    DeviceId, EntryId, Event, Receipt, RecordId,
    authority::Actor,
    directory::OrgTree,
    entry::Entry,
    record::Held,
    suite::{PublicKey, SignatureBytes},
};

use crate::{
    append::Touched,
    blobs,
    entries::{ENTRY, older_receipt, put_entry, put_receipt, read_entry, read_signature},
    error::LedgerError,
    incoming::id_at,
    ledger::{Ledger, begin},
    ranks::changed_by_receipt,
    record::Locals,
};
pub(crate) use judged::device_n;
use judged::{Judge, actor_of, fresh, signed_by};
pub(crate) use seals::{Aside, carried_devices, forget_settled, put_aside, put_seal};

/// A stretch of another device's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The device's signature over the last entry ([`push_bytes`]).
    pub signature: SignatureBytes,
    /// Consecutive entries with their names.
    pub entries: Vec<(EntryId, Entry)>,
}

/// A device that a person vouches for, who has it before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// Which.
    pub device: DeviceId,
    /// Its key, which it has proved to hold.
    pub public_key: PublicKey,
    /// As whom it acts.
    pub actor: Actor,
}

/// What came of taking a stretch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealedTaken {
    /// It is here.
    Held {
        /// Entries that were new here.
        new: u64,
        /// Records that have changed.
        records: Vec<RecordId>,
    },
    /// It is not taken; nothing has changed.
    Refused(SealedRefusal),
}

/// Why a stretch is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealedRefusal {
    /// The directory here does not know the device.
    #[error("the device is not known here")]
    UnknownDevice,
    /// The device was revoked, or its person does not act any more.
    #[error("the device may not take part any more")]
    Revoked,
    /// It is not one stretch of one log, signed by its device.
    #[error("the device did not sign this")]
    NotSigned,
    /// Its author may not write this there.
    #[error("the author may not write this there")]
    MayNotWrite,
    /// It is of a channel that this device may not read.
    #[error("this device may not read this")]
    MayNotRead,
    /// Another entry of that device stands at its place.
    #[error("it parts from what is here of that device")]
    Parted,
}

impl SealedRefusal {
    /// What programs tell refusals apart by.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownDevice => "unknown_device",
            Self::Revoked => "revoked",
            Self::NotSigned => "not_signed",
            Self::MayNotWrite => "may_not_write",
            Self::MayNotRead => "may_not_read",
            Self::Parted => "parted",
        }
    }
}

impl Ledger {
    /// Takes a stretch of another device's log, all or nothing. The same again changes nothing.
    ///
    /// # Errors
    /// When this computer is not enrolled, or the database cannot be written. What may not be taken is no error.
    pub fn take_sealed(&self, sealed: &Sealed, now_ms: u64) -> Result<SealedTaken, LedgerError> {
        self.take_sealed_of(sealed, None, now_ms)
    }

    /// [`Self::take_sealed`], also of a device that the directory here does not have and for which a person vouches.
    ///
    /// # Errors
    /// As [`Self::take_sealed`].
    pub fn take_sealed_of(
        &self,
        sealed: &Sealed,
        vouched: Option<&Vouched>,
        now_ms: u64,
    ) -> Result<SealedTaken, LedgerError> {
        let directory = self.directory()?;
        let mut writer = self.writer();
        let crate::ledger::Writer { db, own, clock } = &mut *writer;
        let own = own.as_ref().ok_or(LedgerError::NotEnrolled)?;
        let tx = begin(db)?;
        let reader = Actor {
            person: own.identity.person,
            org: own.identity.org.clone(),
            role: own.identity.role,
        };
        let found = match signed_by(sealed, &directory, vouched) {
            Err(refusal) => return Ok(SealedTaken::Refused(refusal)),
            Ok(author) => {
                let judge = Judge {
                    author: &author,
                    reader: &reader,
                    tree: &OrgTree::of(&directory),
                    placed: HashMap::new(),
                };
                fresh(&tx, sealed, judge)?
            }
        };
        let fresh = match found {
            Err(refusal) => return Ok(SealedTaken::Refused(refusal)),
            Ok(fresh) => fresh,
        };
        let (Some((_, first)), Some((_, last))) = (sealed.entries.first(), sealed.entries.last())
        else {
            return Ok(SealedTaken::Refused(SealedRefusal::NotSigned));
        };
        let is_own = first.device == own.identity.device;
        if is_own && !fresh.is_empty() {
            // What this device wrote and does not know: it was restored from a copy, and only the endpoint can tell where from.
            return Ok(SealedTaken::Refused(SealedRefusal::Parted));
        }
        let mut locals = Locals::default();
        let mut touched = Touched::default();
        let mut latest = *clock;
        for (id, entry) in &fresh {
            let event = Event::parse(&entry.event).ok();
            put_entry(&tx, &mut locals, *id, entry, event.as_ref(), None, None)?;
            if let Some(event) = &event {
                blobs::note_attached(&tx, event, false)?;
            }
            if entry.at.ms() <= now_ms.saturating_add(crate::incoming::AHEAD_MS) {
                latest = latest.max(entry.at);
            }
            touched.take(self, &tx, &Held::unreceived(*id, entry))?;
        }
        let device = locals.device(&tx, first.device)?;
        if !is_own {
            put_seal(&tx, device, (first.seq, last.seq), &sealed.signature)?;
        }
        touched.project(&tx)?;
        tx.commit()?;
        *clock = latest;
        let records = touched.records();
        self.keep_written(touched.states());
        Ok(SealedTaken::Held {
            new: fresh.len() as u64,
            records,
        })
    }

    /// What is held here for other devices: stretches of their logs as they were sealed, by device and place. Devices that were revoked
    /// are left out, because the endpoint would not take anything of theirs; those that the directory here lacks are not, because only
    /// the endpoint can judge them (invariant 11, what is handed on proves only what hashes and receipts prove).
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn carried(&self) -> Result<Vec<Sealed>, LedgerError> {
        let directory = self.directory()?;
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT s.device, d.id, s.first, s.last, s.signature FROM seal s JOIN device d ON d.n = s.device
                 WHERE s.signature <> x'' ORDER BY d.id, s.first",
            )?;
            let mut rows = statement.query([])?;
            let mut carried = Vec::new();
            while let Some(row) = rows.next()? {
                let id = DeviceId(uuid::Uuid::from_bytes(row.get(1)?));
                if actor_of(&directory, id).err() == Some(SealedRefusal::Revoked) {
                    continue;
                }
                let entries = stretch(db, row.get(0)?, row.get(2)?, row.get(3)?)?;
                if !entries.is_empty() {
                    let signature = read_signature(row, 4)?;
                    carried.push(Sealed { signature, entries });
                }
            }
            Ok(carried)
        })
    }

    /// Takes a receipt for another device's log, which this device brought to the endpoint: `numbers` and `refused` as in
    /// [`Self::accept_receipt`]. What the endpoint refused is given to nobody, so it is put aside here. What does not lead to the receipt
    /// by its links is left as it is (invariant 11, what is handed on proves only what hashes and receipts prove): it may be of another
    /// past, and its number comes by pulling. The receipt's signature was checked by the caller.
    ///
    /// # Errors
    /// [`LedgerError::Withheld`] when it is for another entry than the one that is here; otherwise when the database cannot be written.
    pub fn accept_carried(
        &self,
        receipt: &Receipt,
        numbers: &[(u64, u64)],
        refused: &[(u64, String)],
        now_ms: u64,
    ) -> Result<(), LedgerError> {
        let mut writer = self.writer();
        let tx = begin(&mut writer.db)?;
        let mut locals = Locals::default();
        let device = locals.device(&tx, receipt.device)?;
        let held = id_at(&tx, device, receipt.seq)?;
        if held.is_some_and(|held| held != receipt.head) {
            return Err(LedgerError::Withheld);
        }
        let covered = put_receipt(&tx, &mut locals, receipt)?;
        let told = numbers.iter().map(|(seq, _)| *seq);
        let told = told.chain(refused.iter().map(|(seq, _)| *seq)).min();
        let from = led_to(&tx, device, receipt, told.unwrap_or(receipt.seq))?;
        let is_led = |seq: u64| from.is_some_and(|from| (from..=receipt.seq).contains(&seq));
        let numbers = numbers.iter().filter(|(seq, _)| is_led(*seq));
        let refused = refused.iter().filter(|(seq, _)| is_led(*seq));
        let mut touched = Touched::default();
        {
            let mut number = tx.prepare_cached(concat!(
                "UPDATE entry SET number = ?3, covered = ",
                older_receipt!("?4"),
                " WHERE device = ?1 AND seq = ?2 AND number IS NULL RETURNING record"
            ))?;
            let mut delivered = tx.prepare_cached(
                "UPDATE record SET last_number = max(last_number, ?2), delivered_ms = max(delivered_ms, ?3) WHERE n = ?1",
            )?;
            for (seq, given) in numbers.clone() {
                let record: Option<i64> = number
                    .query_row(
                        params![device, *seq as i64, *given as i64, covered],
                        |row| row.get(0),
                    )
                    .optional()?;
                if let Some(record) = record {
                    delivered.execute(params![
                        record,
                        *given as i64,
                        receipt.received_at_ms as i64
                    ])?;
                }
            }
        }
        if let Some((first, _)) = numbers.clone().next() {
            let covered = (*first, receipt.seq);
            let changed = changed_by_receipt(&tx, device, covered, receipt)?;
            for record in changed {
                touched.refold_or_remove(&tx, record)?;
            }
        }
        for (seq, _) in refused {
            for record in put_aside(&tx, device, (*seq, *seq), Aside::Unnumbered, now_ms)? {
                touched.refold_or_remove(&tx, record)?;
            }
        }
        forget_settled(&tx)?;
        touched.project(&tx)?;
        tx.commit()?;
        self.forget_folded();
        Ok(())
    }
}

/// From which place on the entries here lead to a receipt's head without a gap, looking no further down than to `lowest`; none where the
/// head is not here.
fn led_to(
    db: &Connection,
    device: i64,
    receipt: &Receipt,
    lowest: u64,
) -> Result<Option<u64>, LedgerError> {
    let mut at = db.prepare_cached("SELECT id, prev FROM entry WHERE device = ?1 AND seq = ?2")?;
    let (mut from, mut wanted) = (None, receipt.head.0);
    for seq in (lowest.max(1)..=receipt.seq).rev() {
        let found: Option<([u8; 32], [u8; 32])> = at
            .query_row(params![device, seq as i64], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        match found {
            Some((id, prev)) if id == wanted => (from, wanted) = (Some(seq), prev),
            _ => break,
        }
    }
    Ok(from)
}

fn stretch(
    db: &Connection,
    device: i64,
    first: i64,
    last: i64,
) -> Result<Vec<(EntryId, Entry)>, LedgerError> {
    let mut statement = db.prepare_cached(&format!(
        "{ENTRY} WHERE e.device = ?1 AND e.seq BETWEEN ?2 AND ?3 ORDER BY e.seq"
    ))?;
    let mut rows = statement.query([device, first, last])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(read_entry(row)?);
    }
    Ok(entries)
}
