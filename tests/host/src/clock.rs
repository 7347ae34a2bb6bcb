//! A clock that starts at a chosen moment and then runs as the system's does, so that pictures of the screens can be repeated.

use std::time::Instant;

use shicha_api::{Clock, SystemClock};

/// A clock that was set at its start.
pub(crate) struct ShiftedClock {
    start_ms: Option<u64>,
    began: Instant,
}

impl ShiftedClock {
    /// Starts at a moment, or follows the system.
    pub(crate) fn starting_at(start_ms: Option<u64>) -> Self {
        Self {
            start_ms,
            began: Instant::now(),
        }
    }
}

impl Clock for ShiftedClock {
    fn now_ms(&self) -> u64 {
        match self.start_ms {
            Some(start) => start + u64::try_from(self.began.elapsed().as_millis()).unwrap_or(0),
            None => SystemClock.now_ms(),
        }
    }
}

/// Reads a moment as in RFC 3339.
pub(crate) fn parse_moment(text: &str) -> Result<u64, String> {
    let moment = chrono::DateTime::parse_from_rfc3339(text).map_err(|error| error.to_string())?;
    u64::try_from(moment.timestamp_millis()).map_err(|_| "before 1970".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_set_clock_runs_on_from_the_moment_it_was_set_to() {
        let start = parse_moment("2022-06-15T09:00:00+08:00").unwrap();
        assert_eq!(start, 1_655_254_800_000);
        let now = ShiftedClock::starting_at(Some(start)).now_ms();
        assert!((start..start + 60_000).contains(&now), "{now}");
    }

    #[test]
    fn a_moment_without_its_offset_is_refused() {
        assert!(parse_moment("2022-06-15 09:00").is_err());
    }
}
