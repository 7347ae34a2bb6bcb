//! Bounds: between which two moments of the endpoint's clock an entry was made, what a claimed time is against them, and how the
//! endpoint finds the earlier of the two.
//!
//! Invariant 6, both bounds are in one receipt: the receipt that an entry's number came with says *since* and *received*, and whether its
//! device was in touch meanwhile without telling an end. Whoever may read the entry computes the same, and no claim fits without a width.

use serde::{Deserialize, Serialize};

use crate::{hlc::Hlc, receipt::Receipt};

/// How far a laptop's clock may run off the endpoint's before a claimed time counts as outside its bounds, in ms.
pub const CLOCK_SLACK_MS: u64 = 5 * 60 * 1000;
/// How long a device may be in touch without telling an end before that is held against what it claims of the time before, in ms: an end
/// is told every ten minutes.
pub const UNTOLD_MS: u64 = 15 * 60 * 1000;
/// Entries whose earlier bounds lie no further apart than this share the earlier one, in ms.
pub const SHARED_MS: u64 = 60 * 1000;
/// How far the endpoint's clock may lie behind its newest receipt and be run past it, in ms. By more, it takes nothing.
pub const CLOCK_BEHIND_MS: u64 = 5 * 60 * 1000;

/// The moments between which an entry was made, by the receipt that its number came with; Unix ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Bounds {
    /// Not before.
    pub since_ms: u64,
    /// Not after.
    pub received_ms: u64,
    /// When the device was last in touch before the session in which it was received; none where it was not.
    pub seen_ms: Option<u64>,
}

/// What a claimed time is against its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// Not contradicted, within the width of the bounds.
    Within,
    /// Claimed for a time before the device was last in touch; it could have told an end then and did not.
    Unproved,
    /// Claimed earlier than can be: contradicted, back-dated 倒签.
    BackDated,
    /// Claimed later than can be: contradicted, the clock ran ahead.
    AheadOfTime,
    /// There is no receipt for it here yet, so nothing can be said.
    NotReceived,
}

impl From<&Receipt> for Bounds {
    fn from(receipt: &Receipt) -> Self {
        Self {
            since_ms: receipt.since_ms,
            received_ms: receipt.received_at_ms,
            seen_ms: receipt.seen_ms,
        }
    }
}

impl Bounds {
    /// How far apart they are, in ms: within this nothing is known.
    pub fn width_ms(self) -> u64 {
        self.received_ms.saturating_sub(self.since_ms)
    }

    /// Holds a claimed time against the bounds.
    pub fn judge(self, at: Hlc) -> Claim {
        let at = at.ms();
        let untold = |seen: u64| at < seen && seen > self.since_ms.saturating_add(UNTOLD_MS);
        if at.saturating_add(CLOCK_SLACK_MS) < self.since_ms {
            Claim::BackDated
        } else if at > self.received_ms.saturating_add(CLOCK_SLACK_MS) {
            Claim::AheadOfTime
        } else if self.seen_ms.is_some_and(untold) {
            Claim::Unproved
        } else {
            Claim::Within
        }
    }

    /// The later bound, which never lies before the earlier one.
    fn last_ms(self) -> u64 {
        self.received_ms.max(self.since_ms)
    }

    /// A moment that a person stated in an entry claimed for `at`, such as the begin of a visit, before it orders anything. It may lie long
    /// before the entry, because what was noted on paper is entered later, but not after it was received. Where the clock that it was read
    /// from is contradicted, it is brought into both bounds.
    pub fn clamp_stated(self, at: Hlc, stated_ms: u64) -> u64 {
        let is_contradicted = matches!(self.judge(at), Claim::BackDated | Claim::AheadOfTime);
        let first = if is_contradicted { self.since_ms } else { 0 };
        stated_ms.clamp(first, self.last_ms())
    }

    /// A claimed time brought into the bounds, before it orders anything that was received (invariant 13, a claim orders nothing that was
    /// received).
    #[must_use]
    pub fn clamp(self, at: Hlc) -> Hlc {
        let (first, last) = (self.since_ms, self.last_ms());
        if at.ms() < first {
            Hlc::from_ms(first)
        } else if at.ms() > last {
            Hlc::from_ms(last)
        } else {
            at
        }
    }
}

/// A claimed time brought into its bounds, where these are known yet.
pub fn bounded(bounds: Option<Bounds>, at: Hlc) -> Hlc {
    bounds.map_or(at, |bounds| bounds.clamp(at))
}

/// What a claimed time is where the bounds may not be known yet.
pub fn judge(bounds: Option<Bounds>, at: Hlc) -> Claim {
    bounds.map_or(Claim::NotReceived, |bounds| bounds.judge(at))
}

/// A run of entries that get one receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// How many entries.
    pub entries: usize,
    /// The earlier bound of all of them, Unix ms.
    pub since_ms: u64,
}

/// Parts entries into runs of one earlier bound each; `since` gives the earlier bound of each entry in their order. Bounds up to
/// [`SHARED_MS`] apart share the earlier one.
pub fn runs(since: impl IntoIterator<Item = u64>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for since_ms in since {
        match runs.last_mut() {
            Some(run)
                if (run.since_ms..=run.since_ms.saturating_add(SHARED_MS)).contains(&since_ms) =>
            {
                run.entries += 1;
            }
            _ => runs.push(Run {
                entries: 1,
                since_ms,
            }),
        }
    }
    runs
}

/// The latest time that a receipt can bear which was given before the endpoint's clock showed this, Unix ms: a clock that lies behind a
/// little is run past.
pub fn latest_possible(clock_ms: u64) -> u64 {
    clock_ms.saturating_add(CLOCK_BEHIND_MS)
}

/// When the last of `count` receipts is given that rise by milliseconds and are all later than `newest_ms`, the newest before them; Unix
/// ms. None where the clock lies so far behind that it must be wrong, or was.
pub fn received(clock_ms: u64, newest_ms: u64, count: u64) -> Option<u64> {
    if newest_ms > latest_possible(clock_ms) {
        return None;
    }
    Some(clock_ms.max(newest_ms.saturating_add(count)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: u64 = 86_400_000;
    const MINUTE: u64 = 60_000;

    fn bounds(seen_ms: Option<u64>) -> Bounds {
        Bounds {
            since_ms: 10 * DAY,
            received_ms: 20 * DAY,
            seen_ms,
        }
    }

    #[test]
    fn a_claim_outside_the_bounds_is_contradicted_and_one_inside_is_within_their_width() {
        let judged = |at| bounds(None).judge(Hlc::from_ms(at));
        assert_eq!(judged(1), Claim::BackDated);
        assert_eq!(judged(10 * DAY - 6 * MINUTE), Claim::BackDated);
        assert_eq!(judged(10 * DAY - 4 * MINUTE), Claim::Within, "slack");
        assert_eq!(judged(15 * DAY), Claim::Within);
        assert_eq!(judged(20 * DAY + 4 * MINUTE), Claim::Within, "slack");
        assert_eq!(judged(20 * DAY + 6 * MINUTE), Claim::AheadOfTime);
        assert_eq!(bounds(None).width_ms(), 10 * DAY);
    }

    #[test]
    fn a_claim_from_before_the_device_was_in_touch_is_unproved_unless_that_was_right_after() {
        let judged = |seen, at| bounds(Some(seen)).judge(Hlc::from_ms(at));
        assert_eq!(judged(18 * DAY, 12 * DAY), Claim::Unproved);
        assert_eq!(judged(18 * DAY, 19 * DAY), Claim::Within);
        assert_eq!(judged(18 * DAY, 9 * DAY), Claim::BackDated);
        assert_eq!(judged(10 * DAY + 14 * MINUTE, 10 * DAY + 1), Claim::Within);
        assert_eq!(judged(9 * DAY, 12 * DAY), Claim::Within, "long before");
    }

    #[test]
    fn without_a_receipt_nothing_is_said_of_a_claim() {
        assert_eq!(judge(None, Hlc::from_ms(1)), Claim::NotReceived);
    }

    #[test]
    fn a_claimed_time_is_brought_into_its_bounds_and_else_stays_as_it_is() {
        let inside = Hlc((15 * DAY) << 16 | 7);
        assert_eq!(bounds(None).clamp(inside), inside);
        assert_eq!(bounds(None).clamp(Hlc::from_ms(1)), Hlc::from_ms(10 * DAY));
        assert_eq!(
            bounds(None).clamp(Hlc::from_ms(4_102_444_800_000)),
            Hlc::from_ms(20 * DAY)
        );
    }

    #[test]
    fn a_stated_moment_may_lie_before_the_entry_unless_its_clock_is_contradicted_and_never_after_it_was_received()
     {
        let stated = |at, stated| bounds(None).clamp_stated(Hlc::from_ms(at), stated);
        assert_eq!(stated(15 * DAY, 3 * DAY), 3 * DAY, "entered from paper");
        assert_eq!(stated(15 * DAY, 4_102_444_800_000), 20 * DAY);
        assert_eq!(stated(1, 1), 10 * DAY, "the clock stood in 1970");
        assert_eq!(
            stated(4_102_444_800_000, 4_102_444_800_000),
            20 * DAY,
            "the clock stood in 2100"
        );
    }

    #[test]
    fn a_clock_a_little_behind_is_run_past_and_one_further_behind_gives_nothing() {
        assert_eq!(received(1_000, 500, 1), Some(1_000));
        assert_eq!(received(1_000, 1_000, 3), Some(1_003));
        let newest = 1_000 + CLOCK_BEHIND_MS;
        assert_eq!(received(1_000, newest, 1), Some(newest + 1));
        assert_eq!(received(1_000, newest + 1, 1), None);
    }

    proptest! {
        #[test]
        fn no_entry_gets_an_earlier_bound_that_is_later_than_its_own_or_more_than_a_minute_earlier(
            since in proptest::collection::vec(0..400_000_u64, 0..60), rises in any::<bool>()
        ) {
            let mut since = since;
            if rises {
                since.sort_unstable();
            }
            let runs = runs(since.iter().copied());
            let given: Vec<u64> = runs
                .iter()
                .flat_map(|run| std::iter::repeat_n(run.since_ms, run.entries))
                .collect();
            prop_assert_eq!(given.len(), since.len());
            for (own, given) in since.iter().zip(&given) {
                prop_assert!(given <= own && own - given <= SHARED_MS);
            }
        }

        #[test]
        fn receipts_rise_whatever_the_clock_does(clocks in proptest::collection::vec(0..1_000_000_u64, 1..60), count in 1..5_u64) {
            let mut newest = 0;
            for clock in clocks {
                if let Some(last) = received(clock, newest, count) {
                    prop_assert!(last + 1 - count > newest || newest == 0);
                    prop_assert!(last >= clock);
                    newest = last;
                }
            }
        }

        #[test]
        fn what_was_brought_into_its_bounds_is_never_contradicted(since in 0..DAY, width in 0..DAY, at in any::<u64>()) {
            let bounds = Bounds { since_ms: since, received_ms: since + width, seen_ms: None };
            prop_assert_eq!(bounds.judge(bounds.clamp(Hlc(at))), Claim::Within);
        }
    }
}
