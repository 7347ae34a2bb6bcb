//! A computer that never had a network asks for a place, and gets it, by packages.

use std::io::Write;

use ed25519_dalek::SigningKey;
use shicha_ledger::Ledger;

use super::{
    super::{SyncError, enrol},
    PackageError,
};
use crate::{
    Random,
    package::{Card, Kind, Label, PackageFault, Party, Progress, Writer},
    protocol::messages::EnrolReply,
};

/// Where the card of the endpoint is kept that a place was asked for at.
const CARD: &str = "package/card";

/// What a place is asked for with.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// The endpoint's card.
    pub card: &'a Card,
    /// The fingerprint of its key that a person confirmed.
    pub confirmed_fingerprint: &'a str,
    /// The enrolment code.
    pub code: &'a str,
    /// What this computer is called.
    pub name: &'a str,
    /// Where its key comes from.
    pub random: &'a Random,
    /// The clock, Unix ms.
    pub now_ms: u64,
}

/// Asks for a place: writes a package with the request for the endpoint of the card. The key of this computer is made and kept.
///
/// # Errors
/// [`SyncError::UnknownServer`] when the fingerprint is not that of the card or the code is of another endpoint, when the code is
/// mistyped, this computer has a place already, or the file cannot be written.
pub fn ask_for_place<W: Write>(
    ledger: &Ledger,
    asking: &Asking<'_>,
    out: W,
    progress: Progress<'_>,
) -> Result<(W, Label), PackageError> {
    let Asking {
        card,
        confirmed_fingerprint,
        code,
        name,
        random,
        now_ms,
    } = *asking;
    if ledger.identity()?.is_some() {
        return Err(PackageFault::Malformed("this computer has a place".to_owned()).into());
    }
    let endpoint = card.public_key;
    let (key, request) =
        enrol::enrol_request(ledger, random, &endpoint, confirmed_fingerprint, code, name)?;
    let kept = serde_json::to_string(card)
        .map_err(|error| PackageError::Sync(SyncError::Internal(error.to_string())))?;
    ledger.set_setting(CARD, &kept)?;
    let label = Label {
        id: random.id_at(now_ms),
        from: Party::Newcomer {
            key: key.verifying_key().to_bytes(),
        },
        to: Party::Endpoint { key: endpoint },
        endpoint,
        made_at_ms: now_ms,
        software: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let mut writer = Writer::begin(out, &label, &endpoint, &key, progress)?;
    writer.message(Kind::EnrolRequest, &request)?;
    let (out, _) = writer.finish()?;
    Ok((out, label))
}

/// A computer that asked for a place and has none yet.
pub(super) struct Newcomer {
    pub(super) key: SigningKey,
    pub(super) card: Card,
}

impl Newcomer {
    pub(super) fn of(ledger: &Ledger) -> Result<Self, PackageError> {
        let key = enrol::pending_key(ledger)?;
        let card = ledger
            .setting(CARD)?
            .and_then(|kept| serde_json::from_str(&kept).ok());
        match (key, card) {
            (Some(key), Some(card)) => Ok(Self { key, card }),
            _ => Err(PackageError::NotEnrolled),
        }
    }

    pub(super) fn party(&self) -> Party {
        Party::Newcomer {
            key: self.key.verifying_key().to_bytes(),
        }
    }

    /// The key of the sender: nobody but the endpoint whose fingerprint a person confirmed.
    pub(super) fn sender(&self, label: &Label) -> Option<[u8; 32]> {
        let key = self.card.public_key;
        (label.from == Party::Endpoint { key } && label.endpoint == key).then_some(key)
    }

    pub(super) fn take_place(
        &self,
        ledger: &Ledger,
        reply: EnrolReply,
        now_ms: u64,
    ) -> Result<(), PackageError> {
        let url = self.card.url.clone();
        enrol::take_place(ledger, &self.key, &self.card.public_key, url, reply, now_ms)?;
        ledger.set_setting(CARD, "")?;
        Ok(())
    }
}
