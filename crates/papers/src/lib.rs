//! Documents out and rosters in: PDF papers, XLSX and CSV tables, and the reading of rosters.
//!
//! Invariant: plain data in, bytes out. No database, no network and no clock: every date that a
//! paper shows or carries in its metadata is passed in, so the same input gives the same bytes.
//! What a person typed reaches a paper as data and is never read as markup, formula or macro.
//! Deliberately not here: what an inspection is (domain), where files are kept (ledger), and the
//! wording of errors for the screen (api, by [`PapersError::code`] and [`RosterError::code`]).

#[cfg(feature = "documents")]
mod error;
#[cfg(feature = "documents")]
pub mod fonts;
pub mod images;
#[cfg(feature = "documents")]
pub mod onsite_record;
pub mod roster;
#[cfg(feature = "documents")]
pub mod tables;
#[cfg(feature = "documents")]
mod text;
#[cfg(feature = "documents")]
mod world;

#[cfg(feature = "documents")]
pub use error::PapersError;
pub use roster::RosterError;
