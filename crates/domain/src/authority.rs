//! Who may read and write what. The server asks this for every entry and never trusts the client for it.

use crate::{
    channel::Channel,
    directory::{OrgTree, Role},
    event::{Event, RecordKind},
    ids::{OrgCode, PersonId},
};

/// Somebody who acts, as the directory knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub person: PersonId,
    /// Where they belong.
    pub org: OrgCode,
    /// As what.
    pub role: Role,
}

/// Why an entry is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// This role writes nothing to this channel.
    #[error("the role may not write to this channel")]
    Channel,
    /// The role may write there, but not this.
    #[error("the role may not do this there")]
    Event,
    /// The channel's organisation is not in the directory.
    #[error("no such organisation")]
    NoSuchOrg,
}

/// Whether `actor` may read the channel.
pub fn may_read(actor: &Actor, channel: &Channel, tree: &OrgTree) -> bool {
    let is_bureau = actor.role != Role::Institution;
    match channel {
        Channel::Pub(org) => tree.is_at_or_below(&actor.org, org),
        Channel::Own(org) => is_bureau && tree.is_at_or_below(org, &actor.org),
        Channel::Inst(org, institution) => {
            (is_bureau && tree.is_at_or_below(org, &actor.org))
                || (!is_bureau && actor.org == *institution)
        }
    }
}

/// Whether `actor` may write `event`, about a record of `kind` where that is known, to the channel.
///
/// # Errors
/// The reason why not.
pub fn may_write(
    actor: &Actor,
    channel: &Channel,
    kind: Option<RecordKind>,
    event: &Event,
    tree: &OrgTree,
) -> Result<(), Refusal> {
    if !tree.has(channel.org()) {
        return Err(Refusal::NoSuchOrg);
    }
    let is_home = actor.org == *channel.org();
    let kind = match event {
        Event::Opened { kind, .. } => Some(*kind),
        _ => kind,
    };
    match (channel, actor.role) {
        (Channel::Pub(_), Role::Supervisor | Role::Administrator) if is_home => match kind {
            Some(RecordKind::Pack) | None => Ok(()),
            Some(_) => Err(Refusal::Event),
        },
        (Channel::Own(_) | Channel::Inst(..), Role::Inspector | Role::Supervisor) if is_home => {
            match kind {
                Some(RecordKind::Pack) => Err(Refusal::Event),
                _ => Ok(()),
            }
        }
        (Channel::Inst(org, institution), Role::Institution)
            if actor.org == *institution && tree.is_at_or_below(institution, org) =>
        {
            match event {
                Event::Set { field, .. } if field.starts_with("reply/") => Ok(()),
                Event::Attached { place, .. } if place.starts_with("reply") => Ok(()),
                Event::Unknown { .. } => Ok(()),
                _ => Err(Refusal::Event),
            }
        }
        _ => Err(Refusal::Channel),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::directory::{Org, OrgKind};
    use std::collections::BTreeMap;
    use uuid::Uuid;

    fn tree() -> OrgTree {
        let org = |code: &str, parent: Option<&str>, kind| Org {
            code: code.parse().unwrap(),
            name: code.into(),
            short_name: code.into(),
            parent: parent.map(|p| p.parse().unwrap()),
            kind,
            region: None,
        };
        OrgTree::new(&[
            org("city", None, OrgKind::City),
            org("east", Some("city"), OrgKind::County),
            org("west", Some("city"), OrgKind::County),
            org("school", Some("east"), OrgKind::Institution),
        ])
    }

    fn actor(org: &str, role: Role) -> Actor {
        Actor {
            person: PersonId(Uuid::nil()),
            org: org.parse().unwrap(),
            role,
        }
    }

    fn opened(kind: RecordKind) -> Event {
        Event::Opened {
            kind,
            fields: BTreeMap::new(),
        }
    }

    #[test]
    fn a_county_never_reads_its_neighbour_and_the_city_reads_both() {
        let own = "own/west".parse().unwrap();
        assert!(!may_read(&actor("east", Role::Supervisor), &own, &tree()));
        assert!(may_read(&actor("west", Role::Inspector), &own, &tree()));
        assert!(may_read(&actor("city", Role::Supervisor), &own, &tree()));
        assert!(!may_read(
            &actor("school", Role::Institution),
            &own,
            &tree()
        ));
    }

    #[test]
    fn an_institution_reads_and_answers_only_what_is_addressed_to_it() {
        let school = actor("school", Role::Institution);
        let mine = "inst/east/school".parse().unwrap();
        let other = "inst/east/other".parse().unwrap();
        assert!(may_read(&school, &mine, &tree()));
        assert!(!may_read(&school, &other, &tree()));
        let reply = Event::Set {
            field: "reply/text".into(),
            value: "已整改".into(),
            replaces: vec![],
        };
        assert_eq!(
            may_write(&school, &mine, Some(RecordKind::Finding), &reply, &tree()),
            Ok(())
        );
        let state = Event::Set {
            field: "state".into(),
            value: "verified".into(),
            replaces: vec![],
        };
        assert_eq!(
            may_write(&school, &mine, Some(RecordKind::Finding), &state, &tree()),
            Err(Refusal::Event)
        );
        assert_eq!(
            may_write(&school, &other, None, &reply, &tree()),
            Err(Refusal::Channel)
        );
    }

    #[test]
    fn only_the_bureau_itself_writes_its_own_channel_and_nobody_without_office_publishes() {
        let own = "own/east".parse().unwrap();
        let inspection = opened(RecordKind::Inspection);
        assert_eq!(
            may_write(
                &actor("east", Role::Inspector),
                &own,
                None,
                &inspection,
                &tree()
            ),
            Ok(())
        );
        for wrong in [
            actor("west", Role::Inspector),
            actor("city", Role::Supervisor),
            actor("east", Role::Administrator),
        ] {
            assert!(
                may_write(&wrong, &own, None, &inspection, &tree()).is_err(),
                "{wrong:?}"
            );
        }
        let public = "pub/city".parse().unwrap();
        let pack = opened(RecordKind::Pack);
        assert_eq!(
            may_write(
                &actor("city", Role::Administrator),
                &public,
                None,
                &pack,
                &tree()
            ),
            Ok(())
        );
        assert!(
            may_write(
                &actor("city", Role::Inspector),
                &public,
                None,
                &pack,
                &tree()
            )
            .is_err()
        );
        assert!(
            may_write(
                &actor("east", Role::Supervisor),
                &"own/nowhere".parse().unwrap(),
                None,
                &inspection,
                &tree()
            )
            .is_err()
        );
    }
}
