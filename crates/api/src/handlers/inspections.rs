//! Inspections 检查: the list, opening one, exporting them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shicha_domain::{Event, RecordKind, pack::Pack};
use shicha_ledger::{self as ledger, Draft, InspectionSort};

use crate::{
    desk::Desk,
    error::{ApiError, ErrorCode},
    handlers::{
        record::bad_value,
        rows::{MOST_ROWS, inspection_rows, small},
        tables::{self, Table, table_file},
    },
    schema::*,
};

/// What an inspection keeps of its subject as it was when the inspection was opened.
const OF_SUBJECT: [&str; 5] = [
    "credit_code",
    "address",
    "legal_representative",
    "position",
    "phone",
];

pub(crate) fn inspections_list(
    desk: &Desk,
    request: InspectionsList,
) -> Result<InspectionsPage, ApiError> {
    let page = desk.ledger.inspections(
        &filter_of(desk, request.filter),
        sort_of(&request.sort)?,
        request.descending,
        u64::from(request.window.offset),
        u64::from(request.window.limit.min(MOST_ROWS)),
    )?;
    Ok(InspectionsPage {
        total: small(page.total),
        rows: inspection_rows(desk, page.rows)?,
    })
}

pub(crate) fn inspection_open(desk: &Desk, request: InspectionOpen) -> Result<RecordRef, ApiError> {
    let subject = desk.record_of(request.subject, RecordKind::Subject)?;
    let listed = desk.packs()?.into_iter();
    let pack = listed
        .filter(|one| one.row.blob == request.pack && one.standing.may_begin())
        .find_map(|one| one.pack)
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "pack"))?;
    check_fits(&pack, &request, subject.text("subject_kind"))?;
    let mut fields: BTreeMap<String, Value> = BTreeMap::new();
    let mut put = |field: &str, value: Value| {
        fields.insert(field.to_owned(), value);
    };
    put("subject", json!(request.subject));
    put("subject_name", json!(subject.text("name")));
    put("subject_kind", json!(subject.text("subject_kind")));
    put("region", json!(subject.text("region")));
    put("inspection_kind", json!(request.kind));
    put("checklist", json!(request.checklist));
    put("phase", json!(request.phase));
    put("pack", json!(pack.id));
    put("pack_version", json!(pack.version));
    put("pack_hash", json!(request.pack));
    put("inspectors", json!(request.inspectors));
    put(
        "started_at",
        json!(request.started_ms.unwrap_or_else(|| desk.now_ms())),
    );
    for field in OF_SUBJECT {
        if let Some(value) = subject.value(field) {
            put(&format!("subject/{field}"), value.clone());
        }
    }
    for one in &pack.traits {
        if subject.value(one.id.as_str()) == Some(&Value::Bool(true)) {
            put(&format!("subject/{}", one.id.as_str()), Value::Bool(true));
        }
    }
    if let Some(institution) = subject.value("institution") {
        put("institution", institution.clone());
    }
    if desk.me.is_sample {
        put("sample", Value::Bool(true));
    }
    let draft = Draft {
        channel: desk.own_channel(),
        record: desk.new_record(),
        event: Event::Opened {
            kind: RecordKind::Inspection,
            fields,
        },
    };
    desk.check_may_write(&draft.channel, None, &draft.event)?;
    let record = draft.record;
    desk.write(vec![draft])?;
    Ok(RecordRef { record })
}

pub(crate) fn inspections_export(
    desk: &Desk,
    request: InspectionsExport,
) -> Result<FileOut, ApiError> {
    let mut table = Table::new(
        "检查记录",
        &[
            ("文书编号", 30.0),
            ("被检查单位", 36.0),
            ("类别", 14.0),
            ("县区", 14.0),
            ("检查单位", 24.0),
            ("检查方式", 12.0),
            ("检查表", 24.0),
            ("开始时间", 18.0),
            ("检查人员", 20.0),
            ("状态", 10.0),
            ("符合", 8.0),
            ("不符合", 8.0),
            ("不适用", 8.0),
            ("未检查", 8.0),
            ("待核实", 8.0),
            ("未解决冲突", 10.0),
            ("签名后迟到", 10.0),
        ],
        desk,
    );
    let filter = filter_of(desk, request.filter);
    let regions = tables::regions(desk)?;
    let checklists = tables::checklists(desk)?;
    let mut offset = 0;
    loop {
        let page =
            desk.ledger
                .inspections(&filter, InspectionSort::Started, true, offset, 5_000)?;
        let got = page.rows.len() as u64;
        for row in page.rows {
            table.row(vec![
                row.number.into(),
                row.subject_name.into(),
                tables::subject_kind(&row.subject_kind).into(),
                regions
                    .get(&row.region)
                    .cloned()
                    .unwrap_or(row.region)
                    .into(),
                desk.names.org(&row.org).into(),
                tables::inspection_kind(&row.kind).into(),
                checklists
                    .get(&row.checklist)
                    .cloned()
                    .unwrap_or(row.checklist)
                    .into(),
                tables::moment(row.started_ms),
                row.inspectors.into(),
                tables::stage(&row.stage).into(),
                tables::number(row.counts.conforms),
                tables::number(row.counts.nonconforming),
                tables::number(row.counts.not_applicable),
                tables::number(row.counts.not_checked),
                tables::number(row.counts.to_verify),
                tables::number(row.conflicts),
                tables::number(row.late),
            ]);
        }
        offset += got;
        if got == 0 || offset >= page.total {
            break;
        }
    }
    table_file(desk, "检查记录", vec![table], &request.format)
}

pub(crate) fn filter_of(desk: &Desk, filter: InspectionFilter) -> ledger::InspectionFilter {
    ledger::InspectionFilter {
        query: filter.query.filter(|query| !query.trim().is_empty()),
        org: filter.org,
        region: filter.region,
        subject_kind: filter.subject_kind,
        kind: filter.kind,
        phase: filter.phase,
        checklist: filter.checklist,
        item: filter.item,
        item_result: filter.item_result,
        outcome: filter.outcome,
        from_ms: filter.from_ms,
        to_ms: filter.to_ms,
        stage: filter.stage,
        inspector: filter.is_mine.then_some(desk.me.person),
        ..Default::default()
    }
}

fn check_fits(pack: &Pack, request: &InspectionOpen, subject_kind: &str) -> Result<(), ApiError> {
    let checklist = pack
        .checklist(&request.checklist)
        .ok_or_else(|| bad_value("checklist", "the pack has no such checklist"))?;
    if checklist.subject_kind.as_str() != subject_kind {
        return Err(bad_value(
            "checklist",
            "the checklist is for another kind of subject",
        ));
    }
    if !request.phase.is_empty()
        && !pack
            .phases
            .iter()
            .any(|phase| phase.id.as_str() == request.phase)
    {
        return Err(bad_value("phase", "the pack has no such phase"));
    }
    if !pack
        .inspection_kinds
        .iter()
        .any(|kind| kind.id.as_str() == request.kind)
    {
        return Err(bad_value(
            "inspection_kind",
            "the pack has no such kind of inspection",
        ));
    }
    Ok(())
}

fn sort_of(sort: &str) -> Result<InspectionSort, ApiError> {
    Ok(match sort {
        "started" => InspectionSort::Started,
        "subject" => InspectionSort::Subject,
        "number" => InspectionSort::Number,
        "findings" => InspectionSort::Findings,
        "updated" => InspectionSort::Updated,
        "org" => InspectionSort::Org,
        "stage" => InspectionSort::Stage,
        other => return Err(ApiError::bad_request(format!("no such order: {other}"))),
    })
}
