//! Slowing down those who try enrolment codes.
//!
//! Two things are wanted at once: that guessing is bounded, and that whoever guesses keeps nobody out. So the first few failures of a
//! network in an hour count by themselves and come out of a reserve, of which no part of the net gets more than a share; only what a
//! network fails beyond that counts towards what all together may fail. Whoever has not failed lately, with a good code, is kept out
//! neither by a few who fail all the time nor by everybody else in a part of the net that is not theirs. docs/security.md reckons it.
//!
//! Invariant: an attempt is counted as a failure before it is listened to, and given back if it was none. So of any number of attempts at
//! the same moment no more are listened to than may fail.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::proxy::network;

/// Failures that one network may have in a minute. A bureau's computers may share one address, but they do not all mistype.
const OF_NETWORK: u32 = 10;
/// Of these, the failures in an hour that come out of the reserve.
const FIRST: u32 = 2;
/// The reserve of a minute.
const RESERVE: u32 = 300;
/// The most of it for one part of the net.
const OF_PART: u32 = 15;
/// Failures beyond the first ones that all together may have in a minute.
const ALL: u32 = 200;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// In how many seconds somebody is to come again who failed too often.
const WAIT_S: u64 = 60;
/// The same where others of the same network are being listened to.
const SOON_S: u64 = 1;

/// Failed attempts, and those that are being listened to.
#[derive(Default)]
pub(super) struct Attempts(Arc<Shared>);

#[derive(Default)]
struct Shared {
    counts: Mutex<Counts>,
    ended: Notify,
}

#[derive(Default)]
struct Counts {
    minute: Minute,
    hour: Hour,
}

#[derive(Default)]
struct Minute {
    begun_ms: u64,
    all: u32,
    reserve: u32,
    parts: HashMap<IpAddr, u32>,
    networks: HashMap<IpAddr, Network>,
}

#[derive(Default, Clone, Copy)]
struct Network {
    counted: u32,
    /// How many of these are only being listened to.
    open: u32,
}

/// How often each network failed in the running hour, up to [`FIRST`]. Bounded by what may fail in an hour.
#[derive(Default)]
struct Hour {
    begun_ms: u64,
    first: HashMap<IpAddr, u32>,
}

/// What an attempt was counted as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    First,
    Further,
}

/// An attempt that is listened to. It was a failure, unless it says otherwise.
pub(super) struct Attempt {
    shared: Arc<Shared>,
    network: IpAddr,
    kind: Kind,
    begun_ms: u64,
    was_guess: bool,
}

/// Why an attempt is not listened to.
enum Not {
    /// As many of the network are being listened to as may fail.
    Now,
    /// Too many failed.
    ForAWhile,
}

/// The part of the net that a network belongs to: what one provider gives out, about.
fn part(network: IpAddr) -> IpAddr {
    match network {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            IpAddr::from([a, b, 0, 0])
        }
        IpAddr::V6(address) => {
            let [a, b, ..] = address.segments();
            IpAddr::from([a, b, 0, 0, 0, 0, 0, 0])
        }
    }
}

impl Counts {
    fn begin(&mut self, network: IpAddr, now_ms: u64) -> Result<Kind, Not> {
        if now_ms.abs_diff(self.minute.begun_ms) >= MINUTE_MS {
            self.minute = Minute {
                begun_ms: now_ms,
                ..Minute::default()
            };
        }
        if now_ms.abs_diff(self.hour.begun_ms) >= HOUR_MS {
            self.hour = Hour {
                begun_ms: now_ms,
                ..Hour::default()
            };
        }
        let Minute {
            all,
            reserve,
            parts,
            networks,
            ..
        } = &mut self.minute;
        let of = networks.get(&network).copied().unwrap_or_default();
        if of.counted >= OF_NETWORK {
            return Err(if of.open > 0 {
                Not::Now
            } else {
                Not::ForAWhile
            });
        }
        let part = part(network);
        let first = self.hour.first.get(&network).copied().unwrap_or(0);
        let of_part = parts.get(&part).copied().unwrap_or(0);
        let kind = if first < FIRST && *reserve < RESERVE && of_part < OF_PART {
            *reserve += 1;
            *parts.entry(part).or_default() += 1;
            *self.hour.first.entry(network).or_default() += 1;
            Kind::First
        } else if *all < ALL {
            *all += 1;
            Kind::Further
        } else {
            return Err(Not::ForAWhile);
        };
        let of = networks.entry(network).or_default();
        of.counted += 1;
        of.open += 1;
        Ok(kind)
    }

    fn end(&mut self, attempt: &Attempt) {
        if self.minute.begun_ms == attempt.begun_ms {
            let minute = &mut self.minute;
            if let Some(of) = minute.networks.get_mut(&attempt.network) {
                of.open = of.open.saturating_sub(1);
                if !attempt.was_guess {
                    of.counted = of.counted.saturating_sub(1);
                }
                if of.counted == 0 {
                    minute.networks.remove(&attempt.network);
                }
            }
            if !attempt.was_guess {
                match attempt.kind {
                    Kind::First => {
                        minute.reserve = minute.reserve.saturating_sub(1);
                        give_back(&mut minute.parts, part(attempt.network));
                    }
                    Kind::Further => minute.all = minute.all.saturating_sub(1),
                }
            }
        }
        if !attempt.was_guess && attempt.kind == Kind::First {
            // Where another hour has begun there is nothing to give back, or one more than there should be.
            give_back(&mut self.hour.first, attempt.network);
        }
    }
}

fn give_back(counts: &mut HashMap<IpAddr, u32>, key: IpAddr) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

impl Attempts {
    /// Waits until one more attempt from this address is listened to. An error says in how many seconds to come again.
    pub(super) async fn begin(&self, address: IpAddr, now_ms: u64) -> Result<Attempt, u64> {
        loop {
            let ended = self.0.ended.notified();
            tokio::pin!(ended);
            // Asked to be told before it is looked whether there is something to wait for.
            ended.as_mut().enable();
            match self.take(address, now_ms) {
                Ok(attempt) => return Ok(attempt),
                Err(Not::ForAWhile) => return Err(WAIT_S),
                Err(Not::Now) => ended.await,
            }
        }
    }

    /// [`Self::begin`] for whoever cannot wait.
    pub(super) fn begin_at_once(&self, address: IpAddr, now_ms: u64) -> Result<Attempt, u64> {
        self.take(address, now_ms).map_err(|not| match not {
            Not::Now => SOON_S,
            Not::ForAWhile => WAIT_S,
        })
    }

    fn take(&self, address: IpAddr, now_ms: u64) -> Result<Attempt, Not> {
        let network = network(address);
        let mut counts = self.0.counts.lock();
        let kind = counts.begin(network, now_ms)?;
        Ok(Attempt {
            shared: Arc::clone(&self.0),
            network,
            kind,
            begun_ms: counts.minute.begun_ms,
            was_guess: true,
        })
    }
}

impl Attempt {
    /// It was no wrong code.
    pub(super) fn was_no_guess(mut self) {
        self.was_guess = false;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.shared.counts.lock().end(self);
        self.shared.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures::FutureExt as _;

    use super::*;

    const NOW: u64 = 1_000_000_000;

    fn v4(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(n).into()
    }

    /// Tries a wrong code; whether it was listened to.
    fn fails(attempts: &Attempts, address: IpAddr, now_ms: u64) -> bool {
        attempts.begin_at_once(address, now_ms).is_ok()
    }

    fn tried(attempts: &Attempts, address: IpAddr, times: usize, now_ms: u64) -> usize {
        (0..times)
            .filter(|_| fails(attempts, address, now_ms))
            .count()
    }

    #[test]
    fn whoever_guesses_is_soon_not_listened_to_and_others_still_are() {
        let attempts = Attempts::default();
        let (guesser, other) = (v4(1), v4(2));
        assert_eq!(tried(&attempts, guesser, 400, NOW), 10);
        assert!(fails(&attempts, other, NOW));
        assert_eq!(
            tried(&attempts, guesser, 400, NOW + MINUTE_MS),
            10,
            "after a minute he may try again"
        );
    }

    #[tokio::test]
    async fn of_attempts_at_the_same_moment_no_more_are_listened_to_than_may_fail() {
        let attempts = Attempts::default();
        let mut open = Vec::new();
        for _ in 0..OF_NETWORK {
            open.push(attempts.begin(v4(1), NOW).await.unwrap());
        }
        assert_eq!(attempts.begin_at_once(v4(1), NOW).err(), Some(SOON_S));
        let mut waiting = Box::pin(attempts.begin(v4(1), NOW));
        assert!((&mut waiting).now_or_never().is_none(), "it waits");
        open.pop().unwrap().was_no_guess();
        drop((&mut waiting).now_or_never().unwrap().unwrap());
        drop(open);
        assert_eq!(attempts.begin(v4(1), NOW).await.err(), Some(WAIT_S));
    }

    #[test]
    fn a_bureau_whose_computers_are_enrolled_with_good_codes_is_never_slowed_down() {
        let attempts = Attempts::default();
        for _ in 0..5_000 {
            attempts.begin_at_once(v4(1), NOW).unwrap().was_no_guess();
        }
        let counts = attempts.0.counts.lock();
        assert!(counts.hour.first.is_empty() && counts.minute.networks.is_empty());
    }

    #[test]
    fn whoever_fails_from_many_addresses_keeps_nobody_out_who_did_not_fail() {
        let attempts = Attempts::default();
        for minute in 0..60 {
            let now_ms = NOW + minute * MINUTE_MS;
            for guesser in 0..200 {
                // In ten parts of the net, and each a hundred times.
                tried(&attempts, v4((guesser % 10) << 16 | guesser), 100, now_ms);
            }
            let newcomer = v4(0xc000_0200 + minute as u32);
            let attempt = attempts.begin_at_once(newcomer, now_ms);
            assert!(attempt.is_ok(), "in minute {minute}");
            attempt.unwrap().was_no_guess();
        }
    }

    #[test]
    fn however_many_addresses_somebody_has_guessing_is_bounded() {
        let attempts = Attempts::default();
        let mut listened_to = 0;
        for minute in 0..60 {
            let now_ms = NOW + minute * MINUTE_MS;
            for n in 0..20_000_u32 {
                let address = v4(n.wrapping_mul(0x9e37_79b9) ^ minute as u32);
                listened_to += u32::from(fails(&attempts, address, now_ms));
            }
        }
        assert!(listened_to <= 60 * (RESERVE + ALL), "{listened_to}");
        let counts = attempts.0.counts.lock();
        assert!(counts.hour.first.len() <= 60 * (RESERVE + ALL) as usize);
    }

    #[test]
    fn whoever_has_one_network_of_ipv6_or_all_of_a_provider_has_no_more_than_their_part() {
        let attempts = Attempts::default();
        let one_network = |n: u128| {
            IpAddr::from(std::net::Ipv6Addr::from_bits(
                0x2001_0db8_0001_0002 << 64 | n,
            ))
        };
        let in_one = (0..1_000).filter(|n| fails(&attempts, one_network(*n), NOW));
        assert_eq!(in_one.count(), OF_NETWORK as usize);
        let of_provider =
            |n: u128| IpAddr::from(std::net::Ipv6Addr::from_bits(0x2001_0db9 << 96 | n << 64));
        let in_all = (0..65_536).filter(|n| fails(&attempts, of_provider(*n), NOW));
        assert!(in_all.count() <= (OF_PART + ALL) as usize);
        let elsewhere = IpAddr::from(std::net::Ipv6Addr::from_bits(0x2001_0dba << 96));
        assert!(fails(&attempts, elsewhere, NOW));
    }
}
