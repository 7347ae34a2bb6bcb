//! Shares: how much of what is there for all one device, person or address may have at a time.
//!
//! Three rules. [`Shares`]: so many, and who asks for more is told so. [`Turns`]: so many, and who asks for more waits in a queue of
//! their own, so that the queue of all holds no more of them. [`Newest`]: so many, and the newest ends the oldest, for what may have been
//! left behind by a line that broke. Invariant: whoever has nothing is forgotten, so that what is remembered is bounded by what is held.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, oneshot};

/// So many for each; who asks for more gets nothing.
pub(crate) struct Shares<K: Eq + Hash> {
    /// 0: no limit.
    most: usize,
    held: Arc<Mutex<HashMap<K, usize>>>,
}

/// One of somebody's share, until it is dropped.
pub(crate) struct Share<K: Eq + Hash> {
    key: K,
    held: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash + Copy> Shares<K> {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            held: Arc::default(),
        }
    }

    /// One more, unless they have all of theirs.
    pub(crate) fn take(&self, key: K) -> Option<Share<K>> {
        let mut held = self.held.lock();
        let count = held.entry(key).or_insert(0);
        if self.most > 0 && *count >= self.most {
            return None;
        }
        *count += 1;
        drop(held);
        Some(Share {
            key,
            held: Arc::clone(&self.held),
        })
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut held = self.held.lock();
        if let Some(count) = held.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.key);
            }
        }
    }
}

/// So many at a time for each; the others of the same wait in the order in which they came.
pub(crate) struct Turns<K: Eq + Hash> {
    at_a_time: usize,
    queues: Arc<Mutex<HashMap<K, Arc<Semaphore>>>>,
}

/// Somebody's turn, until it is dropped.
pub(crate) struct Turn<K: Eq + Hash> {
    // Given back before the place in the queue is left: fields are dropped in this order.
    _permit: OwnedSemaphorePermit,
    _place: InQueue<K>,
}

/// A place in somebody's queue: the queue is there for as long as there is one.
struct InQueue<K: Eq + Hash> {
    key: K,
    queue: Arc<Semaphore>,
    queues: Arc<Mutex<HashMap<K, Arc<Semaphore>>>>,
}

impl<K: Eq + Hash + Copy> Turns<K> {
    pub(crate) fn new(at_a_time: usize) -> Self {
        Self {
            at_a_time,
            queues: Arc::default(),
        }
    }

    /// Waits for a turn.
    pub(crate) async fn take(&self, key: K) -> Result<Turn<K>, AcquireError> {
        let queue = {
            let mut queues = self.queues.lock();
            let queue = queues
                .entry(key)
                .or_insert_with(|| Arc::new(Semaphore::new(self.at_a_time)));
            Arc::clone(queue)
        };
        let place = InQueue {
            key,
            queue,
            queues: Arc::clone(&self.queues),
        };
        let permit = Arc::clone(&place.queue).acquire_owned().await?;
        Ok(Turn {
            _permit: permit,
            _place: place,
        })
    }
}

impl<K: Eq + Hash> Drop for InQueue<K> {
    fn drop(&mut self) {
        let mut queues = self.queues.lock();
        // The map's and this one: nobody else has or waits for a turn.
        if Arc::strong_count(&self.queue) <= 2 {
            queues.remove(&self.key);
        }
    }
}

/// What somebody has, the oldest first, each with what ends it when it is dropped.
type Held<K> = Arc<Mutex<HashMap<K, VecDeque<(u64, oneshot::Sender<()>)>>>>;

/// The newest so many for each.
pub(crate) struct Newest<K: Eq + Hash> {
    most: usize,
    held: Held<K>,
}

/// One of them, until it is dropped.
pub(crate) struct Kept<K: Eq + Hash> {
    key: K,
    n: u64,
    /// Resolves when newer ones took its place.
    pub(crate) ended: oneshot::Receiver<()>,
    held: Held<K>,
}

impl<K: Eq + Hash + Copy> Newest<K> {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            held: Arc::default(),
        }
    }

    /// One more; where that is one too many, the oldest is told to end.
    pub(crate) fn keep(&self, key: K) -> Kept<K> {
        let (end, ended) = oneshot::channel();
        let mut held = self.held.lock();
        let of = held.entry(key).or_default();
        let n = of.back().map_or(0, |(n, _)| n + 1);
        of.push_back((n, end));
        if of.len() > self.most {
            // To drop its sender is to tell it.
            of.pop_front();
        }
        drop(held);
        Kept {
            key,
            n,
            ended,
            held: Arc::clone(&self.held),
        }
    }
}

impl<K: Eq + Hash> Kept<K> {
    /// Whether newer ones took its place.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.ended.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }
}

impl<K: Eq + Hash> Drop for Kept<K> {
    fn drop(&mut self) {
        let mut held = self.held.lock();
        if let Some(of) = held.get_mut(&self.key) {
            of.retain(|(n, _)| *n != self.n);
            if of.is_empty() {
                held.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn who_has_all_of_theirs_gets_no_more_and_others_do() {
        let shares = Shares::new(2);
        let held = [shares.take(1).unwrap(), shares.take(1).unwrap()];
        assert!(shares.take(1).is_none());
        assert!(shares.take(2).is_some());
        drop(held);
        assert!(shares.take(1).is_some());
        assert!(shares.held.lock().is_empty(), "nobody is remembered");
        let without_limit = Shares::new(0);
        let many: Vec<_> = (0..100).map(|_| without_limit.take(1)).collect();
        assert!(many.iter().all(Option::is_some));
    }

    #[tokio::test]
    async fn of_one_so_many_have_a_turn_and_the_rest_wait_and_keep_nobody_else_from_theirs() {
        let turns = Turns::new(1);
        let mine = turns.take(1).await.unwrap();
        let mut next = Box::pin(turns.take(1));
        let mut last = Box::pin(turns.take(1));
        assert!((&mut next).now_or_never().is_none());
        assert!((&mut last).now_or_never().is_none());
        assert!(turns.take(2).now_or_never().is_some());
        drop(mine);
        assert!((&mut last).now_or_never().is_none(), "in their order");
        let next = (&mut next).now_or_never().unwrap().unwrap();
        // Who goes away while waiting is in nobody's way.
        drop(last);
        drop(next);
        assert!(turns.queues.lock().is_empty(), "nobody is remembered");
    }

    #[tokio::test]
    async fn a_new_one_ends_the_oldest_and_nobody_elses() {
        let newest = Newest::new(2);
        let mut first = newest.keep(1);
        let mut second = newest.keep(1);
        let mut other = newest.keep(2);
        assert!((&mut first.ended).now_or_never().is_none());
        let third = newest.keep(1);
        assert!((&mut first.ended).now_or_never().is_some());
        assert!((&mut second.ended).now_or_never().is_none());
        drop((first, third));
        let _fourth = newest.keep(1);
        assert!((&mut second.ended).now_or_never().is_none());
        assert!((&mut other.ended).now_or_never().is_none());
        drop((second, other, _fourth));
        assert!(newest.held.lock().is_empty(), "nobody is remembered");
    }
}
