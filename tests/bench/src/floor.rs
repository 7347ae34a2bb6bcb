//! Floors: the least that any program of this kind has to do, written straight against SQLite with the ledger's own settings.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use rusqlite::{Connection, params};

/// Opens a database with the ledger's settings: encrypted, WAL, every commit on the disk.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    let db = Connection::open(path)?;
    db.execute_batch(&format!("PRAGMA key = \"x'{}'\";", hex::encode([7_u8; 32])))?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
    )?;
    Ok(db)
}

/// How long single commits take that write `bytes` each, one after another.
pub(crate) fn commits(dir: &Path, count: usize, bytes: &[u8]) -> Result<Vec<Duration>> {
    let mut db = open(&dir.join("floor.db"))?;
    db.execute_batch("CREATE TABLE entry (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;")?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        let tx = db.transaction()?;
        tx.prepare_cached("INSERT INTO entry (bytes) VALUES (?1)")?
            .execute(params![bytes])?;
        tx.commit()?;
        times.push(began.elapsed());
    }
    Ok(times)
}
