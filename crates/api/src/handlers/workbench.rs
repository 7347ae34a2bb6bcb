//! The workbench 工作台: what is mine, what is due, what waits.

use shicha_domain::{
    directory::Role,
    pack::{ObligationKind, Pack},
};
use shicha_ledger::{self as ledger, FindingSort, InspectionSort};

use crate::{
    desk::Desk,
    error::ApiError,
    handlers::rows::{finding_row, inspection_rows, small, today},
    schema::*,
    time::days_between,
};

/// Rows of each list; the whole list is one click away.
const ROWS: u64 = 50;
/// A finding is due when its deadline is at most so many days away.
const DUE_DAYS: i64 = 7;

pub(crate) fn workbench_get(desk: &Desk, _: Empty) -> Result<Workbench, ApiError> {
    let day = today(&desk.app);
    let is_supervisor = desk.me.role != Role::Inspector;
    let mine = ledger::InspectionFilter {
        inspector: (!is_supervisor).then_some(desk.me.person),
        stage: Some("unsigned".into()),
        ..Default::default()
    };
    let open = desk
        .ledger
        .inspections(&mine, InspectionSort::Updated, true, 0, ROWS)?;
    let near = ledger::FindingFilter {
        due_before_day: day.plus_days(DUE_DAYS + 1).map(|day| day.to_string()),
        is_open: true,
        ..Default::default()
    };
    let due = desk
        .ledger
        .findings(&near, FindingSort::Due, false, 0, ROWS)?;
    let counts = desk.ledger.counts()?;
    let pack = desk.leading_pack()?;
    Ok(Workbench {
        open_total: small(open.total),
        open: inspection_rows(desk, open.rows)?,
        due_total: small(due.total),
        due: due
            .rows
            .into_iter()
            .map(|row| finding_row(row, day))
            .collect(),
        obligations: pack
            .as_ref()
            .map(|pack| obligations(pack, day))
            .unwrap_or_default(),
        waiting: Delivery {
            place: if counts.waiting_entries == 0 && counts.waiting_blobs == 0 {
                DeliveryPlace::Delivered
            } else {
                DeliveryPlace::Here
            },
            waiting_entries: small(counts.waiting_entries),
            waiting_blobs: small(counts.waiting_blobs),
            waiting_bytes: counts.waiting_blob_bytes,
            receipt_at_ms: desk
                .ledger
                .newest_receipt()?
                .map(|receipt| receipt.received_at_ms),
            refused: small(desk.ledger.refused()?.len() as u64),
        },
        conflicts: small(counts.conflicts),
        needs_newer: small(counts.needs_newer),
        numbers: desk
            .ledger
            .number_blocks_left()?
            .into_iter()
            .map(|(_, word, year, left)| NumbersLeft { word, year, left })
            .collect(),
        signed_total: small(counts.signed),
        subjects_total: small(counts.subjects),
    })
}

/// What the campaign asks to be reported, the nearest first.
fn obligations(pack: &Pack, day: shicha_domain::pack::Date) -> Vec<ObligationRow> {
    let role = |id: &str| {
        pack.role(id)
            .map_or_else(|| id.to_owned(), |role| role.title.zh.clone())
    };
    let mut rows: Vec<ObligationRow> = pack
        .obligations
        .iter()
        .filter(|one| one.kind == ObligationKind::Report)
        .map(|one| ObligationRow {
            code: one.id.as_str().to_owned(),
            title: one.title.zh.clone(),
            due: one.due.to_string(),
            reporter: one
                .reporters
                .iter()
                .map(|id| role(id.as_str()))
                .collect::<Vec<_>>()
                .join("、"),
            receiver: one
                .receiver
                .as_ref()
                .map(|id| role(id.as_str()))
                .unwrap_or_default(),
            note: one.note.clone().unwrap_or_default(),
            days_left: days_between(day, one.due),
        })
        .collect();
    rows.sort_by(|a, b| a.due.cmp(&b.due).then_with(|| a.code.cmp(&b.code)));
    rows
}
