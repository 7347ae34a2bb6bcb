//! What several people's laptops hold in the end: the same, in whatever order they met the central endpoint, and all of it, even
//! where one of them went on from a copy of its folder.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod consolidating;
mod copied_folder;
// Shared with the tests of bad lines, which use more of it.
#[allow(dead_code)]
#[path = "../laptops/kit.rs"]
mod kit;
