//! What two devices compare, and what one hands on to the other that the central endpoint has confirmed already.
//!
//! Only the endpoint's own word gives an entry its number: a number that another device names could hide entries from this one for ever.
//! So what is handed on is kept without a number until it is pulled, and is taken at all only where a chain of entries links it to one that
//! a receipt of the endpoint is for. Invariant: within a channel a device holds of each log everything up to some place, so that one number
//! per log tells what it lacks.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize};
use shicha_domain::{
    BlobHash, Channel, DeviceId, EntryId, Event, Receipt, RecordId,
    authority::{self, Actor},
    directory::OrgTree,
    entry::Entry,
    record::Held,
    suite::SignatureBytes,
};
use uuid::Uuid;

use crate::{
    append::Touched,
    blobs,
    carried::put_seal,
    entries::{ENTRY, RECEIPT, put_entry, put_receipt, read_entry, read_receipt, receipt_of},
    error::LedgerError,
    incoming::{AHEAD_MS, id_at, is_followed},
    ledger::{Ledger, begin},
    record::Locals,
};

/// What a device holds, as far as it tells another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holdings {
    /// Up to which number it has each channel.
    pub cursors: Vec<(Channel, u64)>,
    /// Up to which entry it has logs beyond that, by channel.
    pub logs: Vec<(Channel, DeviceId, u64)>,
}

/// Entries that the endpoint has confirmed, to be handed on together: rows of this database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfirmedBatch {
    rows: Vec<i64>,
    bytes: u64,
}

impl ConfirmedBatch {
    /// How many entries.
    pub fn entries(&self) -> u64 {
        self.rows.len() as u64
    }
}

/// Entries with the receipts that prove them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// Entries with their names.
    pub entries: Vec<(EntryId, Entry)>,
    /// Receipts for logs that they are of, and those that they name; whoever takes them has checked the signatures.
    pub receipts: Vec<Receipt>,
}

/// What came of taking confirmed entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfirmedTaken {
    /// Entries that were new here.
    pub new: u64,
    /// Entries that were here already.
    pub known: u64,
    /// Entries that were left out: nothing proves them, or this device may not read them.
    pub left_out: u64,
    /// Records that have changed.
    pub records: Vec<RecordId>,
}

impl Ledger {
    /// What this device holds of the channels that `shown` lets through.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn holdings(&self, shown: &dyn Fn(&Channel) -> bool) -> Result<Holdings, LedgerError> {
        let mut cursors = self.cursors()?;
        cursors.retain(|(channel, _)| shown(channel));
        let logs = self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT c.name, d.id, max(e.seq)
                 FROM entry e JOIN channel c ON c.n = e.channel JOIN device d ON d.n = e.device
                 WHERE e.refused IS NULL AND (e.number IS NULL OR e.number > c.cursor)
                 GROUP BY c.n, d.n",
            )?;
            let mut rows = statement.query([])?;
            let mut logs = Vec::new();
            while let Some(row) = rows.next()? {
                let channel = channel_of(&row.get::<_, String>(0)?)?;
                if shown(&channel) {
                    let device = DeviceId(Uuid::from_bytes(row.get(1)?));
                    logs.push((channel, device, row.get::<_, i64>(2)? as u64));
                }
            }
            Ok(logs)
        })?;
        Ok(Holdings { cursors, logs })
    }

    /// Confirmed entries of the channels that `shown` lets through and that the other lacks, in batches of about so many entries and
    /// bytes of events. A batch ends where a receipt is for its last entry, so that it can be proved by itself; what would not fit into
    /// `most` entries that way is left to the endpoint.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn confirmed_beyond(
        &self,
        theirs: &Holdings,
        shown: &dyn Fn(&Channel) -> bool,
        about: (u64, u64),
        most: u64,
    ) -> Result<Vec<ConfirmedBatch>, LedgerError> {
        let cursors: HashMap<&Channel, u64> = theirs
            .cursors
            .iter()
            .map(|(channel, upto)| (channel, *upto))
            .collect();
        let logs: HashMap<(&Channel, DeviceId), u64> = theirs
            .logs
            .iter()
            .map(|(channel, device, upto)| ((channel, *device), *upto))
            .collect();
        self.read(|db| {
            let (wanted, channels) = wanted(db, &cursors, shown)?;
            let mut statement = db.prepare_cached(
                "WITH want (channel, cursor) AS (SELECT value ->> 0, value ->> 1 FROM json_each(?1))
                 SELECT e.n, e.device, d.id, e.seq, e.channel, length(e.event),
                     (SELECT r.seq FROM receipt r WHERE r.n = e.covered)
                 FROM entry e JOIN want w ON w.channel = e.channel JOIN device d ON d.n = e.device
                 WHERE e.refused IS NULL AND (e.number > w.cursor OR e.number IS NULL AND EXISTS (
                     SELECT 1 FROM seal s WHERE s.device = e.device AND s.signature = x'' AND e.seq BETWEEN s.first AND s.last))
                 ORDER BY e.device, e.seq",
            )?;
            let mut rows = statement.query([wanted])?;
            let mut batches: Vec<ConfirmedBatch> = Vec::new();
            let mut group = ConfirmedBatch::default();
            let mut of_group: Option<(i64, i64)> = None;
            while let Some(row) = rows.next()? {
                let device = DeviceId(Uuid::from_bytes(row.get(2)?));
                let seq = row.get::<_, i64>(3)? as u64;
                let upto = channels
                    .get(&row.get::<_, i64>(4)?)
                    .and_then(|channel| logs.get(&(channel, device)));
                let receipt: Option<i64> = row.get(6)?;
                let (Some(receipt), false) = (receipt, upto.is_some_and(|upto| seq <= *upto))
                else {
                    continue;
                };
                let of_this = Some((row.get(1)?, receipt));
                if of_group != of_this {
                    gather(&mut batches, std::mem::take(&mut group), about, most);
                    of_group = of_this;
                }
                group.rows.push(row.get(0)?);
                group.bytes += row.get::<_, i64>(5)? as u64;
            }
            gather(&mut batches, group, about, most);
            Ok(batches)
        })
    }

    /// The entries of a batch, with the receipts that prove them and those that they name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn confirmed(&self, batch: &ConfirmedBatch) -> Result<Confirmed, LedgerError> {
        self.read(|db| {
            let mut entry = db.prepare_cached(&format!("{ENTRY} WHERE e.n = ?1"))?;
            let mut named = db.prepare_cached(&format!("{RECEIPT} WHERE c.id = ?1"))?;
            let mut found = Confirmed::default();
            let mut receipts = BTreeMap::new();
            let mut last: Option<i64> = None;
            for n in &batch.rows {
                let read = entry
                    .query_row([n], |row| {
                        let covered: Option<i64> = row.get(13)?;
                        Ok(read_entry(row).map(|read| (covered, read)))
                    })
                    .optional()?;
                // Put aside since the batch was planned.
                let Some(read) = read else { continue };
                let (covered, (id, entry)) = read?;
                if covered != last {
                    last = covered;
                    if let Some(receipt) = receipt_of(db, covered)? {
                        receipts.insert(receipt.id(), receipt);
                    }
                }
                if let Some(after) = entry.after
                    && !receipts.contains_key(&after)
                    && let Some(receipt) = named
                        .query_row([after.0], |row| Ok(read_receipt(row)))
                        .optional()?
                {
                    receipts.insert(after, receipt?);
                }
                found.entries.push((id, entry));
            }
            found.receipts = receipts.into_values().collect();
            Ok(found)
        })
    }

    /// Takes confirmed entries that another device hands on, without numbers. Each is taken or left out by itself; the same again changes
    /// nothing.
    ///
    /// # Errors
    /// When this computer is not enrolled, or the database cannot be written.
    pub fn take_confirmed(
        &self,
        given: &Confirmed,
        now_ms: u64,
    ) -> Result<ConfirmedTaken, LedgerError> {
        let directory = self.directory()?;
        let tree = OrgTree::of(&directory);
        let mut writer = self.writer();
        let crate::ledger::Writer { db, own, clock } = &mut *writer;
        let own = own.as_ref().ok_or(LedgerError::NotEnrolled)?;
        let reader = Actor {
            person: own.identity.person,
            org: own.identity.org.clone(),
            role: own.identity.role,
        };
        let tx = begin(db)?;
        let mut taking = Taking {
            tx: &tx,
            locals: Locals::default(),
            own: own.identity.device,
            may_read: &|channel| authority::may_read(&reader, channel, &tree),
            runs: HashMap::new(),
            taken: ConfirmedTaken::default(),
        };
        let mut touched = Touched::default();
        let mut latest = *clock;
        for (id, proof) in proven(&tx, given)? {
            let Some((entry, receipt)) = proof else {
                taking.taken.left_out += 1;
                continue;
            };
            if taking.entry(id, entry, &receipt)? {
                if entry.at.ms() <= now_ms.saturating_add(AHEAD_MS) {
                    latest = latest.max(entry.at);
                }
                touched.take(self, &tx, &Held::unreceived(id, entry))?;
            }
        }
        taking.receipts(&given.receipts)?;
        let mut taken = taking.taken;
        touched.project(&tx)?;
        tx.commit()?;
        *clock = latest;
        taken.records = touched.records();
        self.keep_written(touched.states());
        Ok(taken)
    }

    /// The channels that this device has written to.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn own_channels(&self) -> Result<Vec<Channel>, LedgerError> {
        let Some(own) = self.writer().own.as_ref().map(|own| own.device) else {
            return Ok(Vec::new());
        };
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT name FROM channel c WHERE EXISTS (SELECT 1 FROM entry e WHERE e.device = ?1 AND e.channel = c.n)",
            )?;
            let names = statement.query_map([own], |row| row.get::<_, String>(0))?;
            names.map(|name| channel_of(&name?)).collect()
        })
    }

    /// The channels in which an entry names the file.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn blob_channels(&self, hash: BlobHash) -> Result<Vec<Channel>, LedgerError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT DISTINCT c.name FROM (SELECT id FROM view_attachment WHERE blob = ?1
                     UNION SELECT id FROM view_pack WHERE blob = ?1) AS named
                 JOIN view_record v ON v.id = named.id
                 JOIN record r ON r.id = v.record JOIN channel c ON c.n = r.channel",
            )?;
            let names = statement.query_map([hash.0], |row| row.get::<_, String>(0))?;
            names.map(|name| channel_of(&name?)).collect()
        })
    }
}

fn channel_of(name: &str) -> Result<Channel, LedgerError> {
    name.parse()
        .map_err(|error: shicha_domain::ids::BadId| LedgerError::Unexpected(error.to_string()))
}

/// The channels that are shown, as the query wants them, and by their numbers.
fn wanted(
    db: &Connection,
    cursors: &HashMap<&Channel, u64>,
    shown: &dyn Fn(&Channel) -> bool,
) -> Result<(String, HashMap<i64, Channel>), LedgerError> {
    let mut statement = db.prepare_cached("SELECT n, name FROM channel")?;
    let mut rows = statement.query([])?;
    let (mut wanted, mut channels) = (Vec::new(), HashMap::new());
    while let Some(row) = rows.next()? {
        let n: i64 = row.get(0)?;
        let channel = channel_of(&row.get::<_, String>(1)?)?;
        if shown(&channel) {
            let cursor = cursors.get(&channel).copied().unwrap_or(0);
            wanted.push((n, i64::try_from(cursor).unwrap_or(i64::MAX)));
            channels.insert(n, channel);
        }
    }
    Ok((serde_json::to_string(&wanted)?, channels))
}

fn gather(
    batches: &mut Vec<ConfirmedBatch>,
    group: ConfirmedBatch,
    (entries, bytes): (u64, u64),
    most: u64,
) {
    if group.rows.is_empty() || group.entries() > most {
        return;
    }
    match batches.last_mut() {
        Some(last)
            if last.entries() + group.entries() <= entries && last.bytes + group.bytes <= bytes =>
        {
            last.rows.extend(group.rows);
            last.bytes += group.bytes;
        }
        _ => batches.push(group),
    }
}

/// An entry that is proven, and the receipt of its own run, one of these or of what is here.
type Proven<'g> = (&'g Entry, Receipt);

/// The entries by log and place; `None` where nothing links them to a receipt, they are not what they are called, or no receipt of their
/// own run is there, or it says that they were refused (invariant 11, what is handed on proves only what hashes and receipts prove).
fn proven<'g>(
    db: &Connection,
    given: &'g Confirmed,
) -> Result<Vec<(EntryId, Option<Proven<'g>>)>, LedgerError> {
    let mut logs: BTreeMap<DeviceId, BTreeMap<u64, (EntryId, &Entry)>> = BTreeMap::new();
    let mut judged = Vec::with_capacity(given.entries.len());
    for (id, entry) in &given.entries {
        let log = logs.entry(entry.device).or_default();
        if entry.id() != *id || log.contains_key(&entry.seq) {
            judged.push((*id, None));
        } else {
            log.insert(entry.seq, (*id, entry));
        }
    }
    let mut heads: HashMap<(DeviceId, u64, EntryId), &Receipt> = HashMap::new();
    for receipt in &given.receipts {
        let head = (receipt.device, receipt.seq, receipt.head);
        let known = heads.entry(head).or_insert(receipt);
        // Of several for one entry the oldest counts.
        if receipt.rank() < known.rank() {
            *known = receipt;
        }
    }
    for (device, log) in logs {
        let mut from_last = Vec::with_capacity(log.len());
        // What follows the entry at hand and is proven: its place, what it says came before it, and by which receipt.
        let mut follower: Option<(u64, EntryId, Option<Receipt>)> = None;
        for (seq, (id, entry)) in log.into_iter().rev() {
            let linked = match follower.take() {
                Some((next, prev, receipt)) if next == seq + 1 => (prev == id).then_some(receipt),
                _ => {
                    let here = after_it(db, device, seq.saturating_add(1))?;
                    here.and_then(|(prev, receipt)| (prev == id).then_some(receipt))
                }
            };
            let own = heads
                .get(&(device, seq, id))
                .map(|receipt| (*receipt).clone());
            let proof = match (own, linked) {
                (Some(receipt), _) => Some(Some(receipt)),
                (None, linked) => linked,
            };
            // A receipt gives bounds to the entries of its own run only.
            let receipt = proof
                .clone()
                .flatten()
                .filter(|receipt| receipt.is_for(seq));
            // And only that of its own run says whether it was accepted: the chain alone proves that it was written.
            let accepted = receipt.filter(|receipt| !receipt.refused.contains(&seq));
            follower = proof.map(|proof| (seq, entry.prev, proof));
            from_last.push((id, accepted.map(|receipt| (entry, receipt))));
        }
        judged.extend(from_last.into_iter().rev());
    }
    Ok(judged)
}

/// What an entry that is here says came before it, and its receipt.
fn after_it(
    db: &Connection,
    device: DeviceId,
    seq: u64,
) -> Result<Option<(EntryId, Option<Receipt>)>, LedgerError> {
    let found: Option<([u8; 32], Option<i64>)> = db
        .prepare_cached(
            "SELECT prev, covered FROM entry WHERE device = (SELECT n FROM device WHERE id = ?1) AND seq = ?2",
        )?
        .query_row(
            params![device.0.as_bytes(), i64::try_from(seq).unwrap_or(i64::MAX)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((prev, covered)) = found else {
        return Ok(None);
    };
    Ok(Some((EntryId(prev), receipt_of(db, covered)?)))
}

struct Taking<'t> {
    tx: &'t Transaction<'t>,
    locals: Locals,
    own: DeviceId,
    may_read: &'t dyn Fn(&Channel) -> bool,
    /// Of each log, what was new: from which place to which.
    runs: HashMap<DeviceId, (u64, u64)>,
    taken: ConfirmedTaken,
}

impl Taking<'_> {
    /// Takes an entry that is proven, if it is new and fits what is here. Whether it was taken.
    fn entry(
        &mut self,
        id: EntryId,
        entry: &Entry,
        receipt: &Receipt,
    ) -> Result<bool, LedgerError> {
        if entry.seq == 0 || entry.device == self.own || !(self.may_read)(&entry.channel) {
            self.taken.left_out += 1;
            return Ok(false);
        }
        let device = self.locals.device(self.tx, entry.device)?;
        match id_at(self.tx, device, entry.seq)? {
            Some(here) if here == id => {
                self.taken.known += 1;
                return Ok(false);
            }
            // The endpoint's own word will tell which of the two counts.
            Some(_) => {
                self.taken.left_out += 1;
                return Ok(false);
            }
            None => {}
        }
        let before = match entry.seq {
            1 => None,
            seq => id_at(self.tx, device, seq - 1)?,
        };
        let channel = self.locals.channel(self.tx, &entry.channel)?;
        let fits = before.is_none_or(|before| before == entry.prev)
            && is_followed(self.tx, device, (entry.seq, id))?
            && self.locals.record(self.tx, entry.record, channel)?.1 == channel;
        if !fits {
            self.taken.left_out += 1;
            return Ok(false);
        }
        let covered = put_receipt(self.tx, &mut self.locals, receipt)?;
        let event = Event::parse(&entry.event).ok();
        put_entry(
            self.tx,
            &mut self.locals,
            id,
            entry,
            event.as_ref(),
            None,
            Some(covered),
        )?;
        if let Some(event) = &event {
            blobs::note_attached(self.tx, event, false)?;
        }
        let run = self
            .runs
            .entry(entry.device)
            .or_insert((entry.seq, entry.seq));
        run.1 = entry.seq;
        self.taken.new += 1;
        Ok(true)
    }

    /// Keeps the receipts of the logs of which something was taken, and notes that these entries have no number yet.
    fn receipts(&mut self, receipts: &[Receipt]) -> Result<(), LedgerError> {
        for receipt in receipts {
            // One's own log is confirmed by the endpoint alone, together with what it refused.
            if receipt.device != self.own {
                put_receipt(self.tx, &mut self.locals, receipt)?;
            }
        }
        for (device, (first, last)) in std::mem::take(&mut self.runs) {
            let device = self.locals.device(self.tx, device)?;
            self.tx
                .prepare_cached(
                    "UPDATE record SET delivered_ms = max(delivered_ms, (SELECT max(r.received_at_ms) FROM receipt r
                         WHERE r.device = ?1 AND r.seq >= ?2))
                     WHERE n IN (SELECT record FROM entry WHERE device = ?1 AND seq BETWEEN ?2 AND ?3)",
                )?
                .execute(params![device, first as i64, last as i64])?;
            // A seal without a signature: nothing to carry, only something that has no number.
            put_seal(self.tx, device, (first, last), &SignatureBytes::NONE)?;
        }
        Ok(())
    }
}
