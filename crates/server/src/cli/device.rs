//! Enrolment codes and devices.

use serde_json::json;
use shicha_domain::DeviceId;
use shicha_sync::protocol::EnrolCode;

use super::{
    directory::{find_person, role_zh},
    say::{Failure, Say, moment},
};
use crate::home::Home;

const DAY_MS: u64 = 86_400_000;

pub(super) fn new_code(
    say: &Say,
    home: &Home,
    now: u64,
    who: &str,
    days: u32,
) -> Result<(), Failure> {
    let person = find_person(home, who)?;
    if !person.is_active {
        return Err(Failure::input(
            format!("{} 已停用", person.name),
            "this person is retired",
        ));
    }
    let code = EnrolCode::new(rand::random(), &home.signer.public_key());
    let expires_at_ms = now + u64::from(days) * DAY_MS;
    home.store.add_code(
        &home.signer.code_hash(&code.canonical()),
        person.id,
        now,
        expires_at_ms,
    )?;
    let fingerprint = home.signer.fingerprint();
    let value = json!({
        "code": code.to_string(),
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
                "revoked_at_ms": state.device.revoked_at_ms,
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

pub(super) fn revoke(say: &Say, home: &Home, now: u64, device: DeviceId) -> Result<(), Failure> {
    let is_changed = home.store.revoke(device, now)?;
    say.result(&json!({ "device": device, "changed": is_changed }), || {
        vec![if is_changed {
            format!("设备 {device} 已吊销，下次连接即被拒绝；它已送达的记录保留 (revoked; what it delivered is kept)")
        } else {
            format!("设备 {device} 早已吊销 (was revoked before)")
        }]
    });
    Ok(())
}
