//! The directory, indexed: names of people, organisations and devices.

use std::{collections::HashMap, sync::Arc};

use shicha_domain::{
    DeviceId, OrgCode, PersonId,
    directory::{Device, Directory, Org, OrgTree, Person},
};

/// The directory, indexed.
pub(crate) struct Names {
    directory: Arc<Directory>,
    tree: OrgTree,
    people: HashMap<PersonId, usize>,
    orgs: HashMap<OrgCode, usize>,
    devices: HashMap<DeviceId, usize>,
}

impl Names {
    pub(crate) fn new(directory: Arc<Directory>) -> Self {
        Self {
            tree: OrgTree::of(&directory),
            people: directory
                .people
                .iter()
                .enumerate()
                .map(|(at, one)| (one.id, at))
                .collect(),
            orgs: directory
                .orgs
                .iter()
                .enumerate()
                .map(|(at, one)| (one.code.clone(), at))
                .collect(),
            devices: directory
                .devices
                .iter()
                .enumerate()
                .map(|(at, one)| (one.id, at))
                .collect(),
            directory,
        }
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) fn tree(&self) -> &OrgTree {
        &self.tree
    }

    pub(crate) fn find_person(&self, person: PersonId) -> Option<&Person> {
        self.directory.people.get(*self.people.get(&person)?)
    }

    pub(crate) fn find_device(&self, device: DeviceId) -> Option<&Device> {
        self.directory.devices.get(*self.devices.get(&device)?)
    }

    pub(crate) fn find_org(&self, org: &OrgCode) -> Option<&Org> {
        self.directory.orgs.get(*self.orgs.get(org)?)
    }

    /// A person's name; the end of their identifier where the directory does not have them.
    pub(crate) fn person(&self, person: PersonId) -> String {
        self.find_person(person)
            .map_or_else(|| tail(person.0), |one| one.name.clone())
    }

    /// An organisation's name; its code where the directory does not have it.
    pub(crate) fn org(&self, org: &OrgCode) -> String {
        self.find_org(org)
            .map_or_else(|| org.to_string(), |one| one.name.clone())
    }

    /// Whose a device is.
    pub(crate) fn owner(&self, device: DeviceId) -> Option<&Person> {
        self.find_person(self.find_device(device)?.person)
    }

    /// What a device is called; the end of its identifier where the directory does not have it.
    pub(crate) fn device(&self, device: DeviceId) -> String {
        match self.find_device(device) {
            Some(one) if !one.label.is_empty() => one.label.clone(),
            _ => tail(device.0),
        }
    }
}

/// The last digits of a version 7 UUID are the random ones; the first are the time.
pub(crate) fn tail(id: uuid::Uuid) -> String {
    let digits = id.simple().to_string();
    digits[digits.len() - 8..].to_uppercase()
}
