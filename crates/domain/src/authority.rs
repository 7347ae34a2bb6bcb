//! Who may read and write what. The server asks this for every entry and never trusts the client for it.

use crate::{
    bounds::{Bounds, Claim},
    channel::Channel,
    directory::{OrgTree, Role, Span},
    event::{Event, RecordKind},
    hlc::Hlc,
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
    /// The directory does not have the channel's organisation, or never had its institution below its bureau. A directory that is older
    /// may only not have them yet, so that only the endpoint refuses for this.
    #[error("no such organisation, or the institution does not lie below this bureau")]
    NoSuchOrg,
    /// The institution lies below this bureau no more, and the record is none that the channel holds.
    #[error("the institution does not lie below this bureau any more")]
    Parted,
}

/// What is known of the record that an entry is about, and when the entry was made, as far as that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// What the record is, where that is known.
    pub kind: Option<RecordKind>,
    /// Whether the channel holds the record already.
    pub is_held: bool,
    /// The time at which a right that has passed may have been in force for the entry, Unix ms; see [`counting_at`]. None: only rights
    /// that go on count.
    pub at_ms: Option<u64>,
}

impl About {
    /// A record that is nowhere yet.
    pub const fn new_at(at_ms: u64) -> Self {
        Self {
            kind: None,
            is_held: false,
            at_ms: Some(at_ms),
        }
    }
}

/// The time at which rights that have passed count for an entry: the one that it claims, brought into its bounds, and none where they
/// contradict that or leave it unproved. An author's word alone gives nobody a right back.
pub fn counting_at(bounds: Bounds, at: Hlc) -> Option<u64> {
    (bounds.judge(at) == Claim::Within).then(|| bounds.clamp(at).ms())
}

/// Whether there is such a channel to write to (invariant 14, channels exist only for pairs that the directory has or had).
///
/// # Errors
/// When the directory has no such organisation or pair, or the pair has parted and this would begin something new.
fn exists(channel: &Channel, about: About, tree: &OrgTree) -> Result<(), Refusal> {
    match channel {
        Channel::Pub(org) | Channel::Own(org) if tree.has(org) => Ok(()),
        Channel::Pub(_) | Channel::Own(_) => Err(Refusal::NoSuchOrg),
        Channel::Inst(bureau, institution) => {
            let spans = tree.pair(bureau, institution);
            let is_there =
                |span: &Span| span.is_open() || about.at_ms.is_some_and(|at_ms| span.has(at_ms));
            if spans.is_empty() {
                Err(Refusal::NoSuchOrg)
            } else if about.is_held || spans.iter().any(is_there) {
                Ok(())
            } else {
                Err(Refusal::Parted)
            }
        }
    }
}

/// What an institution may write about a record of this kind: what its kinds allow, and nothing else. What this version does not know
/// is no kind's, so that nobody fills another's lists with what "needs a newer version".
fn may_answer(kind: Option<RecordKind>, event: &Event) -> bool {
    let is_reply = |place: &str| place.starts_with("reply/");
    match (kind, event) {
        (Some(RecordKind::Finding), Event::Set { field, .. }) => is_reply(field),
        (Some(RecordKind::Finding), Event::Attached { place, .. }) => is_reply(place),
        _ => false,
    }
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

/// All channels that `actor` may read, where these are so few that they can be named. Nothing: whoever reads for a bureau.
pub fn reads_only(actor: &Actor, tree: &OrgTree) -> Option<Vec<Channel>> {
    if actor.role != Role::Institution {
        return None;
    }
    let mut channels = vec![Channel::Pub(actor.org.clone())];
    for (bureau, _) in tree.ever_above(&actor.org) {
        let named = [
            Channel::Pub(bureau.clone()),
            Channel::Inst(bureau.clone(), actor.org.clone()),
        ];
        for channel in named {
            if !channels.contains(&channel) {
                channels.push(channel);
            }
        }
    }
    // What is published comes first: without its pack no record can be shown well.
    channels.sort_by_key(|channel| !matches!(channel, Channel::Pub(_)));
    Some(channels)
}

/// Whether `actor` may write `event` about a record to the channel.
///
/// # Errors
/// The reason why not.
pub fn may_write(
    actor: &Actor,
    channel: &Channel,
    about: About,
    event: &Event,
    tree: &OrgTree,
) -> Result<(), Refusal> {
    exists(channel, about, tree)?;
    if decides_over_others(event) && !tree.is_at_or_below(channel.org(), &actor.org) {
        return Err(Refusal::Channel);
    }
    role_may_write(actor, channel, about, event)
}

/// The same apart from whether there is such a channel, which a directory that is older than the author's cannot tell.
///
/// # Errors
/// [`Refusal::Channel`] and [`Refusal::Event`].
pub fn role_may_write(
    actor: &Actor,
    channel: &Channel,
    about: About,
    event: &Event,
) -> Result<(), Refusal> {
    if decides_over_others(event) {
        return match channel {
            Channel::Own(_) | Channel::Inst(..) if actor.role == Role::Supervisor => Ok(()),
            _ => Err(Refusal::Event),
        };
    }
    let is_home = actor.org == *channel.org();
    let kind = match event {
        // Of two openings the first received is the opening; one of another kind would make another record of it.
        Event::Opened { kind, .. } if about.kind.is_some_and(|known| known != *kind) => {
            return Err(Refusal::Event);
        }
        Event::Opened { kind, .. } => Some(*kind),
        _ => about.kind,
    };
    match (channel, actor.role) {
        (Channel::Pub(_), Role::Supervisor | Role::Administrator) if is_home => match kind {
            None => Ok(()),
            // A pack is checked whole before it is published, so it comes from the endpoint's own device and from no other.
            Some(_) => Err(Refusal::Event),
        },
        (Channel::Own(_) | Channel::Inst(..), Role::Inspector | Role::Supervisor) if is_home => {
            match kind {
                Some(RecordKind::Pack) => Err(Refusal::Event),
                _ => Ok(()),
            }
        }
        (Channel::Inst(_, institution), Role::Institution) if actor.org == *institution => {
            if may_answer(about.kind, event) {
                Ok(())
            } else {
                Err(Refusal::Event)
            }
        }
        _ => Err(Refusal::Channel),
    }
}

/// Whether an administrator may let an entry in whose author had no right to it: there is such a channel, or was, and it neither publishes
/// nor decides over what others signed. Those who have the right do that themselves.
///
/// # Errors
/// The reason why not.
pub fn may_be_let_in(channel: &Channel, event: &Event, tree: &OrgTree) -> Result<(), Refusal> {
    let is_pack = matches!(
        event,
        Event::Opened {
            kind: RecordKind::Pack,
            ..
        }
    );
    match channel {
        Channel::Pub(_) => Err(Refusal::Channel),
        _ if is_pack || decides_over_others(event) => Err(Refusal::Event),
        Channel::Own(org) if tree.has(org) => Ok(()),
        Channel::Inst(bureau, institution) if !tree.pair(bureau, institution).is_empty() => Ok(()),
        Channel::Own(_) | Channel::Inst(..) => Err(Refusal::NoSuchOrg),
    }
}

/// Whether `actor` may have the central endpoint publish a pack in the organisation's name.
///
/// # Errors
/// The reason why not.
pub fn may_publish(actor: &Actor, org: &OrgCode, tree: &OrgTree) -> Result<(), Refusal> {
    match actor.role {
        _ if !tree.has(org) => Err(Refusal::NoSuchOrg),
        Role::Supervisor | Role::Administrator if actor.org == *org => Ok(()),
        _ => Err(Refusal::Channel),
    }
}

/// Whether an event sets aside what others signed or opened: for supervisors of that bureau or of one above it. That they have no part in
/// it themselves is found out by the fold, which alone knows who has.
fn decides_over_others(event: &Event) -> bool {
    match event {
        Event::Settled { .. } => true,
        Event::Annulled {
            signature,
            by_supervisor,
            ..
        } => signature.is_some() || *by_supervisor,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::directory::{Directory, FormerParent, Org, OrgKind};
    use std::collections::BTreeMap;
    use uuid::Uuid;

    fn tree() -> OrgTree {
        OrgTree::of(&directory())
    }

    /// The academy was moved from the east to the west at 100 ms.
    fn directory() -> Directory {
        let org = |code: &str, parent: Option<&str>, kind| Org {
            code: code.parse().unwrap(),
            name: code.into(),
            short_name: code.into(),
            parent: parent.map(|p| p.parse().unwrap()),
            kind,
            region: None,
        };
        Directory {
            orgs: vec![
                org("city", None, OrgKind::City),
                org("east", Some("city"), OrgKind::County),
                org("west", Some("city"), OrgKind::County),
                org("school", Some("east"), OrgKind::Institution),
                org("academy", Some("west"), OrgKind::Institution),
            ],
            former: vec![FormerParent {
                org: "academy".parse().unwrap(),
                parent: Some("east".parse().unwrap()),
                from_ms: 0,
                until_ms: 100,
            }],
            ..Directory::default()
        }
    }

    const NEW: About = About::new_at(1_000);

    fn held(kind: RecordKind) -> About {
        About {
            kind: Some(kind),
            is_held: true,
            at_ms: Some(1_000),
        }
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
        let finding = held(RecordKind::Finding);
        assert_eq!(may_write(&school, &mine, finding, &reply, &tree()), Ok(()));
        let state = Event::Set {
            field: "state".into(),
            value: "verified".into(),
            replaces: vec![],
        };
        assert_eq!(
            may_write(&school, &mine, finding, &state, &tree()),
            Err(Refusal::Event)
        );
        assert_eq!(
            may_write(&school, &other, NEW, &reply, &tree()),
            Err(Refusal::NoSuchOrg)
        );
        let academy = "inst/west/academy".parse().unwrap();
        assert_eq!(
            may_write(&school, &academy, finding, &reply, &tree()),
            Err(Refusal::Channel)
        );
    }

    #[test]
    fn an_institution_reads_nothing_but_the_channels_that_are_named() {
        let academy = actor("academy", Role::Institution);
        let named = reads_only(&academy, &tree()).unwrap();
        let all = [
            "pub/academy",
            "pub/west",
            "pub/city",
            "pub/east",
            "inst/west/academy",
            "inst/city/academy",
            "inst/east/academy",
        ];
        let mut names: Vec<String> = named.iter().map(Channel::to_string).collect();
        names.sort_unstable();
        let mut all: Vec<&str> = all.to_vec();
        all.sort_unstable();
        assert_eq!(names, all);
        assert!(reads_only(&actor("east", Role::Inspector), &tree()).is_none());
    }

    #[test]
    fn an_institution_writes_only_what_its_kinds_allow() {
        let school = actor("school", Role::Institution);
        let mine = "inst/east/school".parse().unwrap();
        let set = |field: &str| Event::Set {
            field: field.into(),
            value: "x".into(),
            replaces: vec![],
        };
        let unknown = Event::Unknown {
            kind: "of_a_newer_version".into(),
        };
        let finding = held(RecordKind::Finding);
        let without_kind = About {
            kind: None,
            ..finding
        };
        for (about, event, why) in [
            (finding, unknown.clone(), "an unknown event"),
            (NEW, unknown, "an unknown event about nothing"),
            (NEW, set("reply/text"), "a record that does not exist yet"),
            (without_kind, set("reply/text"), "a record without a kind"),
            (finding, set("replies"), "another field"),
            (
                held(RecordKind::Inspection),
                set("reply/text"),
                "a kind that has no replies",
            ),
            (NEW, opened(RecordKind::Finding), "an opening"),
        ] {
            assert_eq!(
                may_write(&school, &mine, about, &event, &tree()),
                Err(Refusal::Event),
                "{why}"
            );
        }
    }

    #[test]
    fn there_are_channels_only_for_institutions_below_the_bureau() {
        let opening = opened(RecordKind::Finding);
        for (org, channel) in [
            ("west", "inst/west/school"),
            ("west", "inst/west/nowhere"),
            ("city", "inst/city/west"),
            ("east", "inst/east/east"),
            ("school", "inst/school/school"),
            ("east", "inst/east/city"),
        ] {
            assert_eq!(
                may_write(
                    &actor(org, Role::Supervisor),
                    &channel.parse().unwrap(),
                    NEW,
                    &opening,
                    &tree()
                ),
                Err(Refusal::NoSuchOrg),
                "{channel}"
            );
        }
        for (org, channel) in [("east", "inst/east/school"), ("city", "inst/city/school")] {
            assert_eq!(
                may_write(
                    &actor(org, Role::Supervisor),
                    &channel.parse().unwrap(),
                    NEW,
                    &opening,
                    &tree()
                ),
                Ok(()),
                "{channel}"
            );
        }
    }

    #[test]
    fn a_pair_that_parted_goes_on_for_its_records_and_takes_no_new_ones() {
        let inspector = actor("east", Role::Inspector);
        let channel = "inst/east/academy".parse().unwrap();
        let set = Event::Set {
            field: "state".into(),
            value: "verified".into(),
            replaces: vec![],
        };
        let judged = |about, event: &Event| may_write(&inspector, &channel, about, event, &tree());
        let opening = opened(RecordKind::Finding);
        assert_eq!(judged(About::new_at(99), &opening), Ok(()), "made in time");
        assert_eq!(
            judged(About::new_at(100), &opening),
            Err(Refusal::Parted),
            "made later"
        );
        let unproved = About {
            at_ms: None,
            ..About::new_at(0)
        };
        assert_eq!(
            judged(unproved, &opening),
            Err(Refusal::Parted),
            "nothing proves when"
        );
        assert_eq!(judged(held(RecordKind::Finding), &set), Ok(()));
        assert_eq!(judged(NEW, &set), Err(Refusal::Parted));
    }

    #[test]
    fn a_right_that_has_passed_counts_only_at_a_time_that_its_bounds_leave_open() {
        const DAY: u64 = 86_400_000;
        let bounds = |seen_ms| Bounds {
            since_ms: 10 * DAY,
            received_ms: 20 * DAY,
            seen_ms,
        };
        let at = |bounds: Bounds, ms| counting_at(bounds, Hlc::from_ms(ms));
        assert_eq!(at(bounds(None), 15 * DAY), Some(15 * DAY));
        assert_eq!(at(bounds(None), 9 * DAY), None, "back-dated");
        assert_eq!(at(bounds(None), 21 * DAY), None, "ahead");
        assert_eq!(at(bounds(Some(18 * DAY)), 15 * DAY), None, "unproved");
        assert_eq!(at(bounds(Some(18 * DAY)), 19 * DAY), Some(19 * DAY));
        // A clock that is a little behind makes no right of the minute before.
        assert_eq!(at(bounds(None), 10 * DAY - 60_000), Some(10 * DAY));
    }

    #[test]
    fn an_administrator_lets_in_no_pack_no_decision_over_others_and_nothing_where_there_is_no_channel()
     {
        let set = Event::Set {
            field: "name".into(),
            value: "x".into(),
            replaces: vec![],
        };
        let annulled = Event::Annulled {
            reason: "误录".into(),
            signature: None,
            by_supervisor: true,
        };
        let judged =
            |channel: &str, event: &Event| may_be_let_in(&channel.parse().unwrap(), event, &tree());
        for channel in ["own/east", "inst/east/school", "inst/east/academy"] {
            assert_eq!(judged(channel, &set), Ok(()), "{channel}");
            for event in [&opened(RecordKind::Pack), &annulled] {
                assert_eq!(judged(channel, event), Err(Refusal::Event), "{channel}");
            }
        }
        assert_eq!(judged("pub/east", &set), Err(Refusal::Channel));
        for channel in ["own/nowhere", "inst/west/school"] {
            assert_eq!(judged(channel, &set), Err(Refusal::NoSuchOrg), "{channel}");
        }
    }

    #[test]
    fn a_second_opening_does_not_make_another_kind_of_a_record() {
        let inspector = actor("east", Role::Inspector);
        let own = "own/east".parse().unwrap();
        let judged = |kind| {
            let about = held(RecordKind::Inspection);
            may_write(&inspector, &own, about, &opened(kind), &tree())
        };
        assert_eq!(judged(RecordKind::Finding), Err(Refusal::Event));
        assert_eq!(judged(RecordKind::Inspection), Ok(()));
    }

    #[test]
    fn only_the_bureau_itself_writes_its_own_channel_and_nobody_without_office_publishes() {
        let own = "own/east".parse().unwrap();
        let inspection = opened(RecordKind::Inspection);
        assert_eq!(
            may_write(
                &actor("east", Role::Inspector),
                &own,
                NEW,
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
                may_write(&wrong, &own, NEW, &inspection, &tree()).is_err(),
                "{wrong:?}"
            );
        }
        let public = "pub/city".parse().unwrap();
        let pack = opened(RecordKind::Pack);
        for role in [Role::Inspector, Role::Supervisor, Role::Administrator] {
            let person = actor("city", role);
            assert!(
                may_write(&person, &public, NEW, &pack, &tree()).is_err(),
                "{role:?} publishes by no entry of their own"
            );
            assert_eq!(
                may_publish(&person, &person.org, &tree()).is_ok(),
                role != Role::Inspector
            );
        }
        assert!(
            may_publish(
                &actor("east", Role::Supervisor),
                &"city".parse().unwrap(),
                &tree()
            )
            .is_err()
        );
        assert!(
            may_write(
                &actor("east", Role::Supervisor),
                &"own/nowhere".parse().unwrap(),
                NEW,
                &inspection,
                &tree()
            )
            .is_err()
        );
    }
}
