//! Who did what when.

use std::collections::HashMap;

use shicha_domain::{EntryId, Event, bounds};
use shicha_ledger::{EntryDelivery, StoredEntry};

use crate::{
    desk::Desk,
    error::ApiError,
    handlers::{entry_text::EntryText, record::written_text},
    schema::*,
};

pub(crate) fn record_history(desk: &Desk, request: RecordRef) -> Result<History, ApiError> {
    let state = desk.record(request.record)?;
    let entries = desk.entries(request.record)?;
    let by_id: HashMap<EntryId, &StoredEntry> =
        entries.iter().map(|stored| (stored.id, stored)).collect();
    let rows = entries.iter().map(|stored| {
        let event = Event::parse(&stored.entry.event);
        let text = EntryText::read(Some(&state), event.as_ref());
        let before = match &event {
            Ok(Event::Set {
                field, replaces, ..
            }) => {
                let named = replaces.iter().filter_map(|id| by_id.get(id));
                let counted = named.max_by_key(|stored| stored.order());
                counted
                    .map(|stored| written_text(&stored.entry, field))
                    .unwrap_or_default()
            }
            _ => String::new(),
        };
        let (delivery, refused) = match &stored.delivery {
            EntryDelivery::Waiting => ("waiting", None),
            EntryDelivery::Delivered { .. } => ("delivered", None),
            EntryDelivery::Refused { code, .. } => ("refused", Some(code.clone())),
        };
        HistoryRow {
            entry: stored.id,
            device: stored.entry.device,
            device_label: desk.names.device(stored.entry.device),
            seq: stored.entry.seq,
            author: desk.person_name(stored.entry.author),
            is_unjudged: !stored.is_received
                && desk.lacks(stored.entry.author, stored.entry.device),
            at_ms: stored.entry.at.ms(),
            bounds: stored.bounds,
            claim: bounds::judge(stored.bounds, stored.entry.at),
            what: text.what.to_owned(),
            field: text.field,
            value: text.value,
            before,
            delivery: delivery.to_owned(),
            refused,
            is_late: state
                .late()
                .iter()
                .any(|note| note.trace.entry == stored.id),
            is_again: stored.entry.again.is_some(),
        }
    });
    Ok(History {
        rows: rows.collect(),
    })
}
