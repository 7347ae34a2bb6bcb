//! Slowing down those who try enrolment codes.

use std::{collections::HashMap, net::IpAddr};

use parking_lot::Mutex;

/// Failures that one address may have in a minute. A bureau's computers may share one address, but they do not all mistype.
const PER_ADDRESS: u32 = 10;
/// Failures that all together may have in a minute. At this rate forty random bits last for thousands of years.
const ALL: u32 = 200;
const MINUTE_MS: u64 = 60_000;

/// Failed attempts of the running minute.
#[derive(Default)]
pub(super) struct Attempts {
    window: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    begun_ms: u64,
    all: u32,
    by_address: HashMap<IpAddr, u32>,
}

impl Attempts {
    /// Whether one more attempt from this address is listened to.
    pub(super) fn may_try(&self, address: IpAddr, now_ms: u64) -> bool {
        let mut window = self.window.lock();
        if now_ms.abs_diff(window.begun_ms) >= MINUTE_MS {
            *window = Window {
                begun_ms: now_ms,
                ..Window::default()
            };
        }
        window.all < ALL
            && window
                .by_address
                .get(&address)
                .is_none_or(|failures| *failures < PER_ADDRESS)
    }

    /// Counts a failure.
    pub(super) fn failed(&self, address: IpAddr) {
        let mut window = self.window.lock();
        window.all += 1;
        // Bounded by `ALL`: nothing is counted once no attempt is listened to.
        *window.by_address.entry(address).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_guesses_is_soon_not_listened_to_and_others_still_are() {
        let attempts = Attempts::default();
        let (guesser, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..PER_ADDRESS {
            assert!(attempts.may_try(guesser, 1_000_000));
            attempts.failed(guesser);
        }
        assert!(!attempts.may_try(guesser, 1_000_000));
        assert!(attempts.may_try(other, 1_000_000));
        assert!(
            attempts.may_try(guesser, 1_000_000 + MINUTE_MS),
            "after a minute he may try again"
        );
    }
}
