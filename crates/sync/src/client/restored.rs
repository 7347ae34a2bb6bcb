//! A central endpoint that was restored from a backup: it holds less than it has confirmed, and gives numbers anew that it gave before.
//!
//! What this device wrote is sent again from there on, and everything is pulled from the beginning, because the same number may now be
//! another entry's. Nothing that is here is given up.

use shicha_domain::EntryId;
use shicha_ledger::Ledger;
use uuid::Uuid;

use super::{error::SyncError, round::Round, session::Session};

/// Under which setting the life of the server is remembered.
const EPOCH: &str = "sync/epoch";

impl Round<'_> {
    /// Holds a new session's first words against what the server has confirmed before.
    pub(super) async fn restored(&self, session: &Session) -> Result<(), SyncError> {
        let (held, epoch) = ((session.head.seq, session.head.id), session.epoch);
        let again = self
            .on_ledger(move |ledger| held_against(ledger, held, epoch))
            .await?;
        if let Some(again) = again {
            tracing::warn!(
                again,
                "the server was restored from a backup; what it lacks is sent again"
            );
        }
        Ok(())
    }
}

/// Holds what the server has of this ledger, and which life of it it is, against what it has confirmed before. `Some`: it was restored
/// from a backup, and so many entries wait to be sent again.
pub(super) fn held_against(
    ledger: &Ledger,
    held: (u64, EntryId),
    epoch: Uuid,
) -> Result<Option<u64>, SyncError> {
    let epoch = epoch.to_string();
    let known = ledger.setting(EPOCH)?;
    let is_other = known.as_ref().is_some_and(|known| *known != epoch);
    let lacks = held.0 < ledger.acked()?.0;
    // In its new life it may have taken what a copy of this ledger wrote in the place of what it had confirmed here.
    let has_parted = is_other && !ledger.holds_own(held)?;
    if is_other || lacks {
        ledger.pull_again()?;
    }
    let again = if lacks || has_parted {
        ledger.send_again_after(held)?
    } else {
        0
    };
    // Only now: a round that is killed before this does it all again.
    if known.as_ref() != Some(&epoch) {
        ledger.set_setting(EPOCH, &epoch)?;
    }
    Ok((is_other || lacks).then_some(again))
}
