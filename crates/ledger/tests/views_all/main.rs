//! What the views promise to those who read lists, figures and search results.
#![allow(clippy::unwrap_used)]

mod clocks;
mod fold;
mod kit;
mod lists;
mod notes;
mod overview;
mod search;
mod short_lists;
