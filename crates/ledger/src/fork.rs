//! A restored laptop (design): what only this ledger has is written again under a new identity, and nothing is dropped.

use std::collections::HashMap;

use rusqlite::{Transaction, params};
use shicha_domain::{
    DeviceId, EntryId, Event, Receipt, RecordId, RecordState, entry::Entry, event::Place,
};

use crate::{
    append::Touched,
    entries::{ENTRY, put_entry, put_receipt, read_entry, refuse},
    error::LedgerError,
    identity::{Identity, put_identity, read_own},
    ledger::{Ledger, begin},
    record::{Known, Locals, entries, held},
    rewound::forget_rewound,
};

impl Ledger {
    /// Goes on under a new identity. Entries above `common_upto`, the last one that both sides agree on, are put aside as they were and
    /// written again as entries of the new device, with the references between them renamed; their claimed times and the receipts that
    /// they name stay. `refused` says which up to there were refused, as far as no receipt has told. Returns how many were written again.
    ///
    /// # Errors
    /// When this computer is not enrolled, or the database cannot be written; then nothing has changed.
    pub fn fork(
        &self,
        new_identity: &Identity,
        receipt: &Receipt,
        common_upto: u64,
        refused: &[(u64, String)],
        now_ms: u64,
    ) -> Result<u64, LedgerError> {
        let mut writer = self.writer();
        let old = writer.own.clone().ok_or(LedgerError::NotEnrolled)?;
        if receipt.device != new_identity.device || old.identity.device == new_identity.device {
            return Err(LedgerError::Unexpected(
                "a new identity that is none".into(),
            ));
        }
        let tx = begin(&mut writer.db)?;
        let moved = take_out(&tx, old.device, common_upto, now_ms)?;
        put_identity(&tx, new_identity)?;
        forget_rewound(&tx)?;
        let mut locals = Locals::default();
        put_receipt(&tx, &mut locals, receipt)?;
        let judged = refuse(&tx, old.device, refused, None)?;
        // From now on the own log is another one.
        tx.execute(
            "UPDATE record SET own_seq = 0, refused = (SELECT count(*) FROM entry e WHERE e.record = record.n AND e.refused IS NOT NULL)
             WHERE own_seq > 0",
            [],
        )?;
        // Where this ledger was restored from a copy, the numbers that it has left may have been given since by the one that was copied.
        tx.execute("DELETE FROM number_block", [])?;
        let mut touched = write_again(&tx, &mut locals, new_identity, &moved)?;
        for record in judged {
            touched.refold(&tx, record)?;
        }
        touched.project(&tx)?;
        tx.commit()?;
        let own = read_own(&writer.db)?;
        writer.own = own;
        self.forget_folded();
        Ok(moved.len() as u64)
    }
}

impl Ledger {
    /// Where the own log has a hole that nobody can fill any more, because what was lost with a damaged database was not delivered: the
    /// last entry before it that the central endpoint, whose last one is `held`, has too. After it this device has to go on under a new
    /// identity. `None`: there is no hole.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn broken_after(&self, held: (u64, EntryId)) -> Result<Option<u64>, LedgerError> {
        let Some(own) = self.writer().own.clone() else {
            return Ok(None);
        };
        self.read(|db| {
            let (count, last): (i64, Option<i64>) = db
                .prepare_cached(
                    "SELECT count(*), max(seq) FROM entry WHERE device = ?1 AND seq > ?2",
                )?
                .query_row(params![own.device, own.acked.0 as i64], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            if last.is_none_or(|last| last as u64 == own.acked.0 + count as u64) {
                return Ok(None);
            }
            let mut statement = db
                .prepare("SELECT seq, id FROM entry WHERE device = ?1 AND seq > ?2 ORDER BY seq")?;
            let mut rows = statement.query(params![own.device, own.acked.0 as i64])?;
            let mut whole = own.acked;
            let mut both = own.acked;
            while let Some(row) = rows.next()? {
                let at = (row.get::<_, i64>(0)? as u64, EntryId(row.get(1)?));
                if at.0 != whole.0 + 1 {
                    break;
                }
                whole = at;
                if at.0 < held.0 || at == held {
                    both = at;
                }
            }
            Ok(Some(both.0))
        })
    }
}

/// Moves entries out of the log, oldest first.
fn take_out(
    tx: &Transaction<'_>,
    device: i64,
    common_upto: u64,
    now_ms: u64,
) -> Result<Vec<(EntryId, Entry)>, LedgerError> {
    let mut moved = Vec::new();
    {
        let mut statement = tx.prepare(&format!(
            "{ENTRY} WHERE e.device = ?1 AND e.seq > ?2 ORDER BY e.seq"
        ))?;
        let mut rows = statement.query(params![device, common_upto as i64])?;
        while let Some(row) = rows.next()? {
            moved.push(read_entry(row)?);
        }
    }
    let mut aside = tx.prepare(
        "INSERT INTO entry_aside (device, seq, id, event, moved_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (id, entry) in &moved {
        aside.execute(params![
            entry.device.0.as_bytes(),
            entry.seq as i64,
            id.0,
            entry.event,
            now_ms as i64
        ])?;
    }
    tx.execute(
        "DELETE FROM entry WHERE device = ?1 AND seq > ?2",
        params![device, common_upto as i64],
    )?;
    Ok(moved)
}

fn write_again(
    tx: &Transaction<'_>,
    locals: &mut Locals,
    new: &Identity,
    moved: &[(EntryId, Entry)],
) -> Result<Touched, LedgerError> {
    let mut places: HashMap<EntryId, Place> = HashMap::with_capacity(moved.len());
    let mut head = (0, EntryId::NONE);
    for (old_id, entry) in moved {
        let event = match Event::parse(&entry.event) {
            // What this version cannot read goes on as it is.
            Ok(Event::Unknown { .. }) | Err(_) => entry.event.clone(),
            Ok(Event::Signed(mut signature)) => {
                if let Some(pin) = &signature.pin {
                    let known = known_before(tx, entry.record, new.device, moved)?;
                    let again = RecordState::moved_pin(held(&known), pin, &|name| {
                        places.get(&name).copied()
                    });
                    signature.pin = again.or(signature.pin);
                }
                signature.under = signature.under.map(|name| renamed(&places, name));
                Event::Signed(signature).to_bytes()?
            }
            Ok(event) => event.renamed(&|name| renamed(&places, name)).to_bytes()?,
        };
        let read = Event::parse(&event).ok();
        let again = Entry {
            device: new.device,
            seq: head.0 + 1,
            prev: head.1,
            event,
            ..entry.clone()
        };
        let id = again.id();
        let record = put_entry(tx, locals, id, &again, read.as_ref(), None, None)?;
        tx.prepare_cached("UPDATE record SET own_seq = ?2 WHERE n = ?1")?
            .execute(params![record, again.seq as i64])?;
        places.insert(*old_id, Place(again.device, again.seq, id));
        head = (again.seq, id);
    }
    let mut touched = Touched::default();
    for record in moved
        .iter()
        .map(|(_, entry)| entry.record)
        .collect::<std::collections::BTreeSet<_>>()
    {
        touched.refold(tx, record)?;
    }
    Ok(touched)
}

fn renamed(places: &HashMap<EntryId, Place>, name: EntryId) -> EntryId {
    places.get(&name).map_or(name, |place| place.name())
}

/// What was here of a record before it was written again.
fn known_before(
    tx: &Transaction<'_>,
    record: RecordId,
    new: DeviceId,
    moved: &[(EntryId, Entry)],
) -> Result<Vec<Known>, LedgerError> {
    let mut known = entries(tx, record)?;
    known.retain(|one| one.entry.device != new);
    let of_record = moved.iter().filter(|(_, entry)| entry.record == record);
    known.extend(of_record.map(|(name, entry)| Known::undelivered(*name, entry.clone())));
    Ok(known)
}
