//! A computer that never had a network asks for a place, and gets it, by packages.

use std::io::Write;

use serde::{Deserialize, Serialize};
use shicha_domain::suite::{PublicKey, SigningKey};
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

/// Where it is kept what a place was asked for with, until it is given.
const ASKED: &str = "package/asked";

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

/// A place that was asked for and not given yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The card of the endpoint that it was asked for at.
    pub card: Card,
    /// What this computer is to be called.
    pub name: String,
    /// When it was asked for, Unix ms.
    pub at_ms: u64,
}

/// The place that was asked for last and not given yet.
///
/// # Errors
/// When the ledger cannot be read, or what it keeps is none.
pub fn asked(ledger: &Ledger) -> Result<Option<Asked>, PackageError> {
    match ledger.setting(ASKED)? {
        Some(kept) if !kept.is_empty() => serde_json::from_str(&kept).map(Some).map_err(unkept),
        _ => Ok(None),
    }
}

fn unkept(error: serde_json::Error) -> PackageError {
    SyncError::Internal(error.to_string()).into()
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
    let asked = Asked {
        card: card.clone(),
        name: name.to_owned(),
        at_ms: now_ms,
    };
    // Before the file is: one that could not be answered would be worse than none.
    let kept = serde_json::to_string(&asked).map_err(unkept)?;
    ledger.set_setting(ASKED, &kept)?;
    let label = Label {
        id: random.id_at(now_ms),
        from: Party::Newcomer {
            key: key.public_key(),
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
        match (enrol::pending_key(ledger)?, asked(ledger)?) {
            (Some(key), Some(Asked { card, .. })) => Ok(Self { key, card }),
            _ => Err(PackageError::NotEnrolled),
        }
    }

    pub(super) fn party(&self) -> Party {
        Party::Newcomer {
            key: self.key.public_key(),
        }
    }

    /// The key of the sender: nobody but the endpoint whose fingerprint a person confirmed.
    pub(super) fn sender(&self, label: &Label) -> Option<PublicKey> {
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
        ledger.set_setting(ASKED, "")?;
        Ok(())
    }
}
