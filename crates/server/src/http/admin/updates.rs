//! Updates of the application: what is there, for whom it was released, and how far it has got.

use axum::{Json, extract::State};
use shicha_sync::protocol::{
    admin::Changed,
    update::{ReleaseUpdate, Updates},
};

use super::{Administrator, contradicted};
use crate::{
    administration::Hand,
    http::{
        Shared,
        bodies::Sent,
        fault::{Fault, blocking, message},
    },
    store::StoreError,
    updates,
};

/// The updates, with their releases as far as they concern these organisations.
#[utoipa::path(
    get, path = "/v1/admin/updates", tag = "administration",
    responses((status = 200, description = "the updates", body = Updates))
)]
pub(super) async fn list(
    State(app): State<Shared>,
    administrator: Administrator,
) -> Result<Json<Updates>, Fault> {
    blocking(move || {
        let org = &administrator.0.actor.org;
        Ok(Json(updates::report(&app.home, Some(org))?))
    })
    .await
}

/// Releases an update for an organisation and all below it.
#[utoipa::path(
    post, path = "/v1/admin/updates/release", tag = "administration",
    request_body = ReleaseUpdate,
    responses((status = 200, description = "whether anything changed", body = Changed))
)]
pub(super) async fn release(
    State(app): State<Shared>,
    administrator: Administrator,
    body: Sent,
) -> Result<Json<Changed>, Fault> {
    change(app, administrator, &body, updates::release).await
}

/// Takes such a release back.
#[utoipa::path(
    post, path = "/v1/admin/updates/withdraw", tag = "administration",
    request_body = ReleaseUpdate,
    responses((status = 200, description = "whether anything changed", body = Changed))
)]
pub(super) async fn withdraw(
    State(app): State<Shared>,
    administrator: Administrator,
    body: Sent,
) -> Result<Json<Changed>, Fault> {
    change(app, administrator, &body, updates::withdraw).await
}

type Change = fn(&Hand<'_>, &str, &shicha_domain::OrgCode) -> Result<bool, StoreError>;

async fn change(
    app: Shared,
    administrator: Administrator,
    body: &[u8],
    change: Change,
) -> Result<Json<Changed>, Fault> {
    let request: ReleaseUpdate = message(body)?;
    blocking(move || {
        let register = app.home.store.register()?;
        administrator.check_over(&register.tree, &request.org)?;
        let hand = administrator.hand(&app);
        let changed = change(&hand, &request.name, &request.org).map_err(contradicted)?;
        Ok(Json(Changed { changed }))
    })
    .await
}
