//! One round, in its order: small things first, so that a short while of network is worth most.

use std::collections::BTreeMap;

use serde_json::json;
use shicha_domain::Channel;
use shicha_domain::suite::VerifyingKey;
use shicha_ledger::{Identity, Ledger, LedgerError};

use super::{
    engine::{Engine, Outcome, Skipped, blocking},
    error::SyncError,
    push::{Parting, Pushed},
    state::{Moved, MovedKind, Phase, Progress},
    transport::{Reply, Request},
};
use crate::protocol::ProblemCode;

/// How often a round starts again under a new identity before it gives up: once is needed, twice can only be a fault.
const MAX_FORKS: u32 = 2;

/// One round of synchronisation.
pub(super) struct Round<'a> {
    pub(super) engine: &'a Engine,
    pub(super) ledger: Ledger,
    pub(super) identity: Identity,
    pub(super) server_key: VerifyingKey,
    pub(super) outcome: Outcome,
    /// Until which number each channel must be given when it is pulled, because entries sent in this round got those numbers.
    pub(super) numbered: BTreeMap<Channel, u64>,
    /// Why the first step that failed did.
    failed: Option<SyncError>,
    progress: &'a (dyn Fn(Progress) + Send + Sync),
}

impl<'a> Round<'a> {
    pub(super) async fn new(
        engine: &'a Engine,
        ledger: Ledger,
        progress: &'a (dyn Fn(Progress) + Send + Sync),
    ) -> Result<Self, SyncError> {
        let identity = identity(&ledger).await?;
        let server_key =
            VerifyingKey::new(&identity.server_key).map_err(|_| SyncError::UnknownServer)?;
        Ok(Self {
            engine,
            ledger,
            identity,
            server_key,
            outcome: Outcome::default(),
            numbered: BTreeMap::new(),
            failed: None,
            progress,
        })
    }

    pub(super) async fn go(mut self) -> Result<Outcome, SyncError> {
        self.tell(Progress::Phase(Phase::Connecting));
        // Each step is for itself: what one of them finds out keeps none of the others from being done.
        let entries = self.entries().await;
        self.done("entries", entries).await?;
        let numbers = self.numbers().await;
        self.done("numbers", numbers).await?;
        let directory = self.directory().await;
        self.done("directory", directory).await?;
        let upload = self.upload().await;
        self.done("evidence_up", upload).await?;
        let download = self.download().await;
        self.done("evidence_down", download).await?;
        let update = self.update().await;
        self.done("update", update).await?;
        for skipped in &self.outcome.skipped {
            tracing::warn!(what = %skipped.what, code = ?skipped.code, detail = %skipped.detail, "skipped until the next round");
        }
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.outcome),
        }
    }

    /// Notes what became of a step. Of several that failed the round tells the first; only where there is nobody to go on with it ends.
    async fn done(
        &mut self,
        step: &'static str,
        done: Result<(), SyncError>,
    ) -> Result<(), SyncError> {
        let Err(error) = done else {
            return Ok(());
        };
        if error.ends_all() {
            return Err(error);
        }
        tracing::warn!(step, code = ?error.code(), %error, "a step of the round failed; the others go on");
        let at_ms = self.engine.now_ms();
        let params = json!({ "what": step, "code": error.code(), "detail": error.to_string() });
        self.failed.get_or_insert(error);
        self.on_ledger(move |ledger| {
            Ok(ledger.sync_log_add("sync", MovedKind::Skipped.as_str(), &params, at_ms)?)
        })
        .await
    }

    /// Entries up and down, and another identity in between where the ledgers have parted.
    async fn entries(&mut self) -> Result<(), SyncError> {
        let mut forks = 0;
        // The identity under which that was found out.
        let mut parted = None;
        loop {
            while let Some(parting) = self.up().await? {
                forks += 1;
                if forks > MAX_FORKS {
                    return Err(SyncError::untrustworthy(
                        "the ledgers part again under every new identity",
                    ));
                }
                self.fork(parting).await?;
            }
            let carried = self.carry().await;
            self.done("carried", carried).await?;
            self.tell(Progress::Phase(Phase::Pulling));
            let device = self.identity.device;
            match self.pull().await {
                // A copy of this ledger went on meanwhile: a new session tells from where on.
                Err(error) if is_parted(&error) && parted != Some(device) => {
                    parted = Some(device);
                    self.engine.forget_session().await;
                }
                // The new session said nothing of it: the server tells one thing of this ledger and gives another.
                Err(SyncError::Ledger(LedgerError::Parted)) => {
                    return Err(SyncError::untrustworthy(
                        "other entries in this device's name than those that it wrote",
                    ));
                }
                pulled => return pulled,
            }
        }
    }

    /// Opens the session and sends what waits; what cannot be sent keeps nothing from being fetched. `Some`: the ledgers have parted.
    async fn up(&mut self) -> Result<Option<Parting>, SyncError> {
        let mut is_again = false;
        loop {
            let session = self.engine.session_to_begin_with(&self.identity).await?;
            self.tell(Progress::ClockAhead(session.clock_ahead_ms));
            if session.is_new {
                self.restored(&session).await?;
                if let Some(common) = self.parted(&session).await? {
                    return Ok(Some(Parting::after(common)));
                }
                self.engine.looked_at_session().await;
            }
            self.tell(Progress::Phase(Phase::Pushing));
            match self.push().await {
                Ok(Pushed::All) => return Ok(None),
                Ok(Pushed::Parted(parting)) => return Ok(Some(parting)),
                // The server lacks what it has confirmed: a new session tells from where on.
                Err(SyncError::Problem(problem))
                    if problem.code == ProblemCode::Gap && !is_again =>
                {
                    is_again = true;
                    self.engine.forget_session().await;
                }
                Err(error) => {
                    self.done("push", Err(error)).await?;
                    return Ok(None);
                }
            }
        }
    }

    pub(super) fn tell(&self, progress: Progress) {
        (self.progress)(progress);
    }

    /// Asks in the session, counting the bytes.
    pub(super) async fn ask(&mut self, request: Request) -> Result<Reply, SyncError> {
        let sent = request.body.len() as u64;
        let reply = self.engine.ask(&self.identity, request).await?;
        let bytes = sent + reply.body.len() as u64;
        self.outcome.bytes += bytes;
        self.tell(Progress::Bytes(bytes));
        Ok(reply)
    }

    /// Does blocking work on the ledger.
    pub(super) async fn on_ledger<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ledger) -> Result<T, SyncError> + Send + 'static,
    ) -> Result<T, SyncError> {
        let ledger = self.ledger.clone();
        blocking(move || work(&ledger)).await
    }

    /// Tells of something that was moved, and writes it to the ledger's log.
    pub(super) async fn moved(
        &self,
        kind: MovedKind,
        count: u64,
        bytes: u64,
    ) -> Result<(), SyncError> {
        let at_ms = self.engine.now_ms();
        self.tell(Progress::Moved(Moved {
            at_ms,
            kind,
            count,
            bytes,
        }));
        self.on_ledger(move |ledger| {
            let params = json!({ "count": count, "bytes": bytes });
            Ok(ledger.sync_log_add("sync", kind.as_str(), &params, at_ms)?)
        })
        .await
    }

    /// Leaves something for the next round. Only what concerns this one thing is passed over: a line that broke ends the round.
    pub(super) async fn skip(
        &mut self,
        what: impl ToString,
        error: SyncError,
    ) -> Result<(), SyncError> {
        if error.ends_round() {
            return Err(error);
        }
        let skipped = Skipped::new(what, &error);
        let at_ms = self.engine.now_ms();
        self.tell(Progress::Moved(Moved {
            at_ms,
            kind: MovedKind::Skipped,
            count: 1,
            bytes: 0,
        }));
        let params =
            json!({ "what": skipped.what, "code": skipped.code, "detail": skipped.detail });
        self.outcome.skipped.push(skipped);
        self.on_ledger(move |ledger| {
            Ok(ledger.sync_log_add("sync", MovedKind::Skipped.as_str(), &params, at_ms)?)
        })
        .await
    }
}

/// Whether what came shows that a copy of this ledger goes on, in this device's name or under another identity.
fn is_parted(error: &SyncError) -> bool {
    match error {
        SyncError::Ledger(LedgerError::Parted) => true,
        SyncError::Problem(problem) => problem.code == ProblemCode::Fork,
        _ => false,
    }
}

/// Who this ledger is.
pub(super) async fn identity(ledger: &Ledger) -> Result<Identity, SyncError> {
    let ledger = ledger.clone();
    blocking(move || ledger.identity()?.ok_or(SyncError::NotEnrolled)).await
}
