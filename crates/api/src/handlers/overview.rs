//! The supervisor's overview: figures by bureau, item, week and kind.

use std::collections::BTreeMap;

use shicha_ledger as ledger;

use crate::{
    desk::Desk,
    error::ApiError,
    handlers::{
        inspections::filter_of,
        tables::{self, Table, table_file},
    },
    schema::*,
};

pub(crate) fn overview_get(desk: &Desk, request: OverviewGet) -> Result<Overview, ApiError> {
    let figures = desk.ledger.overview(&filter_of(desk, request.filter))?;
    let questions = questions(desk)?;
    let rows =
        |rows: Vec<ledger::OverviewRow>, name: &dyn Fn(&str) -> String| -> Vec<OverviewRow> {
            rows.into_iter()
                .map(|row| OverviewRow {
                    name: name(&row.key),
                    key: row.key,
                    inspections: row.inspections,
                    signed: row.signed,
                    findings: row.findings,
                })
                .collect()
        };
    let org_name = |code: &str| {
        code.parse()
            .map_or_else(|_| code.to_owned(), |code| desk.names.org(&code))
    };
    Ok(Overview {
        inspections: figures.inspections,
        signed: figures.signed,
        subjects_inspected: figures.subjects_inspected,
        subjects: figures.subjects,
        findings: figures.findings,
        conflicts: figures.conflicts,
        late: figures.late,
        by_org: rows(figures.by_org, &org_name),
        by_item: figures
            .by_item
            .into_iter()
            .map(|row| OverviewItem {
                question: questions.get(&row.item).cloned().unwrap_or_default(),
                item: row.item,
                answered: row.answered,
                nonconforming: row.nonconforming,
            })
            .collect(),
        by_week: rows(figures.by_week, &|week| week.to_owned()),
        by_kind: rows(figures.by_kind, &|kind| {
            tables::subject_kind(kind).to_owned()
        }),
    })
}

pub(crate) fn overview_export(desk: &Desk, request: OverviewGet) -> Result<FileOut, ApiError> {
    let overview = overview_get(desk, request)?;
    let mut all = Table::new("概况", &[("指标", 28.0), ("数量", 12.0)], desk);
    for (what, count) in [
        ("检查次数", overview.inspections),
        ("其中已签名", overview.signed),
        ("已检查的检查对象", overview.subjects_inspected),
        ("辖区内检查对象", overview.subjects),
        ("发现问题（不符合项）", overview.findings),
        ("未解决冲突", overview.conflicts),
        ("签名后到达的内容", overview.late),
    ] {
        all.row(vec![what.into(), tables::number(count)]);
    }
    let columns = |first: &'static str| {
        [
            (first, 28.0),
            ("检查次数", 12.0),
            ("已签名", 12.0),
            ("发现问题", 12.0),
        ]
    };
    let lines = |title: &str, first: &'static str, rows: &[OverviewRow]| {
        let mut table = Table::new(title, &columns(first), desk);
        for row in rows {
            table.row(vec![
                row.name.clone().into(),
                tables::number(row.inspections),
                tables::number(row.signed),
                tables::number(row.findings),
            ]);
        }
        table
    };
    let by_org = lines("按县区", "检查单位", &overview.by_org);
    let by_week = lines("按周", "周（周一）", &overview.by_week);
    let by_kind = lines("按类别", "检查对象类别", &overview.by_kind);
    let mut by_item = Table::new(
        "按检查项",
        &[
            ("检查项", 12.0),
            ("内容", 60.0),
            ("作答次数", 12.0),
            ("不符合", 12.0),
            ("不符合率", 12.0),
        ],
        desk,
    );
    for row in &overview.by_item {
        let share = if row.answered == 0 {
            shicha_papers::tables::Value::Empty
        } else {
            shicha_papers::tables::Value::Number(
                f64::from(row.nonconforming) / f64::from(row.answered),
            )
        };
        by_item.row(vec![
            row.item.clone().into(),
            row.question.clone().into(),
            tables::number(row.answered),
            tables::number(row.nonconforming),
            share,
        ]);
    }
    table_file(
        desk,
        "检查概况",
        vec![all, by_org, by_item, by_week, by_kind],
        "xlsx",
    )
}

/// The questions of all items at hand; the wording of a pack that counts goes before that of others.
fn questions(desk: &Desk) -> Result<BTreeMap<String, String>, ApiError> {
    let mut questions = BTreeMap::new();
    for pack in desk.packs()?.into_iter().filter_map(|one| one.pack) {
        for item in pack.items() {
            questions
                .entry(item.id.as_str().to_owned())
                .or_insert_with(|| item.question.zh.clone());
        }
    }
    Ok(questions)
}
