//! Entries that the central endpoint refused, and letting them in after all (invariant 12, refused is outside for all, and kept).

use shicha_sync::protocol::admin::{MAX_REFUSED, ReleaseEntry};

use super::{Office, admin_error};
use crate::{app::App, error::ApiError, schema::*};

pub(crate) async fn admin_refused(app: &App, _: Empty) -> Result<AdminRefused, ApiError> {
    let office = Office::of(app)?;
    let asked = office.engine.admin_refused(&office.desk.ledger).await;
    let (list, known) = office.known("refused", asked).await?;
    let names = &office.desk.names;
    let more = list.entries.len() >= MAX_REFUSED as usize;
    let rows = list.entries.into_iter().map(|one| AdminRefusedRow {
        label: names.device(one.device),
        person_name: names.person(one.person),
        org_name: names.org(one.channel.org()),
        device: one.device,
        seq: one.seq,
        code: one.code,
        claimed_ms: one.claimed_ms,
        received_ms: one.received_ms,
        is_releasable: one.is_releasable,
    });
    Ok(AdminRefused {
        known,
        rows: rows.collect(),
        more,
    })
}

pub(crate) async fn admin_refused_release(
    app: &App,
    request: AdminRelease,
) -> Result<Empty, ApiError> {
    let office = Office::of(app)?;
    let release = ReleaseEntry {
        device: request.device,
        seq: request.seq,
        reason: request.reason,
    };
    office
        .engine
        .admin_release(&office.desk.ledger, &release)
        .await
        .map_err(admin_error)?;
    Ok(Empty {})
}
