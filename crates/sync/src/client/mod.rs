//! The client: keeps one ledger in step with a central endpoint.
//!
//! [`Engine::sync_once`] goes one round: session, entries up, entries down, numbers, directory, evidence up, evidence down. [`Worker`]
//! goes rounds in the background for as long as the application runs. Invariant: the ledger is the only memory. A round may be killed
//! at any instant and the next one goes on from what the ledger and the server hold; nothing is called delivered before its receipt
//! is in the ledger. Whatever the server says is checked against the key that was pinned at enrolment.

mod admin;
mod blobs;
mod carry;
mod command;
mod directory;
mod ends;
mod engine;
mod enrol;
mod error;
mod events;
mod fork;
mod http;
mod numbers;
pub mod package;
mod pull;
mod push;
mod restored;
mod round;
mod session;
mod state;
mod transport;
mod update;
mod worker;

pub use admin::PackFault;
pub use command::{Command, tell_obeyed, tell_obeyed_with};
pub use engine::{Clock, Engine, NumberWant, Outcome, Skipped, SystemClock};
pub use enrol::{Found, enrol, enrol_with, probe, probe_with};
pub use error::{SyncError, SyncErrorCode};
pub use http::{HttpTransport, tidy_url};
pub use state::{Moved, MovedKind, Phase, Progress, SyncFault, SyncState};
pub use transport::{Method, Reply, Request, Streamed, Streaming, Transport, TransportFault};
pub use worker::{Chance, Worker};
