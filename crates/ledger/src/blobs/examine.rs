//! What a file is, told from its bytes and never from its name.

use std::{
    io::{BufRead, Cursor, Seek},
    panic::{AssertUnwindSafe, catch_unwind},
};

use image::{ImageFormat, ImageReader};
use rusqlite::{Connection, params};

use super::{
    photo::{self, Photo},
    reader::BlobReader,
};
use crate::error::LedgerError;

/// So many bytes tell the type.
const HEAD: u64 = 64 * 1024;
/// A picture's size stands within so many bytes, or it is none.
const SIZE_WITHIN: u64 = 4 << 20;
/// Capture time and position are looked for in so many bytes.
const PHOTO_WITHIN: u64 = 16 << 20;

/// The type of what nothing is known of.
pub(crate) const UNKNOWN: &str = "application/octet-stream";

/// What is found in a file's bytes.
pub(crate) struct Look {
    pub(crate) mime: String,
    pub(crate) pixels: Option<(u32, u32)>,
    pub(crate) photo: Photo,
}

/// Looks into a file by readers that end after so many bytes.
pub(crate) fn look<R: BufRead + Seek>(upto: impl Fn(u64) -> R) -> Result<Look, LedgerError> {
    let mut head = Vec::new();
    upto(HEAD).read_to_end(&mut head)?;
    let mut mime = sniff(&head).to_owned();
    let mut pixels = None;
    if let Some(format) = decodable(&mime) {
        let mut start = Vec::new();
        upto(SIZE_WITHIN).read_to_end(&mut start)?;
        pixels = dimensions(start, format);
        if pixels.is_none() {
            // It begins like a picture and is none.
            mime = UNKNOWN.to_owned();
        }
    }
    let photo = if mime.starts_with("image/") {
        photo::read(&mut upto(PHOTO_WITHIN))
    } else {
        Photo::default()
    };
    Ok(Look {
        mime,
        pixels,
        photo,
    })
}

/// Looks into bytes that are in no ledger.
pub(crate) fn look_into(bytes: &[u8]) -> Look {
    let upto = |most: u64| {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Cursor::new(&bytes[..bytes.len().min(most)])
    };
    // A reader of memory has no faults of its own.
    look(upto).unwrap_or_else(|_| Look {
        mime: UNKNOWN.to_owned(),
        pixels: None,
        photo: Photo::default(),
    })
}

/// Looks into a complete file and writes down what it is.
pub(crate) fn examine(db: &Connection, id: i64, size: u64) -> Result<(), LedgerError> {
    let Look {
        mime,
        pixels,
        photo,
    } = look(|most| BlobReader::new(db, id, size, most))?;
    db.prepare_cached(
        "UPDATE blob SET mime = ?2, taken_at_ms = ?3, latitude_e7 = ?4, longitude_e7 = ?5, camera = ?6, orientation = ?7,
             width = ?8, height = ?9
         WHERE id = ?1",
    )?
    .execute(params![
        id,
        mime,
        photo.taken_at_ms,
        photo.position_e7.map(|(latitude, _)| latitude),
        photo.position_e7.map(|(_, longitude)| longitude),
        photo.camera,
        photo.orientation,
        pixels.map(|(width, _)| width),
        pixels.map(|(_, height)| height),
    ])?;
    Ok(())
}

/// The media type of bytes that begin with `head`.
pub(crate) fn sniff(head: &[u8]) -> &'static str {
    match infer::get(head) {
        Some(found) => found.mime_type(),
        None if is_text(head) => "text/plain",
        None => UNKNOWN,
    }
}

fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut in two at the end of what was looked at.
        Err(error) if error.error_len().is_none() && head.len() as u64 >= HEAD => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or("\0")
        }
        Err(_) => return false,
    };
    !text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}'))
}

/// The format by which a picture of this type is decoded.
pub(crate) fn decodable(mime: &str) -> Option<ImageFormat> {
    Some(match mime {
        "image/jpeg" => ImageFormat::Jpeg,
        "image/png" => ImageFormat::Png,
        "image/gif" => ImageFormat::Gif,
        "image/webp" => ImageFormat::WebP,
        "image/bmp" => ImageFormat::Bmp,
        _ => return None,
    })
}

fn dimensions(start: Vec<u8>, format: ImageFormat) -> Option<(u32, u32)> {
    // A fault of a decoder on hostile bytes is an answer: no picture.
    catch_unwind(AssertUnwindSafe(|| {
        ImageReader::with_format(Cursor::new(start), format)
            .into_dimensions()
            .ok()
    }))
    .ok()
    .flatten()
    .filter(|(width, height)| *width > 0 && *height > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_told_from_the_bytes() {
        assert_eq!(sniff(b"%PDF-1.7\n"), "application/pdf");
        assert_eq!(sniff("现场笔录\n".as_bytes()), "text/plain");
        assert_eq!(sniff(&[0, 1, 2, 3]), UNKNOWN);
        assert_eq!(sniff(b"\xff\xd8\xff\xe0"), "image/jpeg");
    }

    #[test]
    fn a_text_cut_within_a_character_is_still_text() {
        let mut long = "查".repeat(40_000).into_bytes();
        long.truncate(HEAD as usize);
        assert_eq!(sniff(&long), "text/plain");
        assert_eq!(
            sniff(&long[..10]),
            UNKNOWN,
            "a short file ends with whole characters"
        );
    }
}
