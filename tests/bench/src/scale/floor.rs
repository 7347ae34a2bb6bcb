//! The least that any store has to do with the same rows and files.

use std::{
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use postgres::{NoTls, types::ToSql};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::Storage;

/// Rows in one transaction: as many as the largest push has.
const TOGETHER: usize = 10_000;

impl Storage {
    /// Which part of the floor pushes should reach.
    pub(super) const fn aim(self) -> f64 {
        match self {
            Self::Sqlite => 0.5,
            Self::Postgres => 0.4,
        }
    }
}

/// Rows per second that the plain driver inserts into a table with the two keys that any such store needs.
pub(super) fn rows(storage: Storage, dir: &Path, count: usize) -> Result<f64> {
    let took = match storage {
        Storage::Sqlite => sqlite(&dir.join("floor-of-rows.db"), count)?,
        Storage::Postgres => {
            let database = storage.database().unwrap_or_default();
            tokio::task::block_in_place(|| postgres(&database, count))?
        }
    };
    Ok(count as f64 / took.as_secs_f64())
}

/// An event of the length that most have.
const EVENT: &[u8] =
    br#"{"type":"set","field":"answers/TI-4.7/result","value":"not_applicable","replaces":[]}"#;

fn sqlite(path: &Path, count: usize) -> Result<Duration> {
    let mut db = Connection::open(path)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE entry (n INTEGER PRIMARY KEY, device INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL,
            at INTEGER NOT NULL, channel INTEGER NOT NULL, number INTEGER NOT NULL, record BLOB NOT NULL, event BLOB NOT NULL) STRICT;
         CREATE UNIQUE INDEX entry_by_device ON entry (device, seq);
         CREATE UNIQUE INDEX entry_by_number ON entry (channel, number);",
    )?;
    let began = Instant::now();
    for first in (0..count).step_by(TOGETHER) {
        let tx = db.transaction()?;
        let mut insert = tx.prepare_cached(
            "INSERT INTO entry (device, seq, id, at, channel, number, record, event) VALUES (1, ?1, ?2, ?3, 1, ?1, ?4, ?5)",
        )?;
        for n in first..first + TOGETHER {
            let id: [u8; 32] = rand::random();
            let record = Uuid::from_u128(n as u128 / 100);
            insert.execute(params![n as i64, id, n as i64, record.as_bytes(), EVENT])?;
        }
        drop(insert);
        tx.commit()?;
    }
    Ok(began.elapsed())
}

fn postgres(database: &str, count: usize) -> Result<Duration> {
    let mut db = postgres::Client::connect(database, NoTls)?;
    db.batch_execute(
        "CREATE TABLE entry (device uuid NOT NULL, seq bigint NOT NULL, id bytea NOT NULL, at bigint NOT NULL,
            channel text NOT NULL, number bigint NOT NULL, record uuid NOT NULL, event bytea NOT NULL);
         CREATE UNIQUE INDEX entry_by_device ON entry (device, seq);
         CREATE UNIQUE INDEX entry_by_number ON entry (channel, number);",
    )?;
    let device = Uuid::now_v7();
    let insert = db.prepare(
        "INSERT INTO entry (device, seq, id, at, channel, number, record, event)
         SELECT $1, n, id, n, 'own/320703', n, record, event
         FROM unnest($2::bigint[], $3::bytea[], $4::uuid[], $5::bytea[]) AS rows (n, id, record, event)",
    )?;
    let began = Instant::now();
    for first in (0..count).step_by(TOGETHER) {
        let numbers: Vec<i64> = (first..first + TOGETHER).map(|n| n as i64).collect();
        let ids: Vec<Vec<u8>> = numbers
            .iter()
            .map(|_| rand::random::<[u8; 32]>().to_vec())
            .collect();
        let records: Vec<Uuid> = numbers
            .iter()
            .map(|n| Uuid::from_u128(*n as u128 / 100))
            .collect();
        let events = vec![EVENT; TOGETHER];
        let values: [&(dyn ToSql + Sync); 5] = [&device, &numbers, &ids, &records, &events];
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
