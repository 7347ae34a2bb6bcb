//! The other laptop: whose it is, and what that person may read.
//!
//! Rights come from the directory, never from what the other says of itself. Where the directory does not have the device, because it is
//! old or does not go that far, its person's rights count, if the directory has the person; where it has neither, a colleague of the same
//! bureau counts as its inspector, and everybody else reads nothing. Both people have compared the digits before any of this matters.

use serde::{Deserialize, Serialize};
use shicha_domain::{
    Channel, DeviceId, OrgCode, PersonId,
    authority::{self, Actor},
    directory::{Directory, OrgTree, Role},
    suite::PublicKey,
};
use shicha_ledger::Identity;

use super::{
    fault::{NearbyFault, Reason},
    greeting::{Hello, Side},
};

/// The other laptop, as both sides' screens name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// The device.
    pub device: DeviceId,
    /// Its key.
    pub public_key: PublicKey,
    /// What it is called.
    pub label: String,
    /// Whose it is.
    pub person: PersonId,
    /// Their name: the directory's where it has them, otherwise their own word.
    pub person_name: String,
    /// Where they belong.
    pub org: OrgCode,
    /// As what they act.
    pub role: Role,
    /// Whether the directory has this device with this key.
    pub is_known: bool,
}

/// Whom one exchanges with, and what they may read.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    actor: Option<Actor>,
    tree: OrgTree,
}

impl Reader {
    /// As whom the other acts, where that is known.
    pub(super) fn actor(&self) -> Option<Actor> {
        self.actor.clone()
    }

    /// Whether the other may read a channel.
    pub(super) fn may_read(&self, channel: &Channel) -> bool {
        self.actor
            .as_ref()
            .is_some_and(|actor| authority::may_read(actor, channel, &self.tree))
    }
}

/// Judges what the other says of itself.
pub(super) fn judge(
    hello: &Hello,
    me: &Identity,
    directory: &Directory,
    side: Side,
    hash: &[u8; 32],
) -> Result<(Peer, Reader), NearbyFault> {
    let device = directory.devices.iter().find(|one| one.id == hello.device);
    hello.check(me, device, side, hash)?;
    let person = directory.people.iter().find(|one| one.id == hello.person);
    if person.is_some_and(|person| !person.is_active) {
        return Err(NearbyFault::here(
            Reason::Revoked,
            "its person does not act any more",
        ));
    }
    let (name, org, role) = match person {
        Some(person) => (&person.name, &person.org, person.role),
        None => (&hello.person_name, &hello.org, hello.role),
    };
    let is_colleague =
        hello.org == me.org && hello.role != Role::Institution && me.role != Role::Institution;
    let actor = match person {
        Some(person) => Some(Actor {
            person: person.id,
            org: person.org.clone(),
            role: person.role,
        }),
        None if is_colleague => Some(Actor {
            person: hello.person,
            org: hello.org.clone(),
            role: Role::Inspector,
        }),
        None => None,
    };
    let peer = Peer {
        device: hello.device,
        public_key: hello.public_key,
        label: device.map_or(&hello.label, |device| &device.label).clone(),
        person: hello.person,
        person_name: name.clone(),
        org: org.clone(),
        role,
        is_known: device.is_some(),
    };
    let tree = OrgTree::of(directory);
    Ok((peer, Reader { actor, tree }))
}
