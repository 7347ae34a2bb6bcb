//! Records: their local numbers, and their state folded from entries.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension as _, params};
use shicha_domain::{
    Channel, DeviceId, EntryId, PersonId, RecordId, RecordState, bounds::Bounds, entry::Entry,
    event::Pin, ids::SetHash, receipt::Rank, record::Held,
};

use crate::{
    entries::{ENTRY, read_entry},
    error::LedgerError,
    ledger::Ledger,
    ranks::Received,
};

/// Local numbers that were looked up in this transaction.
#[derive(Default)]
pub(crate) struct Locals {
    devices: HashMap<DeviceId, i64>,
    people: HashMap<PersonId, i64>,
    channels: HashMap<Channel, i64>,
    records: HashMap<RecordId, (i64, i64)>,
}

impl Locals {
    pub(crate) fn device(&mut self, db: &Connection, id: DeviceId) -> Result<i64, LedgerError> {
        if let Some(n) = self.devices.get(&id) {
            return Ok(*n);
        }
        let n = number(
            db,
            "SELECT n FROM device WHERE id = ?1",
            "INSERT INTO device (id) VALUES (?1)",
            id.0.as_bytes(),
        )?;
        self.devices.insert(id, n);
        Ok(n)
    }

    pub(crate) fn person(&mut self, db: &Connection, id: PersonId) -> Result<i64, LedgerError> {
        if let Some(n) = self.people.get(&id) {
            return Ok(*n);
        }
        let n = number(
            db,
            "SELECT n FROM person WHERE id = ?1",
            "INSERT INTO person (id) VALUES (?1)",
            id.0.as_bytes(),
        )?;
        self.people.insert(id, n);
        Ok(n)
    }

    pub(crate) fn channel(
        &mut self,
        db: &Connection,
        channel: &Channel,
    ) -> Result<i64, LedgerError> {
        if let Some(n) = self.channels.get(channel) {
            return Ok(*n);
        }
        let name = channel.to_string();
        let n = number(
            db,
            "SELECT n FROM channel WHERE name = ?1",
            "INSERT INTO channel (name) VALUES (?1)",
            &name,
        )?;
        self.channels.insert(channel.clone(), n);
        Ok(n)
    }

    /// A record's number, and the number of the channel that it lives in.
    pub(crate) fn record(
        &mut self,
        db: &Connection,
        id: RecordId,
        channel: i64,
    ) -> Result<(i64, i64), LedgerError> {
        if let Some(found) = self.records.get(&id) {
            return Ok(*found);
        }
        let found = db
            .prepare_cached("SELECT n, channel FROM record WHERE id = ?1")?
            .query_row([id.0.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let found = match found {
            Some(found) => found,
            None => {
                db.prepare_cached("INSERT INTO record (id, channel) VALUES (?1, ?2)")?
                    .execute(params![id.0.as_bytes(), channel])?;
                (db.last_insert_rowid(), channel)
            }
        };
        self.records.insert(id, found);
        Ok(found)
    }

    /// Lets a record live in another channel.
    pub(crate) fn move_record(
        &mut self,
        db: &Connection,
        id: RecordId,
        channel: i64,
    ) -> Result<(), LedgerError> {
        db.prepare_cached("UPDATE record SET channel = ?2 WHERE id = ?1")?
            .execute(params![id.0.as_bytes(), channel])?;
        self.records.remove(&id);
        Ok(())
    }
}

fn number(
    db: &Connection,
    find: &str,
    insert: &str,
    key: impl rusqlite::ToSql,
) -> Result<i64, LedgerError> {
    let found = db
        .prepare_cached(find)?
        .query_row([&key], |row| row.get(0))
        .optional()?;
    match found {
        Some(n) => Ok(n),
        None => {
            db.prepare_cached(insert)?.execute([&key])?;
            Ok(db.last_insert_rowid())
        }
    }
}

impl Ledger {
    /// A record, folded; `None` where nothing of it is here.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn record(&self, record: RecordId) -> Result<Option<Arc<RecordState>>, LedgerError> {
        let (kept, writes) = self.kept(record);
        if let Some(state) = kept {
            return Ok(Some(state));
        }
        let folded = self.read(|db| fold(db, record))?.map(Arc::new);
        if let Some(state) = &folded {
            self.keep_read(Arc::clone(state), writes);
        }
        Ok(folded)
    }
}

impl Ledger {
    /// A signed version of a record, whether it counts or not; `None` where it is not here.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn version_of(
        &self,
        record: RecordId,
        version: SetHash,
    ) -> Result<Option<RecordState>, LedgerError> {
        let entries = self.read(|db| entries(db, record))?;
        Ok(RecordState::fold_version(held(&entries), version))
    }
}

/// Folds a record from all its entries. Entries that claim it from another channel than it lives in do not count.
pub(crate) fn fold(db: &Connection, record: RecordId) -> Result<Option<RecordState>, LedgerError> {
    let entries = entries(db, record)?;
    Ok(RecordState::fold_held(held(&entries)))
}

/// What a signature given now covers, by the transaction that appends it.
pub(crate) fn pin(db: &Connection, record: RecordId) -> Result<Pin, LedgerError> {
    let entries = entries(db, record)?;
    Ok(RecordState::pin(held(&entries)))
}

/// An entry with what its receipt says of it.
pub(crate) struct Known {
    id: EntryId,
    pub(crate) entry: Entry,
    receipt: Option<(Rank, Bounds)>,
    is_refused: bool,
}

impl Known {
    /// An entry that the endpoint has received.
    pub(crate) fn received(id: EntryId, entry: Entry, receipt: Option<(Rank, Bounds)>) -> Self {
        Self {
            id,
            entry,
            receipt,
            is_refused: false,
        }
    }
}

pub(crate) fn held(entries: &[Known]) -> impl Iterator<Item = Held<'_>> {
    entries.iter().map(|known| Held {
        is_refused: known.is_refused,
        ..Held::new(known.id, &known.entry, known.receipt)
    })
}

/// All entries of a record, with what is known of each.
pub(crate) fn entries(db: &Connection, record: RecordId) -> Result<Vec<Known>, LedgerError> {
    let mut statement = db.prepare_cached(&format!(
        "{ENTRY} WHERE e.record = (SELECT n FROM record WHERE id = ?1) AND e.channel = r.channel
         ORDER BY e.device, e.seq"
    ))?;
    let mut rows = statement.query([record.0.as_bytes()])?;
    let mut received = Received::default();
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, entry) = read_entry(row)?;
        let covered: Option<i64> = row.get(13)?;
        let receipt = match row.get::<_, Option<i64>>(12)? {
            // Without a number it was not received, whatever receipts are here: its log may have parted (invariant 11).
            None => None,
            Some(_) => received.of(db, covered)?,
        };
        entries.push(Known {
            id,
            receipt,
            entry,
            is_refused: row.get::<_, Option<String>>(11)?.is_some(),
        });
    }
    Ok(entries)
}
