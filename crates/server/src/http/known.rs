//! The directory as this process knows it without asking the store: for what is asked all the time, and for what has to be decided
//! before a thread is taken for it.
//!
//! Invariant: it lets nobody in. Who is not in it yet, or is out by it, is looked up in the store; who is in by it is looked up before
//! anything is given or taken. It may be older than the store by the second after which another process's changes are noticed.

use std::{collections::HashMap, sync::Arc};

use shicha_domain::{
    DeviceId, PersonId,
    directory::{OrgTree, Person, lines::Lines},
};

use crate::store::Register;

/// The directory, and where in it everybody stands.
pub(crate) struct Known {
    register: Arc<Register>,
    /// Devices, each with the place of its person where that is known, and whether it was revoked.
    devices: HashMap<DeviceId, (Option<usize>, bool)>,
}

/// How a device stands.
pub(crate) enum Standing<'a> {
    /// It is not known here yet.
    Unknown,
    /// It, or its person, takes no part any more.
    Out,
    /// It is this person's.
    In(&'a Person),
}

impl Known {
    pub(crate) fn of(register: Arc<Register>) -> Self {
        let people: HashMap<PersonId, usize> = register
            .directory
            .people
            .iter()
            .enumerate()
            .map(|(at, person)| (person.id, at))
            .collect();
        let devices = &register.directory.devices;
        let lines = Lines::of(devices);
        let devices = devices
            .iter()
            .map(|device| {
                let person = people.get(&device.person).copied();
                let is_out = device.revoked_at_ms.is_some() || lines.is_ended(device.id);
                (device.id, (person, is_out))
            })
            .collect();
        Self { register, devices }
    }

    pub(crate) fn version(&self) -> u64 {
        self.register.directory.version
    }

    pub(crate) fn tree(&self) -> &OrgTree {
        &self.register.tree
    }

    pub(crate) fn standing(&self, device: DeviceId) -> Standing<'_> {
        let Some((person, is_out)) = self.devices.get(&device) else {
            return Standing::Unknown;
        };
        match person.and_then(|at| self.register.directory.people.get(at)) {
            None => Standing::Unknown,
            Some(person) if *is_out || !person.is_active => Standing::Out,
            Some(person) => Standing::In(person),
        }
    }
}
