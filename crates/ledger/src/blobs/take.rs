//! Taking a file in: piece by piece, or from a reader.

use std::io::Read;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use shicha_domain::BlobHash;

use super::{Finished, MAX_BLOB_BYTES, as_shown, examine, position, store, time};
use crate::{
    error::LedgerError,
    ledger::Ledger,
    views::{signed, unsigned},
};

/// Bytes of an import that are made durable at a time.
const STRETCH: usize = 4 << 20;

/// Names a file that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(i64);

impl Ledger {
    /// Begins to take a file in piece by piece. What is not finished is gone at the next opening.
    ///
    /// # Errors
    /// When the database fails.
    pub fn blob_begin(&self, now_ms: u64) -> Result<UploadId, LedgerError> {
        self.write(|tx| {
            tx.prepare_cached(
                "INSERT INTO blob (size, have, is_complete, mime, orientation, is_waiting, sent_upto, is_delivered, is_wanted,
                     begun_ms)
                 VALUES (0, 0, 0, '', 1, 0, 0, 0, 0, ?1)",
            )?
            .execute([signed(now_ms)])?;
            Ok(UploadId(tx.last_insert_rowid()))
        })
    }

    /// Writes a piece, durable when this returns, and tells how many bytes are there. A piece that is there already may be sent
    /// again.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchBlob`], [`LedgerError::FileTooLarge`], or [`LedgerError::BadBytes`] when bytes before the piece are missing.
    pub fn blob_write(
        &self,
        upload: UploadId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<u64, LedgerError> {
        let (have, new) = self.write(|tx| {
            let have = begun(tx, upload)?;
            let new = new_part(have, offset, bytes)?;
            if have + new.len() as u64 > MAX_BLOB_BYTES {
                return Err(LedgerError::FileTooLarge);
            }
            store::append(tx, upload.0, have, new)?;
            Ok((have, new))
        })?;
        self.blob_memory().extend(upload.0, have, new);
        Ok(have + new.len() as u64)
    }

    /// Ends the writing of a file: from now on it is there under its hash. Bytes that were there already are kept once.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchBlob`] or [`LedgerError::EmptyFile`].
    pub fn blob_finish(&self, upload: UploadId) -> Result<Finished, LedgerError> {
        self.write(|tx| {
            let size = begun(tx, upload)?;
            if size == 0 {
                store::remove(tx, upload.0)?;
                return Ok(None);
            }
            let hash = match self.blob_memory().finish(upload.0, size) {
                Some(hash) => hash,
                None => store::hash(tx, upload.0)?.0,
            };
            settle(tx, upload.0, hash, size).map(Some)
        })?
        .ok_or(LedgerError::EmptyFile)
    }

    /// Throws away what was written of a file.
    ///
    /// # Errors
    /// When the database fails.
    pub fn blob_abort(&self, upload: UploadId) -> Result<(), LedgerError> {
        self.blob_memory().finish(upload.0, 0);
        self.write(|tx| match begun(tx, upload) {
            Ok(_) => store::remove(tx, upload.0),
            Err(LedgerError::NoSuchBlob) => Ok(()),
            Err(error) => Err(error),
        })
    }

    /// Takes a file in from a reader, never holding it whole. `progress` hears how many bytes are durable.
    ///
    /// # Errors
    /// [`LedgerError::EmptyFile`], [`LedgerError::FileTooLarge`] (more than [`MAX_BLOB_BYTES`]), [`LedgerError::Io`] when the reader fails;
    /// nothing is left behind then.
    pub fn blob_import(
        &self,
        reader: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
        now_ms: u64,
    ) -> Result<Finished, LedgerError> {
        let upload = self.blob_begin(now_ms)?;
        let done = self
            .fill(upload, reader, progress)
            .and_then(|()| self.blob_finish(upload));
        if done.is_err()
            && let Err(error) = self.blob_abort(upload)
        {
            // The next opening removes it.
            tracing::warn!(%error, "what was taken in of a file could not be removed");
        }
        done
    }

    fn fill(
        &self,
        upload: UploadId,
        reader: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), LedgerError> {
        let mut buffer = Vec::with_capacity(STRETCH);
        let mut at = 0;
        loop {
            buffer.clear();
            reader.take(STRETCH as u64).read_to_end(&mut buffer)?;
            if buffer.is_empty() {
                return Ok(());
            }
            at = self.blob_write(upload, at, &buffer)?;
            progress(at);
        }
    }
}

/// What of a piece is new behind the `have` bytes that are there.
pub(super) fn new_part(have: u64, offset: u64, bytes: &[u8]) -> Result<&[u8], LedgerError> {
    let known = have
        .checked_sub(offset)
        .ok_or(LedgerError::BadBytes("bytes before this piece are missing"))?;
    let known = usize::try_from(known).unwrap_or(usize::MAX);
    Ok(bytes.get(known..).unwrap_or_default())
}

fn begun(db: &Connection, upload: UploadId) -> Result<u64, LedgerError> {
    db.prepare_cached("SELECT have FROM blob WHERE id = ?1 AND hash IS NULL")?
        .query_row([upload.0], |row| row.get(0))
        .optional()?
        .map(unsigned)
        .ok_or(LedgerError::NoSuchBlob)
}

/// What was known of a file before it was taken in here.
#[derive(Default)]
struct Before {
    is_waiting: bool,
    is_delivered: bool,
}

/// Makes a written file the one of its hash.
fn settle(db: &Connection, id: i64, hash: [u8; 32], size: u64) -> Result<Finished, LedgerError> {
    let known: Option<(i64, bool, Before)> = db
        .prepare_cached(
            "SELECT id, is_complete, is_waiting, is_delivered FROM blob WHERE hash = ?1",
        )?
        .query_row([hash], |row| {
            let before = Before {
                is_waiting: row.get(2)?,
                is_delivered: row.get(3)?,
            };
            Ok((row.get(0)?, row.get(1)?, before))
        })
        .optional()?;
    let before = match known {
        Some((other, true, _)) => {
            store::remove(db, id)?;
            return finished(db, other);
        }
        // It was wanted from the central endpoint, and now came by another way.
        Some((other, false, before)) => {
            store::remove(db, other)?;
            before
        }
        None => Before::default(),
    };
    db.prepare_cached(
        "UPDATE blob SET hash = ?2, size = ?3, is_complete = 1, is_wanted = 0, is_waiting = ?4, is_delivered = ?5 WHERE id = ?1",
    )?
    .execute(params![id, hash, signed(size), before.is_waiting, before.is_delivered])?;
    examine::examine(db, id, size)?;
    finished(db, id)
}

fn finished(db: &Connection, id: i64) -> Result<Finished, LedgerError> {
    let found = db
        .prepare_cached(
            "SELECT hash, size, mime, taken_at_ms, latitude_e7, longitude_e7, camera, width, height, orientation
             FROM blob WHERE id = ?1",
        )?
        .query_row([id], read_finished)?;
    Ok(found)
}

fn read_finished(row: &Row<'_>) -> rusqlite::Result<Finished> {
    let size: Option<u32> = row.get(7)?;
    let size = size.zip(row.get(8)?);
    let (width, height) = as_shown(size, row.get(9)?);
    Ok(Finished {
        hash: BlobHash(row.get(0)?),
        size: unsigned(row.get(1)?),
        mime: row.get(2)?,
        taken_at_ms: time(row.get(3)?),
        position_e7: position(row.get(4)?, row.get(5)?),
        camera: row.get(6)?,
        width,
        height,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::key::KeyStore;

    #[test]
    fn a_file_of_more_than_a_gibibyte_is_refused_while_it_comes() {
        let dir = tempfile::tempdir().unwrap();
        let key = KeyStore::new(dir.path())
            .create_with_passphrase("a passphrase for tests")
            .unwrap();
        let (ledger, _) = Ledger::open(dir.path(), &key, 0).unwrap();
        let upload = ledger.blob_begin(0).unwrap();
        // As if all but the last bytes were there.
        let have = MAX_BLOB_BYTES - store::CHUNK;
        ledger
            .write(|tx| {
                tx.execute("UPDATE blob SET have = ?1", [signed(have)])?;
                Ok(())
            })
            .unwrap();
        let chunk = vec![1; store::CHUNK as usize];
        assert_eq!(
            ledger.blob_write(upload, have, &chunk).unwrap(),
            MAX_BLOB_BYTES
        );
        let more = ledger.blob_write(upload, MAX_BLOB_BYTES, b"x");
        assert!(matches!(more, Err(LedgerError::FileTooLarge)), "{more:?}");
    }

    #[test]
    fn evidence_that_was_lost_with_its_database_is_wanted_again_after_a_rebuild() {
        let dir = tempfile::tempdir().unwrap();
        let key = KeyStore::new(dir.path())
            .create_with_passphrase("a passphrase for tests")
            .unwrap();
        let (ledger, _) = Ledger::open(dir.path(), &key, 0).unwrap();
        let hash = BlobHash([7; 32]);
        ledger
            .write(|tx| {
                tx.execute(
                    "INSERT INTO view_attachment VALUES (1, x'01', 'record', ?1, -5, 0), (2, x'02', 'record', ?1, 40, 0)",
                    [hash.0],
                )?;
                super::super::want_named(tx)?;
                super::super::want_named(tx)
            })
            .unwrap();
        assert_eq!(ledger.blobs_wanted(10).unwrap(), [(hash, 40, 0)]);
    }
}
