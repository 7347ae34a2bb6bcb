//! The list of everything the application can do, its handlers and its error codes.
//!
//! A host (the desktop shell, the local HTTP host, a test) carries calls and events; no rule of a host is known here.

mod app;
mod around;
pub mod bindings;
mod calls;
mod delivery;
mod desk;
pub mod error;
mod faults;
pub mod fetch;
mod handlers;
pub mod host;
mod made;
mod names;
mod packs;
mod parcels;
mod prefs;
mod rosters;
pub mod schema;
mod time;
mod undo;
pub mod updates;
mod uploads;

pub use app::{App, AppConfig, Bytes};
pub use shicha_ledger::{LOGS_FOLDER, WINDOW_FOLDER};
pub use shicha_sync::client::{Clock, SystemClock};
pub use updates::UpdateConfig;
