//! A restored laptop (design): what only this ledger has is written again under a new identity, and nothing is dropped.

use std::collections::BTreeSet;

use rusqlite::{Connection, Transaction, params};
use shicha_domain::{EntryId, Event, Receipt, entry::Entry};

use crate::{
    append::Touched,
    entries::{ENTRY, put_entry, put_receipt, read_entry, refuse},
    error::LedgerError,
    identity::{Identity, put_identity, read_own, start_of},
    incoming::id_at,
    ledger::{Ledger, Own, begin},
    record::Locals,
    rewound::forget_rewound,
};

impl Ledger {
    /// Goes on under a new identity, whose log follows `common_upto`, the last entry that both sides agree on: the head that the receipt of
    /// its enrolment names. What stands above that place is written again in the log of the new device, and counts under its old name and
    /// place (invariant 9, a line goes on, it never begins anew). `refused` says which up to there were refused, as far as no receipt has told. Returns how many were written again.
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
        if place(&tx, &old, common_upto)? != Some(receipt.head) {
            return Err(LedgerError::Unexpected(
                "a new identity that goes on from elsewhere".into(),
            ));
        }
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
        let mut touched = write_again(&tx, &mut locals, (new_identity, receipt.head), &moved)?;
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
    /// The entry at a place of the own log, and of its beginning what it follows; `None` where there is none.
    ///
    /// # Errors
    /// When this computer is not enrolled, or the database cannot be read.
    pub fn own_place(&self, seq: u64) -> Result<Option<EntryId>, LedgerError> {
        let own = self.writer().own.clone().ok_or(LedgerError::NotEnrolled)?;
        self.read(|db| place(db, &own, seq))
    }

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

/// The name of the entry at a place of the own log: at its beginning of what it follows.
fn place(db: &Connection, own: &Own, seq: u64) -> Result<Option<EntryId>, LedgerError> {
    match seq {
        0 => Ok(Some(start_of(db, own.device)?)),
        seq => id_at(db, own.device, seq),
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
    (new, common): (&Identity, EntryId),
    moved: &[(EntryId, Entry)],
) -> Result<Touched, LedgerError> {
    let mut head = (0, common);
    for (_, entry) in moved {
        let again = entry.written_again(new.device, head.0 + 1, head.1);
        let id = again.id();
        let event = Event::parse(&again.event).ok();
        let record = put_entry(tx, locals, id, &again, event.as_ref(), None, None)?;
        tx.prepare_cached("UPDATE record SET own_seq = ?2 WHERE n = ?1")?
            .execute(params![record, again.seq as i64])?;
        head = (again.seq, id);
    }
    let mut touched = Touched::default();
    for record in moved
        .iter()
        .map(|(_, entry)| entry.record)
        .collect::<BTreeSet<_>>()
    {
        touched.refold(tx, record)?;
    }
    Ok(touched)
}
