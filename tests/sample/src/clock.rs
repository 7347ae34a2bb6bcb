//! The clock of the sample: one for all devices and the central endpoint, set by hand.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use shicha_api::Clock;

/// Beijing is eight hours ahead of UTC, all year.
const OFFSET_MS: i64 = 8 * 3_600_000;

/// A clock that stands until it is set.
#[derive(Debug, Clone, Default)]
pub struct SetClock(Arc<AtomicU64>);

impl SetClock {
    /// A clock that shows a moment, Unix ms.
    pub fn at(now_ms: u64) -> Self {
        Self(Arc::new(AtomicU64::new(now_ms)))
    }

    /// What it shows.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Sets it forward; a moment that is past changes nothing.
    pub fn set(&self, now_ms: u64) {
        self.0.fetch_max(now_ms, Ordering::SeqCst);
    }

    /// Lets some seconds pass.
    pub fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        // Two readings are never the same, as with a clock that runs.
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// A time of day in Beijing, Unix ms.
///
/// # Panics
/// When there is no such day or time: it stands in the source.
pub fn shanghai(year: i32, month: u32, day: u32, hour: u32, minute: u32) -> u64 {
    let local = chrono::NaiveDate::from_ymd_opt(year, month, day)
        .and_then(|day| day.and_hms_opt(hour, minute, 0))
        .unwrap_or_else(|| panic!("{year}-{month}-{day} {hour}:{minute} is no time"));
    u64::try_from(local.and_utc().timestamp_millis() - OFFSET_MS).unwrap_or(0)
}

/// A moment as a clock on a wall in Beijing shows it.
pub(crate) fn on_the_wall(ms: u64) -> chrono::NaiveDateTime {
    let local = i64::try_from(ms).unwrap_or(0) + OFFSET_MS;
    chrono::DateTime::from_timestamp_millis(local)
        .unwrap_or_default()
        .naive_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beijing_is_eight_hours_ahead() {
        let ms = shanghai(2022, 7, 8, 9, 30);
        assert_eq!(ms, 1_657_243_800_000);
        assert_eq!(on_the_wall(ms).to_string(), "2022-07-08 09:30:00");
    }

    #[test]
    fn the_clock_never_goes_back() {
        let clock = SetClock::at(1_000);
        clock.set(500);
        assert_eq!(clock.now(), 1_000);
        clock.pass(2);
        assert_eq!(clock.now(), 3_000);
    }
}
