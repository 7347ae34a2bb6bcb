//! What was refused, and letting it in after all.

use std::slice;

use postgres::Row;
use shicha_domain::{
    Channel, DeviceId, Entry, Event, Hlc, PersonId, ReceiptId, RecordId, bounds::Bounds,
};
use uuid::Uuid;

use super::{
    PostgresStore,
    administration::{lock, noted},
    append::{judged, note_evidence},
    pool::Tx,
    rows::{self, count, entry_id, get},
};
use crate::store::{
    Candidate, Known, StoreError,
    refusals::{Refusals, RefusedEntry, Released, Releasing},
};

/// Selects what [`refused_entry`] reads; a condition follows.
macro_rules! refused_columns {
    () => {
        "SELECT r.life, r.first, r.seq, r.head, r.received_at_ms, r.since_ms, r.seen_ms, r.refused, r.signature,
             e.device, e.seq, e.id, e.prev, e.after, e.at, e.author, d.person, e.channel, e.record, e.event, e.code, e.again
         FROM entry e JOIN device d ON d.id = e.device JOIN receipt r ON r.device = e.device AND r.seq = e.covered
         WHERE e.number IS NULL"
    };
}

impl Refusals for PostgresStore {
    fn refused(
        &self,
        device: Option<DeviceId>,
        may_see: &dyn Fn(&Channel) -> bool,
        limit: usize,
    ) -> Result<Vec<RefusedEntry>, StoreError> {
        self.connections.read(|tx| {
            let mut refused = Vec::new();
            tx.each(
                concat!(
                    refused_columns!(),
                    " AND ($1::uuid IS NULL OR e.device = $1) ORDER BY r.life DESC, r.received_at_ms DESC, e.device, e.seq DESC"
                ),
                &[&device.map(|id| id.0)],
                &mut |row| {
                    if refused.len() < limit {
                        let one = refused_entry(row)?;
                        if may_see(&one.candidate.entry.channel) {
                            refused.push(one);
                        }
                    }
                    Ok(())
                },
            )?;
            Ok(refused)
        })
    }

    fn refused_at(&self, device: DeviceId, seq: u64) -> Result<Option<RefusedEntry>, StoreError> {
        self.connections.read(|tx| refused_at(tx, device, seq))
    }

    fn release(
        &self,
        device: DeviceId,
        seq: u64,
        releasing: Releasing<'_>,
    ) -> Result<Option<Released>, StoreError> {
        let released = self.connections.write(|tx| {
            // Before the locks that appending takes, as whatever else is noted.
            lock(tx)?;
            release(tx, device, seq, releasing)
        })?;
        if released.is_some() {
            self.note_own(1);
        }
        Ok(released)
    }
}

fn refused_entry(row: &Row) -> Result<RefusedEntry, StoreError> {
    const AFTER: usize = rows::RECEIPT_COLUMNS;
    let device = DeviceId(get(row, AFTER)?);
    let author: Uuid = match get(row, AFTER + 6)? {
        Some(author) => author,
        None => get(row, AFTER + 7)?,
    };
    let entry = Entry {
        device,
        seq: count(row, AFTER + 1)?,
        prev: entry_id(row, AFTER + 3)?,
        after: get::<Option<&[u8]>>(row, AFTER + 4)?
            .map(|after| rows::hash(after, "receipt").map(ReceiptId))
            .transpose()?,
        at: Hlc(get::<i64>(row, AFTER + 5)? as u64),
        author: PersonId(author),
        channel: rows::channel(get(row, AFTER + 8)?)?,
        record: RecordId(get(row, AFTER + 9)?),
        event: get(row, AFTER + 10)?,
        again: rows::again(row, AFTER + 12)?,
    };
    Ok(RefusedEntry {
        candidate: Candidate {
            id: entry_id(row, AFTER + 2)?,
            event: Event::parse(&entry.event).ok(),
            entry,
        },
        code: get(row, AFTER + 11)?,
        receipt: rows::receipt(row, device)?,
    })
}

fn refused_at(
    tx: &mut Tx<'_>,
    device: DeviceId,
    seq: u64,
) -> Result<Option<RefusedEntry>, StoreError> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let found = tx.first(
        concat!(refused_columns!(), " AND e.device = $1 AND e.seq = $2"),
        &[&device.0, &seq],
    )?;
    found.as_ref().map(refused_entry).transpose()
}

fn release(
    tx: &mut Tx<'_>,
    device: DeviceId,
    seq: u64,
    releasing: Releasing<'_>,
) -> Result<Option<Released>, StoreError> {
    // Nobody else releases or appends anything of this device until the transaction ends.
    let Some(state) = rows::locked_device(tx, device)? else {
        return Ok(None);
    };
    let Some(refused) = refused_at(tx, device, seq)? else {
        return Ok(None);
    };
    let candidate = &refused.candidate;
    let bounds = Bounds::from(&refused.receipt);
    let may = |_: &Candidate, known: &Known<'_>| (releasing.may)(&refused, known.placed);
    let verdicts = judged(tx, slice::from_ref(candidate), [bounds], &may)?;
    if let Some(Err(why)) = verdicts.first() {
        return Err(StoreError::Contradiction(why));
    }
    let name = candidate.entry.channel.to_string();
    tx.execute(
        "INSERT INTO channel (name) VALUES ($1) ON CONFLICT (name) DO NOTHING",
        &[&name],
    )?;
    let channel = tx
        .first(
            "SELECT last, received_ms FROM channel WHERE name = $1 FOR UPDATE",
            &[&name],
        )?
        .ok_or(StoreError::Damaged("channel"))?;
    let number = count(&channel, 0)? + 1;
    let newest_ms = count(&channel, 1)?.max(state.past.received_ms);
    let receipt = refused.receipt_of_release(state.past.life, newest_ms, &releasing)?;
    let received_ms = receipt.received_at_ms as i64;
    tx.execute(
        "UPDATE channel SET last = $2, received_ms = $3 WHERE name = $1",
        &[&name, &(number as i64), &received_ms],
    )?;
    let covered = rows::insert_brought(tx, &receipt)?;
    tx.execute(
        "UPDATE entry SET number = $3, covered = $4, code = NULL WHERE device = $1 AND seq = $2",
        &[&device.0, &(seq as i64), &(number as i64), &covered],
    )?;
    note_evidence(tx, [candidate], state.person.id)?;
    // Its newest receipt is this one now, which names no end of its log.
    tx.execute(
        "UPDATE device SET received_ms = $2, newest = NULL WHERE id = $1",
        &[&device.0, &received_ms],
    )?;
    noted(tx, releasing.noting)?;
    Ok(Some(Released {
        channel: candidate.entry.channel.clone(),
        number,
        receipt,
    }))
}
