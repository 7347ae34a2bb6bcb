//! Organisations.

use axum::{Json, extract::State};
use shicha_domain::directory::Org;
use shicha_sync::protocol::admin::{Changed, Orgs};

use super::{Administrator, conflict, contradicted, tell};
use crate::http::{
    Shared,
    bodies::Sent,
    fault::{Fault, blocking, message},
};

/// The administrator's organisation and all below it.
#[utoipa::path(
    get, path = "/v1/admin/orgs", tag = "administration",
    responses((status = 200, description = "the organisations", body = Orgs))
)]
pub(super) async fn list(
    State(app): State<Shared>,
    administrator: Administrator,
) -> Result<Json<Orgs>, Fault> {
    blocking(move || {
        let register = app.home.store.register()?;
        let all = register.directory.orgs.iter();
        let orgs = all
            .filter(|org| administrator.is_over(&register.tree, &org.code))
            .cloned()
            .collect();
        Ok(Json(Orgs { orgs }))
    })
    .await
}

/// Adds or changes one of them.
#[utoipa::path(
    post, path = "/v1/admin/orgs", tag = "administration",
    request_body = Org,
    responses((status = 200, description = "whether anything changed", body = Changed))
)]
pub(super) async fn put(
    State(app): State<Shared>,
    administrator: Administrator,
    body: Sent,
) -> Result<Json<Changed>, Fault> {
    let org: Org = message(&body)?;
    blocking(move || {
        let register = app.home.store.register()?;
        let known = register
            .directory
            .orgs
            .iter()
            .find(|known| known.code == org.code);
        if known.is_some() {
            administrator.check_over(&register.tree, &org.code)?;
        }
        let is_own = org.code == administrator.0.actor.org;
        match &org.parent {
            // Where the own organisation hangs is not its own affair.
            parent if is_own => {
                if known.is_none_or(|known| known.parent != *parent) {
                    return Err(conflict("own_parent", "the own organisation is not moved"));
                }
            }
            Some(parent) => administrator.check_over(&register.tree, parent)?,
            None => {
                return Err(conflict(
                    "no_parent",
                    "an organisation lies below another one",
                ));
            }
        }
        let changed = administrator
            .hand(&app)
            .put_org(&org)
            .map_err(contradicted)?;
        tell(&app, changed);
        Ok(Json(Changed { changed }))
    })
    .await
}
