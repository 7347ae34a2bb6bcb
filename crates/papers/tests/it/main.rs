//! What the documents and the reading of rosters promise, checked from outside.
#![allow(clippy::unwrap_used)]

mod onsite_record;
mod roster;
mod roster_hostile;
mod sample;
mod tables;
