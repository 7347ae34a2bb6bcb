//! Updates of the application that come over the central endpoint or in a package: what makes a file one, and where it is kept
//! (docs/PROTOCOL.md, "Updates").
//!
//! An update is the setup of a version with its minisign signature, in the form that Tauri's updater uses. Invariant: a file is called
//! an update only after the key that was compiled in has signed both its bytes and the comment that names its version and platform;
//! whoever carries it, the endpoint included, can withhold it and nothing else. What installs it is not here.

mod fault;
mod files;
mod folder;
mod refused;
mod signature;
#[cfg(test)]
mod tests;
mod version;

pub use fault::UpdateFault;
pub use folder::{KeptUpdate, UpdateFolder, UpdateNow};
pub use signature::{SignedUpdate, UpdateKey, platform_of};
pub use version::Version;

/// The most bytes of an update.
pub const MAX_UPDATE: u64 = 512 << 20;
/// The most bytes of its signature's text.
pub const MAX_SIGNATURE: usize = 16 << 10;
/// The platform that setups are made for today.
pub const WINDOWS: &str = "windows-x86_64";
