//! Rows of lists, from the ledger's views to what the screens show.

use std::collections::HashMap;

use shicha_domain::{BlobHash, RecordId, RecordKind, RecordState, pack::Date};
use shicha_ledger as ledger;

use crate::{
    app::App,
    desk::Desk,
    error::ApiError,
    handlers::{inspection::number_of, packs::items_of},
    schema::*,
    time::{day_of, days_between},
};

/// The most rows of one answer.
pub(crate) const MOST_ROWS: u32 = 500;

pub(crate) fn subject_row(row: ledger::SubjectRow) -> SubjectRow {
    SubjectRow {
        record: row.record,
        name: row.name,
        credit_code: row.credit_code,
        kind: row.kind,
        region: row.region,
        address: row.address,
        legal_representative: row.legal_representative,
        phone: row.phone,
        org: row.org,
        last_inspected_ms: row.last_inspected_ms,
        open_findings: row.open_findings,
        is_sample: row.is_sample,
    }
}

/// Rows of inspections; a pack's number of items is looked up once.
pub(crate) fn inspection_rows(
    desk: &Desk,
    rows: Vec<ledger::InspectionRow>,
) -> Result<Vec<InspectionRow>, ApiError> {
    let mut items = Items::default();
    rows.into_iter()
        .map(|row| {
            Ok(InspectionRow {
                items: items.of(desk, &row)?,
                delivery: delivery_view(desk.ledger.delivery(row.record)?),
                record: row.record,
                number: row.number,
                subject: row.subject,
                subject_name: row.subject_name,
                subject_kind: row.subject_kind,
                region: row.region,
                org_name: desk.names.org(&row.org),
                org: row.org,
                kind: row.kind,
                phase: row.phase,
                checklist: row.checklist,
                started_ms: row.started_ms,
                stage: row.stage,
                counts: counts_view(row.counts),
                inspectors: row.inspectors,
                conflicts: row.conflicts,
                late: row.late,
                updated_ms: row.updated_ms,
                is_sample: row.is_sample,
            })
        })
        .collect()
}

#[derive(Default)]
struct Items(HashMap<(BlobHash, String), u32>);

impl Items {
    fn of(&mut self, desk: &Desk, row: &ledger::InspectionRow) -> Result<u32, ApiError> {
        let Some(hash) = row.pack_hash else {
            return Ok(0);
        };
        let key = (hash, row.checklist.clone());
        if let Some(items) = self.0.get(&key) {
            return Ok(*items);
        }
        let packs = &desk.app.0.packs;
        let pack = packs.named(&desk.ledger, hash, &row.pack, &row.pack_version)?;
        let checklist = pack
            .as_ref()
            .and_then(|pack| pack.checklist(&row.checklist));
        let items = checklist.map_or(0, items_of);
        self.0.insert(key, items);
        Ok(items)
    }
}

pub(crate) fn finding_row(row: ledger::FindingRow, today: Date) -> FindingRow {
    FindingRow {
        days_left: row.due.parse().ok().map(|due| days_between(today, due)),
        record: row.record,
        inspection: row.inspection,
        subject: row.subject,
        subject_name: row.subject_name,
        item: row.item,
        description: row.description,
        measure: row.measure,
        responsible: row.responsible,
        due: row.due,
        state: row.state,
        org: row.org,
        region: row.region,
        is_sample: row.is_sample,
    }
}

pub(crate) fn counts_view(counts: shicha_domain::inspection::Counts) -> CountsView {
    CountsView {
        conforms: counts.conforms,
        nonconforming: counts.nonconforming,
        not_applicable: counts.not_applicable,
        not_checked: counts.not_checked,
        to_verify: counts.to_verify,
    }
}

/// Where a record is. Nothing is called delivered while anything of it waits or was refused.
pub(crate) fn delivery_view(delivery: ledger::RecordDelivery) -> Delivery {
    let waits = delivery.waiting_entries > 0 || delivery.waiting_blobs > 0 || delivery.refused > 0;
    let place = match (waits, delivery.delivered_at_ms, delivery.seen_by_others) {
        (false, Some(_), true) => DeliveryPlace::Seen,
        (false, Some(_), false) => DeliveryPlace::Delivered,
        _ => DeliveryPlace::Here,
    };
    Delivery {
        place,
        waiting_entries: small(delivery.waiting_entries),
        waiting_blobs: small(delivery.waiting_blobs),
        waiting_bytes: delivery.waiting_blob_bytes,
        receipt_at_ms: delivery.delivered_at_ms,
        refused: small(delivery.refused),
    }
}

pub(crate) fn delivery_of(desk: &Desk, record: RecordId) -> Result<Delivery, ApiError> {
    Ok(delivery_view(desk.ledger.delivery(record)?))
}

/// A count as the screens have it.
pub(crate) fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Today, as the bureaus count days.
pub(crate) fn today(app: &App) -> Date {
    day_of(app.now_ms())
}

/// What a record is called in a list.
pub(crate) fn title(state: &RecordState) -> String {
    match state.kind() {
        Some(RecordKind::Subject) => state.text("name").to_owned(),
        Some(RecordKind::Pack) => state.text("title").to_owned(),
        _ => {
            let number = number_of(state);
            let name = state.text("subject_name");
            if number.is_empty() {
                name.to_owned()
            } else {
                format!("{name} {number}")
            }
        }
    }
}
