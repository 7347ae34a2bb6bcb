//! What verification reads, through portals: nothing is held in memory but the record that is being looked at.

use postgres::Row;
use shicha_domain::{DeviceId, Entry, Hlc, PersonId, Receipt, ReceiptId, RecordId, receipt::Rank};

use super::{
    PostgresStore,
    rows::{self, count, count_or_none, entry_id, get},
};
use crate::store::{
    StoreError,
    whole::{HeldRecord, Life, Look, Numbered, ReceivedEntry, Whole},
};

impl Whole for PostgresStore {
    fn each_record(&self, look: Look<'_, HeldRecord>) -> Result<(), StoreError> {
        self.connections.read(|tx| {
            let mut of: Option<HeldRecord> = None;
            tx.each(
                concat!(
                    "SELECT ",
                    rows::receipt_columns!(),
                    ", e.record, w.channel, w.kind, e.device, e.seq, e.id, e.prev, e.after, e.at, e.author, d.person, e.channel, e.number,
                       e.event, e.again
                     FROM entry e JOIN record w ON w.id = e.record JOIN device d ON d.id = e.device
                     LEFT JOIN any_receipt r ON r.device = e.device AND r.place = e.covered
                     WHERE e.number IS NOT NULL ORDER BY e.record, e.number"
                ),
                &[],
                &mut |row| {
                    let record = RecordId(get(row, rows::RECEIPT_COLUMNS)?);
                    if of.as_ref().is_none_or(|held| held.record != record) {
                        if let Some(whole) = of.take() {
                            look(whole)?;
                        }
                        of = Some(placed(row, record)?);
                    }
                    if let Some(held) = &mut of {
                        held.entries.push(received(row, record)?);
                    }
                    Ok(())
                },
            )?;
            of.map_or(Ok(()), look)
        })
    }

    fn each_number(&self, look: Look<'_, Numbered>) -> Result<(), StoreError> {
        self.connections.read(|tx| {
            tx.each(
                "SELECT e.channel, e.number, r.life, r.received_at_ms
                 FROM entry e LEFT JOIN receipt r ON r.device = e.device AND r.seq = e.covered
                 WHERE e.number IS NOT NULL ORDER BY e.channel, e.number",
                &[],
                &mut |row| {
                    let rank = count_or_none(row, 2)?.zip(count_or_none(row, 3)?);
                    look(Numbered {
                        channel: rows::channel(get(row, 0)?)?,
                        number: count(row, 1)?,
                        rank: rank.map(|(life, received_at_ms)| Rank {
                            life,
                            received_at_ms,
                        }),
                    })
                },
            )
        })
    }

    fn lives(&self) -> Result<Vec<Life>, StoreError> {
        self.connections.read(|tx| {
            let found = tx.query("SELECT n, began_at_ms FROM life ORDER BY n", &[])?;
            let one = |row: &Row| {
                Ok(Life {
                    n: count(row, 0)?,
                    began_at_ms: count(row, 1)?,
                })
            };
            found.iter().map(one).collect()
        })
    }
}

const AFTER: usize = rows::RECEIPT_COLUMNS;

fn placed(row: &Row, record: RecordId) -> Result<HeldRecord, StoreError> {
    let channel: Option<&str> = get(row, AFTER + 1)?;
    let kind: Option<&str> = get(row, AFTER + 2)?;
    Ok(HeldRecord {
        record,
        channel: channel.map(rows::channel).transpose()?,
        kind: kind.map(rows::record_kind).transpose()?,
        entries: Vec::new(),
    })
}

fn received(row: &Row, record: RecordId) -> Result<ReceivedEntry, StoreError> {
    let device = DeviceId(get(row, AFTER + 3)?);
    let receipt: Option<Receipt> = match get::<Option<i64>>(row, 0)? {
        Some(_) => Some(rows::receipt(row, device)?),
        None => None,
    };
    let author = match get(row, AFTER + 9)? {
        Some(author) => author,
        None => get(row, AFTER + 10)?,
    };
    Ok(ReceivedEntry {
        id: entry_id(row, AFTER + 5)?,
        entry: Entry {
            device,
            seq: count(row, AFTER + 4)?,
            prev: entry_id(row, AFTER + 6)?,
            after: get::<Option<&[u8]>>(row, AFTER + 7)?
                .map(|after| rows::hash(after, "receipt").map(ReceiptId))
                .transpose()?,
            at: Hlc(get::<i64>(row, AFTER + 8)? as u64),
            author: PersonId(author),
            channel: rows::channel(get(row, AFTER + 11)?)?,
            record,
            event: get(row, AFTER + 13)?,
            again: rows::again(row, AFTER + 14)?,
        },
        number: count(row, AFTER + 12)?,
        receipt,
    })
}
