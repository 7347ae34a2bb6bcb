//! Small pictures of evidence: made once, kept, and made again when lost.
//!
//! What is decoded is bounded in bytes, pixels and memory, one picture at a time. Where the bound is passed, or the bytes turn out to be no
//! picture, that is noted and not tried again; the original is untouched.

use std::{
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
};

use image::{
    DynamicImage, ImageFormat, ImageReader, Limits, Rgb, RgbImage, codecs::jpeg::JpegEncoder,
    metadata::Orientation,
};
use rusqlite::{Connection, OptionalExtension as _, params};
use shicha_domain::BlobHash;

use super::{
    Picture,
    examine::{self, Look, decodable},
    reader::BlobReader,
};
use crate::{error::LedgerError, ledger::Ledger, views::unsigned};

/// Pictures of more pixels are not decoded.
const MOST_PIXELS: u64 = 120_000_000;
/// Pictures of more bytes are not decoded.
const MOST_BYTES: u64 = 128 << 20;
/// The most memory that a decoder may take for pixels.
const MOST_MEMORY: u64 = 512 << 20;
/// Edges that are kept of one original; beyond that the others go.
const MOST_EDGES: i64 = 4;
/// JPEG quality of small pictures.
const QUALITY: u8 = 82;

impl Ledger {
    /// A small picture of a file as JPEG, at most `edge_px` (16 to 4096) wide and high, turned upright. `None` when the file is not here whole,
    /// or no picture can be made of it; [`super::BlobInfo::picture`] tells why.
    ///
    /// # Errors
    /// When the database fails.
    pub fn thumbnail(&self, hash: BlobHash, edge_px: u32) -> Result<Option<Vec<u8>>, LedgerError> {
        let edge = edge_px.clamp(16, 4096);
        let kept = self.read(|db| kept(db, hash, edge))?;
        let original = match kept {
            Kept::Picture(bytes) => return Ok(bytes),
            Kept::NotHere => return Ok(None),
            Kept::Original(original) => original,
        };
        let made = {
            let _alone = self.blob_memory().alone();
            // Somebody else may have made it while this waited.
            if let Kept::Picture(bytes) = self.read(|db| kept_again(db, &original, edge))? {
                return Ok(bytes);
            }
            let bytes = self.read(|db| original.bytes(db))?;
            bytes.and_then(|bytes| original.small(bytes, edge))
        };
        self.write(|tx| keep(tx, original.id, edge, made.as_deref()))?;
        Ok(made)
    }
}

/// Whether small pictures can be made of a file.
pub(crate) fn kind(mime: &str, pixels: Option<(u32, u32)>, size: u64) -> Picture {
    let (Some(_), Some((width, height))) = (decodable(mime), pixels) else {
        return Picture::None;
    };
    if u64::from(width) * u64::from(height) > MOST_PIXELS || size > MOST_BYTES {
        Picture::TooLarge
    } else {
        Picture::Shown
    }
}

enum Kept {
    /// Made before; `None`: none can be made.
    Picture(Option<Vec<u8>>),
    Original(Original),
    NotHere,
}

struct Original {
    id: i64,
    size: u64,
    format: Option<ImageFormat>,
    orientation: u8,
}

fn kept(db: &Connection, hash: BlobHash, edge: u32) -> Result<Kept, LedgerError> {
    let original = db
        .prepare_cached(
            "SELECT id, size, mime, width, height, orientation FROM blob WHERE hash = ?1 AND is_complete = 1",
        )?
        .query_row([hash.0], |row| {
            let size = unsigned(row.get(1)?);
            let mime: String = row.get(2)?;
            let width: Option<u32> = row.get(3)?;
            let is_shown = kind(&mime, width.zip(row.get(4)?), size) == Picture::Shown;
            Ok(Original {
                id: row.get(0)?,
                size,
                format: decodable(&mime).filter(|_| is_shown),
                orientation: row.get(5)?,
            })
        })
        .optional()?;
    match original {
        None => Ok(Kept::NotHere),
        Some(original) if original.format.is_none() => Ok(Kept::Picture(None)),
        Some(original) => match kept_again(db, &original, edge)? {
            Kept::Picture(bytes) => Ok(Kept::Picture(bytes)),
            _ => Ok(Kept::Original(original)),
        },
    }
}

fn kept_again(db: &Connection, original: &Original, edge: u32) -> Result<Kept, LedgerError> {
    let found: Option<Option<Vec<u8>>> = db
        .prepare_cached("SELECT bytes FROM blob_picture WHERE blob = ?1 AND edge = ?2")?
        .query_row(params![original.id, edge], |row| row.get(0))
        .optional()?;
    Ok(found.map_or(Kept::NotHere, Kept::Picture))
}

fn keep(db: &Connection, id: i64, edge: u32, bytes: Option<&[u8]>) -> Result<(), LedgerError> {
    let edges: i64 = db
        .prepare_cached("SELECT count(*) FROM blob_picture WHERE blob = ?1 AND edge <> ?2")?
        .query_row(params![id, edge], |row| row.get(0))?;
    if edges >= MOST_EDGES {
        db.prepare_cached("DELETE FROM blob_picture WHERE blob = ?1")?
            .execute([id])?;
    }
    db.prepare_cached(
        "INSERT OR REPLACE INTO blob_picture (blob, edge, bytes) VALUES (?1, ?2, ?3)",
    )?
    .execute(params![id, edge, bytes])?;
    Ok(())
}

impl Original {
    fn bytes(&self, db: &Connection) -> Result<Option<Vec<u8>>, LedgerError> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.size.min(MOST_BYTES)).unwrap_or(0));
        BlobReader::new(db, self.id, self.size, MOST_BYTES).read_to_end(&mut bytes)?;
        Ok(Some(bytes).filter(|bytes| bytes.len() as u64 == self.size))
    }

    fn small(&self, bytes: Vec<u8>, edge: u32) -> Option<Vec<u8>> {
        small(bytes, self.format?, self.orientation, edge)
    }
}

fn small(bytes: Vec<u8>, format: ImageFormat, orientation: u8, edge: u32) -> Option<Vec<u8>> {
    let orientation = Orientation::from_exif(orientation).unwrap_or(Orientation::NoTransforms);
    // A fault of a decoder on hostile bytes is an answer: no picture.
    catch_unwind(AssertUnwindSafe(|| {
        shrink(bytes, format, orientation, edge)
    }))
    .ok()?
    .inspect_err(|error| tracing::info!(%error, "no small picture can be made"))
    .ok()
}

/// A small picture of bytes that are in no ledger, by the same rules as [`Ledger::thumbnail`].
pub fn small_picture(bytes: &[u8], edge_px: u32) -> Option<Vec<u8>> {
    let Look {
        mime,
        pixels,
        photo,
    } = examine::look_into(bytes);
    if kind(&mime, pixels, bytes.len() as u64) != Picture::Shown {
        return None;
    }
    let edge = edge_px.clamp(16, 4096);
    small(bytes.to_vec(), decodable(&mime)?, photo.orientation, edge)
}

fn shrink(
    bytes: Vec<u8>,
    format: ImageFormat,
    orientation: Orientation,
    edge: u32,
) -> image::ImageResult<Vec<u8>> {
    let mut reader = ImageReader::with_format(std::io::Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut picture = reader.decode()?;
    if picture.width() > edge || picture.height() > edge {
        picture = picture.thumbnail(edge, edge);
    }
    picture.apply_orientation(orientation);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&on_white(&picture))?;
    Ok(jpeg)
}

/// JPEG has no transparency; a drawn signature is on white paper.
fn on_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let rgba = picture.to_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [red, green, blue, alpha] = rgba.get_pixel(x, y).0;
        let over = |part: u8| {
            let alpha = u32::from(alpha);
            ((u32::from(part) * alpha + 255 * (255 - alpha)) / 255) as u8
        };
        Rgb([over(red), over(green), over(blue)])
    })
}
