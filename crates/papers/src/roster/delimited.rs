//! Reads text tables: comma, tab or semicolon; UTF-8, UTF-16 or GB 18030.
//!
//! Invariant: text is decoded whole or not at all; no character is guessed or replaced.
//! Deliberately not here: text in markup. A web page saved under a workbook's name is refused by
//! what it is, because its table may be only part of what was meant.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

use super::grid::{Budget, Grid};
use super::{Format, Note, RosterError, Workbook, cells};

/// How much of the beginning decides which separator a table uses.
const SNIFFED_LINES: usize = 20;

pub(super) fn read(bytes: &[u8], file_name: &str) -> Result<Workbook, RosterError> {
    if let Some(found) = other_format(bytes) {
        return Err(RosterError::OtherFormat { found });
    }
    let (text, encoding) = decode(bytes)?;
    let start = text.trim_start().get(..200).unwrap_or(text.trim_start());
    let start = start.to_ascii_lowercase();
    if start.starts_with("<?xml") {
        return Err(RosterError::OtherFormat { found: "xml" });
    }
    if ["<html", "<!doctype", "<table", "<meta", "<head"]
        .iter()
        .any(|tag| start.contains(tag))
    {
        return Err(RosterError::OtherFormat { found: "html" });
    }

    let (text, separator) = separator(&text);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(text.as_bytes());
    let (mut grid, mut budget) = (Grid::default(), Budget::default());
    let mut record = csv::StringRecord::new();
    let mut row = 0;
    let cut = |error| RosterError::damaged_by("text table", error);
    while reader.read_record(&mut record).map_err(cut)? {
        for (column, field) in record.iter().enumerate() {
            grid.put(row, column, cells::from_field(field), &mut budget)?;
        }
        row += 1;
    }
    let mut notes = vec![Note::Encoding(encoding.name().to_owned())];
    let name = file_name.to_ascii_lowercase();
    if [".xls", ".xlsx", ".xlsm"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        notes.push(Note::TextNamedAsWorkbook);
    }
    let sheet = grid.into_sheet(String::new(), false, &[], &mut budget)?;
    Ok(Workbook {
        format: Format::Csv,
        sheets: sheet.into_iter().collect(),
        notes,
    })
}

/// Formats that are told by their first bytes and hold no table of ours.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    const KNOWN: &[(&[u8], &str)] = &[
        (b"%PDF", "pdf"),
        (b"{\\rtf", "rtf"),
        (b"\x89PNG", "png"),
        (b"\xff\xd8\xff", "jpeg"),
        (b"GIF8", "gif"),
        (b"Rar!", "rar"),
        (b"7z\xbc\xaf", "7z"),
        (b"\x1f\x8b", "gzip"),
        (b"MZ", "exe"),
        (b"SQLite format 3", "sqlite"),
    ];
    KNOWN
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic))
        .map(|(_, name)| *name)
}

fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, &'static Encoding), RosterError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let bytes = bytes.get(mark..).unwrap_or_default();
        return decode_as(encoding, bytes);
    }
    if bytes.contains(&0) {
        // Without a mark at its beginning, text with zero bytes can only be UTF-16; one half of
        // most pairs is then zero where separators and digits stand.
        let zeros = |at: usize| {
            bytes
                .iter()
                .skip(at)
                .step_by(2)
                .filter(|byte| **byte == 0)
                .count()
        };
        let encoding = if zeros(1) > zeros(0) {
            UTF_16LE
        } else {
            UTF_16BE
        };
        return decode_as(encoding, bytes)
            .ok()
            .filter(|(text, _)| !text.contains('\0'))
            .ok_or(RosterError::OtherFormat { found: "binary" });
    }
    decode_as(UTF_8, bytes).or_else(|_| decode_as(GB18030, bytes))
}

fn decode_as<'a>(
    encoding: &'static Encoding,
    bytes: &'a [u8],
) -> Result<(Cow<'a, str>, &'static Encoding), RosterError> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(|text| (text, encoding))
        .ok_or(RosterError::UnknownEncoding)
}

/// The separator that most evenly divides the first lines, and the text without a `sep=` line.
fn separator(text: &str) -> (&str, u8) {
    if let Some(rest) = text.strip_prefix("sep=")
        && let Some((mark, rest)) = rest.split_once('\n')
        && let [separator] = mark.trim_end_matches('\r').as_bytes()
    {
        return (rest, *separator);
    }
    let count = |separator: u8| {
        let mut quoted = false;
        let mut counts = vec![0u32];
        for byte in text.bytes() {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' if !quoted => {
                    if counts.len() >= SNIFFED_LINES {
                        break;
                    }
                    counts.push(0);
                }
                byte if byte == separator && !quoted => {
                    if let Some(last) = counts.last_mut() {
                        *last += 1;
                    }
                }
                _ => {}
            }
        }
        counts.sort_unstable();
        // The middle line: titles above and remarks below have none.
        counts.get(counts.len() / 2).copied().unwrap_or_default()
    };
    let best = [b',', b'\t', b';']
        .into_iter()
        .rev()
        .max_by_key(|separator| count(*separator));
    (text, best.unwrap_or(b','))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn cells_of(bytes: &[u8]) -> Vec<Vec<String>> {
        let workbook = read(bytes, "名单.csv").unwrap();
        let rows = workbook.sheets[0].rows.iter();
        rows.map(|row| row.cells.iter().map(|cell| cell.text.clone()).collect())
            .collect()
    }

    #[test]
    fn every_encoding_that_offices_write_gives_the_same_table() {
        let table = "单位名称,地址\r\n\"连云港市某某培训学校, 东区\",海州区镕路1号\r\n";
        let gb18030 = GB18030.encode(table).0.into_owned();
        let with_mark = [b"\xef\xbb\xbf".as_slice(), table.as_bytes()].concat();
        let utf16: Vec<u8> = table.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let utf16_with_mark = [b"\xff\xfe".as_slice(), &utf16].concat();
        for bytes in [
            table.as_bytes(),
            &gb18030,
            &with_mark,
            &utf16,
            &utf16_with_mark,
        ] {
            assert_eq!(
                cells_of(bytes),
                [["连云港市某某培训学校, 东区", "海州区镕路1号"]]
            );
        }
    }

    #[test]
    fn separators_are_told_from_the_lines() {
        for table in [
            "名称\t电话\n甲,乙\t1\n",
            "名称;电话\n甲,乙;1\n",
            "sep=|\n名称|电话\n甲,乙|1\n",
        ] {
            assert_eq!(cells_of(table.as_bytes()), [["甲,乙", "1"]], "{table:?}");
        }
    }

    #[test]
    fn a_web_page_and_other_formats_are_named_for_what_they_are() {
        let found = |bytes: &[u8]| match read(bytes, "名单.xls") {
            Err(RosterError::OtherFormat { found }) => found,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            found(b"\r\n<html><table><tr><td>1</td></tr></table>"),
            "html"
        );
        assert_eq!(
            found(b"<?xml version=\"1.0\"?><?mso-application progid=\"Excel.Sheet\"?>"),
            "xml"
        );
        assert_eq!(found(b"%PDF-1.7"), "pdf");
        assert_eq!(found(&[0, 1, 2, 3, 0, 0, 0, 0, 9]), "binary");
    }

    #[test]
    fn text_in_no_known_encoding_is_refused_instead_of_guessed() {
        let error = read(b"\xe5\x8d,\xff\xff\xff\n", "名单.csv").unwrap_err();
        assert_eq!(error.code(), "roster.unknown_encoding");
    }

    #[test]
    fn a_text_table_under_a_workbooks_name_is_read_with_a_note() {
        let workbook = read("单位名称\t地址\n甲\t乙\n".as_bytes(), "名单.XLS").unwrap();
        assert!(workbook.notes.contains(&Note::TextNamedAsWorkbook));
    }
}
