//! Packages at the central endpoint: what devices without a network bring, and what is brought back to them.
//!
//! Everything in a package goes through the same checks as over HTTP (`http`), so the way that it came makes no difference. Taking a
//! package again changes nothing; what answers it is made anew each time from what the store holds.

mod answer;
mod take;

use std::path::Path;

use shicha_domain::suite::PublicKey;
use shicha_sync::{
    Random,
    package::{Card, Label, Looked, Opening, PackageFault, Party, Progress, look, open},
};

pub use answer::{Answering, Most, answer};
pub use take::{PackageTaken, take};

use crate::{home::Home, http::Fault, store::StoreError};

/// Why a package can be neither taken nor made here.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The package is at fault.
    #[error(transparent)]
    Package(#[from] PackageFault),
    /// The store or the folder with evidence failed; the package can be taken again later.
    #[error("{} ({})", .0.detail, .0.code.as_str())]
    Here(Box<shicha_sync::protocol::Problem>),
    /// There is nobody to make a package for.
    #[error("no such device, or one that may not take part any more")]
    NoSuchDevice,
}

impl From<Fault> for PackageError {
    fn from(fault: Fault) -> Self {
        Self::Here(fault.0)
    }
}

impl From<StoreError> for PackageError {
    fn from(error: StoreError) -> Self {
        Fault::from(error).into()
    }
}

impl From<std::io::Error> for PackageError {
    fn from(error: std::io::Error) -> Self {
        PackageFault::from(error).into()
    }
}

/// The card of this endpoint: what a machine without a network has to know before it can ask for a place. Returns the bytes of the file.
///
/// # Errors
/// When the address is longer than a card may hold.
pub fn card(home: &Home, url: &str) -> Result<Vec<u8>, PackageError> {
    let card = Card {
        name: home.info.name.clone(),
        public_key: home.signer.public_key(),
        is_sample: home.info.is_sample,
        url: url.to_owned(),
        software: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(card.sign(home.signer.sealing_key())?)
}

/// What the parts of this module need.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// The opened data folder.
    pub home: &'a Home,
    /// Where identities come from.
    pub random: &'a Random,
    /// The clock, Unix ms.
    pub now_ms: u64,
}

impl Desk<'_> {
    fn me(&self) -> Party {
        Party::Endpoint {
            key: self.home.signer.public_key(),
        }
    }

    /// Looks at a package for this endpoint: proves it and counts what is in it. Nothing is taken.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn look(&self, path: &Path, progress: Progress<'_>) -> Result<Looked, PackageError> {
        let (file, _) = open(path)?;
        let mut failed = None;
        let failed_here = std::cell::RefCell::new(&mut failed);
        let opening = Opening {
            me: &[self.me()],
            key: self.home.signer.sealing_key(),
            sender: &|label| match self.sender(label) {
                Ok(key) => key,
                Err(error) => {
                    **failed_here.borrow_mut() = Some(error);
                    None
                }
            },
        };
        let looked = look(file, &opening, progress);
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(looked?),
        }
    }

    /// The key of whoever a package claims to be from, if they may take part.
    fn sender(&self, label: &Label) -> Result<Option<PublicKey>, StoreError> {
        if label.endpoint != self.home.signer.public_key() {
            return Ok(None);
        }
        Ok(match label.from {
            Party::Device { device } => self
                .home
                .store
                .device(device)?
                .filter(|state| state.is_active())
                .map(|state| state.device.public_key),
            // Their request is proved by the code in it.
            Party::Newcomer { key } => Some(key),
            Party::Endpoint { .. } => None,
        })
    }
}
