//! Which of the published packs an organisation works with.
//!
//! Invariant 13, a claim orders nothing that was received: only bureau, version and the endpoint's number decide, never a claimed time.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::{directory::OrgTree, ids::OrgCode};

/// A pack that somebody published, as far as its place depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published<'a> {
    /// The bureau that published it.
    pub org: &'a OrgCode,
    /// The pack's id.
    pub id: &'a str,
    /// Its version, as three numbers.
    pub version: [u32; 3],
    /// Its number in the bureau's channel; `None`: the endpoint has given it none, as far as is known here.
    pub number: Option<u64>,
    /// Whether its bytes are at hand.
    pub is_here: bool,
}

/// What a published pack is to an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackStanding {
    /// New inspections are begun with it.
    Counts,
    /// Another version of the same bureau takes its place.
    Earlier,
    /// Its bytes have not arrived; until then an earlier version goes on.
    Coming,
    /// A bureau above publishes the same id, so that this one never counts.
    Below {
        /// That bureau.
        by: OrgCode,
    },
    /// The endpoint has not confirmed it.
    NotReceived,
    /// The bureau is neither this organisation nor one above it.
    Elsewhere,
}

impl PackStanding {
    /// What screens tell them apart by.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::Earlier => "earlier",
            Self::Coming => "coming",
            Self::Below { .. } => "below",
            Self::NotReceived => "not_received",
            Self::Elsewhere => "elsewhere",
        }
    }

    /// Whether an inspection may be begun with it: it counts, or did before a higher version came.
    #[must_use]
    pub const fn may_begin(&self) -> bool {
        matches!(self, Self::Counts | Self::Earlier)
    }
}

/// A version as packs are ordered by. What is not three numbers is below everything.
#[must_use]
pub fn version_numbers(version: &str) -> [u32; 3] {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

/// The standing of each pack for the organisation `reader`, in the order given. Of one id only the highest bureau's count, of these the
/// highest version at hand, and of equal versions the one that the endpoint received first.
#[must_use]
pub fn standings(
    published: &[Published<'_>],
    reader: &OrgCode,
    tree: &OrgTree,
) -> Vec<PackStanding> {
    let is_above = |one: &Published<'_>| tree.is_at_or_below(reader, one.org);
    let candidates = || {
        published
            .iter()
            .enumerate()
            .filter(|(_, one)| one.number.is_some() && is_above(one))
    };
    // All of them are above the same organisation, so that of two one is above the other.
    let mut highest: BTreeMap<&str, &OrgCode> = BTreeMap::new();
    for (_, one) in candidates() {
        let org = highest.entry(one.id).or_insert(one.org);
        if tree.is_at_or_below(org, one.org) {
            *org = one.org;
        }
    }
    let mut best: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, one) in candidates() {
        if !one.is_here || highest.get(one.id) != Some(&one.org) {
            continue;
        }
        let rank = |at: usize| {
            published
                .get(at)
                .map(|one| (one.version, Reverse(one.number)))
        };
        let best = best.entry(one.id).or_insert(at);
        if rank(at) > rank(*best) {
            *best = at;
        }
    }
    published
        .iter()
        .enumerate()
        .map(|(at, one)| {
            if !is_above(one) {
                return PackStanding::Elsewhere;
            }
            if one.number.is_none() {
                return PackStanding::NotReceived;
            }
            match highest.get(one.id) {
                Some(by) if *by != one.org => PackStanding::Below { by: (*by).clone() },
                _ if !one.is_here => PackStanding::Coming,
                _ if best.get(one.id) == Some(&at) => PackStanding::Counts,
                _ => PackStanding::Earlier,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::directory::{Org, OrgKind};

    fn code(code: &str) -> OrgCode {
        code.parse().unwrap()
    }

    fn tree() -> OrgTree {
        let org = |name: &str, parent: Option<&str>| Org {
            code: code(name),
            name: name.into(),
            short_name: name.into(),
            parent: parent.map(code),
            kind: OrgKind::County,
            region: None,
        };
        OrgTree::new(&[
            org("city", None),
            org("east", Some("city")),
            org("school", Some("east")),
            org("west", Some("city")),
        ])
    }

    /// Bureau, version and number of packs of one id, as they stand for an organisation.
    fn stand(reader: &str, packs: &[(&str, &str, u64)]) -> Vec<PackStanding> {
        let orgs: Vec<OrgCode> = packs.iter().map(|(org, ..)| code(org)).collect();
        let published: Vec<Published<'_>> = packs
            .iter()
            .zip(&orgs)
            .map(|((_, version, number), org)| Published {
                org,
                id: "lyg",
                version: version_numbers(version),
                number: (*number > 0).then_some(*number),
                is_here: true,
            })
            .collect();
        standings(&published, &code(reader), &tree())
    }

    #[test]
    fn of_one_id_only_what_the_highest_bureau_publishes_counts() {
        use PackStanding::{Below, Counts, Earlier, Elsewhere};
        let below = || Below { by: code("city") };
        let packs = [
            ("east", "9.0.0", 1),
            ("city", "1.0.0", 1),
            ("city", "1.10.0", 2),
            ("city", "1.9.0", 3),
        ];
        for reader in ["east", "school"] {
            assert_eq!(
                stand(reader, &packs),
                [below(), Earlier, Counts, Earlier],
                "{reader}"
            );
        }
        assert_eq!(stand("west", &packs)[0], Elsewhere);
        assert_eq!(stand("city", &packs)[2], Counts);
        assert_eq!(
            stand("east", &packs[..1]),
            [Counts],
            "what nobody above publishes is the county's own"
        );
        assert_eq!(
            stand("nowhere", &packs)[1],
            Elsewhere,
            "an organisation that the directory does not have"
        );
    }

    #[test]
    fn of_equal_versions_the_one_received_first_counts_and_one_without_a_number_never() {
        use PackStanding::{Counts, Earlier, NotReceived};
        let packs = [
            ("city", "1.0.0", 7),
            ("city", "1.0.0", 3),
            ("city", "2.0.0", 0),
        ];
        assert_eq!(stand("east", &packs), [Earlier, Counts, NotReceived]);
    }

    #[test]
    fn an_earlier_version_goes_on_until_the_bytes_of_the_next_have_arrived() {
        let city = code("city");
        let of = |version, is_here| Published {
            org: &city,
            id: "lyg",
            version,
            number: Some(1),
            is_here,
        };
        let packs = [of([1, 0, 0], true), of([1, 1, 0], false)];
        assert_eq!(
            standings(&packs, &city, &tree()),
            [PackStanding::Counts, PackStanding::Coming]
        );
        assert_eq!(
            standings(&packs[1..], &city, &tree()),
            [PackStanding::Coming]
        );
    }
}
