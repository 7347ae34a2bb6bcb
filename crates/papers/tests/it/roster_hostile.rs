//! Files that are damaged, false or hostile: each ends in a clear answer.

use std::io::{Cursor, Write};

use rust_xlsxwriter::Workbook as Writer;
use shicha_papers::roster::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const CONTENT_TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#;
const PACKAGE: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const RELATIONSHIPS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"#;

fn code(bytes: &[u8], name: &str) -> &'static str {
    open(bytes, name).map_or_else(|error| error.code(), |_| "read")
}

fn package(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in parts {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn workbook_with(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut all: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", CONTENT_TYPES.as_bytes()),
        ("_rels/.rels", PACKAGE.as_bytes()),
        ("xl/_rels/workbook.xml.rels", RELATIONSHIPS.as_bytes()),
        ("xl/workbook.xml", WORKBOOK.as_bytes()),
    ];
    all.extend(parts);
    package(&all)
}

fn sheet_xml(rows: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    )
}

fn ordinary() -> Vec<u8> {
    let mut writer = Writer::new();
    let sheet = writer.add_worksheet();
    sheet.write(0, 0, "单位名称").unwrap();
    for row in 1..200 {
        sheet.write(row, 0, format!("第{row}学校")).unwrap();
    }
    writer.save_to_buffer().unwrap()
}

#[test]
fn nothing_and_only_blanks_are_empty() {
    assert_eq!(code(b"", "a.xlsx"), "roster.empty");
    assert_eq!(code(b"\n , ,\n", "a.csv"), "roster.empty");
    assert_eq!(
        code(&Writer::new().save_to_buffer().unwrap(), "a.xlsx"),
        "roster.empty"
    );
}

#[test]
fn a_file_beyond_the_limit_is_refused_unread() {
    let large = vec![b'x'; usize::try_from(MAX_FILE_BYTES).unwrap() + 1];
    assert_eq!(code(&large, "a.csv"), "roster.too_large");
}

#[test]
fn a_workbook_cut_off_anywhere_ends_in_an_error() {
    let whole = ordinary();
    for part in 1..20 {
        let cut = &whole[..whole.len() * part / 20];
        assert_eq!(
            code(cut, "a.xlsx"),
            "roster.damaged",
            "cut after {} bytes",
            cut.len()
        );
    }
}

#[test]
fn a_binary_workbook_cut_off_or_scrambled_ends_in_an_answer() {
    let whole = include_bytes!("files/roster.xls");
    for part in 1..40 {
        assert_ne!(code(&whole[..whole.len() * part / 40], "a.xls"), "");
    }
    for at in (512..whole.len()).step_by(197) {
        let mut scrambled = whole.to_vec();
        scrambled[at] ^= 0xff;
        let code = code(&scrambled, "a.xls");
        assert!(code == "read" || code.starts_with("roster."), "byte {at}");
    }
}

#[test]
fn a_workbook_scrambled_byte_by_byte_ends_in_an_answer() {
    let whole = ordinary();
    for at in (0..whole.len()).step_by(23) {
        let mut scrambled = whole.clone();
        scrambled[at] ^= 0xff;
        let code = code(&scrambled, "a.xlsx");
        assert!(code == "read" || code.starts_with("roster."), "byte {at}");
    }
}

#[test]
fn files_that_are_something_else_are_named_for_what_they_are() {
    let found = |bytes: &[u8], name: &str| match open(bytes, name) {
        Err(RosterError::OtherFormat { found }) => found,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(found(&package(&[("photo.jpg", b"x")]), "a.xlsx"), "zip");
    assert_eq!(
        found(
            &package(&[
                ("[Content_Types].xml", b"<x/>"),
                ("word/document.xml", b"<x/>")
            ]),
            "a.xlsx"
        ),
        "docx"
    );
    assert_eq!(
        found(
            &package(&[("mimetype", b"x"), ("content.xml", b"<x/>")]),
            "a.xlsx"
        ),
        "ods"
    );
    assert_eq!(
        found(
            &package(&[("[Content_Types].xml", b"<x/>"), ("xl/workbook.bin", b"x")]),
            "a.xlsx"
        ),
        "xlsb"
    );
    assert_eq!(
        found(
            b"<html xmlns:x=\"urn:schemas-microsoft-com:office:excel\"><table></table></html>",
            "a.xls"
        ),
        "html"
    );
    assert_eq!(found(b"%PDF-1.7\n", "a.xlsx"), "pdf");
}

#[test]
fn a_workbook_with_a_password_is_recognised() {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    file.create_stream("/EncryptionInfo")
        .unwrap()
        .write_all(b"x")
        .unwrap();
    file.create_stream("/EncryptedPackage")
        .unwrap()
        .write_all(b"x")
        .unwrap();
    file.flush().unwrap();
    assert_eq!(
        code(&file.into_inner().into_inner(), "a.xlsx"),
        "roster.encrypted"
    );
}

#[test]
fn macros_are_noted_and_not_run() {
    let xml = sheet_xml(r#"<row r="1"><c r="A1" t="inlineStr"><is><t>单位名称</t></is></c></row>"#);
    let bytes = workbook_with(&[
        ("xl/worksheets/sheet1.xml", xml.as_bytes()),
        ("xl/vbaProject.bin", b"\xd0\xcf"),
    ]);
    let read = open(&bytes, "名单.xlsm").unwrap();
    assert_eq!(read.notes, [Note::MacrosNotRun]);
}

#[test]
fn a_small_file_that_unpacks_to_a_huge_one_is_refused() {
    let blanks = vec![b' '; 64 * 1024 * 1024];
    let names: Vec<String> = (0..7)
        .map(|number| format!("xl/worksheets/sheet{number}.xml"))
        .collect();
    let parts: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), blanks.as_slice()))
        .collect();
    let bomb = workbook_with(&parts);
    assert!(bomb.len() < 2 * 1024 * 1024, "{} bytes", bomb.len());
    assert_eq!(code(&bomb, "a.xlsx"), "roster.too_large");

    // The same with sizes that lie, in the directory and before each part.
    let mut lying = bomb;
    let real = 64u32 * 1024 * 1024;
    let real = real.to_le_bytes();
    for at in 0..lying.len() - 4 {
        if lying[at..at + 4] == real {
            lying[at..at + 4].copy_from_slice(&1000u32.to_le_bytes());
        }
    }
    let answer = code(&lying, "a.xlsx");
    assert!(
        answer == "roster.too_large" || answer == "roster.damaged",
        "{answer}"
    );
}

#[test]
fn a_table_of_strings_that_claims_billions_is_refused_before_room_is_made() {
    let strings = br#"<?xml version="1.0"?><sst xmlns="x" count="9" uniqueCount="99999999999"><si><t>a</t></si></sst>"#;
    let xml = sheet_xml("");
    let bytes = workbook_with(&[
        ("xl/sharedStrings.xml", strings),
        ("xl/worksheets/sheet1.xml", xml.as_bytes()),
    ]);
    assert_eq!(code(&bytes, "a.xlsx"), "roster.damaged");
}

#[test]
fn cells_at_the_end_of_the_sheet_take_no_room_for_all_between() {
    let xml = sheet_xml(concat!(
        r#"<row r="1"><c r="A1" t="inlineStr"><is><t>单位名称</t></is></c></row>"#,
        r#"<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>甲</t></is></c><c r="XFD1048576"><v>1</v></c></row>"#,
    ));
    let read = open(
        &workbook_with(&[("xl/worksheets/sheet1.xml", xml.as_bytes())]),
        "a.xlsx",
    )
    .unwrap();
    let sheet = &read.sheets[0];
    assert_eq!((sheet.rows.len(), sheet.rows[0].number), (1, 1_048_576));
    assert_eq!(sheet.notes, [Note::ColumnsLeftOut]);
}

#[test]
fn entities_that_multiply_are_not_expanded() {
    let xml = r#"<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>
        <worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&b;&c;</t></is></c></row></sheetData></worksheet>"#;
    let bytes = workbook_with(&[("xl/worksheets/sheet1.xml", xml.as_bytes())]);
    if let Ok(read) = open(&bytes, "a.xlsx") {
        let shown = format!("{read:?}");
        assert!(
            !shown.contains("root:") && !shown.contains("lollol"),
            "{shown}"
        );
    }
}

#[test]
fn more_rows_than_the_limit_are_refused_and_not_cut() {
    let mut csv = String::from("单位名称\n");
    for row in 0..=MAX_ROWS {
        csv.push_str(&format!("第{row}厂\n"));
    }
    assert_eq!(code(csv.as_bytes(), "a.csv"), "roster.too_large");
}

#[test]
fn one_long_text_used_by_many_cells_is_counted_each_time() {
    let long = "字".repeat(10_000);
    let strings = format!(r#"<sst uniqueCount="1"><si><t>{long}</t></si></sst>"#);
    let rows: String = (1..=20_000)
        .map(|row| format!(r#"<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>"#))
        .collect();
    let xml = sheet_xml(&rows);
    let bytes = workbook_with(&[
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/sheet1.xml", xml.as_bytes()),
    ]);
    assert_eq!(code(&bytes, "a.xlsx"), "roster.too_large");
}
