//! Organisations and people.

use serde_json::json;
use shicha_domain::{
    OrgCode, PersonId,
    directory::{Org, Person, Role},
};
use uuid::Uuid;

use super::say::{Failure, Say};
use crate::{administration::Hand, home::Home};

const ROLES: [(Role, &str); 4] = [
    (Role::Inspector, "执法人员"),
    (Role::Supervisor, "监管负责人"),
    (Role::Institution, "机构/企业"),
    (Role::Administrator, "管理员"),
];

pub(super) fn add_org(say: &Say, home: &Home, now: u64, org: &Org) -> Result<(), Failure> {
    let is_new = Hand::command_line(home, now).put_org(org)?;
    say.result(&json!({ "org": org, "changed": is_new }), || {
        let verb = if is_new {
            "已写入 (written)"
        } else {
            "没有变化 (unchanged)"
        };
        vec![format!("组织 {} {} {verb}", org.code, org.name)]
    });
    Ok(())
}

pub(super) fn list_orgs(say: &Say, home: &Home) -> Result<(), Failure> {
    let register = home.store.register()?;
    let orgs = &register.directory.orgs;
    say.result(&json!({ "orgs": orgs }), || {
        orgs.iter()
            .map(|org| {
                let parent = org.parent.as_ref().map_or("-", OrgCode::as_str);
                format!(
                    "{}\t{}\t{}\t上级 (above): {parent}",
                    org.code, org.name, org.short_name
                )
            })
            .chain([format!("共 {} 个 (in all)", orgs.len())])
            .collect()
    });
    Ok(())
}

/// Adds a person, or finds the one who is there already.
pub(super) fn put_person(
    hand: &Hand<'_>,
    name: String,
    org: OrgCode,
    role: Role,
    certificate: Option<String>,
) -> Result<(Person, bool), Failure> {
    let register = hand.home.store.register()?;
    let known = register
        .directory
        .people
        .iter()
        .find(|p| p.name == name && p.org == org && p.role == role);
    let person = match known {
        Some(known) => Person {
            certificate: certificate.or(known.certificate.clone()),
            is_active: true,
            ..known.clone()
        },
        None => Person {
            id: PersonId(Uuid::now_v7()),
            name,
            org,
            role,
            certificate,
            is_active: true,
        },
    };
    let is_changed = hand.put_person(&person)?;
    Ok((person, is_changed))
}

pub(super) fn add_person(
    say: &Say,
    hand: &Hand<'_>,
    name: String,
    org: OrgCode,
    role: Role,
    certificate: Option<String>,
) -> Result<(), Failure> {
    let (person, is_changed) = put_person(hand, name, org, role, certificate)?;
    say.result(&json!({ "person": person, "changed": is_changed }), || {
        let verb = if is_changed {
            "已写入 (written)"
        } else {
            "没有变化 (unchanged)"
        };
        vec![format!(
            "人员 {} {verb}\n编号 (identifier): {}",
            person.name, person.id
        )]
    });
    Ok(())
}

pub(super) fn retire_person(say: &Say, home: &Home, now: u64, who: &str) -> Result<(), Failure> {
    let person = Person {
        is_active: false,
        ..find_person(home, who)?
    };
    let is_changed = Hand::command_line(home, now).put_person(&person)?;
    say.result(&json!({ "person": person, "changed": is_changed }), || {
        vec![format!(
            "{} 已停用，其设备不再能同步 ({}: retired, their devices are out)",
            person.name, person.id
        )]
    });
    Ok(())
}

pub(super) fn list_people(say: &Say, home: &Home) -> Result<(), Failure> {
    let register = home.store.register()?;
    let people = &register.directory.people;
    say.result(&json!({ "people": people }), || {
        people
            .iter()
            .map(|person| {
                let role = role_zh(person.role);
                let state = if person.is_active {
                    ""
                } else {
                    "\t已停用 (retired)"
                };
                let certificate = person.certificate.as_deref().unwrap_or("-");
                format!(
                    "{}\t{}\t{}\t{role}\t{certificate}{state}",
                    person.id, person.name, person.org
                )
            })
            .chain([format!("共 {} 人 (in all)", people.len())])
            .collect()
    });
    Ok(())
}

pub(super) fn role_zh(role: Role) -> &'static str {
    ROLES
        .iter()
        .find(|(known, _)| *known == role)
        .map_or("", |(_, zh)| zh)
}

/// Finds a person by identifier or by a name that only one has.
pub(super) fn find_person(home: &Home, who: &str) -> Result<Person, Failure> {
    let register = home.store.register()?;
    let people = &register.directory.people;
    let found: Vec<&Person> = match who.parse::<PersonId>() {
        Ok(id) => people.iter().filter(|person| person.id == id).collect(),
        Err(_) => people.iter().filter(|person| person.name == who).collect(),
    };
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(Failure::input(
            format!("没有人员 {who}"),
            format!("there is nobody called {who}"),
        )),
        several => Err(Failure::input(
            format!("有 {} 人叫 {who}，请用编号", several.len()),
            format!(
                "{} people are called {who}; use the identifier",
                several.len()
            ),
        )),
    }
}
