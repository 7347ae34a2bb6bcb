//! What was refused, and letting it in after all.
//!
//! Invariant 12, refused is outside for all, and kept. What was refused for the directory's sake an administrator may release: it gets the
//! next number of its channel and a receipt of that moment, so that it ranks after everything that was received meanwhile.

use shicha_domain::{Channel, DeviceId, Receipt, bounds, suite::SignatureBytes};

use super::{Candidate, Placed, Seal, StoreError, administration::Noting};

/// An entry that was refused.
#[derive(Debug, Clone)]
pub struct RefusedEntry {
    /// The entry; `prev` is the stored id of the one before.
    pub candidate: Candidate,
    /// Why it was refused.
    pub code: String,
    /// The receipt that says so.
    pub receipt: Receipt,
}

/// Whether an entry may be released: nothing, or why not. Asked in the transaction that releases it, with where its record is now.
pub type MayRelease<'a> = &'a dyn Fn(&RefusedEntry, Option<&Placed>) -> Result<(), &'static str>;

/// How an entry is released.
#[derive(Clone, Copy)]
pub struct Releasing<'a> {
    /// Whether it may be.
    pub may: MayRelease<'a>,
    /// Signs its receipt.
    pub seal: Seal<'a>,
    /// When, Unix ms.
    pub now_ms: u64,
    /// What the log says of it.
    pub noting: Noting<'a>,
}

/// What came of releasing an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// The channel that got it.
    pub channel: Channel,
    /// The number that it has there.
    pub number: u64,
    /// The receipt that it counts by.
    pub receipt: Receipt,
}

/// What was refused, as a store keeps it.
pub trait Refusals {
    /// Entries that were refused, those received last first, for channels that `may_see` lets through; at most `limit`.
    fn refused(
        &self,
        device: Option<DeviceId>,
        may_see: &dyn Fn(&Channel) -> bool,
        limit: usize,
    ) -> Result<Vec<RefusedEntry>, StoreError>;
    /// The entry at a place of a device's ledger, if it was refused.
    fn refused_at(&self, device: DeviceId, seq: u64) -> Result<Option<RefusedEntry>, StoreError>;
    /// Lets a refused entry in, gives it a number and a receipt, and notes it in the log, or does nothing. `None`: there is no refused
    /// entry at that place (any more).
    fn release(
        &self,
        device: DeviceId,
        seq: u64,
        releasing: Releasing<'_>,
    ) -> Result<Option<Released>, StoreError>;
}

impl RefusedEntry {
    /// The receipt of its release: it says of the entry what was known when it was refused, but for when it was received. `newest_ms` is the
    /// time of the newest receipt of its device and of its channel.
    pub(super) fn receipt_of_release(
        &self,
        life: u64,
        newest_ms: u64,
        releasing: &Releasing<'_>,
    ) -> Result<Receipt, StoreError> {
        let received_at_ms =
            bounds::received(releasing.now_ms, newest_ms, 1).ok_or(StoreError::ClockBehind {
                behind_ms: newest_ms.saturating_sub(releasing.now_ms),
            })?;
        let seq = self.candidate.entry.seq;
        Ok((releasing.seal)(Receipt {
            life,
            device: self.candidate.entry.device,
            from: seq,
            seq,
            head: self.candidate.id,
            received_at_ms,
            since_ms: self.receipt.since_ms.min(received_at_ms),
            seen_ms: self.receipt.seen_ms,
            refused: Vec::new(),
            signature: SignatureBytes::NONE,
        }))
    }
}
