//! Reads from a font file only what is needed to decide whether it is wanted: names and weight.
//!
//! Invariant: at most a few hundred kilobytes are read, whatever the file's size or content, so a
//! directory full of large collections can be looked through without loading one.
//! Deliberately not here: glyphs, coverage, metrics (the typesetter reads those from chosen faces).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

const MAX_FACES: u32 = 64;
const MAX_TABLES: u16 = 128;
const MAX_NAME_TABLE: u32 = 1024 * 1024;
const BOLD: u16 = 700;

/// One face of a font file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FaceHeader {
    /// Position in the collection; 0 for a file with one face.
    pub(super) index: u32,
    /// The family names in every language that the file gives.
    pub(super) families: Vec<String>,
    /// The weight from 100 to 900.
    pub(super) weight: u16,
}

/// Reads the headers of all faces of a file; a file that is no font has none.
pub(super) fn read_headers(file: &mut File) -> io::Result<Vec<FaceHeader>> {
    let mut magic = [0; 4];
    if !read_at(file, 0, &mut magic)? {
        return Ok(Vec::new());
    }
    let mut faces = Vec::new();
    match &magic {
        b"ttcf" => {
            let mut count = [0; 4];
            if !read_at(file, 8, &mut count)? {
                return Ok(faces);
            }
            for index in 0..u32::from_be_bytes(count).min(MAX_FACES) {
                let mut offset = [0; 4];
                if !read_at(file, 12 + 4 * u64::from(index), &mut offset)? {
                    break;
                }
                faces.extend(read_face(file, index, u32::from_be_bytes(offset))?);
            }
        }
        b"OTTO" | b"true" | [0, 1, 0, 0] => faces.extend(read_face(file, 0, 0)?),
        _ => {}
    }
    Ok(faces)
}

fn read_face(file: &mut File, index: u32, offset: u32) -> io::Result<Option<FaceHeader>> {
    let offset = u64::from(offset);
    let mut count = [0; 2];
    if !read_at(file, offset + 4, &mut count)? {
        return Ok(None);
    }
    let (mut families, mut bold, mut weight) = (Vec::new(), false, 400);
    for table in 0..u16::from_be_bytes(count).min(MAX_TABLES) {
        let mut record = [0; 16];
        if !read_at(file, offset + 12 + 16 * u64::from(table), &mut record)? {
            return Ok(None);
        }
        let start = u32::from_be_bytes([record[8], record[9], record[10], record[11]]);
        let length = u32::from_be_bytes([record[12], record[13], record[14], record[15]]);
        match &record[..4] {
            b"name" if length <= MAX_NAME_TABLE => {
                let mut names = vec![0; length as usize];
                if read_at(file, u64::from(start), &mut names)? {
                    (families, bold) = family_names(&names);
                }
            }
            b"OS/2" => {
                let mut class = [0; 2];
                if read_at(file, u64::from(start) + 4, &mut class)? {
                    weight = u16::from_be_bytes(class);
                }
            }
            _ => {}
        }
    }
    // Some fonts call a face bold and give it the weight of a regular one.
    if bold && weight < BOLD {
        weight = BOLD;
    }
    Ok((!families.is_empty()).then_some(FaceHeader {
        index,
        families,
        weight,
    }))
}

/// The family names, and whether the face is called bold.
fn family_names(table: &[u8]) -> (Vec<String>, bool) {
    use ttf_parser::name_id::{FAMILY, SUBFAMILY, TYPOGRAPHIC_FAMILY};
    let (mut families, mut bold): (Vec<String>, bool) = (Vec::new(), false);
    let Some(table) = ttf_parser::name::Table::parse(table) else {
        return (families, bold);
    };
    for name in table.names {
        if ![FAMILY, SUBFAMILY, TYPOGRAPHIC_FAMILY].contains(&name.name_id) {
            continue;
        }
        // Old fonts name themselves in Mac Roman only; our families are plain ASCII there.
        let text = name.to_string().or_else(|| {
            let text = std::str::from_utf8(name.name).ok()?;
            text.is_ascii().then(|| text.to_owned())
        });
        let Some(text) = text else { continue };
        if name.name_id == SUBFAMILY {
            bold = bold || text.eq_ignore_ascii_case("bold");
        } else if !families.contains(&text) {
            families.push(text);
        }
    }
    (families, bold)
}

/// Fills `into` from `at`; false when the file ends before.
fn read_at(file: &mut File, at: u64, into: &mut [u8]) -> io::Result<bool> {
    file.seek(SeekFrom::Start(at))?;
    match file.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;

    use super::*;

    fn headers_of(bytes: &[u8]) -> Vec<FaceHeader> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        read_headers(&mut file).unwrap()
    }

    #[test]
    fn a_file_that_is_no_font_has_no_faces() {
        assert_eq!(headers_of(b""), []);
        assert_eq!(headers_of(b"ttc"), []);
        assert_eq!(headers_of(b"<!doctype html><p>not a font</p>"), []);
    }

    #[test]
    fn a_collection_that_claims_faces_it_does_not_have_is_read_without_harm() {
        let mut bytes = b"ttcf\0\x02\0\0".to_vec();
        bytes.extend(u32::MAX.to_be_bytes());
        bytes.extend([0xff; 64]);
        assert_eq!(headers_of(&bytes), []);
    }
}
