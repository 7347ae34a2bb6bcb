//! Entries that were refused, and letting them in after all.

use axum::{
    Json,
    extract::{Query, State},
};
use shicha_domain::Channel;
use shicha_sync::protocol::{
    ProblemCode,
    admin::{Changed, MAX_REFUSED, Refused, RefusedQuery, RefusedReport, ReleaseEntry},
};

use super::{Administrator, contradicted};
use crate::{
    http::{
        Change, Shared,
        bodies::Sent,
        fault::{Fault, blocking, message},
    },
    intake,
    store::{Placed, refusals::RefusedEntry},
};

/// What was refused for channels of these organisations.
#[utoipa::path(
    get, path = "/v1/admin/refused", tag = "administration",
    params(RefusedQuery),
    responses((status = 200, description = "the entries", body = Refused))
)]
pub(super) async fn list(
    State(app): State<Shared>,
    administrator: Administrator,
    Query(query): Query<RefusedQuery>,
) -> Result<Json<Refused>, Fault> {
    let limit = query.limit.unwrap_or(200).clamp(1, MAX_REFUSED) as usize;
    blocking(move || {
        let register = app.home.store.register()?;
        let may_see = |channel: &Channel| administrator.is_over(&register.tree, channel.org());
        let found = app.home.store.refused(query.device, &may_see, limit)?;
        let mut entries = Vec::with_capacity(found.len());
        for one in &found {
            let state = app.home.store.device(one.candidate.entry.device)?;
            let Some(state) = state else { continue };
            // Where the record lives now is asked once more when it is released.
            let may = intake::may_release(&register.tree, one, None::<&Placed>);
            entries.push(report(one, state.person.id, may.is_ok()));
        }
        Ok(Json(Refused { entries }))
    })
    .await
}

fn report(
    one: &RefusedEntry,
    person: shicha_domain::PersonId,
    is_releasable: bool,
) -> RefusedReport {
    let entry = &one.candidate.entry;
    RefusedReport {
        device: entry.device,
        seq: entry.seq,
        id: one.candidate.id,
        person,
        channel: entry.channel.clone(),
        record: entry.record,
        code: one.code.clone(),
        claimed_ms: entry.at.ms(),
        received_ms: one.receipt.received_at_ms,
        is_releasable,
    }
}

/// Lets an entry in that was refused for the directory's sake.
#[utoipa::path(
    post, path = "/v1/admin/refused/release", tag = "administration",
    request_body = ReleaseEntry,
    responses((status = 200, description = "whether anything changed", body = Changed))
)]
pub(super) async fn release(
    State(app): State<Shared>,
    administrator: Administrator,
    body: Sent,
) -> Result<Json<Changed>, Fault> {
    let request: ReleaseEntry = message(&body)?;
    blocking(move || {
        let store = &app.home.store;
        let register = store.register()?;
        let found = store.refused_at(request.device, request.seq)?;
        let Some(found) = found else {
            return Ok(Json(Changed { changed: false }));
        };
        let channel = &found.candidate.entry.channel;
        if !administrator.is_over(&register.tree, channel.org()) {
            return Err(Fault::new(ProblemCode::NotFound, "no such refused entry"));
        }
        let released = administrator
            .hand(&app)
            .release(request.device, request.seq, &request.reason)
            .map_err(contradicted)?;
        let changed = released.is_some();
        if let Some(released) = released {
            tracing::warn!(device = %request.device, seq = request.seq, "a refused entry was released");
            app.tell(Change::Entries {
                channels: vec![released.channel],
                by: None,
            });
        }
        Ok(Json(Changed { changed }))
    })
    .await
}
