//! Whom it concerns that others have seen what was written: those who wrote it.
//!
//! Whoever reads a channel tells by that how far somebody has it. Were all readers told, each would ask once more for nothing. What is
//! remembered is bounded, and lost with the process: a notice may be lost, and the next round finds what it was about.

use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;
use shicha_domain::{Channel, PersonId};

/// Channels that are remembered.
const CHANNELS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
/// People who wait in one of them.
const PEOPLE: usize = 32;

/// Who waits to hear that others have seen what they wrote, with the number up to which.
pub(super) struct Awaiting(Mutex<LruCache<Channel, Vec<(PersonId, u64)>>>);

impl Awaiting {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(CHANNELS)))
    }

    /// Somebody wrote to these channels, and no number of theirs is above this one.
    pub(super) fn wrote(&self, person: PersonId, channels: &[Channel], upto: u64) {
        let mut awaiting = self.0.lock();
        for channel in channels {
            // What is public is nobody's to wait for.
            if matches!(channel, Channel::Pub(_)) {
                continue;
            }
            let people = awaiting.get_or_insert_mut(channel.clone(), Vec::new);
            people.retain(|(who, _)| *who != person);
            if people.len() >= PEOPLE {
                people.remove(0);
            }
            people.push((person, upto));
        }
    }

    /// Somebody has a channel up to a number: who wants to hear of it. Who has nothing beyond it waits no more.
    pub(super) fn seen<'a>(
        &self,
        by: PersonId,
        cursors: impl IntoIterator<Item = (&'a Channel, &'a u64)>,
    ) -> Vec<PersonId> {
        let mut awaiting = self.0.lock();
        let mut told = Vec::new();
        for (channel, number) in cursors {
            let Some(people) = awaiting.get_mut(channel) else {
                continue;
            };
            told.extend(people.iter().map(|(who, _)| *who).filter(|who| *who != by));
            people.retain(|(who, upto)| *who == by || upto > number);
        }
        told.sort_unstable();
        told.dedup();
        told
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use uuid::Uuid;

    use super::*;

    #[test]
    fn who_wrote_is_told_until_all_of_it_was_seen_and_nobody_else_is() {
        let awaiting = Awaiting::new();
        let person = |n| PersonId(Uuid::from_u128(n));
        let own: Channel = "own/320703".parse().unwrap();
        let public: Channel = "pub/320703".parse().unwrap();
        awaiting.wrote(person(1), &[own.clone(), public.clone()], 7);
        awaiting.wrote(person(2), std::slice::from_ref(&own), 9);
        let seen = |by, number| awaiting.seen(person(by), [(&own, &number), (&public, &number)]);
        assert_eq!(seen(2, 9), [person(1)], "not by oneself");
        assert_eq!(seen(3, 8), [person(2)], "the first knows all");
        assert_eq!(seen(3, 9), [person(2)]);
        assert_eq!(seen(3, 9), []);
    }
}
