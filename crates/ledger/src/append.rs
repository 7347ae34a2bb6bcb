//! Appending: what a person did becomes entries of this device's log, with everything that follows from them, in one transaction.

use std::{collections::BTreeMap, sync::Arc};

use rusqlite::Transaction;
use shicha_domain::{
    Channel, EntryId, Event, Hlc, PersonId, RecordId, RecordState, entry::Entry, event::Pin,
    record::Held,
};

use crate::{
    blobs, drafts,
    entries::put_entry,
    error::LedgerError,
    ledger::{Ledger, Writer, begin},
    record::{Locals, fold, pin},
    turned::note_counting,
    views,
};

/// Something to be appended.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The channel that the record lives in.
    pub channel: Channel,
    /// The record.
    pub record: RecordId,
    /// What was done.
    pub event: Event,
}

/// Something that was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The entry.
    pub entry: EntryId,
    /// Its place in this device's log.
    pub seq: u64,
    /// The time that it was given.
    pub at: Hlc,
}

impl Ledger {
    /// Appends, all or nothing; on the disk when this returns.
    ///
    /// # Errors
    /// When an event does not fit, this computer is not enrolled, or the database cannot be written.
    pub fn append(
        &self,
        author: PersonId,
        drafts: Vec<Draft>,
        now_ms: u64,
    ) -> Result<Vec<Appended>, LedgerError> {
        self.append_clearing(author, drafts, &[], now_ms)
    }

    /// Appends, and forgets the typed text that went into it, all or nothing.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_clearing(
        &self,
        author: PersonId,
        drafts: Vec<Draft>,
        clear: &[(RecordId, String)],
        now_ms: u64,
    ) -> Result<Vec<Appended>, LedgerError> {
        self.append_with(author, now_ms, |tx| {
            for (record, field) in clear {
                drafts::clear(tx, *record, field)?;
            }
            Ok(drafts)
        })
    }

    /// Appends a signature, and what follows from it. `make` is given the record as it is in the transaction that appends, and what a
    /// signature given now covers, so that nothing can come in between (Freezing 2). It returns `None` where that is not what the person saw.
    ///
    /// # Errors
    /// [`LedgerError::Changed`] where `make` returned `None`; otherwise as [`Self::append`].
    pub fn append_signature(
        &self,
        author: PersonId,
        record: RecordId,
        now_ms: u64,
        make: impl FnOnce(&RecordState, Pin) -> Option<Vec<Draft>>,
    ) -> Result<Vec<Appended>, LedgerError> {
        self.append_with(author, now_ms, |tx| {
            let state = refold(tx, record)?;
            make(&state, pin(tx, record)?).ok_or(LedgerError::Changed)
        })
    }

    /// Appends what `make` says, in the transaction in which it says it.
    pub(crate) fn append_with(
        &self,
        author: PersonId,
        now_ms: u64,
        make: impl FnOnce(&Transaction<'_>) -> Result<Vec<Draft>, LedgerError>,
    ) -> Result<Vec<Appended>, LedgerError> {
        let mut writer = self.writer();
        let now_ms = self.wall_ms(now_ms);
        let Writer { db, own, clock } = &mut *writer;
        let own = own.as_mut().ok_or(LedgerError::NotEnrolled)?;
        let tx = begin(db)?;
        let drafts = make(&tx)?;
        let mut locals = Locals::default();
        let mut touched = Touched::default();
        let (mut head, mut at) = (own.head, *clock);
        let mut appended = Vec::with_capacity(drafts.len());
        for draft in drafts {
            at = at.tick(now_ms);
            let entry = Entry {
                device: own.identity.device,
                seq: head.0 + 1,
                prev: head.1,
                after: own.receipt,
                at,
                author,
                channel: draft.channel,
                record: draft.record,
                event: draft.event.to_bytes()?,
                again: None,
            };
            let id = entry.id();
            let record = put_entry(&tx, &mut locals, id, &entry, Some(&draft.event), None, None)?;
            tx.prepare_cached("UPDATE record SET own_seq = ?2 WHERE n = ?1")?
                .execute([record, entry.seq as i64])?;
            blobs::note_attached(&tx, &draft.event, true)?;
            touched.take(self, &tx, &Held::unreceived(id, &entry))?;
            head = (entry.seq, id);
            appended.push(Appended {
                entry: id,
                seq: entry.seq,
                at,
            });
        }
        touched.project(&tx)?;
        tx.commit()?;
        own.head = head;
        *clock = at;
        self.keep_written(touched.states());
        Ok(appended)
    }
}

/// Records that a transaction changes, with their new states, and whether one of them is gone.
#[derive(Default)]
pub(crate) struct Touched(BTreeMap<RecordId, RecordState>, bool);

impl Touched {
    /// Takes an entry in that the database has already.
    pub(crate) fn take(
        &mut self,
        ledger: &Ledger,
        tx: &Transaction<'_>,
        held: &Held<'_>,
    ) -> Result<(), LedgerError> {
        let entry = held.entry;
        let state = match self.0.remove(&entry.record) {
            Some(state) => Some(state),
            None => ledger
                .kept(entry.record)
                .0
                .map(|state| RecordState::clone(&state)),
        };
        let state = match state {
            // What comes from another channel than the record's does not count.
            Some(state) if *state.channel() != entry.channel => state,
            Some(mut state) => {
                if state.apply(held) {
                    state
                } else {
                    refold(tx, entry.record)?
                }
            }
            None => refold(tx, entry.record)?,
        };
        self.0.insert(entry.record, state);
        Ok(())
    }

    /// Takes a state that was folded from all that is here of its record, if there is anything.
    pub(crate) fn put(&mut self, state: Option<RecordState>) {
        self.0.extend(state.map(|state| (state.record(), state)));
    }

    /// Folds a record from all its entries.
    pub(crate) fn refold(
        &mut self,
        tx: &Transaction<'_>,
        record: RecordId,
    ) -> Result<(), LedgerError> {
        let state = refold(tx, record)?;
        self.0.insert(record, state);
        Ok(())
    }

    /// Folds a record again of which entries were put aside, perhaps all of them.
    pub(crate) fn refold_or_remove(
        &mut self,
        tx: &Transaction<'_>,
        record: RecordId,
    ) -> Result<(), LedgerError> {
        match fold(tx, record)? {
            Some(state) => {
                self.0.insert(record, state);
            }
            None => self.1 = true,
        }
        Ok(())
    }

    /// Writes the views of all of them.
    pub(crate) fn project(&self, tx: &Transaction<'_>) -> Result<(), LedgerError> {
        if self.1 {
            // What a record that is gone was counted in is not known: rare enough to fold everything again.
            return crate::rebuild::rebuild(tx, &mut |_, _| {});
        }
        self.0.iter().try_for_each(|(record, state)| {
            note_counting(tx, *record, state)?;
            views::project(tx, *record, state)
        })
    }

    /// Whether nothing of a record is left.
    pub(crate) fn is_any_gone(&self) -> bool {
        self.1
    }

    pub(crate) fn records(&self) -> Vec<RecordId> {
        self.0.keys().copied().collect()
    }

    pub(crate) fn states(self) -> impl Iterator<Item = Arc<RecordState>> {
        self.0.into_values().map(Arc::new)
    }
}

fn refold(tx: &Transaction<'_>, record: RecordId) -> Result<RecordState, LedgerError> {
    fold(tx, record)?
        .ok_or_else(|| LedgerError::Unexpected(format!("record {record} without entries")))
}
