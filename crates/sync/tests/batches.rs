//! What the wire format promises: entries arrive as they were written, in few bytes, and garbage is refused and nothing worse.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use shicha_domain::suite::{SignatureBytes, SigningKey};
use shicha_domain::{
    Channel, DeviceId, Entry, EntryId, Event, Hlc, PersonId, Receipt, ReceiptId, RecordId,
    RecordKind,
};
use shicha_sync::protocol::{
    BatchFault, BatchWriter, MAX_BATCH_DECODED, MAX_BATCH_ROWS, MAX_HELD, MAX_LIST, Row,
    wire::{
        Held, HeldChannels, PullRequest, PulledChannel, read_pull, read_pull_request, read_push,
        unfolded, write_pull, write_pull_request, write_push,
    },
};
use uuid::Uuid;

/// Real answers: an inspection is opened, then each of sixty items gets a result, a few seconds apart.
fn answers(count: usize) -> Vec<(EntryId, Entry)> {
    let device = DeviceId(Uuid::from_u128(0x0190_aaaa_bbbb_7ccc_8ddd_0123_4567_89ab));
    let mut prev = EntryId::NONE;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut at = 1_650_000_000_000_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut record = RecordId(Uuid::nil());
    (0..count)
        .map(|n| {
            if n % 60 == 0 {
                record = RecordId(Uuid::from_u64_pair(next(), next()));
            }
            at += 1_500 + next() % 20_000;
            let result = if next() % 9 == 0 {
                "nonconforming"
            } else {
                "conforms"
            };
            let field = format!("answers/TI-{}.{}/result", n % 60 / 10 + 1, n % 10 + 1);
            let event = Event::Set {
                field,
                value: result.into(),
                replaces: vec![],
            };
            let entry = Entry {
                device,
                seq: n as u64 + 1,
                prev,
                after: Some(ReceiptId([5; 32])),
                at: Hlc::from_ms(at),
                author: PersonId(Uuid::from_u128(7)),
                channel: "own/320703".parse().unwrap(),
                record,
                event: event.to_bytes().unwrap(),
                again: None,
            };
            prev = entry.id();
            (prev, entry)
        })
        .collect()
}

#[test]
fn sixty_thousand_answers_take_no_more_than_sixty_bytes_each_on_the_way_up() {
    let entries = answers(60_000);
    let mut bytes = 0;
    for part in entries.chunks(10_000) {
        let mut batch = BatchWriter::new();
        for (id, entry) in part {
            batch.row(0, None, *id, entry);
        }
        let body = write_push(&SignatureBytes::first(&[7; 64]), batch).unwrap();
        bytes += body.len();
        let read = read_push(&body).unwrap();
        assert!(
            read.batch
                .rows
                .iter()
                .map(|row| (&row.id, &row.entry))
                .eq(part.iter().map(|(id, entry)| (id, entry)))
        );
    }
    let each = bytes as f64 / entries.len() as f64;
    println!("push: {each:.1} bytes/entry");
    assert!(each <= 60.0, "{each:.1} bytes per entry");
}

#[test]
fn sixty_thousand_answers_take_no_more_than_sixty_bytes_each_on_the_way_down() {
    let entries = answers(60_000);
    let key = SigningKey::from_bytes(&[1; 32]);
    let mut bytes = 0;
    for (part, chunk) in entries.chunks(10_000).enumerate() {
        let mut batch = BatchWriter::new();
        // A receipt for each inspection: devices that are online push as they go.
        for sixty in chunk.chunks(60) {
            let (head, last) = sixty.last().unwrap();
            let received_at_ms = last.at.ms() + 400;
            let receipt = Receipt {
                life: 3,
                device: last.device,
                from: sixty[0].1.seq,
                seq: last.seq,
                head: *head,
                received_at_ms,
                since_ms: received_at_ms - 700_000,
                seen_ms: Some(received_at_ms - 3_000_000),
                refused: Vec::new(),
                signature: SignatureBytes::NONE,
            };
            let covered = batch.receipt(&receipt.signed(&key));
            for (id, entry) in sixty {
                batch.row(entry.seq, Some(covered), *id, entry);
            }
        }
        let channels = [PulledChannel {
            channel: "own/320703".parse().unwrap(),
            rows: chunk.len(),
            seen_upto: 3,
        }];
        let body = write_pull(&channels, part < 5, batch).unwrap();
        bytes += body.len();
        let read = read_pull(&body).unwrap();
        assert_eq!(read.more, part < 5);
        assert_eq!(read.channels, channels);
        for (row, (id, entry)) in read.batch.rows.iter().zip(chunk) {
            assert_eq!((&row.id, &row.entry, row.number), (id, entry, entry.seq));
            let receipt = &read.batch.receipts[row.covered.unwrap()];
            assert!(receipt.seq >= entry.seq && receipt.is_signed_by(&key.verifying_key()));
        }
    }
    let each = bytes as f64 / entries.len() as f64;
    println!("pull: {each:.1} bytes/entry");
    assert!(each <= 60.0, "{each:.1} bytes per entry");
}

#[test]
fn a_body_says_what_it_unfolds_to_and_no_more_comes_out_of_it() {
    let said = zstd::bulk::compress(&[0; 1_000], 3).unwrap();
    assert_eq!(unfolded(&said), Ok(1_000));
    // Another frame behind the first would be unfolded too.
    let more = [said, zstd::bulk::compress(&[0; 1_000_000], 3).unwrap()].concat();
    assert_eq!(unfolded(&more), Ok(1_000));
    assert_eq!(read_push(&more), Err(BatchFault::TooLarge));
    // Whoever says nothing counts as the largest.
    let silent = zstd::encode_all(&[0; 1_000][..], 3).unwrap();
    assert_eq!(unfolded(&silent), Ok(MAX_BATCH_DECODED));
    let large = zstd::bulk::compress(&vec![0; MAX_BATCH_DECODED + 1], 3).unwrap();
    assert_eq!(unfolded(&large), Err(BatchFault::TooLarge));
    assert_eq!(unfolded(b"no frame"), Err(BatchFault::Compression));
}

#[test]
fn a_bomb_is_stopped_at_the_limit_and_not_unfolded() {
    let bomb = zstd::encode_all(&vec![0_u8; MAX_BATCH_DECODED * 8][..], 3).unwrap();
    assert!(bomb.len() < 100_000, "a bomb is small: {}", bomb.len());
    assert_eq!(read_push(&bomb), Err(BatchFault::TooLarge));
    assert_eq!(read_pull(&bomb), Err(BatchFault::TooLarge));
    // A list of a million empty names, which would take twenty-four times its bytes in memory.
    let mut names = vec![2, 0, 0, 0];
    names.extend([0xc0, 0x84, 0x3d]);
    names.extend(vec![0; 1_000_000]);
    assert!(matches!(
        read_push(&zstd::encode_all(&names[..], 3).unwrap()),
        Err(BatchFault::Structure(_))
    ));
}

#[test]
fn more_entries_than_a_batch_may_hold_are_refused() {
    let entries = answers(MAX_BATCH_ROWS + 1);
    let mut batch = BatchWriter::new();
    for (id, entry) in &entries {
        batch.row(0, None, *id, entry);
    }
    assert_eq!(
        read_push(&write_push(&SignatureBytes::first(&[7; 64]), batch).unwrap()),
        Err(BatchFault::TooLarge)
    );
}

#[test]
fn whoever_writes_keeps_to_the_limits_of_whoever_reads() {
    let listed = |count: usize| -> Vec<PulledChannel> {
        let channel = |n| PulledChannel {
            channel: format!("inst/320703/TI-{n:06}").parse().unwrap(),
            rows: 0,
            seen_upto: 1,
        };
        (0..count).map(channel).collect()
    };
    let most = listed(MAX_LIST);
    let body = write_pull(&most, true, BatchWriter::new()).unwrap();
    assert_eq!(read_pull(&body).unwrap().channels, most);
    let more = write_pull(&listed(MAX_LIST + 1), true, BatchWriter::new());
    assert_eq!(more, Err(BatchFault::TooLarge));

    // Codes of institutions have eighteen characters and hardly repeat each other.
    let mut random = 1_u64;
    let mut code = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        format!("inst/320703/91{:016}", random % 10_000_000_000_000_000)
    };
    let mut held = HeldChannels::new();
    while held.len() < MAX_HELD {
        let one = Held {
            upto: held.len() as u64,
            seen: Some(7),
        };
        held.insert(code().parse().unwrap(), one);
    }
    let mut request = PullRequest {
        held,
        base: Some([3; 32]),
        without: ["own/320703".parse().unwrap()].into(),
        max_entries: 10,
        is_held: false,
    };
    let body = write_pull_request(&request).unwrap();
    println!("{MAX_HELD} channels: {} bytes", body.len());
    assert_eq!(read_pull_request(&body), Ok(request.clone()));
    request.held.insert(code().parse().unwrap(), Held::upto(1));
    assert_eq!(write_pull_request(&request), Err(BatchFault::TooLarge));
}

#[test]
fn entries_listed_under_another_channel_are_refused() {
    let mut batch = BatchWriter::new();
    for (id, entry) in &answers(3) {
        batch.row(entry.seq, None, *id, entry);
    }
    let wrong = [PulledChannel {
        channel: "own/320706".parse().unwrap(),
        rows: 3,
        seen_upto: 0,
    }];
    assert!(read_pull(&write_pull(&wrong, false, batch).unwrap()).is_err());
}

#[derive(Debug, Clone)]
struct Step {
    device: u8,
    skip: u64,
    torn: bool,
    author: u8,
    channel: u8,
    record: u8,
    after: Option<u8>,
    covered: Option<u8>,
    at: u64,
    event: Vec<u8>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        (
            0..3_u8,
            prop_oneof![9 => Just(0_u64), 1 => 1..1000_u64],
            proptest::bool::weighted(0.05),
        ),
        (0..2_u8, 0..3_u8, 0..4_u8),
        (proptest::option::of(0..4_u8), proptest::option::of(0..3_u8)),
        (any::<u64>(), proptest::collection::vec(any::<u8>(), 0..40)),
    )
        .prop_map(
            |((device, skip, torn), (author, channel, record), (after, covered), (at, event))| {
                Step {
                    device,
                    skip,
                    torn,
                    author,
                    channel,
                    record,
                    after,
                    covered,
                    at,
                    event,
                }
            },
        );
    proptest::collection::vec(step, 0..60)
}

/// Turns steps into entries of several devices, some chains torn, some with sequence numbers left out.
fn rows(steps: &[Step]) -> (Vec<Receipt>, Vec<Row>) {
    let key = SigningKey::from_bytes(&[1; 32]);
    let receipts: Vec<Receipt> = (0..3_u64)
        .map(|n| {
            let receipt = Receipt {
                life: n + 1,
                device: DeviceId(Uuid::from_u128(u128::from(n))),
                from: n.min(1),
                seq: n * 7,
                head: EntryId([n as u8; 32]),
                received_at_ms: n * 1000,
                // Also what no endpoint says is carried as it is.
                since_ms: [0, 500, 9_000][n as usize],
                seen_ms: [None, Some(700), Some(u64::MAX)][n as usize],
                refused: [vec![], vec![1, 2, 7], vec![9, 3]][n as usize].clone(),
                signature: SignatureBytes::NONE,
            };
            receipt.signed(&key)
        })
        .collect();
    let mut heads = [(0_u64, EntryId::NONE); 3];
    let rows = steps
        .iter()
        .enumerate()
        .map(|(n, step)| {
            let head = heads[usize::from(step.device)];
            let entry = Entry {
                device: DeviceId(Uuid::from_u128(u128::from(step.device))),
                seq: head.0 + 1 + step.skip,
                prev: if step.torn {
                    EntryId([0xee; 32])
                } else {
                    head.1
                },
                after: step.after.map(|after| {
                    receipts
                        .get(usize::from(after))
                        .map_or(ReceiptId([9; 32]), Receipt::id)
                }),
                at: Hlc(step.at),
                author: PersonId(Uuid::from_u128(u128::from(step.author))),
                channel: [
                    Channel::Pub("a".parse().unwrap()),
                    Channel::Own("a".parse().unwrap()),
                    "inst/a/b".parse().unwrap(),
                ][usize::from(step.channel)]
                .clone(),
                record: RecordId(Uuid::from_u128(u128::from(step.record))),
                event: step.event.clone(),
                again: None,
            };
            let id = entry.id();
            heads[usize::from(step.device)] = (entry.seq, id);
            Row {
                number: if step.torn { 0 } else { n as u64 },
                covered: step.covered.map(usize::from),
                id,
                entry,
            }
        })
        .collect();
    (receipts, rows)
}

fn write(receipts: &[Receipt], rows: &[Row]) -> Vec<u8> {
    let mut batch = BatchWriter::new();
    for receipt in receipts {
        batch.receipt(receipt);
    }
    for row in rows {
        batch.row(row.number, row.covered, row.id, &row.entry);
    }
    write_push(&SignatureBytes::first(&[7; 64]), batch).unwrap()
}

proptest! {
    #[test]
    fn whatever_entries_are_written_are_read_back_the_same(steps in steps()) {
        let (receipts, rows) = rows(&steps);
        let read = read_push(&write(&receipts, &rows)).unwrap();
        prop_assert_eq!(read.batch.receipts, receipts);
        prop_assert_eq!(read.batch.rows, rows);
    }

    #[test]
    fn no_bytes_whatever_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(read_push(&bytes).is_err());
        let packed = zstd::encode_all(&bytes[..], 1).unwrap();
        prop_assert!(read_push(&packed).is_err());
        let _ = read_pull(&packed);
    }

    #[test]
    fn a_batch_that_was_altered_inside_is_refused_or_reads_as_other_entries_never_as_the_same(
        steps in steps(), at in any::<prop::sample::Index>(), bit in 0..8_u8
    ) {
        let (receipts, rows) = rows(&steps);
        let mut bytes = zstd::decode_all(&write(&receipts, &rows)[..]).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(read) = read_push(&zstd::encode_all(&bytes[..], 1).unwrap()) {
            // The check over all ids leaves only what no id names: numbers, receipts and the signature, which are signed themselves.
            prop_assert!(read.batch.rows.iter().map(|r| r.id).eq(rows.iter().map(|r| r.id)));
        }
    }
}

#[test]
fn an_opening_with_a_body_of_its_own_is_carried_as_its_very_bytes() {
    let spaced =
        br#"{ "t": "opened", "kind": "subject", "fields": { "name": "\u8fde\u4e91\u6e2f" } }"#
            .to_vec();
    assert!(matches!(
        Event::parse(&spaced).unwrap(),
        Event::Opened {
            kind: RecordKind::Subject,
            ..
        }
    ));
    let (_, mut entry) = answers(1).remove(0);
    entry.event = spaced;
    let mut batch = BatchWriter::new();
    batch.row(0, None, entry.id(), &entry);
    let read = read_push(&write_push(&SignatureBytes::NONE, batch).unwrap()).unwrap();
    assert_eq!(read.batch.rows[0].entry, entry);
}
