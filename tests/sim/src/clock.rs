//! The world's time, and clocks that show another.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use shicha_sync::client::Clock;

/// When the world begins: 2022-04-12 08:00 in Beijing, Unix ms.
const BEGINNING_MS: u64 = 1_649_721_600_000;

/// A clock that shows the world's time, more or less.
#[derive(Clone)]
pub(crate) struct Watch {
    world_ms: Arc<AtomicU64>,
    ahead_ms: Arc<AtomicI64>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            world_ms: Arc::new(AtomicU64::new(BEGINNING_MS)),
            ahead_ms: Arc::default(),
        }
    }
}

impl Watch {
    /// Another clock in the same world, right for now.
    #[must_use]
    pub(crate) fn other(&self) -> Self {
        Self {
            world_ms: Arc::clone(&self.world_ms),
            ahead_ms: Arc::default(),
        }
    }

    /// Time passes for everybody.
    pub(crate) fn pass(&self, ms: u64) {
        self.world_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// From now on this clock is wrong by so much.
    pub(crate) fn set_wrong(&self, ahead_ms: i64) {
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
    }
}

impl Clock for Watch {
    fn now_ms(&self) -> u64 {
        let world = self.world_ms.load(Ordering::Relaxed);
        world.saturating_add_signed(self.ahead_ms.load(Ordering::Relaxed))
    }
}
