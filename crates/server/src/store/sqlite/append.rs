//! Taking entries in: the one place where a device's ledger and its channels grow.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _};
use shicha_domain::{Channel, DeviceId, EntryId, Event, ReceiptId, RecordId};
use shicha_sync::protocol::messages::{Head, NumberRun};

use super::{SqliteStore, rows};
use crate::store::{
    Appended, Candidate, Holding, Judge, Placed, Seal, StoreError,
    agreement::{Agreement, agreement},
};

impl SqliteStore {
    pub(super) fn do_append(
        &self,
        device: DeviceId,
        entries: &[Candidate],
        push_signature: &[u8],
        judge: Judge<'_>,
        seal: Seal<'_>,
    ) -> Result<Appended, StoreError> {
        self.write(|transaction| {
            let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
                return Err(StoreError::Contradiction("nothing to append"));
            };
            let state =
                rows::device_by_id(transaction, device)?.ok_or(StoreError::Missing("device"))?;
            let device_n = rows::device_n(transaction, device)?;
            let head = state.head;
            if first.entry.seq > head.seq + 1 || first.entry.seq == 0 {
                return Ok(Appended::Gap { head });
            }
            let common = match agreement(entries, head, |from, limit| {
                log(transaction, device_n, from, limit)
            })? {
                Agreement::Whole(common) => common,
                Agreement::Parted(common) => return Ok(Appended::Fork { common, head }),
            };
            let fresh = &entries[common.min(entries.len())..];
            let mut channels = Vec::new();
            if !fresh.is_empty() {
                let receipt = seal(device, last.entry.seq, last.id);
                let covered =
                    rows::insert_receipt(transaction, device_n, &receipt, push_signature)?;
                let author = rows::person_n(transaction, state.person.id)?;
                let mut intake = Intake::new(transaction, device_n, author, covered);
                for candidate in fresh {
                    intake.take(candidate, state.person.id, judge)?;
                }
                channels = intake.finish()?;
                transaction.execute(
                    "UPDATE device SET head_seq = ?2, head = ?3 WHERE n = ?1",
                    (device_n, last.entry.seq as i64, last.id.0),
                )?;
            }
            let mut holding = holding(
                transaction,
                device_n,
                device,
                first.entry.seq,
                last.entry.seq,
            )?;
            holding.head = if fresh.is_empty() {
                head
            } else {
                Head {
                    seq: last.entry.seq,
                    id: last.id,
                }
            };
            holding.channels = channels;
            holding.new = fresh.len() as u64;
            Ok(Appended::Held(holding))
        })
    }

    pub(super) fn do_log(
        &self,
        device: DeviceId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Head>, StoreError> {
        self.read(|transaction| {
            let device = rows::device_n(transaction, device)?;
            log(transaction, device, from, limit)
        })
    }
}

fn log(
    connection: &Connection,
    device: i64,
    from: u64,
    limit: usize,
) -> Result<Vec<Head>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, id FROM entry WHERE device = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
    )?;
    let mut found = statement.query((
        device,
        i64::try_from(from).unwrap_or(i64::MAX),
        limit as i64,
    ))?;
    let mut heads = Vec::new();
    while let Some(row) = found.next()? {
        heads.push(Head {
            seq: row.get::<_, i64>(0)? as u64,
            id: EntryId(rows::hash(&row.get::<_, Vec<u8>>(1)?, "entry")?),
        });
    }
    Ok(heads)
}

/// Takes new entries in, one by one, remembering what was looked up.
struct Intake<'t> {
    transaction: &'t Connection,
    device: i64,
    person: i64,
    covered: i64,
    channels: HashMap<Channel, Growing>,
    records: HashMap<RecordId, (i64, Option<Placed>)>,
    afters: HashMap<ReceiptId, i64>,
}

struct Growing {
    n: i64,
    last: u64,
    has_grown: bool,
}

impl<'t> Intake<'t> {
    fn new(transaction: &'t Connection, device: i64, person: i64, covered: i64) -> Self {
        Self {
            transaction,
            device,
            person,
            covered,
            channels: HashMap::new(),
            records: HashMap::new(),
            afters: HashMap::new(),
        }
    }

    fn take(
        &mut self,
        candidate: &Candidate,
        person: shicha_domain::PersonId,
        judge: Judge<'_>,
    ) -> Result<(), StoreError> {
        let entry = &candidate.entry;
        let after = entry.after.map(|after| self.after(after)).transpose()?;
        let (channel, next) = self.channel(&entry.channel)?;
        let (record, placed) = self.record(entry.record)?;
        let verdict = judge(candidate, placed.as_ref());
        let author = (entry.author != person).then(|| *entry.author.0.as_bytes());
        self.transaction
            .prepare_cached(
                "INSERT INTO entry (device, seq, id, after, at, author, channel, number, record, covered, event)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute((
                self.device,
                entry.seq as i64,
                candidate.id.0,
                after,
                entry.at.0 as i64,
                author,
                channel,
                verdict.is_ok().then_some(next as i64),
                record,
                self.covered,
                &entry.event,
            ))?;
        match verdict {
            Err(code) => {
                self.transaction
                    .prepare_cached("INSERT INTO refused (entry, code) VALUES (?1, ?2)")?
                    .execute((self.transaction.last_insert_rowid(), code))?;
                Ok(())
            }
            Ok(()) => self.accepted(candidate, record, placed, channel),
        }
    }

    fn accepted(
        &mut self,
        candidate: &Candidate,
        record: i64,
        placed: Option<Placed>,
        channel: i64,
    ) -> Result<(), StoreError> {
        let entry = &candidate.entry;
        if let Some(growing) = self.channels.get_mut(&entry.channel) {
            growing.last += 1;
            growing.has_grown = true;
        }
        let opened = match &candidate.event {
            Some(Event::Opened { kind, .. }) => Some(*kind),
            _ => None,
        };
        let kind = placed.as_ref().and_then(|placed| placed.kind).or(opened);
        if placed.as_ref().is_none_or(|placed| placed.kind != kind) {
            self.transaction
                .prepare_cached("UPDATE record SET channel = ?2, kind = ?3 WHERE n = ?1")?
                .execute((record, channel, kind.map(|kind| kind.as_str())))?;
            self.records.insert(
                entry.record,
                (
                    record,
                    Some(Placed {
                        channel: entry.channel.clone(),
                        kind,
                    }),
                ),
            );
        }
        if let Some((blob, size)) = candidate.event.as_ref().and_then(Event::blobs) {
            self.transaction
                .prepare_cached(
                    "INSERT INTO blob (hash, size) VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING",
                )?
                .execute((blob.0, size as i64))?;
            self.transaction
                .prepare_cached(
                    "INSERT INTO blob_use (blob, channel, person) SELECT n, ?2, ?3 FROM blob WHERE hash = ?1
                     ON CONFLICT DO NOTHING",
                )?
                .execute((blob.0, channel, self.person))?;
        }
        Ok(())
    }

    /// The channel's small integer and the next number in it.
    fn channel(&mut self, channel: &Channel) -> Result<(i64, u64), StoreError> {
        if let Some(growing) = self.channels.get(channel) {
            return Ok((growing.n, growing.last + 1));
        }
        let name = channel.to_string();
        self.transaction
            .prepare_cached("INSERT INTO channel (name) VALUES (?1) ON CONFLICT (name) DO NOTHING")?
            .execute([&name])?;
        let (n, last) = self
            .transaction
            .prepare_cached("SELECT n, last FROM channel WHERE name = ?1")?
            .query_row([&name], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)? as u64))
            })?;
        self.channels.insert(
            channel.clone(),
            Growing {
                n,
                last,
                has_grown: false,
            },
        );
        Ok((n, last + 1))
    }

    fn record(&mut self, record: RecordId) -> Result<(i64, Option<Placed>), StoreError> {
        if let Some(known) = self.records.get(&record) {
            return Ok(known.clone());
        }
        let found = self
            .transaction
            .prepare_cached(
                "SELECT r.n, c.name, r.kind FROM record r LEFT JOIN channel c ON c.n = r.channel WHERE r.id = ?1",
            )?
            .query_row([record.0.as_bytes()], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<String>>(2)?))
            })
            .optional()?;
        let known = match found {
            None => {
                self.transaction
                    .prepare_cached("INSERT INTO record (id) VALUES (?1)")?
                    .execute([record.0.as_bytes()])?;
                (self.transaction.last_insert_rowid(), None)
            }
            Some((n, None, _)) => (n, None),
            Some((n, Some(name), kind)) => {
                let kind = kind.as_deref().map(rows::record_kind).transpose()?;
                (
                    n,
                    Some(Placed {
                        channel: rows::channel(&name)?,
                        kind,
                    }),
                )
            }
        };
        self.records.insert(record, known.clone());
        Ok(known)
    }

    fn after(&mut self, after: ReceiptId) -> Result<i64, StoreError> {
        if let Some(&n) = self.afters.get(&after) {
            return Ok(n);
        }
        self.transaction
            .prepare_cached("INSERT INTO receipt (id) VALUES (?1) ON CONFLICT (id) DO NOTHING")?
            .execute([after.0])?;
        let n = self
            .transaction
            .prepare_cached("SELECT n FROM receipt WHERE id = ?1")?
            .query_row([after.0], |row| row.get(0))?;
        self.afters.insert(after, n);
        Ok(n)
    }

    /// Writes how far the channels have grown and returns those that have.
    fn finish(self) -> Result<Vec<Channel>, StoreError> {
        let mut grown = Vec::new();
        for (channel, growing) in self.channels {
            if growing.has_grown {
                self.transaction
                    .prepare_cached("UPDATE channel SET last = ?2 WHERE n = ?1")?
                    .execute((growing.n, growing.last as i64))?;
                grown.push(channel);
            }
        }
        Ok(grown)
    }
}

/// What is held from `first` on up to the receipt that covers `last`.
fn holding(
    connection: &Connection,
    device_n: i64,
    device: DeviceId,
    first: u64,
    last: u64,
) -> Result<Holding, StoreError> {
    let mut receipts = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT seq, head, received_at_ms, signature FROM receipt
         WHERE device = ?1 AND seq >= ?2 AND signature IS NOT NULL ORDER BY seq",
    )?;
    let mut found = statement.query((device_n, first as i64))?;
    let mut upto = 0;
    while let Some(row) = found.next()? {
        let receipt = rows::receipt(row, 0, device)?;
        upto = receipt.seq;
        receipts.push(receipt);
        if upto >= last {
            break;
        }
    }
    let mut accepted = Vec::new();
    let mut refused = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT e.seq, e.number, r.code FROM entry e LEFT JOIN refused r ON r.entry = e.n
         WHERE e.device = ?1 AND e.seq BETWEEN ?2 AND ?3 ORDER BY e.seq",
    )?;
    let mut found = statement.query((device_n, first as i64, upto as i64))?;
    while let Some(row) = found.next()? {
        let seq = row.get::<_, i64>(0)? as u64;
        match row.get::<_, Option<i64>>(1)? {
            Some(number) => NumberRun::extend(&mut accepted, seq, number as u64),
            None => refused.push((
                seq,
                row.get::<_, Option<String>>(2)?
                    .ok_or(StoreError::Damaged("refusal"))?,
            )),
        }
    }
    let head = Head::EMPTY;
    Ok(Holding {
        receipts,
        accepted,
        refused,
        head,
        channels: Vec::new(),
        new: 0,
    })
}
