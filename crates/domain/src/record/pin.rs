//! The exact set of entries that a signature covers: making it, and finding it again.
//!
//! Invariant 1, pinned: the set is named by the hash of its entries' names, so that it can only be what existed when it was signed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest as _, Sha256};

use super::row::Row;
use crate::{
    event::{Pin, Place},
    ids::{DeviceId, EntryId, SetHash},
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
        let mut found: BTreeSet<usize> = BTreeSet::new();
        let mut divided: Vec<Vec<usize>> = Vec::new();
        for place in &pin.covers {
            let Some(last) = self.find(place.name()) else {
                found.extend(self.upto(place.0, place.0, place.1));
                continue;
            };
            let (written_on, device) = self.rows[last].past();
            let seq = self.rows[last].trace.order.seq;
            found.extend(self.upto(written_on, device, seq));
            if written_on != device {
                divided.push(self.before_parting(written_on, device));
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

    fn upto(&self, written_on: DeviceId, device: DeviceId, seq: u64) -> Vec<usize> {
        let of_past = self.by_past.get(&(written_on, device));
        let of_past = of_past.map_or(&[][..], Vec::as_slice);
        let end = of_past.partition_point(|n| self.rows[*n].trace.order.seq <= seq);
        of_past[..end].to_vec()
    }

    /// What the log itself has before the first place that was written again, from its beginning on.
    fn before_parting(&self, written_on: DeviceId, device: DeviceId) -> Vec<usize> {
        let again = self.by_past.get(&(written_on, device));
        let first = again
            .and_then(|again| again.first())
            .map_or(0, |n| self.rows[*n].trace.order.seq);
        self.upto(device, device, first.saturating_sub(1))
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
