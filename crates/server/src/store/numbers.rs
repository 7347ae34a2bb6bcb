//! When a device is lent another block of document numbers.
//!
//! A number that is lent and never used is a hole in the bureau's register that nobody can explain. So a device that has a block gets
//! the next one when records with numbers have come from it. A client may ask too early, or lie about what it used: what
//! counts is what the store holds. One that lost its blocks with its database, or goes on under another identity, is not kept waiting
//! for ever: a few blocks a week go to a person without any such sign.

use shicha_domain::number::{ASK_BELOW, BLOCK_SIZE};

use super::StoreError;

/// So many records with a number, received since a block was lent, show that it is used. A device asks when fewer than [`ASK_BELOW`] of
/// its numbers are left; half of what it used by then allows for numbers that were given up, and for records that are still to come.
const USES: u64 = ((BLOCK_SIZE - ASK_BELOW) / 2) as u64;
/// How many blocks a person gets within [`WEEK_MS`] without that, on all devices.
const UNSHOWN: u64 = 4;
const WEEK_MS: u64 = 7 * 86_400_000;
/// How many entries are looked through at most. An inspection has about a hundred.
pub(super) const LOOKED_THROUGH: u64 = 20_000;
/// What the bytes of an event hold that sets the number of a record, before or after it is signed. Which words stand in the number is a
/// matter of packs.
pub(super) const NUMBER: [&[u8]; 2] = [b"\"number\"", b"/number\""];

/// What a store knows of one kind of numbers when a device asks for another block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lent {
    /// When this device was lent a block last, Unix ms.
    pub(super) last_ms: Option<u64>,
    /// Blocks that its person was lent since [`week_before`], on all devices.
    pub(super) of_person: u64,
}

/// The beginning of the time for which blocks of a person count.
pub(super) fn week_before(now_ms: u64) -> u64 {
    now_ms.saturating_sub(WEEK_MS)
}

impl Lent {
    /// Whether another block is lent. `uses` tells how many records with a number came from the device since a moment, Unix ms; it is
    /// asked only where that matters.
    pub(super) fn check(
        self,
        now_ms: u64,
        uses: impl FnOnce(u64) -> Result<u64, StoreError>,
    ) -> Result<(), StoreError> {
        let is_due = self
            .last_ms
            .is_none_or(|last_ms| last_ms <= week_before(now_ms));
        if is_due && self.of_person < UNSHOWN {
            return Ok(());
        }
        match self.last_ms {
            Some(last_ms) if uses(last_ms)? >= USES => Ok(()),
            _ => Err(StoreError::NumbersLeft),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_block_that_is_used_is_followed_by_another_and_one_that_is_not_for_a_week_by_none() {
        let now_ms = 10 * WEEK_MS;
        let may = |last_ms: Option<u64>, of_person, uses| {
            Lent { last_ms, of_person }
                .check(now_ms, |_| Ok(uses))
                .is_ok()
        };
        assert!(may(None, 0, 0), "the first one");
        assert!(may(None, UNSHOWN - 1, 0), "of another identity");
        assert!(!may(None, UNSHOWN, 0), "of yet another one");
        assert!(may(Some(now_ms - 1), UNSHOWN, USES));
        assert!(!may(Some(now_ms - 1), 1, USES - 1));
        assert!(!may(Some(now_ms - WEEK_MS + 1), 1, 0));
        assert!(may(Some(now_ms - WEEK_MS), 1, 0), "it may have lost it");
        assert!(may(Some(now_ms + 5), 1, USES), "a clock that went back");
    }
}
