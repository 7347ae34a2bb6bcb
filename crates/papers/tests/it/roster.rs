//! Rosters as offices write them, read and previewed.

use rust_xlsxwriter::{ExcelDateTime, Format as CellFormat, Formula, Workbook as Writer};
use shicha_domain::codes::CreditCodeFault;
use shicha_papers::roster::*;

const GOOD_CODE: &str = "91350100M000100Y43";
const OTHER_CODE: &str = "914403001922038216";

fn texts(row: &Row) -> Vec<&str> {
    row.cells.iter().map(|cell| cell.text.as_str()).collect()
}

fn headers(sheet: &Sheet) -> Vec<&str> {
    sheet
        .columns
        .iter()
        .map(|column| column.header.as_str())
        .collect()
}

fn choices(list: &[(&str, &str)]) -> Vec<Choice> {
    let choice = |(code, name): &(&str, &str)| Choice {
        code: (*code).to_owned(),
        names: vec![(*name).to_owned()],
    };
    list.iter().map(choice).collect()
}

#[test]
fn a_workbook_with_title_merged_header_dates_and_formulas_is_read_as_it_is_seen() {
    let mut writer = Writer::new();
    let sheet = writer.add_worksheet();
    let date = CellFormat::new().set_num_format("yyyy\"年\"m\"月\"d\"日\"");
    sheet
        .merge_range(0, 0, 0, 5, "安全培训机构名单", &CellFormat::new())
        .unwrap();
    for (column, text) in [
        (0, "序号"),
        (1, "单位名称"),
        (2, "统一社会信用代码"),
        (5, "成立日期"),
    ] {
        sheet
            .merge_range(1, column, 2, column, text, &CellFormat::new())
            .unwrap();
    }
    sheet
        .merge_range(1, 3, 1, 4, "联系人", &CellFormat::new())
        .unwrap();
    sheet
        .write(2, 3, "姓名")
        .unwrap()
        .write(2, 4, "电话")
        .unwrap();
    sheet
        .write(3, 0, 1)
        .unwrap()
        .write(3, 1, "甲学校")
        .unwrap()
        .write(3, 2, GOOD_CODE)
        .unwrap();
    sheet
        .write(3, 3, "王工")
        .unwrap()
        .write(3, 4, 13_800_000_000u64)
        .unwrap();
    let founded = ExcelDateTime::from_ymd(2019, 1, 1).unwrap();
    sheet.write_with_format(3, 5, &founded, &date).unwrap();
    sheet
        .write(4, 0, Formula::new("=A4+1").set_result("2"))
        .unwrap();
    sheet
        .write(4, 1, Formula::new("=\"乙\"&\"学校\"").set_result("乙学校"))
        .unwrap();
    sheet.write(4, 2, 913_207_030_000_012_345u64).unwrap();
    let read = open(&writer.save_to_buffer().unwrap(), "名单.xlsx").unwrap();

    assert_eq!(read.format, Format::Xlsx);
    assert_eq!(read.notes, [Note::FormulasAsValues]);
    let sheet = &read.sheets[0];
    assert_eq!(
        headers(sheet),
        [
            "序号",
            "单位名称",
            "统一社会信用代码",
            "联系人/姓名",
            "联系人/电话",
            "成立日期"
        ]
    );
    assert_eq!(sheet.header, (2, 3));
    assert_eq!(
        texts(&sheet.rows[0]),
        [
            "1",
            "甲学校",
            GOOD_CODE,
            "王工",
            "13800000000",
            "2019-01-01"
        ]
    );
    assert_eq!(&texts(&sheet.rows[1])[..2], ["2", "乙学校"]);
    assert_eq!(sheet.rows[1].cells[2].doubt, Some(Doubt::LostPrecision));
    assert_eq!(sheet.rows[1].number, 5);
}

#[test]
fn a_binary_workbook_of_an_old_program_is_read_the_same_way() {
    let read = open(include_bytes!("files/roster.xls"), "名单.xls").unwrap();
    assert_eq!(read.format, Format::Xls);
    assert_eq!(read.notes, [Note::FormulasAsValues]);
    let [roster, remarks] = read.sheets.as_slice() else {
        panic!("{} sheets", read.sheets.len())
    };
    assert_eq!(roster.name, "培训机构");
    assert_eq!(
        headers(roster),
        [
            "序号",
            "单位名称",
            "统一社会信用代码",
            "联系人/姓名",
            "联系人/电话",
            "成立日期",
            "合计"
        ]
    );
    assert_eq!(
        &texts(&roster.rows[0])[..6],
        [
            "1",
            "连云港市甲安全培训学校",
            GOOD_CODE,
            "王工",
            "13800000000",
            "2019-01-01"
        ]
    );
    assert_eq!(roster.rows[2].cells[2].doubt, Some(Doubt::LostPrecision));
    assert!(remarks.hidden);
    assert_eq!(
        texts(&remarks.rows[898]),
        ["第899条：机构应当建立培训档案，如实记录。"]
    );
}

#[test]
fn a_preview_tells_row_by_row_what_is_wrong() {
    let csv = format!(
        "单位名称,统一社会信用代码,类型,区县,联系电话\n\
         甲学校,{GOOD_CODE},培训机构,海州区,０５１８-1\n\
         ,{OTHER_CODE},企业,320703,2\n\
         丙厂,91350100M000100Y44,企业,海州区,3\n\
         丁厂,91350100M000100Y4,企业,海州区,4\n\
         戊厂,91350100O000100Y43,企业,海州区,5\n\
         己厂,{lower},企业,海州区,6\n\
         庚厂,9.13207E+17,企业,海州区,7\n\
         辛厂,,学校,火星区,8\n\
         辛厂,,企业,海州区,9\n\
         已有厂,,企业,海州区,10\n",
        lower = GOOD_CODE.to_lowercase(),
    );
    let read = open(csv.as_bytes(), "名单.csv").unwrap();
    let sheet = &read.sheets[0];
    let kinds = choices(&[("training_institution", "培训机构"), ("enterprise", "企业")]);
    let regions = choices(&[("320703", "连云区"), ("320706", "海州区")]);
    let existing = |key: Key<'_>| (key == Key::Name("已有厂")).then(|| "已有厂的编号".to_owned());
    let known = Known {
        kinds: &kinds,
        regions: &regions,
        existing: &existing,
    };
    let shown = preview(sheet, &guess_mapping(&sheet.columns), &known);

    let codes = |row: usize| {
        shown.rows[row]
            .problems
            .iter()
            .map(Problem::code)
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(0), [""; 0]);
    assert_eq!(shown.rows[0].values[&Field::Kind], "training_institution");
    assert_eq!(shown.rows[0].values[&Field::Region], "320706");
    assert_eq!(shown.rows[0].values[&Field::Phone], "0518-1");
    assert_eq!(codes(1), ["missing_name"]);
    assert_eq!(codes(2), ["credit_code_checksum"]);
    assert_eq!(codes(3), ["credit_code_length"]);
    assert_eq!(
        shown.rows[4].problems[0].kind,
        ProblemKind::CreditCode(CreditCodeFault::Character)
    );
    assert_eq!(
        shown.rows[5].problems[0].kind,
        ProblemKind::DuplicateInFile { first_row: 2 }
    );
    assert_eq!(codes(6), ["lost_precision"]);
    assert_eq!(codes(7), ["unknown_kind", "unknown_region"]);
    assert_eq!(
        shown.rows[8].problems[0].kind,
        ProblemKind::DuplicateInFile { first_row: 9 }
    );
    let known_as = ProblemKind::AlreadyKnown {
        subject: "已有厂的编号".to_owned(),
    };
    assert_eq!(shown.rows[9].problems[0].kind, known_as);
    assert_eq!(
        shown.counts,
        Counts {
            rows: 10,
            ready: 1,
            doubtful: 3,
            blocked: 6
        }
    );
    assert_eq!(shown.rows[9].row_number, 11);
}

#[test]
fn a_subject_known_by_its_code_blocks_the_row() {
    let csv = format!("单位名称,信用代码\n甲,{GOOD_CODE}\n");
    let read = open(csv.as_bytes(), "a.csv").unwrap();
    let existing = |key: Key<'_>| (key == Key::CreditCode(GOOD_CODE)).then(|| "1".to_owned());
    let known = Known {
        kinds: &[],
        regions: &[],
        existing: &existing,
    };
    let shown = preview(
        &read.sheets[0],
        &guess_mapping(&read.sheets[0].columns),
        &known,
    );
    assert_eq!(shown.rows[0].verdict(), Verdict::Blocked);
}

#[test]
fn branches_with_one_name_and_different_codes_are_two_subjects() {
    let csv = format!("单位名称,信用代码\n甲,{GOOD_CODE}\n甲,{OTHER_CODE}\n");
    let read = open(csv.as_bytes(), "a.csv").unwrap();
    let known = Known {
        kinds: &[],
        regions: &[],
        existing: &|_| None,
    };
    let shown = preview(
        &read.sheets[0],
        &guess_mapping(&read.sheets[0].columns),
        &known,
    );
    assert_eq!(shown.counts.ready, 2);
}

#[test]
fn hidden_and_empty_sheets_are_told_apart() {
    let mut writer = Writer::new();
    writer.add_worksheet().set_name("空").unwrap();
    let hidden = writer.add_worksheet();
    hidden.set_name("隐藏").unwrap().set_hidden(true);
    hidden
        .write(0, 0, "单位名称")
        .unwrap()
        .write(1, 0, "甲")
        .unwrap();
    let read = open(&writer.save_to_buffer().unwrap(), "a.xlsx").unwrap();
    assert_eq!(
        read.sheets.len(),
        1,
        "a sheet without content is not offered"
    );
    assert!(read.sheets[0].hidden);
}
