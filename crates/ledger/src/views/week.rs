//! Days and weeks as the bureaus count them: UTC+8 the year round (Asia/Shanghai since 1991), weeks from Monday (ISO 8601).

/// How far the bureaus' clock is ahead of UTC, in ms.
pub(crate) const AHEAD_MS: i64 = 8 * 60 * 60 * 1000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The number of the Monday of the week in which a moment lies, in days since 1970-01-01.
pub(crate) fn monday(ms: i64) -> i64 {
    let day = ms.saturating_add(AHEAD_MS).div_euclid(DAY_MS);
    // 1970-01-01 was a Thursday.
    day - (day + 3).rem_euclid(7)
}

/// A day as `YYYY-MM-DD`, from its number since 1970-01-01 (Gregorian calendar; H. Hinnant, "chrono-compatible low-level date
/// algorithms").
pub(crate) fn day_text(day: i64) -> String {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The number of a day since 1970-01-01; the day must be one of the Gregorian calendar.
pub(crate) fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_named_as_in_the_calendar() {
        for (number, text) in [
            (0, "1970-01-01"),
            (19_052, "2022-03-01"),
            (19_051, "2022-02-28"),
            (18_321, "2020-02-29"),
            (-1, "1969-12-31"),
        ] {
            assert_eq!(day_text(number), text);
        }
        for day in [-400, 0, 59, 18_321, 19_052, 40_000] {
            let text = day_text(day);
            let part = |from, to| text[from..to].parse::<i64>().unwrap_or(-1);
            assert_eq!(
                day_number(part(0, 4), part(5, 7), part(8, 10)),
                day,
                "{text}"
            );
        }
    }

    #[test]
    fn a_visit_late_on_sunday_in_china_belongs_to_the_week_before() {
        // 2022-04-03 was a Sunday. 23:30 in Lianyungang is 15:30 UTC.
        let sunday = 1_648_999_800_000;
        assert_eq!(day_text(monday(sunday)), "2022-03-28");
        assert_eq!(day_text(monday(sunday + 30 * 60 * 1000)), "2022-04-04");
    }
}
