//! The signed versions of a record: which there are, which one counts, and what is marked of each.
//!
//! Invariants 2 to 5. A version is the set of entries that a signature names, once exactly these are here. What was received first counts:
//! a version ranks by the last of its entries that was received, so who signs early and shows the content later has signed later. Nothing
//! that arrives after that changes which one counts, but for an older receipt of the endpoint and a person's settlement.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};

use serde_json::Value;

use super::{
    Note, RecordState, Trace,
    pin::Places,
    row::{Held, Row},
};
use crate::{
    event::{Event, Pin, Place, Signature},
    fields,
    ids::{Digest, EntryId, PersonId, SetHash},
    receipt::Rank,
};

/// The most versions of a record that are folded. Who makes more of them wants to be in the way of others; they are listed as signatures.
const MOST_VERSIONS: usize = 32;

/// How far a signature is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It and all that it covers was received; since the last of that.
    Received(Rank),
    /// All that it covers is here, and not all of it is received yet.
    NotReceived,
    /// Entries that it covers are not here, or were refused.
    Incomplete {
        /// How many of them are here at most.
        held: u64,
        /// How many it covers.
        count: u64,
    },
}

impl Standing {
    /// Whether exactly what it covers is here.
    pub fn is_complete(self) -> bool {
        !matches!(self, Self::Incomplete { .. })
    }
}

/// A signed version of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its name.
    pub set: SetHash,
    /// The digest of what its entries fold to.
    pub digest: Digest,
    /// The signature that made it: its place and who recorded it.
    pub first: (Place, Trace),
    /// Since when it is whole at the endpoint; `None` while it is not.
    pub rank: Option<Rank>,
    /// Whether it is the one that counts.
    pub counts: bool,
    /// Entries that had been received before it and that it leaves out, by author.
    pub leaves_out: BTreeMap<PersonId, u64>,
    /// Whether whoever made it knew of the signature of the version that was first.
    pub knew_of_first: bool,
    /// Whether two values of a field stand in it that nobody had settled.
    pub has_conflict: bool,
    /// Whoever wrote in it, signed it or is named as an inspector in it: they decide nothing about it.
    pub people: BTreeSet<PersonId>,
}

/// A person's decision about which version counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The version that counts by it.
    pub counts: SetHash,
    /// Why.
    pub reason: String,
}

/// What was found out about the signatures of a record.
pub(super) struct Judged {
    /// By row: how far each signature is proved, and of which version it is.
    pub(super) standings: HashMap<usize, (Standing, Option<SetHash>)>,
    /// By rank; those that are not received behind the others, by what they claim.
    pub(super) versions: Vec<Version>,
    /// The rows of the version that counts, and what they fold to.
    pub(super) counting: Option<(BTreeSet<usize>, RecordState)>,
    pub(super) settled: Option<Note<Settlement>>,
    /// Rows that annul the version that counts, by name, each by somebody who has no part in it.
    pub(super) annulments: BTreeSet<usize>,
}

struct Candidate {
    set: SetHash,
    members: BTreeSet<usize>,
    /// Rows of signatures that name this very set, the first to count before the others.
    signatures: Vec<usize>,
    rank: Option<Rank>,
    state: RecordState,
    people: BTreeSet<PersonId>,
}

/// Judges all signatures among the rows. `chosen` is the version that is to be shown in the place of the one that counts.
pub(super) fn judge(empty: &RecordState, rows: &[Row], chosen: Option<SetHash>) -> Judged {
    let places = Places::new(rows);
    let mut judging = Judging {
        rows,
        places: &places,
        standings: HashMap::new(),
        candidates: Vec::new(),
    };
    judging.pinned(empty);
    judging.further();
    let first = judging.candidates.first().map(|first| first.set);
    let settled = judging.settled();
    let counting = chosen
        .filter(|chosen| judging.candidates.iter().any(|one| one.set == *chosen))
        .or(settled.as_ref().map(|note| note.what.counts))
        .or(first);
    let versions = judging.versions(counting);
    let annulments = judging.annulments(counting);
    let at = |set| judging.candidates.iter().position(|one| one.set == set);
    let counting = counting
        .and_then(at)
        .map(|at| judging.candidates.swap_remove(at))
        .map(|one| (one.members, one.state));
    Judged {
        standings: judging.standings,
        versions,
        counting,
        settled,
        annulments,
    }
}

/// What a signature given now covers: all these entries.
pub(super) fn pin_of(held: &[Held<'_>]) -> Pin {
    let rows: Vec<Row> = held
        .iter()
        .map(|one| Row {
            trace: one.trace(),
            event: Ok(Event::Unknown {
                kind: String::new(),
            }),
        })
        .collect();
    Places::new(&rows).pin(|_| true)
}

struct Judging<'r> {
    rows: &'r [Row],
    places: &'r Places<'r>,
    standings: HashMap<usize, (Standing, Option<SetHash>)>,
    candidates: Vec<Candidate>,
}

impl<'r> Judging<'r> {
    fn signatures(&self) -> impl Iterator<Item = (usize, &'r Signature)> + use<'r> {
        self.rows
            .iter()
            .enumerate()
            .filter_map(|(n, row)| match &row.event {
                Ok(Event::Signed(signature)) => Some((n, signature)),
                _ => None,
            })
    }

    /// Signatures that make a version, with what they cover.
    fn pins(&self) -> impl Iterator<Item = (usize, &'r Pin)> + use<'r> {
        self.signatures()
            .filter_map(|(n, signature)| Some((n, signature.pin.as_ref()?)))
    }

    /// Finds the sets that signatures name, and folds each of them by itself.
    fn pinned(&mut self, empty: &RecordState) {
        // A set is found once any signature names its ends rightly: what another one says of it cannot hide it again.
        let mut found: HashMap<SetHash, BTreeSet<usize>> = HashMap::new();
        let mut lacking: HashMap<usize, u64> = HashMap::new();
        for (n, pin) in self.pins() {
            if let Entry::Vacant(place) = found.entry(pin.set) {
                match self.places.members(pin, n) {
                    Ok(members) => {
                        place.insert(members);
                    }
                    Err(held) => {
                        lacking.insert(n, held);
                    }
                }
            }
        }
        let mut sets: BTreeMap<SetHash, Vec<usize>> = BTreeMap::new();
        for (n, pin) in self.pins() {
            // A signature never covers itself (invariant 1).
            let standing = match found.get(&pin.set).filter(|set| !set.contains(&n)) {
                Some(members) => self.standing(n, members),
                None => Standing::Incomplete {
                    held: lacking.get(&n).copied().unwrap_or(0),
                    count: pin.count,
                },
            };
            let set = standing.is_complete().then_some(pin.set);
            if let Some(set) = set {
                sets.entry(set).or_default().push(n);
            }
            self.standings.insert(n, (standing, set));
        }
        let mut ordered: Vec<_> = sets.into_iter().collect();
        for (_, signatures) in &mut ordered {
            signatures.sort_by_key(|n| self.before(*n));
        }
        ordered.sort_by_key(|(_, signatures)| self.before(signatures[0]));
        ordered.truncate(MOST_VERSIONS);
        for (set, signatures) in ordered {
            let Some(members) = found.remove(&set) else {
                continue;
            };
            let state = fold_set(empty, self.rows, &members);
            self.candidates.push(Candidate {
                set,
                rank: self.rank_of(signatures[0]),
                people: people(self.rows, &members, &signatures, &state),
                state,
                members,
                signatures,
            });
        }
    }

    /// How far a signature is proved whose set is here: it ranks as the last of what it covers.
    fn standing(&self, own: usize, members: &BTreeSet<usize>) -> Standing {
        let all = members.iter().chain([&own]);
        let ranks: Option<Vec<Rank>> = all.map(|n| self.rows[*n].trace.received).collect();
        match ranks.and_then(|ranks| ranks.into_iter().max()) {
            Some(rank) => Standing::Received(rank),
            None => Standing::NotReceived,
        }
    }

    fn rank_of(&self, signature: usize) -> Option<Rank> {
        match self.standings.get(&signature) {
            Some((Standing::Received(rank), _)) => Some(*rank),
            _ => None,
        }
    }

    /// What was received goes before what was not; claims order only the latter among themselves. Of one push the earlier place goes first.
    fn before(&self, signature: usize) -> impl Ord + use<> {
        let row = &self.rows[signature];
        let rank = self.rank_of(signature);
        (
            rank.is_none(),
            rank,
            rank.is_none().then(|| row.claimed_order()),
            row.trace.order.device,
            row.trace.order.seq,
            row.trace.entry,
        )
    }

    /// Signatures that stand under another one are of its version, and wait for it.
    fn further(&mut self) {
        for (n, signature) in self.signatures() {
            let Some(under) = signature.under else {
                continue;
            };
            let first = self.places.find(under);
            let of = first.and_then(|first| self.standings.get(&first).copied());
            let standing = match of {
                Some((Standing::Received(rank), Some(set))) => {
                    let own = self.rows[n].trace.received;
                    let standing = own.map_or(Standing::NotReceived, |own| {
                        Standing::Received(rank.max(own))
                    });
                    (standing, Some(set))
                }
                Some((Standing::NotReceived, Some(set))) => (Standing::NotReceived, Some(set)),
                _ => (Standing::Incomplete { held: 0, count: 1 }, None),
            };
            self.standings.insert(n, standing);
        }
    }

    /// The version of a signature that is named by place and name.
    fn named(&self, place: &Place) -> Option<&Candidate> {
        let n = self.places.find(place.name())?;
        let (_, set) = self.standings.get(&n)?;
        self.candidates.iter().find(|one| Some(one.set) == *set)
    }

    /// Which settlement holds: the first that was received, and later ones only where each names the one before it.
    fn settled(&self) -> Option<Note<Settlement>> {
        let mut settlements: Vec<usize> = (0..self.rows.len())
            .filter(|n| matches!(self.rows[*n].event, Ok(Event::Settled { .. })))
            .collect();
        settlements.sort_by_key(|n| {
            let trace = &self.rows[*n].trace;
            (trace.received.is_none(), trace.received, trace.order)
        });
        let mut holds: Option<Note<Settlement>> = None;
        for n in settlements {
            let row = &self.rows[n];
            let Ok(Event::Settled {
                counts,
                over,
                instead,
                reason,
            }) = &row.event
            else {
                continue;
            };
            if *instead != holds.as_ref().map(|note| note.trace.entry) {
                continue;
            }
            let Some(counting) = self.named(counts) else {
                continue;
            };
            let stepping_back: Option<Vec<&Candidate>> =
                over.iter().map(|place| self.named(place)).collect();
            let Some(mut concerned) = stepping_back else {
                continue;
            };
            concerned.push(counting);
            if concerned
                .iter()
                .any(|one| one.people.contains(&row.trace.author))
            {
                continue;
            }
            holds = Some(Note {
                trace: row.trace,
                what: Settlement {
                    counts: counting.set,
                    reason: reason.clone(),
                },
            });
        }
        holds
    }

    fn annulments(&self, counting: Option<SetHash>) -> BTreeSet<usize> {
        let named = |row: &Row| match &row.event {
            Ok(Event::Annulled {
                signature: Some(signature),
                ..
            }) => self.named(signature),
            _ => None,
        };
        let counts = |row: &Row| {
            named(row).is_some_and(|version| {
                Some(version.set) == counting && !version.people.contains(&row.trace.author)
            })
        };
        (0..self.rows.len())
            .filter(|n| counts(&self.rows[*n]))
            .collect()
    }

    fn versions(&self, counting: Option<SetHash>) -> Vec<Version> {
        let first = self.candidates.first();
        let versions = self.candidates.iter().map(|one| {
            let own = one.signatures[0];
            let trace = self.rows[own].trace;
            Version {
                set: one.set,
                digest: one.state.content_digest(),
                first: (
                    Place(trace.order.device, trace.order.seq, trace.entry),
                    trace,
                ),
                rank: one.rank,
                counts: Some(one.set) == counting,
                leaves_out: self.left_out(one, own),
                knew_of_first: first.is_some_and(|first| self.knew(one, first)),
                has_conflict: one.state.conflicts().next().is_some(),
                people: one.people.clone(),
            }
        });
        versions.collect()
    }

    /// Whether a version was made by somebody who had the first one's signature, or had given it.
    fn knew(&self, one: &Candidate, first: &Candidate) -> bool {
        if one.set == first.set {
            return false;
        }
        let by = &self.rows[first.signatures[0]].trace;
        let own = &self.rows[one.signatures[0]].trace;
        one.members.contains(&first.signatures[0])
            || (own.order.device == by.order.device && own.order.seq > by.order.seq)
    }

    /// What had been received before a version's signature and would have belonged into it.
    fn left_out(&self, one: &Candidate, own: usize) -> BTreeMap<PersonId, u64> {
        let mut left_out = BTreeMap::new();
        let signed = self.rows[own].trace;
        for (n, row) in self.rows.iter().enumerate() {
            let is_before = match (row.trace.received, signed.received) {
                (Some(row), Some(signed)) => row < signed,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if is_before && !one.members.contains(&n) && is_content(row) {
                *left_out.entry(row.trace.author).or_default() += 1;
            }
        }
        left_out
    }
}

/// Folds a set of rows by itself, in the order that their hashes fix. No receipt, settlement or other signature goes into it.
fn fold_set(empty: &RecordState, rows: &[Row], members: &BTreeSet<usize>) -> RecordState {
    let mut ordered: Vec<&Row> = members.iter().map(|n| &rows[*n]).collect();
    ordered.sort_by_key(|row| row.claimed_order());
    let mut state = empty.clone();
    for row in ordered {
        let is_about_versions = matches!(row.event, Ok(Event::Signed(_) | Event::Settled { .. }));
        if !is_about_versions {
            let mut row = row.clone();
            row.trace.order.at = row.trace.claimed;
            state.take_row(row);
        }
    }
    state
}

/// Whether an entry would change what is signed.
fn is_content(row: &Row) -> bool {
    match &row.event {
        Ok(Event::Set { field, .. }) => !fields::is_open_after_signing(field),
        Ok(Event::Attached { place, .. }) => !fields::is_open_after_signing(place),
        Ok(Event::Opened { .. } | Event::Detached { .. }) => true,
        _ => false,
    }
}

/// Whoever wrote in a version, signed it, or is named as an inspector in it.
fn people(
    rows: &[Row],
    members: &BTreeSet<usize>,
    signatures: &[usize],
    state: &RecordState,
) -> BTreeSet<PersonId> {
    let wrote = members
        .iter()
        .chain(signatures)
        .map(|n| rows[*n].trace.author);
    let signed = signatures.iter().filter_map(|n| match &rows[*n].event {
        Ok(Event::Signed(signature)) => signature.person,
        _ => None,
    });
    let inspectors = state.value("inspectors").and_then(Value::as_array);
    let named = inspectors
        .into_iter()
        .flatten()
        .filter_map(|one| one["person"].as_str()?.parse().ok());
    wrote.chain(signed).chain(named).collect()
}

impl Version {
    /// The entry of the signature that made it.
    pub fn signature(&self) -> EntryId {
        self.first.0.name()
    }
}
