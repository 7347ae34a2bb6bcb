//! Conflicts: rival values side by side, until a person settles them.

use shicha_domain::{RecordState, bounds};

use crate::{
    desk::{Desk, draft},
    error::ApiError,
    handlers::{record::tidy, rows::title},
    packs::pack_of,
    schema::*,
};

/// The most conflicts that are listed at once.
const MOST: u64 = 1_000;

pub(crate) fn conflicts_list(desk: &Desk, _: Empty) -> Result<ConflictsList, ApiError> {
    let mut conflicts = Vec::new();
    for row in desk.ledger.conflicts(MOST)? {
        let Some(state) = desk.ledger.record(row.record)? else {
            continue;
        };
        let Some(register) = state
            .fields()
            .get(&row.field)
            .filter(|register| register.is_conflict())
        else {
            continue;
        };
        let item = row
            .field
            .strip_prefix("answers/")
            .and_then(|rest| rest.split('/').next())
            .map(str::to_owned);
        let values = register.heads().iter().map(|head| RivalValue {
            entry: head.entry,
            value: head.value.clone(),
            author: desk.person_name(head.author),
            device_label: desk.names.device(head.order.device),
            is_unjudged: desk.is_value_unjudged(head),
            at_ms: head.claimed.ms(),
            claim: bounds::judge(head.bounds, head.claimed),
        });
        conflicts.push(ConflictView {
            record: row.record,
            record_kind: state.kind(),
            title: title(&state),
            question: question(desk, &state, item.as_deref())?,
            values: values.collect(),
            may_settle: desk.may_change(&state) && desk.check_open(&state, &row.field).is_ok(),
            field: row.field,
            item,
        });
    }
    Ok(ConflictsList { conflicts })
}

pub(crate) fn conflict_settle(desk: &Desk, request: ConflictSettle) -> Result<Saved, ApiError> {
    let state = desk.record(request.record)?;
    desk.check_open(&state, &request.field)?;
    let value = tidy(state.kind(), &request.field, request.value)?;
    let event = desk.set_event(&state, &request.field, value, Some(request.over));
    desk.check_may_write(state.channel(), state.kind(), &event)?;
    desk.write(vec![draft(&state, event)])
}

fn question(
    desk: &Desk,
    state: &RecordState,
    item: Option<&str>,
) -> Result<Option<String>, ApiError> {
    let Some(item) = item else {
        return Ok(None);
    };
    let pack = pack_of(&desk.app.0.packs, &desk.ledger, state)?;
    let found = pack.as_ref().and_then(|pack| pack.item(item));
    Ok(found.map(|item| item.question.zh.clone()))
}
