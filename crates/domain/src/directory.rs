//! The directory: organisations, people and devices, as the central endpoint keeps them and every device holds a copy.

pub mod lines;
pub mod parts;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DeviceId, OrgCode, PersonId},
    suite::PublicKey,
};

/// What an organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum OrgKind {
    /// City bureau 市应急管理局.
    City,
    /// County bureau or functional area 县区、功能板块.
    County,
    /// Institution or enterprise 机构、企业.
    Institution,
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Org {
    /// Its code, for ever.
    pub code: OrgCode,
    /// Full name, e.g. 连云港市应急管理局.
    pub name: String,
    /// The abbreviation that document numbers carry, e.g. 苏连.
    pub short_name: String,
    /// The organisation above it.
    pub parent: Option<OrgCode>,
    /// What it is.
    pub kind: OrgKind,
    /// Code of its administrative region, where it has one (GB/T 2260 or statistical).
    pub region: Option<String>,
}

/// In which role a person acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 执法人员.
    Inspector,
    /// 监管负责人.
    Supervisor,
    /// 机构/企业.
    Institution,
    /// 管理员.
    Administrator,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// Name.
    pub name: String,
    /// Where they belong.
    pub org: OrgCode,
    /// As what they act.
    pub role: Role,
    /// Number of the enforcement certificate 执法证号, for inspectors.
    pub certificate: Option<String>,
    /// Whether they still act.
    pub is_active: bool,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// Which.
    pub id: DeviceId,
    /// Whose.
    pub person: PersonId,
    /// Its key.
    pub public_key: PublicKey,
    /// What its user calls it.
    pub label: String,
    /// Since when it may not sync any more, Unix ms.
    pub revoked_at_ms: Option<u64>,
    /// The identity whose log its own goes on from, because that had parted. An identity that another one goes on from writes no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<DeviceId>,
    /// Whether it signed two entries for one place of its log, of which somebody brought one: it is at work at two places.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_parted: bool,
}

/// Organisations, people and devices that a person may know of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Directory {
    /// Grows with every change.
    pub version: u64,
    /// Name of the central endpoint.
    pub server_name: String,
    /// Whether all of this is sample data.
    pub is_sample: bool,
    /// Organisations.
    pub orgs: Vec<Org>,
    /// People.
    pub people: Vec<Person>,
    /// Devices.
    pub devices: Vec<Device>,
    /// Where organisations lay before they were moved.
    #[serde(default)]
    pub former: Vec<FormerParent>,
}

/// That an organisation lay below another one once: what was written meanwhile still counts, and a channel still lives on for its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FormerParent {
    /// The organisation that was moved.
    pub org: OrgCode,
    /// What it lay below; nothing: it was at the top.
    pub parent: Option<OrgCode>,
    /// Since when, Unix ms; 0: from the beginning.
    pub from_ms: u64,
    /// Until when, Unix ms, which does not belong to it any more.
    pub until_ms: u64,
}

impl FormerParent {
    /// Its name among all of them: of one organisation no two end at the same moment.
    pub fn name(&self) -> String {
        format!("{}@{}", self.org, self.until_ms)
    }
}

/// The tree of organisations, for questions of scope. It has a past (invariant 14, the directory has a past).
#[derive(Debug, Clone, Default)]
pub struct OrgTree {
    places: HashMap<OrgCode, Place>,
}

/// Where an organisation lies and lay.
#[derive(Debug, Clone)]
struct Place {
    kind: OrgKind,
    parent: Option<OrgCode>,
    /// Since when it lies there, Unix ms.
    since_ms: u64,
    former: Vec<(Option<OrgCode>, Span)>,
}

/// A stretch of time, Unix ms; its end does not belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Since when.
    pub from_ms: u64,
    /// Until when; `u64::MAX`: it goes on.
    pub until_ms: u64,
}

impl Span {
    /// Whether it goes on.
    pub fn is_open(self) -> bool {
        self.until_ms == u64::MAX
    }

    /// Whether a moment lies in it.
    pub fn has(self, at_ms: u64) -> bool {
        (self.from_ms..self.until_ms).contains(&at_ms)
    }

    /// What both have in common, if that is anything.
    fn and(self, other: Self) -> Option<Self> {
        let both = Self {
            from_ms: self.from_ms.max(other.from_ms),
            until_ms: self.until_ms.min(other.until_ms),
        };
        (both.from_ms < both.until_ms).then_some(both)
    }
}

/// No tree is deeper; a cycle ends here.
pub const MAX_DEPTH: usize = 16;

impl OrgTree {
    /// The tree as it is now, without a past.
    pub fn new<'a>(orgs: impl IntoIterator<Item = &'a Org>) -> Self {
        let place = |org: &Org| Place {
            kind: org.kind,
            parent: org.parent.clone(),
            since_ms: 0,
            former: Vec::new(),
        };
        Self {
            places: orgs
                .into_iter()
                .map(|org| (org.code.clone(), place(org)))
                .collect(),
        }
    }

    /// The tree of a directory, with its past.
    pub fn of(directory: &Directory) -> Self {
        let mut tree = Self::new(&directory.orgs);
        for former in &directory.former {
            if let Some(place) = tree.places.get_mut(&former.org) {
                place.since_ms = place.since_ms.max(former.until_ms);
                let span = Span {
                    from_ms: former.from_ms,
                    until_ms: former.until_ms,
                };
                place.former.push((former.parent.clone(), span));
            }
        }
        tree
    }

    /// Whether the organisation exists.
    pub fn has(&self, org: &OrgCode) -> bool {
        self.places.contains_key(org)
    }

    /// What an organisation is, if it exists.
    pub fn kind(&self, org: &OrgCode) -> Option<OrgKind> {
        self.places.get(org).map(|place| place.kind)
    }

    /// The organisation and those above it, upwards.
    pub fn upwards<'a>(&'a self, org: &'a OrgCode) -> impl Iterator<Item = &'a OrgCode> {
        std::iter::successors(Some(org), |here| self.places.get(*here)?.parent.as_ref())
            .take(MAX_DEPTH)
    }

    /// Whether `org` is `above` or lies below it.
    pub fn is_at_or_below(&self, org: &OrgCode, above: &OrgCode) -> bool {
        let mut here = Some(org);
        for _ in 0..MAX_DEPTH {
            match here {
                Some(code) if code == above => return self.has(code),
                Some(code) => {
                    here = self
                        .places
                        .get(code)
                        .and_then(|place| place.parent.as_ref());
                }
                None => return false,
            }
        }
        false
    }

    /// When the institution lies or lay below the bureau, directly or indirectly. Nothing: there never was such a pair.
    pub fn pair(&self, bureau: &OrgCode, institution: &OrgCode) -> Vec<Span> {
        let is_pair = self.kind(institution) == Some(OrgKind::Institution)
            && self
                .kind(bureau)
                .is_some_and(|kind| kind != OrgKind::Institution);
        let mut spans = Vec::new();
        if is_pair {
            for (above, span) in self.ever_above(institution) {
                if above == bureau {
                    spans.push(span);
                }
            }
        }
        spans
    }

    /// Whether the institution lies below the bureau now, directly or indirectly.
    pub fn is_pair(&self, bureau: &OrgCode, institution: &OrgCode) -> bool {
        let spans = self.pair(bureau, institution);
        spans.into_iter().any(Span::is_open)
    }

    /// What lies or lay above an organisation, directly or indirectly, and when. At each moment it has one way up, so there are no more
    /// of them than moves on the way.
    pub fn ever_above(&self, org: &OrgCode) -> Vec<(&OrgCode, Span)> {
        let always = Span {
            from_ms: 0,
            until_ms: u64::MAX,
        };
        let mut found = Vec::new();
        let mut level = vec![(org, always)];
        for _ in 0..MAX_DEPTH {
            let mut above = Vec::new();
            for (code, span) in level {
                let Some(place) = self.places.get(code) else {
                    continue;
                };
                let now = Span {
                    from_ms: place.since_ms,
                    until_ms: u64::MAX,
                };
                let former = place.former.iter().map(|(parent, span)| (parent, *span));
                for (parent, lies) in former.chain([(&place.parent, now)]) {
                    if let (Some(parent), Some(both)) = (parent, lies.and(span)) {
                        above.push((parent, both));
                    }
                }
            }
            found.extend(above.iter().copied());
            level = above;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn code(text: &str) -> OrgCode {
        text.parse().unwrap()
    }

    fn org(text: &str, parent: Option<&str>, kind: OrgKind) -> Org {
        Org {
            code: code(text),
            name: text.into(),
            short_name: text.into(),
            parent: parent.map(code),
            kind,
            region: None,
        }
    }

    #[test]
    fn a_pair_lasts_as_long_as_the_institution_lay_below_the_bureau() {
        let moved = |from_ms, until_ms, parent: &str| FormerParent {
            org: code("school"),
            parent: Some(code(parent)),
            from_ms,
            until_ms,
        };
        let directory = Directory {
            orgs: vec![
                org("city", None, OrgKind::City),
                org("east", Some("city"), OrgKind::County),
                org("west", Some("city"), OrgKind::County),
                org("school", Some("west"), OrgKind::Institution),
            ],
            former: vec![moved(0, 100, "east"), moved(100, 200, "city")],
            ..Directory::default()
        };
        let tree = OrgTree::of(&directory);
        let span = |from_ms, until_ms| Span { from_ms, until_ms };
        let pair = |bureau| tree.pair(&code(bureau), &code("school"));
        assert_eq!(pair("east"), [span(0, 100)]);
        assert_eq!(pair("west"), [span(200, u64::MAX)]);
        let mut city = pair("city");
        city.sort_by_key(|span| span.from_ms);
        assert_eq!(city, [span(0, 100), span(100, 200), span(200, u64::MAX)]);
        assert!(
            tree.pair(&code("city"), &code("east")).is_empty(),
            "no institution"
        );
        assert!(pair("school").is_empty());
        assert!(pair("nowhere").is_empty());
    }

    #[test]
    fn a_bureau_that_moved_takes_its_institutions_along() {
        let directory = Directory {
            orgs: vec![
                org("city", None, OrgKind::City),
                org("other", None, OrgKind::City),
                org("east", Some("other"), OrgKind::County),
                org("school", Some("east"), OrgKind::Institution),
            ],
            former: vec![FormerParent {
                org: code("east"),
                parent: Some(code("city")),
                from_ms: 0,
                until_ms: 50,
            }],
            ..Directory::default()
        };
        let tree = OrgTree::of(&directory);
        let pair = |bureau| tree.pair(&code(bureau), &code("school"));
        assert!(!pair("city")[0].is_open() && pair("city")[0].has(49) && !pair("city")[0].has(50));
        assert!(pair("other")[0].is_open() && !pair("other")[0].has(49));
        assert!(pair("east")[0].is_open() && pair("east")[0].has(0));
    }

    #[test]
    fn a_circle_in_a_broken_directory_ends() {
        let directory = Directory {
            orgs: vec![
                org("a", Some("b"), OrgKind::County),
                org("b", Some("a"), OrgKind::County),
                org("school", Some("a"), OrgKind::Institution),
            ],
            ..Directory::default()
        };
        let tree = OrgTree::of(&directory);
        assert!(!tree.pair(&code("a"), &code("school")).is_empty());
        assert!(tree.pair(&code("c"), &code("school")).is_empty());
    }
}
