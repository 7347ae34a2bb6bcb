//! A set of row numbers, which are small and dense: what a search or a filter leaves of a list.

/// A set of non-negative numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    pub(crate) fn set(&mut self, id: i64) {
        let Ok(id) = usize::try_from(id) else { return };
        let word = id / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (id % 64);
    }

    pub(crate) fn has(&self, id: i64) -> bool {
        usize::try_from(id)
            .ok()
            .and_then(|id| Some(self.0.get(id / 64)? >> (id % 64) & 1 == 1))
            .unwrap_or(false)
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(crate) fn and(&mut self, other: &Self) {
        self.0.truncate(other.0.len());
        for (word, also) in self.0.iter_mut().zip(&other.0) {
            *word &= also;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.iter().enumerate().flat_map(|(n, word)| {
            (0..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| (n * 64 + bit) as i64)
        })
    }
}

/// Leaves in `set` only what is in `other`, too; `None` is everything.
pub(crate) fn narrow(set: &mut Option<Bits>, other: Bits) {
    match set {
        Some(set) => set.and(&other),
        None => *set = Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(ids: &[i64]) -> Bits {
        let mut bits = Bits::default();
        ids.iter().for_each(|id| bits.set(*id));
        bits
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set = bits(&[0, 1, 64, 700]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 1, 64, 700]);
        assert_eq!(set.count(), 4);
        assert!(set.has(64) && !set.has(65) && !set.has(-1) && !set.has(100_000));
    }

    #[test]
    fn sets_of_different_lengths_are_cut() {
        let mut set = bits(&[1, 500]);
        set.and(&bits(&[1, 2]));
        assert_eq!(set.iter().collect::<Vec<_>>(), [1]);
    }
}
