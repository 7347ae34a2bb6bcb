//! The application without a window, as its screens use it: real ledgers, a real central endpoint, real files.

#![allow(clippy::unwrap_used)]

mod desktop;
mod enemies;
mod evidence;
mod first_start;
mod inspection;
mod kit;
mod ordered;
mod packages;
mod packs;
mod place;
mod released;
mod roster;
mod signing;
mod together;
mod unjudged;
mod updates;
