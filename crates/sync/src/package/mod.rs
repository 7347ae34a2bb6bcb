//! Package files (`.shicha`): the protocol's messages, sealed for one recipient, for ways without a network (docs/PROTOCOL.md,
//! "Packages").
//!
//! A package is a [`Label`] that anybody may read, and behind it an age file for the recipient alone: pieces (pushes, pulls, answers,
//! evidence, …) and at the end the list of them, signed by the sender. [`look`] reads all of it and proves it before anything is taken;
//! [`Pieces`] then hands out what was looked at, piece by piece. Both are streams: however large a package is, memory is taken for one
//! piece. What a piece says is judged by whoever takes it, as if it had come over the network. No clock and no ledger here.

mod card;
mod contents;
mod fault;
mod file;
mod keys;
mod label;
mod list;
mod message;
mod read;
#[cfg(test)]
mod tests;
mod watch;
mod write;

pub use card::Card;
pub use contents::{Contents, Holder};
pub use fault::PackageFault;
pub use file::{PackageFile, open};
pub use label::{Label, Party, read_label};
pub use list::{Kind, List, Piece};
pub use message::{
    Answer, IdentityAnswer, LentNumbers, MAX_WANTED_EVIDENCE, Message, Outcome, State, Wanted,
};
pub use read::{Looked, Opening, Pieces, look};
pub use watch::{Progress, unwatched};
pub use write::Writer;

/// The version of the format that this software writes and reads.
pub const FORMAT: u32 = 2;
/// What the names of package files end in.
pub const ENDING: &str = "shicha";
/// Media type of package files.
pub const PACKAGE_TYPE: &str = "application/vnd.shicha.package";
/// The most pieces of a package.
pub const MAX_PIECES: usize = 200_000;
/// The most bytes of a label.
pub const MAX_LABEL: usize = 4 << 10;
