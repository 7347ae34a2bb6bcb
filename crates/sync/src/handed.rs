//! Stretches of other devices' logs as they go from hand to hand: written, and taken in.

use shicha_domain::{DeviceId, EntryId, entry::Entry, suite::SignatureBytes};
use shicha_ledger::{Ledger, LedgerError, Sealed, SealedRefusal, SealedTaken, Vouched};

use crate::protocol::{
    BatchFault, BatchWriter,
    wire::{self, Push},
};

/// The body of a push of entries that their device signed.
pub(crate) fn write(
    entries: &[(EntryId, Entry)],
    signature: &SignatureBytes,
) -> Result<Vec<u8>, BatchFault> {
    let mut batch = BatchWriter::new();
    for (id, entry) in entries {
        batch.row(0, None, *id, entry);
    }
    wire::write_push(signature, batch)
}

/// What came of taking a stretch in.
pub(crate) struct Handed {
    /// Whose log it is of; none where it was empty.
    pub(crate) device: Option<DeviceId>,
    /// How many entries it has.
    pub(crate) entries: u64,
    /// What the ledger made of it.
    pub(crate) taken: SealedTaken,
}

/// Takes a stretch of another device's log. One that parts from what is here is kept for the endpoint: it proves that the device's log is
/// written at two places.
pub(crate) fn take<E: From<LedgerError> + From<BatchFault>>(
    ledger: &Ledger,
    push: Push,
    vouched: Option<&Vouched>,
    now_ms: u64,
) -> Result<Handed, E> {
    let rows = push.batch.rows.into_iter();
    let sealed = Sealed {
        signature: push.signature,
        entries: rows.map(|row| (row.id, row.entry)).collect(),
    };
    let device = sealed.entries.first().map(|(_, entry)| entry.device);
    let taken = ledger.take_sealed_of(&sealed, vouched, now_ms)?;
    let parted = device.filter(|_| taken == SealedTaken::Refused(SealedRefusal::Parted));
    if let Some(device) = parted
        && (ledger.identity()?).is_some_and(|own| own.device != device)
    {
        ledger.keep_parted(device, &write(&sealed.entries, &sealed.signature)?)?;
    }
    Ok(Handed {
        device,
        entries: sealed.entries.len() as u64,
        taken,
    })
}
