//! How often one device, or one address before it says who it is, may ask.
//!
//! A bucket holds as many requests as may come at once and fills again at a steady rate. The limits hold for one process, are far above
//! what a laptop does that comes back after weeks, and are there for a program that asks in a loop. What is remembered is bounded: who
//! was not heard of for long is forgotten, and begins again with a full bucket.

use std::{hash::Hash, num::NonZeroUsize, time::Instant};

use lru::LruCache;
use parking_lot::Mutex;

/// How many are remembered at most, of each kind.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(50_000).unwrap();
/// Whoever is told to wait finds so much of the bucket filled afterwards: one request each time would help nobody.
const WORTH_COMING: f64 = 0.05;
/// The longest that somebody is told to wait, in seconds.
const LONGEST_S: f64 = 60.0;

/// How often somebody may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second, on and on. 0: no limit.
    pub per_s: u32,
    /// Requests at once.
    pub burst: u32,
}

/// The limits of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one device, for everything but evidence.
    pub device: Rate,
    /// Of one device, for parts of evidence.
    pub evidence: Rate,
    /// Of one address, for what is answered without a session. A bureau's laptops may all have the same.
    pub address: Rate,
    /// Open connections.
    pub connections: Connections,
}

/// How many connections may be open. Each device needs two: one for its requests, one for its event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// In all. Beyond them, a few more are taken for the questions of health.
    pub all: usize,
    /// Of one address, in IPv6 of one network of 64 bits. 0: no limit. Proxies whose word is taken have none.
    pub address: usize,
    /// Of one device.
    pub device: usize,
    /// Of one person.
    pub person: usize,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            all: 4_096,
            // Half of them: a whole bureau may share one address.
            address: 2_048,
            device: 32,
            person: 64,
        }
    }
}

impl Limits {
    /// Limits that follow from requests a second of a device, and of an address; connections as usual.
    pub fn new(device: u32, address: u32) -> Self {
        Self {
            device: Rate {
                per_s: device,
                burst: device.saturating_mul(30),
            },
            evidence: Rate {
                per_s: device.saturating_mul(10),
                burst: device.saturating_mul(150),
            },
            address: Rate {
                per_s: address,
                burst: address.saturating_mul(60),
            },
            connections: Connections::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(20, 100)
    }
}

struct Bucket {
    left: f64,
    at_ms: u64,
}

/// Buckets of one kind.
pub(super) struct Buckets<K: Hash + Eq> {
    rate: Rate,
    begun: Instant,
    held: Mutex<LruCache<K, Bucket>>,
}

impl<K: Hash + Eq> Buckets<K> {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            begun: Instant::now(),
            held: Mutex::new(LruCache::unbounded()),
        }
    }

    /// Takes one request out of the bucket; where it is empty, in how many seconds to come again.
    pub(super) fn take(&self, key: K) -> Result<(), u64> {
        let now_ms = self.begun.elapsed().as_millis() as u64;
        self.take_at(key, now_ms)
    }

    fn take_at(&self, key: K, now_ms: u64) -> Result<(), u64> {
        let Rate { per_s, burst } = self.rate;
        if per_s == 0 {
            return Ok(());
        }
        let (per_s, burst) = (f64::from(per_s), f64::from(burst.max(1)));
        let mut held = self.held.lock();
        let bucket = held.get_or_insert_mut(key, || Bucket {
            left: burst,
            at_ms: now_ms,
        });
        let passed_s = now_ms.saturating_sub(bucket.at_ms) as f64 / 1_000.0;
        bucket.left = (bucket.left + passed_s * per_s).min(burst);
        bucket.at_ms = now_ms;
        let answer = if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            Ok(())
        } else {
            let lacking = (burst * WORTH_COMING).max(1.0) - bucket.left;
            Err((lacking / per_s).ceil().clamp(1.0, LONGEST_S) as u64)
        };
        while held.len() > REMEMBERED.get() {
            held.pop_lru();
        }
        answer
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SMALL: Rate = Rate {
        per_s: 2,
        burst: 10,
    };

    #[test]
    fn a_loop_is_slowed_to_its_rate_and_others_are_not() {
        let buckets = Buckets::new(SMALL);
        let taken = (0..1_000_u64)
            .filter(|n| buckets.take_at("loop", n * 10).is_ok())
            .count();
        assert!(
            (28..=30).contains(&taken),
            "10 at once and 2 a second: {taken}"
        );
        assert_eq!(buckets.take_at("other", 9_990), Ok(()));
    }

    #[test]
    fn whoever_waits_as_long_as_told_is_heard_again() {
        let buckets = Buckets::new(SMALL);
        let mut now_ms = 0;
        for _ in 0..10 {
            while buckets.take_at(1, now_ms).is_ok() {}
            let wait_s = buckets.take_at(1, now_ms).unwrap_err();
            assert!((1..=60).contains(&wait_s));
            now_ms += wait_s * 1_000;
            assert_eq!(buckets.take_at(1, now_ms), Ok(()));
        }
    }

    #[test]
    fn no_crowd_takes_more_than_its_share_of_memory() {
        let buckets = Buckets::new(SMALL);
        for n in 0..2 * REMEMBERED.get() {
            assert_eq!(buckets.take_at(n, 0), Ok(()));
        }
        assert_eq!(buckets.held.lock().len(), REMEMBERED.get());
    }

    #[test]
    fn without_a_rate_there_is_no_limit() {
        let buckets = Buckets::new(Rate { per_s: 0, burst: 0 });
        assert!((0..10_000).all(|_| buckets.take_at(1, 0).is_ok()));
    }
}
