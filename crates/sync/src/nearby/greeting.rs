//! Who the two are, and the six digits that both people compare.
//!
//! Each side signs the channel's hash with the key of its enrolled device, so that nobody can pass off as a device of the directory. The
//! digits are made of that hash and of two random numbers, of which the asking side has to commit to its own before it learns the other's:
//! whoever stands in between has one try in a million, whatever they compute, and both people see it fail. To break off instead of showing
//! the number counts as that try (`strangers`).

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shicha_domain::{
    DeviceId, OrgCode, PersonId,
    directory::{Device, Role},
    suite::{self, PublicKey, SignatureBytes, Suite},
};
use shicha_ledger::Identity;

use super::fault::{NearbyFault, Reason};
use crate::protocol::signing;

/// The most characters of a name that somebody says of themselves.
const MAX_NAME: usize = 100;

/// What each side says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// The version of its software.
    pub(super) software: String,
    /// The key of the central endpoint that it belongs to.
    pub(super) server_key: PublicKey,
    /// The device.
    pub(super) device: DeviceId,
    /// Its key.
    pub(super) public_key: PublicKey,
    /// Whose it is.
    pub(super) person: PersonId,
    /// Their name.
    pub(super) person_name: String,
    /// Where they belong.
    pub(super) org: OrgCode,
    /// As what they act.
    pub(super) role: Role,
    /// What the device is called.
    pub(super) label: String,
    /// Of the asking side what it commits to, of the answering side its random number.
    #[serde(with = "hex")]
    pub(super) binding: [u8; 32],
    /// The device's signature over [`proof_bytes`].
    pub(super) proof: SignatureBytes,
}

/// Which of the two speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Asks,
    Answers,
}

impl Side {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Asks => Self::Answers,
            Self::Answers => Self::Asks,
        }
    }
}

/// What a device signs to show that it takes part in this very channel.
fn proof_bytes(side: Side, hash: &[u8; 32], hello: &Hello) -> Vec<u8> {
    let mut bytes = suite::text(b"shicha-nearby-2\0", 162);
    bytes.push(match side {
        Side::Asks => 1,
        Side::Answers => 2,
    });
    bytes.extend_from_slice(hello.server_key.tagged());
    bytes.extend_from_slice(hello.device.0.as_bytes());
    bytes.extend_from_slice(hello.person.0.as_bytes());
    bytes.extend_from_slice(hash);
    bytes.extend_from_slice(&hello.binding);
    bytes
}

/// What the asking side says of its random number before it shows it.
pub(super) fn commitment(hash: &[u8; 32], nonce: &[u8; 32]) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"shicha-nearby-commit-2\0")
        .chain_update([Suite::First.number()])
        .chain_update(hash)
        .chain_update(nonce)
        .finalize()
        .into()
}

/// The six digits that both people compare.
pub(super) fn digits(
    hash: &[u8; 32],
    asking: (&Hello, &[u8; 32]),
    answering: (&Hello, &[u8; 32]),
) -> String {
    let mut digest = Sha256::new()
        .chain_update(b"shicha-nearby-digits-2\0")
        .chain_update([Suite::First.number()])
        .chain_update(hash);
    for (hello, nonce) in [asking, answering] {
        digest.update(nonce);
        digest.update(hello.device.0.as_bytes());
        digest.update(hello.public_key.tagged());
    }
    let bytes: [u8; 32] = digest.finalize().into();
    let number = bytes[..8]
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{:06}", number % 1_000_000)
}

impl Hello {
    /// What this laptop says of itself.
    pub(super) fn of(
        me: &Identity,
        label: &str,
        side: Side,
        hash: &[u8; 32],
        binding: [u8; 32],
    ) -> Self {
        let key = &me.signing_key;
        let mut hello = Self {
            software: env!("CARGO_PKG_VERSION").to_owned(),
            server_key: me.server_key,
            device: me.device,
            public_key: key.public_key(),
            person: me.person,
            person_name: me.person_name.clone(),
            org: me.org.clone(),
            role: me.role,
            label: label.to_owned(),
            binding,
            proof: SignatureBytes::NONE,
        };
        hello.proof = signing::sign(key, &proof_bytes(side, hash, &hello));
        hello
    }

    /// Holds what the other says against what is known here: the same central endpoint, another device, and the key that it claims.
    pub(super) fn check(
        &self,
        me: &Identity,
        known: Option<&Device>,
        side: Side,
        hash: &[u8; 32],
    ) -> Result<(), NearbyFault> {
        let refuse = |reason, detail: &str| Err(NearbyFault::here(reason, detail));
        if self.server_key != me.server_key {
            return refuse(
                Reason::OtherEndpoint,
                "it belongs to another central endpoint",
            );
        }
        if !signing::is_signed(
            &self.public_key,
            &proof_bytes(side, hash, self),
            &self.proof,
        ) {
            return refuse(Reason::WrongKey, "it does not hold its key");
        }
        if self.device == me.device {
            return refuse(Reason::Itself, "the same device");
        }
        let names = [&self.person_name, &self.label, &self.software];
        if names.iter().any(|name| name.chars().count() > MAX_NAME) {
            return Err(NearbyFault::garbage("a name that is too long"));
        }
        let Some(known) = known else {
            return Ok(());
        };
        if known.public_key != self.public_key || known.person != self.person {
            return refuse(
                Reason::WrongKey,
                "the directory knows the device with another key",
            );
        }
        if known.revoked_at_ms.is_some() {
            return refuse(Reason::Revoked, "the device was revoked");
        }
        Ok(())
    }
}
