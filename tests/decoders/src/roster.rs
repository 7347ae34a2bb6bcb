//! Rosters of subjects: workbooks old and new, and text tables.
//!
//! The first byte says how the rest is meant: as a file; as one part of a workbook whose other parts are in order; as the parts of a package;
//! as the stream of a binary workbook. Without this a fuzzer would spend its time on checksums of containers.

use std::io::{Cursor, Write as _};

use shicha_papers::roster::{
    Choice, Known, MAX_CELL_BYTES, MAX_COLUMNS, MAX_ROWS, MAX_SHEETS, Workbook, guess_mapping,
    open, preview,
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const CONTENT_TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#;
const PACKAGE: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const RELATIONSHIPS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const SHEET: &str = r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="s" s="1"><v>0</v></c></row><row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2" s="1"><v>44562</v></c></row></sheetData></worksheet>"#;
const STRINGS: &str = r#"<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" uniqueCount="2"><si><t>单位名称</t></si><si><t>甲</t></si></sst>"#;
const STYLES: &str = r#"<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#;

/// The parts of an ordinary workbook, by the number that names the one to be put in its place.
const PARTS: [(&str, &str); 7] = [
    ("[Content_Types].xml", CONTENT_TYPES),
    ("_rels/.rels", PACKAGE),
    ("xl/_rels/workbook.xml.rels", RELATIONSHIPS),
    ("xl/workbook.xml", WORKBOOK),
    ("xl/worksheets/sheet1.xml", SHEET),
    ("xl/sharedStrings.xml", STRINGS),
    ("xl/styles.xml", STYLES),
];

/// The number before the bytes of a file.
pub const FILE: u8 = 0;
/// The number before the stream of a binary workbook.
pub const STREAM: u8 = 8;

/// A file is read within the limits, or refused with a code.
pub fn hold(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    match usize::from(how % 9) {
        0 => file(rest),
        8 => file(&binary(rest)),
        n => file(&package(PARTS.iter().enumerate().map(
            |(place, (name, text))| {
                let part = if place + 1 == n {
                    rest
                } else {
                    text.as_bytes()
                };
                (*name, part)
            },
        ))),
    }
}

fn package<'a>(parts: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in parts {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn binary(stream: &[u8]) -> Vec<u8> {
    let file = cfb::CompoundFile::create_with_version(cfb::Version::V3, Cursor::new(Vec::new()));
    let mut file = file.unwrap();
    file.create_stream("/Workbook")
        .unwrap()
        .write_all(stream)
        .unwrap();
    file.flush().unwrap();
    file.into_inner().into_inner()
}

fn file(bytes: &[u8]) {
    match open(bytes, "名单.csv") {
        Ok(book) => within_limits(&book),
        Err(error) => assert!(
            error.code().starts_with("roster.") && !error.to_string().is_empty(),
            "a refusal has a code and a reason"
        ),
    }
}

fn within_limits(book: &Workbook) {
    assert!(!book.sheets.is_empty() && book.sheets.len() <= MAX_SHEETS);
    let choice = |code: &str, name: &str| Choice {
        code: code.to_owned(),
        names: vec![name.to_owned()],
    };
    let kinds = [choice("enterprise", "企业")];
    let regions = [choice("320703", "连云区")];
    let known = Known {
        kinds: &kinds,
        regions: &regions,
        existing: &|_| None,
    };
    for sheet in &book.sheets {
        assert!(sheet.columns.len() <= MAX_COLUMNS && sheet.rows.len() <= MAX_ROWS);
        let numbers = || sheet.rows.iter().map(|row| row.number);
        assert!(numbers().zip(numbers().skip(1)).all(|(a, b)| a < b));
        for row in &sheet.rows {
            assert!(row.cells.len() <= MAX_COLUMNS);
            assert!(
                row.cells
                    .iter()
                    .all(|cell| cell.text.len() <= MAX_CELL_BYTES)
            );
        }
        let shown = preview(sheet, &guess_mapping(&sheet.columns), &known);
        let counts = shown.counts;
        assert_eq!(shown.rows.len(), sheet.rows.len(), "every row is shown");
        assert_eq!(counts.ready + counts.doubtful + counts.blocked, counts.rows);
    }
}
