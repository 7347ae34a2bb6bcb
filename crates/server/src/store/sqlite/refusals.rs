//! What was refused, and letting it in after all.

use rusqlite::{Connection, Row};
use shicha_domain::{
    Channel, DeviceId, Entry, EntryId, Event, Hlc, PersonId, ReceiptId, RecordId, bounds::Bounds,
};

use super::{SqliteStore, administration::noted, append::Intake, rows};
use crate::store::{
    Candidate, Known, StoreError,
    refusals::{Refusals, RefusedEntry, Released, Releasing},
};

/// Selects what [`refused_entry`] reads; a condition follows.
macro_rules! refused_columns {
    () => {
        "SELECT v.life, v.first, v.seq, v.head, v.received_at_ms, v.since_ms, v.seen_ms, v.refused, v.signature,
             d.id, e.seq, e.id, coalesce(b.id, d.start), a.id, e.at, e.author, p.id, c.name, r.id, e.event, f.code, e.again
         FROM refused f JOIN entry e ON e.n = f.entry JOIN device d ON d.n = e.device JOIN person p ON p.n = d.person
         JOIN channel c ON c.n = e.channel JOIN record r ON r.n = e.record JOIN receipt v ON v.n = e.covered
         LEFT JOIN entry b ON b.device = e.device AND b.seq = e.seq - 1 LEFT JOIN receipt a ON a.n = e.after"
    };
}

impl Refusals for SqliteStore {
    fn refused(
        &self,
        device: Option<DeviceId>,
        may_see: &dyn Fn(&Channel) -> bool,
        limit: usize,
    ) -> Result<Vec<RefusedEntry>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(concat!(
                refused_columns!(),
                " WHERE ?1 IS NULL OR d.id = ?1 ORDER BY f.entry DESC"
            ))?;
            let mut found = statement.query([device.map(|id| *id.0.as_bytes())])?;
            let mut refused = Vec::new();
            while let Some(row) = found.next()? {
                if refused.len() == limit {
                    break;
                }
                let one = refused_entry(row)?;
                if may_see(&one.candidate.entry.channel) {
                    refused.push(one);
                }
            }
            Ok(refused)
        })
    }

    fn refused_at(&self, device: DeviceId, seq: u64) -> Result<Option<RefusedEntry>, StoreError> {
        self.read(|transaction| refused_at(transaction, device, seq))
    }

    fn release(
        &self,
        device: DeviceId,
        seq: u64,
        releasing: Releasing<'_>,
    ) -> Result<Option<Released>, StoreError> {
        self.write(|transaction| release(transaction, device, seq, releasing))
    }
}

fn refused_entry(row: &Row<'_>) -> Result<RefusedEntry, StoreError> {
    const AFTER: usize = rows::RECEIPT_COLUMNS;
    let bytes = |at: usize| row.get::<_, Option<Vec<u8>>>(AFTER + at);
    let name = |at: usize, what| -> Result<Option<[u8; 32]>, StoreError> {
        bytes(at)?.map(|name| rows::hash(&name, what)).transpose()
    };
    let uuid = |at: usize, what| -> Result<uuid::Uuid, StoreError> {
        rows::uuid(&bytes(at)?.unwrap_or_default(), what)
    };
    let device = DeviceId(uuid(0, "device")?);
    let author = match bytes(6)? {
        Some(author) => rows::uuid(&author, "person")?,
        None => uuid(7, "person")?,
    };
    let entry = Entry {
        device,
        seq: row.get::<_, i64>(AFTER + 1)? as u64,
        prev: name(3, "entry")?.map_or(EntryId::NONE, EntryId),
        after: name(4, "receipt")?.map(ReceiptId),
        at: Hlc(row.get::<_, i64>(AFTER + 5)? as u64),
        author: PersonId(author),
        channel: rows::channel(&row.get::<_, String>(AFTER + 8)?)?,
        record: RecordId(uuid(9, "record")?),
        event: row.get(AFTER + 10)?,
        again: rows::again(row, AFTER + 12)?,
    };
    Ok(RefusedEntry {
        candidate: Candidate {
            id: EntryId(name(2, "entry")?.ok_or(StoreError::Damaged("entry"))?),
            event: Event::parse(&entry.event).ok(),
            entry,
        },
        code: row.get(AFTER + 11)?,
        receipt: rows::receipt(row, device)?,
    })
}

fn refused_at(
    connection: &Connection,
    device: DeviceId,
    seq: u64,
) -> Result<Option<RefusedEntry>, StoreError> {
    let mut statement = connection.prepare_cached(concat!(
        refused_columns!(),
        " WHERE d.id = ?1 AND e.seq = ?2"
    ))?;
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let mut found = statement.query((device.0.as_bytes(), seq))?;
    found.next()?.map(refused_entry).transpose()
}

fn release(
    transaction: &Connection,
    device: DeviceId,
    seq: u64,
    releasing: Releasing<'_>,
) -> Result<Option<Released>, StoreError> {
    let Some(refused) = refused_at(transaction, device, seq)? else {
        return Ok(None);
    };
    let state = rows::device_by_id(transaction, device)?.ok_or(StoreError::Missing("device"))?;
    let device_n = rows::device_n(transaction, device)?;
    let person = rows::person_n(transaction, state.person.id)?;
    let mut intake = Intake::new(transaction, device_n, person);
    let candidate = &refused.candidate;
    let judged = intake.judge(
        candidate,
        Bounds::from(&refused.receipt),
        &|_: &Candidate, known: &Known<'_>| (releasing.may)(&refused, known.placed),
    )?;
    let number = judged.verdict.map_err(StoreError::Contradiction)?;
    let newest_ms = intake.newest_ms().max(state.past.received_ms);
    let receipt = refused.receipt_of_release(state.past.life, newest_ms, &releasing)?;
    let covered = rows::insert_brought(transaction, device_n, &receipt)?;
    let n: i64 = transaction.query_row(
        "UPDATE entry SET number = ?3, covered = ?4 WHERE device = ?1 AND seq = ?2 RETURNING n",
        (device_n, seq as i64, number as i64, covered),
        |row| row.get(0),
    )?;
    transaction.execute("DELETE FROM refused WHERE entry = ?1", [n])?;
    intake.note_evidence(candidate, &judged)?;
    intake.finish(receipt.received_at_ms)?;
    // Its newest receipt is this one now, which names no end of its log.
    transaction.execute(
        "UPDATE device SET received_ms = ?2, newest = NULL WHERE n = ?1",
        (device_n, receipt.received_at_ms as i64),
    )?;
    noted(transaction, releasing.noting)?;
    Ok(Some(Released {
        channel: candidate.entry.channel.clone(),
        number,
        receipt,
    }))
}
