//! Synchronisation as the screens show it.

use serde_json::{Map, Value, json};
use shicha_domain::{Event, directory::lines::Lines};
use shicha_ledger::Ledger;
use shicha_sync::client::{Phase, SyncState};

use crate::{
    desk::Desk,
    error::{ApiError, ErrorCode},
    faults::code_of_sync,
    handlers::{entry_text::EntryText, rows::title},
    schema::*,
};

/// How much of the log is shown.
const LOG_ROWS: u64 = 200;

pub(crate) fn sync_status(desk: &Desk, _: Empty) -> Result<SyncStatus, ApiError> {
    let worker = desk.app.0.worker.lock();
    let state = worker
        .as_ref()
        .map(|worker| worker.state().borrow().clone());
    drop(worker);
    let mut status = status_of(&desk.ledger, &state.unwrap_or_default())?;
    // The worker counts what waits only now and then; whoever asks gets it as it is.
    let counts = desk.ledger.counts()?;
    status.waiting_entries = counts.waiting_entries;
    status.waiting_blobs = counts.waiting_blobs;
    status.waiting_bytes = counts.waiting_blob_bytes;
    Ok(status)
}

pub(crate) fn sync_now(desk: &Desk, _: Empty) -> Result<Empty, ApiError> {
    let worker = desk.app.0.worker.lock();
    let worker = worker.as_ref().ok_or(ApiError::new(ErrorCode::NoAddress))?;
    worker.sync_now();
    Ok(Empty {})
}

pub(crate) fn sync_log(desk: &Desk, _: Empty) -> Result<SyncLog, ApiError> {
    let rows = desk.ledger.sync_log(LOG_ROWS)?;
    let mut refused = Vec::new();
    for row in desk.ledger.refused()? {
        let state = desk.ledger.record(row.record)?;
        let event = Event::parse(&row.event);
        let text = EntryText::read(state.as_deref(), event.as_ref());
        refused.push(RefusedRow {
            record: row.record,
            title: state.as_deref().map(title).unwrap_or_default(),
            seq: row.seq,
            code: row.code,
            what: text.what.to_owned(),
            field: text.field,
            value: text.value,
            at_ms: row.receipt_ms,
        });
    }
    let mut turned = Vec::new();
    for record in desk.ledger.turned()? {
        let state = desk.ledger.record(record)?;
        turned.push(TurnedRow {
            record,
            title: state.as_deref().map(title).unwrap_or_default(),
        });
    }
    let lines = Lines::of(&desk.names.directory().devices);
    Ok(SyncLog {
        is_copied: lines.is_copied(desk.me.device),
        turned,
        rows: rows
            .into_iter()
            .map(|row| SyncLogRow {
                at_ms: row.at_ms,
                params: named(&row.code, row.params),
                code: row.code,
            })
            .collect(),
        refused,
        contested: desk
            .ledger
            .contested()?
            .into_iter()
            .map(|here| {
                let one = here.contested;
                let owner = desk.names.owner(one.device);
                ContestedRow {
                    device_label: desk.names.device(one.device),
                    person_name: owner.map(|person| person.name.clone()).unwrap_or_default(),
                    place: ContestedPlace {
                        device: one.device,
                        seq: one.seq,
                        entry: one.id,
                    },
                    entries: here.entries,
                    first_ms: here.first_ms,
                    last_ms: here.last_ms,
                }
            })
            .collect(),
    })
}

pub(crate) fn contested_settle(desk: &Desk, place: ContestedPlace) -> Result<Empty, ApiError> {
    let is_settled = desk
        .ledger
        .settle_contested(place.device, place.seq, place.entry)?;
    if !is_settled {
        return Err(ApiError::new(ErrorCode::Stale));
    }
    let params = json!({ "device": desk.names.device(place.device) });
    desk.ledger
        .sync_log_add("sync", "contested_settled", &params, desk.now_ms())?;
    if let Some(worker) = desk.app.0.worker.lock().as_ref() {
        worker.sync_now();
    }
    Ok(Empty {})
}

/// The state as the screens have it.
pub(crate) fn status_of(ledger: &Ledger, state: &SyncState) -> Result<SyncStatus, ApiError> {
    Ok(SyncStatus {
        phase: match state.phase {
            Phase::Idle => SyncPhase::Idle,
            Phase::Connecting => SyncPhase::Connecting,
            Phase::Pushing => SyncPhase::Pushing,
            Phase::Pulling => SyncPhase::Pulling,
            Phase::Uploading => SyncPhase::Uploading,
            Phase::Downloading => SyncPhase::Downloading,
            Phase::Offline => SyncPhase::Offline,
            Phase::NeedsAttention => SyncPhase::NeedsAttention,
        },
        waiting_entries: state.waiting_entries,
        waiting_blobs: state.waiting_blobs,
        waiting_bytes: state.waiting_bytes,
        wanted_blobs: ledger.counts()?.wanted_blobs,
        bytes_per_s: state.bytes_per_s,
        last_success_ms: state.last_success_ms,
        last_receipt_ms: ledger
            .newest_receipt()?
            .map(|receipt| receipt.received_at_ms),
        last_error: state.last_error.as_ref().map(|fault| ApiError {
            code: code_of_sync(fault.code),
            params: fault.params.clone(),
        }),
        next_try_ms: state.next_try_ms,
    })
}

/// A log line's values under the names that its text uses.
fn named(code: &str, params: Value) -> Value {
    let count = params.get("count").cloned().unwrap_or(Value::Null);
    let mut named = match params {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let name = match code {
        "pushed" | "pulled" | "refused" | "forked" => "entries",
        "uploaded" | "downloaded" => "blobs",
        _ => return Value::Object(named),
    };
    if !count.is_null() {
        named.insert(name.to_owned(), count);
    }
    json!(named)
}
