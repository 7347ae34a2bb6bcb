//! Who holds how much of a channel: the two people who hold most of it are enough to tell anybody how far somebody else has it.

/// The two people who hold most of a channel. Whoever asks, the better of the two who is somebody else tells how far others have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen<P> {
    pub(super) first: (Option<P>, u64),
    pub(super) second: (Option<P>, u64),
}

impl<P: Copy + Eq> Seen<P> {
    pub(super) fn by_others(self, person: P) -> u64 {
        if self.first.0 == Some(person) {
            self.second.1
        } else {
            self.first.1
        }
    }

    /// With what one more person holds; `None` if that changes nothing.
    pub(super) fn with(self, person: P, upto: u64) -> Option<Self> {
        let mut seen = self;
        if seen.first.0 == Some(person) {
            seen.first.1 = seen.first.1.max(upto);
        } else if upto > seen.first.1 {
            seen.second = seen.first;
            seen.first = (Some(person), upto);
        } else if upto > seen.second.1 {
            seen.second = (Some(person), upto);
        }
        (seen != self).then_some(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_has_seen_himself_does_not_count_as_seen_by_others() {
        let mut seen = Seen {
            first: (None, 0),
            second: (None, 0),
        };
        for (person, upto) in [(1, 10), (2, 7), (3, 8), (1, 12), (3, 20), (2, 3)] {
            seen = seen.with(person, upto).unwrap_or(seen);
        }
        assert_eq!(
            seen.by_others(3),
            12,
            "of all but the third, the first holds most"
        );
        assert_eq!(seen.by_others(1), 20);
        assert_eq!(seen.by_others(9), 20);
    }
}
