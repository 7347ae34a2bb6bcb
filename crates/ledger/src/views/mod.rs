//! The tables that the screens read, folded from entries in the transaction that brings them.
//!
//! Invariant: what stands here of a record is a function of its fold and of the views of the records that it names, so that
//! devices which hold the same entries hold the same views, in whatever order the entries came. [`project`] writes only what
//! changed: a changed answer touches two rows. Where a record or its evidence is on its way stands elsewhere, since that is local.

mod answers;
mod bits;
#[cfg(test)]
mod cost;
mod digest;
mod findings;
mod inspections;
mod list;
mod notes;
mod overview;
mod packed;
mod prints;
mod rolled;
mod rows;
mod search;
mod subjects;
mod week;
mod words;
mod write;

use rusqlite::Transaction;

pub use rows::*;
pub(crate) use week::{AHEAD_MS, day_number};
pub(crate) use write::project;

use crate::error::LedgerError;

/// Tables whose rows of a record go by its number in `id`.
const BY_ID: [&str; 11] = [
    "view_subject",
    "view_inspection",
    "view_inspector",
    "view_answer",
    "view_nonconforming",
    "view_finding",
    "view_attachment",
    "view_conflict",
    "view_late",
    "view_unknown",
    "view_pack",
];

/// Empties all views.
///
/// # Errors
/// When the database fails.
pub(crate) fn clear(tx: &Transaction<'_>) -> Result<(), LedgerError> {
    for table in BY_ID.iter().chain(&["view_record", "view_item"]) {
        tx.execute(&format!("DELETE FROM {table}"), [])?;
    }
    for table in [
        "search_subject",
        "search_inspection",
        "search_finding",
        "search_answer",
    ] {
        tx.execute(
            &format!("INSERT INTO {table} ({table}) VALUES ('delete-all')"),
            [],
        )?;
    }
    Ok(())
}

/// A number as the database has it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number from the database that is never negative.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
