//! Organisations and people from one file, so that a city with its areas is there with one command.
//!
//! The file is `{ "orgs": [ {code, name, short_name, parent, kind, region} … ], "people": [ {name, org, role, certificate} … ] }`,
//! in any order; either list may be missing. It can be imported again after changes.

use std::path::Path;

use serde::Deserialize;
use serde_json::json;
use shicha_domain::{
    OrgCode,
    directory::{Org, Role},
};

use super::{
    directory::put_person,
    say::{Failure, Say},
};
use crate::{administration::Hand, store::StoreError};

/// The most bytes of such a file.
const MAX_BYTES: u64 = 16 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    orgs: Vec<Org>,
    #[serde(default)]
    people: Vec<NewPerson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPerson {
    name: String,
    org: OrgCode,
    role: Role,
    #[serde(default)]
    certificate: Option<String>,
}

pub(super) fn import(say: &Say, hand: &Hand<'_>, path: &Path) -> Result<(), Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::input(
            format!("无法读取 {}", path.display()),
            format!("{}: {error}", path.display()),
        )
    };
    if std::fs::metadata(path)
        .map_err(|error| unreadable(&error))?
        .len()
        > MAX_BYTES
    {
        return Err(unreadable(&"larger than 16 MiB"));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(&error))?;
    let file: File = serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))?;

    let mut changed = 0;
    let count = file.orgs.len();
    let mut waiting = file.orgs;
    // Those whose bureau is not there yet wait for the next round; a round in which nobody can be added is the last.
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut still = Vec::new();
        for org in waiting {
            match hand.put_org(&org) {
                Ok(is_new) => changed += usize::from(is_new),
                Err(StoreError::Missing(_)) => still.push(org),
                Err(error) => return Err(error.into()),
            }
        }
        if still.len() == before {
            let names: Vec<&str> = still.iter().map(|org| org.code.as_str()).collect();
            return Err(Failure::input(
                format!("这些组织的上级不存在：{}", names.join("、")),
                format!(
                    "the organisations above these do not exist: {}",
                    names.join(", ")
                ),
            ));
        }
        waiting = still;
    }
    let mut people = Vec::new();
    for one in file.people {
        let (person, is_new) = put_person(hand, one.name, one.org, one.role, one.certificate)?;
        changed += usize::from(is_new);
        people.push(person);
    }
    say.result(&json!({ "orgs": count, "people": people, "changed": changed }), || {
        vec![format!(
            "组织 {count} 个、人员 {} 名，其中新增或修改 {changed} ({count} organisations, {} people; {changed} new or changed)",
            people.len(),
            people.len()
        )]
    });
    Ok(())
}
