//! The protocol between a device and the central endpoint, version 1 (docs/PROTOCOL.md).
//!
//! Invariant: nothing here trusts its input. Every size is bounded before memory is taken for it, and whatever a peer sends is
//! either read whole or answered with a fault that says why. No transport, no storage, no clock.

pub mod admin;
pub mod batch;
pub mod code;
pub mod end;
pub mod messages;
pub mod order;
pub mod problem;
mod serial;
pub mod signing;
pub mod unlock;
pub mod update;
pub mod wire;

pub use batch::{Batch, BatchFault, BatchWriter, Row};
pub use code::{CodeFault, EnrolCode};
pub use problem::{Problem, ProblemCode};

/// The version of the protocol that this software speaks.
pub const VERSION: u32 = 2;
/// The request and answer header that names the version.
pub const VERSION_HEADER: &str = "shicha-protocol";
/// The answer header that names a request, so that an operator finds it in the log.
pub const REQUEST_ID_HEADER: &str = "x-request-id";
/// Media type of entry batches.
pub const BATCH_TYPE: &str = "application/vnd.shicha.batch+zstd";
/// Media type of what a pull asks for.
pub const PULL_TYPE: &str = "application/vnd.shicha.pull+zstd";
/// Media type of problems (RFC 9457).
pub const PROBLEM_TYPE: &str = "application/problem+json";
/// What a problem with the code `slow_down` brings along: in how many seconds to come again, as the header `retry-after` says too.
pub const RETRY_AFTER_S: &str = "retry_after_s";
/// How many bytes of an evidence file the sender has sent before this part.
pub const UPLOAD_OFFSET: &str = "upload-offset";
/// How many bytes the whole evidence file has.
pub const UPLOAD_LENGTH: &str = "upload-length";
/// `?1` once the whole file is there and its hash was right (a boolean of RFC 9651).
pub const UPLOAD_COMPLETE: &str = "upload-complete";

/// The most bytes of a compressed batch.
pub const MAX_BATCH_BODY: usize = 16 << 20;
/// The most bytes that a batch may unfold to.
pub const MAX_BATCH_DECODED: usize = 32 << 20;
/// The most entries of a batch.
pub const MAX_BATCH_ROWS: usize = 20_000;
/// The most of anything that a batch lists, and the most channels that one answer to a pull tells of: each entry brings at most two
/// receipts along, and no other list is longer. Whoever writes keeps to it as whoever reads.
pub const MAX_LIST: usize = 2 * MAX_BATCH_ROWS;
/// The most bytes of a pull's request, compressed.
pub const MAX_PULL_REQUEST: usize = 4 << 20;
/// The most channels that a pull's request names.
pub const MAX_HELD: usize = 200_000;
/// A device that holds more channels than this names only what has changed since its last pull, where the endpoint remembers that.
pub const MANY_HELD: usize = 500;
/// How many bytes of events a batch should hold at most; one event may exceed it, two may not.
pub const BATCH_EVENT_BYTES: usize = 8 << 20;
/// The most bytes of a control message.
pub const MAX_JSON_BODY: usize = 1 << 20;
/// Bytes of one part of the directory, about.
pub const DIRECTORY_PART: usize = 512 << 10;
/// How many bytes of an evidence file travel in one request.
pub const BLOB_PART: usize = 1 << 20;
/// The most bytes of an evidence file that one request may carry.
pub const MAX_BLOB_PART: usize = 8 << 20;
/// The most bytes of an evidence file.
pub const MAX_BLOB: u64 = 1 << 30;
