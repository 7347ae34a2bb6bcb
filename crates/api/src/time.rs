//! Days and times of day as the bureaus count them: China Standard Time, UTC+8 without summer time (since 1992).

use chrono::NaiveDateTime;
use shicha_domain::pack::Date;

/// How far China Standard Time is ahead of UTC, in ms.
pub(crate) const CST_MS: u64 = 8 * 60 * 60 * 1000;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The day of a moment given in Unix ms. A moment beyond the calendar (a clock gone mad) counts as its last day.
pub(crate) fn day_of(unix_ms: u64) -> Date {
    let days = i64::try_from(unix_ms.saturating_add(CST_MS) / DAY_MS).unwrap_or(i64::MAX);
    Date::from_days_since_1970(days).unwrap_or(Date::LAST)
}

/// The time of day of a moment given in Unix ms, where the calendar has it.
pub(crate) fn local(unix_ms: u64) -> Option<NaiveDateTime> {
    let ms = i64::try_from(unix_ms.saturating_add(CST_MS)).ok()?;
    chrono::DateTime::from_timestamp_millis(ms).map(|moment| moment.naive_utc())
}

/// The time of day of a moment, or the epoch's: for the date of a document, which has to have one.
pub(crate) fn local_or_epoch(unix_ms: u64) -> NaiveDateTime {
    local(unix_ms).unwrap_or_default()
}

/// Days from `from` to `to`, negative when `to` is past.
pub(crate) fn days_between(from: Date, to: Date) -> i32 {
    i32::try_from(to.days_since_1970() - from.days_since_1970()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_beijing() {
        // 2022-03-31T15:59:59.999Z and one ms later.
        assert_eq!(day_of(1_648_742_399_999).to_string(), "2022-03-31");
        assert_eq!(day_of(1_648_742_400_000).to_string(), "2022-04-01");
        assert_eq!(
            local(1_648_742_400_000).unwrap().to_string(),
            "2022-04-01 00:00:00"
        );
    }

    #[test]
    fn a_clock_gone_mad_gives_a_day_all_the_same() {
        assert_eq!(day_of(u64::MAX), Date::LAST);
        assert_eq!(local(u64::MAX), None);
    }
}
