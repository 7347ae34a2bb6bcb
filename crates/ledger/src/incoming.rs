//! What others wrote, as it is pulled: checked, stored and folded in one transaction.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use shicha_domain::{
    Channel, DeviceId, EntryId, Event, Hlc, Receipt, RecordId,
    entry::Entry,
    record::{Held, RecordState},
};

use crate::{
    append::Touched,
    blobs,
    carried::{Aside, carried_devices, forget_settled, put_aside},
    contested::{Contested, contested, is_numbered_from, put_contested},
    entries::{older_receipt, put_entry, put_receipt},
    error::LedgerError,
    ledger::{Ledger, begin},
    ranks::{Received, is_changed_by_number, is_signed},
    record::{Known, Locals, fold, held},
    rewound::put_rewound,
    turned::note_counting,
};

/// How far ahead of this computer's clock another's time may be to be taken over as passed, in ms.
pub(crate) const AHEAD_MS: u64 = 5 * 60 * 1000;

/// A stretch of a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// The channel.
    pub channel: Channel,
    /// The channel's new cursor: the number of the last entry.
    pub upto: u64,
    /// Entries with their numbers, which follow the cursor without a gap, and the names that they were given.
    pub entries: Vec<(u64, EntryId, Entry)>,
    /// Receipts that cover them; the caller checked their signatures.
    pub receipts: Vec<Receipt>,
    /// For each entry the place of its receipt in `receipts`.
    pub covered_by: Vec<usize>,
    /// How far other people's devices have pulled this channel.
    pub seen_upto: u64,
}

/// What was taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inserted {
    /// Entries that were new here.
    pub new: u64,
    /// Entries that were here already.
    pub known: u64,
    /// Records that have changed.
    pub records: Vec<RecordId>,
}

impl Ledger {
    /// Takes stretches of channels in, all or nothing.
    ///
    /// # Errors
    /// [`LedgerError::Withheld`] when numbers have a gap, or an entry is not what its name says or does not follow its predecessor;
    /// [`LedgerError::Parted`] when this device's log goes on elsewhere, so that it needs a new identity before it takes this in;
    /// otherwise when the database cannot be written.
    pub fn insert(&self, incoming: Vec<Incoming>, now_ms: u64) -> Result<Inserted, LedgerError> {
        let mut writer = self.writer();
        let crate::ledger::Writer { db, own, clock } = &mut *writer;
        let own_log = own.as_ref().map(|own| (own.identity.device, own.head.0));
        let tx = begin(db)?;
        // Where the answer to a push was lost, what it was for comes back by pulling. Its receipts do not confirm it: only the answer says
        // what was refused, so it is asked for again, also after this program has ended.
        let comes_before_its_answer = own.as_ref().filter(|own| {
            let mut receipts = incoming.iter().flat_map(|one| &one.receipts);
            let is_ahead = |receipt: &Receipt| {
                receipt.device == own.identity.device && receipt.seq > own.acked.0
            };
            !own.is_rewound && receipts.any(is_ahead)
        });
        let is_rewound = comes_before_its_answer.is_some();
        if let Some(own) = comes_before_its_answer {
            put_rewound(&tx, own.acked)?;
        }
        let mut taking = Taking {
            tx: &tx,
            locals: Locals::default(),
            heads: HashMap::new(),
            changed: HashMap::new(),
            latest: Hlc::default(),
            now_ms,
            own_log,
            carried: carried_devices(&tx)?,
            settled: contested(&tx)?
                .into_iter()
                .filter(|one| one.is_settled)
                .collect(),
            passed: HashMap::new(),
            own_back: BTreeSet::new(),
            signed: HashMap::new(),
            inserted: Inserted::default(),
        };
        for one in incoming {
            taking.channel(one)?;
        }
        taking.settle()?;
        let Taking {
            changed,
            latest,
            own_back,
            mut inserted,
            ..
        } = taking;
        let mut touched = Touched::default();
        let mut received = Received::default();
        for (record, new) in changed {
            match new {
                New::Whole(entries) if is_of_one_channel(&entries) => {
                    let mut all = Vec::with_capacity(entries.len());
                    for (id, entry, covered) in entries {
                        all.push(Known::received(id, entry, received.of(&tx, Some(covered))?));
                    }
                    touched.put(RecordState::fold_held(held(&all)));
                }
                New::Few(entries) if self.kept(record).0.is_some() => {
                    for (id, entry, covered) in entries {
                        let receipt = received.of(&tx, Some(covered))?;
                        touched.take(self, &tx, &Held::new(id, &entry, receipt))?;
                    }
                }
                _ => touched.refold_or_remove(&tx, record)?,
            }
        }
        touched.project(&tx)?;
        for record in own_back {
            let state = match self.kept(record).0 {
                Some(state) => Some(state),
                None => fold(&tx, record)?.map(Arc::new),
            };
            if let Some(state) = state {
                note_counting(&tx, record, &state)?;
            }
        }
        tx.commit()?;
        if let Some(own) = own {
            own.is_rewound |= is_rewound;
        }
        inserted.records = touched.records();
        *clock = latest.max(*clock);
        if touched.is_any_gone() {
            self.forget_folded();
        }
        self.keep_written(touched.states());
        Ok(inserted)
    }
}

fn is_of_one_channel(entries: &[Taken]) -> bool {
    let mut channels = entries.iter().map(|(_, entry, _)| &entry.channel);
    let first = channels.next();
    channels.all(|channel| Some(channel) == first)
}

/// More new entries than this, of a record of which there was something here, are folded from the database instead.
const ONE_BY_ONE: usize = 16;

/// A new entry with the number of its receipt.
type Taken = (EntryId, Entry, i64);

/// How the new state of a record comes about.
enum New {
    /// All that is here of it has come now.
    Whole(Vec<Taken>),
    /// These have come, besides what was here.
    Few(Vec<Taken>),
    /// It is folded from the database.
    Many,
}

impl New {
    fn add(&mut self, taken: Taken) {
        match self {
            Self::Whole(entries) => entries.push(taken),
            Self::Few(entries) if entries.len() < ONE_BY_ONE => entries.push(taken),
            Self::Few(_) => *self = Self::Many,
            Self::Many => {}
        }
    }
}

/// An entry that is here.
struct Here {
    id: EntryId,
    /// Below zero, if an earlier life of the central endpoint gave it.
    number: Option<i64>,
    covered: Option<i64>,
    is_refused: bool,
    record: i64,
}

struct Taking<'t> {
    tx: &'t Transaction<'t>,
    locals: Locals,
    heads: HashMap<DeviceId, (u64, EntryId)>,
    changed: HashMap<RecordId, New>,
    latest: Hlc,
    now_ms: u64,
    /// This device, and where its log ends.
    own_log: Option<(DeviceId, u64)>,
    /// Devices of which something is here that the endpoint had not numbered.
    carried: HashSet<i64>,
    /// Logs of which a person decided that the endpoint's past counts.
    settled: Vec<Contested>,
    /// Of `carried`, up to which entry each channel has come now.
    passed: HashMap<(i64, i64), u64>,
    /// Signed records of which something came back that was written here, and that need not be folded again for it.
    own_back: BTreeSet<RecordId>,
    /// Of records of which something came back, whether they have a signature.
    signed: HashMap<i64, bool>,
    inserted: Inserted,
}

impl Taking<'_> {
    fn channel(&mut self, incoming: Incoming) -> Result<(), LedgerError> {
        let channel = self.locals.channel(self.tx, &incoming.channel)?;
        let cursor: i64 = self
            .tx
            .prepare_cached("SELECT cursor FROM channel WHERE n = ?1")?
            .query_row([channel], |row| row.get(0))?;
        let mut cursor = cursor as u64;
        if incoming.covered_by.len() != incoming.entries.len() {
            return Err(LedgerError::Withheld);
        }
        let mut kept = Vec::with_capacity(incoming.receipts.len());
        for receipt in &incoming.receipts {
            kept.push(put_receipt(self.tx, &mut self.locals, receipt)?);
        }
        let mut given: HashMap<i64, (u64, u64)> = HashMap::new();
        for ((number, claimed, entry), covered_by) in
            incoming.entries.into_iter().zip(incoming.covered_by)
        {
            let (Some(receipt), Some(covered)) =
                (incoming.receipts.get(covered_by), kept.get(covered_by))
            else {
                return Err(LedgerError::Withheld);
            };
            if number <= cursor {
                self.inserted.known += 1;
                continue;
            }
            if number != cursor + 1 || entry.channel != incoming.channel || entry.id() != claimed {
                return Err(LedgerError::Withheld);
            }
            cursor = number;
            let received_at_ms = receipt.received_at_ms;
            let record = self.entry(number, claimed, entry, *covered)?;
            let of_record = given.entry(record).or_default();
            *of_record = (number, of_record.1.max(received_at_ms));
        }
        if cursor < incoming.upto {
            return Err(LedgerError::Withheld);
        }
        let mut update = self.tx.prepare_cached(
            "UPDATE record SET last_number = max(last_number, ?2), delivered_ms = max(delivered_ms, ?3) WHERE n = ?1",
        )?;
        for (record, (number, received_at_ms)) in given {
            update.execute(params![record, number as i64, received_at_ms as i64])?;
        }
        self.tx
            .prepare_cached("UPDATE channel SET cursor = max(cursor, ?2), seen_upto = max(seen_upto, ?3) WHERE n = ?1")?
            .execute(params![channel, cursor as i64, incoming.seen_upto as i64])?;
        Ok(())
    }

    fn is_own(&self, device: DeviceId) -> bool {
        self.own_log.is_some_and(|(own, _)| own == device)
    }

    /// Stores one entry, unless it is here; its record's number.
    fn entry(
        &mut self,
        number: u64,
        id: EntryId,
        entry: Entry,
        covered: i64,
    ) -> Result<i64, LedgerError> {
        // A log begins with 1 and does not end; what lies beyond cannot be told from what lies before.
        if !(1..=i64::MAX as u64).contains(&entry.seq) {
            return Err(LedgerError::Withheld);
        }
        let device = self.locals.device(self.tx, entry.device)?;
        self.take_over(device, id, &entry)?;
        // A log arrives in its own order, so what follows the last one seen is new; anything else is looked up.
        let before = self.heads.get(&entry.device).copied();
        let follows = before.is_some_and(|(seq, _)| seq.checked_add(1) == Some(entry.seq));
        let is_carried = self.carried.contains(&device);
        if is_carried {
            let channel = self.locals.channel(self.tx, &entry.channel)?;
            let passed = self.passed.entry((device, channel)).or_default();
            *passed = (*passed).max(entry.seq);
        }
        let is_own = self.is_own(entry.device);
        let may_be_here = !follows || is_carried || is_own;
        if may_be_here && let Some(record) = self.is_here(number, id, &entry, covered)? {
            return Ok(record);
        }
        // What was written under this identity and not here, a copy of this ledger wrote. As an own entry it would be written again
        // under the next identity, or stand in the way of the next that is written here.
        if is_own && self.own_log.is_some_and(|(_, head)| entry.seq > head) {
            return Err(LedgerError::Parted);
        }
        let mut previous = match before {
            Some((_, previous)) if follows => Some(previous),
            // What a line goes on from stands in another log.
            _ if entry.seq <= 1 => None,
            _ => id_at(self.tx, device, entry.seq - 1)?,
        };
        if is_carried && entry.seq > 1 && previous.is_some_and(|previous| previous != entry.prev) {
            self.displace(device, entry.seq - 1, Aside::Unnumbered)?;
            previous = id_at(self.tx, device, entry.seq - 1)?;
        }
        // Entries of channels that this device may not read are missing between; where the predecessor is here, it has to fit.
        if previous.is_some_and(|previous| previous != entry.prev) {
            return Err(LedgerError::Withheld);
        }
        // The other way round as well: what was handed over may be of another past, and stand after what comes now.
        if is_carried && !is_followed(self.tx, device, (entry.seq, id))? {
            self.displace(device, entry.seq.saturating_add(1), Aside::Unnumbered)?;
        }
        self.place(&entry)?;
        self.note_change(&entry)?;
        let event = Event::parse(&entry.event).ok();
        let put = put_entry(
            self.tx,
            &mut self.locals,
            id,
            &entry,
            event.as_ref(),
            Some(number),
            Some(covered),
        );
        let record = match put {
            // A channel that is pulled from the beginning again brings what is here, also after something new.
            Err(LedgerError::Withheld) => {
                let record = self.is_here(number, id, &entry, covered)?;
                return record.ok_or(LedgerError::Withheld);
            }
            put => put?,
        };
        if let Some(event) = &event {
            blobs::note_attached(self.tx, event, false)?;
        }
        self.heads.insert(entry.device, (entry.seq, id));
        if entry.at.ms() <= self.now_ms.saturating_add(AHEAD_MS) {
            self.latest = self.latest.max(entry.at);
        }
        self.inserted.new += 1;
        if let Some(new) = self.changed.get_mut(&entry.record) {
            new.add((id, entry, covered));
        }
        Ok(record)
    }

    /// The record's number of an entry that is here, which takes its number over.
    fn is_here(
        &mut self,
        number: u64,
        id: EntryId,
        entry: &Entry,
        covered: i64,
    ) -> Result<Option<i64>, LedgerError> {
        let device = self.locals.device(self.tx, entry.device)?;
        let Some(here) = self.at(device, entry.seq)? else {
            return Ok(None);
        };
        if here.id != id {
            if self.carried.contains(&device)
                && self.displace(device, entry.seq, Aside::Unnumbered)?
            {
                return Ok(None);
            }
            return Err(if self.is_own(entry.device) {
                LedgerError::Parted
            } else {
                LedgerError::Withheld
            });
        }
        // If it could be given again under the next number, another one could be left out without a gap.
        if here.number.is_some_and(|n| n > 0 && n as u64 != number) {
            return Err(LedgerError::Withheld);
        }
        let record = here.record;
        // What comes back of the own log stands as the answer to the push said, as a rule.
        let is_known = here.number == Some(number as i64) && here.covered == Some(covered);
        let covered = match is_known && !here.is_refused {
            true => covered,
            false => self.take_number((device, entry.seq), number, covered)?,
        };
        self.heads.insert(entry.device, (entry.seq, id));
        self.inserted.known += 1;
        if here.is_refused {
            // An administrator released it (invariant 12, refused is outside for all, and kept).
            self.tx
                .prepare_cached("UPDATE record SET refused = refused - 1 WHERE n = ?1")?
                .execute([record])?;
        }
        // Either it was not received before, or the endpoint was brought an older receipt of its own for it.
        let is_other = here.number.is_none() || here.covered != Some(covered);
        if here.is_refused || is_other && is_changed_by_number(self.tx, covered, record, entry)? {
            self.changed.insert(entry.record, New::Many);
        } else if self.is_own(entry.device) && self.is_signed(record)? {
            self.own_back.insert(entry.record);
        }
        Ok(Some(record))
    }

    /// Gives an entry that is here its number, and the receipt by which it was received. Which receipt it has then.
    fn take_number(
        &self,
        (device, seq): (i64, u64),
        number: u64,
        covered: i64,
    ) -> Result<i64, LedgerError> {
        Ok(self
            .tx
            .prepare_cached(concat!(
                "UPDATE entry SET number = ?3, refused = NULL, covered = ",
                older_receipt!("?4"),
                " WHERE device = ?1 AND seq = ?2 RETURNING covered"
            ))?
            .query_row(params![device, seq as i64, number as i64, covered], |row| {
                row.get(0)
            })?)
    }

    /// Whether a record had a signature when something of it was asked for first.
    fn is_signed(&mut self, record: i64) -> Result<bool, LedgerError> {
        if let Some(known) = self.signed.get(&record) {
            return Ok(*known);
        }
        let is_signed = is_signed(self.tx, record)?;
        self.signed.insert(record, is_signed);
        Ok(is_signed)
    }
}

impl Taking<'_> {
    /// What stands at a place of a log.
    fn at(&self, device: i64, seq: u64) -> Result<Option<Here>, LedgerError> {
        Ok(self
            .tx
            .prepare_cached(
                "SELECT id, number, covered, refused IS NOT NULL, record FROM entry WHERE device = ?1 AND seq = ?2",
            )?
            .query_row(params![device, seq as i64], |row| {
                Ok(Here {
                    id: EntryId(row.get(0)?),
                    number: row.get(1)?,
                    covered: row.get(2)?,
                    is_refused: row.get(3)?,
                    record: row.get(4)?,
                })
            })
            .optional()?)
    }

    /// Puts what the endpoint has not numbered from a place of a log on aside, because it has another entry there. Whether there was anything.
    fn displace(&mut self, device: i64, from: u64, which: Aside) -> Result<bool, LedgerError> {
        let records = put_aside(self.tx, device, (from, u64::MAX), which, self.now_ms)?;
        let is_any = !records.is_empty();
        self.changed
            .extend(records.into_iter().map(|record| (record, New::Many)));
        Ok(is_any)
    }

    /// Puts what is here of a log aside for the first entry of another past of it, if a person decided so.
    fn take_over(&mut self, device: i64, id: EntryId, entry: &Entry) -> Result<(), LedgerError> {
        let place = self
            .settled
            .iter()
            .position(|one| one.place() == (entry.device, entry.seq, id));
        let Some(place) = place else { return Ok(()) };
        let settled = self.settled.swap_remove(place);
        if self.is_own(entry.device) || is_numbered_from(self.tx, device, settled.from)? {
            return Ok(());
        }
        self.displace(device, settled.from, Aside::Lost)?;
        let mut kept = contested(self.tx)?;
        kept.retain(|one| *one != settled);
        put_contested(self.tx, &kept)
    }

    /// Before an entry of a record is written: whether there was anything here of it.
    fn note_change(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        if self.changed.contains_key(&entry.record) {
            return Ok(());
        }
        let channel = self.locals.channel(self.tx, &entry.channel)?;
        let (record, _) = self.locals.record(self.tx, entry.record, channel)?;
        let is_any: bool = self
            .tx
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM entry WHERE record = ?1)")?
            .query_row([record], |row| row.get(0))?;
        let new = match is_any {
            true => New::Few(Vec::new()),
            false => New::Whole(Vec::new()),
        };
        self.changed.insert(entry.record, new);
        Ok(())
    }

    /// A record lives where the endpoint has it, whatever was said of it before by entries without a number.
    fn place(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        let channel = self.locals.channel(self.tx, &entry.channel)?;
        let (record, lives_in) = self.locals.record(self.tx, entry.record, channel)?;
        if lives_in == channel {
            return Ok(());
        }
        let is_numbered: bool = self
            .tx
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM entry WHERE record = ?1 AND channel = ?2 AND number IS NOT NULL)",
            )?
            .query_row([record, lives_in], |row| row.get(0))?;
        if !is_numbered {
            self.locals.move_record(self.tx, entry.record, channel)?;
            self.changed.insert(entry.record, New::Many);
        }
        Ok(())
    }

    /// What the endpoint passed over while it gave numbers to later entries of the same log and channel, it refused.
    fn settle(&mut self) -> Result<(), LedgerError> {
        if self.carried.is_empty() {
            return Ok(());
        }
        for ((device, channel), upto) in std::mem::take(&mut self.passed) {
            let records = put_aside(
                self.tx,
                device,
                (0, upto),
                Aside::UnnumberedIn(channel),
                self.now_ms,
            )?;
            self.changed
                .extend(records.into_iter().map(|record| (record, New::Many)));
        }
        forget_settled(self.tx)
    }
}

pub(crate) fn id_at(
    db: &Connection,
    device: i64,
    seq: u64,
) -> Result<Option<EntryId>, LedgerError> {
    let id: Option<[u8; 32]> = db
        .prepare_cached("SELECT id FROM entry WHERE device = ?1 AND seq = ?2")?
        .query_row(params![device, seq as i64], |row| row.get(0))
        .optional()?;
    Ok(id.map(EntryId))
}

/// Whether what is here at the next place of a log follows this entry, if there is anything.
pub(crate) fn is_followed(
    db: &Connection,
    device: i64,
    (seq, id): (u64, EntryId),
) -> Result<bool, LedgerError> {
    let next: Option<[u8; 32]> = db
        .prepare_cached("SELECT prev FROM entry WHERE device = ?1 AND seq = ?2 + 1")?
        .query_row(params![device, seq as i64], |row| row.get(0))
        .optional()?;
    Ok(next.is_none_or(|prev| prev == id.0))
}
