//! Turns the values of spreadsheet cells into text, marking those that cannot be trusted.
//!
//! Invariant: a whole number comes out as its digits, a date as 2022-05-01; nothing depends on a
//! language or on how the cell was formatted to look.
//! Deliberately not here: what any column means.

use calamine::{DataRef, ExcelDateTime};
use chrono::{NaiveTime, Timelike};

use super::{Cell, Doubt, MAX_CELL_BYTES};

/// A spreadsheet keeps 15 significant digits; whole numbers beyond have lost their last ones.
const FIRST_INEXACT: f64 = 1e15;

/// The text of a workbook's cell.
pub(super) fn from_data(data: &DataRef<'_>) -> Cell {
    match data {
        DataRef::Empty => Cell::default(),
        DataRef::String(text) => from_text(text),
        DataRef::SharedString(text) => from_text(text),
        DataRef::Int(number) => Cell {
            text: number.to_string(),
            doubt: (number.unsigned_abs() >= 1_000_000_000_000_000).then_some(Doubt::LostPrecision),
        },
        DataRef::Float(number) => from_number(*number),
        DataRef::Bool(value) => from_text(if *value { "TRUE" } else { "FALSE" }),
        DataRef::DateTime(at) => from_date(at),
        DataRef::DateTimeIso(text) => from_text(text.trim_end_matches("T00:00:00")),
        DataRef::DurationIso(text) => from_text(text),
        DataRef::Error(error) => Cell {
            text: error.to_string(),
            doubt: Some(Doubt::ErrorValue),
        },
    }
}

/// A text as it is, without white space around it, cut when it is too long.
pub(super) fn from_text(text: &str) -> Cell {
    let text = text.trim_matches(|character: char| character.is_whitespace() || character == '\0');
    if text.len() <= MAX_CELL_BYTES {
        return Cell {
            text: text.to_owned(),
            doubt: None,
        };
    }
    let mut end = MAX_CELL_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cell {
        text: text[..end].to_owned(),
        doubt: Some(Doubt::Cut),
    }
}

/// A text of a text table: one that a spreadsheet program wrote as 9.13207E+17 has lost digits.
pub(super) fn from_field(text: &str) -> Cell {
    let mut cell = from_text(text);
    // Our own tables put this before a text that a spreadsheet would run as a formula.
    if let Some(rest) = cell.text.strip_prefix('\'')
        && rest.starts_with(['=', '+', '-', '@'])
    {
        cell.text = rest.to_owned();
    }
    if cell.doubt.is_none() && is_scientific(&cell.text) {
        cell.doubt = Some(Doubt::LostPrecision);
    }
    cell
}

fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    digits(whole) && digits(fraction) && exponent.strip_prefix('+').is_some_and(digits)
}

fn from_number(number: f64) -> Cell {
    if !number.is_finite() {
        return Cell {
            text: number.to_string(),
            doubt: Some(Doubt::ErrorValue),
        };
    }
    if number.fract() == 0.0 {
        return Cell {
            text: format!("{:.0}", if number == 0.0 { 0.0 } else { number }),
            doubt: (number.abs() >= FIRST_INEXACT).then_some(Doubt::LostPrecision),
        };
    }
    // 15 significant digits, as shown by the program that wrote it: 0.3, not 0.30000000000000004.
    let shown = format!("{number:.14e}").parse().unwrap_or(number);
    Cell {
        text: shown.to_string(),
        doubt: None,
    }
}

fn from_date(at: &ExcelDateTime) -> Cell {
    let text = if at.is_duration() {
        at.as_duration().map(|duration| {
            let seconds = duration.num_seconds();
            format!(
                "{}:{:02}:{:02}",
                seconds / 3600,
                seconds / 60 % 60,
                seconds % 60
            )
        })
    } else {
        at.as_datetime().map(|moment| {
            let time = moment.time();
            if at.as_f64() < 1.0 {
                time.format("%H:%M:%S").to_string()
            } else if time.with_nanosecond(0) == Some(NaiveTime::MIN) {
                moment.format("%Y-%m-%d").to_string()
            } else {
                moment.format("%Y-%m-%d %H:%M:%S").to_string()
            }
        })
    };
    text.map_or_else(
        // A number that no calendar has: keep it as the number that it is.
        || from_number(at.as_f64()),
        |text| Cell { text, doubt: None },
    )
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    fn date(value: f64) -> String {
        from_data(&DataRef::DateTime(ExcelDateTime::new(
            value,
            ExcelDateTimeType::DateTime,
            false,
        )))
        .text
    }

    #[test]
    fn whole_numbers_are_digits_and_those_too_long_to_be_kept_are_marked() {
        assert_eq!(from_number(320_700.0).text, "320700");
        assert_eq!(from_number(-0.0).text, "0");
        assert_eq!(from_number(0.1 + 0.2).text, "0.3");
        let code = from_number(913_207_030_000_012_345.0);
        assert_eq!(code.doubt, Some(Doubt::LostPrecision));
        assert_eq!(from_number(13_812_345_678.0).doubt, None);
    }

    #[test]
    fn dates_are_written_the_same_way_whatever_they_looked_like() {
        assert_eq!(date(44_682.0), "2022-05-01");
        assert_eq!(date(44_682.375), "2022-05-01 09:00:00");
        assert_eq!(date(0.5), "12:00:00");
        assert_eq!(
            from_data(&DataRef::DateTimeIso("2022-05-01T00:00:00".to_owned())).text,
            "2022-05-01"
        );
        assert!(!date(1e300).is_empty(), "an impossible date does no harm");
    }

    #[test]
    fn a_code_that_a_program_wrote_in_scientific_notation_is_marked() {
        assert_eq!(from_field("9.13207E+17").doubt, Some(Doubt::LostPrecision));
        assert_eq!(from_field("E+17").doubt, None);
        assert_eq!(from_field("91320703MA1X0000E5").doubt, None);
    }

    #[test]
    fn a_text_beyond_the_limit_is_cut_between_characters_and_marked() {
        let cell = from_text(&"字".repeat(MAX_CELL_BYTES));
        assert_eq!(cell.doubt, Some(Doubt::Cut));
        assert!(cell.text.len() <= MAX_CELL_BYTES && cell.text.ends_with('字'));
    }

    #[test]
    fn the_mark_before_a_text_that_looks_like_a_formula_is_taken_off_again() {
        assert_eq!(from_field("'=1+1").text, "=1+1");
        assert_eq!(from_field("'90年代").text, "'90年代");
    }
}
