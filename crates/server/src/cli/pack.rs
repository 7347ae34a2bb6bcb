//! Checking campaign packs, and publishing them.

use std::path::Path;

use serde_json::json;
use shicha_domain::{
    OrgCode,
    directory::{Person, Role},
    pack,
};

use super::{
    directory::find_person,
    say::{Failure, Say},
};
use crate::{
    administration::Hand,
    home::Home,
    publishing::{self, PublishFault},
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
    let hand = Hand::command_line(home, now);
    let done = publishing::publish(&hand, &bytes, org, &person).map_err(|fault| match fault {
        PublishFault::Store(error) => error.into(),
        PublishFault::Version { newest } => Failure::input(
            format!("{id} {newest} 早已发布；请提高版本号"),
            format!("{id} {newest} was published; raise the version"),
        ),
        PublishFault::Above { name, .. } => Failure::input(
            format!("{name} 已发布模板包 {id}，下级不能再发布同一编号的模板包；请换一个编号"),
            format!("{name} publishes {id}; nobody below may publish another of that id"),
        ),
        PublishFault::Refused(code) => Failure::input(
            format!("{} 无权在 {org} 发布（{code}）", person.name),
            format!("{} may not publish at {org} ({code})", person.id),
        ),
        PublishFault::Retired => {
            Failure::input(format!("{} 已停用", person.name), fault.to_string())
        }
        PublishFault::Again => Failure::input("另一个命令正在写入，请重试", fault.to_string()),
        PublishFault::Faults(_) | PublishFault::Evidence(_) => {
            Failure::folder("模板包无法写入", fault.to_string())
        }
    })?;
    say.result(
        &json!({ "id": id, "version": version, "blob": done.blob, "changed": done.is_new }),
        || {
            let verb = if done.is_new {
                "已发布 (published)"
            } else {
                "早已发布 (was published before)"
            };
            vec![format!(
                "{id} {version} {verb}：{org} 及其下级 (to everyone at or below)"
            )]
        },
    );
    Ok(())
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
