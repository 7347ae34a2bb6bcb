//! The hybrid logical clock: the laptop's wall clock, made to run forwards.
//!
//! After Kulkarni et al., "Logical Physical Clocks" (2014): 48 bits of Unix milliseconds and a 16-bit counter. Order between
//! causally related values does not rest on it (events name what they replace), so a clock that was wrong once may be put
//! right: when the wall clock lies more than [`RESTART_MS`] behind, time starts again from it and the claimed times stay honest.

use serde::{Deserialize, Serialize};

/// How far the wall clock may lie behind the last time given before time starts again from the wall clock, in ms.
pub const RESTART_MS: u64 = 60 * 60 * 1000;

/// A point of hybrid logical time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The first point of a millisecond, counted from the Unix epoch.
    pub const fn from_ms(unix_ms: u64) -> Self {
        Self(unix_ms << 16)
    }

    /// The wall-clock part, in Unix milliseconds.
    pub const fn ms(self) -> u64 {
        self.0 >> 16
    }

    /// The point to give to what happens now, after `self` was the last one given.
    #[must_use]
    pub fn tick(self, wall_ms: u64) -> Self {
        let wall = Self::from_ms(wall_ms);
        if wall > self || self.ms() > wall_ms.saturating_add(RESTART_MS) {
            wall
        } else {
            Self(self.0 + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_forwards_while_the_clock_stands_still_or_slips() {
        let first = Hlc::default().tick(1_000_000_000);
        let second = first.tick(1_000_000_000);
        let third = second.tick(1_000_000_000 - 5_000);
        assert!(first < second && second < third);
    }

    #[test]
    fn a_clock_that_was_a_year_ahead_can_be_put_right() {
        let ahead = Hlc::default().tick(2_000_000_000_000);
        let right = ahead.tick(2_000_000_000_000 - 365 * 86_400_000);
        assert_eq!(right.ms(), 2_000_000_000_000 - 365 * 86_400_000);
    }
}
