//! Whether a stretch of another device's log may be taken: who wrote it, whether it fits what is here, and whether the endpoint would take
//! it by what is known here.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use shicha_domain::{
    Channel, DeviceId, EntryId, Event, RecordId, RecordKind,
    authority::{self, About, Actor},
    directory::{Directory, OrgTree},
    entry::Entry,
    receipt::push_bytes,
    suite::{self, PublicKey},
};

use super::{Sealed, SealedRefusal, Vouched};
use crate::{
    error::LedgerError,
    incoming::{id_at, is_followed},
    record::fold,
};

/// Who wrote a stretch: its device is known, may take part, and signed it; the entries are what their names say and follow each other.
pub(super) fn signed_by(
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
    let is_signed = suite::verify(&key, &said, &sealed.signature).is_ok();
    let mut before: Option<(u64, EntryId)> = None;
    let is_chain = sealed.entries.iter().all(|(id, entry)| {
        let follows = before
            .is_none_or(|(seq, prev)| seq.checked_add(1) == Some(entry.seq) && prev == entry.prev);
        before = Some((entry.seq, *id));
        follows && entry.seq > 0 && entry.device == last.device && entry.id() == *id
    });
    if is_signed && is_chain {
        Ok(actor)
    } else {
        Err(SealedRefusal::NotSigned)
    }
}

/// The key of a device that may take part, and as whom it acts.
pub(super) fn actor_of(
    directory: &Directory,
    device: DeviceId,
) -> Result<(PublicKey, Actor), SealedRefusal> {
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
pub(super) type Fresh<'s> = Vec<&'s (EntryId, Entry)>;

/// The entries of the stretch that are not here, if all of it may be taken.
pub(super) fn fresh<'s>(
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
                None if !is_followed(db, device, (entry.seq, *id))? => {
                    return Ok(Err(SealedRefusal::Parted));
                }
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
pub(super) struct Judge<'a> {
    pub(super) author: &'a Actor,
    pub(super) reader: &'a Actor,
    pub(super) tree: &'a OrgTree,
    pub(super) placed: HashMap<RecordId, Option<(Channel, Option<RecordKind>)>>,
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
        let about = About {
            is_held: placed.is_some(),
            kind: placed.and_then(|(_, kind)| kind),
            // Rights that have passed are the endpoint's to judge, which knows the bounds.
            at_ms: None,
        };
        let kind = about.kind;
        // A directory that is older than the author's does not have every organisation: only the endpoint refuses for that (invariant
        // 11, a device that cannot judge keeps and hands on).
        let may_write = entry.author == self.author.person
            && !is_elsewhere
            && authority::role_may_write(self.author, &entry.channel, about, &event).is_ok();
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

/// The small integer that stands for a device, if anything of it is here.
pub(crate) fn device_n(db: &Connection, device: DeviceId) -> Result<Option<i64>, LedgerError> {
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
