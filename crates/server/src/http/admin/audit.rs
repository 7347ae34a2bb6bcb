//! The audit log.

use axum::{
    Json,
    extract::{Query, State},
};
use shicha_domain::OrgCode;
use shicha_sync::protocol::admin::{Audit, AuditQuery, MAX_AUDIT_ROWS};

use super::Administrator;
use crate::http::{
    Shared,
    fault::{Fault, blocking},
};

/// What administrators did.
#[utoipa::path(
    get, path = "/v1/admin/audit", tag = "administration",
    params(AuditQuery),
    responses((status = 200, description = "rows of the log", body = Audit))
)]
pub(super) async fn list(
    State(app): State<Shared>,
    administrator: Administrator,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Audit>, Fault> {
    let limit = query.limit.unwrap_or(200).clamp(1, MAX_AUDIT_ROWS) as usize;
    if query
        .text
        .as_ref()
        .is_some_and(|text| text.chars().count() > 100)
    {
        return Err(Fault::bad_request("at most 100 characters to look for"));
    }
    blocking(move || {
        let register = app.home.store.register()?;
        // What concerns the whole endpoint is for those at its top.
        let own = &administrator.0.actor.org;
        let is_top = register
            .directory
            .orgs
            .iter()
            .any(|org| org.code == *own && org.parent.is_none());
        let may_read = |org: Option<&OrgCode>| match org {
            Some(org) => administrator.is_over(&register.tree, org),
            None => is_top,
        };
        let mut rows = app.home.store.audit(&query, &may_read, limit + 1)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        Ok(Json(Audit { rows, more }))
    })
    .await
}
