//! Import of rosters: open, match columns, look at each row, take the good ones, and report the rest.

use std::collections::HashMap;

use serde_json::Value as Json;
use shicha_ledger::Draft;
use shicha_papers::{
    roster::{self, Choice, Field, Key, Known, Mapping, PreviewRow, ProblemKind, Sheet},
    tables::{self as papers, Kind},
};

use crate::{
    desk::Desk,
    error::{ApiError, ErrorCode},
    handlers::{
        subjects::{each, opened},
        tables,
    },
    rosters::{Left, Roster},
    schema::*,
    time::{day_of, local_or_epoch},
};

/// Rows that a preview or a report lists.
const LISTED: usize = 500;
/// Rows with which a person recognises the columns.
const SAMPLE: usize = 8;
/// Subjects that are written in one transaction.
const TOGETHER: usize = 500;

pub(crate) fn roster_open(desk: &Desk, request: RosterOpen) -> Result<RosterView, ApiError> {
    let file = desk.app.0.uploads.open(&request.source)?;
    let file_name = file.name.clone();
    let bytes = file.read_all(roster::MAX_FILE_BYTES)?;
    let workbook = roster::open(&bytes, &file_name)
        .map_err(|error| ApiError::from(error).with("name", file_name.clone()))?;
    let mut notes: Vec<String> = Vec::new();
    for note in workbook
        .notes
        .iter()
        .chain(workbook.sheets.iter().flat_map(|sheet| &sheet.notes))
    {
        let word = note_word(note);
        if !notes.contains(&word) {
            notes.push(word);
        }
    }
    let sheets = workbook.sheets.iter().map(sheet_view).collect();
    let roster = desk.app.0.rosters.keep(workbook);
    Ok(RosterView {
        roster,
        file_name,
        sheets,
        notes,
    })
}

pub(crate) fn roster_preview(
    desk: &Desk,
    request: RosterMapping,
) -> Result<RosterPreview, ApiError> {
    let roster = desk.app.0.rosters.get(&request.roster)?;
    let mut rows = judged(desk, &roster, &request)?;
    let preview = RosterPreview {
        rows: count(rows.len()),
        good: count(rows.iter().filter(|row| row.is_taken).count()),
        bad: count(rows.iter().filter(|row| !row.is_taken).count()),
        duplicates: count(rows.iter().filter(|row| row.is_duplicate).count()),
        sample: Vec::new(),
    };
    rows.sort_by_key(|row| {
        (
            row.row.problems.is_empty(),
            row.is_taken,
            row.row.row_number,
        )
    });
    Ok(RosterPreview {
        sample: rows.into_iter().take(LISTED).map(row_view).collect(),
        ..preview
    })
}

pub(crate) fn roster_take(desk: &Desk, request: RosterMapping) -> Result<RosterReport, ApiError> {
    let roster = desk.app.0.rosters.get(&request.roster)?;
    let rows = judged(desk, &roster, &request)?;
    let (take, left): (Vec<Judged>, Vec<Judged>) = rows.into_iter().partition(|row| row.is_taken);
    let total = take.len() as u64;
    let mut taken = 0;
    for some in take.chunks(TOGETHER) {
        let drafts: Vec<Draft> = some
            .iter()
            .map(|row| {
                let values = row.row.values.iter().map(|(field, text)| {
                    (field_name(*field).to_owned(), Json::String(text.clone()))
                });
                opened(desk, values.collect())
            })
            .collect::<Result<_, _>>()?;
        desk.ledger.append(desk.me.person, drafts, desk.now_ms())?;
        taken += some.len() as u64;
        desk.app.emit(HostEvent::Progress {
            task: "roster_take".into(),
            done: taken,
            total,
        });
    }
    // Too many to name.
    desk.wrote(Vec::new());
    let report = RosterReport {
        taken: count(take.len()),
        left_total: count(left.len()),
        left: left.iter().take(LISTED).cloned().map(row_view).collect(),
    };
    let left = left
        .into_iter()
        .map(|row| {
            (
                row.row.row_number,
                row.row
                    .problems
                    .iter()
                    .map(problem_words)
                    .collect::<Vec<_>>()
                    .join("；"),
            )
        })
        .collect();
    desk.app.0.rosters.set_left(
        &request.roster,
        Left {
            sheet: request.sheet,
            rows: left,
        },
    );
    Ok(report)
}

/// The rows that the last import left out, with all their columns and the reasons, as a workbook to put right and import again.
pub(crate) fn roster_left_export(desk: &Desk, request: RosterMapping) -> Result<FileOut, ApiError> {
    let roster = desk.app.0.rosters.get(&request.roster)?;
    let left = roster
        .left
        .as_ref()
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "report"))?;
    let sheet = sheet_of(&roster, &left.sheet)?;
    let cells: HashMap<u32, &roster::Row> =
        sheet.rows.iter().map(|row| (row.number, row)).collect();
    let mut columns: Vec<papers::Column> = sheet
        .columns
        .iter()
        .map(|column| papers::Column {
            header: column.header.clone(),
            width: 20.0,
            kind: Kind::Text,
        })
        .collect();
    columns.push(papers::Column {
        header: "未导入原因".into(),
        width: 44.0,
        kind: Kind::Text,
    });
    let rows = left.rows.iter().map(|(number, reasons)| {
        let row = cells.get(number);
        let mut values: Vec<papers::Value> = sheet
            .columns
            .iter()
            .map(|column| match row.and_then(|row| row.cell(column.index)) {
                Some(cell) => cell.text.as_str().into(),
                None => papers::Value::Empty,
            })
            .collect();
        values.push(reasons.as_str().into());
        values
    });
    let out = papers::Sheet {
        name: if sheet.name.is_empty() {
            "名册".into()
        } else {
            sheet.name.clone()
        },
        title: String::new(),
        columns,
        rows: rows.collect(),
        notes: Vec::new(),
        sample_notice: None,
    };
    let now_ms = desk.now_ms();
    let bytes = papers::write_xlsx(&[out], local_or_epoch(now_ms))?;
    let name = format!("未导入的行-{}.xlsx", day_of(now_ms));
    Ok(desk.app.0.made.keep(&name, tables::XLSX, bytes))
}

/// A row and what becomes of it.
#[derive(Clone)]
struct Judged {
    row: PreviewRow,
    lacks_kind: bool,
    is_duplicate: bool,
    is_taken: bool,
}

fn judged(desk: &Desk, roster: &Roster, request: &RosterMapping) -> Result<Vec<Judged>, ApiError> {
    let sheet = sheet_of(roster, &request.sheet)?;
    let mut mapping = Mapping::default();
    for (name, column) in &request.mapping {
        let field = Field::ALL
            .into_iter()
            .find(|field| field_name(*field) == name)
            .ok_or_else(|| ApiError::bad_request(format!("no such field: {name}")))?;
        let column = usize::try_from(*column).map_err(ApiError::bad_request)?;
        mapping.assign(field, column);
    }
    let kinds = kinds();
    let regions = regions(desk)?;
    if let Some(kind) = &request.default_kind
        && !kinds.iter().any(|choice| choice.code == *kind)
    {
        return Err(ApiError::bad_request("no such kind"));
    }
    let mut by_code = HashMap::new();
    let mut by_name = HashMap::new();
    each(desk, &shicha_ledger::SubjectFilter::default(), |row| {
        if !row.credit_code.is_empty() {
            by_code.insert(row.credit_code.clone(), row.name.clone());
        }
        by_name.insert(row.name.clone(), row.name);
    })?;
    let existing = |key: Key<'_>| match key {
        Key::CreditCode(code) => by_code.get(code).cloned(),
        Key::Name(name) => by_name.get(name).cloned(),
    };
    let known = Known {
        kinds: &kinds,
        regions: &regions,
        existing: &existing,
    };
    let preview = roster::preview(sheet, &mapping, &known);
    Ok(preview
        .rows
        .into_iter()
        .map(|row| judge(row, request))
        .collect())
}

fn judge(mut row: PreviewRow, request: &RosterMapping) -> Judged {
    for (field, default) in [
        (Field::Kind, &request.default_kind),
        (Field::Region, &request.default_region),
    ] {
        let is_unknown = row.problems.iter().any(|problem| problem.field == field);
        if let Some(default) = default
            && !default.is_empty()
            && !is_unknown
        {
            row.values.entry(field).or_insert_with(|| default.clone());
        }
    }
    // A word that names no kind or region would stand in the record as one.
    for (field, kind) in [
        (Field::Kind, ProblemKind::UnknownKind),
        (Field::Region, ProblemKind::UnknownRegion),
    ] {
        if row.problems.iter().any(|problem| problem.kind == kind) {
            row.values.remove(&field);
        }
    }
    let lacks_kind = !row.values.contains_key(&Field::Kind)
        && !row
            .problems
            .iter()
            .any(|problem| problem.field == Field::Kind);
    let is_duplicate = row.problems.iter().any(|problem| {
        matches!(
            problem.kind,
            ProblemKind::DuplicateInFile { .. } | ProblemKind::AlreadyKnown { .. }
        )
    });
    let has_code = row.values.contains_key(&Field::CreditCode);
    let is_blocked = row.problems.iter().any(roster::Problem::blocks);
    let is_taken = !is_blocked
        && row.values.contains_key(&Field::Kind)
        && row.values.contains_key(&Field::Name)
        // The same name without a code to tell them apart is the same subject until a person says otherwise.
        && (!is_duplicate || has_code);
    Judged {
        row,
        lacks_kind,
        is_duplicate,
        is_taken,
    }
}

fn row_view(judged: Judged) -> RosterRow {
    let mut problems: Vec<RosterProblem> = judged
        .row
        .problems
        .iter()
        .map(|problem| RosterProblem {
            code: problem.code().to_owned(),
            field: field_name(problem.field).to_owned(),
            detail: match &problem.kind {
                ProblemKind::DuplicateInFile { first_row } => first_row.to_string(),
                ProblemKind::AlreadyKnown { subject } => subject.clone(),
                _ => String::new(),
            },
        })
        .collect();
    if judged.lacks_kind {
        problems.push(RosterProblem {
            code: "missing_kind".into(),
            field: field_name(Field::Kind).into(),
            detail: String::new(),
        });
    }
    RosterRow {
        number: judged.row.row_number,
        values: judged
            .row
            .values
            .iter()
            .map(|(field, value)| (field_name(*field).to_owned(), value.clone()))
            .collect(),
        problems,
        is_taken: judged.is_taken,
    }
}

fn problem_words(problem: &roster::Problem) -> String {
    match &problem.kind {
        ProblemKind::MissingName => "缺单位名称".into(),
        ProblemKind::CreditCode(_) => "信用代码不对".into(),
        ProblemKind::LostPrecision => "数字末几位已丢失".into(),
        ProblemKind::ErrorValue => "单元格里是错误值".into(),
        ProblemKind::TooLong => "内容太长".into(),
        ProblemKind::DuplicateInFile { first_row } => format!("与第 {first_row} 行重复"),
        ProblemKind::AlreadyKnown { .. } => "清单中已有这个单位".into(),
        ProblemKind::UnknownKind => "类别认不出来".into(),
        ProblemKind::UnknownRegion => "县区认不出来".into(),
    }
}

fn sheet_view(sheet: &Sheet) -> RosterSheet {
    let sample = sheet.rows.iter().take(SAMPLE).map(|row| {
        sheet
            .columns
            .iter()
            .map(|column| {
                row.cell(column.index)
                    .map_or_else(String::new, |cell| cell.text.clone())
            })
            .collect()
    });
    RosterSheet {
        name: sheet.name.clone(),
        columns: sheet
            .columns
            .iter()
            .map(|column| column.header.clone())
            .collect(),
        rows: count(sheet.rows.len()),
        sample: sample.collect(),
        mapping: roster::guess_mapping(&sheet.columns)
            .0
            .into_iter()
            .map(|(field, column)| (field_name(field).to_owned(), count(column)))
            .collect(),
    }
}

fn sheet_of<'r>(roster: &'r Roster, name: &str) -> Result<&'r Sheet, ApiError> {
    let found = roster
        .workbook
        .sheets
        .iter()
        .find(|sheet| sheet.name == name);
    found.ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "sheet"))
}

/// The field of a subject that a column fills.
fn field_name(field: Field) -> &'static str {
    match field {
        Field::Name => "name",
        Field::CreditCode => "credit_code",
        Field::Kind => "subject_kind",
        Field::Region => "region",
        Field::Address => "address",
        Field::LegalRepresentative => "legal_representative",
        Field::Phone => "phone",
        Field::Industry => "industry",
        Field::Contact => "contact",
    }
}

fn kinds() -> Vec<Choice> {
    let words: [(&str, &[&str]); 3] = [
        (
            "training_institution",
            &["安全培训机构", "培训机构", "培训", "安全生产培训机构"],
        ),
        (
            "exam_institution",
            &["考试机构", "考试点", "考试中心", "考核机构"],
        ),
        ("enterprise", &["生产经营单位", "企业", "公司", "工厂"]),
    ];
    words
        .into_iter()
        .map(|(code, names)| Choice {
            code: code.to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        })
        .collect()
}

fn regions(desk: &Desk) -> Result<Vec<Choice>, ApiError> {
    let pack = desk.leading_pack()?;
    let Some(pack) = pack else {
        return Ok(Vec::new());
    };
    Ok(pack
        .regions
        .iter()
        .map(|region| {
            let full = region.name.zh.clone();
            let above = region
                .parent
                .as_ref()
                .and_then(|parent| pack.region(parent.as_str()));
            let mut names = vec![full.clone()];
            names.extend(above.map(|above| format!("{}{full}", above.name.zh)));
            // 灌云 for 灌云县; 海州 for 海州区.
            let short: String = full.trim_end_matches(['县', '区']).to_owned();
            if short.chars().count() >= 2 {
                names.push(short);
            }
            names.extend(region.code.as_ref().map(|code| code.as_str().to_owned()));
            Choice {
                code: region.id.as_str().to_owned(),
                names,
            }
        })
        .collect())
}

fn note_word(note: &roster::Note) -> String {
    match note {
        roster::Note::MacrosNotRun => "macros_not_run".into(),
        roster::Note::FormulasAsValues => "formulas_as_values".into(),
        roster::Note::Encoding(name) => format!("encoding:{name}"),
        roster::Note::TextNamedAsWorkbook => "text_named_as_workbook".into(),
        roster::Note::ColumnsLeftOut => "columns_left_out".into(),
        roster::Note::SheetsLeftOut => "sheets_left_out".into(),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
