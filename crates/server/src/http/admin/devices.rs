//! Devices: what is known of them, revocation with its orders, and the code that opens a locked one.

use axum::{Json, extract::State};
use shicha_domain::{
    DeviceId,
    directory::{OrgTree, lines::Lines},
};
use shicha_sync::protocol::{
    ProblemCode,
    admin::{Changed, DeviceReport, Devices, Revoke, Unlock, UnlockCode},
};

use super::{Administrator, conflict, own, tell};
use crate::{
    http::{
        App, Shared,
        bodies::Sent,
        fault::{Fault, blocking, message},
    },
    store::DeviceState,
};

/// The devices of these people.
#[utoipa::path(
    get, path = "/v1/admin/devices", tag = "administration",
    responses((status = 200, description = "the devices", body = Devices))
)]
pub(super) async fn list(
    State(app): State<Shared>,
    administrator: Administrator,
) -> Result<Json<Devices>, Fault> {
    blocking(move || {
        let register = app.home.store.register()?;
        let lines = Lines::of(&register.directory.devices);
        let devices = app
            .home
            .store
            .devices()?
            .into_iter()
            .filter(|state| administrator.is_over(&register.tree, &state.person.org))
            .map(|state| report(&lines, state))
            .collect();
        Ok(Json(Devices { devices }))
    })
    .await
}

fn report(lines: &Lines, state: DeviceState) -> DeviceReport {
    DeviceReport {
        device: state.device.id,
        person: state.device.person,
        label: state.device.label,
        entries: state.head.seq,
        enrolled_at_ms: state.enrolled_at_ms,
        last_contact_ms: state.last_contact_ms,
        client_version: state.client_version,
        revoked_at_ms: state.device.revoked_at_ms,
        is_ended: state.is_ended,
        is_copied: lines.is_copied(state.device.id),
        order: state.order.map(|order| order.act),
        order_at_ms: state.order.map(|order| order.at_ms),
        order_done_at_ms: state.order.and_then(|order| order.done_at_ms),
    }
}

fn known(
    app: &App,
    administrator: &Administrator,
    tree: &OrgTree,
    device: DeviceId,
) -> Result<DeviceState, Fault> {
    let state = app.home.store.device(device)?;
    state
        .filter(|state| administrator.is_over(tree, &state.person.org))
        .ok_or_else(|| Fault::new(ProblemCode::NotFound, "no such device"))
}

/// Revokes a device, and orders what it is to do besides.
#[utoipa::path(
    post, path = "/v1/admin/devices/revoke", tag = "administration",
    request_body = Revoke,
    responses((status = 200, description = "whether anything changed", body = Changed))
)]
pub(super) async fn revoke(
    State(app): State<Shared>,
    administrator: Administrator,
    body: Sent,
) -> Result<Json<Changed>, Fault> {
    let request: Revoke = message(&body)?;
    blocking(move || {
        let register = app.home.store.register()?;
        let state = known(&app, &administrator, &register.tree, request.device)?;
        if state.device.id == administrator.0.state.device.id {
            return Err(own());
        }
        let changed = administrator.hand(&app).revoke(&state, request.order)?;
        if changed {
            tracing::warn!(device = %state.device.id, order = ?request.order, "a device was revoked");
        }
        tell(&app, changed);
        Ok(Json(Changed { changed }))
    })
    .await
}

/// The code that opens a locked device.
#[utoipa::path(
    post, path = "/v1/admin/devices/unlock", tag = "administration",
    request_body = Unlock,
    responses((status = 200, description = "the code", body = UnlockCode))
)]
pub(super) async fn unlock(
    State(app): State<Shared>,
    administrator: Administrator,
    body: Sent,
) -> Result<Json<UnlockCode>, Fault> {
    let request: Unlock = message(&body)?;
    blocking(move || {
        let register = app.home.store.register()?;
        let state = known(&app, &administrator, &register.tree, request.device)?;
        let secret = administrator.hand(&app).show_unlock(&state)?;
        let secret = secret
            .ok_or_else(|| conflict("not_locked", "this device was not ordered to lock itself"))?;
        Ok(Json(UnlockCode {
            code: secret.to_string(),
        }))
    })
    .await
}
