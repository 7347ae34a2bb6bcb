//! What is kept of a device's past, and how the bounds of what it sends next follow from it: the same in every store.
//!
//! Invariant: the log is never walked. What counts of it (receipts that it named, ends that it told) is brought into a few figures with
//! each push.

use std::collections::{BTreeSet, HashMap};

use shicha_domain::{
    EntryId, Receipt, ReceiptId,
    bounds::{self, Bounds, Run},
    receipt::Rank,
    suite::SignatureBytes,
};

use super::{Candidate, Pushed, StoreError};

/// How soon after it was last heard of a device's next session belongs to the same stay, in ms. Otherwise a client that opens another
/// session in the middle of sending would be held to have been in touch before and to have told nothing.
const SAME_STAY_MS: u64 = 15 * 60 * 1000;
/// How long a stay lasts at most, in ms: as long as one session.
const STAY_MS: u64 = 60 * 60 * 1000;

/// The least number of the life that begins after a restore: that of the minute, Unix time. Lives that began after the backup was made are
/// lost with what was lost, and their receipts are brought back; so that none has the number of another, theirs must be lower.
pub(super) fn least_life(now_ms: u64) -> u64 {
    now_ms / 60_000
}

/// What is kept of a device's past.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// The endpoint's present life.
    pub life: u64,
    /// The earlier bound of what the device sends next, Unix ms.
    pub since_ms: u64,
    /// The time of its newest receipt in this life, Unix ms.
    pub received_ms: u64,
    /// The name of that receipt, where it may be named.
    pub newest: Option<ReceiptId>,
    /// The name that its log named last.
    pub named: Option<ReceiptId>,
    /// When it was last seen before its present stay, Unix ms.
    pub seen_ms: Option<u64>,
    /// From when to when it was in touch last, Unix ms.
    pub stay: Option<(u64, u64)>,
}

impl Past {
    /// Notes that the device opens a session; `last_ms` is when it last asked something, as far as that is known.
    pub(super) fn begin_session(&mut self, now_ms: u64, last_ms: Option<u64>) {
        let last_ms = last_ms.filter(|last| *last <= now_ms);
        let before = self
            .stay
            .map(|(from, last)| (from, last.max(last_ms.unwrap_or(0))));
        self.stay = Some(match before {
            Some((from, last))
                if now_ms < last.saturating_add(SAME_STAY_MS)
                    && now_ms < from.saturating_add(STAY_MS) =>
            {
                (from, now_ms)
            }
            _ => {
                self.seen_ms = before.map(|(_, last)| last).or(last_ms).or(self.seen_ms);
                (now_ms, now_ms)
            }
        });
    }

    /// When the device was last in touch before what it sends now. What a colleague or a package brings does not come in a session.
    fn seen(&self, now_ms: u64, is_in_session: bool) -> Option<u64> {
        match self.stay {
            Some((_, last)) if !is_in_session && now_ms > last.saturating_add(STAY_MS) => {
                Some(last)
            }
            _ => self.seen_ms,
        }
    }

    /// The names of receipts in these entries that have to be looked up.
    pub(super) fn names(&self, entries: &[Candidate]) -> BTreeSet<ReceiptId> {
        entries
            .iter()
            .filter_map(|candidate| candidate.entry.after)
            .filter(|name| Some(*name) != self.named && Some(*name) != self.newest)
            .collect()
    }

    /// The earlier bound of each entry, in their order; `received` says when receipts of the line were given.
    fn since(&mut self, entries: &[Candidate], received: &HashMap<ReceiptId, u64>) -> Vec<u64> {
        entries
            .iter()
            .map(|candidate| {
                if let Some(name) = candidate.entry.after
                    && Some(name) != self.named
                {
                    let at = if Some(name) == self.newest {
                        Some(self.received_ms)
                    } else {
                        received.get(&name).copied()
                    };
                    self.since_ms = self.since_ms.max(at.unwrap_or(0));
                    self.named = Some(name);
                }
                self.since_ms
            })
            .collect()
    }

    /// Begins to seal new entries, of which there is at least one; `received` as for the names of [`Self::names`].
    pub(super) fn sealing<'p>(
        mut self,
        push: &'p Pushed,
        fresh: &'p [Candidate],
        received: &HashMap<ReceiptId, u64>,
    ) -> Sealing<'p> {
        let runs = bounds::runs(self.since(fresh, received));
        Sealing {
            now_ms: (push.now)(),
            push,
            fresh,
            runs,
            past: self,
        }
    }
}

/// New entries on the way to their receipts.
pub(super) struct Sealing<'p> {
    push: &'p Pushed,
    fresh: &'p [Candidate],
    runs: Vec<Run>,
    /// What will be kept of the device.
    pub(super) past: Past,
    /// The endpoint's clock when the entries got their numbers.
    pub(super) now_ms: u64,
}

impl Sealing<'_> {
    /// Between which moments each of the entries was made, in their order, as far as can be told before they get their receipts.
    pub(super) fn bounds(&self) -> impl Iterator<Item = Bounds> {
        let seen_ms = self.past.seen(self.now_ms, self.push.is_in_session);
        let received_ms = self.now_ms;
        let bounds = self.runs.iter().flat_map(move |run| {
            let bounds = Bounds {
                since_ms: run.since_ms,
                received_ms: received_ms.max(run.since_ms),
                seen_ms,
            };
            std::iter::repeat_n(bounds, run.entries)
        });
        let given = Rank {
            life: self.past.life,
            received_at_ms: received_ms,
        };
        (bounds.zip(self.fresh)).map(move |(bounds, candidate)| {
            let older = self.push.brought.oldest(candidate.entry.seq, given);
            older.map_or(bounds, |(_, receipt)| Bounds::from(receipt))
        })
    }

    /// The entries were judged and get their numbers now: others may have been waited for meanwhile.
    pub(super) fn judged(&mut self) {
        self.now_ms = (self.push.now)();
    }

    /// How many receipts there will be.
    pub(super) fn count(&self) -> u64 {
        self.runs.len() as u64
    }

    /// What the receipts must be later than for the device's sake.
    pub(super) fn floor_ms(&self) -> u64 {
        self.past.received_ms.max(self.past.since_ms)
    }

    /// When the last of the receipts is given, if the newest receipt that they must be later than is of `newest_ms`.
    ///
    /// # Errors
    /// [`StoreError::ClockBehind`].
    pub(super) fn received_ms(&self, newest_ms: u64) -> Result<u64, StoreError> {
        let newest_ms = newest_ms.max(self.floor_ms());
        bounds::received(self.now_ms, newest_ms, self.count()).ok_or(StoreError::ClockBehind {
            behind_ms: newest_ms.saturating_sub(self.now_ms),
        })
    }

    /// The receipts, for each how many entries it is for: the last is given at `last_ms`, and those before it a millisecond apart.
    pub(super) fn receipts(
        &mut self,
        refused: &[(u64, String)],
        last_ms: u64,
    ) -> Vec<(Receipt, usize)> {
        let seen_ms = self.past.seen(self.now_ms, self.push.is_in_session);
        let mut rest = self.fresh;
        let mut receipts = Vec::with_capacity(self.runs.len());
        for (n, run) in self.runs.iter().enumerate() {
            let (of_run, after) = rest.split_at(run.entries.min(rest.len()));
            rest = after;
            let (Some(first), Some(last)) = (of_run.first(), of_run.last()) else {
                continue;
            };
            let (from, seq) = (first.entry.seq, last.entry.seq);
            let receipt = Receipt {
                life: self.past.life,
                device: last.entry.device,
                from,
                seq,
                head: last.id,
                received_at_ms: last_ms - (self.runs.len() - 1 - n) as u64,
                since_ms: run.since_ms,
                seen_ms,
                refused: (refused.iter())
                    .map(|(place, _)| *place)
                    .filter(|place| (from..=seq).contains(place))
                    .collect(),
                signature: SignatureBytes::NONE,
            };
            receipts.push(((self.push.seal)(receipt), of_run.len()));
        }
        self.past.received_ms = last_ms;
        self.past.newest = receipts.last().map(|(receipt, _)| receipt.id());
        if let (true, Some((from, _))) = (self.push.is_in_session, self.past.stay) {
            self.past.stay = Some((from, self.now_ms));
        }
        receipts
    }
}

/// An end of its log that a device told: its signature, its tick and whose it is were proved (invariant 7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldEnd {
    /// The endpoint's tick that the device held.
    pub tick_ms: u64,
    /// The last place of its log then.
    pub seq: u64,
    /// The entry there.
    pub head: EntryId,
    /// The device's signature over [`shicha_domain::receipt::end_bytes`].
    pub signature: SignatureBytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    #[test]
    fn sessions_that_follow_closely_are_one_stay_for_no_longer_than_an_hour() {
        let mut past = Past::default();
        past.begin_session(1_000 * MINUTE, None);
        assert_eq!(
            (past.seen_ms, past.seen(1_000 * MINUTE, true)),
            (None, None)
        );
        past.begin_session(1_010 * MINUTE, Some(1_009 * MINUTE));
        assert_eq!(past.seen_ms, None, "the same stay");
        for minutes in [1_024, 1_038, 1_052] {
            past.begin_session(minutes * MINUTE, None);
        }
        assert_eq!(past.seen_ms, None);
        past.begin_session(1_061 * MINUTE, Some(1_060 * MINUTE));
        assert_eq!(past.seen_ms, Some(1_060 * MINUTE), "longer than an hour");
        past.begin_session(3_000 * MINUTE, None);
        assert_eq!(past.seen_ms, Some(1_061 * MINUTE), "the next day");
    }

    #[test]
    fn what_a_colleague_brings_later_counts_from_when_the_device_was_last_in_touch() {
        let mut past = Past::default();
        past.begin_session(1_000 * MINUTE, None);
        past.begin_session(2_000 * MINUTE, None);
        assert_eq!(past.seen(2_001 * MINUTE, true), Some(1_000 * MINUTE));
        assert_eq!(
            past.seen(2_001 * MINUTE, false),
            Some(1_000 * MINUTE),
            "at the same time"
        );
        assert_eq!(past.seen(5_000 * MINUTE, false), Some(2_000 * MINUTE));
    }
}
