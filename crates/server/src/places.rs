//! Places for connections: so many for all, a share of them for each address, and a few aside for the questions of health.
//!
//! A connection that finds no place is taken all the same, aside: for a moment, and for the questions of health, which are answered
//! however busy the endpoint is; everything else is told there to come again. Invariant: whoever holds all places, also those aside,
//! keeps nobody from asking: of the places aside a new connection takes the oldest, first one of its own network.

use std::{collections::VecDeque, net::IpAddr, sync::Arc};

use ipnet::IpNet;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::http::{Share, Shares, is_trusted, network};

/// Places aside.
const ASIDE: usize = 64;
/// Of these, the most of one network.
const ASIDE_OF_NETWORK: usize = 8;

/// The places of a listener.
pub(crate) struct Places {
    all: Arc<Semaphore>,
    networks: Shares<IpAddr>,
    proxies: Vec<IpNet>,
    aside: Mutex<VecDeque<(IpAddr, oneshot::Sender<()>)>>,
}

/// Where a connection is.
pub(crate) enum Seat {
    /// It may ask anything.
    Full {
        _seat: OwnedSemaphorePermit,
        _share: Option<Share<IpAddr>>,
    },
    /// It may ask for health, until newer ones need its place.
    Aside(oneshot::Receiver<()>),
}

impl Places {
    /// So many places; `of_address` are the most of one address (0: no limit), which does not hold for proxies.
    pub(crate) fn new(all: usize, of_address: usize, proxies: Vec<IpNet>) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            networks: Shares::new(of_address),
            proxies,
            aside: Mutex::default(),
        }
    }

    /// A place for a connection from there.
    pub(crate) fn take(&self, from: IpAddr) -> Seat {
        self.full(from).unwrap_or_else(|| self.aside(network(from)))
    }

    fn full(&self, from: IpAddr) -> Option<Seat> {
        // A proxy's connections are those of all who come through it.
        let share = match is_trusted(from, &self.proxies) {
            true => None,
            false => Some(self.networks.take(network(from))?),
        };
        Some(Seat::Full {
            _seat: Arc::clone(&self.all).try_acquire_owned().ok()?,
            _share: share,
        })
    }

    fn aside(&self, network: IpAddr) -> Seat {
        let (end, ends) = oneshot::channel();
        let mut aside = self.aside.lock();
        aside.retain(|(_, held)| !held.is_closed());
        let of_network = aside.iter().filter(|(of, _)| *of == network).count();
        let oldest = match of_network {
            ASIDE_OF_NETWORK.. => aside.iter().position(|(of, _)| *of == network),
            _ if aside.len() >= ASIDE => Some(0),
            _ => None,
        };
        if let Some(oldest) = oldest {
            // To drop its sender is to tell it.
            aside.remove(oldest);
        }
        aside.push_back((network, end));
        Seat::Aside(ends)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn address(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, n])
    }

    fn is_full(place: &Seat) -> bool {
        matches!(place, Seat::Full { .. })
    }

    fn has_ended(place: &mut Seat) -> bool {
        match place {
            Seat::Full { .. } => false,
            Seat::Aside(ends) => ends.try_recv() == Err(oneshot::error::TryRecvError::Closed),
        }
    }

    #[test]
    fn an_address_has_its_share_and_a_proxy_all() {
        let proxies = vec!["192.0.2.9/32".parse().unwrap()];
        let places = Places::new(10, 3, proxies);
        let mut mine: Vec<_> = (0..4).map(|_| places.take(address(1))).collect();
        assert!(mine[..3].iter().all(is_full) && !is_full(&mine[3]));
        let of_proxy: Vec<_> = (0..7).map(|_| places.take(address(9))).collect();
        assert!(of_proxy.iter().all(is_full));
        assert!(!is_full(&places.take(address(2))), "all are taken");
        mine.remove(0);
        assert!(is_full(&places.take(address(2))), "one was given back");
    }

    #[test]
    fn a_new_connection_aside_takes_the_oldest_place_of_its_own_network_first() {
        let places = Places::new(0, 0, Vec::new());
        let mut other = places.take(address(1));
        let mut mine: Vec<_> = (0..9).map(|_| places.take(address(2))).collect();
        assert!(has_ended(&mut mine[0]) && !has_ended(&mut mine[1]) && !has_ended(&mut other));
        let mut many: Vec<_> = (0..64).map(|n| places.take(address(100 + n))).collect();
        assert!(has_ended(&mut other) && mine.iter_mut().all(has_ended));
        assert!(!many.iter_mut().any(has_ended));
    }
}
