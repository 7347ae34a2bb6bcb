//! Whose turn it is: how many pushes and pulls are worked on at a time, of all and of one.
//!
//! Invariant: in the queue of all stands at most one push and one pull of a device, and two of each of a person; the rest of theirs wait
//! in a queue of their own. So whoever sends a thousand delays another by one or two of them, and not by a thousand.

use std::sync::Arc;

use shicha_domain::{DeviceId, PersonId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    fault::Fault,
    session::Admitted,
    share::{Turn, Turns},
};

/// How much is worked on at a time, in the weight of a small push.
const HEAVY: usize = 36;
/// The weight of a pull, or of a push that unfolds to 32 MiB: it may take a few times as much memory.
pub(super) const LARGE: u32 = 6;
/// How much more a push unfolds to for each more of its weight.
const STEP: usize = 6 << 20;

/// Turns.
pub(super) struct Work {
    all: Arc<Semaphore>,
    pushes: Queues,
    pulls: Queues,
}

/// Queues of those who do the same.
pub(super) struct Queues {
    devices: Turns<DeviceId>,
    people: Turns<PersonId>,
}

/// A turn of one who works, until it is dropped.
pub(super) struct Working {
    /// What it takes of all; others may have it once the work only waits.
    pub(super) weight: Option<OwnedSemaphorePermit>,
    _person: Turn<PersonId>,
    _device: Turn<DeviceId>,
}

impl Queues {
    fn new() -> Self {
        Self {
            devices: Turns::new(1),
            people: Turns::new(2),
        }
    }
}

impl Work {
    pub(super) fn new() -> Self {
        Self {
            all: Arc::new(Semaphore::new(HEAVY)),
            pushes: Queues::new(),
            pulls: Queues::new(),
        }
    }

    /// Waits for the turn of a push that unfolds to so many bytes.
    pub(super) async fn push(&self, of: Admitted, unfolded: usize) -> Result<Working, Fault> {
        let more = u32::try_from(unfolded / STEP).unwrap_or(LARGE);
        self.take(&self.pushes, of, (1 + more).min(LARGE)).await
    }

    /// Waits for the turn of a pull.
    pub(super) async fn pull(&self, of: Admitted) -> Result<Working, Fault> {
        self.take(&self.pulls, of, LARGE).await
    }

    async fn take(&self, queues: &Queues, of: Admitted, weight: u32) -> Result<Working, Fault> {
        let closed = |error| Fault::internal(&error);
        let device = queues.devices.take(of.device).await.map_err(closed)?;
        let person = queues.people.take(of.person).await.map_err(closed)?;
        let weight = Arc::clone(&self.all)
            .acquire_many_owned(weight)
            .await
            .map_err(closed)?;
        Ok(Working {
            weight: Some(weight),
            _person: person,
            _device: device,
        })
    }
}
