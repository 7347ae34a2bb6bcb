//! Giving entries out, and how far each channel has been seen.

use std::{collections::HashMap, ops::ControlFlow};

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row};
use shicha_domain::{
    Channel, DeviceId, Entry, EntryId, Hlc, PersonId, Receipt, ReceiptId, RecordId,
};
use shicha_sync::protocol::{BatchWriter, MAX_LIST, wire::PulledChannel};

use super::{SqliteStore, rows};
use crate::store::{PullNote, PullQuery, Pulled, StoreError, seen::Seen};

impl SqliteStore {
    pub(super) fn do_pull(
        &self,
        query: &PullQuery<'_>,
        batch: &mut BatchWriter,
    ) -> Result<Pulled, StoreError> {
        self.read(|transaction| {
            let person = rows::person_n(transaction, query.person)?;
            let mut giving = Giving::new(transaction, batch);
            let mut pulled = Pulled::default();
            each_line(transaction, query.only, |line| {
                giving.line(&line, person, query, &mut pulled)
            })?;
            Ok(pulled)
        })
    }

    pub(super) fn do_note_pulls(
        &self,
        notes: &[PullNote],
    ) -> Result<Vec<Vec<Channel>>, StoreError> {
        self.write(|transaction| {
            notes
                .iter()
                .map(|note| note_pull(transaction, note))
                .collect()
        })
    }
}

fn note_pull(transaction: &Connection, note: &PullNote) -> Result<Vec<Channel>, StoreError> {
    let device = rows::device_n(transaction, note.device)?;
    let person = rows::person_n(transaction, note.person)?;
    let mut give = transaction.prepare_cached(
        "INSERT INTO given (device, channel, upto) SELECT ?1, n, ?3 FROM channel WHERE name = ?2
         ON CONFLICT (device, channel) DO UPDATE SET upto = max(upto, excluded.upto)",
    )?;
    for (channel, upto) in &note.given {
        give.execute((device, channel.to_string(), *upto as i64))?;
    }
    let mut look = transaction.prepare_cached(
        "SELECT c.n, min(c.last, g.upto), c.seen_by, c.seen, c.seen_by2, c.seen2
         FROM channel c JOIN given g ON g.channel = c.n AND g.device = ?1 WHERE c.name = ?2",
    )?;
    let mut change = transaction.prepare_cached(
        "UPDATE channel SET seen_by = ?2, seen = ?3, seen_by2 = ?4, seen2 = ?5 WHERE n = ?1",
    )?;
    let mut changed = Vec::new();
    for (channel, upto) in &note.held {
        let found = look
            .query_row((device, channel.to_string()), |row| {
                Ok((row.get::<_, i64>(0)?, upto_of(row, 1)?, seen_of(row, 2)?))
            })
            .optional()?;
        // What was not given to this device it cannot have seen.
        let Some((n, most, seen)) = found else {
            continue;
        };
        if let Some(seen) = seen.with(person, (*upto).min(most)) {
            change.execute((
                n,
                seen.first.0,
                seen.first.1 as i64,
                seen.second.0,
                seen.second.1 as i64,
            ))?;
            changed.push(channel.clone());
        }
    }
    Ok(changed)
}

/// A channel that has entries.
struct Line {
    n: i64,
    channel: Channel,
    last: u64,
    seen: Seen<i64>,
}

fn upto_of(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(|n| n as u64)
}

fn seen_of(row: &Row<'_>, at: usize) -> rusqlite::Result<Seen<i64>> {
    Ok(Seen {
        first: (row.get(at)?, upto_of(row, at + 1)?),
        second: (row.get(at + 2)?, upto_of(row, at + 3)?),
    })
}

/// Looks at channels that have entries until it was enough: those named, or all, and then what is published to all comes first, because
/// without its pack no record can be shown well.
fn each_line(
    connection: &Connection,
    only: Option<&[Channel]>,
    mut look: impl FnMut(Line) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let mut rows_of = |statement: &mut CachedStatement<'_>, name: Option<&str>| {
        let mut found = match name {
            Some(name) => statement.query([name])?,
            None => statement.query([])?,
        };
        while let Some(row) = found.next()? {
            let name = row
                .get_ref(1)?
                .as_str()
                .map_err(|_| StoreError::Damaged("channel"))?;
            let line = Line {
                n: row.get(0)?,
                channel: rows::channel(name)?,
                last: upto_of(row, 2)?,
                seen: seen_of(row, 3)?,
            };
            if look(line)?.is_break() {
                return Ok::<_, StoreError>(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    };
    if let Some(only) = only {
        let mut one = connection.prepare_cached(
            "SELECT n, name, last, seen_by, seen, seen_by2, seen2 FROM channel WHERE name = ?1 AND last > 0",
        )?;
        for channel in only {
            if rows_of(&mut one, Some(&channel.to_string()))?.is_break() {
                break;
            }
        }
        return Ok(());
    }
    let mut published = connection.prepare_cached(
        "SELECT n, name, last, seen_by, seen, seen_by2, seen2 FROM channel
         WHERE name >= 'pub/' AND name < 'pub0' AND last > 0 ORDER BY n",
    )?;
    if rows_of(&mut published, None)?.is_break() {
        return Ok(());
    }
    let mut others = connection.prepare_cached(
        "SELECT n, name, last, seen_by, seen, seen_by2, seen2 FROM channel INDEXED BY channel_with_entries
         WHERE last > 0 AND NOT (name >= 'pub/' AND name < 'pub0') ORDER BY n",
    )?;
    rows_of(&mut others, None).map(|_| ())
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

    /// Gives what is new of a channel, if its reader may have it and there is room.
    fn line(
        &mut self,
        line: &Line,
        person: i64,
        query: &PullQuery<'_>,
        pulled: &mut Pulled,
    ) -> Result<ControlFlow<()>, StoreError> {
        let channel = &line.channel;
        if !(query.may_read)(channel) {
            return Ok(ControlFlow::Continue(()));
        }
        let held = query.held.get(channel).copied().unwrap_or_default();
        let upto = held.upto.min(line.last);
        if line.seen.with(person, upto).is_some() {
            pulled.news.push((channel.clone(), upto));
        }
        let seen_upto = line.seen.by_others(person);
        let is_behind = held.upto < line.last;
        if !is_behind && held.seen.is_none_or(|told| told >= seen_upto) {
            return Ok(ControlFlow::Continue(()));
        }
        let is_full = pulled.channels.len() >= MAX_LIST || (is_behind && self.is_full(query));
        if is_full {
            pulled.more = true;
            return Ok(ControlFlow::Break(()));
        }
        let before = self.batch.len();
        if is_behind {
            self.channel(line.n, channel, held.upto, query)?;
        }
        let rows = self.batch.len() - before;
        pulled.more |= is_behind && held.upto + (rows as u64) < line.last;
        pulled.channels.push(PulledChannel {
            channel: channel.clone(),
            rows,
            seen_upto,
        });
        Ok(ControlFlow::Continue(()))
    }

    fn channel(
        &mut self,
        n: i64,
        channel: &Channel,
        cursor: u64,
        query: &PullQuery<'_>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT number, device, seq, id, after, at, record, covered, event, again FROM entry
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
                again: rows::again(row, 9)?,
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
            return rows::start(self.connection, device);
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
