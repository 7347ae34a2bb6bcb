//! Giving entries out, and how far each channel has been seen.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::ControlFlow,
};

use postgres::Row;
use shicha_domain::{Channel, DeviceId, Entry, Hlc, PersonId, ReceiptId, RecordId};
use shicha_sync::protocol::{BatchWriter, MAX_LIST, wire::PulledChannel};
use uuid::Uuid;

use super::{
    PostgresStore,
    pool::Tx,
    rows::{self, count, entry_id, get},
};
use crate::store::{PullNote, PullQuery, Pulled, StoreError, seen::Seen};

/// How many channels one statement looks at.
const TOGETHER: usize = 5_000;
/// From how many channels one statement gives entries.
const GIVEN_TOGETHER: usize = 500;

impl PostgresStore {
    pub(super) fn do_pull(
        &self,
        query: &PullQuery<'_>,
        batch: &mut BatchWriter,
    ) -> Result<Pulled, StoreError> {
        self.connections.read(|tx| {
            let mut giving = Giving::new(batch);
            let mut pulled = Pulled::default();
            match query.only {
                Some(only) => {
                    for some in only.chunks(TOGETHER) {
                        let lines = named_lines(tx, some)?;
                        if giving.lines(tx, &lines, query, &mut pulled)?.is_break() {
                            break;
                        }
                    }
                }
                // What is published to all comes first: without its pack no record can be shown well.
                None => {
                    'all: for is_public in [true, false] {
                        let mut after = 0;
                        while let Some((lines, upto)) = lines(tx, is_public, after)? {
                            if giving.lines(tx, &lines, query, &mut pulled)?.is_break() {
                                break 'all;
                            }
                            after = upto;
                        }
                    }
                }
            }
            Ok(pulled)
        })
    }

    pub(super) fn do_note_pulls(
        &self,
        notes: &[PullNote],
    ) -> Result<Vec<Vec<Channel>>, StoreError> {
        self.connections
            .write(|tx| notes.iter().map(|note| note_pull(tx, note)).collect())
    }
}

fn note_pull(tx: &mut Tx<'_>, note: &PullNote) -> Result<Vec<Channel>, StoreError> {
    // One order for everybody, and each once.
    let by_name = |list: &[(Channel, u64)]| -> BTreeMap<String, u64> {
        let named = list
            .iter()
            .map(|(channel, upto)| (channel.to_string(), *upto));
        named.collect()
    };
    let given: Vec<(String, u64)> = by_name(&note.given).into_iter().collect();
    for some in given.chunks(TOGETHER) {
        let names: Vec<&str> = some.iter().map(|(name, _)| name.as_str()).collect();
        let upto: Vec<i64> = some.iter().map(|(_, upto)| *upto as i64).collect();
        tx.execute(
            "INSERT INTO given (device, channel, upto) SELECT $1, name, upto FROM unnest($2::text[], $3::bigint[]) AS new (name, upto)
             ORDER BY name COLLATE \"C\"
             ON CONFLICT (device, channel) DO UPDATE SET upto = greatest(given.upto, excluded.upto)",
            &[&note.device.0, &names, &upto],
        )?;
    }
    let held = by_name(&note.held);
    let names: Vec<&str> = held.keys().map(String::as_str).collect();
    let mut changed = Vec::new();
    for names in names.chunks(TOGETHER) {
        tx.execute(
            "INSERT INTO seen (channel, upto1, upto2) SELECT name, 0, 0 FROM channel WHERE name = ANY ($1)
             ORDER BY name COLLATE \"C\" ON CONFLICT (channel) DO NOTHING",
            &[&names],
        )?;
        // What was not given to this device it cannot have seen.
        let found = tx.query(
            "SELECT s.channel, least(c.last, g.upto), s.by1, s.upto1, s.by2, s.upto2
             FROM seen s JOIN channel c ON c.name = s.channel JOIN given g ON g.channel = s.channel AND g.device = $2
             WHERE s.channel = ANY ($1) ORDER BY s.channel COLLATE \"C\" FOR UPDATE OF s",
            &[&names, &note.device.0],
        )?;
        let mut new: Vec<(String, Seen<PersonId>)> = Vec::new();
        for row in &found {
            let name: String = get(row, 0)?;
            let upto = held.get(&name).copied().unwrap_or(0).min(count(row, 1)?);
            if let Some(seen) = read_seen(row, 2)?.with(note.person, upto) {
                changed.push(rows::channel(&name)?);
                new.push((name, seen));
            }
        }
        if new.is_empty() {
            continue;
        }
        let by =
            |of: fn(&Seen<PersonId>) -> (Option<PersonId>, u64)| -> (Vec<Option<Uuid>>, Vec<i64>) {
                let each = new.iter().map(|(_, seen)| of(seen));
                each.map(|(by, upto)| (by.map(|person| person.0), upto as i64))
                    .unzip()
            };
        let names: Vec<&str> = new.iter().map(|(name, _)| name.as_str()).collect();
        let (by1, upto1) = by(|seen| seen.first);
        let (by2, upto2) = by(|seen| seen.second);
        tx.execute(
            "UPDATE seen SET by1 = new.by1, upto1 = new.upto1, by2 = new.by2, upto2 = new.upto2
             FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::uuid[], $5::bigint[]) AS new (name, by1, upto1, by2, upto2)
             WHERE seen.channel = new.name",
            &[&names, &by1, &upto1, &by2, &upto2],
        )?;
    }
    Ok(changed)
}

/// A channel that has entries.
struct Line {
    channel: Channel,
    last: u64,
    seen: Seen<PersonId>,
}

fn read_seen(row: &Row, at: usize) -> Result<Seen<PersonId>, StoreError> {
    let person = |at| Ok::<_, StoreError>(get::<Option<Uuid>>(row, at)?.map(PersonId));
    Ok(Seen {
        first: (person(at)?, count(row, at + 1)?),
        second: (person(at + 2)?, count(row, at + 3)?),
    })
}

fn read_line(row: &Row) -> Result<Line, StoreError> {
    Ok(Line {
        channel: rows::channel(get(row, 0)?)?,
        last: count(row, 1)?,
        seen: read_seen(row, 2)?,
    })
}

/// The next channels that have entries, and the place of the last of them.
fn lines(
    tx: &mut Tx<'_>,
    is_public: bool,
    after: i64,
) -> Result<Option<(Vec<Line>, i64)>, StoreError> {
    let found = tx.query(
        "SELECT c.name, c.last, s.by1, coalesce(s.upto1, 0), s.by2, coalesce(s.upto2, 0), c.n
         FROM channel c LEFT JOIN seen s ON s.channel = c.name
         WHERE c.n > $1 AND c.last > 0 AND (c.name LIKE 'pub/%') = $2 ORDER BY c.n LIMIT $3",
        &[&after, &is_public, &(TOGETHER as i64)],
    )?;
    let Some(last) = found.last() else {
        return Ok(None);
    };
    let upto = get(last, 6)?;
    Ok(Some((
        found.iter().map(read_line).collect::<Result<_, _>>()?,
        upto,
    )))
}

fn named_lines(tx: &mut Tx<'_>, channels: &[Channel]) -> Result<Vec<Line>, StoreError> {
    let names: Vec<String> = channels.iter().map(Channel::to_string).collect();
    tx.query(
        "SELECT c.name, c.last, s.by1, coalesce(s.upto1, 0), s.by2, coalesce(s.upto2, 0)
         FROM channel c LEFT JOIN seen s ON s.channel = c.name
         WHERE c.last > 0 AND c.name = ANY ($1) ORDER BY c.name LIKE 'pub/%' DESC, c.n",
        &[&names],
    )?
    .iter()
    .map(read_line)
    .collect()
}

/// A channel from which entries are to be given.
struct Wanted {
    channel: Channel,
    upto: u64,
    last: u64,
    seen_upto: u64,
}

/// Writes rows into a batch, looking devices and receipts up once.
struct Giving<'a> {
    batch: &'a mut BatchWriter,
    authors: HashMap<DeviceId, PersonId>,
    /// The places of receipts in the batch, by what entries name them by.
    receipts: HashMap<(DeviceId, i64), usize>,
}

impl<'a> Giving<'a> {
    fn new(batch: &'a mut BatchWriter) -> Self {
        Self {
            batch,
            authors: HashMap::new(),
            receipts: HashMap::new(),
        }
    }

    fn is_full(&self, query: &PullQuery<'_>) -> bool {
        self.batch.len() >= query.max_entries || self.batch.event_bytes() >= query.max_event_bytes
    }

    /// Gives what is new of these channels, if their reader may have it and there is room.
    fn lines(
        &mut self,
        tx: &mut Tx<'_>,
        lines: &[Line],
        query: &PullQuery<'_>,
        pulled: &mut Pulled,
    ) -> Result<ControlFlow<()>, StoreError> {
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut entries = 0;
        for Line {
            channel,
            last,
            seen,
        } in lines
        {
            if !(query.may_read)(channel) {
                continue;
            }
            let held = query.held.get(channel).copied().unwrap_or_default();
            let upto = held.upto.min(*last);
            if seen.with(query.person, upto).is_some() {
                pulled.news.push((channel.clone(), upto));
            }
            let seen_upto = seen.by_others(query.person);
            let is_behind = held.upto < *last;
            if !is_behind && held.seen.is_none_or(|told| told >= seen_upto) {
                continue;
            }
            let listed = pulled.channels.len() + wanted.len();
            let asked = self.batch.len() as u64 + entries;
            if listed >= MAX_LIST || (is_behind && asked >= query.max_entries as u64) {
                let _there_is_more_anyway = self.give(tx, &mut wanted, query, pulled)?;
                pulled.more = true;
                return Ok(ControlFlow::Break(()));
            }
            if !is_behind {
                pulled.channels.push(PulledChannel {
                    channel: channel.clone(),
                    rows: 0,
                    seen_upto,
                });
                continue;
            }
            entries += last - held.upto;
            wanted.push(Wanted {
                channel: channel.clone(),
                upto: held.upto,
                last: *last,
                seen_upto,
            });
            if wanted.len() == GIVEN_TOGETHER {
                entries = 0;
                if self.give(tx, &mut wanted, query, pulled)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        self.give(tx, &mut wanted, query, pulled)
    }

    /// Gives entries of these channels, in this order, as far as there is room.
    fn give(
        &mut self,
        tx: &mut Tx<'_>,
        wanted: &mut Vec<Wanted>,
        query: &PullQuery<'_>,
        pulled: &mut Pulled,
    ) -> Result<ControlFlow<()>, StoreError> {
        if wanted.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        if self.is_full(query) {
            pulled.more = true;
            return Ok(ControlFlow::Break(()));
        }
        let limit = query.max_entries.saturating_sub(self.batch.len());
        let room = query
            .max_event_bytes
            .saturating_sub(self.batch.event_bytes());
        let names: Vec<String> = wanted.iter().map(|one| one.channel.to_string()).collect();
        let from: Vec<i64> = wanted.iter().map(|one| one.upto as i64).collect();
        // The sum before a row, so that the one that fills the batch still goes.
        let found = tx.query(
            "SELECT number, device, seq, id, prev, after, at, record, covered, event, place, again FROM (
                 SELECT *, sum(length(event)) OVER (ORDER BY place, number) - length(event) AS before FROM (
                     SELECT w.place, e.number, e.device, e.seq, e.id, e.prev, e.after, e.at, e.record, e.covered, e.event, e.again
                     FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS w (channel, upto, place)
                     CROSS JOIN LATERAL (
                         SELECT number, device, seq, id, prev, after, at, record, covered, event, again FROM entry
                         WHERE entry.channel = w.channel AND number > w.upto ORDER BY number LIMIT $3) AS e
                     ORDER BY w.place, e.number LIMIT $3) AS next) AS summed
             WHERE before < $4 ORDER BY place, number",
            &[&names, &from, &(limit as i64), &(room as i64)],
        )?;
        self.look_up(tx, &found)?;
        let mut rows = found.iter().peekable();
        for (place, one) in (1_i64..).zip(wanted.drain(..)) {
            let mut given = 0;
            while let Some(row) = rows.peek()
                && get::<i64>(row, 10)? == place
            {
                self.row(row, &one.channel)?;
                rows.next();
                given += 1;
            }
            pulled.more |= one.upto + (given as u64) < one.last;
            if given > 0 {
                pulled.channels.push(PulledChannel {
                    channel: one.channel,
                    rows: given,
                    seen_upto: one.seen_upto,
                });
            }
        }
        Ok(if pulled.more {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }

    fn row(&mut self, row: &Row, channel: &Channel) -> Result<(), StoreError> {
        let device = DeviceId(get(row, 1)?);
        let covered = self
            .receipts
            .get(&(device, get(row, 8)?))
            .ok_or(StoreError::Damaged("receipt"))?;
        let entry = Entry {
            device,
            seq: count(row, 2)?,
            prev: entry_id(row, 4)?,
            after: get::<Option<&[u8]>>(row, 5)?
                .map(|after| rows::hash(after, "receipt").map(ReceiptId))
                .transpose()?,
            at: Hlc(get::<i64>(row, 6)? as u64),
            author: *self
                .authors
                .get(&device)
                .ok_or(StoreError::Damaged("device"))?,
            channel: channel.clone(),
            record: RecordId(get(row, 7)?),
            event: get(row, 9)?,
            again: rows::again(row, 11)?,
        };
        self.batch
            .row(count(row, 0)?, Some(*covered), entry_id(row, 3)?, &entry);
        Ok(())
    }

    /// Looks up whose devices wrote these rows, and which receipts cover them.
    fn look_up(&mut self, tx: &mut Tx<'_>, found: &[Row]) -> Result<(), StoreError> {
        let mut devices = BTreeSet::new();
        let mut receipts = BTreeSet::new();
        for row in found {
            let (device, covered) = (DeviceId(get(row, 1)?), get::<i64>(row, 8)?);
            if !self.authors.contains_key(&device) {
                devices.insert(device.0);
            }
            if !self.receipts.contains_key(&(device, covered)) {
                receipts.insert((device.0, covered));
            }
        }
        let devices: Vec<Uuid> = devices.into_iter().collect();
        for row in &tx.query(
            "SELECT id, person FROM device WHERE id = ANY ($1)",
            &[&devices],
        )? {
            self.authors
                .insert(DeviceId(get(row, 0)?), PersonId(get(row, 1)?));
        }
        let (older, given): (BTreeSet<_>, BTreeSet<_>) =
            receipts.into_iter().partition(|(_, covered)| *covered < 0);
        if !older.is_empty() {
            let older: Vec<i64> = older.into_iter().map(|(_, covered)| -covered).collect();
            for row in &tx.query(
                concat!(
                    "SELECT ",
                    rows::receipt_columns!(),
                    ", r.device, r.n FROM older_receipt r WHERE r.n = ANY ($1)"
                ),
                &[&older],
            )? {
                let device = DeviceId(get(row, rows::RECEIPT_COLUMNS)?);
                let place = self.batch.receipt(&rows::receipt(row, device)?);
                let n: i64 = get(row, rows::RECEIPT_COLUMNS + 1)?;
                self.receipts.insert((device, -n), place);
            }
        }
        let (of, seqs): (Vec<Uuid>, Vec<i64>) = given.into_iter().unzip();
        for row in &tx.query(
            concat!(
                "SELECT ",
                rows::receipt_columns!(),
                ", r.device FROM receipt r JOIN unnest($1::uuid[], $2::bigint[]) AS wanted (device, seq)
                   ON r.device = wanted.device AND r.seq = wanted.seq"
            ),
            &[&of, &seqs],
        )? {
            let device = DeviceId(get(row, rows::RECEIPT_COLUMNS)?);
            let receipt = rows::receipt(row, device)?;
            let place = self.batch.receipt(&receipt);
            self.receipts.insert((device, receipt.seq as i64), place);
        }
        Ok(())
    }
}
