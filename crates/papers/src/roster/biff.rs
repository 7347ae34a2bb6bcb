//! Looks through a binary workbook (XLS) before the workbook reader is trusted with it.
//!
//! Invariant: the reader gets a fresh container that holds exactly the stream that was checked
//! here. Its cells span no larger area, and its shared strings no more text, than the limits allow:
//! a binary cell names its place in a few bytes, and the reader makes room for all between.
//! Deliberately not here: the values of cells.

use std::io::{Cursor, Read, Write};

use cfb::{CompoundFile, Version};

use super::{MAX_TEXT_BYTES, RosterError};

const MAX_COLUMN: u32 = 255;
const MAX_ROW: u32 = 65_535;
/// The most cells that the areas of all sheets may span.
const MAX_AREA: u64 = 10_000_000;
const MAX_SHEETS: usize = 256;

/// A checked workbook stream in a container of its own.
pub(super) struct Checked {
    pub(super) container: Vec<u8>,
    pub(super) macros: bool,
    pub(super) formulas: bool,
}

/// Takes the workbook stream out of a compound file and checks it.
pub(super) fn check(bytes: &[u8]) -> Result<Checked, RosterError> {
    let damaged = |error| RosterError::damaged_by("compound file", error);
    let mut file = CompoundFile::open(Cursor::new(bytes)).map_err(damaged)?;
    if file.exists("/EncryptedPackage") {
        return Err(RosterError::Encrypted);
    }
    let path = ["/Workbook", "/Book"]
        .into_iter()
        .find(|path| file.is_stream(path));
    let Some(path) = path else {
        let found = if file.exists("/WordDocument") {
            "doc"
        } else {
            "ole"
        };
        return Err(RosterError::OtherFormat { found });
    };
    let macros = file.exists("/_VBA_PROJECT_CUR");
    let mut stream = Vec::new();
    let mut from = file.open_stream(path).map_err(damaged)?;
    from.read_to_end(&mut stream).map_err(damaged)?;
    let formulas = check_records(&stream)?;

    // The version that workbooks of this kind have; the reader knows no other well.
    let fresh = CompoundFile::create_with_version(Version::V3, Cursor::new(Vec::new()));
    let mut fresh = fresh.map_err(damaged)?;
    let mut to = fresh.create_stream(path).map_err(damaged)?;
    to.write_all(&stream).map_err(damaged)?;
    drop(to);
    fresh.flush().map_err(damaged)?;
    Ok(Checked {
        container: fresh.into_inner().into_inner(),
        macros,
        formulas,
    })
}

struct Record<'a> {
    kind: u16,
    data: &'a [u8],
}

/// The records of a stream from an offset on; ends at the first that is cut off.
fn records(stream: &[u8], from: usize) -> impl Iterator<Item = Record<'_>> {
    let mut rest = stream.get(from..).unwrap_or_default();
    std::iter::from_fn(move || {
        let [kind_low, kind_high, length_low, length_high, after @ ..] = rest else {
            return None;
        };
        let length = usize::from(u16::from_le_bytes([*length_low, *length_high]));
        let (data, next) = after.split_at_checked(length)?;
        rest = next;
        Some(Record {
            kind: u16::from_le_bytes([*kind_low, *kind_high]),
            data,
        })
    })
}

/// Checks the globals and each sheet that they name; true when a sheet has formulas.
fn check_records(stream: &[u8]) -> Result<bool, RosterError> {
    let mut sheets = Vec::new();
    let mut strings: Vec<&[u8]> = Vec::new();
    let mut in_strings = false;
    for record in records(stream, 0) {
        match record.kind {
            0x002f => return Err(RosterError::Encrypted),
            0x0085 => sheets.push(u32_at(record.data, 0).ok_or_else(cut_off)? as usize),
            0x00fc => strings = vec![record.data],
            0x003c if in_strings => strings.push(record.data),
            0x000a => break,
            _ => {}
        }
        in_strings = matches!(record.kind, 0x00fc) || (in_strings && record.kind == 0x003c);
    }
    if sheets.len() > MAX_SHEETS {
        return Err(RosterError::TooLarge {
            what: "sheets",
            limit: MAX_SHEETS as u64,
        });
    }
    let strings = Strings::new(strings).lengths()?;
    let mut budget = Budget {
        area: 0,
        text: 0,
        formulas: false,
    };
    for offset in sheets {
        check_sheet(stream, offset, &strings, &mut budget)?;
    }
    Ok(budget.formulas)
}

struct Budget {
    area: u64,
    text: u64,
    formulas: bool,
}

fn check_sheet(
    stream: &[u8],
    offset: usize,
    strings: &[u32],
    budget: &mut Budget,
) -> Result<(), RosterError> {
    let (mut rows, mut columns) = (Span::default(), Span::default());
    let mut depth = 0u32;
    for record in records(stream, offset) {
        let data = record.data;
        match record.kind {
            0x0809 => depth += 1,
            0x000a if depth <= 1 => break,
            0x000a => depth -= 1,
            // Dimensions: the reader makes room for the whole area that they claim.
            0x0200 => {
                let claimed = if data.len() == 10 {
                    [
                        u16_at(data, 2).map(u32::from),
                        u16_at(data, 6).map(u32::from),
                    ]
                } else {
                    [u32_at(data, 4), u16_at(data, 10).map(u32::from)]
                };
                let [Some(row_end), Some(column_end)] = claimed else {
                    return Err(cut_off());
                };
                if row_end > MAX_ROW + 1 || column_end > MAX_COLUMN + 1 {
                    return Err(RosterError::damaged("a sheet claims an impossible size"));
                }
                spend(
                    &mut budget.area,
                    u64::from(row_end) * u64::from(column_end),
                    MAX_AREA,
                    "cells",
                )?;
            }
            // Number, label, boolean, RK, shared string, rich string, formula, several RK.
            0x0203 | 0x0204 | 0x0205 | 0x027e | 0x00fd | 0x00d6 | 0x0006 | 0x00bd => {
                let (Some(row), Some(column)) = (u16_at(data, 0), u16_at(data, 2)) else {
                    return Err(cut_off());
                };
                let last = if record.kind == 0x00bd {
                    u16_at(data, data.len().saturating_sub(2)).ok_or_else(cut_off)?
                } else {
                    column
                };
                if u32::from(last) > MAX_COLUMN || last < column {
                    return Err(RosterError::damaged("a cell lies outside the sheet"));
                }
                rows.include(u32::from(row));
                columns.include(u32::from(column));
                columns.include(u32::from(last));
                budget.formulas |= record.kind == 0x0006;
                if record.kind == 0x00fd {
                    let index = u32_at(data, 6).ok_or_else(cut_off)? as usize;
                    let length = u64::from(strings.get(index).copied().unwrap_or_default());
                    spend(
                        &mut budget.text,
                        length * 3,
                        MAX_TEXT_BYTES as u64,
                        "text bytes",
                    )?;
                }
            }
            _ => {}
        }
    }
    spend(
        &mut budget.area,
        rows.width() * columns.width(),
        MAX_AREA,
        "cells",
    )
}

fn spend(from: &mut u64, amount: u64, limit: u64, what: &'static str) -> Result<(), RosterError> {
    *from = from.saturating_add(amount);
    if *from <= limit {
        return Ok(());
    }
    Err(RosterError::TooLarge { what, limit })
}

/// Smallest and largest of what was included.
#[derive(Default)]
struct Span(Option<(u32, u32)>);

impl Span {
    fn include(&mut self, at: u32) {
        let (low, high) = self.0.unwrap_or((at, at));
        self.0 = Some((low.min(at), high.max(at)));
    }

    fn width(&self) -> u64 {
        self.0.map_or(0, |(low, high)| u64::from(high - low) + 1)
    }
}

/// The table of shared strings: one record and its continuations.
struct Strings<'a> {
    parts: std::vec::IntoIter<&'a [u8]>,
    data: &'a [u8],
}

impl<'a> Strings<'a> {
    fn new(parts: Vec<&'a [u8]>) -> Self {
        let mut parts = parts.into_iter();
        let data = parts.next().unwrap_or_default();
        Self {
            parts,
            // Two counts that nobody relies on.
            data: data.get(8..).unwrap_or_default(),
        }
    }

    /// The length in characters of each string.
    fn lengths(mut self) -> Result<Vec<u32>, RosterError> {
        let mut lengths = Vec::new();
        while !self.data.is_empty() || self.next_part() {
            if self.data.is_empty() {
                continue;
            }
            let characters = u32::from(u16_at(self.data, 0).ok_or_else(cut_off)?);
            let flags = *self.data.get(2).ok_or_else(cut_off)?;
            self.take(3)?;
            let mut extra = 0;
            if flags & 0x08 != 0 {
                extra += 4 * usize::from(u16_at(self.data, 0).ok_or_else(cut_off)?);
                self.take(2)?;
            }
            if flags & 0x04 != 0 {
                extra += u32_at(self.data, 0).ok_or_else(cut_off)? as usize;
                self.take(4)?;
            }
            self.skip_characters(characters as usize, flags & 1 != 0)?;
            self.skip(extra)?;
            lengths.push(characters);
        }
        Ok(lengths)
    }

    fn next_part(&mut self) -> bool {
        self.parts.next().is_some_and(|part| {
            self.data = part;
            true
        })
    }

    fn take(&mut self, count: usize) -> Result<(), RosterError> {
        self.data = self.data.get(count..).ok_or_else(cut_off)?;
        Ok(())
    }

    /// Skips bytes across continuations.
    fn skip(&mut self, mut count: usize) -> Result<(), RosterError> {
        while count > self.data.len() {
            count -= self.data.len();
            if !self.next_part() {
                return Err(cut_off());
            }
        }
        self.take(count)
    }

    /// Skips characters; a continuation within them begins with a byte that tells their width.
    fn skip_characters(&mut self, mut count: usize, mut wide: bool) -> Result<(), RosterError> {
        loop {
            let width = if wide { 2 } else { 1 };
            let here = count.min(self.data.len() / width);
            self.take(here * width)?;
            count -= here;
            if count == 0 {
                return Ok(());
            }
            if !self.next_part() {
                return Err(cut_off());
            }
            wide = self.data.first().ok_or_else(cut_off)? & 1 != 0;
            self.take(1)?;
        }
    }
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*bytes))
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

fn cut_off() -> RosterError {
    RosterError::damaged("a record is cut off")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend(u16::try_from(data.len()).unwrap().to_le_bytes());
        bytes.extend(data);
        bytes
    }

    fn workbook(sheet: &[u8]) -> Vec<u8> {
        let mut globals = record(0x0809, &[0, 6, 5, 0]);
        let offset = u32::try_from(globals.len() + 4 + 8 + 4).unwrap();
        let mut bound = offset.to_le_bytes().to_vec();
        bound.extend([0, 0, 1, 0]);
        globals.extend(record(0x0085, &bound));
        globals.extend(record(0x000a, &[]));
        globals.extend(record(0x0809, &[0, 6, 16, 0]));
        globals.extend(sheet);
        globals.extend(record(0x000a, &[]));
        globals
    }

    #[test]
    fn a_cell_far_away_from_the_others_is_refused_before_room_is_made_for_all_between() {
        let mut sheet = record(0x0203, &[0; 14]);
        sheet.extend(record(
            0x0203,
            &[255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ));
        let error = check_records(&workbook(&sheet)).unwrap_err();
        assert_eq!(error.code(), "roster.too_large");
    }

    #[test]
    fn an_impossible_column_or_size_is_damage() {
        let far = record(0x0203, &[0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(
            check_records(&workbook(&far)).unwrap_err().code(),
            "roster.damaged"
        );
        let huge = record(0x0200, &[0xff; 14]);
        assert_eq!(
            check_records(&workbook(&huge)).unwrap_err().code(),
            "roster.damaged"
        );
    }

    #[test]
    fn a_password_is_recognised() {
        let mut stream = record(0x0809, &[0, 6, 5, 0]);
        stream.extend(record(0x002f, &[1, 0]));
        assert_eq!(
            check_records(&stream).unwrap_err().code(),
            "roster.encrypted"
        );
    }

    #[test]
    fn strings_that_run_across_continuations_are_measured() {
        // 5 wide characters, cut after 2, going on narrow; then a rich string with its runs.
        let first = [
            &[2, 0, 0, 0, 2, 0, 0, 0][..],
            &[5, 0, 1],
            &[b'a', 0, b'b', 0],
        ]
        .concat();
        let second = [&[0, b'c', b'd', b'e'][..], &[1, 0, 8, 1, 0, b'x'], &[0; 4]].concat();
        let lengths = Strings::new(vec![&first, &second]).lengths().unwrap();
        assert_eq!(lengths, [5, 1]);
        let cut = Strings::new(vec![&first]).lengths().unwrap_err();
        assert_eq!(cut.code(), "roster.damaged");
    }

    #[test]
    fn a_stream_that_ends_in_the_middle_of_a_record_is_read_as_far_as_it_goes() {
        let whole = workbook(&record(0x0203, &[0; 14]));
        for end in 0..whole.len() {
            let answer = check_records(&whole[..end]).map_err(|error| error.code());
            assert!(
                matches!(answer, Ok(false) | Err("roster.damaged")),
                "cut at {end}"
            );
        }
        assert!(!check_records(&whole).unwrap());
    }
}
