//! Synchronisation: the protocol that both ends speak, and the client that pushes and pulls.
//!
//! The central endpoint uses [`protocol`] alone (feature `client` off) and so knows nothing of the embedded ledger.

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "client")]
mod handed;
#[cfg(feature = "client")]
pub mod nearby;
pub mod package;
pub mod protocol;
mod random;
pub mod update;
pub mod work;

pub use random::Random;
