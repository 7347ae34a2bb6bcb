//! When to tell a person that what they carried home has arrived.

use shicha_sync::client::{Moved, MovedKind, Phase, SyncErrorCode, SyncState};

use crate::{App, schema::HostEvent};

/// What waited for a network, and how much was delivered since. What goes up at once is nobody's worry and is not told.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    has_waited: bool,
    entries: u64,
    blobs: u64,
}

impl Delivery {
    /// Begins to follow. What waits already was brought from somewhere without a network.
    pub(crate) fn begin(app: &App) -> Self {
        let counts = app.ledger().and_then(|ledger| Ok(ledger.counts()?));
        let has_waited = match counts {
            Ok(counts) => counts.waiting_entries > 0 || counts.waiting_blobs > 0,
            Err(error) => {
                tracing::warn!(%error, "what waits could not be counted");
                false
            }
        };
        Self {
            has_waited,
            ..Self::default()
        }
    }

    /// Takes in how synchronisation stands and what it moved since; an event when all that had waited has been delivered.
    pub(crate) fn follow(&mut self, state: &SyncState, news: &[&Moved]) -> Option<HostEvent> {
        let waits = state.waiting_entries > 0 || state.waiting_blobs > 0;
        // The phase may have gone on to the next try before anybody looked; the error stays until a round has ended well.
        let is_cut_off = state.phase == Phase::Offline
            || state
                .last_error
                .as_ref()
                .is_some_and(|error| error.code == SyncErrorCode::Offline);
        self.has_waited |= waits && is_cut_off;
        for one in news {
            match one.kind {
                MovedKind::Pushed => self.entries += one.count,
                MovedKind::Uploaded => self.blobs += one.count,
                _ => {}
            }
        }
        if waits || state.phase != Phase::Idle {
            return None;
        }
        let Self {
            has_waited,
            entries,
            blobs,
        } = std::mem::take(self);
        (has_waited && entries + blobs > 0).then_some(HostEvent::Delivered { entries, blobs })
    }
}

#[cfg(test)]
mod tests {
    use shicha_sync::client::SyncFault;

    use super::*;

    fn state(phase: Phase, waiting_entries: u64, waiting_blobs: u64) -> SyncState {
        SyncState {
            phase,
            waiting_entries,
            waiting_blobs,
            ..SyncState::default()
        }
    }

    fn moved(kind: MovedKind, count: u64) -> Moved {
        Moved {
            at_ms: 0,
            kind,
            count,
            bytes: 0,
        }
    }

    #[test]
    fn what_waited_for_a_network_is_told_once_when_all_of_it_has_arrived() {
        let mut delivery = Delivery::default();
        let (pushed, photo) = (moved(MovedKind::Pushed, 120), moved(MovedKind::Uploaded, 1));
        assert_eq!(delivery.follow(&state(Phase::Offline, 120, 2), &[]), None);
        assert_eq!(
            delivery.follow(&state(Phase::Pushing, 0, 2), &[&pushed]),
            None
        );
        assert_eq!(
            delivery.follow(&state(Phase::Uploading, 0, 1), &[&photo]),
            None
        );
        assert_eq!(
            delivery.follow(&state(Phase::Idle, 0, 0), &[&photo]),
            Some(HostEvent::Delivered {
                entries: 120,
                blobs: 2
            })
        );
        assert_eq!(delivery.follow(&state(Phase::Idle, 0, 0), &[]), None);
    }

    #[test]
    fn what_goes_up_at_once_is_not_told() {
        let mut delivery = Delivery::default();
        let pushed = moved(MovedKind::Pushed, 3);
        assert_eq!(delivery.follow(&state(Phase::Idle, 3, 0), &[]), None);
        assert_eq!(
            delivery.follow(&state(Phase::Pushing, 0, 0), &[&pushed]),
            None
        );
        assert_eq!(delivery.follow(&state(Phase::Idle, 0, 0), &[]), None);
        // Without a network, but with nothing that waits for it.
        assert_eq!(delivery.follow(&state(Phase::Offline, 0, 0), &[]), None);
        assert_eq!(delivery.follow(&state(Phase::Idle, 0, 0), &[&pushed]), None);
    }

    #[test]
    fn that_it_waited_is_noticed_also_when_the_next_try_has_begun() {
        let tells_after = |code| {
            let again = SyncState {
                last_error: Some(SyncFault {
                    code,
                    params: serde_json::Value::Null,
                }),
                ..state(Phase::Connecting, 3, 0)
            };
            let mut delivery = Delivery::default();
            assert_eq!(delivery.follow(&again, &[]), None);
            let pushed = moved(MovedKind::Pushed, 3);
            delivery.follow(&state(Phase::Idle, 0, 0), &[&pushed])
        };
        assert!(tells_after(SyncErrorCode::Offline).is_some());
        assert!(
            tells_after(SyncErrorCode::Untrustworthy).is_none(),
            "it did not wait for a network"
        );
    }
}
