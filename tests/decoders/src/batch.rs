//! The bodies of pushes and pulls, packed and unpacked.
//!
//! The first byte says how the rest is meant: 0 as the very body; 1 as what lies inside of the compression; 2 as a plan by which a batch is
//! written, whose inside is then altered at some places.

use shicha_domain::{
    Channel, DeviceId, Entry, EntryId, Hlc, PersonId, Receipt, ReceiptId, RecordId,
    suite::SignatureBytes,
};
use shicha_sync::protocol::{
    Batch, BatchFault, BatchWriter, MAX_BATCH_ROWS,
    wire::{PulledChannel, read_pull, read_push, write_pull, write_push},
};
use uuid::Uuid;

use crate::{frame::stored, log::server};

/// The body of a push is read as it was written, or refused.
pub fn hold_push(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    match how % 3 {
        0 => push(rest),
        1 => push(&stored(rest)),
        _ => {
            let (batch, alterations) = planned(rest);
            let body = write_push(&SignatureBytes::first(&[7; 64]), writer(&batch)).unwrap();
            let read = read_push(&body).unwrap();
            assert_eq!(read.batch, batch, "what is written is read");
            let inside = altered(&body, alterations);
            if let Ok(read) = read_push(&stored(&inside)) {
                same_entries(&read.batch, &batch);
            }
        }
    }
}

/// The body of an answer to a pull is read as it was written, or refused.
pub fn hold_pull(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    match how % 3 {
        0 => pull(rest),
        1 => pull(&stored(rest)),
        _ => {
            let (mut batch, alterations) = planned(rest);
            // Rows are listed channel by channel.
            batch
                .rows
                .sort_by(|a, b| a.entry.channel.cmp(&b.entry.channel));
            let mut channels: Vec<PulledChannel> = Vec::new();
            for row in &batch.rows {
                match channels.last_mut() {
                    Some(last) if last.channel == row.entry.channel => last.rows += 1,
                    _ => channels.push(PulledChannel {
                        channel: row.entry.channel.clone(),
                        rows: 1,
                        seen_upto: 3,
                    }),
                }
            }
            let body = write_pull(&channels, true, writer(&batch)).unwrap();
            let read = read_pull(&body).unwrap();
            assert_eq!((&read.batch, &read.channels), (&batch, &channels));
            let inside = altered(&body, alterations);
            if let Ok(read) = read_pull(&stored(&inside)) {
                same_entries(&read.batch, &batch);
                listed(&read.channels, &read.batch);
            }
        }
    }
}

fn push(body: &[u8]) {
    match read_push(body) {
        Ok(read) => {
            within_limits(&read.batch);
            let again = write_push(&read.signature, writer(&read.batch)).unwrap();
            assert_eq!(read_push(&again), Ok(read), "what is read is written again");
        }
        Err(fault) => has_reason(&fault),
    }
}

fn pull(body: &[u8]) {
    match read_pull(body) {
        Ok(read) => {
            within_limits(&read.batch);
            listed(&read.channels, &read.batch);
            let again = write_pull(&read.channels, read.more, writer(&read.batch)).unwrap();
            assert_eq!(read_pull(&again), Ok(read), "what is read is written again");
        }
        Err(fault) => has_reason(&fault),
    }
}

fn within_limits(batch: &Batch) {
    assert!(batch.rows.len() <= MAX_BATCH_ROWS);
    for row in &batch.rows {
        assert_eq!(row.id, row.entry.id(), "an id is computed, never believed");
        assert!(row.covered.is_none_or(|place| place < batch.receipts.len()));
    }
}

fn listed(channels: &[PulledChannel], batch: &Batch) {
    let mut rows = batch.rows.iter();
    for listed in channels {
        for _ in 0..listed.rows {
            assert_eq!(rows.next().unwrap().entry.channel, listed.channel);
        }
    }
    assert!(rows.next().is_none(), "every entry is listed");
}

fn has_reason(fault: &BatchFault) {
    assert!(!fault.to_string().is_empty(), "a refusal has a reason");
}

/// The check over all ids leaves only what no id names: numbers, receipts and the signature, which are signed themselves.
fn same_entries(read: &Batch, written: &Batch) {
    within_limits(read);
    let ids = |batch: &Batch| batch.rows.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(
        ids(read),
        ids(written),
        "altered bytes never read as other entries"
    );
}

fn altered(body: &[u8], alterations: &[u8]) -> Vec<u8> {
    let mut inside = zstd::decode_all(body).unwrap();
    for change in alterations.chunks_exact(3).take(8) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % inside.len();
        inside[at] ^= change[2];
    }
    inside
}

fn writer(batch: &Batch) -> BatchWriter {
    let mut writer = BatchWriter::new();
    let places: Vec<usize> = batch.receipts.iter().map(|r| writer.receipt(r)).collect();
    for row in &batch.rows {
        let covered = row.covered.map(|place| places[place]);
        writer.row(row.number, covered, row.id, &row.entry);
    }
    writer
}

/// Six bytes plan an entry; what is left over alters.
fn planned(plan: &[u8]) -> (Batch, &[u8]) {
    let receipts: Vec<Receipt> = (0..3_u64)
        .map(|n| {
            let device = DeviceId(Uuid::from_u128(u128::from(n)));
            Receipt::whole(device, n, EntryId([n as u8; 32]), n * 1000).signed(&server())
        })
        .collect();
    let count = plan.first().map_or(0, |n| usize::from(n % 40));
    let (steps, alterations) = plan
        .get(1..)
        .unwrap_or_default()
        .split_at_checked(count * 6)
        .unwrap_or((&[], plan));
    let mut heads = [(0_u64, EntryId::NONE); 4];
    let channels: [Channel; 4] =
        ["pub/a", "own/a", "inst/a/b", "own/b"].map(|name| name.parse().unwrap());
    let rows = steps
        .chunks_exact(6)
        .enumerate()
        .map(|(n, step)| {
            let place = usize::from(step[0] & 3);
            let head = heads[place];
            let is_torn = step[1] & 7 == 7;
            let entry = Entry {
                device: DeviceId(Uuid::from_u128(place as u128)),
                seq: head.0 + 1 + u64::from(step[0] >> 6),
                prev: if is_torn { EntryId([0xee; 32]) } else { head.1 },
                after: match step[2] & 7 {
                    0..3 => None,
                    n => Some(
                        receipts
                            .get(usize::from(n) - 3)
                            .map_or(ReceiptId([9; 32]), Receipt::id),
                    ),
                },
                at: Hlc(u64::from(step[3]) << 56 | u64::from(step[2])),
                author: PersonId(Uuid::from_u128(u128::from(step[1] >> 6))),
                channel: channels[usize::from(step[1] >> 4 & 3)].clone(),
                record: RecordId(Uuid::from_u128(u128::from(step[0] >> 4 & 3))),
                event: vec![step[4]; usize::from(step[5])],
                again: None,
            };
            let id = entry.id();
            heads[place] = (entry.seq, id);
            shicha_sync::protocol::Row {
                number: if step[3] & 1 == 0 { 0 } else { n as u64 + 1 },
                covered: Some(usize::from(step[3] & 3)).filter(|place| *place < 3),
                id,
                entry,
            }
        })
        .collect();
    (Batch { receipts, rows }, alterations)
}
