//! A central endpoint that was restored from a backup: it holds less than it has confirmed, and gives numbers anew that it gave before.
//!
//! What this device wrote is sent again from there on, and everything is pulled from the beginning, because the same number may now be
//! another entry's. Nothing that is here is given up.

use super::{error::SyncError, round::Round, session::Session};

/// Under which setting the life of the server is remembered.
const EPOCH: &str = "sync/epoch";

impl Round<'_> {
    /// Holds a new session's first words against what the server has confirmed before.
    pub(super) async fn restored(&self, session: &Session) -> Result<(), SyncError> {
        let (held, epoch) = (session.head, session.epoch.to_string());
        let again = self
            .on_ledger(move |ledger| {
                let known = ledger.setting(EPOCH)?;
                let is_other = known.as_ref().is_some_and(|known| *known != epoch);
                let lacks = held.seq < ledger.acked()?.0;
                if is_other || lacks {
                    ledger.pull_again()?;
                }
                let again = if lacks {
                    ledger.send_again_after((held.seq, held.id))?
                } else {
                    0
                };
                // Only now: a round that is killed before this does it all again.
                if known.as_ref() != Some(&epoch) {
                    ledger.set_setting(EPOCH, &epoch)?;
                }
                Ok((is_other || lacks).then_some(again))
            })
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
