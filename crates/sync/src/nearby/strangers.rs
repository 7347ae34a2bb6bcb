//! Whoever breaks off a greeting after this laptop has told its number has had a try.
//!
//! The answering side tells its random number before the asking side shows the one that it is bound to. Somebody in between could
//! look at what the digits would be, break off unseen where they differ from those that the other screen shows, and begin again: a
//! hundred tries while one person waits. So after one such break no device that the directory does not have is let in for as long as
//! people may take to compare. Devices of the directory cannot be passed off as, and are let in.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What is remembered of strangers who broke off.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    shut_until: Mutex<Option<Instant>>,
}

impl Strangers {
    /// Whether a device that the directory does not have may be told a number.
    pub(super) fn may_enter(&self, now: Instant) -> bool {
        let until = self.shut_until.lock();
        let until = until.unwrap_or_else(PoisonError::into_inner);
        until.is_none_or(|until| now >= until)
    }

    /// One broke off with a number in hand.
    pub(super) fn broke_off(&self, now: Instant, shut_for: Duration) {
        let until = self.shut_until.lock();
        *until.unwrap_or_else(PoisonError::into_inner) = now.checked_add(shut_for);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_shuts_strangers_out_for_as_long_as_people_may_compare_and_no_longer() {
        let strangers = Strangers::default();
        let (now, long) = (Instant::now(), Duration::from_secs(180));
        assert!(strangers.may_enter(now));
        strangers.broke_off(now, long);
        assert!(!strangers.may_enter(now + long - Duration::from_millis(1)));
        assert!(strangers.may_enter(now + long));
    }
}
