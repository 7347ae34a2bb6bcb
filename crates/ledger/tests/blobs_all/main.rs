//! What evidence promises: the original for ever, its type and origin told from its bytes, and never more claimed than is there.
#![allow(clippy::unwrap_used)]

mod delivery;
#[path = "../views_all/kit.rs"]
mod kit;
mod originals;
mod photos;
