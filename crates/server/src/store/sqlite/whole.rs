//! What verification reads. Nothing is held in memory but the record that is being looked at; the order of records comes from sorting their
//! rows' numbers, because an index for it would cost every push.

use rusqlite::{CachedStatement, Row};
use shicha_domain::{
    Channel, DeviceId, Entry, EntryId, Hlc, PersonId, Receipt, ReceiptId, RecordId, receipt::Rank,
};

use super::{SqliteStore, rows};
use crate::store::{
    StoreError,
    whole::{HeldRecord, Life, Look, Numbered, ReceivedEntry, Whole},
};

/// The receipt of an entry, where it is here: the columns of [`rows::receipt`], of a table that is called `v`.
macro_rules! received_receipt {
    () => {
        "v.life, v.first, v.seq, v.head, v.received_at_ms, v.since_ms, v.seen_ms, v.refused, v.signature"
    };
}

impl Whole for SqliteStore {
    fn each_record(&self, look: Look<'_, HeldRecord>) -> Result<(), StoreError> {
        self.read(|transaction| {
            let mut order = transaction.prepare(
                "SELECT record, n FROM entry WHERE number IS NOT NULL ORDER BY record, n",
            )?;
            let mut place =
                transaction.prepare_cached("SELECT r.id, c.name, r.kind FROM record r LEFT JOIN channel c ON c.n = r.channel WHERE r.n = ?1")?;
            let mut entry = transaction.prepare_cached(concat!(
                "SELECT ",
                received_receipt!(),
                ", d.id, e.seq, e.id, coalesce(b.id, d.start), a.id, e.at, e.author, p.id, c.name, e.number, e.event, e.again
                 FROM entry e JOIN device d ON d.n = e.device JOIN person p ON p.n = d.person JOIN channel c ON c.n = e.channel
                 LEFT JOIN entry b ON b.device = e.device AND b.seq = e.seq - 1
                 LEFT JOIN receipt a ON a.n = e.after LEFT JOIN receipt v ON v.n = e.covered WHERE e.n = ?1"
            ))?;
            let mut of: Option<(i64, HeldRecord)> = None;
            let mut found = order.query([])?;
            while let Some(row) = found.next()? {
                let (record, n) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?);
                if of.as_ref().is_none_or(|(known, _)| *known != record) {
                    if let Some((_, whole)) = of.take() {
                        give(whole, look)?;
                    }
                    of = Some((record, placed(&mut place, record)?));
                }
                if let Some((_, held)) = &mut of {
                    let mut found = entry.query([n])?;
                    let row = found.next()?.ok_or(StoreError::Damaged("entry"))?;
                    held.entries.push(received(row, held.record)?);
                }
            }
            match of {
                Some((_, whole)) => give(whole, look),
                None => Ok(()),
            }
        })
    }

    fn each_number(&self, look: Look<'_, Numbered>) -> Result<(), StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT e.channel, c.name, e.number, v.life, v.received_at_ms
                 FROM entry e JOIN channel c ON c.n = e.channel LEFT JOIN receipt v ON v.n = e.covered AND v.is_brought = 0
                 WHERE e.number IS NOT NULL ORDER BY e.channel, e.number",
            )?;
            let mut found = statement.query([])?;
            let mut of: Option<(i64, Channel)> = None;
            while let Some(row) = found.next()? {
                let n: i64 = row.get(0)?;
                let channel = match &of {
                    Some((known, channel)) if *known == n => channel.clone(),
                    _ => {
                        let channel = rows::channel(&row.get::<_, String>(1)?)?;
                        of = Some((n, channel.clone()));
                        channel
                    }
                };
                let life: Option<i64> = row.get(3)?;
                let received: Option<i64> = row.get(4)?;
                look(Numbered {
                    channel,
                    number: row.get::<_, i64>(2)? as u64,
                    rank: life.zip(received).map(|(life, at)| Rank {
                        life: life as u64,
                        received_at_ms: at as u64,
                    }),
                })?;
            }
            Ok(())
        })
    }

    fn lives(&self) -> Result<Vec<Life>, StoreError> {
        self.read(|transaction| {
            let mut statement =
                transaction.prepare("SELECT n, began_at_ms FROM life ORDER BY n")?;
            let lives = statement.query_map([], |row| {
                Ok(Life {
                    n: row.get::<_, i64>(0)? as u64,
                    began_at_ms: row.get::<_, i64>(1)? as u64,
                })
            })?;
            Ok(lives.collect::<Result<_, _>>()?)
        })
    }
}

fn give(mut whole: HeldRecord, look: Look<'_, HeldRecord>) -> Result<(), StoreError> {
    whole.entries.sort_by_key(|one| one.number);
    look(whole)
}

fn placed(statement: &mut CachedStatement<'_>, record: i64) -> Result<HeldRecord, StoreError> {
    let mut found = statement.query([record])?;
    let row = found.next()?.ok_or(StoreError::Damaged("record"))?;
    let channel: Option<String> = row.get(1)?;
    let kind: Option<String> = row.get(2)?;
    Ok(HeldRecord {
        record: RecordId(rows::uuid(&row.get::<_, Vec<u8>>(0)?, "record")?),
        channel: channel.as_deref().map(rows::channel).transpose()?,
        kind: kind.as_deref().map(rows::record_kind).transpose()?,
        entries: Vec::new(),
    })
}

fn device(row: &Row<'_>, at: usize) -> Result<DeviceId, StoreError> {
    Ok(DeviceId(rows::uuid(&row.get::<_, Vec<u8>>(at)?, "device")?))
}

fn received(row: &Row<'_>, record: RecordId) -> Result<ReceivedEntry, StoreError> {
    const AFTER: usize = rows::RECEIPT_COLUMNS;
    let name = |at: usize, what| -> Result<Option<[u8; 32]>, StoreError> {
        let name: Option<Vec<u8>> = row.get(AFTER + at)?;
        name.map(|name| rows::hash(&name, what)).transpose()
    };
    let device = device(row, AFTER)?;
    let receipt: Option<Receipt> = match row.get::<_, Option<i64>>(0)? {
        Some(_) => Some(rows::receipt(row, device)?),
        None => None,
    };
    let person: Option<Vec<u8>> = row.get(AFTER + 6)?;
    let person = match person {
        Some(person) => person,
        None => row.get(AFTER + 7)?,
    };
    Ok(ReceivedEntry {
        id: EntryId(name(2, "entry")?.ok_or(StoreError::Damaged("entry"))?),
        entry: Entry {
            device,
            seq: row.get::<_, i64>(AFTER + 1)? as u64,
            prev: name(3, "entry")?.map_or(EntryId::NONE, EntryId),
            after: name(4, "receipt")?.map(ReceiptId),
            at: Hlc(row.get::<_, i64>(AFTER + 5)? as u64),
            author: PersonId(rows::uuid(&person, "person")?),
            channel: rows::channel(&row.get::<_, String>(AFTER + 8)?)?,
            record,
            event: row.get(AFTER + 10)?,
            again: rows::again(row, AFTER + 11)?,
        },
        number: row.get::<_, i64>(AFTER + 9)? as u64,
        receipt,
    })
}
