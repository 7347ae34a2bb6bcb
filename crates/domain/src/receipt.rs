//! Receipts: the server's signed word that it holds a device's ledger up to an entry, and since when.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    ids::{DeviceId, EntryId, ReceiptId},
    suite::{self, PublicKey, SignatureBytes, SigningKey, VerifyingKey},
};

/// The server's word for a device's ledger up to `seq`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// Whose ledger.
    pub device: DeviceId,
    /// Up to which entry; 0 for the receipt that enrolment gives.
    pub seq: u64,
    /// The id of that entry, which by the chain names all before it.
    pub head: EntryId,
    /// When the server had it, Unix ms.
    pub received_at_ms: u64,
    /// Over the rest, by the server's key.
    pub signature: SignatureBytes,
}

/// When the endpoint received something, by a receipt of its own: what it received first counts (invariant 4). Compared by the
/// endpoint's life and then by time, because a restored endpoint may begin with an earlier clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank {
    /// The endpoint's life, counted from 1; a restore begins another.
    pub life: u64,
    /// When it was received, Unix ms by the endpoint's clock.
    pub received_at_ms: u64,
}

impl Receipt {
    /// The rank of what this receipt was given for.
    pub fn rank(&self) -> Rank {
        Rank {
            life: 1,
            received_at_ms: self.received_at_ms,
        }
    }

    /// Signs a receipt.
    pub fn sign(
        key: &SigningKey,
        device: DeviceId,
        seq: u64,
        head: EntryId,
        received_at_ms: u64,
    ) -> Self {
        let mut receipt = Self {
            device,
            seq,
            head,
            received_at_ms,
            signature: SignatureBytes::NONE,
        };
        receipt.signature = key.sign(&receipt.signed_bytes());
        receipt
    }

    /// Whether `server` signed this.
    pub fn is_signed_by(&self, server: &VerifyingKey) -> bool {
        server.verify(&self.signed_bytes(), &self.signature).is_ok()
    }

    /// The name by which entries refer to the receipt.
    pub fn id(&self) -> ReceiptId {
        ReceiptId(Sha256::digest(self.signed_bytes()).into())
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = suite::text(b"shicha-receipt-2\0", 64);
        bytes.extend_from_slice(self.device.0.as_bytes());
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.head.0);
        bytes.extend_from_slice(&self.received_at_ms.to_be_bytes());
        bytes
    }
}

/// What a device signs when it pushes: its head, which by the chain seals all entries below.
pub fn push_bytes(device: DeviceId, seq: u64, head: EntryId) -> Vec<u8> {
    let mut bytes = suite::text(b"shicha-push-2\0", 56);
    bytes.extend_from_slice(device.0.as_bytes());
    bytes.extend_from_slice(&seq.to_be_bytes());
    bytes.extend_from_slice(&head.0);
    bytes
}

/// What a device signs to open a session: who it is, to which server, and when by its clock.
pub fn session_bytes(device: DeviceId, server: &PublicKey, challenge: &[u8]) -> Vec<u8> {
    let mut bytes = suite::text(b"shicha-session-2\0", 81 + challenge.len());
    bytes.extend_from_slice(device.0.as_bytes());
    bytes.extend_from_slice(server.tagged());
    bytes.extend_from_slice(challenge);
    bytes
}

/// The server key's fingerprint as people compare it: 8 groups of 4 hexadecimal digits of the
/// SHA-256 of its suite's number and its bytes.
pub fn fingerprint(key: &PublicKey) -> String {
    let hash = Sha256::digest(key.tagged());
    hash[..16]
        .chunks(2)
        .map(hex::encode_upper)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_forged_receipt_is_recognised() {
        let server = SigningKey::from_bytes(&[1; 32]);
        let other = SigningKey::from_bytes(&[2; 32]);
        let receipt = Receipt::sign(
            &server,
            DeviceId(Uuid::from_u128(1)),
            7,
            EntryId([3; 32]),
            1_650_000_000_000,
        );
        assert!(receipt.is_signed_by(&server.verifying_key()));
        assert!(!receipt.is_signed_by(&other.verifying_key()));
        let earlier = Receipt {
            received_at_ms: receipt.received_at_ms - 1,
            ..receipt.clone()
        };
        assert!(
            !earlier.is_signed_by(&server.verifying_key()),
            "a changed time breaks the signature"
        );
        let text = serde_json::to_string(&receipt).unwrap();
        assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), receipt);
    }
}
