//! What the ledger promises about entries: nothing that was said to be saved is lost, and nothing that does not fit gets in.

#![allow(clippy::unwrap_used)]

mod carried;
mod confirmed;
mod crash;
mod damage;
mod directory;
mod doubting;
mod fork;
mod incoming;
mod keychain;
mod kit;
mod log;
mod numbers;
mod older;
mod order;
mod places;
