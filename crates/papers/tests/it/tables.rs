//! Tables written and read back.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use chrono::NaiveDate;
use shicha_papers::roster;
use shicha_papers::tables::*;

use crate::sample::{at, day};

fn column(header: &str, kind: Kind) -> Column {
    Column {
        header: header.to_owned(),
        width: 20.0,
        kind,
    }
}

fn sheet(rows: Vec<Vec<Value>>) -> Sheet {
    Sheet {
        name: "问题汇总".to_owned(),
        title: "检查发现问题汇总表".to_owned(),
        columns: vec![
            column("单位名称", Kind::Text),
            column("统一社会信用代码", Kind::Text),
            column("问题数", Kind::Number),
            column("检查日期", Kind::Date),
            column("送达时间", Kind::DateTime),
            column("整改率", Kind::Percent),
        ],
        rows,
        notes: vec!["截止时间：2022年5月31日".to_owned()],
        sample_notice: Some("样本数据 & 非真实".to_owned()),
    }
}

fn row(name: &str, code: &str) -> Vec<Value> {
    vec![
        name.into(),
        code.into(),
        Value::Number(3.0),
        Value::Date(day(1)),
        Value::DateTime(at(9, 30)),
        Value::Number(0.5),
    ]
}

fn part(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    std::io::read_to_string(archive.by_name(name).unwrap()).unwrap()
}

#[test]
fn texts_keep_their_zeros_numbers_are_numbers_and_dates_are_dates() {
    let bytes = write_xlsx(
        &[sheet(vec![row("甲学校", "000012345678901234")])],
        at(12, 0),
    )
    .unwrap();
    let mut book = Xlsx::new(Cursor::new(bytes)).unwrap();
    let range = book.worksheet_range("问题汇总").unwrap();
    let value = |column| range.get_value((4, column)).unwrap().clone();
    assert_eq!(
        range.get_value((0, 0)),
        Some(&Data::String("样本数据 & 非真实".to_owned()))
    );
    assert_eq!(value(0), Data::String("甲学校".to_owned()));
    assert_eq!(value(1), Data::String("000012345678901234".to_owned()));
    assert_eq!(value(2), Data::Float(3.0));
    assert_eq!(value(5), Data::Float(0.5));
    let Data::DateTime(date) = value(3) else {
        panic!("no date: {:?}", value(3))
    };
    assert_eq!(date.as_datetime().map(|at| at.date()), Some(day(1)));
    let Data::DateTime(moment) = value(4) else {
        panic!("no date: {:?}", value(4))
    };
    assert_eq!(moment.as_datetime(), Some(at(9, 30)));
}

#[test]
fn the_sheet_prints_on_a4_landscape_with_the_header_on_every_page() {
    let bytes = write_xlsx(&[sheet(vec![row("甲", "1")])], at(12, 0)).unwrap();
    let xml = part(&bytes, "xl/worksheets/sheet1.xml");
    for wanted in [
        "state=\"frozen\"",
        "<autoFilter ref=\"A4:F5\"",
        "paperSize=\"9\"",
        "orientation=\"landscape\"",
        "fitToHeight=\"0\"",
    ] {
        assert!(xml.contains(wanted), "{wanted} is missing");
    }
    assert!(
        xml.contains("样本数据 &amp;&amp; 非真实"),
        "the notice is printed on every page"
    );
    assert!(part(&bytes, "xl/workbook.xml").contains("_xlnm.Print_Titles"));
}

#[test]
fn no_text_can_become_a_formula() {
    let attacks = [
        "=1+1",
        "=HYPERLINK(\"http://example.com\",\"x\")",
        "@SUM(A1)",
        "+1",
        "-1",
        "\t=1",
        "{=1}",
        "http://example.com",
        "_x003D_1",
    ];
    let rows = attacks.iter().map(|attack| row(attack, attack)).collect();
    let bytes = write_xlsx(&[sheet(rows)], at(12, 0)).unwrap();
    let xml = part(&bytes, "xl/worksheets/sheet1.xml");
    assert!(!xml.contains("<f>") && !xml.contains("<f ") && !xml.contains("hyperlink"));
    let mut book = Xlsx::new(Cursor::new(&bytes)).unwrap();
    let range = book.worksheet_range("问题汇总").unwrap();
    for (row, attack) in (4u32..).zip(attacks) {
        let Some(Data::String(text)) = range.get_value((row, 0)) else {
            panic!("{attack}")
        };
        assert_eq!(text.trim(), attack.trim());
    }
}

#[test]
fn values_that_a_workbook_cannot_hold_are_written_as_text() {
    let mut values = row("甲", "1");
    values[2] = Value::Number(f64::NAN);
    values[3] = Value::Date(NaiveDate::from_ymd_opt(1066, 10, 14).unwrap());
    values[0] = Value::Text("字".repeat(40_000));
    let bytes = write_xlsx(&[sheet(vec![values])], at(12, 0)).unwrap();
    let mut book = Xlsx::new(Cursor::new(bytes)).unwrap();
    let range = book.worksheet_range("问题汇总").unwrap();
    assert_eq!(
        range.get_value((4, 2)),
        Some(&Data::String("NaN".to_owned()))
    );
    assert_eq!(
        range.get_value((4, 3)),
        Some(&Data::String("1066-10-14".to_owned()))
    );
    let Some(Data::String(long)) = range.get_value((4, 0)) else {
        panic!()
    };
    assert!(long.ends_with('…'));
}

#[test]
fn sheets_with_forbidden_or_equal_names_are_written_all_the_same() {
    let named = |name: &str| Sheet {
        name: name.to_owned(),
        ..sheet(Vec::new())
    };
    let bytes = write_xlsx(
        &[named("海州区/问题"), named("海州区/问题"), named("")],
        at(12, 0),
    )
    .unwrap();
    let book = Xlsx::new(Cursor::new(bytes)).unwrap();
    assert_eq!(
        book.sheet_names(),
        ["海州区／问题", "海州区／问题 (2)", "Sheet"]
    );
}

#[test]
fn the_same_table_gives_the_same_bytes() {
    let write = || write_xlsx(&[sheet(vec![row("甲", "1")])], at(12, 0)).unwrap();
    assert!(write() == write());
}

#[test]
fn a_hundred_thousand_rows_are_written_and_read_back() {
    let rows = (0..100_000)
        .map(|number| row(&format!("第{number}培训学校"), "00001"))
        .collect();
    let bytes = write_xlsx(&[sheet(rows)], at(12, 0)).unwrap();
    let read = roster::open(&bytes, "导出.xlsx").unwrap();
    assert_eq!(read.sheets[0].rows.len(), 100_000);
    assert_eq!(read.sheets[0].rows[99_999].cells[0].text, "第99999培训学校");
}

#[test]
fn a_csv_opens_in_chinese_and_comes_back_as_it_was() {
    let table = sheet(vec![
        row("=甲,\"乙\"\n丙", "000012345678901234"),
        row("+86", "-1"),
    ]);
    let bytes = write_csv(&table).unwrap();
    assert!(bytes.starts_with(b"\xef\xbb\xbf"));
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(
        !text
            .lines()
            .any(|line| line.starts_with(['=', '+', '-', '@']) || line.contains(",-1,"))
    );
    let read = roster::open(&bytes, "导出.csv").unwrap();
    let cells: Vec<&str> = read.sheets[0].rows[0]
        .cells
        .iter()
        .map(|cell| cell.text.as_str())
        .collect();
    assert_eq!(
        cells,
        [
            "=甲,\"乙\"\n丙",
            "000012345678901234",
            "3",
            "2022-05-01",
            "2022-05-01 09:30:00",
            "0.5"
        ]
    );
}
