//! Subjects 检查对象: the list, one of them, adding one, exporting them.

use std::collections::BTreeMap;

use serde_json::Value;
use shicha_domain::{Event, RecordId, RecordKind, fields};
use shicha_ledger::{self as ledger, Draft, SubjectSort};

use crate::{
    desk::Desk,
    error::ApiError,
    handlers::{
        record::{bad_value, tidy},
        rows::{MOST_ROWS, delivery_of, finding_row, inspection_rows, small, subject_row, today},
        tables::{Table, table_file},
    },
    schema::*,
};

/// The fields that a subject may be added with, in the order of forms and exports.
pub(crate) const FIELDS: [&str; 12] = [
    "name",
    "credit_code",
    "subject_kind",
    "region",
    "address",
    "legal_representative",
    "position",
    "phone",
    "industry",
    "contact",
    "high_risk",
    "institution",
];

pub(crate) fn subjects_list(desk: &Desk, request: SubjectsList) -> Result<SubjectsPage, ApiError> {
    let page = desk.ledger.subjects(
        &filter_of(request.filter),
        sort_of(&request.sort)?,
        request.descending,
        u64::from(request.window.offset),
        u64::from(request.window.limit.min(MOST_ROWS)),
    )?;
    Ok(SubjectsPage {
        total: small(page.total),
        rows: page.rows.into_iter().map(subject_row).collect(),
    })
}

pub(crate) fn subject_get(desk: &Desk, request: RecordRef) -> Result<SubjectView, ApiError> {
    let state = desk.record_of(request.record, RecordKind::Subject)?;
    let inspections = desk.ledger.inspections(
        &ledger::InspectionFilter {
            subject: Some(request.record),
            ..Default::default()
        },
        ledger::InspectionSort::Started,
        true,
        0,
        u64::from(MOST_ROWS),
    )?;
    let findings = desk.ledger.findings(
        &ledger::FindingFilter {
            subject: Some(request.record),
            ..Default::default()
        },
        ledger::FindingSort::Due,
        false,
        0,
        u64::from(MOST_ROWS),
    )?;
    let day = today(&desk.app);
    Ok(SubjectView {
        record: request.record,
        fields: desk.field_views(&state),
        drafts: desk.typed(request.record)?,
        org: state.channel().org().clone(),
        inspections: inspection_rows(desk, inspections.rows)?,
        findings: findings
            .rows
            .into_iter()
            .map(|row| finding_row(row, day))
            .collect(),
        delivery: delivery_of(desk, request.record)?,
        may_edit: desk.may_change(&state),
        conflicts: small(state.conflicts().count() as u64),
    })
}

pub(crate) fn subject_add(desk: &Desk, request: SubjectAdd) -> Result<RecordRef, ApiError> {
    let mut values = BTreeMap::new();
    for (field, text) in request.fields {
        if !FIELDS.contains(&field.as_str()) {
            return Err(bad_value(&field, "no such field"));
        }
        let value = match field.as_str() {
            "high_risk" => Value::Bool(text == "true"),
            _ => Value::String(text.trim().to_owned()),
        };
        let value = tidy(Some(RecordKind::Subject), &field, value)?;
        if !value.is_null() {
            values.insert(field, value);
        }
    }
    if let Some(code) = values.get("credit_code").and_then(Value::as_str)
        && let Some(known) = with_credit_code(desk, code)?
    {
        return Err(bad_value(
            "credit_code",
            "a subject with this credit code is there already",
        )
        .with("reason", "already_known")
        .with("record", known.to_string()));
    }
    let draft = opened(desk, values)?;
    let record = draft.record;
    desk.write(vec![draft])?;
    Ok(RecordRef { record })
}

pub(crate) fn subjects_export(desk: &Desk, request: SubjectsExport) -> Result<FileOut, ApiError> {
    let mut table = Table::new(
        "检查对象",
        &[
            ("单位名称", 36.0),
            ("统一社会信用代码", 22.0),
            ("类别", 14.0),
            ("县区", 14.0),
            ("地址", 40.0),
            ("法定代表人", 14.0),
            ("联系电话", 16.0),
            ("所属监管部门", 24.0),
            ("最近检查日期", 14.0),
            ("未办结问题", 12.0),
        ],
        desk,
    );
    let filter = filter_of(request.filter);
    let regions = super::tables::regions(desk)?;
    each(desk, &filter, |row| {
        table.row(vec![
            row.name.into(),
            row.credit_code.into(),
            super::tables::subject_kind(&row.kind).into(),
            regions
                .get(&row.region)
                .cloned()
                .unwrap_or(row.region)
                .into(),
            row.address.into(),
            row.legal_representative.into(),
            row.phone.into(),
            desk.names.org(&row.org).into(),
            super::tables::day(row.last_inspected_ms),
            super::tables::number(row.open_findings),
        ]);
    })?;
    table_file(desk, "检查对象", vec![table], &request.format)
}

/// Goes through all subjects of a filter, a page at a time.
pub(crate) fn each(
    desk: &Desk,
    filter: &ledger::SubjectFilter,
    mut take: impl FnMut(ledger::SubjectRow),
) -> Result<(), ApiError> {
    let mut offset = 0;
    loop {
        let page = desk
            .ledger
            .subjects(filter, SubjectSort::Name, false, offset, 5_000)?;
        let got = page.rows.len() as u64;
        page.rows.into_iter().for_each(&mut take);
        offset += got;
        if got == 0 || offset >= page.total {
            return Ok(());
        }
    }
}

/// The entry that begins a subject.
pub(crate) fn opened(desk: &Desk, mut values: BTreeMap<String, Value>) -> Result<Draft, ApiError> {
    for field in ["name", "subject_kind"] {
        if !values.contains_key(field) {
            return Err(bad_value(field, "a subject needs it").with("reason", "missing"));
        }
    }
    if desk.me.is_sample {
        values.insert("sample".into(), Value::Bool(true));
    }
    for (field, value) in &values {
        fields::check(field, value).map_err(|fault| bad_value(field, &fault.to_string()))?;
    }
    let draft = Draft {
        channel: desk.own_channel(),
        record: desk.new_record(),
        event: Event::Opened {
            kind: RecordKind::Subject,
            fields: values,
        },
    };
    desk.check_may_write(&draft.channel, None, &draft.event)?;
    Ok(draft)
}

/// The subject that has a credit code, if one has.
fn with_credit_code(desk: &Desk, code: &str) -> Result<Option<RecordId>, ApiError> {
    let filter = ledger::SubjectFilter {
        query: Some(code.to_owned()),
        ..Default::default()
    };
    let page = desk
        .ledger
        .subjects(&filter, SubjectSort::Name, false, 0, 20)?;
    Ok(page
        .rows
        .iter()
        .find(|row| row.credit_code == code)
        .map(|row| row.record))
}

fn filter_of(filter: SubjectFilter) -> ledger::SubjectFilter {
    ledger::SubjectFilter {
        query: filter.query.filter(|query| !query.trim().is_empty()),
        kind: filter.kind,
        region: filter.region,
        org: filter.org,
    }
}

fn sort_of(sort: &str) -> Result<SubjectSort, ApiError> {
    Ok(match sort {
        "name" => SubjectSort::Name,
        "region" => SubjectSort::Region,
        "kind" => SubjectSort::Kind,
        "last_inspected" => SubjectSort::LastInspected,
        "open_findings" => SubjectSort::OpenFindings,
        other => return Err(ApiError::bad_request(format!("no such order: {other}"))),
    })
}
