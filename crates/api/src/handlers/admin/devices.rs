//! Devices, and what is done to a lost one.

use shicha_sync::protocol::order::OrderAct;

use super::{Office, admin_error};
use crate::{app::App, error::ApiError, names::tail, schema::*};

pub(crate) async fn admin_devices(app: &App, _: Empty) -> Result<AdminDevices, ApiError> {
    let office = Office::of(app)?;
    let asked = office.engine.admin_devices(&office.desk.ledger).await;
    let (list, known) = office.known("devices", asked).await?;
    let names = &office.desk.names;
    let rows = list.devices.into_iter().map(|one| {
        let person = names.find_person(one.person);
        AdminDeviceRow {
            short: tail(one.device.0),
            label: one.label,
            person: one.person,
            person_name: names.person(one.person),
            is_person_active: person.is_none_or(|person| person.is_active),
            org_name: person.map_or_else(String::new, |person| names.org(&person.org)),
            entries: one.entries,
            enrolled_at_ms: one.enrolled_at_ms,
            last_contact_ms: one.last_contact_ms,
            client_version: one.client_version,
            revoked_at_ms: one.revoked_at_ms,
            is_ended: one.is_ended,
            is_copied: one.is_copied,
            order: one.order.map(|act| act.as_str().to_owned()),
            order_at_ms: one.order_at_ms,
            order_done_at_ms: one.order_done_at_ms,
            is_this: one.device == office.desk.me.device,
            device: one.device,
        }
    });
    Ok(AdminDevices {
        known,
        rows: rows.collect(),
    })
}

pub(crate) async fn admin_device_revoke(
    app: &App,
    request: AdminRevoke,
) -> Result<Empty, ApiError> {
    let office = Office::of(app)?;
    let order = match request.order.as_deref() {
        None => None,
        Some("lock") => Some(OrderAct::Lock),
        Some("wipe") => Some(OrderAct::Wipe),
        Some(_) => return Err(ApiError::bad_request("no such order")),
    };
    let (engine, ledger) = (&office.engine, &office.desk.ledger);
    engine
        .admin_revoke(ledger, request.device, order)
        .await
        .map_err(admin_error)?;
    office.changed();
    Ok(Empty {})
}

pub(crate) async fn admin_device_unlock(
    app: &App,
    request: AdminDeviceRef,
) -> Result<AdminUnlockCode, ApiError> {
    let office = Office::of(app)?;
    let (engine, ledger) = (&office.engine, &office.desk.ledger);
    let shown = engine
        .admin_unlock_code(ledger, request.device)
        .await
        .map_err(admin_error)?;
    Ok(AdminUnlockCode { code: shown.code })
}
