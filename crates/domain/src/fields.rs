//! The fields of each kind of record: their names, what they may hold, and which stay open after signing.
//!
//! A field name is a path of `/`-separated parts. A name that this version does not know may hold any small JSON value, so that
//! a newer version can add fields without an older one refusing its records.

use serde_json::Value;

/// The most bytes of a field name.
pub const MAX_PATH_BYTES: usize = 200;
/// The most bytes of a text value (a fact, a description).
pub const MAX_TEXT_BYTES: usize = 100_000;

/// Everything under this part may still be written after signing.
pub const AFTER: &str = "after/";

/// Why a field cannot hold a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldFault {
    /// The name is no path.
    #[error("not a field name")]
    Path,
    /// The value has the wrong type or form.
    #[error("the value must be {0}")]
    Form(&'static str),
    /// The value is longer than allowed.
    #[error("the value is too long")]
    TooLong,
}

/// The results that an answer may have (检查结果).
pub const RESULTS: [&str; 5] = [
    "conforms",
    "nonconforming",
    "not_applicable",
    "not_checked",
    "to_verify",
];
/// The kinds of inspection (检查方式).
pub const INSPECTION_KINDS: [&str; 4] = ["enforcement", "cross", "self", "reinspection"];
/// The kinds of subject (检查对象类别).
pub const SUBJECT_KINDS: [&str; 3] = ["training_institution", "exam_institution", "enterprise"];
/// The states of a finding (问题状态).
pub const FINDING_STATES: [&str; 6] = [
    "open",
    "ordered",
    "rectified",
    "verified",
    "overdue",
    "escalated",
];

/// Checks that `path` is a field name: parts of letters, digits, `. _ -` and CJK, none empty, none `.` or `..`.
///
/// # Errors
/// When it is not.
pub fn check_path(path: &str) -> Result<(), FieldFault> {
    let part_fits = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    if path.len() <= MAX_PATH_BYTES && path.split('/').all(part_fits) {
        Ok(())
    } else {
        Err(FieldFault::Path)
    }
}

/// Checks that a field may hold `value`; `null` empties any field.
///
/// # Errors
/// When the name is no path, or the value does not fit a field that this version knows.
pub fn check(path: &str, value: &Value) -> Result<(), FieldFault> {
    check_path(path)?;
    if value.is_null() {
        return Ok(());
    }
    match form_of(path) {
        Form::Text => text(value, MAX_TEXT_BYTES),
        Form::Line => text(value, 1_000),
        Form::OneOf(words) => match value.as_str() {
            Some(word) if words.contains(&word) => Ok(()),
            _ => Err(FieldFault::Form("one of the listed words")),
        },
        Form::UnixMs => match value.as_u64() {
            Some(ms) if ms < 1 << 47 => Ok(()),
            _ => Err(FieldFault::Form("a time in Unix milliseconds")),
        },
        Form::Day => match value.as_str() {
            Some(day) if day.parse::<crate::pack::Date>().is_ok() => Ok(()),
            _ => Err(FieldFault::Form("a date as YYYY-MM-DD")),
        },
        Form::Flag => {
            if value.is_boolean() {
                Ok(())
            } else {
                Err(FieldFault::Form("true or false"))
            }
        }
        Form::Count => {
            if value.is_u64() {
                Ok(())
            } else {
                Err(FieldFault::Form("a whole number"))
            }
        }
        Form::Hash => match value.as_str() {
            Some(hash) if hash.parse::<crate::ids::BlobHash>().is_ok() => Ok(()),
            _ => Err(FieldFault::Form("a SHA-256 hash in 64 hexadecimal digits")),
        },
        Form::Inspectors => inspectors(value),
        Form::Any => {
            if value.to_string().len() <= MAX_TEXT_BYTES {
                Ok(())
            } else {
                Err(FieldFault::TooLong)
            }
        }
    }
}

/// Whether a field may still be written once the record is signed.
pub fn is_open_after_signing(path: &str) -> bool {
    path.starts_with(AFTER)
}

enum Form {
    Text,
    Line,
    OneOf(&'static [&'static str]),
    UnixMs,
    Day,
    Flag,
    Count,
    Hash,
    Inspectors,
    Any,
}

fn form_of(path: &str) -> Form {
    let last = path.rsplit('/').next().unwrap_or(path);
    if let Some(rest) = path.strip_prefix("answers/") {
        return match rest.split_once('/').map(|(_, field)| field) {
            Some("result") => Form::OneOf(&RESULTS),
            Some("facts" | "reason" | "finding/description" | "finding/measure") => Form::Text,
            Some("finding/responsible" | "finding/basis" | "finding/penalty") => Form::Line,
            Some("finding/due") => Form::Day,
            _ => Form::Any,
        };
    }
    match last {
        "started_at" | "ended_at" => Form::UnixMs,
        "due" => Form::Day,
        "sample" | "high_risk" | "identity_shown" => Form::Flag,
        "subject_kind" => Form::OneOf(&SUBJECT_KINDS),
        "inspection_kind" => Form::OneOf(&INSPECTION_KINDS),
        "state" => Form::OneOf(&FINDING_STATES),
        "inspectors" => Form::Inspectors,
        "size" => Form::Count,
        "pack_hash" => Form::Hash,
        "description" | "measure" | "summary" | "remark" => Form::Text,
        "name"
        | "credit_code"
        | "region"
        | "address"
        | "legal_representative"
        | "position"
        | "phone"
        | "industry"
        | "contact"
        | "escort"
        | "place"
        | "number"
        | "checklist"
        | "phase"
        | "pack"
        | "pack_version"
        | "subject"
        | "inspection"
        | "item"
        | "responsible"
        | "institution" => Form::Line,
        _ => Form::Any,
    }
}

fn text(value: &Value, most: usize) -> Result<(), FieldFault> {
    match value.as_str() {
        None => Err(FieldFault::Form("text")),
        Some(text) if text.len() > most => Err(FieldFault::TooLong),
        Some(_) => Ok(()),
    }
}

/// Inspectors of a visit: `[{person?, name, certificate}]`.
fn inspectors(value: &Value) -> Result<(), FieldFault> {
    const FORM: FieldFault =
        FieldFault::Form("a list of at most 20 inspectors with name and certificate number");
    let list = value
        .as_array()
        .filter(|list| list.len() <= 20)
        .ok_or(FORM)?;
    let line = |v: &Value| v.as_str().is_some_and(|s| s.len() <= 200);
    let fits = |one: &Value| {
        line(&one["name"])
            && line(&one["certificate"])
            && (one["person"].is_null() || line(&one["person"]))
    };
    if list.iter().all(fits) {
        Ok(())
    } else {
        Err(FORM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_known_field_refuses_a_value_that_it_cannot_hold() {
        assert!(check("answers/TI-1.1/result", &json!("conforms")).is_ok());
        assert!(check("answers/TI-1.1/result", &json!("looks fine")).is_err());
        assert!(check("answers/TI-1.1/finding/due", &json!("2022-02-30")).is_err());
        assert!(check("started_at", &json!("yesterday")).is_err());
        assert!(check("inspectors", &json!([{"name": "甲", "certificate": "苏1"}])).is_ok());
        assert!(check("inspectors", &json!([{"name": 1}])).is_err());
        assert!(check("name", &json!("x".repeat(1001))).is_err());
        assert!(check("pack_hash", &json!("ab".repeat(32))).is_ok());
        assert!(check("pack_hash", &json!("1.0.0")).is_err());
    }

    #[test]
    fn a_field_of_a_newer_version_is_taken_if_it_is_small() {
        assert!(check("weather/sky", &json!({"clouds": 3})).is_ok());
        assert!(check("weather/sky", &json!("x".repeat(MAX_TEXT_BYTES + 1))).is_err());
        assert!(check("../../etc", &json!(1)).is_err());
        assert!(check("", &json!(1)).is_err());
    }
}
