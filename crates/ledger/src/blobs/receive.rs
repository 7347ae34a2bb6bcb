//! Evidence of others, as it comes from the central endpoint piece by piece.

use rusqlite::{Connection, OptionalExtension as _, params};
use shicha_domain::BlobHash;

use super::{MAX_BLOB_BYTES, examine, store, take::new_part};
use crate::{
    error::LedgerError,
    ledger::Ledger,
    views::{signed, unsigned},
};

/// How far a file is.
struct Coming {
    id: i64,
    size: u64,
    have: u64,
    is_complete: bool,
}

impl Ledger {
    /// Takes a piece of a wanted file of `size` bytes, durable when this returns. A piece that is there already may come again.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchBlob`] when no entry names it, [`LedgerError::FileTooLarge`], [`LedgerError::EmptyFile`], or
    /// [`LedgerError::BadBytes`] when bytes before the piece are missing or it reaches behind the end.
    pub fn blob_receive(
        &self,
        hash: BlobHash,
        size: u64,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), LedgerError> {
        if size == 0 {
            return Err(LedgerError::EmptyFile);
        }
        if size > MAX_BLOB_BYTES {
            return Err(LedgerError::FileTooLarge);
        }
        let taken = self.write(|tx| {
            let coming = coming(tx, hash)?;
            if coming.is_complete {
                return Ok(None);
            }
            let new = new_part(coming.have, offset, bytes)?;
            if coming.have + new.len() as u64 > size {
                return Err(LedgerError::BadBytes("more bytes than the file has"));
            }
            if coming.size != size {
                // An entry may claim another length than the file has; the hash decides in the end.
                tx.prepare_cached("UPDATE blob SET size = ?2 WHERE id = ?1")?
                    .execute(params![coming.id, signed(size)])?;
            }
            store::append(tx, coming.id, coming.have, new)?;
            Ok(Some((coming.id, coming.have, new)))
        })?;
        if let Some((id, have, new)) = taken {
            self.blob_memory().extend(id, have, new);
        }
        Ok(())
    }

    /// Ends the receiving of a file from the central endpoint.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchBlob`], or [`LedgerError::BadBytes`] when bytes are missing or do not have the hash; in the last case
    /// they are thrown away, so that the file can be fetched again from its start.
    pub fn blob_receive_finish(&self, hash: BlobHash) -> Result<(), LedgerError> {
        self.finish_receiving(hash, true)
    }

    /// Ends the receiving of a file from another device. The central endpoint may lack it, so it waits to be offered.
    ///
    /// # Errors
    /// As [`Self::blob_receive_finish`].
    pub fn blob_receive_finish_carried(&self, hash: BlobHash) -> Result<(), LedgerError> {
        self.finish_receiving(hash, false)
    }

    fn finish_receiving(&self, hash: BlobHash, is_delivered: bool) -> Result<(), LedgerError> {
        let fits = self.write(|tx| {
            let coming = coming(tx, hash)?;
            if coming.is_complete {
                return Ok(true);
            }
            if coming.have == 0 || coming.have != coming.size {
                return Err(LedgerError::BadBytes("the file is not whole"));
            }
            let found = match self.blob_memory().finish(coming.id, coming.have) {
                Some(found) => found,
                None => store::hash(tx, coming.id)?.0,
            };
            if found != hash.0 {
                store::remove_bytes(tx, coming.id)?;
                tx.prepare_cached("UPDATE blob SET have = 0 WHERE id = ?1")?
                    .execute([coming.id])?;
                return Ok(false);
            }
            tx.prepare_cached(
                "UPDATE blob SET is_complete = 1, is_wanted = 0, is_waiting = NOT ?2, is_delivered = ?2 WHERE id = ?1",
            )?
            .execute(params![coming.id, is_delivered])?;
            examine::examine(tx, coming.id, coming.size)?;
            Ok(true)
        })?;
        if fits {
            Ok(())
        } else {
            Err(LedgerError::BadBytes(
                "they do not have the hash that names them",
            ))
        }
    }
}

fn coming(db: &Connection, hash: BlobHash) -> Result<Coming, LedgerError> {
    db.prepare_cached("SELECT id, size, have, is_complete FROM blob WHERE hash = ?1")?
        .query_row([hash.0], |row| {
            Ok(Coming {
                id: row.get(0)?,
                size: unsigned(row.get(1)?),
                have: unsigned(row.get(2)?),
                is_complete: row.get(3)?,
            })
        })
        .optional()?
        .ok_or(LedgerError::NoSuchBlob)
}
