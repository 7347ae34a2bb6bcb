//! Tables that go out as XLSX or CSV: the words, the columns and the note of when they were made.

use std::collections::HashMap;

use shicha_papers::tables::{Column, Kind, Sheet, Value, write_csv, write_xlsx};

use crate::{
    desk::Desk,
    error::ApiError,
    schema::FileOut,
    time::{day_of, local, local_or_epoch},
};

pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const CSV: &str = "text/csv; charset=utf-8";

/// A table on its way out.
pub(crate) struct Table(Sheet);

impl Table {
    /// A table with its columns: header, and width in digits. It says for whom and when it was made, and that it is a sample if it is.
    pub(crate) fn new(title: &str, columns: &[(&str, f64)], desk: &Desk) -> Self {
        let now = local_or_epoch(desk.now_ms());
        let columns = columns.iter().map(|(header, width)| Column {
            header: (*header).to_owned(),
            width: *width,
            kind: kind_of(header),
        });
        Self(Sheet {
            name: title.to_owned(),
            title: title.to_owned(),
            columns: columns.collect(),
            rows: Vec::new(),
            notes: vec![format!(
                "{}　{}导出　统计口径：本机已同步的记录",
                desk.names.org(&desk.me.org),
                now.format("%Y-%m-%d %H:%M")
            )],
            sample_notice: desk
                .me
                .is_sample
                .then(|| "样本数据，不是真实检查结果".to_owned()),
        })
    }

    pub(crate) fn row(&mut self, values: Vec<Value>) {
        self.0.rows.push(values);
    }
}

/// What a column holds follows from what it is called.
fn kind_of(header: &str) -> Kind {
    if header.ends_with("时间") {
        Kind::DateTime
    } else if header.ends_with("日期") {
        Kind::Date
    } else if header.ends_with('率') {
        Kind::Percent
    } else if NUMBERS.contains(&header) {
        Kind::Number
    } else {
        Kind::Text
    }
}

const NUMBERS: [&str; 16] = [
    "符合",
    "不符合",
    "不适用",
    "未检查",
    "待核实",
    "未解决冲突",
    "签名后迟到",
    "未办结问题",
    "检查次数",
    "已签名",
    "发现问题",
    "作答次数",
    "数量",
    "行号",
    "检查对象数",
    "证据件数",
];

/// Makes the file of one or more tables. Only the first goes into a CSV.
pub(crate) fn table_file(
    desk: &Desk,
    name: &str,
    tables: Vec<Table>,
    format: &str,
) -> Result<FileOut, ApiError> {
    let now_ms = desk.now_ms();
    let sheets: Vec<Sheet> = tables.into_iter().map(|table| table.0).collect();
    let day = day_of(now_ms);
    let (mime, bytes) = match (format, sheets.first()) {
        ("xlsx", _) => (XLSX, write_xlsx(&sheets, local_or_epoch(now_ms))?),
        ("csv", Some(first)) => (CSV, write_csv(first)?),
        _ => return Err(ApiError::bad_request("xlsx or csv")),
    };
    let sample = if desk.me.is_sample {
        "（样本）"
    } else {
        ""
    };
    Ok(desk
        .app
        .0
        .made
        .keep(&format!("{name}{sample}-{day}.{format}"), mime, bytes))
}

pub(crate) fn number(count: u32) -> Value {
    Value::Number(f64::from(count))
}

pub(crate) fn moment(unix_ms: Option<u64>) -> Value {
    unix_ms
        .and_then(local)
        .map_or(Value::Empty, Value::DateTime)
}

pub(crate) fn day(unix_ms: Option<u64>) -> Value {
    unix_ms
        .and_then(local)
        .map_or(Value::Empty, |at| Value::Date(at.date()))
}

/// Names of the leading pack's regions by their codes.
pub(crate) fn regions(desk: &Desk) -> Result<HashMap<String, String>, ApiError> {
    let pack = desk.leading_pack()?;
    let regions = pack.iter().flat_map(|pack| pack.regions.iter());
    Ok(regions
        .map(|region| (region.id.as_str().to_owned(), region.name.zh.clone()))
        .collect())
}

/// Titles of the leading pack's checklists by their ids.
pub(crate) fn checklists(desk: &Desk) -> Result<HashMap<String, String>, ApiError> {
    let pack = desk.leading_pack()?;
    let lists = pack.iter().flat_map(|pack| pack.checklists.iter());
    Ok(lists
        .map(|list| (list.id.as_str().to_owned(), list.title.zh.clone()))
        .collect())
}

/// The kind of a subject in the words of the notice.
pub(crate) fn subject_kind(kind: &str) -> &str {
    match kind {
        "training_institution" => "安全培训机构",
        "exam_institution" => "考试机构",
        "enterprise" => "生产经营单位",
        other => other,
    }
}

/// The kind of an inspection in the words of the notice.
pub(crate) fn inspection_kind(kind: &str) -> &str {
    match kind {
        "enforcement" => "执法检查",
        "cross" => "交叉互查",
        "self" => "自查",
        "reinspection" => "复查",
        other => other,
    }
}

/// How far an inspection is, in words.
pub(crate) fn stage(stage: &str) -> &str {
    match stage {
        "open" => "填写中",
        "signing" => "签名中",
        "signed" => "已签名",
        "annulled" => "已作废",
        other => other,
    }
}
