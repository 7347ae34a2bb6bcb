//! Checking campaign packs, and publishing them.
//!
//! A pack is published as everything else is done: by an entry of a device, judged like any other. The device is the server's own, one
//! for each person in whose name something was published; its key is derived from the server's.

use std::path::Path;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use shicha_domain::{
    Channel, DeviceId, Entry, Event, Hlc, OrgCode, RecordId, RecordKind,
    directory::{Person, Role},
    pack, receipt,
};
use shicha_sync::protocol::{Row, signing};
use uuid::Uuid;

use super::{
    directory::find_person,
    say::{Failure, Say},
};
use crate::{
    home::Home,
    intake,
    store::{Appended, DeviceState, Enrolment, Holding},
};

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::input(
            format!("无法读取 {}", path.display()),
            format!("{}: {error}", path.display()),
        )
    })
}

fn checked(say: &Say, path: &Path) -> Result<(Vec<u8>, pack::Pack), Failure> {
    let bytes = read(path)?;
    match pack::Pack::parse(&bytes) {
        Ok(pack) => Ok((bytes, pack)),
        Err(faults) => {
            for fault in &faults {
                say.note(&format!(
                    "{}:{}:{}: {} ({})",
                    path.display(),
                    fault.line,
                    fault.column,
                    fault.reason_zh,
                    fault.reason_en
                ));
            }
            let count = faults.len();
            let faults = serde_json::to_value(&faults).unwrap_or_default();
            Err(Failure::input(
                format!("模板包有 {count} 处问题"),
                format!("the pack has {count} faults"),
            )
            .with_faults(faults))
        }
    }
}

pub(super) fn check(say: &Say, path: &Path) -> Result<(), Failure> {
    let (_, pack) = checked(say, path)?;
    let (id, version, items) = (
        pack.id.as_str(),
        pack.version.to_string(),
        pack.items().count(),
    );
    say.result(
        &json!({ "id": id, "version": version, "items": items, "faults": [] }),
        || {
            vec![format!(
                "{}：{id} {version}，检查项 {items} 个，没有问题 (no faults)",
                path.display()
            )]
        },
    );
    Ok(())
}

pub(super) fn publish(
    say: &Say,
    home: &Home,
    now: u64,
    path: &Path,
    org: &OrgCode,
    person: Option<&str>,
) -> Result<(), Failure> {
    let (bytes, pack) = checked(say, path)?;
    let (id, version) = (pack.id.as_str().to_owned(), pack.version.to_string());
    let person = match person {
        Some(who) => find_person(home, who)?,
        None => administrator(home, org)?,
    };
    let blob = shicha_domain::BlobHash(Sha256::digest(&bytes).into());
    let channel = Channel::Pub(org.clone());
    let is_published = home
        .store
        .blob_uses(blob)?
        .iter()
        .any(|(used, _)| *used == channel);
    if !is_published {
        if version_is_taken(home, &channel, &id, &version)? {
            return Err(Failure::input(
                format!("{id} {version} 早已发布，内容不同；请提高版本号"),
                format!("{id} {version} was published with other contents; raise the version"),
            ));
        }
        home.evidence
            .put(&bytes)
            .map_err(|error| Failure::folder("模板包无法写入", error.to_string()))?;
        home.store.note_blob(blob, bytes.len() as u64, now)?;
        let event = Event::Opened {
            kind: RecordKind::Pack,
            fields: [
                ("id".to_owned(), json!(id)),
                ("version".to_owned(), json!(version)),
                ("blob".to_owned(), json!(blob)),
                ("size".to_owned(), json!(bytes.len())),
                ("title".to_owned(), json!(pack.title)),
            ]
            .into(),
        };
        let held = write_entry(home, now, &person, channel, &event)?;
        if let Some((_, code)) = held.refused.first() {
            return Err(Failure::input(
                format!("{} 无权在 {org} 发布（{code}）", person.name),
                format!("{} may not publish at {org} ({code})", person.id),
            ));
        }
    }
    say.result(
        &json!({ "id": id, "version": version, "blob": blob, "changed": !is_published }),
        || {
            let verb = if is_published {
                "早已发布 (was published before)"
            } else {
                "已发布 (published)"
            };
            vec![format!(
                "{id} {version} {verb}：{org} 及其下级 (to everyone at or below)"
            )]
        },
    );
    Ok(())
}

/// Whether the channel has another pack of this version: records name the version that they were filled with.
fn version_is_taken(
    home: &Home,
    channel: &Channel,
    id: &str,
    version: &str,
) -> Result<bool, Failure> {
    for state in home.store.devices()? {
        let mut from = 1;
        loop {
            let page = home.store.entries_of(state.device.id, from, 1_000)?;
            let Some(last) = page.last() else { break };
            from = last.entry.seq + 1;
            let is_same = page
                .iter()
                .filter(|held| held.verdict.is_ok() && held.entry.channel == *channel)
                .filter_map(|held| Event::parse(&held.entry.event).ok())
                .any(|event| match event {
                    Event::Opened {
                        kind: RecordKind::Pack,
                        fields,
                    } => {
                        fields.get("id") == Some(&json!(id))
                            && fields.get("version") == Some(&json!(version))
                    }
                    _ => false,
                });
            if is_same {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn administrator(home: &Home, org: &OrgCode) -> Result<Person, Failure> {
    let register = home.store.register()?;
    let found = register.directory.people.iter().find(|person| {
        person.org == *org && person.role == Role::Administrator && person.is_active
    });
    found.cloned().ok_or_else(|| {
        Failure::input(
            format!("{org} 没有管理员，请先 person add --role administrator"),
            format!("{org} has no administrator; add one first"),
        )
    })
}

/// Writes an entry in a person's name with the server's own device.
fn write_entry(
    home: &Home,
    now: u64,
    person: &Person,
    channel: Channel,
    event: &Event,
) -> Result<Holding, Failure> {
    let state = console(home, person, now)?;
    let device = state.device.id;
    let last = home
        .store
        .receipts_of(device)?
        .pop()
        .map(|(receipt, _)| receipt.id());
    let entry = Entry {
        device,
        seq: state.head.seq + 1,
        prev: state.head.id,
        after: last,
        at: Hlc::from_ms(now),
        author: person.id,
        channel,
        record: RecordId(Uuid::now_v7()),
        event: event
            .to_bytes()
            .map_err(|fault| Failure::input("模板包的说明不合规定", fault.to_string()))?,
    };
    let id = entry.id();
    let signature = signing::sign(
        &home.signer.console_key(device),
        &receipt::push_bytes(device, entry.seq, id),
    );
    let candidates = intake::candidates(vec![Row {
        number: 0,
        covered: None,
        id,
        entry,
    }])
    .map_err(|fault| Failure::folder("写入失败", fault.to_string()))?;
    let actor = intake::actor_of(&state);
    let register = home.store.register()?;
    let appended = home.store.append(
        device,
        &candidates,
        &signature,
        &|candidate, placed| intake::judge(&actor, &register.tree, candidate, placed),
        &|device, seq, head| home.signer.receipt(device, seq, head, now),
    )?;
    match appended {
        Appended::Held(held) => Ok(held),
        // Two of these commands at once; the other was first.
        Appended::Fork { .. } | Appended::Gap { .. } => Err(Failure::input(
            "另一个命令正在写入，请重试",
            "another command is writing; try again",
        )),
    }
}

/// The server's own device of a person; made at its first use.
fn console(home: &Home, person: &Person, now_ms: u64) -> Result<DeviceState, Failure> {
    // The identity is derived from the person's, so that it is found again; and from the epoch, because after a restoration from a
    // backup the same device would write other entries over those that were given out already.
    let name = [
        b"shicha-console-device\0".as_slice(),
        person.id.0.as_bytes(),
        home.info.epoch.as_bytes(),
    ]
    .concat();
    let digest = Sha256::digest(name);
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    let device = DeviceId(uuid::Builder::from_custom_bytes(id).into_uuid());
    if let Some(state) = home.store.device(device)? {
        return Ok(state);
    }
    let code: [u8; 32] = rand::random();
    home.store
        .add_code(&code, person.id, now_ms, now_ms + 60_000)?;
    let enrolment = Enrolment {
        code,
        device,
        public_key: home.signer.console_key(device).verifying_key().to_bytes(),
        label: "中心端控制台".to_owned(),
        now_ms,
    };
    let enrolled = home.store.enrol(&enrolment, &|device, seq, head| {
        home.signer.receipt(device, seq, head, now_ms)
    })?;
    enrolled
        .map(|(state, _)| state)
        .ok_or_else(|| Failure::input(format!("{} 已停用", person.name), "this person is retired"))
}
