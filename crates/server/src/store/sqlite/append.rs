//! Taking entries in: the one place where a device's ledger and its channels grow.

use std::{
    collections::{
        HashMap,
        hash_map::Entry::{Occupied, Vacant},
    },
    sync::Arc,
};

use rusqlite::{Connection, OptionalExtension as _};
use shicha_domain::{
    Channel, DeviceId, EntryId, Event, ReceiptId, RecordId, bounds::Bounds, suite::SignatureBytes,
};
use shicha_sync::protocol::messages::{Head, NumberRun};

use super::{SqliteStore, directory::changed, rows};
use crate::store::{
    Appended, Candidate, Holding, Judge, Known, OwnJudge, Placed, Pushed, StoreError, ThenAppended,
    ToldEnd,
    agreement::{Agreement, agreement, ended},
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

    pub(super) fn do_note_end(&self, device: DeviceId, end: &ToldEnd) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let state =
                rows::device_by_id(transaction, device)?.ok_or(StoreError::Missing("device"))?;
            put_end(
                transaction,
                rows::device_n(transaction, device)?,
                state.head,
                end,
            )
        })
    }

    pub(super) fn do_end_of(&self, device: DeviceId) -> Result<Option<ToldEnd>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT end_tick_ms, end_seq, end_head, end_signature FROM device WHERE id = ?1 AND end_tick_ms IS NOT NULL",
            )?;
            let mut found = statement.query([device.0.as_bytes()])?;
            let Some(row) = found.next()? else {
                return Ok(None);
            };
            Ok(Some(ToldEnd {
                tick_ms: row.get::<_, i64>(0)? as u64,
                seq: row.get::<_, i64>(1)? as u64,
                head: EntryId(rows::hash(&row.get::<_, Vec<u8>>(2)?, "end")?),
                signature: rows::signature(&row.get::<_, Vec<u8>>(3)?)?,
            }))
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

/// Appends in the open transaction.
pub(super) fn append(
    transaction: &Connection,
    push: &Pushed,
    judge: Judge<'_>,
) -> Result<Appended, StoreError> {
    let entries = &push.entries;
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return Err(StoreError::Contradiction("nothing to append"));
    };
    let device = last.entry.device;
    let state = rows::device_by_id(transaction, device)?.ok_or(StoreError::Missing("device"))?;
    let device_n = rows::device_n(transaction, device)?;
    let head = state.head;
    if first.entry.seq > head.seq + 1 || first.entry.seq == 0 {
        return Ok(Appended::Gap { head });
    }
    let common = match agreement(entries, (state.start, head), |from, limit| {
        log(transaction, device_n, from, limit)
    })? {
        Agreement::Whole(held) if state.is_ended && push.is_by_itself => {
            let common = ended(entries, held);
            return Ok(Appended::Fork { common, head });
        }
        Agreement::Whole(common) => common,
        Agreement::Parted(common) => {
            if push.shows_a_copy(&state) {
                note_parted(transaction, device_n, (push.now)())?;
            }
            return Ok(Appended::Fork { common, head });
        }
    };
    let (before, fresh) = entries.split_at(common.min(entries.len()));
    if fresh.is_empty() {
        let mut holding = held(transaction, device, first.entry.seq, last.entry.seq)?;
        holding.head = head;
        if let Some(end) = &push.end {
            put_end(transaction, device_n, head, end)?;
        }
        return Ok(Appended::Held(holding));
    }
    // What was held before is looked up; what is new is known.
    let mut holding = match before {
        [] => Holding::default(),
        [.., before] => held(transaction, device, first.entry.seq, before.entry.seq)?,
    };
    let mut brought = HashMap::new();
    for (n, receipt) in push.brought.after(head.seq) {
        brought.insert(n, rows::insert_brought(transaction, device_n, receipt)?);
    }
    let author = rows::person_n(transaction, state.person.id)?;
    let named = rows::named(
        transaction,
        device_n,
        &state.past.names(fresh),
        (push.now)(),
    )?;
    let mut sealing = state.past.sealing(push, fresh, &named);
    let mut intake = Intake::new(transaction, device_n, author);
    let mut judged = Vec::with_capacity(fresh.len());
    for (candidate, bounds) in fresh.iter().zip(sealing.bounds()) {
        let seq = candidate.entry.seq;
        let one = intake.judge(candidate, bounds, judge)?;
        match one.verdict {
            Ok(number) => NumberRun::extend(&mut holding.accepted, seq, number),
            Err(code) => holding.refused.push((seq, code.to_owned())),
        }
        judged.push(one);
    }
    // Time and numbers are given in one place, so that receipts rise as the numbers do (invariant 8, receipts rise).
    sealing.judged();
    let received_ms = sealing.received_ms(intake.newest_ms())?;
    let receipts = sealing.receipts(&holding.refused, received_ms);
    let sealed = receipts.len();
    let mut fresh_judged = fresh.iter().zip(judged);
    for (n, (receipt, count)) in receipts.into_iter().enumerate() {
        // The device signed its last entry, which seals all below it.
        let signature = match n + 1 == sealed {
            true => &push.signature,
            false => &SignatureBytes::NONE,
        };
        let covered = rows::insert_receipt(transaction, device_n, &receipt, signature)?;
        for (candidate, one) in fresh_judged.by_ref().take(count) {
            let oldest = push.brought.oldest(candidate.entry.seq, receipt.rank());
            let older = oldest.filter(|_| one.verdict.is_ok());
            let covered = older
                .and_then(|(n, _)| brought.get(&n))
                .copied()
                .unwrap_or(covered);
            intake.insert(candidate, one, state.person.id, covered)?;
        }
        holding.receipts.push(receipt);
    }
    holding.channels = intake.finish(received_ms)?;
    holding.new = fresh.len() as u64;
    holding.head = Head {
        seq: last.entry.seq,
        id: last.id,
    };
    transaction
        .prepare_cached("UPDATE device SET head_seq = ?2, head = ?3 WHERE n = ?1")?
        .execute((device_n, last.entry.seq as i64, last.id.0))?;
    rows::put_past(transaction, device_n, &sealing.past)?;
    if let Some(end) = &push.end {
        put_end(transaction, device_n, holding.head, end)?;
    }
    Ok(Appended::Held(holding))
}

/// Notes that a device signed two entries for one place.
fn note_parted(connection: &Connection, device: i64, now_ms: u64) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE device SET parted_at_ms = ?2 WHERE n = ?1",
        (device, now_ms as i64),
    )?;
    changed(connection)
}

/// Takes an end that a device told, if its log ends there. Whether it does.
pub(super) fn put_end(
    connection: &Connection,
    device: i64,
    head: Head,
    end: &ToldEnd,
) -> Result<bool, StoreError> {
    if (head.seq, head.id) != (end.seq, end.head) {
        return Ok(false);
    }
    connection
        .prepare_cached(
            "UPDATE device SET since_ms = max(since_ms, ?2), end_tick_ms = ?2, end_seq = ?3, end_head = ?4, end_signature = ?5
             WHERE n = ?1 AND coalesce(end_tick_ms, 0) <= ?2",
        )?
        .execute((
            device,
            end.tick_ms as i64,
            end.seq as i64,
            end.head.0,
            end.signature.tagged(),
        ))?;
    Ok(true)
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

/// Takes new entries in, remembering what was looked up: first all are judged, then they are written with their receipts.
pub(super) struct Intake<'t> {
    transaction: &'t Connection,
    device: i64,
    person: i64,
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
    received_ms: u64,
    has_grown: bool,
}

/// Where a record is, as far as it was decided.
struct Home {
    n: i64,
    placed: Option<Placed>,
}

/// An entry that was judged, and where it goes.
pub(super) struct Judged {
    channel: i64,
    record: i64,
    /// The number that it gets, or the code of its refusal.
    pub(super) verdict: Result<u64, &'static str>,
}

impl<'t> Intake<'t> {
    pub(super) fn new(transaction: &'t Connection, device: i64, person: i64) -> Self {
        Self {
            transaction,
            device,
            person,
            channels: Vec::new(),
            places: HashMap::new(),
            records: HashMap::new(),
            after: None,
        }
    }

    /// Judges an entry and gives it its number.
    pub(super) fn judge(
        &mut self,
        candidate: &Candidate,
        bounds: Bounds,
        judge: Judge<'_>,
    ) -> Result<Judged, StoreError> {
        let entry = &candidate.entry;
        let at = self.channel(&entry.channel)?;
        let home = match self.records.entry(entry.record) {
            Occupied(known) => known.into_mut(),
            Vacant(place) => place.insert(home(self.transaction, entry.record)?),
        };
        let growing = &mut self.channels[at];
        let known = Known {
            placed: home.placed.as_ref(),
            bounds,
        };
        let verdict = judge(candidate, &known).map(|()| growing.last + 1);
        let judged = Judged {
            channel: growing.n,
            record: home.n,
            verdict,
        };
        let Ok(number) = verdict else {
            return Ok(judged);
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
        Ok(judged)
    }

    /// The time of the newest receipt of the channels that grow.
    pub(super) fn newest_ms(&self) -> u64 {
        let grown = self.channels.iter().filter(|growing| growing.has_grown);
        grown.map(|growing| growing.received_ms).max().unwrap_or(0)
    }

    /// Writes an entry that was judged.
    fn insert(
        &mut self,
        candidate: &Candidate,
        judged: Judged,
        person: shicha_domain::PersonId,
        covered: i64,
    ) -> Result<(), StoreError> {
        let entry = &candidate.entry;
        let after = entry.after.map(|after| self.after(after)).transpose()?;
        let author = (entry.author != person).then(|| *entry.author.0.as_bytes());
        self.transaction
            .prepare_cached(
                "INSERT INTO entry (device, seq, id, after, at, author, channel, number, record, covered, event, again)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute((
                self.device,
                entry.seq as i64,
                candidate.id.0,
                after,
                entry.at.0 as i64,
                author,
                judged.channel,
                judged.verdict.ok().map(|number| number as i64),
                judged.record,
                covered,
                &entry.event,
                entry.again.map(|again| again.to_bytes()),
            ))?;
        if let Err(code) = judged.verdict {
            self.transaction
                .prepare_cached("INSERT INTO refused (entry, code) VALUES (?1, ?2)")?
                .execute((self.transaction.last_insert_rowid(), code))?;
            return Ok(());
        }
        self.note_evidence(candidate, &judged)
    }

    /// Notes that an accepted entry names evidence.
    pub(super) fn note_evidence(
        &self,
        candidate: &Candidate,
        judged: &Judged,
    ) -> Result<(), StoreError> {
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
                .execute((blob.0, judged.channel, self.person))?;
        }
        Ok(())
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
        let (n, last, received_ms) = self
            .transaction
            .prepare_cached("SELECT n, last, received_ms FROM channel WHERE name = ?1")?
            .query_row([&name], |row| {
                let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
                Ok((row.get(0)?, number(1)?, number(2)?))
            })?;
        self.channels.push(Growing {
            channel: channel.clone(),
            n,
            last,
            received_ms,
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

    /// Writes how far the channels have grown, and when, and returns those that have.
    pub(super) fn finish(self, received_ms: u64) -> Result<Vec<Channel>, StoreError> {
        let mut grown = Vec::new();
        for growing in self.channels {
            if growing.has_grown {
                self.transaction
                    .prepare_cached("UPDATE channel SET last = ?2, received_ms = ?3 WHERE n = ?1")?
                    .execute((growing.n, growing.last as i64, received_ms as i64))?;
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
    let mut statement = connection.prepare_cached(concat!(
        "SELECT ",
        rows::receipt_columns!(),
        " FROM receipt WHERE device = ?1 AND seq >= ?2 AND signature IS NOT NULL AND is_brought = 0 ORDER BY seq"
    ))?;
    let mut found = statement.query((device_n, first as i64))?;
    let mut upto = 0;
    while let Some(row) = found.next()? {
        let receipt = rows::receipt(row, device)?;
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
