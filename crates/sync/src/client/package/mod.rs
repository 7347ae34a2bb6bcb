//! Packages from the side of a device: what is put in for whom, and what is done with what comes.
//!
//! Everything here blocks and works on the ledger alone, so that it can be driven by a person with a stick as well as over a local
//! network. Whatever is taken goes through the same checks as over HTTP; each step is durable by itself and safe to repeat, so a process
//! that is killed in the middle goes on when the same package is taken again.

mod give;
mod hand_in;
mod newcomer;
mod parting;
mod take;
mod update;

use shicha_domain::{
    DeviceId,
    authority::Actor,
    directory::{Device, Directory},
    suite::{PublicKey, SigningKey},
};
use shicha_ledger::{Identity, Ledger, LedgerError};

pub use give::{Giving, Plan, expected_bytes, give, plan};
pub use hand_in::{OpenFile, Parcel};
pub use newcomer::{Asked, Asking, ask_for_place, asked};
pub use take::{Taken, look, take, take_with};
pub use update::TakenUpdate;

use super::SyncError;
use crate::{
    package::{Label, PackageFault, Party},
    protocol::BatchFault,
    update::UpdateFault,
};

/// Why a package can be neither made nor taken.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The package is at fault.
    #[error(transparent)]
    Package(#[from] PackageFault),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What the central endpoint says in it contradicts itself.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The update that was to go along cannot be read, or is not what its maker signed.
    #[error(transparent)]
    Update(#[from] UpdateFault),
    /// This computer is not enrolled.
    #[error("this computer is not enrolled")]
    NotEnrolled,
    /// The recipient is not known here, or may not take part any more.
    #[error("the recipient is not known or was revoked")]
    UnknownRecipient,
}

impl From<BatchFault> for PackageError {
    fn from(fault: BatchFault) -> Self {
        Self::Sync(fault.into())
    }
}

/// Who this ledger is, with its key.
struct Me {
    identity: Identity,
    key: SigningKey,
    parties: Vec<Party>,
}

impl Me {
    fn of(ledger: &Ledger) -> Result<Self, PackageError> {
        let identity = ledger.identity()?.ok_or(PackageError::NotEnrolled)?;
        let key = identity.signing_key.clone();
        // The answer that brought its place may be taken again: what was cut short then goes on.
        let parties = vec![
            Party::Device {
                device: identity.device,
            },
            Party::Newcomer {
                key: key.public_key(),
            },
        ];
        Ok(Self {
            identity,
            key,
            parties,
        })
    }

    /// The key of whoever a package claims to be from, if they may take part.
    fn sender(&self, label: &Label, directory: &Directory) -> Option<PublicKey> {
        match label.from {
            _ if label.endpoint != self.identity.server_key => None,
            Party::Endpoint { key } => (key == self.identity.server_key).then_some(key),
            Party::Device { device } => {
                active(directory, device).map(|(device, _)| device.public_key)
            }
            Party::Newcomer { .. } => None,
        }
    }
}

/// A device of the directory that may take part, and as whom it acts.
fn active(directory: &Directory, device: DeviceId) -> Option<(&Device, Actor)> {
    let device = directory
        .devices
        .iter()
        .find(|known| known.id == device && known.revoked_at_ms.is_none())?;
    let person = directory
        .people
        .iter()
        .find(|person| person.id == device.person && person.is_active)?;
    let actor = Actor {
        person: person.id,
        org: person.org.clone(),
        role: person.role,
    };
    Some((device, actor))
}
