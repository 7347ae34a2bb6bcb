//! Chunks: where the bytes of a file lie.

use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use crate::{
    error::LedgerError,
    views::{signed, unsigned},
};

/// Bytes of every chunk but the last.
pub(crate) const CHUNK: u64 = 256 * 1024;
/// Room in the numbering: the number of a chunk is that of its file × this + its place.
const PLACES: i64 = 8192;

const _: () = assert!(super::MAX_BLOB_BYTES / CHUNK < PLACES as u64);

fn chunk(id: i64, offset: u64) -> i64 {
    id * PLACES + signed(offset / CHUNK)
}

/// Puts bytes behind the `have` that are there.
pub(crate) fn append(
    db: &Connection,
    id: i64,
    have: u64,
    mut bytes: &[u8],
) -> Result<u64, LedgerError> {
    let mut at = have;
    while !bytes.is_empty() {
        let within = at % CHUNK;
        let room = usize::try_from(CHUNK - within).unwrap_or(usize::MAX);
        let (now, rest) = bytes.split_at(room.min(bytes.len()));
        if within == 0 {
            db.prepare_cached("INSERT OR REPLACE INTO blob_chunk (id, bytes) VALUES (?1, ?2)")?
                .execute(params![chunk(id, at), now])?;
        } else {
            // Blobs are joined as such: || would make text of them.
            let mut whole: Vec<u8> = db
                .prepare_cached("SELECT bytes FROM blob_chunk WHERE id = ?1")?
                .query_row([chunk(id, at)], |row| row.get(0))?;
            whole.truncate(usize::try_from(within).unwrap_or(0));
            whole.extend_from_slice(now);
            db.prepare_cached("UPDATE blob_chunk SET bytes = ?2 WHERE id = ?1")?
                .execute(params![chunk(id, at), whole])?;
        }
        at += now.len() as u64;
        bytes = rest;
    }
    db.prepare_cached("UPDATE blob SET have = ?2 WHERE id = ?1")?
        .execute(params![id, signed(at)])?;
    Ok(at)
}

/// Reads into `buffer` from `offset`, at most to the end of the chunk, and tells how much was read; 0 behind the end.
pub(crate) fn read_at(
    db: &Connection,
    id: i64,
    offset: u64,
    buffer: &mut [u8],
) -> Result<usize, LedgerError> {
    let row = chunk(id, offset);
    let is_there: Option<bool> = db
        .prepare_cached("SELECT 1 FROM blob_chunk WHERE id = ?1")?
        .query_row([row], |row| row.get(0))
        .optional()?;
    if is_there.is_none() {
        return Ok(0);
    }
    let blob = db.blob_open("main", "blob_chunk", "bytes", row, true)?;
    let within = usize::try_from(offset % CHUNK).unwrap_or(0);
    Ok(blob.read_at(buffer, within)?)
}

/// Removes the bytes of a file.
pub(crate) fn remove_bytes(db: &Connection, id: i64) -> Result<(), LedgerError> {
    db.prepare_cached("DELETE FROM blob_chunk WHERE id >= ?1 AND id < ?2")?
        .execute([id * PLACES, (id + 1) * PLACES])?;
    db.prepare_cached("DELETE FROM blob_picture WHERE blob = ?1")?
        .execute([id])?;
    Ok(())
}

/// Removes a file with all that belongs to it.
pub(crate) fn remove(db: &Connection, id: i64) -> Result<(), LedgerError> {
    remove_bytes(db, id)?;
    db.prepare_cached("DELETE FROM blob WHERE id = ?1")?
        .execute([id])?;
    Ok(())
}

/// Hashes what is there of a file, and counts it.
pub(crate) fn hash(db: &Connection, id: i64) -> Result<([u8; 32], u64), LedgerError> {
    let mut hash = Sha256::new();
    let mut at = 0;
    let mut buffer = vec![0; usize::try_from(CHUNK).unwrap_or(0)];
    loop {
        let read = read_at(db, id, at, &mut buffer)?;
        if read == 0 {
            return Ok((hash.finalize().into(), at));
        }
        hash.update(&buffer[..read]);
        at += read as u64;
    }
}

/// A file's number and length, if all of it is here.
pub(crate) fn complete(db: &Connection, hash: [u8; 32]) -> Result<Option<(i64, u64)>, LedgerError> {
    let found = db
        .prepare_cached("SELECT id, size FROM blob WHERE hash = ?1 AND is_complete = 1")?
        .query_row([hash], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))
        .optional()?;
    Ok(found)
}
