//! The exact set of entries that a signature covers: making it, and finding it again.
//!
//! Invariant 1, pinned: the set is named by the hash of its entries' names, so that it can only be what existed when it was signed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest as _, Sha256};

use super::row::Row;
use crate::{
    event::{Pin, Place},
    ids::{DeviceId, EntryId, SetHash},
    receipt::Rank,
    suite::Suite,
};

/// How many ways of dividing a log that has parted are tried before a set counts as incomplete.
const MOST_DIVISIONS: usize = 16;

/// The rows of a record by the place that each has in the logs of its device, for finding sets of them.
pub(super) struct Places<'r> {
    rows: &'r [Row],
    by_name: HashMap<EntryId, usize>,
    by_past: BTreeMap<(DeviceId, DeviceId), Vec<usize>>,
}

impl<'r> Places<'r> {
    pub(super) fn new(rows: &'r [Row]) -> Self {
        let mut by_name = HashMap::with_capacity(rows.len());
        let mut by_past: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (n, row) in rows.iter().enumerate() {
            by_name.insert(row.trace.entry, n);
            by_past.entry(row.past()).or_default().push(n);
        }
        for of_past in by_past.values_mut() {
            of_past.sort_by_key(|n| (rows[*n].trace.order.seq, rows[*n].trace.entry));
        }
        Self {
            rows,
            by_name,
            by_past,
        }
    }

    pub(super) fn find(&self, name: EntryId) -> Option<usize> {
        self.by_name.get(&name).copied()
    }

    /// The pin of all rows that `is_covered` lets through: what a signature given now covers.
    pub(super) fn pin(&self, is_covered: impl Fn(&Row) -> bool) -> Pin {
        let covered: BTreeSet<usize> = (0..self.rows.len())
            .filter(|n| is_covered(&self.rows[*n]))
            .collect();
        let covers = self
            .by_past
            .values()
            .filter_map(|of_past| of_past.iter().rev().find(|n| covered.contains(n)))
            .map(|n| self.place(*n))
            .collect();
        Pin {
            covers,
            count: covered.len() as u64,
            set: self.hash(&covered),
        }
    }

    fn place(&self, n: usize) -> Place {
        let trace = &self.rows[n].trace;
        Place(trace.order.device, trace.order.seq, trace.entry)
    }

    /// The rows that a pin names, where exactly these are here; otherwise how many of them are here at most.
    pub(super) fn members(&self, pin: &Pin, own: usize) -> Result<BTreeSet<usize>, u64> {
        self.members_among(pin, own, None).or_else(|held| {
            let when = self.received_with(pin, own).ok_or(held)?;
            self.members_among(pin, own, Some(when)).map_err(|_| held)
        })
    }

    /// When the endpoint had received a signature and the last places that it covers: by then it had all of the set, if it ever did. What
    /// is said later to have stood among these places (written again, brought by a colleague, released) takes no set apart that was whole
    /// before (invariant 4, what was received first counts).
    fn received_with(&self, pin: &Pin, own: usize) -> Option<Rank> {
        let covered = pin.covers.iter().map(|place| self.find(place.name()));
        let ranks = covered.map(|n| self.rows[n?].trace.received);
        let own = self.rows.get(own)?.trace.received;
        ranks
            .chain([own])
            .collect::<Option<Vec<Rank>>>()?
            .into_iter()
            .max()
    }

    /// The same among the rows that were received until then; `None`: among all.
    fn members_among(
        &self,
        pin: &Pin,
        own: usize,
        until: Option<Rank>,
    ) -> Result<BTreeSet<usize>, u64> {
        let mut found: BTreeSet<usize> = BTreeSet::new();
        let mut divided: Vec<Vec<usize>> = Vec::new();
        for place in &pin.covers {
            let Some(last) = self.find(place.name()) else {
                found.extend(self.upto((place.0, place.0), place.1, until));
                continue;
            };
            let past = self.rows[last].past();
            let seq = self.rows[last].trace.order.seq;
            found.extend(self.upto(past, seq, until));
            if past.0 != past.1 {
                divided.push(self.before_parting(past, until));
            }
        }
        // A signature never covers itself (invariant 1).
        found.remove(&own);
        if self.is_pinned(pin, &found) {
            return Ok(found);
        }
        // A log that parted: what stands before the parting belongs to the set too. Where it parted, the hash of the set tells.
        let certain = found.clone();
        found.extend(divided.iter().flatten());
        found.remove(&own);
        let later_first = divided.iter().flat_map(|before| before.iter().rev());
        for n in later_first
            .filter(|n| !certain.contains(n))
            .take(MOST_DIVISIONS)
        {
            if self.is_pinned(pin, &found) {
                break;
            }
            found.remove(n);
        }
        if self.is_pinned(pin, &found) {
            return Ok(found);
        }
        Err((certain.len() as u64).min(pin.count))
    }

    fn is_pinned(&self, pin: &Pin, found: &BTreeSet<usize>) -> bool {
        found.len() as u64 == pin.count && self.hash(found) == pin.set
    }

    /// What stands in a log, of one past, up to a place, of what was received until a moment.
    fn upto(&self, past: (DeviceId, DeviceId), seq: u64, until: Option<Rank>) -> Vec<usize> {
        let of_past = self.by_past.get(&past).map_or(&[][..], Vec::as_slice);
        let end = of_past.partition_point(|n| self.rows[*n].trace.order.seq <= seq);
        let is_there = |n: &usize| self.was_there(*n, until);
        of_past[..end].iter().copied().filter(is_there).collect()
    }

    fn was_there(&self, n: usize, until: Option<Rank>) -> bool {
        let received = self.rows[n].trace.received;
        until.is_none_or(|until| received.is_some_and(|received| received <= until))
    }

    /// What the log itself has before the first place that was written again, from its beginning on.
    fn before_parting(
        &self,
        past @ (_, device): (DeviceId, DeviceId),
        until: Option<Rank>,
    ) -> Vec<usize> {
        let again = self.by_past.get(&past).into_iter().flatten();
        let first = again.copied().find(|n| self.was_there(*n, until));
        let first = first.map_or(0, |n| self.rows[n].trace.order.seq);
        self.upto((device, device), first.saturating_sub(1), until)
    }

    /// The name of a set: SHA-256 of a label, the number of the algorithms, and the entries' names by device and place.
    fn hash(&self, set: &BTreeSet<usize>) -> SetHash {
        let mut ordered: Vec<usize> = set.iter().copied().collect();
        ordered.sort_by_key(|n| {
            let trace = &self.rows[*n].trace;
            (trace.order.device, trace.order.seq, trace.entry)
        });
        let mut hash = Sha256::new();
        hash.update(b"shicha-set-1\0");
        hash.update([Suite::First.number()]);
        for n in ordered {
            hash.update(self.rows[n].trace.entry.0);
        }
        SetHash(hash.finalize().into())
    }
}
