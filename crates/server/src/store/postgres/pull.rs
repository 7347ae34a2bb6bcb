//! Giving entries out, and how far each channel has been seen.

use std::collections::{BTreeSet, HashMap};

use postgres::Row;
use shicha_domain::{Channel, DeviceId, Entry, Hlc, PersonId, ReceiptId, RecordId};
use shicha_sync::protocol::{BatchWriter, wire::PulledChannel};
use uuid::Uuid;

use super::{
    PostgresStore,
    pool::Tx,
    rows::{self, count, entry_id, get},
};
use crate::store::{PullQuery, Pulled, StoreError, seen::Seen};

impl PostgresStore {
    pub(super) fn do_pull(
        &self,
        query: &PullQuery<'_>,
        batch: &mut BatchWriter,
    ) -> Result<Pulled, StoreError> {
        self.connections.read(|tx| {
            let mut giving = Giving::new(batch);
            let mut channels = Vec::new();
            let mut more = false;
            let mut is_news = false;
            for line in lines(tx)? {
                if line.last == 0 || !(query.may_read)(&line.channel) {
                    continue;
                }
                let cursor = query.cursors.get(&line.channel).copied().unwrap_or(0);
                is_news |= line
                    .seen
                    .with(query.person, cursor.min(line.last))
                    .is_some();
                let before = giving.batch.len();
                if cursor < line.last {
                    if giving.is_full(query) {
                        more = true;
                    } else {
                        giving.channel(tx, &line.channel, cursor, query)?;
                        more |= cursor + ((giving.batch.len() - before) as u64) < line.last;
                    }
                }
                channels.push(PulledChannel {
                    seen_upto: line.seen.by_others(query.person),
                    channel: line.channel,
                    rows: giving.batch.len() - before,
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
        let mut names: Vec<String> = cursors.keys().map(Channel::to_string).collect();
        names.sort();
        self.connections.write(|tx| {
            tx.execute(
                "INSERT INTO seen (channel, upto1, upto2) SELECT name, 0, 0 FROM channel WHERE name = ANY ($1)
                 ORDER BY name COLLATE \"C\" ON CONFLICT (channel) DO NOTHING",
                &[&names],
            )?;
            let found = tx.query(
                "SELECT s.channel, c.last, s.by1, s.upto1, s.by2, s.upto2
                 FROM seen s JOIN channel c ON c.name = s.channel WHERE s.channel = ANY ($1)
                 ORDER BY s.channel COLLATE \"C\" FOR UPDATE OF s",
                &[&names],
            )?;
            for row in &found {
                let channel = rows::channel(get(row, 0)?)?;
                let Some(cursor) = cursors.get(&channel) else {
                    continue;
                };
                let Some(seen) = read_seen(row, 2)?.with(person, (*cursor).min(count(row, 1)?)) else {
                    continue;
                };
                tx.execute(
                    "UPDATE seen SET by1 = $2, upto1 = $3, by2 = $4, upto2 = $5 WHERE channel = $1",
                    &[
                        &channel.to_string(),
                        &seen.first.0.map(|person| person.0),
                        &(seen.first.1 as i64),
                        &seen.second.0.map(|person| person.0),
                        &(seen.second.1 as i64),
                    ],
                )?;
            }
            Ok(())
        })
    }
}

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

fn lines(tx: &mut Tx<'_>) -> Result<Vec<Line>, StoreError> {
    // What is published to all comes first: without its pack no record can be shown well.
    tx.query(
        "SELECT c.name, c.last, s.by1, coalesce(s.upto1, 0), s.by2, coalesce(s.upto2, 0)
         FROM channel c LEFT JOIN seen s ON s.channel = c.name ORDER BY c.name LIKE 'pub/%' DESC, c.n",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(Line {
            channel: rows::channel(get(row, 0)?)?,
            last: count(row, 1)?,
            seen: read_seen(row, 2)?,
        })
    })
    .collect()
}

/// Writes rows into a batch, looking devices and receipts up once.
struct Giving<'a> {
    batch: &'a mut BatchWriter,
    authors: HashMap<DeviceId, PersonId>,
    /// The places of receipts in the batch.
    receipts: HashMap<(DeviceId, u64), usize>,
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

    fn channel(
        &mut self,
        tx: &mut Tx<'_>,
        channel: &Channel,
        cursor: u64,
        query: &PullQuery<'_>,
    ) -> Result<(), StoreError> {
        let limit = query.max_entries.saturating_sub(self.batch.len());
        let room = query
            .max_event_bytes
            .saturating_sub(self.batch.event_bytes());
        // The sum before a row, so that the one that fills the batch still goes.
        let found = tx.query(
            "SELECT number, device, seq, id, prev, after, at, record, covered, event FROM (
                 SELECT *, sum(length(event)) OVER (ORDER BY number) - length(event) AS before FROM (
                     SELECT * FROM entry WHERE channel = $1 AND number > $2 ORDER BY number LIMIT $3) AS next) AS summed
             WHERE before < $4 ORDER BY number",
            &[
                &channel.to_string(),
                &(cursor as i64),
                &(limit as i64),
                &(room as i64),
            ],
        )?;
        self.look_up(tx, &found)?;
        for row in &found {
            let device = DeviceId(get(row, 1)?);
            let covered = self
                .receipts
                .get(&(device, count(row, 8)?))
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
            };
            self.batch
                .row(count(row, 0)?, Some(*covered), entry_id(row, 3)?, &entry);
        }
        Ok(())
    }

    /// Looks up whose devices wrote these rows, and which receipts cover them.
    fn look_up(&mut self, tx: &mut Tx<'_>, found: &[Row]) -> Result<(), StoreError> {
        let mut devices = BTreeSet::new();
        let mut receipts = BTreeSet::new();
        for row in found {
            let (device, covered) = (DeviceId(get(row, 1)?), count(row, 8)?);
            if !self.authors.contains_key(&device) {
                devices.insert(device.0);
            }
            if !self.receipts.contains_key(&(device, covered)) {
                receipts.insert((device.0, covered as i64));
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
        let (of, seqs): (Vec<Uuid>, Vec<i64>) = receipts.into_iter().unzip();
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
            self.receipts.insert((device, receipt.seq), place);
        }
        Ok(())
    }
}
