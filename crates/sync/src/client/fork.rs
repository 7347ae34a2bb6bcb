//! A restored laptop: its ledger and the server's have parted, so it goes on under a new identity.
//!
//! What the server has of the old identity stays and comes back by pulling, as another device's entries; what only this ledger has
//! is written again under the new one, and counts under its old name and place. Nothing is dropped on either side (design, "A restored laptop").

use serde_json::json;
use shicha_domain::{
    DeviceId, Receipt,
    suite::{SigningKey, VerifyingKey},
};
use shicha_ledger::{Identity, Ledger};

use super::{
    enrol,
    error::SyncError,
    push::Parting,
    round::Round,
    session::{Session, message, post},
    state::{Moved, MovedKind, Progress},
};
use crate::{
    Random,
    protocol::{
        ProblemCode,
        messages::{Head, IdentityReply, IdentityRequest},
        signing,
    },
};

/// Where the key of a new identity waits until the ledger has taken it over, so that a killed round finds it again.
const PENDING_KEY: &str = "sync/pending_identity_key";

impl Round<'_> {
    /// Whether the session's first words show already that the ledgers have parted.
    pub(super) async fn parted(&self, session: &Session) -> Result<Option<u64>, SyncError> {
        let server = session.head;
        let (head, acked) = self
            .on_ledger(|ledger| Ok((ledger.head()?, ledger.acked()?)))
            .await?;
        if server.seq > head.0 && acked.0 == head.0 {
            // Everything here was confirmed, and the server has more: this ledger was restored from a copy.
            return Ok(Some(head.0));
        }
        let held = (server.seq, server.id);
        if let Some(common) = self
            .on_ledger(move |ledger| Ok(ledger.broken_after(held)?))
            .await?
        {
            return Ok(Some(common));
        }
        // A copy of this ledger goes on under another identity. Where something waits, the answer to the push tells up to where both agree.
        if session.is_ended && acked == head {
            return Ok(Some(head.0));
        }
        if server.seq == acked.0 && server.id != acked.1 {
            return Err(SyncError::untrustworthy(
                "the server holds other entries than those it gave receipts for",
            ));
        }
        Ok(None)
    }

    /// Goes on under a new identity from after the last entry that both have.
    pub(super) async fn fork(&mut self, parting: Parting) -> Result<(), SyncError> {
        let Parting { common, refused } = parting;
        let old = self.identity.clone();
        let (key, request) = self
            .on_ledger({
                let (old, random) = (old.clone(), self.engine.random.clone());
                move |ledger| identity_request(ledger, &old, common, &random)
            })
            .await?;
        let asked = self.ask(post("/v1/identity", &request)?).await;
        if let Err(SyncError::Problem(problem)) = &asked
            && matches!(problem.code, ProblemCode::Forbidden | ProblemCode::Conflict)
        {
            // Not with this key: the next round begins with another.
            self.on_ledger(identity_taken).await?;
        }
        let reply: IdentityReply = message(&asked?)?;
        let receipt = reply.receipt;
        if !is_receipt_for(&receipt, reply.device, request.common, &self.server_key) {
            return Err(SyncError::untrustworthy(
                "a new identity without a receipt for it",
            ));
        }
        let identity = Identity {
            device: reply.device,
            signing_key: key,
            ..old
        };
        let now_ms = self.engine.now_ms();
        let written_again = self
            .on_ledger({
                let identity = identity.clone();
                move |ledger| {
                    let count = ledger.fork(&identity, &receipt, common, &refused, now_ms)?;
                    identity_taken(ledger)?;
                    let params = json!({ "count": count, "common": common });
                    ledger.sync_log_add("sync", MovedKind::Forked.as_str(), &params, now_ms)?;
                    Ok(count)
                }
            })
            .await?;
        tracing::warn!(device = %identity.device, common, written_again, "the ledgers had parted; going on under a new identity");
        self.identity = identity;
        self.engine.forget_session().await;
        self.outcome.forked = Some(self.outcome.forked.unwrap_or(0) + written_again);
        self.tell(Progress::Moved(Moved {
            at_ms: now_ms,
            kind: MovedKind::Forked,
            count: written_again,
            bytes: 0,
        }));
        Ok(())
    }
}

/// Whether a receipt is that of a new identity that goes on after `common`.
pub(super) fn is_receipt_for(
    receipt: &Receipt,
    device: DeviceId,
    common: Head,
    server: &VerifyingKey,
) -> bool {
    receipt.device == device
        && receipt.seq == 0
        && receipt.head == common.id
        && receipt.is_signed_by(server)
}

/// What a device asks for that goes on under a new identity, and the key of that: one that was made before and not taken over yet, or a
/// new one, kept before it is shown to anybody.
pub(super) fn identity_request(
    ledger: &Ledger,
    old: &Identity,
    common: u64,
    random: &Random,
) -> Result<(SigningKey, IdentityRequest), SyncError> {
    // One that was taken over already, by a round that was killed right after, is this very identity's.
    let pending =
        pending_key(ledger)?.filter(|key| key.public_key() != old.signing_key.public_key());
    let key = match pending {
        Some(key) => key,
        None => {
            let key = SigningKey::from_bytes(&random.bytes());
            ledger.set_setting(PENDING_KEY, &hex::encode(key.to_tagged()))?;
            key
        }
    };
    let public_key = key.public_key();
    let id = ledger
        .own_place(common)?
        .ok_or_else(|| SyncError::untrustworthy("an agreement on an entry that is not here"))?;
    let common = Head { seq: common, id };
    let said = signing::identity_bytes(&old.server_key, old.device, common, &public_key);
    let directory = ledger.directory()?;
    let label = directory
        .devices
        .iter()
        .find(|known| known.id == old.device)
        .map(|known| known.label.clone())
        .unwrap_or_default();
    let request = IdentityRequest {
        public_key,
        signature: signing::sign(&old.signing_key, &said),
        proof: signing::sign(&key, &said),
        label,
        common,
    };
    Ok((key, request))
}

/// Forgets the key of a new identity, which has taken its place.
pub(super) fn identity_taken(ledger: &Ledger) -> Result<(), SyncError> {
    Ok(ledger.set_setting(PENDING_KEY, "")?)
}

/// The key of a new identity that was asked for.
pub(super) fn pending_key(ledger: &Ledger) -> Result<Option<SigningKey>, SyncError> {
    enrol::kept_key(ledger, PENDING_KEY)
}
