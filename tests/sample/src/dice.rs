//! Chance that can be repeated.

/// A small generator of numbers (SplitMix64); the same seed gives the same numbers with every version of everything.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Starts from a word: the same word gives the same numbers.
    pub fn of(word: &str) -> Self {
        // FNV-1a.
        Self(word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to but not including `end`; 0 when there is nothing to choose from.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.any() % (end.max(1) as u64)).unwrap_or(0)
    }

    /// From `from` to `to`, both included.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        let span = u64::try_from(to - from + 1).unwrap_or(1);
        from + i64::try_from(self.any() % span).unwrap_or(0)
    }

    /// From 0 to 1.
    pub fn part(&mut self) -> f64 {
        (self.any() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in that part of all cases.
    pub fn chance(&mut self, part: f64) -> bool {
        self.part() < part
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, several: &'a [T]) -> &'a T {
        &several[self.below(several.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let numbers = |mut dice: Dice| [dice.any(), dice.any(), dice.any()];
        assert_eq!(numbers(Dice::of("样本")), numbers(Dice::of("样本")));
        assert_ne!(numbers(Dice::of("样本")), numbers(Dice::of("样例")));
    }

    #[test]
    fn every_number_lies_within_its_bounds() {
        let mut dice = Dice::new(7);
        for _ in 0..1_000 {
            assert!(dice.below(3) < 3);
            assert!((-2..=2).contains(&dice.between(-2, 2)));
            assert!((0.0..1.0).contains(&dice.part()));
        }
    }
}
