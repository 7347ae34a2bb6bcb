//! Taking entries in: the one place where a device's ledger and its channels grow.

use std::{
    collections::{
        HashMap,
        hash_map::Entry::{Occupied, Vacant},
    },
    sync::Arc,
};

use rusqlite::{CachedStatement, Connection, OptionalExtension as _};
use shicha_domain::{Channel, DeviceId, EntryId, Event, ReceiptId, RecordId};
use shicha_sync::protocol::messages::{Head, NumberRun};

use super::{SqliteStore, rows};
use crate::store::{
    Appended, Candidate, Holding, Judge, OwnJudge, Placed, Pushed, StoreError, ThenAppended,
    agreement::{Agreement, agreement},
};

impl SqliteStore {
    pub(super) fn do_append(
        &self,
        push: &Pushed,
        judge: Judge<'_>,
    ) -> Result<Appended, StoreError> {
        self.write(|transaction| append(transaction, push, judge))
    }

    pub(super) fn do_append_then(&self, push: Arc<Pushed>, judge: OwnJudge, then: ThenAppended) {
        let change = move |connection: &Connection| append(connection, &push, &judge);
        self.writer.change_then(change, then);
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

/// Appends in the open transaction.
pub(super) fn append(
    transaction: &Connection,
    push: &Pushed,
    judge: Judge<'_>,
) -> Result<Appended, StoreError> {
    let Pushed {
        entries,
        signature,
        receipt,
    } = push;
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return Err(StoreError::Contradiction("nothing to append"));
    };
    let device = receipt.device;
    let state = rows::device_by_id(transaction, device)?.ok_or(StoreError::Missing("device"))?;
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
    let (before, fresh) = entries.split_at(common.min(entries.len()));
    if fresh.is_empty() {
        let mut holding = held(transaction, device, first.entry.seq, last.entry.seq)?;
        holding.head = head;
        return Ok(Appended::Held(holding));
    }
    // What was held before is looked up; what is new is known.
    let mut holding = match before {
        [] => Holding::default(),
        [.., before] => held(transaction, device, first.entry.seq, before.entry.seq)?,
    };
    let covered = rows::insert_receipt(transaction, device_n, receipt, signature)?;
    let author = rows::person_n(transaction, state.person.id)?;
    let mut intake = Intake::new(transaction, device_n, author, covered)?;
    for candidate in fresh {
        let seq = candidate.entry.seq;
        match intake.take(candidate, state.person.id, judge)? {
            Ok(number) => NumberRun::extend(&mut holding.accepted, seq, number),
            Err(code) => holding.refused.push((seq, code.to_owned())),
        }
    }
    holding.channels = intake.finish()?;
    holding.receipts.push(receipt.clone());
    holding.new = fresh.len() as u64;
    holding.head = Head {
        seq: last.entry.seq,
        id: last.id,
    };
    transaction
        .prepare_cached("UPDATE device SET head_seq = ?2, head = ?3 WHERE n = ?1")?
        .execute((device_n, last.entry.seq as i64, last.id.0))?;
    Ok(Appended::Held(holding))
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
    insert: CachedStatement<'t>,
    device: i64,
    person: i64,
    covered: i64,
    channels: Vec<Growing>,
    /// Their places. Mostly there is one, but whoever pushes decides how many there are.
    places: HashMap<Channel, usize>,
    records: HashMap<RecordId, Home>,
    after: Option<(ReceiptId, i64)>,
}

struct Growing {
    channel: Channel,
    n: i64,
    last: u64,
    has_grown: bool,
}

/// Where a record is, as far as it was decided.
struct Home {
    n: i64,
    placed: Option<Placed>,
}

impl<'t> Intake<'t> {
    fn new(
        transaction: &'t Connection,
        device: i64,
        person: i64,
        covered: i64,
    ) -> Result<Self, StoreError> {
        let insert = transaction.prepare_cached(
            "INSERT INTO entry (device, seq, id, after, at, author, channel, number, record, covered, event)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        Ok(Self {
            transaction,
            insert,
            device,
            person,
            covered,
            channels: Vec::new(),
            places: HashMap::new(),
            records: HashMap::new(),
            after: None,
        })
    }

    /// Takes an entry in: the number that it got, or the code of its refusal.
    fn take(
        &mut self,
        candidate: &Candidate,
        person: shicha_domain::PersonId,
        judge: Judge<'_>,
    ) -> Result<Result<u64, &'static str>, StoreError> {
        let entry = &candidate.entry;
        let after = entry.after.map(|after| self.after(after)).transpose()?;
        let at = self.channel(&entry.channel)?;
        let home = match self.records.entry(entry.record) {
            Occupied(known) => known.into_mut(),
            Vacant(place) => place.insert(home(self.transaction, entry.record)?),
        };
        let growing = &mut self.channels[at];
        let verdict = judge(candidate, home.placed.as_ref()).map(|()| growing.last + 1);
        let author = (entry.author != person).then(|| *entry.author.0.as_bytes());
        self.insert.execute((
            self.device,
            entry.seq as i64,
            candidate.id.0,
            after,
            entry.at.0 as i64,
            author,
            growing.n,
            verdict.ok().map(|number| number as i64),
            home.n,
            self.covered,
            &entry.event,
        ))?;
        let number = match verdict {
            Ok(number) => number,
            Err(code) => {
                self.transaction
                    .prepare_cached("INSERT INTO refused (entry, code) VALUES (?1, ?2)")?
                    .execute((self.transaction.last_insert_rowid(), code))?;
                return Ok(Err(code));
            }
        };
        growing.last = number;
        growing.has_grown = true;
        let opened = match &candidate.event {
            Some(Event::Opened { kind, .. }) => Some(*kind),
            _ => None,
        };
        let kind = home.placed.as_ref().and_then(|placed| placed.kind);
        let kind = kind.or(opened);
        if home
            .placed
            .as_ref()
            .is_none_or(|placed| placed.kind != kind)
        {
            self.transaction
                .prepare_cached("UPDATE record SET channel = ?2, kind = ?3 WHERE n = ?1")?
                .execute((home.n, growing.n, kind.map(|kind| kind.as_str())))?;
            home.placed = Some(Placed {
                channel: entry.channel.clone(),
                kind,
            });
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
                .execute((blob.0, growing.n, self.person))?;
        }
        Ok(Ok(number))
    }

    /// The place of a channel among those that are remembered.
    fn channel(&mut self, channel: &Channel) -> Result<usize, StoreError> {
        if let Some(place) = self.places.get(channel) {
            return Ok(*place);
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
        self.channels.push(Growing {
            channel: channel.clone(),
            n,
            last,
            has_grown: false,
        });
        let place = self.channels.len() - 1;
        self.places.insert(channel.clone(), place);
        Ok(place)
    }

    fn after(&mut self, after: ReceiptId) -> Result<i64, StoreError> {
        if let Some((_, n)) = self.after.filter(|(known, _)| *known == after) {
            return Ok(n);
        }
        self.transaction
            .prepare_cached("INSERT INTO receipt (id) VALUES (?1) ON CONFLICT (id) DO NOTHING")?
            .execute([after.0])?;
        let n = self
            .transaction
            .prepare_cached("SELECT n FROM receipt WHERE id = ?1")?
            .query_row([after.0], |row| row.get(0))?;
        self.after = Some((after, n));
        Ok(n)
    }

    /// Writes how far the channels have grown and returns those that have.
    fn finish(self) -> Result<Vec<Channel>, StoreError> {
        let mut grown = Vec::new();
        for growing in self.channels {
            if growing.has_grown {
                self.transaction
                    .prepare_cached("UPDATE channel SET last = ?2 WHERE n = ?1")?
                    .execute((growing.n, growing.last as i64))?;
                grown.push(growing.channel);
            }
        }
        Ok(grown)
    }
}

/// Where a record is; one that is new gets its small integer.
fn home(transaction: &Connection, record: RecordId) -> Result<Home, StoreError> {
    let found = transaction
        .prepare_cached(
            "SELECT r.n, c.name, r.kind FROM record r LEFT JOIN channel c ON c.n = r.channel WHERE r.id = ?1",
        )?
        .query_row([record.0.as_bytes()], |row| {
            Ok((row.get(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<String>>(2)?))
        })
        .optional()?;
    let Some((n, name, kind)) = found else {
        transaction
            .prepare_cached("INSERT INTO record (id) VALUES (?1)")?
            .execute([record.0.as_bytes()])?;
        return Ok(Home {
            n: transaction.last_insert_rowid(),
            placed: None,
        });
    };
    let placed = match name {
        None => None,
        Some(name) => Some(Placed {
            channel: rows::channel(&name)?,
            kind: kind.as_deref().map(rows::record_kind).transpose()?,
        }),
    };
    Ok(Home { n, placed })
}

/// What was held before, from `first` on up to the receipt that covers `last`.
fn held(
    connection: &Connection,
    device: DeviceId,
    first: u64,
    last: u64,
) -> Result<Holding, StoreError> {
    let device_n = rows::device_n(connection, device)?;
    let mut holding = Holding::default();
    let mut statement = connection.prepare_cached(
        "SELECT seq, head, received_at_ms, signature FROM receipt
         WHERE device = ?1 AND seq >= ?2 AND signature IS NOT NULL ORDER BY seq",
    )?;
    let mut found = statement.query((device_n, first as i64))?;
    let mut upto = 0;
    while let Some(row) = found.next()? {
        let receipt = rows::receipt(row, 0, device)?;
        upto = receipt.seq;
        holding.receipts.push(receipt);
        if upto >= last {
            break;
        }
    }
    let mut statement = connection.prepare_cached(
        "SELECT e.seq, e.number, r.code FROM entry e LEFT JOIN refused r ON r.entry = e.n
         WHERE e.device = ?1 AND e.seq BETWEEN ?2 AND ?3 ORDER BY e.seq",
    )?;
    let mut found = statement.query((device_n, first as i64, upto as i64))?;
    while let Some(row) = found.next()? {
        let seq = row.get::<_, i64>(0)? as u64;
        match row.get::<_, Option<i64>>(1)? {
            Some(number) => NumberRun::extend(&mut holding.accepted, seq, number as u64),
            None => holding.refused.push((
                seq,
                row.get::<_, Option<String>>(2)?
                    .ok_or(StoreError::Damaged("refusal"))?,
            )),
        }
    }
    Ok(holding)
}
