//! The central endpoint: holds every device's ledger, gives receipts, numbers entries, and hands out what each may read.
//!
//! Invariant: the server decides by what it holds itself, never by what a client says; what it has confirmed with a receipt is
//! durable. It knows the protocol, not the devices' embedded ledger.

mod administration;
pub mod cli;
mod ends;
pub mod evidence;
pub mod home;
mod http;
mod instance;
mod intake;
mod linger;
mod log;
pub mod moments;
pub mod package;
mod places;
mod private;
mod publishing;
mod serve;
mod serving;
pub mod signer;
pub mod store;
mod sweep;
pub mod tls;
mod updates;
pub mod verify;
mod watch;

pub use http::{Connections, Limits, Rate};
pub use instance::Instance;
pub use serve::{Clock, Config, Running, ServeError, serve};
