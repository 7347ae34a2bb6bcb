//! A stick instead of a network: machines that never touch one, others that do, and the central endpoint, by files alone.

#![allow(clippy::unwrap_used)]

mod bounded;
#[path = "../common/mod.rs"]
mod common;
mod courier;
mod forked;
// Shared with the tests of bad lines, which use more of it.
#[allow(dead_code)]
#[path = "../laptops/kit.rs"]
mod kit;
mod over_http;
mod refused;
mod stick;
mod updates;
mod weeks;
