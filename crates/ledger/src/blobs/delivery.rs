//! Reading evidence, and how far it got on its way to and from the central endpoint.

use std::io::{self, Write};

use rusqlite::{Connection, OptionalExtension as _, params};
use shicha_domain::{BlobHash, RecordId};

use super::{BlobInfo, as_shown, picture, reader::BlobReader, store};
use crate::{
    error::LedgerError,
    ledger::Ledger,
    views::{signed, unsigned},
};

/// Evidence on its way.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Backlog {
    pub(crate) waiting: u64,
    pub(crate) waiting_bytes: u64,
    pub(crate) wanted: u64,
}

/// How much evidence is on its way.
pub(crate) fn backlog(db: &Connection) -> Result<Backlog, LedgerError> {
    let (waiting, waiting_bytes) = db
        .prepare_cached(
            "SELECT count(*), COALESCE(sum(max(size - sent_upto, 0)), 0) FROM blob WHERE is_waiting = 1 AND is_complete = 1",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let wanted = db
        .prepare_cached("SELECT count(*) FROM blob WHERE is_wanted = 1 AND is_complete = 0")?
        .query_row([], |row| row.get(0))?;
    Ok(Backlog {
        waiting: unsigned(waiting),
        waiting_bytes: unsigned(waiting_bytes),
        wanted: unsigned(wanted),
    })
}

/// How many files that a record names wait to be sent, and how many of their bytes.
pub(crate) fn waiting_of(db: &Connection, record: RecordId) -> Result<(u64, u64), LedgerError> {
    let (files, bytes) = db
        .prepare_cached(
            "SELECT count(*), COALESCE(sum(max(size - sent_upto, 0)), 0) FROM blob
             WHERE is_waiting = 1 AND is_complete = 1 AND hash IN
                 (SELECT a.blob FROM view_record r JOIN view_attachment a ON a.id = r.id WHERE r.record = ?1)",
        )?
        .query_row([record.0.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((unsigned(files), unsigned(bytes)))
}

impl Ledger {
    /// What is known of a file; `None` when nothing names it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn blob_info(&self, hash: BlobHash) -> Result<Option<BlobInfo>, LedgerError> {
        self.read(|db| info(db, hash))
    }

    /// Bytes of a complete file from `offset`, fewer than `len` at its end.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchBlob`] when it is not here whole.
    pub fn blob_read(&self, hash: BlobHash, offset: u64, len: u64) -> Result<Vec<u8>, LedgerError> {
        self.read(|db| {
            let (id, size) = store::complete(db, hash.0)?.ok_or(LedgerError::NoSuchBlob)?;
            let length =
                usize::try_from(len.min(size.saturating_sub(offset))).unwrap_or(usize::MAX);
            let mut bytes = vec![0; length];
            let mut done = 0;
            while done < length {
                let read = store::read_at(db, id, offset + done as u64, &mut bytes[done..])?;
                if read == 0 {
                    return Err(LedgerError::Unexpected(format!(
                        "{hash} ends before its {size} bytes"
                    )));
                }
                done += read;
            }
            Ok(bytes)
        })
    }

    /// Writes a complete file to `writer`, never holding it whole, and tells how many bytes it has.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchBlob`], or [`LedgerError::Io`] when the writer fails.
    pub fn blob_copy_to(&self, hash: BlobHash, writer: &mut dyn Write) -> Result<u64, LedgerError> {
        self.read(|db| {
            let (id, size) = store::complete(db, hash.0)?.ok_or(LedgerError::NoSuchBlob)?;
            let copied = io::copy(&mut BlobReader::new(db, id, size, size), writer)?;
            if copied == size {
                Ok(size)
            } else {
                Err(LedgerError::Unexpected(format!(
                    "{hash} ends before its {size} bytes"
                )))
            }
        })
    }

    /// Own evidence that the central endpoint does not have, smallest first: hash, length, bytes sent.
    ///
    /// # Errors
    /// When the database fails.
    pub fn blobs_waiting(&self, limit: usize) -> Result<Vec<(BlobHash, u64, u64)>, LedgerError> {
        self.listed(
            "SELECT hash, size, sent_upto FROM blob INDEXED BY blob_waiting
             WHERE is_waiting = 1 AND is_complete = 1 ORDER BY size, id LIMIT ?1",
            limit,
        )
    }

    /// Notes how far a file was sent. When `is_done`, the central endpoint has it.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchBlob`].
    pub fn blob_sent(&self, hash: BlobHash, upto: u64, is_done: bool) -> Result<(), LedgerError> {
        self.write(|tx| {
            let changed = tx
                .prepare_cached(
                    "UPDATE blob SET sent_upto = ?2, is_delivered = is_delivered OR ?3, is_waiting = is_waiting AND NOT ?3
                     WHERE hash = ?1",
                )?
                .execute(params![hash.0, signed(upto), is_done])?;
            if changed == 0 { Err(LedgerError::NoSuchBlob) } else { Ok(()) }
        })
    }

    /// Evidence that is named and not here, smallest first: hash, claimed length, bytes that are here.
    ///
    /// # Errors
    /// When the database fails.
    pub fn blobs_wanted(&self, limit: usize) -> Result<Vec<(BlobHash, u64, u64)>, LedgerError> {
        self.listed(
            "SELECT hash, size, have FROM blob INDEXED BY blob_wanted
             WHERE is_wanted = 1 AND is_complete = 0 ORDER BY size, id LIMIT ?1",
            limit,
        )
    }

    fn listed(&self, select: &str, limit: usize) -> Result<Vec<(BlobHash, u64, u64)>, LedgerError> {
        self.read(|db| {
            let mut query = db.prepare_cached(select)?;
            let rows = query.query_map([signed(limit as u64)], |row| {
                Ok((
                    BlobHash(row.get(0)?),
                    unsigned(row.get(1)?),
                    unsigned(row.get(2)?),
                ))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn info(db: &Connection, hash: BlobHash) -> Result<Option<BlobInfo>, LedgerError> {
    let found = db
        .prepare_cached(
            "SELECT size, mime, is_complete, have, is_delivered, width, height, orientation FROM blob WHERE hash = ?1",
        )?
        .query_row([hash.0], |row| {
            let size = unsigned(row.get(0)?);
            let mime: String = row.get(1)?;
            let width: Option<u32> = row.get(5)?;
            let pixels = width.zip(row.get(6)?);
            let (width, height) = as_shown(pixels, row.get(7)?);
            Ok(BlobInfo {
                picture: picture::kind(&mime, pixels, size),
                size,
                mime,
                is_complete: row.get(2)?,
                have_bytes: unsigned(row.get(3)?),
                delivered: row.get(4)?,
                width,
                height,
            })
        })
        .optional()?;
    Ok(found)
}
