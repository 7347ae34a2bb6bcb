//! Evidence: photos, recordings, scans and documents by the hash of their original bytes, in chunks inside the encrypted database.
//!
//! Invariant: the original is never altered, and is there under its hash only when all of its bytes are there and have that hash. What is
//! derived from it (type, capture time, small pictures) can be made again. What is being written and was never finished is removed at the next
//! opening; what is being received stays, and goes on where it stopped.

mod delivery;
mod examine;
mod memory;
mod photo;
mod picture;
mod reader;
mod receive;
mod store;
mod take;

use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use shicha_domain::{BlobHash, Event};

pub(crate) use delivery::{backlog, waiting_of};
pub(crate) use memory::Memory;
pub use picture::small_picture;
pub use take::UploadId;

use crate::{
    error::LedgerError,
    ledger::{Ledger, begin},
    views::{signed, unsigned},
};

/// The most bytes of one file.
pub const MAX_BLOB_BYTES: u64 = 1 << 30;

/// A file that was taken in, and what was found in its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// SHA-256 of its bytes.
    pub hash: BlobHash,
    /// Its length.
    pub size: u64,
    /// Media type found in the bytes, whatever the file was called; `application/octet-stream` where nothing known was found, also
    /// where it only begins like a picture.
    pub mime: String,
    /// When it says it was taken (EXIF `DateTimeOriginal`; Asia/Shanghai unless it says otherwise).
    pub taken_at_ms: Option<u64>,
    /// Latitude and longitude in 10⁻⁷ degrees (WGS 84), where it says so.
    pub position_e7: Option<(i64, i64)>,
    /// Make and model of the camera, where it says so.
    pub camera: Option<String>,
    /// Width in pixels as it is to be shown.
    pub width: Option<u32>,
    /// Height in pixels as it is to be shown.
    pub height: Option<u32>,
}

impl Finished {
    /// What is found in bytes that are in no ledger, by the same rules as for a file that is taken in.
    pub fn look_into(bytes: &[u8]) -> Self {
        let found = examine::look_into(bytes);
        let (width, height) = as_shown(found.pixels, found.photo.orientation);
        Self {
            hash: BlobHash(Sha256::digest(bytes).into()),
            size: bytes.len() as u64,
            mime: found.mime,
            taken_at_ms: time(found.photo.taken_at_ms),
            position_e7: found.photo.position_e7,
            camera: found.photo.camera,
            width,
            height,
        }
    }
}

/// Whether small pictures can be made of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// It is no picture, or of a kind that cannot be decoded here.
    None,
    /// Yes.
    Shown,
    /// It has more pixels or bytes than are decoded; the original is kept all the same.
    TooLarge,
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobInfo {
    /// Length in bytes; a claim of the entry that names it until it is complete.
    pub size: u64,
    /// Media type; empty until it is complete.
    pub mime: String,
    /// Whether all of it is here.
    pub is_complete: bool,
    /// Bytes from the start that are here.
    pub have_bytes: u64,
    /// Whether the central endpoint has it.
    pub delivered: bool,
    /// Width in pixels as it is to be shown.
    pub width: Option<u32>,
    /// Height in pixels as it is to be shown.
    pub height: Option<u32>,
    /// Whether small pictures can be made of it.
    pub picture: Picture,
}

impl Ledger {
    fn blob_memory(&self) -> &Memory {
        &self.0.blobs
    }
}

/// What an entry that was appended or came in says of evidence: what is named by an own one is to be sent, what is not here is wanted.
///
/// # Errors
/// When the database fails.
pub(crate) fn note_attached(
    db: &Connection,
    event: &Event,
    is_own: bool,
) -> Result<(), LedgerError> {
    let Some((hash, size)) = event.blobs() else {
        return Ok(());
    };
    let known: Option<(i64, bool)> = db
        .prepare_cached("SELECT id, is_complete FROM blob WHERE hash = ?1")?
        .query_row([hash.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match known {
        None => {
            db.prepare_cached(
                "INSERT INTO blob (hash, size, have, is_complete, mime, orientation, is_waiting, sent_upto, is_delivered,
                     is_wanted, begun_ms)
                 VALUES (?1, ?2, 0, 0, '', 1, ?3, 0, 0, 1, 0)",
            )?
            .execute(params![hash.0, signed(size.min(MAX_BLOB_BYTES)), is_own])?;
        }
        Some((id, is_complete)) => {
            if is_own {
                db.prepare_cached(
                    "UPDATE blob SET is_waiting = 1 WHERE id = ?1 AND is_waiting = 0 AND is_delivered = 0",
                )?
                .execute([id])?;
            }
            if !is_complete {
                db.prepare_cached("UPDATE blob SET is_wanted = 1 WHERE id = ?1 AND is_wanted = 0")?
                    .execute([id])?;
            }
        }
    }
    Ok(())
}

/// Wants whatever the views name and is not known here: a salvaged database may have lost files that the central endpoint still has.
///
/// # Errors
/// When the database fails.
pub(crate) fn want_named(db: &Connection) -> Result<(), LedgerError> {
    db.execute(
        "INSERT INTO blob (hash, size, have, is_complete, mime, orientation, is_waiting, sent_upto, is_delivered, is_wanted,
             begun_ms)
         SELECT named.blob, min(max(named.size), ?1), 0, 0, '', 1, 0, 0, 0, 1, 0
         FROM (SELECT blob, size FROM view_attachment UNION ALL SELECT blob, 0 FROM view_pack) AS named
         WHERE NOT EXISTS (SELECT 1 FROM blob WHERE hash = named.blob)
         GROUP BY named.blob",
        [signed(MAX_BLOB_BYTES)],
    )?;
    Ok(())
}

/// Removes what was being written when the ledger was last closed or torn away.
///
/// # Errors
/// When the database fails.
pub(crate) fn clean_up(db: &mut Connection) -> Result<(), LedgerError> {
    let unfinished: Vec<i64> = db
        .prepare("SELECT id FROM blob WHERE hash IS NULL")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if unfinished.is_empty() {
        return Ok(());
    }
    let tx = begin(db)?;
    for id in unfinished {
        store::remove(&tx, id)?;
    }
    Ok(tx.commit()?)
}

/// Width and height as shown: an orientation of 5 and above lies on its side.
fn as_shown(size: Option<(u32, u32)>, orientation: u8) -> (Option<u32>, Option<u32>) {
    match size {
        Some((width, height)) if orientation >= 5 => (Some(height), Some(width)),
        Some((width, height)) => (Some(width), Some(height)),
        None => (None, None),
    }
}

fn position(latitude: Option<i64>, longitude: Option<i64>) -> Option<(i64, i64)> {
    Some((latitude?, longitude?))
}

fn time(ms: Option<i64>) -> Option<u64> {
    ms.map(unsigned)
}
