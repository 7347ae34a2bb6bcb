//! How often others may try: enough for people, too little for a program.

use std::{
    collections::VecDeque,
    net::IpAddr,
    time::{Duration, Instant},
};

const WINDOW: Duration = Duration::from_secs(60);
/// How many addresses' worth of attempts are allowed in all.
const ADDRESSES: usize = 4;

/// Attempts of the last minute.
#[derive(Debug)]
pub(super) struct Attempts {
    each: usize,
    lately: VecDeque<(Instant, IpAddr)>,
}

impl Attempts {
    /// So many in a minute from one address, and four times as many from all.
    pub(super) fn new(each: usize) -> Self {
        Self {
            each,
            lately: VecDeque::new(),
        }
    }

    /// Counts an attempt, if there may be one.
    pub(super) fn allow(&mut self, from: IpAddr, now: Instant) -> bool {
        while self
            .lately
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW)
        {
            self.lately.pop_front();
        }
        let of_this = self
            .lately
            .iter()
            .filter(|(_, other)| *other == from)
            .count();
        if of_this >= self.each || self.lately.len() >= self.each * ADDRESSES {
            return false;
        }
        self.lately.push_back((now, from));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_tries_too_often_waits_and_does_not_keep_others_out() {
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let mut attempts = Attempts::new(3);
        let now = Instant::now();
        assert_eq!((0..5).filter(|_| attempts.allow(one, now)).count(), 3);
        assert!(attempts.allow(other, now));
        assert!(!attempts.allow(one, now + Duration::from_secs(59)));
        assert!(attempts.allow(one, now + WINDOW));
        let many = (0..250).filter(|n| attempts.allow(IpAddr::from([10, 0, 1, *n]), now + WINDOW));
        assert_eq!(
            many.count(),
            3 * ADDRESSES - 1,
            "all together have a limit too"
        );
    }
}
