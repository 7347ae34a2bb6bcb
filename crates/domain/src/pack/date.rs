//! Calendar dates as campaign packs, deadlines and legal validity use them.
//!
//! Invariant: a [`Date`] is a day that exists in the Gregorian calendar, written `YYYY-MM-DD`. Dates carry no time and no
//! time zone; "today" is passed in by whoever has a clock.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A day of the Gregorian calendar, from 1583-01-01 to 9999-12-31.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weekday {
    /// 星期一.
    Monday,
    /// 星期二.
    Tuesday,
    /// 星期三.
    Wednesday,
    /// 星期四.
    Thursday,
    /// 星期五.
    Friday,
    /// 星期六.
    Saturday,
    /// 星期日.
    Sunday,
}

/// Why a text is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateFault {
    /// Not four digits, two digits and two digits with `-` between them.
    #[error("a date is written YYYY-MM-DD")]
    Form,
    /// Written as a date, but the calendar has no such day.
    #[error("the calendar has no such day")]
    NoSuchDay,
}

const FIRST_YEAR: u16 = 1583;
const LAST_YEAR: u16 = 9999;
const UNIX_EPOCH_DAY: i64 = 719_468;

impl Date {
    /// The last day that this type has.
    pub const LAST: Self = Self {
        year: LAST_YEAR,
        month: 12,
        day: 31,
    };

    /// Makes a date; `None` when the calendar has no such day.
    #[must_use]
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        if year < FIRST_YEAR || year > LAST_YEAR || day == 0 || day > days_in_month(year, month) {
            return None;
        }
        Some(Self { year, month, day })
    }

    /// The year.
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, from 1.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Days since 1970-01-01, negative before.
    #[must_use]
    pub fn days_since_1970(self) -> i64 {
        // Counts in years that begin in March, so that the leap day comes last.
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let (year, month) = if month > 2 {
            (year, month - 3)
        } else {
            (year - 1, month + 9)
        };
        let day_of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - UNIX_EPOCH_DAY
    }

    /// The date that many days after 1970-01-01; `None` outside the calendar of this type.
    #[must_use]
    pub fn from_days_since_1970(days: i64) -> Option<Self> {
        let days = days.checked_add(UNIX_EPOCH_DAY)?;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let (month, carry) = if month < 10 {
            (month + 3, 0)
        } else {
            (month - 9, 1)
        };
        let year = u16::try_from(year_of_era + era * 400 + carry).ok()?;
        Self::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }

    /// The date `days` later, or earlier when negative; `None` outside the calendar of this type.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Option<Self> {
        Self::from_days_since_1970(self.days_since_1970().checked_add(days)?)
    }

    /// The day of the week.
    #[must_use]
    pub fn weekday(self) -> Weekday {
        match (self.days_since_1970() + 3).rem_euclid(7) {
            0 => Weekday::Monday,
            1 => Weekday::Tuesday,
            2 => Weekday::Wednesday,
            3 => Weekday::Thursday,
            4 => Weekday::Friday,
            5 => Weekday::Saturday,
            _ => Weekday::Sunday,
        }
    }
}

const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 0,
    }
}

impl FromStr for Date {
    type Err = DateFault;

    fn from_str(text: &str) -> Result<Self, DateFault> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(DateFault::Form);
        }
        let number = |range: std::ops::Range<usize>| {
            bytes[range].iter().try_fold(0_u16, |sum, byte| {
                byte.is_ascii_digit()
                    .then(|| sum * 10 + u16::from(byte - b'0'))
                    .ok_or(DateFault::Form)
            })
        };
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        // Two digits always fit.
        let (month, day) = (month as u8, day as u8);
        Self::new(year, month, day).ok_or(DateFault::NoSuchDay)
    }
}

impl TryFrom<String> for Date {
    type Error = DateFault;

    fn try_from(text: String) -> Result<Self, DateFault> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        for text in [
            "2022-02-29",
            "2100-02-29",
            "2022-04-31",
            "2022-00-10",
            "2022-13-01",
            "2022-01-00",
            "0000-01-01",
        ] {
            assert_eq!(text.parse::<Date>(), Err(DateFault::NoSuchDay), "{text}");
        }
        for text in [
            "2022-1-1",
            "2022/01/01",
            "20220101",
            "二〇二二年",
            "2022-01-0x",
            "",
        ] {
            assert_eq!(text.parse::<Date>(), Err(DateFault::Form), "{text}");
        }
    }

    #[test]
    fn leap_days_of_2024_and_2000_exist() {
        for text in ["2024-02-29", "2000-02-29"] {
            assert_eq!(text.parse::<Date>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn weekdays_agree_with_the_calendar_on_the_wall() {
        let weekday = |text: &str| text.parse::<Date>().unwrap().weekday();
        assert_eq!(weekday("1970-01-01"), Weekday::Thursday);
        assert_eq!(weekday("2021-12-29"), Weekday::Wednesday);
        assert_eq!(weekday("2024-02-29"), Weekday::Thursday);
    }

    proptest! {
        #[test]
        fn counting_days_there_and_back_keeps_the_date_and_the_order(a in -140_000_i64..2_000_000, b in -140_000_i64..2_000_000) {
            let (first, second) = (Date::from_days_since_1970(a).unwrap(), Date::from_days_since_1970(b).unwrap());
            prop_assert_eq!(first.days_since_1970(), a);
            prop_assert_eq!(first.cmp(&second), a.cmp(&b));
            prop_assert_eq!(first.to_string().parse::<Date>(), Ok(first));
        }

        #[test]
        fn no_text_makes_the_parser_fail_otherwise_than_with_a_reason(text in "\\PC{0,12}") {
            if let Ok(date) = text.parse::<Date>() {
                prop_assert_eq!(date.to_string(), text);
            }
        }
    }
}
