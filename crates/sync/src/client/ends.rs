//! Telling ends of the own log (invariant 7): with the last push of a round, or with a pull, where nothing is new at most every ten
//! minutes. It is told so that what is written after it cannot be said to have been written before.

use std::sync::{Mutex, PoisonError};

use shicha_domain::{DeviceId, EntryId, receipt::end_bytes};
use shicha_ledger::Ledger;

use super::{error::SyncError, round::Round, transport::Reply};
use crate::protocol::end::{End, TELL_EVERY_MS, TICK_HEADER, Tick};

/// What is known of ticks and told ends.
#[derive(Default)]
pub(super) struct Ends {
    /// The newest tick of the present session, and whose it is.
    tick: Mutex<Option<(DeviceId, Tick)>>,
    /// When an end was told last, by this computer's clock, Unix ms, and for which device.
    told: Mutex<Option<(DeviceId, u64)>>,
}

impl Ends {
    /// Keeps the tick that an answer in a session brought.
    pub(super) fn note_tick(&self, device: DeviceId, reply: &Reply) {
        if let Some(tick) = reply.header(TICK_HEADER).and_then(Tick::from_text) {
            *lock(&self.tick) = Some((device, tick));
        }
    }

    /// The session is over, and its ticks with it.
    pub(super) fn forget(&self) {
        *lock(&self.tick) = None;
    }

    fn tick_of(&self, device: DeviceId) -> Option<Tick> {
        lock(&self.tick)
            .filter(|(of, _)| *of == device)
            .map(|(_, tick)| tick)
    }

    fn note_told(&self, device: DeviceId, now_ms: u64) {
        *lock(&self.told) = Some((device, now_ms));
    }

    fn is_due(&self, device: DeviceId, now_ms: u64) -> bool {
        // A clock that was put back must not keep it from being told.
        lock(&self.told)
            .is_none_or(|(of, told_ms)| of != device || told_ms.abs_diff(now_ms) >= TELL_EVERY_MS)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Signs an end, if the log ends where it should.
fn tell(
    ledger: &Ledger,
    tick: Tick,
    sent: Option<(u64, EntryId)>,
) -> Result<Option<End>, SyncError> {
    let end = ledger.tell_end(sent, |identity, (seq, head)| {
        let said = end_bytes(&identity.server_key, identity.device, tick.at_ms, seq, head);
        End {
            tick,
            seq,
            head,
            signature: identity.signing_key.sign(&said),
        }
    })?;
    Ok(end)
}

impl Round<'_> {
    /// The end that goes with a push whose last entry is `sent`; none where more was written meanwhile.
    pub(super) async fn end_with(&self, sent: (u64, EntryId)) -> Result<Option<End>, SyncError> {
        self.end(Some(sent)).await
    }

    /// The end that goes with a pull, where none was told lately and everything is delivered.
    pub(super) async fn end_if_due(&self) -> Result<Option<End>, SyncError> {
        let engine = self.engine;
        if engine.ends.is_due(self.identity.device, engine.now_ms()) {
            self.end(None).await
        } else {
            Ok(None)
        }
    }

    async fn end(&self, sent: Option<(u64, EntryId)>) -> Result<Option<End>, SyncError> {
        let Some(tick) = self.engine.ends.tick_of(self.identity.device) else {
            return Ok(None);
        };
        self.on_ledger(move |ledger| tell(ledger, tick, sent)).await
    }

    /// Notes that an end has reached the endpoint.
    pub(super) fn end_was_told(&self) {
        let engine = self.engine;
        engine.ends.note_told(self.identity.device, engine.now_ms());
    }
}
