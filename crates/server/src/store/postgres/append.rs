//! Taking entries in: the one place where a device's ledger and its channels grow.
//!
//! Locks are taken in one order by everybody (the device, new records by identifier, channels by name), so that two pushes never wait
//! for each other. Channels come last and are held only while the rows go in: everybody who writes to a channel waits for that.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use shicha_domain::{
    BlobHash, Channel, DeviceId, Event, PersonId, RecordId, bounds::Bounds, suite::SignatureBytes,
};
use shicha_sync::protocol::messages::{Head, NumberRun};
use uuid::Uuid;

use super::{
    PostgresStore,
    directory::changed,
    pool::Tx,
    rows::{self, count, count_or_none, entry_id, get},
};
use crate::store::{
    Appended, Candidate, Holding, Judge, Known, Placed, Pushed, StoreError, ToldEnd,
    agreement::{Agreement, agreement, ended},
    past::Sealing,
};

impl PostgresStore {
    pub(super) fn do_append(
        &self,
        push: &Pushed,
        judge: Judge<'_>,
    ) -> Result<Appended, StoreError> {
        self.appending(|tx| append(tx, push, judge))
    }

    /// Appends in a transaction of its own, and remembers how many numbers this process gave.
    pub(super) fn appending(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> Result<(Appended, u64), StoreError>,
    ) -> Result<Appended, StoreError> {
        let (appended, new_numbers) = self.connections.write(change)?;
        self.note_own(new_numbers);
        Ok(appended)
    }

    pub(super) fn do_note_end(&self, device: DeviceId, end: &ToldEnd) -> Result<bool, StoreError> {
        self.connections.write(|tx| {
            let state = rows::locked_device(tx, device)?.ok_or(StoreError::Missing("device"))?;
            put_end(tx, device, state.head, end)
        })
    }

    pub(super) fn do_end_of(&self, device: DeviceId) -> Result<Option<ToldEnd>, StoreError> {
        self.connections.read(|tx| {
            let row = tx.first(
                "SELECT end_tick_ms, end_seq, end_head, end_signature FROM device WHERE id = $1 AND end_tick_ms IS NOT NULL",
                &[&device.0],
            )?;
            row.map(|row| {
                Ok(ToldEnd {
                    tick_ms: count(&row, 0)?,
                    seq: count(&row, 1)?,
                    head: entry_id(&row, 2)?,
                    signature: rows::signature(get(&row, 3)?)?,
                })
            })
            .transpose()
        })
    }

    pub(super) fn do_log(
        &self,
        device: DeviceId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Head>, StoreError> {
        self.connections.read(|tx| log(tx, device, from, limit))
    }
}

/// Appends in the open transaction: what came of it, and how many numbers were given.
pub(super) fn append(
    tx: &mut Tx<'_>,
    push: &Pushed,
    judge: Judge<'_>,
) -> Result<(Appended, u64), StoreError> {
    let entries = &push.entries[..];
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return Err(StoreError::Contradiction("nothing to append"));
    };
    let device = last.entry.device;
    let state = rows::locked_device(tx, device)?.ok_or(StoreError::Missing("device"))?;
    let head = state.head;
    if first.entry.seq > head.seq + 1 || first.entry.seq == 0 {
        return Ok((Appended::Gap { head }, 0));
    }
    let common = match agreement(entries, (state.start, head), |from, limit| {
        log(tx, device, from, limit)
    })? {
        Agreement::Whole(held) if state.is_ended && push.is_by_itself => {
            let common = ended(entries, held);
            return Ok((Appended::Fork { common, head }, 0));
        }
        Agreement::Whole(common) => common,
        Agreement::Parted(common) => {
            if push.shows_a_copy(&state) {
                note_parted(tx, device, (push.now)())?;
            }
            return Ok((Appended::Fork { common, head }, 0));
        }
    };
    let fresh = &entries[common.min(entries.len())..];
    if fresh.is_empty() {
        let mut holding = held(tx, device, first.entry.seq, last.entry.seq)?;
        holding.head = head;
        if let Some(end) = &push.end {
            put_end(tx, device, head, end)?;
        }
        return Ok((Appended::Held(holding), 0));
    }
    // What was held before is looked up; what is new is known.
    let mut holding = match &entries[..common] {
        [] => Holding::default(),
        [.., before] => held(tx, device, first.entry.seq, before.entry.seq)?,
    };
    let mut brought = HashMap::new();
    for (n, receipt) in push.brought.after(head.seq) {
        brought.insert(n, rows::insert_brought(tx, receipt)?);
    }
    let named = rows::named(tx, device, &state.past.names(fresh), (push.now)())?;
    let mut sealing = state.past.sealing(push, fresh, &named);
    let verdicts = judged(tx, fresh, sealing.bounds(), judge)?;
    let refused = fresh.iter().zip(&verdicts).filter_map(|(one, verdict)| {
        let code = verdict.err()?;
        Some((one.entry.seq, code.to_owned()))
    });
    holding.refused.extend(refused);
    // Time and numbers are given in one place, so that receipts rise as the numbers do (invariant 8, receipts rise).
    sealing.judged();
    let (numbers, received_ms) = numbers(tx, fresh, &verdicts, &sealing)?;
    let new_numbers = numbers.iter().flatten().count() as u64;
    let receipts = sealing.receipts(&holding.refused, received_ms);
    for (n, (receipt, _)) in receipts.iter().enumerate() {
        // The device signed its last entry, which seals all below it.
        let signature = match n + 1 == receipts.len() {
            true => &push.signature,
            false => &SignatureBytes::NONE,
        };
        rows::insert_receipt(tx, receipt, signature)?;
    }
    let given = receipts
        .iter()
        .flat_map(|(receipt, count)| std::iter::repeat_n(receipt, *count));
    let covered: Vec<i64> = (given.zip(fresh).zip(&verdicts))
        .map(|((given, candidate), verdict)| {
            let oldest = push.brought.oldest(candidate.entry.seq, given.rank());
            let older = oldest.filter(|_| verdict.is_ok());
            let older = older.and_then(|(n, _)| brought.get(&n)).copied();
            older.unwrap_or(given.seq as i64)
        })
        .collect();
    holding.head = Head {
        seq: last.entry.seq,
        id: last.id,
    };
    rows::put_past(tx, device, holding.head, &sealing.past)?;
    insert(tx, fresh, &verdicts, &numbers, state.person.id, &covered)?;
    for (candidate, number) in fresh.iter().zip(&numbers) {
        if let Some(number) = number {
            NumberRun::extend(&mut holding.accepted, candidate.entry.seq, *number);
        }
    }
    let grown: BTreeSet<&Channel> = accepted(fresh, &verdicts)
        .map(|candidate| &candidate.entry.channel)
        .collect();
    holding.channels = grown.into_iter().cloned().collect();
    holding
        .receipts
        .extend(receipts.into_iter().map(|(receipt, _)| receipt));
    holding.new = fresh.len() as u64;
    if let Some(end) = &push.end {
        put_end(tx, device, holding.head, end)?;
    }
    Ok((Appended::Held(holding), new_numbers))
}

/// Notes that a device signed two entries for one place.
fn note_parted(tx: &mut Tx<'_>, device: DeviceId, now_ms: u64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE device SET parted_at_ms = $2 WHERE id = $1",
        &[&device.0, &(now_ms as i64)],
    )?;
    changed(tx)
}

/// Takes an end that a device told, if its log ends there. Whether it does. The device is locked.
pub(super) fn put_end(
    tx: &mut Tx<'_>,
    device: DeviceId,
    head: Head,
    end: &ToldEnd,
) -> Result<bool, StoreError> {
    if (head.seq, head.id) != (end.seq, end.head) {
        return Ok(false);
    }
    tx.execute(
        "UPDATE device SET since_ms = greatest(since_ms, $2), end_tick_ms = $2, end_seq = $3, end_head = $4, end_signature = $5
         WHERE id = $1 AND coalesce(end_tick_ms, 0) <= $2",
        &[
            &device.0,
            &(end.tick_ms as i64),
            &(end.seq as i64),
            &end.head.0.as_slice(),
            &end.signature.tagged(),
        ],
    )?;
    Ok(true)
}

fn log(
    tx: &mut Tx<'_>,
    device: DeviceId,
    from: u64,
    limit: usize,
) -> Result<Vec<Head>, StoreError> {
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    tx.query(
        "SELECT seq, id FROM entry WHERE device = $1 AND seq >= $2 ORDER BY seq LIMIT $3",
        &[&device.0, &from, &(limit as i64)],
    )?
    .iter()
    .map(|row| {
        Ok(Head {
            seq: count(row, 0)?,
            id: entry_id(row, 1)?,
        })
    })
    .collect()
}

/// Judges entries in their order, and writes down where records live.
pub(super) fn judged(
    tx: &mut Tx<'_>,
    fresh: &[Candidate],
    bounds: impl IntoIterator<Item = Bounds>,
    judge: Judge<'_>,
) -> Result<Vec<Result<(), &'static str>>, StoreError> {
    let named: BTreeSet<RecordId> = fresh.iter().map(|one| one.entry.record).collect();
    let mut placed = placed(tx, &named)?;
    let mut changed = BTreeSet::new();
    let mut verdicts = Vec::with_capacity(fresh.len());
    for (candidate, bounds) in fresh.iter().zip(bounds) {
        let record = candidate.entry.record;
        let known = placed.get(&record);
        let verdict = judge(
            candidate,
            &Known {
                placed: known,
                bounds,
            },
        );
        if verdict.is_ok() {
            let opened = match &candidate.event {
                Some(Event::Opened { kind, .. }) => Some(*kind),
                _ => None,
            };
            let kind = known.and_then(|known| known.kind).or(opened);
            if known.is_none_or(|known| known.kind != kind) {
                let channel = candidate.entry.channel.clone();
                placed.insert(record, Placed { channel, kind });
                changed.insert(record);
            }
        }
        verdicts.push(verdict);
    }
    if !changed.is_empty() {
        let changed: Vec<(RecordId, &Placed)> = changed
            .iter()
            .filter_map(|record| Some((*record, placed.get(record)?)))
            .collect();
        let channels: Vec<String> = changed
            .iter()
            .map(|(_, placed)| placed.channel.to_string())
            .collect();
        let kinds: Vec<Option<&str>> = changed
            .iter()
            .map(|(_, placed)| placed.kind.map(|kind| kind.as_str()))
            .collect();
        tx.execute(
            "UPDATE record SET channel = new.channel, kind = new.kind
             FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (id, channel, kind) WHERE record.id = new.id",
            &[
                &rows::uuids(&changed, |(record, _)| record.0),
                &channels,
                &kinds,
            ],
        )?;
    }
    Ok(verdicts)
}

/// Where records live. Those that are new, or whose kind is still open, nobody else changes until the transaction ends.
fn placed(
    tx: &mut Tx<'_>,
    named: &BTreeSet<RecordId>,
) -> Result<HashMap<RecordId, Placed>, StoreError> {
    let mut placed = HashMap::new();
    let mut open: Vec<Uuid> = named.iter().map(|record| record.0).collect();
    let found = tx.query(
        "SELECT id, channel, kind FROM record WHERE id = ANY ($1) AND channel IS NOT NULL AND kind IS NOT NULL",
        &[&open],
    )?;
    for row in &found {
        read_placed(row, &mut placed)?;
    }
    open.retain(|id| !placed.contains_key(&RecordId(*id)));
    if !open.is_empty() {
        let new = tx.query(
            "INSERT INTO record (id) SELECT id FROM unnest($1::uuid[]) AS new (id) ORDER BY id ON CONFLICT (id) DO NOTHING
             RETURNING id",
            &[&open],
        )?;
        // What was just made is nowhere yet, and nobody else sees it.
        let new = new.iter().map(|row| get(row, 0));
        let new: BTreeSet<Uuid> = new.collect::<Result<_, _>>()?;
        open.retain(|id| !new.contains(id));
    }
    if !open.is_empty() {
        let found = tx.query(
            "SELECT id, channel, kind FROM record WHERE id = ANY ($1) ORDER BY id FOR UPDATE",
            &[&open],
        )?;
        for row in &found {
            read_placed(row, &mut placed)?;
        }
    }
    Ok(placed)
}

fn read_placed(
    row: &postgres::Row,
    placed: &mut HashMap<RecordId, Placed>,
) -> Result<(), StoreError> {
    if let Some(channel) = get::<Option<&str>>(row, 1)? {
        let kind = get::<Option<&str>>(row, 2)?
            .map(rows::record_kind)
            .transpose()?;
        let channel = rows::channel(channel)?;
        placed.insert(RecordId(get(row, 0)?), Placed { channel, kind });
    }
    Ok(())
}

fn accepted<'c>(
    fresh: &'c [Candidate],
    verdicts: &'c [Result<(), &'static str>],
) -> impl Iterator<Item = &'c Candidate> {
    fresh
        .iter()
        .zip(verdicts)
        .filter(|(_, verdict)| verdict.is_ok())
        .map(|(candidate, _)| candidate)
}

/// Gives accepted entries their numbers; the channels stay locked until these are visible. Also when the last receipt is given.
fn numbers(
    tx: &mut Tx<'_>,
    fresh: &[Candidate],
    verdicts: &[Result<(), &'static str>],
    sealing: &Sealing<'_>,
) -> Result<(Vec<Option<u64>>, u64), StoreError> {
    let mut growth: BTreeMap<String, u64> = BTreeMap::new();
    let names: Vec<Option<String>> = fresh
        .iter()
        .zip(verdicts)
        .map(|(candidate, verdict)| {
            verdict.ok()?;
            let name = candidate.entry.channel.to_string();
            *growth.entry(name.clone()).or_default() += 1;
            Some(name)
        })
        .collect();
    let (mut last, received_ms) = grow(tx, &growth, sealing)?;
    let numbers: Result<_, StoreError> = names
        .into_iter()
        .map(|name| {
            let Some(name) = name else { return Ok(None) };
            let last = last.get_mut(&name).ok_or(StoreError::Damaged("channel"))?;
            *last += 1;
            Ok(Some(*last))
        })
        .collect();
    Ok((numbers?, received_ms))
}

/// Makes channels longer by so many entries each, and tells how long they were, and when the last receipt for what makes them longer is
/// given.
fn grow(
    tx: &mut Tx<'_>,
    growth: &BTreeMap<String, u64>,
    sealing: &Sealing<'_>,
) -> Result<(HashMap<String, u64>, u64), StoreError> {
    let mut last = HashMap::new();
    // When it is given as far as the device and the clock are concerned.
    let at_least_ms = sealing.received_ms(0)?;
    // A channel that is there already, as almost all are: one statement locks it, and others wait for no more than that.
    if let (1, Some((name, grown))) = (growth.len(), growth.iter().next()) {
        let count_ms = sealing.count();
        let found = tx.query(
            "UPDATE channel SET last = last + $2, received_ms = greatest(received_ms + $4, $3) WHERE name = $1
             RETURNING last - $2, received_ms",
            &[name, &(*grown as i64), &(at_least_ms as i64), &(count_ms as i64)],
        )?;
        if let Some(row) = found.first() {
            let received_ms = count(row, 1)?;
            if received_ms > at_least_ms {
                // Only run past the channel's newest, if the clock is not too far behind that.
                sealing.received_ms(received_ms.saturating_sub(count_ms))?;
            }
            last.insert(name.clone(), count(row, 0)?);
            return Ok((last, received_ms));
        }
    }
    let channels: Vec<&str> = growth.keys().map(String::as_str).collect();
    if channels.is_empty() {
        return Ok((last, at_least_ms));
    }
    // The map gives them in byte order, and each statement takes them one by one.
    tx.execute(
        "INSERT INTO channel (name) SELECT name FROM unnest($1::text[]) AS new (name) ON CONFLICT (name) DO NOTHING",
        &[&channels],
    )?;
    let found = tx.query(
        "SELECT name, last, received_ms FROM channel WHERE name = ANY ($1) ORDER BY name COLLATE \"C\" FOR UPDATE",
        &[&channels],
    )?;
    let mut newest_ms = 0;
    for row in &found {
        last.insert(get::<String>(row, 0)?, count(row, 1)?);
        newest_ms = newest_ms.max(count(row, 2)?);
    }
    let received_ms = sealing.received_ms(newest_ms)?;
    let counts: Vec<i64> = growth.values().map(|count| *count as i64).collect();
    tx.execute(
        "UPDATE channel SET last = last + new.count, received_ms = $3
         FROM unnest($1::text[], $2::bigint[]) AS new (name, count) WHERE channel.name = new.name",
        &[&channels, &counts, &(received_ms as i64)],
    )?;
    Ok((last, received_ms))
}

/// Writes the rows, and whose evidence they name.
fn insert(
    tx: &mut Tx<'_>,
    fresh: &[Candidate],
    verdicts: &[Result<(), &'static str>],
    numbers: &[Option<u64>],
    person: PersonId,
    covered: &[i64],
) -> Result<(), StoreError> {
    let Some(device) = fresh.first().map(|one| one.entry.device) else {
        return Ok(());
    };
    let channels: Vec<String> = fresh
        .iter()
        .map(|one| one.entry.channel.to_string())
        .collect();
    let numbers: Vec<Option<i64>> = numbers
        .iter()
        .map(|number| number.map(|number| number as i64))
        .collect();
    let seqs: Vec<i64> = fresh.iter().map(|one| one.entry.seq as i64).collect();
    let ids: Vec<&[u8]> = fresh.iter().map(|one| one.id.0.as_slice()).collect();
    let prevs: Vec<&[u8]> = fresh
        .iter()
        .map(|one| one.entry.prev.0.as_slice())
        .collect();
    let afters: Vec<Option<&[u8]>> = fresh
        .iter()
        .map(|one| one.entry.after.as_ref().map(|after| after.0.as_slice()))
        .collect();
    let ats: Vec<i64> = fresh.iter().map(|one| one.entry.at.0 as i64).collect();
    let authors: Vec<Option<Uuid>> = fresh
        .iter()
        .map(|one| (one.entry.author != person).then_some(one.entry.author.0))
        .collect();
    let records = rows::uuids(fresh, |one| one.entry.record.0);
    let codes: Vec<Option<&str>> = verdicts.iter().map(|verdict| verdict.err()).collect();
    let agains: Vec<Option<Vec<u8>>> = fresh
        .iter()
        .map(|one| one.entry.again.map(|again| again.to_bytes().to_vec()))
        .collect();
    let events: Vec<&[u8]> = fresh.iter().map(|one| one.entry.event.as_slice()).collect();
    tx.execute(
        "INSERT INTO entry (channel, number, device, seq, id, prev, after, at, author, record, covered, code, event, again)
         SELECT channel, number, $1, seq, id, prev, after, at, author, record, covered, code, event, again
         FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bigint[],
                     $10::uuid[], $11::uuid[], $12::text[], $13::bytea[], $14::bytea[])
           AS new (covered, channel, number, seq, id, prev, after, at, author, record, code, event, again)",
        &[
            &device.0,
            &covered,
            &channels,
            &numbers,
            &seqs,
            &ids,
            &prevs,
            &afters,
            &ats,
            &authors,
            &records,
            &codes,
            &events,
            &agains,
        ],
    )?;
    note_evidence(tx, accepted(fresh, verdicts), person)
}

/// Notes whose accepted entries name which evidence.
pub(super) fn note_evidence<'c>(
    tx: &mut Tx<'_>,
    accepted: impl IntoIterator<Item = &'c Candidate>,
    person: PersonId,
) -> Result<(), StoreError> {
    let mut blobs: BTreeMap<BlobHash, (u64, BTreeSet<String>)> = BTreeMap::new();
    for candidate in accepted {
        if let Some((blob, size)) = candidate.event.as_ref().and_then(Event::blobs) {
            let (_, channels) = blobs.entry(blob).or_insert_with(|| (size, BTreeSet::new()));
            channels.insert(candidate.entry.channel.to_string());
        }
    }
    for (blob, (size, channels)) in &blobs {
        tx.execute(
            "INSERT INTO blob (hash, size) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING",
            &[&blob.0.as_slice(), &(*size as i64)],
        )?;
        for channel in channels {
            tx.execute(
                "INSERT INTO blob_use (blob, channel, person) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                &[&blob.0.as_slice(), channel, &person.0],
            )?;
        }
    }
    Ok(())
}

/// What was held before, from `first` on up to the receipt that covers `last`.
fn held(tx: &mut Tx<'_>, device: DeviceId, first: u64, last: u64) -> Result<Holding, StoreError> {
    let mut holding = Holding::default();
    let receipts = tx.query(
        concat!(
            "SELECT ",
            rows::receipt_columns!(),
            " FROM receipt r WHERE r.device = $1 AND r.seq >= $2 ORDER BY r.seq"
        ),
        &[&device.0, &(first as i64)],
    )?;
    let mut upto = 0;
    for row in &receipts {
        let receipt = rows::receipt(row, device)?;
        upto = receipt.seq;
        holding.receipts.push(receipt);
        if upto >= last {
            break;
        }
    }
    let entries = tx.query(
        "SELECT seq, number, code FROM entry WHERE device = $1 AND seq BETWEEN $2 AND $3 ORDER BY seq",
        &[&device.0, &(first as i64), &(upto as i64)],
    )?;
    for row in &entries {
        let seq = count(row, 0)?;
        match count_or_none(row, 1)? {
            Some(number) => NumberRun::extend(&mut holding.accepted, seq, number),
            None => {
                let code: Option<String> = get(row, 2)?;
                holding
                    .refused
                    .push((seq, code.ok_or(StoreError::Damaged("refusal"))?));
            }
        }
    }
    Ok(holding)
}
