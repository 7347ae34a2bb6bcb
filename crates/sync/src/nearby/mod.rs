//! Two laptops on one site exchange directly over the local network, without the central endpoint (docs/PROTOCOL.md, "Nearby").
//!
//! [`Nearby`] is there only while a person wants it: it announces this laptop by name, lists others, and carries one session at a time.
//! A session is an encrypted channel on which both devices prove their enrolled keys and both people compare six digits; only then is
//! anything of the records said. Invariant: what comes in is held against the same rules as what comes from the endpoint's pull or a
//! package, what goes out is what the other's person may read by the directory here, and a session may break at any instant: the next one
//! goes on from what both ledgers hold.

mod address;
mod attempts;
mod channel;
mod exchange;
mod fault;
mod files;
mod finder;
mod giving;
mod greeting;
mod line;
mod peer;
mod session;
mod state;
mod station;
mod strangers;
mod taking;
#[cfg(test)]
mod tests;

pub use address::{PORT, own_addresses, read_address};
pub use channel::VERSION;
pub use exchange::{Count, Moved, Summary};
pub use fault::{NearbyFault, Reason};
pub use finder::{Announced, Finder, Finding, Found, Multicast, OnFound};
pub use peer::Peer;
pub use state::{Met, NearbyState, SessionState, Stage};
pub use station::{Compared, Nearby, NearbyConfig};
