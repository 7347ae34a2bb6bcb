//! Chance that falls the same way for the same seed.

/// Dice (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice of one of several who start from the same seed.
    pub(crate) fn new(seed: u64, who: u64) -> Self {
        Self(seed ^ who.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    pub(crate) fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to but not including `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.any() % end.max(1)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn in_hundred(&mut self, cases: u64) -> bool {
        self.below(100) < cases
    }
}
