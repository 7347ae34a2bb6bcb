//! Enrolment codes and devices.

use serde_json::json;
use shicha_domain::DeviceId;
use shicha_sync::protocol::{admin::MadeCode, order::OrderAct};

use super::{
    directory::{find_person, role_zh},
    say::{Failure, Say, moment},
};
use crate::{
    administration::Hand,
    home::Home,
    store::{DeviceState, StoreError, administration::CodeId},
};

pub(super) fn new_code(
    say: &Say,
    home: &Home,
    now: u64,
    who: &str,
    days: u32,
) -> Result<(), Failure> {
    let person = find_person(home, who)?;
    let made = Hand::command_line(home, now).make_code(&person, days)?;
    let MadeCode {
        id,
        code,
        expires_at_ms,
        fingerprint,
    } = made.ok_or_else(|| {
        Failure::input(format!("{} 已停用", person.name), "this person is retired")
    })?;
    let value = json!({
        "id": id,
        "code": code,
        "person": person.id,
        "expires_at_ms": expires_at_ms,
        "fingerprint": fingerprint,
    });
    say.result(&value, || {
        vec![
            format!("给 {} （{}，{}）的一次性登记码 (one-time enrolment code):", person.name, person.org, role_zh(person.role)),
            format!("    {code}"),
            format!("有效至 (valid until): {}", moment(expires_at_ms)),
            format!("服务器指纹，注册时核对 (fingerprint of the server, to be compared when enrolling):\n    {fingerprint}"),
            "登记码只显示这一次 (the code is shown only now)".to_owned(),
        ]
    });
    Ok(())
}

pub(super) fn list(say: &Say, home: &Home) -> Result<(), Failure> {
    let devices = home.store.devices()?;
    let values: Vec<_> = devices
        .iter()
        .map(|state| {
            json!({
                "device": state.device.id,
                "person": state.person.id,
                "person_name": state.person.name,
                "org": state.person.org,
                "label": state.device.label,
                "entries": state.head.seq,
                "last_contact_ms": state.last_contact_ms,
                "client_version": state.client_version,
                "revoked_at_ms": state.device.revoked_at_ms,
                "order": state.order.map(|order| order.act),
                "order_done_at_ms": state.order.and_then(|order| order.done_at_ms),
            })
        })
        .collect();
    say.result(&json!({ "devices": values }), || {
        devices
            .iter()
            .map(|state| {
                let contact = state
                    .last_contact_ms
                    .map_or_else(|| "从未 (never)".to_owned(), moment);
                let revoked = state.device.revoked_at_ms.map_or_else(String::new, |at| {
                    format!("\t已吊销 (revoked) {}", moment(at))
                });
                format!(
                    "{}\t{}\t{}\t{}\t条目 (entries) {}\t最近联系 (last contact) {contact}{revoked}",
                    state.device.id,
                    state.person.name,
                    state.person.org,
                    state.device.label,
                    state.head.seq
                )
            })
            .chain([format!("共 {} 台 (in all)", devices.len())])
            .collect()
    });
    Ok(())
}

pub(super) fn revoke(
    say: &Say,
    home: &Home,
    now: u64,
    device: DeviceId,
    order: Option<OrderAct>,
) -> Result<(), Failure> {
    let state = known(home, device)?;
    let is_changed = Hand::command_line(home, now).revoke(&state, order)?;
    say.result(&json!({ "device": device, "changed": is_changed }), || {
        let then = match order {
            None => "它上面的记录保留在它上面 (what is on it stays on it)",
            Some(OrderAct::Lock) => "下次连接时锁定 (locks itself at its next contact)",
            Some(OrderAct::Wipe) => "下次连接时清除 (wipes itself at its next contact)",
        };
        vec![if is_changed {
            format!("设备 {device} 已停用，不再能同步；{then}；已送达的记录保留 (revoked; what it delivered is kept)")
        } else {
            format!("设备 {device} 早已如此 (was so before)")
        }]
    });
    Ok(())
}

pub(super) fn unlock(say: &Say, home: &Home, now: u64, device: DeviceId) -> Result<(), Failure> {
    let state = known(home, device)?;
    let secret = Hand::command_line(home, now)
        .show_unlock(&state)?
        .ok_or_else(|| {
            Failure::input(
                format!("没有要求设备 {device} 锁定"),
                "this device was not ordered to lock itself",
            )
        })?;
    say.result(
        &json!({ "device": device, "code": secret.to_string() }),
        || vec![format!("解锁码 (unlock code):\n    {secret}")],
    );
    Ok(())
}

fn known(home: &Home, device: DeviceId) -> Result<DeviceState, StoreError> {
    home.store
        .device(device)?
        .ok_or(StoreError::Missing("device"))
}

pub(super) fn list_codes(say: &Say, home: &Home, now: u64) -> Result<(), Failure> {
    let codes = home.store.open_codes(now)?;
    let register = home.store.register()?;
    let name = |person| {
        let people = &register.directory.people;
        let known = people.iter().find(|known| known.id == person);
        known.map_or_else(String::new, |known| known.name.clone())
    };
    let values: Vec<_> = codes
        .iter()
        .map(|code| {
            json!({
                "id": code.id.to_string(),
                "person": code.person,
                "person_name": name(code.person),
                "created_at_ms": code.created_at_ms,
                "expires_at_ms": code.expires_at_ms,
            })
        })
        .collect();
    say.result(&json!({ "codes": values }), || {
        codes
            .iter()
            .map(|code| {
                let until = moment(code.expires_at_ms);
                format!(
                    "{}\t{}\t有效至 (valid until) {until}",
                    code.id,
                    name(code.person)
                )
            })
            .chain([format!("共 {} 个未使用 (unused)", codes.len())])
            .collect()
    });
    Ok(())
}

pub(super) fn withdraw_code(say: &Say, home: &Home, now: u64, id: CodeId) -> Result<(), Failure> {
    let codes = home.store.open_codes(now)?;
    let open = codes
        .iter()
        .find(|code| code.id == id)
        .ok_or_else(|| Failure::input(format!("没有未使用的登记码 {id}"), "no such open code"))?;
    let register = home.store.register()?;
    let people = &register.directory.people;
    let person = people
        .iter()
        .find(|known| known.id == open.person)
        .ok_or(StoreError::Missing("person"))?;
    let is_changed = Hand::command_line(home, now).withdraw_code(id, person)?;
    say.result(
        &json!({ "id": id.to_string(), "changed": is_changed }),
        || vec![format!("登记码 {id} 已撤回 (withdrawn)")],
    );
    Ok(())
}
