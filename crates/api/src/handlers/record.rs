//! Writing into any record: a field at a time, text while it is typed, and undo.

use serde_json::Value;
use shicha_domain::{
    EntryId, Event, RecordKind, RecordState, codes::credit_code_check, entry::Entry, fields,
};

use crate::{
    desk::{Desk, draft, replaced, value_written},
    error::{ApiError, ErrorCode},
    schema::*,
};

pub(crate) fn field_set(desk: &Desk, request: FieldSet) -> Result<Saved, ApiError> {
    let state = desk.record(request.record)?;
    let field = request.field.as_str();
    let value = tidy(state.kind(), field, request.value)?;
    desk.check_open(&state, field)?;
    let event = desk.set_event(&state, field, value, request.over);
    desk.check_may_write(state.channel(), state.kind(), &event)?;
    let typed = (request.record, request.field.clone());
    if says_nothing_new(&state, &event) {
        // The text that was typed is the value already: only the draft goes.
        desk.ledger.clear_draft(typed.0, &typed.1)?;
        return Ok(Saved {
            entry: None,
            at_ms: desk.now_ms(),
        });
    }
    desk.write_clearing(vec![draft(&state, event)], &[typed])
}

pub(crate) fn draft_put(desk: &Desk, request: DraftPut) -> Result<Saved, ApiError> {
    let state = desk.record(request.record)?;
    fields::check_path(&request.field)
        .map_err(|fault| bad_value(&request.field, &fault.to_string()))?;
    if request.text.len() > fields::MAX_TEXT_BYTES {
        return Err(bad_value(
            &request.field,
            &fields::FieldFault::TooLong.to_string(),
        ));
    }
    desk.check_open(&state, &request.field)?;
    let now_ms = desk.now_ms();
    desk.ledger.put_draft(
        request.record,
        &request.field,
        &request.text,
        desk.me.person,
        now_ms,
    )?;
    Ok(Saved {
        entry: None,
        at_ms: now_ms,
    })
}

/// Takes the last thing back that was done to a record on this computer and still stands: a value, an attachment, a removal.
pub(crate) fn undo(desk: &Desk, request: RecordRef) -> Result<Undone, ApiError> {
    let state = desk.record(request.record)?;
    let Some(step) = last_step(desk, &state)? else {
        return Ok(Undone { field: None });
    };
    desk.check_may_write(state.channel(), state.kind(), &step.event)?;
    let saved = desk.write_clearing(
        vec![draft(&state, step.event)],
        &[(request.record, step.place.clone())],
    )?;
    if let Some(by) = saved.entry {
        desk.app.0.undone.add(step.undoes, by, step.restores);
    }
    Ok(Undone {
        field: Some(step.place),
    })
}

/// Whether there is something to undo.
pub(crate) fn may_undo(desk: &Desk, state: &RecordState) -> Result<bool, ApiError> {
    Ok(last_step(desk, state)?.is_some())
}

struct Step {
    undoes: EntryId,
    restores: Option<EntryId>,
    place: String,
    event: Event,
}

fn last_step(desk: &Desk, state: &RecordState) -> Result<Option<Step>, ApiError> {
    if state.frozen().is_some() || state.annulled().is_some() {
        return Ok(None);
    }
    let entries = desk.entries(state.record())?;
    let pairs = || entries.iter().map(|stored| (stored.id, &stored.entry));
    for stored in entries.iter().rev() {
        let is_mine =
            stored.entry.device == desk.me.device && stored.entry.author == desk.me.person;
        if !is_mine || desk.app.0.undone.has(stored.id) {
            continue;
        }
        if let Some((place, event, restores)) =
            reverse(desk, state, stored.id, &stored.entry, pairs)
        {
            return Ok(Some(Step {
                undoes: stored.id,
                restores,
                place,
                event,
            }));
        }
    }
    Ok(None)
}

/// The event that takes an entry back, if what it did still stands, and the entry whose value comes back by it.
fn reverse<'a, I: Iterator<Item = (EntryId, &'a Entry)>>(
    desk: &Desk,
    state: &RecordState,
    id: EntryId,
    entry: &Entry,
    entries: impl Fn() -> I,
) -> Option<(String, Event, Option<EntryId>)> {
    match Event::parse(&entry.event).ok()? {
        Event::Set {
            field,
            value,
            replaces,
        } => {
            let heads = state.heads_of(&field);
            let stands = heads.len() == 1
                && heads
                    .iter()
                    .all(|head| desk.app.0.undone.meant_by(*head) == id);
            let before = replaced(entries(), &replaces);
            let restored = before
                .and_then(|(_, before)| value_written(before, &field))
                .unwrap_or(Value::Null);
            (stands && restored != value).then(|| {
                let event = Event::Set {
                    field: field.clone(),
                    value: restored,
                    replaces: heads,
                };
                (field, event, before.map(|(id, _)| id))
            })
        }
        Event::Attached { place, .. } => {
            let stands = state
                .attachment(id)
                .is_some_and(|found| found.detached.is_none());
            let event = Event::Detached {
                attachment: id,
                reason: String::new(),
            };
            stands.then_some((place, event, None))
        }
        Event::Detached { attachment, .. } => {
            let found = state.attachment(attachment)?;
            let (by, _) = found.detached.as_ref()?;
            let event = Event::Attached {
                place: found.place.clone(),
                evidence: found.evidence.clone(),
            };
            (by.entry == id).then(|| (found.place.clone(), event, None))
        }
        _ => None,
    }
}

/// Brings a value into the form that its field keeps, or says why it cannot.
pub(crate) fn tidy(kind: Option<RecordKind>, field: &str, value: Value) -> Result<Value, ApiError> {
    let value = match value {
        Value::String(text) if text.trim().is_empty() => Value::Null,
        other => other,
    };
    let is_code = field == "subject/credit_code"
        || (field == "credit_code" && kind == Some(RecordKind::Subject));
    let value = match value {
        Value::String(code) if is_code => {
            let code = code.trim().to_uppercase();
            if let Err(fault) = credit_code_check(&code) {
                return Err(
                    bad_value(field, &fault.to_string()).with("reason", credit_code_word(fault))
                );
            }
            Value::String(code)
        }
        other => other,
    };
    fields::check(field, &value).map_err(|fault| bad_value(field, &fault.to_string()))?;
    Ok(value)
}

fn credit_code_word(fault: shicha_domain::codes::CreditCodeFault) -> &'static str {
    use shicha_domain::codes::CreditCodeFault as Fault;
    match fault {
        Fault::Length => "credit_code_length",
        Fault::Character => "credit_code_character",
        Fault::Checksum => "credit_code_checksum",
    }
}

pub(crate) fn bad_value(field: &str, detail: &str) -> ApiError {
    ApiError::new(ErrorCode::BadValue)
        .with("field", field)
        .with("detail", detail)
}

/// The reason that a person gave, which has to be one.
pub(crate) fn reason_of(reason: &str) -> Result<String, ApiError> {
    match reason.trim() {
        "" => Err(bad_value("reason", "a reason is required")),
        reason => Ok(reason.chars().take(1_000).collect()),
    }
}

fn says_nothing_new(state: &RecordState, event: &Event) -> bool {
    let Event::Set {
        field,
        value,
        replaces,
    } = event
    else {
        return false;
    };
    let Some(register) = state.fields().get(field.as_str()) else {
        return value.is_null();
    };
    // A value given again settles a conflict, so it is new where several stand.
    let is_one = register.heads().len() <= 1;
    is_one
        && register.winner().is_none_or(|head| head.value == *value)
        && register
            .heads()
            .iter()
            .all(|head| replaces.contains(&head.entry))
}

/// The value that an entry wrote, as text, for people.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What an entry wrote into a field, as text.
pub(crate) fn written_text(entry: &Entry, field: &str) -> String {
    value_written(entry, field)
        .as_ref()
        .map(value_text)
        .unwrap_or_default()
}
