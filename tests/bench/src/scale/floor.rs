//! The least that any store has to do with the same rows and files.

use std::{
    collections::HashMap,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use postgres::{NoTls, types::ToSql};
use rusqlite::{Connection, params};
use shicha_domain::Entry;
use uuid::Uuid;

use super::{Storage, laptop::Laptop};

/// Rows in one transaction: as many as the largest push has.
const TOGETHER: usize = 10_000;
/// Entries of an inspection.
const ENTRIES: usize = 100;

impl Storage {
    /// Which part of the floor pushes should reach.
    pub(super) const fn aim(self) -> f64 {
        match self {
            Self::Sqlite => 0.5,
            Self::Postgres => 0.4,
        }
    }
}

/// A row as a store has it.
struct Row {
    device: (i64, Uuid),
    channel: (i64, String),
    record: (i64, Uuid),
    number: i64,
    after: Option<[u8; 32]>,
    id: [u8; 32],
    entry: Entry,
}

/// Rows per second that the plain driver inserts: entries of these laptops as they push them in turn, into a table with the columns and
/// the two keys that the store has, ten thousand in a transaction.
pub(super) fn rows(
    storage: Storage,
    dir: &Path,
    laptops: &mut [Laptop],
    count: usize,
) -> Result<f64> {
    let rows = written(laptops, count)?;
    let took = match storage {
        Storage::Sqlite => sqlite(&dir.join("floor-of-rows.db"), &rows)?,
        Storage::Postgres => {
            let database = storage.database().unwrap_or_default();
            tokio::task::block_in_place(|| postgres(&database, &rows))?
        }
    };
    Ok(rows.len() as f64 / took.as_secs_f64())
}

fn written(laptops: &mut [Laptop], count: usize) -> Result<Vec<Row>> {
    let mut rows = Vec::with_capacity(count + laptops.len() * ENTRIES);
    let (mut numbers, mut records) = (HashMap::<String, (i64, i64)>::new(), HashMap::new());
    while rows.len() < count {
        for (n, laptop) in laptops.iter_mut().enumerate() {
            for entry in laptop.inspection(ENTRIES, &[])? {
                let name = entry.channel.to_string();
                let channels = numbers.len() as i64;
                let (channel, number) = numbers.entry(name.clone()).or_insert((channels, 0));
                *number += 1;
                let known = records.len() as i64;
                rows.push(Row {
                    device: (n as i64, entry.device.0),
                    channel: (*channel, name),
                    record: (
                        *records.entry(entry.record).or_insert(known),
                        entry.record.0,
                    ),
                    number: *number,
                    after: entry.after.map(|after| after.0),
                    id: entry.id().0,
                    entry,
                });
            }
        }
    }
    Ok(rows)
}

fn sqlite(path: &Path, rows: &[Row]) -> Result<Duration> {
    let mut db = Connection::open(path)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE entry (n INTEGER PRIMARY KEY, device INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, after INTEGER,
            at INTEGER NOT NULL, author BLOB, channel INTEGER NOT NULL, number INTEGER, record INTEGER NOT NULL,
            covered INTEGER NOT NULL, event BLOB NOT NULL) STRICT;
         CREATE UNIQUE INDEX entry_by_device ON entry (device, seq);
         CREATE UNIQUE INDEX entry_by_number ON entry (channel, number) WHERE number IS NOT NULL;",
    )?;
    let began = Instant::now();
    for together in rows.chunks(TOGETHER) {
        let tx = db.transaction()?;
        let mut insert = tx.prepare_cached(
            "INSERT INTO entry (device, seq, id, after, at, channel, number, record, covered, event)
             VALUES (?1, ?2, ?3, ?1, ?4, ?5, ?6, ?7, ?1, ?8)",
        )?;
        for row in together {
            insert.execute(params![
                row.device.0,
                row.entry.seq as i64,
                row.id,
                row.entry.at.0 as i64,
                row.channel.0,
                row.number,
                row.record.0,
                row.entry.event
            ])?;
        }
        drop(insert);
        tx.commit()?;
    }
    Ok(began.elapsed())
}

fn postgres(database: &str, rows: &[Row]) -> Result<Duration> {
    let mut db = postgres::Client::connect(database, NoTls)?;
    db.batch_execute(
        "CREATE TABLE entry (channel text NOT NULL, number bigint, device uuid NOT NULL, seq bigint NOT NULL, id bytea NOT NULL,
            prev bytea NOT NULL, after bytea, at bigint NOT NULL, author uuid, record uuid NOT NULL, covered bigint NOT NULL,
            code text, event bytea NOT NULL);
         CREATE UNIQUE INDEX entry_by_number ON entry (channel, number);
         CREATE INDEX entry_by_device ON entry (device, seq);",
    )?;
    let insert = db.prepare(
        "INSERT INTO entry (channel, number, device, seq, id, prev, after, at, record, covered, event)
         SELECT * FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bytea[],
                              $8::bigint[], $9::uuid[], $10::bigint[], $11::bytea[])",
    )?;
    let began = Instant::now();
    for together in rows.chunks(TOGETHER) {
        let texts: Vec<&str> = together.iter().map(|row| row.channel.1.as_str()).collect();
        let numbers: Vec<i64> = together.iter().map(|row| row.number).collect();
        let devices: Vec<Uuid> = together.iter().map(|row| row.device.1).collect();
        let seqs: Vec<i64> = together.iter().map(|row| row.entry.seq as i64).collect();
        let ids: Vec<&[u8]> = together.iter().map(|row| row.id.as_slice()).collect();
        let prevs: Vec<&[u8]> = together
            .iter()
            .map(|row| row.entry.prev.0.as_slice())
            .collect();
        let afters: Vec<Option<&[u8]>> = together
            .iter()
            .map(|row| row.after.as_ref().map(|after| after.as_slice()))
            .collect();
        let ats: Vec<i64> = together.iter().map(|row| row.entry.at.0 as i64).collect();
        let records: Vec<Uuid> = together.iter().map(|row| row.record.1).collect();
        let events: Vec<&[u8]> = together
            .iter()
            .map(|row| row.entry.event.as_slice())
            .collect();
        let values: [&(dyn ToSql + Sync); 11] = [
            &texts, &numbers, &devices, &seqs, &ids, &prevs, &afters, &ats, &records, &seqs,
            &events,
        ];
        db.execute(&insert, &values)?;
    }
    Ok(began.elapsed())
}

/// As many files as there are photos, written and synced one after another.
pub(super) fn photos(folder: &Path, laptops: usize, each: usize, size: usize) -> Result<Duration> {
    std::fs::create_dir(folder)?;
    let bytes = vec![7; size];
    let began = Instant::now();
    for n in 0..laptops * each {
        let mut file = std::fs::File::create(folder.join(n.to_string()))?;
        file.write_all(&bytes)?;
        file.sync_all()?;
    }
    let took = began.elapsed();
    std::fs::remove_dir_all(folder)?;
    Ok(took)
}
