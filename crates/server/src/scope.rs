//! Which part of the directory a person gets to know.
//!
//! A bureau's people see their own organisation, all below it, and those above it by name: whoever may have written what they read.
//! Organisations that lay below it once, or above it, stay known by name: records of that time go on.
//! An institution sees itself and the bureaus above it; of their people, who acts in which role, but no devices.

use std::collections::HashSet;

use shicha_domain::{
    OrgCode, PersonId,
    authority::Actor,
    directory::{Directory, Role},
};

use crate::store::Register;

/// The directory as `actor` may see it.
pub(crate) fn visible(register: &Register, actor: &Actor) -> Directory {
    let Register { directory, tree } = register;
    let is_bureau = actor.role != Role::Institution;
    let is_above = |org| tree.is_at_or_below(&actor.org, org);
    let is_below = |org| is_bureau && tree.is_at_or_below(org, &actor.org);
    // Whoever may read a channel that goes on after a move knows of both its sides.
    let lay = |org, above: &OrgCode| {
        let mut ever = tree.ever_above(org).into_iter();
        ever.any(|(code, _)| code == above)
    };
    let had_parted = |org| {
        !directory.former.is_empty()
            && (lay(&actor.org, org) || (is_bureau && lay(org, &actor.org)))
    };
    let people: Vec<_> = directory
        .people
        .iter()
        .filter(|person| is_above(&person.org) || is_below(&person.org))
        .cloned()
        .collect();
    let with_devices: HashSet<PersonId> = people
        .iter()
        .filter(|person| is_bureau || person.org == actor.org)
        .map(|person| person.id)
        .collect();
    let devices = directory
        .devices
        .iter()
        .filter(|device| with_devices.contains(&device.person))
        .cloned()
        .collect();
    let orgs: Vec<_> = directory
        .orgs
        .iter()
        .filter(|org| is_above(&org.code) || is_below(&org.code) || had_parted(&org.code))
        .cloned()
        .collect();
    let known: HashSet<&OrgCode> = orgs.iter().map(|org| &org.code).collect();
    let former = directory
        .former
        .iter()
        .filter(|former| known.contains(&former.org))
        .cloned()
        .collect();
    Directory {
        version: directory.version,
        server_name: directory.server_name.clone(),
        is_sample: directory.is_sample,
        people,
        devices,
        former,
        orgs,
    }
}
