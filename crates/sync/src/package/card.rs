//! The card of a central endpoint: what a machine without a network has to know of it before it can ask for a place. Nothing secret.
//!
//! It proves nothing by itself: whoever makes a card can sign it. What counts is that a person compares the fingerprint of its key, and
//! that the enrolment code is of that key, as over the network.

use std::io::Read;

use serde::{Deserialize, Serialize};
use shicha_domain::suite::{self, PublicKey, SignatureBytes, SigningKey};

use super::{MAX_LABEL, PackageFault};
use crate::protocol::signing;

/// What every card begins with.
const MAGIC: &[u8; 16] = b"shicha-endpoint\0";

/// The card of a central endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// Its public key.
    pub public_key: PublicKey,
    /// Whether it holds sample data.
    pub is_sample: bool,
    /// Its address, for the case that the machine ever gets a network; may be empty.
    #[serde(default)]
    pub url: String,
    /// The version of its software.
    pub software: String,
}

impl Card {
    /// The bytes of the file.
    ///
    /// # Errors
    /// When it says more than a card may.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, PackageFault> {
        let said = serde_json::to_vec(self)
            .ok()
            .filter(|said| said.len() <= MAX_LABEL)
            .ok_or_else(|| PackageFault::Malformed("a card that is too long".to_owned()))?;
        let mut bytes = MAGIC.to_vec();
        let signature = signing::sign(key, &signing::card_bytes(&said));
        bytes.push(signature.tagged().len() as u8);
        bytes.extend_from_slice(signature.tagged());
        bytes.extend(said);
        Ok(bytes)
    }

    /// Reads a card.
    ///
    /// # Errors
    /// When the file is none, or was altered.
    pub fn read(input: impl Read) -> Result<Self, PackageFault> {
        let mut bytes = Vec::new();
        input
            .take((MAGIC.len() + 2 + suite::MAX_BYTES + MAX_LABEL + 1) as u64)
            .read_to_end(&mut bytes)?;
        let rest = bytes.strip_prefix(MAGIC).ok_or(PackageFault::NotAPackage)?;
        let (signature, said) = rest
            .split_first()
            .and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)))
            .ok_or(PackageFault::Damaged("the card ends early"))?;
        let card: Self = serde_json::from_slice(said)
            .map_err(|_| PackageFault::Damaged("the card cannot be read"))?;
        let signature = SignatureBytes::from_tagged(signature)?;
        suite::verify(&card.public_key, &signing::card_bytes(said), &signature)?;
        Ok(card)
    }
}
