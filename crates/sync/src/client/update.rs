//! Updates of the application: asking which one is for this device, and fetching it when everything else is done.
//!
//! A round fetches a few parts and no more, so that an inspection that is written meanwhile does not wait for a setup; the next round
//! goes on at once where this one stopped. What the endpoint offers is believed only as far as the maker signed it.

use std::sync::{Arc, PoisonError};

use super::{
    engine::{Engine, blocking},
    error::SyncError,
    round::Round,
    session::message,
    state::{Phase, Progress},
    transport::{Method, Request},
};
use crate::{
    protocol::{
        BLOB_PART, ProblemCode,
        update::{OfferedUpdate, UpdateOffer},
    },
    update::{SignedUpdate, UpdateFault, UpdateFolder, UpdateNow},
};

/// How often the endpoint is asked.
const ASK_EVERY_MS: u64 = 10 * 60 * 1000;
/// Parts that one round fetches.
const PARTS: usize = 8;

/// What is known of the endpoint's offer.
#[derive(Default)]
pub(super) struct Offer {
    asked_at_ms: Option<u64>,
    /// What is to be fetched, and was not yet.
    wanted: Option<(SignedUpdate, u64)>,
}

impl Engine {
    /// Takes updates, into this folder.
    #[must_use]
    pub fn with_updates(mut self, updates: Arc<UpdateFolder>) -> Self {
        self.updates = Some(updates);
        self
    }

    /// The next round asks for an update, however lately that was done.
    pub fn ask_for_update(&self) {
        self.offer().asked_at_ms = None;
    }

    /// When the endpoint was asked last whether there is an update, Unix ms.
    pub fn asked_for_update_at_ms(&self) -> Option<u64> {
        self.offer().asked_at_ms
    }

    fn offer(&self) -> std::sync::MutexGuard<'_, Offer> {
        self.offer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Round<'_> {
    /// Asks for an update and fetches of it what one round may. What is wrong with an update is kept for the screens and holds nothing
    /// up; only a line that broke ends the round.
    pub(super) async fn update(&mut self) -> Result<(), SyncError> {
        let Some(updates) = self.engine.updates.clone() else {
            return Ok(());
        };
        let Some(platform) = updates.platform().map(str::to_owned) else {
            return Ok(());
        };
        // Everything of the people's own is done.
        self.tell(Progress::Phase(Phase::Idle));
        let now_ms = self.engine.now_ms();
        let is_time = {
            let offer = self.engine.offer();
            offer
                .asked_at_ms
                .is_none_or(|asked| now_ms.saturating_sub(asked) >= ASK_EVERY_MS)
        };
        let fetched = async {
            if is_time {
                self.ask_which(&updates, &platform).await?;
            }
            self.fetch_update(&updates).await
        };
        match fetched.await {
            Ok(goes_on) => {
                self.outcome.update_goes_on = goes_on;
                Ok(())
            }
            Err(Trouble::Sync(error)) if error.ends_round() => Err(error),
            Err(Trouble::Sync(error)) => {
                tracing::warn!(%error, "no update this time");
                self.engine.offer().wanted = None;
                updates.tell(UpdateNow::Failed {
                    code: "server".to_owned(),
                    detail: error.to_string(),
                });
                Ok(())
            }
            Err(Trouble::Update(fault)) => {
                tracing::warn!(%fault, "an update is not taken");
                self.engine.offer().wanted = None;
                updates.failed(&fault);
                Ok(())
            }
        }
    }

    async fn ask_which(
        &mut self,
        updates: &Arc<UpdateFolder>,
        platform: &str,
    ) -> Result<(), Trouble> {
        let request = Request::new(Method::Get, format!("/v1/update?platform={platform}"));
        let offered: UpdateOffer = match self.engine.ask(&self.identity, request).await {
            Ok(reply) => message(&reply)?,
            // An endpoint of before there were updates.
            Err(SyncError::Problem(problem)) if problem.code == ProblemCode::NotFound => {
                UpdateOffer::default()
            }
            Err(error) => return Err(error.into()),
        };
        let now_ms = self.engine.now_ms();
        {
            let mut offer = self.engine.offer();
            offer.asked_at_ms = Some(now_ms);
            offer.wanted = None;
        }
        updates.changed();
        let judging = Arc::clone(updates);
        let wanted = on_folder(move || judge(&judging, offered.update)).await?;
        self.engine.offer().wanted = wanted;
        Ok(())
    }

    /// `true`: there is more to fetch.
    async fn fetch_update(&mut self, updates: &Arc<UpdateFolder>) -> Result<bool, Trouble> {
        let Some((signed, size)) = self.engine.offer().wanted.clone() else {
            return Ok(false);
        };
        let beginning = (Arc::clone(updates), signed.clone());
        let mut have = on_folder(move || beginning.0.begin(&beginning.1, size)).await?;
        let tell = |have| {
            updates.tell(UpdateNow::Fetching {
                version: signed.version,
                have,
                size,
            });
        };
        tell(have);
        for _ in 0..PARTS {
            if have == size {
                break;
            }
            if !self.entries_first(Phase::Idle).await? {
                return Ok(false);
            }
            let last = (have + BLOB_PART as u64 - 1).min(size - 1);
            let request = Request::new(Method::Get, format!("/v1/updates/{}", signed.name))
                .header("range", format!("bytes={have}-{last}"))
                .with_time_for(BLOB_PART);
            let reply = self.engine.ask(&self.identity, request).await?;
            let expected = format!("bytes {have}-{last}/{size}");
            if reply.status != 206
                || reply.header("content-range") != Some(expected.as_str())
                || reply.body.len() as u64 != last + 1 - have
            {
                return Err(SyncError::untrustworthy(
                    "another part of an update than the one asked for",
                )
                .into());
            }
            let (adding, bytes) = (Arc::clone(updates), reply.body);
            let length = bytes.len() as u64;
            on_folder(move || adding.add(have, &bytes)).await?;
            have += length;
            tell(have);
        }
        if have < size {
            return Ok(true);
        }
        self.engine.offer().wanted = None;
        let version = signed.version;
        let finishing = Arc::clone(updates);
        on_folder(move || finishing.finish(&signed)).await?;
        tracing::info!(%version, "an update is here");
        Ok(false)
    }
}

/// Holds what is offered against what is kept, and says what is to be fetched.
fn judge(
    updates: &UpdateFolder,
    offered: Option<OfferedUpdate>,
) -> Result<Option<(SignedUpdate, u64)>, UpdateFault> {
    let Some(offered) = offered else {
        updates.hold_against_offer(None)?;
        return Ok(None);
    };
    let signed = match updates.signed(&offered.signature) {
        Ok(signed) => signed,
        // Released for those who have not even that.
        Err(UpdateFault::NotNewer { .. }) => {
            updates.hold_against_offer(None)?;
            return Ok(None);
        }
        Err(fault) => return Err(fault),
    };
    if signed.name != offered.name {
        return Err(UpdateFault::Altered("it is offered under another name"));
    }
    signed.check_size(offered.size)?;
    updates.hold_against_offer(Some(&signed))?;
    Ok(updates
        .is_wanted(&signed)?
        .then_some((signed, offered.size)))
}

/// What keeps an update from being fetched.
enum Trouble {
    Sync(SyncError),
    Update(UpdateFault),
}

impl From<SyncError> for Trouble {
    fn from(error: SyncError) -> Self {
        Self::Sync(error)
    }
}

/// Does work on the folder off the threads that wait for the network.
async fn on_folder<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UpdateFault> + Send + 'static,
) -> Result<T, Trouble> {
    blocking(move || Ok(work())).await?.map_err(Trouble::Update)
}
