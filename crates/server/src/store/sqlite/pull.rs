//! Giving entries out, and how far each channel has been seen.

use std::collections::HashMap;

use rusqlite::Connection;
use shicha_domain::{
    Channel, DeviceId, Entry, EntryId, Hlc, PersonId, Receipt, ReceiptId, RecordId,
};
use shicha_sync::protocol::{BatchWriter, wire::PulledChannel};

use super::{SqliteStore, rows};
use crate::store::{PullQuery, Pulled, StoreError, seen::Seen};

impl SqliteStore {
    pub(super) fn do_pull(
        &self,
        query: &PullQuery<'_>,
        batch: &mut BatchWriter,
    ) -> Result<Pulled, StoreError> {
        self.read(|transaction| {
            let person = rows::person_n(transaction, query.person)?;
            let mut giving = Giving::new(transaction, batch);
            let mut channels = Vec::new();
            let mut more = false;
            let mut is_news = false;
            for line in lines(transaction)? {
                let channel = rows::channel(&line.name)?;
                if line.last == 0 || !(query.may_read)(&channel) {
                    continue;
                }
                let cursor = query.cursors.get(&channel).copied().unwrap_or(0);
                is_news |= line.seen.with(person, cursor.min(line.last)).is_some();
                let seen_upto = line.seen.by_others(person);
                let before = giving.batch.len();
                if cursor < line.last {
                    if giving.is_full(query) {
                        more = true;
                    } else {
                        giving.channel(line.n, &channel, cursor, query)?;
                        more |= cursor + ((giving.batch.len() - before) as u64) < line.last;
                    }
                }
                channels.push(PulledChannel {
                    channel,
                    rows: giving.batch.len() - before,
                    seen_upto,
                });
            }
            Ok(Pulled {
                channels,
                more,
                is_news,
            })
        })
    }

    pub(super) fn do_note_seen(
        &self,
        person: PersonId,
        cursors: &HashMap<Channel, u64>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let person = rows::person_n(transaction, person)?;
            for line in lines(transaction)? {
                let Some(cursor) = cursors.get(&rows::channel(&line.name)?) else { continue };
                if let Some(seen) = line.seen.with(person, (*cursor).min(line.last)) {
                    transaction
                        .prepare_cached(
                            "UPDATE channel SET seen_by = ?2, seen = ?3, seen_by2 = ?4, seen2 = ?5 WHERE n = ?1",
                        )?
                        .execute((line.n, seen.first.0, seen.first.1 as i64, seen.second.0, seen.second.1 as i64))?;
                }
            }
            Ok(())
        })
    }
}

struct Line {
    n: i64,
    name: String,
    last: u64,
    seen: Seen<i64>,
}

fn lines(connection: &Connection) -> Result<Vec<Line>, StoreError> {
    // What is published to all comes first: without its pack no record can be shown well.
    let mut statement = connection.prepare_cached(
        "SELECT n, name, last, seen_by, seen, seen_by2, seen2 FROM channel ORDER BY name LIKE 'pub/%' DESC, n",
    )?;
    let mut found = statement.query([])?;
    let mut lines = Vec::new();
    while let Some(row) = found.next()? {
        let upto = |at| row.get::<_, i64>(at).map(|n| n as u64);
        lines.push(Line {
            n: row.get(0)?,
            name: row.get(1)?,
            last: upto(2)?,
            seen: Seen {
                first: (row.get(3)?, upto(4)?),
                second: (row.get(5)?, upto(6)?),
            },
        });
    }
    Ok(lines)
}

/// Writes rows into a batch, looking every small integer up once.
struct Giving<'a> {
    connection: &'a Connection,
    batch: &'a mut BatchWriter,
    devices: HashMap<i64, (DeviceId, PersonId)>,
    records: HashMap<i64, RecordId>,
    receipts: HashMap<i64, (ReceiptId, Option<usize>)>,
    last: HashMap<i64, (u64, EntryId)>,
}

impl<'a> Giving<'a> {
    fn new(connection: &'a Connection, batch: &'a mut BatchWriter) -> Self {
        Self {
            connection,
            batch,
            devices: HashMap::new(),
            records: HashMap::new(),
            receipts: HashMap::new(),
            last: HashMap::new(),
        }
    }

    fn is_full(&self, query: &PullQuery<'_>) -> bool {
        self.batch.len() >= query.max_entries || self.batch.event_bytes() >= query.max_event_bytes
    }

    fn channel(
        &mut self,
        n: i64,
        channel: &Channel,
        cursor: u64,
        query: &PullQuery<'_>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT number, device, seq, id, after, at, record, covered, event FROM entry
             WHERE channel = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
        )?;
        let limit = query.max_entries.saturating_sub(self.batch.len());
        let mut found = statement.query((n, cursor as i64, limit as i64))?;
        while let Some(row) = found.next()? {
            let blob = |at| {
                row.get_ref(at)?
                    .as_blob()
                    .map_err(|_| StoreError::Damaged("entry"))
            };
            let device = row.get::<_, i64>(1)?;
            let seq = row.get::<_, i64>(2)? as u64;
            let id = EntryId(rows::hash(blob(3)?, "entry")?);
            let prev = match self.last.get(&device) {
                Some((before, id)) if before + 1 == seq => *id,
                _ => self.id_at(device, seq - 1)?,
            };
            let (device_id, author) = self.device(device)?;
            let entry = Entry {
                device: device_id,
                seq,
                prev,
                after: row
                    .get::<_, Option<i64>>(4)?
                    .map(|after| self.receipt(after))
                    .transpose()?
                    .map(|(id, _)| id),
                at: Hlc(row.get::<_, i64>(5)? as u64),
                author,
                channel: channel.clone(),
                record: self.record(row.get(6)?)?,
                event: blob(8)?.to_vec(),
            };
            let (_, covered) = self.receipt(row.get(7)?)?;
            self.batch
                .row(row.get::<_, i64>(0)? as u64, covered, id, &entry);
            self.last.insert(device, (seq, id));
            if self.batch.event_bytes() >= query.max_event_bytes {
                break;
            }
        }
        Ok(())
    }

    fn id_at(&self, device: i64, seq: u64) -> Result<EntryId, StoreError> {
        if seq == 0 {
            return Ok(EntryId::NONE);
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM entry WHERE device = ?1 AND seq = ?2")?;
        let id: Vec<u8> = statement.query_row((device, seq as i64), |row| row.get(0))?;
        Ok(EntryId(rows::hash(&id, "entry")?))
    }

    fn device(&mut self, n: i64) -> Result<(DeviceId, PersonId), StoreError> {
        if let Some(known) = self.devices.get(&n) {
            return Ok(*known);
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT d.id, p.id FROM device d JOIN person p ON p.n = d.person WHERE d.n = ?1",
        )?;
        let (device, person) = statement.query_row([n], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
        let known = (
            DeviceId(rows::uuid(&device, "device")?),
            PersonId(rows::uuid(&person, "person")?),
        );
        self.devices.insert(n, known);
        Ok(known)
    }

    fn record(&mut self, n: i64) -> Result<RecordId, StoreError> {
        if let Some(known) = self.records.get(&n) {
            return Ok(*known);
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM record WHERE n = ?1")?;
        let id: Vec<u8> = statement.query_row([n], |row| row.get(0))?;
        let record = RecordId(rows::uuid(&id, "record")?);
        self.records.insert(n, record);
        Ok(record)
    }

    /// A receipt's name, and its place in the batch where it is more than a name.
    fn receipt(&mut self, n: i64) -> Result<(ReceiptId, Option<usize>), StoreError> {
        if let Some(known) = self.receipts.get(&n) {
            return Ok(*known);
        }
        let mut statement = self.connection.prepare_cached(concat!(
            "SELECT ",
            rows::receipt_columns!(),
            ", device, id FROM receipt WHERE n = ?1"
        ))?;
        let mut found = statement.query([n])?;
        let row = found.next()?.ok_or(StoreError::Damaged("receipt"))?;
        let id = row.get::<_, Vec<u8>>(rows::RECEIPT_COLUMNS + 1)?;
        let id = ReceiptId(rows::hash(&id, "receipt")?);
        let place = match row.get::<_, Option<i64>>(rows::RECEIPT_COLUMNS)? {
            None => None,
            Some(device) => {
                let (device, _) = self.device(device)?;
                let receipt: Receipt = rows::receipt(row, device)?;
                Some(self.batch.receipt(&receipt))
            }
        };
        self.receipts.insert(n, (id, place));
        Ok((id, place))
    }
}
