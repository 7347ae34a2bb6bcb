//! Entries of other devices that the central endpoint does not have yet, as their devices hand them over directly: by a package or over
//! a local network. They fold like all others, and this device offers them to the endpoint for their author.
//!
//! Invariant: nothing is taken that the endpoint would refuse by what is known here, and what the endpoint says always goes before: an
//! entry of it takes the place of one that stands here without a number, which is put aside and never dropped.

use std::collections::{BTreeSet, HashMap, HashSet};

use ed25519_dalek::{Signature, VerifyingKey};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use shicha_domain::{
    Channel, DeviceId, EntryId, Event, Receipt, RecordId, RecordKind,
    authority::{self, Actor},
    directory::{Directory, OrgTree},
    entry::Entry,
    receipt::push_bytes,
};

use crate::{
    append::Touched,
    blobs,
    entries::{ENTRY, put_entry, put_receipt, read_entry},
    error::LedgerError,
    incoming::id_at,
    ledger::{Ledger, begin},
    record::{Locals, fold},
};

/// A stretch of another device's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The device's signature over the last entry ([`push_bytes`]).
    pub signature: Vec<u8>,
    /// Consecutive entries with their names.
    pub entries: Vec<(EntryId, Entry)>,
}

/// A device that a person vouches for, who has it before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// Which.
    pub device: DeviceId,
    /// Its key, which it has proved to hold.
    pub public_key: [u8; 32],
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
                    tree: &OrgTree::new(&directory.orgs),
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
            put_entry(&tx, &mut locals, *id, entry, None)?;
            if let Ok(event) = Event::parse(&entry.event) {
                blobs::note_attached(&tx, &event, false)?;
            }
            if entry.at.ms() <= now_ms.saturating_add(crate::incoming::AHEAD_MS) {
                latest = latest.max(entry.at);
            }
            touched.take(self, &tx, *id, entry)?;
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
    /// are left out, because the endpoint would not take anything of theirs.
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
                if actor_of(&directory, id).is_err() {
                    continue;
                }
                let entries = stretch(db, row.get(0)?, row.get(2)?, row.get(3)?)?;
                if !entries.is_empty() {
                    carried.push(Sealed { signature: row.get(4)?, entries });
                }
            }
            Ok(carried)
        })
    }

    /// Takes a receipt for another device's log, which this device brought to the endpoint: `numbers` and `refused` as in
    /// [`Self::accept_receipt`]. What the endpoint refused is given to nobody, so it is put aside here. The receipt's signature was
    /// checked by the caller.
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
        put_receipt(&tx, &mut locals, receipt)?;
        let mut touched = Touched::default();
        {
            let mut number = tx.prepare_cached(
                "UPDATE entry SET number = ?3 WHERE device = ?1 AND seq = ?2 AND number IS NULL RETURNING record",
            )?;
            let mut delivered = tx.prepare_cached(
                "UPDATE record SET last_number = max(last_number, ?2), delivered_ms = max(delivered_ms, ?3) WHERE n = ?1",
            )?;
            for (seq, given) in numbers {
                let record: Option<i64> = number
                    .query_row(params![device, *seq as i64, *given as i64], |row| {
                        row.get(0)
                    })
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
        for (seq, _) in refused {
            for record in put_aside(&tx, device, (*seq, *seq), None, now_ms)? {
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

/// Who wrote a stretch: its device is known, may take part, and signed it; the entries are what their names say and follow each other.
fn signed_by(
    sealed: &Sealed,
    directory: &Directory,
    vouched: Option<&Vouched>,
) -> Result<Actor, SealedRefusal> {
    let Some((last_id, last)) = sealed.entries.last() else {
        return Err(SealedRefusal::NotSigned);
    };
    let vouched = vouched.filter(|vouched| vouched.device == last.device);
    let (key, actor) = match (actor_of(directory, last.device), vouched) {
        // What the directory says goes before what a person says.
        (Err(SealedRefusal::UnknownDevice), Some(vouched)) => {
            (vouched.public_key, vouched.actor.clone())
        }
        (known, _) => known?,
    };
    let said = push_bytes(last.device, last.seq, *last_id);
    let is_signed = VerifyingKey::from_bytes(&key)
        .ok()
        .zip(Signature::from_slice(&sealed.signature).ok())
        .is_some_and(|(key, signature)| key.verify_strict(&said, &signature).is_ok());
    let mut before: Option<(u64, EntryId)> = None;
    let is_chain = sealed.entries.iter().all(|(id, entry)| {
        let follows = before
            .is_none_or(|(seq, prev)| seq.checked_add(1) == Some(entry.seq) && prev == entry.prev);
        before = Some((entry.seq, *id));
        follows
            && entry.seq > 0
            && (entry.seq > 1 || entry.prev == EntryId::NONE)
            && entry.device == last.device
            && entry.id() == *id
    });
    if is_signed && is_chain {
        Ok(actor)
    } else {
        Err(SealedRefusal::NotSigned)
    }
}

/// The key of a device that may take part, and as whom it acts.
fn actor_of(directory: &Directory, device: DeviceId) -> Result<([u8; 32], Actor), SealedRefusal> {
    let device = directory
        .devices
        .iter()
        .find(|known| known.id == device)
        .ok_or(SealedRefusal::UnknownDevice)?;
    let person = directory
        .people
        .iter()
        .find(|person| person.id == device.person)
        .ok_or(SealedRefusal::UnknownDevice)?;
    if device.revoked_at_ms.is_some() || !person.is_active {
        return Err(SealedRefusal::Revoked);
    }
    let actor = Actor {
        person: person.id,
        org: person.org.clone(),
        role: person.role,
    };
    Ok((device.public_key, actor))
}

/// Entries of a stretch that are not here.
type Fresh<'s> = Vec<&'s (EntryId, Entry)>;

/// The entries of the stretch that are not here, if all of it may be taken.
fn fresh<'s>(
    db: &Connection,
    sealed: &'s Sealed,
    mut judge: Judge<'_>,
) -> Result<Result<Fresh<'s>, SealedRefusal>, LedgerError> {
    let device = match sealed.entries.first() {
        Some((_, first)) => device_n(db, first.device)?,
        None => None,
    };
    let mut settled: HashMap<&Channel, u64> = HashMap::new();
    let mut fresh = Vec::new();
    for one in &sealed.entries {
        let (id, entry) = one;
        if let Some(device) = device {
            if fresh.is_empty()
                && entry.seq > 1
                && id_at(db, device, entry.seq - 1)?.is_some_and(|before| before != entry.prev)
            {
                return Ok(Err(SealedRefusal::Parted));
            }
            match id_at(db, device, entry.seq)? {
                Some(here) if here != *id => return Ok(Err(SealedRefusal::Parted)),
                Some(_) => continue,
                None => {}
            }
            let upto = match settled.get(&entry.channel) {
                Some(upto) => *upto,
                None => {
                    let upto = numbered_upto(db, device, &entry.channel)?;
                    settled.insert(&entry.channel, upto);
                    upto
                }
            };
            // The endpoint gave numbers to what comes after it in this channel, and none to it: it refused it.
            if entry.seq < upto {
                continue;
            }
        }
        if let Err(refusal) = judge.entry(db, entry)? {
            return Ok(Err(refusal));
        }
        fresh.push(one);
    }
    Ok(Ok(fresh))
}

/// Decides as the endpoint does, by the directory and the records that are here.
struct Judge<'a> {
    author: &'a Actor,
    reader: &'a Actor,
    tree: &'a OrgTree,
    placed: HashMap<RecordId, Option<(Channel, Option<RecordKind>)>>,
}

impl Judge<'_> {
    fn entry(
        &mut self,
        db: &Connection,
        entry: &Entry,
    ) -> Result<Result<(), SealedRefusal>, LedgerError> {
        if !authority::may_read(self.reader, &entry.channel, self.tree) {
            return Ok(Err(SealedRefusal::MayNotRead));
        }
        let placed = match self.placed.get(&entry.record) {
            Some(placed) => placed.clone(),
            None => fold(db, entry.record)?.map(|state| (state.channel().clone(), state.kind())),
        };
        let Ok(event) = Event::parse(&entry.event) else {
            return Ok(Err(SealedRefusal::MayNotWrite));
        };
        let is_elsewhere = placed
            .as_ref()
            .is_some_and(|(channel, _)| *channel != entry.channel);
        let kind = placed.and_then(|(_, kind)| kind);
        let may_write = entry.author == self.author.person
            && !is_elsewhere
            && authority::may_write(self.author, &entry.channel, kind, &event, self.tree).is_ok();
        if !may_write {
            return Ok(Err(SealedRefusal::MayNotWrite));
        }
        let kind = match event {
            Event::Opened { kind: opened, .. } => kind.or(Some(opened)),
            _ => kind,
        };
        self.placed
            .insert(entry.record, Some((entry.channel.clone(), kind)));
        Ok(Ok(()))
    }
}

fn device_n(db: &Connection, device: DeviceId) -> Result<Option<i64>, LedgerError> {
    Ok(db
        .prepare_cached("SELECT n FROM device WHERE id = ?1")?
        .query_row([device.0.as_bytes()], |row| row.get(0))
        .optional()?)
}

/// The last entry of the device in that channel that has a number here; 0 where there is none.
fn numbered_upto(db: &Connection, device: i64, channel: &Channel) -> Result<u64, LedgerError> {
    let upto: Option<i64> = db
        .prepare_cached(
            "SELECT seq FROM entry WHERE device = ?1 AND channel = (SELECT n FROM channel WHERE name = ?2)
                AND number IS NOT NULL
             ORDER BY seq DESC LIMIT 1",
        )?
        .query_row(params![device, channel.to_string()], |row| row.get(0))
        .optional()?;
    Ok(upto.unwrap_or(0) as u64)
}

/// Keeps a seal, unless all that it seals has numbers; one that it reaches over goes.
pub(crate) fn put_seal(
    tx: &Transaction<'_>,
    device: i64,
    (first, last): (u64, u64),
    signature: &[u8],
) -> Result<(), LedgerError> {
    let reached: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM seal WHERE device = ?1 AND first <= ?2 AND last >= ?3)",
        params![device, first as i64, last as i64],
        |row| row.get(0),
    )?;
    if reached {
        return Ok(());
    }
    tx.execute(
        "DELETE FROM seal WHERE device = ?1 AND first >= ?2 AND last <= ?3",
        params![device, first as i64, last as i64],
    )?;
    tx.execute(
        "INSERT INTO seal (device, first, last, signature) VALUES (?1, ?2, ?3, ?4)",
        params![device, first as i64, last as i64, signature],
    )?;
    forget_settled(tx)
}

/// Seals of stretches in which everything has a number are of no more use: the endpoint has all of it.
pub(crate) fn forget_settled(tx: &Transaction<'_>) -> Result<(), LedgerError> {
    tx.execute(
        "DELETE FROM seal WHERE NOT EXISTS (SELECT 1 FROM entry e
             WHERE e.device = seal.device AND e.seq BETWEEN seal.first AND seal.last AND e.number IS NULL)",
        [],
    )?;
    Ok(())
}

/// Devices of which something is held that has no number.
pub(crate) fn carried_devices(db: &Connection) -> Result<HashSet<i64>, LedgerError> {
    let mut statement = db.prepare_cached("SELECT DISTINCT device FROM seal")?;
    let devices = statement.query_map([], |row| row.get(0))?;
    Ok(devices.collect::<Result<_, _>>()?)
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

/// Puts entries without a number aside: those of a log from one place to another, in all channels or in one. Which records they were of.
pub(crate) fn put_aside(
    tx: &Transaction<'_>,
    device: i64,
    (from, to): (u64, u64),
    channel: Option<i64>,
    now_ms: u64,
) -> Result<BTreeSet<RecordId>, LedgerError> {
    let mut moved = Vec::new();
    {
        let mut statement = tx.prepare_cached(&format!(
            "{ENTRY} WHERE e.device = ?1 AND e.seq BETWEEN ?2 AND ?3 AND (?4 IS NULL OR e.channel = ?4)
                AND e.number IS NULL AND e.refused IS NULL"
        ))?;
        let to = i64::try_from(to).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![device, from as i64, to, channel])?;
        while let Some(row) = rows.next()? {
            moved.push(read_entry(row)?);
        }
    }
    let mut aside = tx.prepare_cached(
        "INSERT INTO entry_aside (device, seq, id, event, moved_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut gone = tx.prepare_cached("DELETE FROM entry WHERE device = ?1 AND seq = ?2")?;
    let mut records = BTreeSet::new();
    for (id, entry) in moved {
        aside.execute(params![
            entry.device.0.as_bytes(),
            entry.seq as i64,
            id.0,
            entry.event,
            now_ms as i64
        ])?;
        gone.execute(params![device, entry.seq as i64])?;
        records.insert(entry.record);
    }
    Ok(records)
}
