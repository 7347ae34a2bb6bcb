//! Saving, pulling, rebuilding, and evidence.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use shicha_domain::{Event, PersonId, Receipt, RecordId, RecordKind, suite::SignatureBytes};
use shicha_ledger::{DatabaseKey, Draft, Incoming, Ledger};
use uuid::Uuid;

use crate::{
    Failure, NOW_MS,
    fill::{enrol, opened, subject},
};

/// What it takes to save one answer, beside what one commit of the same bytes takes with the same settings.
pub(crate) fn saving(
    ledger: &Ledger,
    me: PersonId,
    record: RecordId,
    floor: &Connection,
) -> Result<(), Failure> {
    let (mut times, mut floors) = (Vec::new(), Vec::new());
    for n in 0..1_000_u64 {
        let field = format!("answers/TI-{}.{}/result", n % 19 / 5, n % 5);
        let state = ledger.record(record)?.ok_or("no such record")?;
        let value = if n / 19 % 2 == 0 {
            "not_applicable"
        } else {
            "conforms"
        };
        let event = Event::Set {
            replaces: state.heads_of(&field),
            field,
            value: value.into(),
        };
        // What an entry's row holds beside its event: three hashes and some numbers.
        let mut bytes = event.to_bytes()?;
        bytes.extend([7; 120]);
        let draft = Draft {
            channel: state.channel().clone(),
            record,
            event,
        };
        drop(state);
        let start = Instant::now();
        ledger.append(me, vec![draft], NOW_MS + n)?;
        times.push(start.elapsed());
        let start = Instant::now();
        floor
            .prepare_cached("INSERT INTO row (bytes) VALUES (?1)")?
            .execute([&bytes])?;
        floors.push(start.elapsed());
    }
    times.sort_unstable();
    floors.sort_unstable();
    let at = |times: &[Duration], percent: usize| times[times.len() * percent / 100];
    for percent in [50, 99] {
        let (saved, floor) = (at(&times, percent), at(&floors, percent));
        println!(
            "one answer saved, p{percent}: {saved:?}, one commit: {floor:?}, {:.2} times",
            saved.as_secs_f64() / floor.as_secs_f64()
        );
    }
    Ok(())
}

/// What it takes to take in what others wrote: 60,000 answers in batches of 5,000.
pub(crate) fn pulling(key: &DatabaseKey) -> Result<(), Failure> {
    let (from, to) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (author, _) = Ledger::open(from.path(), key, NOW_MS)?;
    let (reader, _) = Ledger::open(to.path(), key, NOW_MS)?;
    let me = enrol(&author)?;
    let start = Instant::now();
    for n in 0..632_u128 {
        let record = RecordId(Uuid::from_u128(3 << 64 | n));
        let mut drafts = vec![opened(
            RecordKind::Inspection,
            record,
            &subject(n as usize * 10),
        )?];
        for item in 0..95 {
            drafts.push(Draft {
                channel: "own/320703".parse()?,
                record,
                event: Event::Set {
                    field: format!("answers/TI-{}.{}/result", item / 10, item % 10),
                    value: "conforms".into(),
                    replaces: Vec::new(),
                },
            });
        }
        author.append(me, drafts, NOW_MS)?;
    }
    let entries = author.outbox(usize::MAX, usize::MAX)?;
    let rate = |start: Instant| entries.len() as f64 / start.elapsed().as_secs_f64();
    println!(
        "{} entries appended, 96 at a time: {:.0} a second",
        entries.len(),
        rate(start)
    );
    let mut batches = Vec::new();
    let mut cursor = 0;
    for part in entries.chunks(5_000) {
        let (head, last) = part.last().ok_or("no entries")?;
        let receipt = Receipt {
            signature: SignatureBytes::first(&[0; 64]),
            ..Receipt::whole(last.device, last.seq, *head, NOW_MS)
        };
        let upto = cursor + part.len() as u64;
        batches.push(Incoming {
            channel: "own/320703".parse()?,
            upto,
            entries: (cursor + 1..)
                .zip(part.iter().cloned())
                .map(|(number, (id, entry))| (number, id, entry))
                .collect(),
            receipts: vec![receipt],
            covered_by: vec![0; part.len()],
            seen_upto: 0,
        });
        cursor = upto;
    }
    let start = Instant::now();
    for batch in batches {
        reader.insert(vec![batch], NOW_MS)?;
    }
    println!(
        "{} entries taken in, 5000 at a time: {:.0} a second",
        entries.len(),
        rate(start)
    );
    let start = Instant::now();
    reader.rebuild(&mut |_, _| {})?;
    println!("views of them rebuilt: {:.0} entries a second", rate(start));
    Ok(())
}

/// What it takes to take in a file, to read it, and to make a small picture of a photo of 12 million pixels.
pub(crate) fn evidence(key: &DatabaseKey) -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let (ledger, _) = Ledger::open(dir.path(), key, NOW_MS)?;
    let size = 128 << 20;
    let bytes: Vec<u8> = (0..size as u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let rate = |start: Instant| (size >> 20) as f64 / start.elapsed().as_secs_f64();
    let start = Instant::now();
    let taken = ledger.blob_import(&mut &bytes[..], &mut |_| {}, NOW_MS)?;
    println!("evidence taken in: {:.0} MiB/s", rate(start));
    let start = Instant::now();
    ledger.blob_copy_to(taken.hash, &mut std::io::sink())?;
    println!("evidence read: {:.0} MiB/s", rate(start));
    let photo = image::RgbImage::from_fn(4000, 3000, |x, y| {
        image::Rgb([(x / 16) as u8, (y / 12) as u8, (x * y / 5000) as u8])
    });
    let mut jpeg = std::io::Cursor::new(Vec::new());
    photo.write_to(&mut jpeg, image::ImageFormat::Jpeg)?;
    let jpeg = jpeg.into_inner();
    let start = Instant::now();
    let taken = ledger.blob_import(&mut &jpeg[..], &mut |_| {}, NOW_MS)?;
    println!(
        "photo of {} KiB taken in: {:?}",
        jpeg.len() >> 10,
        start.elapsed()
    );
    for name in ["made", "kept"] {
        let start = Instant::now();
        ledger.thumbnail(taken.hash, 320)?.ok_or("no picture")?;
        println!("small picture {name}: {:?}", start.elapsed());
    }
    Ok(())
}

/// A database with the settings of the ledger and nothing in it.
pub(crate) fn floor(dir: &Path, key: &DatabaseKey) -> Result<Connection, Failure> {
    let db = Connection::open(dir.join("floor.db"))?;
    db.execute_batch(&format!("PRAGMA key = \"x'{}'\";", key.to_hex()))?;
    db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    db.execute_batch(
        "PRAGMA synchronous = FULL; CREATE TABLE row (n INTEGER PRIMARY KEY, bytes BLOB NOT NULL);",
    )?;
    Ok(db)
}
