//! Laptops with real ledgers and the real central endpoint over loopback, and what happens when the one on the line, the server or the
//! laptop is not as it should be.

#![allow(clippy::unwrap_used)]

mod bounds;
mod brought;
#[path = "../common/mod.rs"]
mod common;
mod delivering;
mod directory;
mod doubting;
mod enrolling;
mod evidence;
mod fetching;
mod kit;
mod lying;
mod nearby;
mod numbers;
mod ordered;
mod parting;
mod releasing;
mod restored;
mod salvaged;
mod texts;
mod updates;
mod worker;
