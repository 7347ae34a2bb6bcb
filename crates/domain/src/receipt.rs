//! Receipts: the endpoint's signed word that it holds a run of a device's ledger, and between which moments of its clock that was made.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    ids::{DeviceId, EntryId, ReceiptId},
    suite::{self, PublicKey, SignatureBytes, SigningKey, VerifyingKey},
};

/// The endpoint's word for a run of a device's ledger: that it holds the entries from `from` to `seq`, and between which moments of its
/// clock they were made (invariant 6, both bounds are in one receipt).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// In which of the endpoint's lives: 1 at first, the next number after a correction of its clock, a higher one after a restore.
    pub life: u64,
    /// Whose ledger.
    pub device: DeviceId,
    /// The first entry that it gives bounds to; 0 for the receipt that enrolment gives.
    pub from: u64,
    /// The last one; 0 for the receipt that enrolment gives.
    pub seq: u64,
    /// The id of that last entry, which by the chain names all before it.
    pub head: EntryId,
    /// When the endpoint received them, Unix ms. In one life these rise strictly for a device and for a channel (invariant 8).
    pub received_at_ms: u64,
    /// Not before this they were made, Unix ms: see [`crate::bounds`].
    pub since_ms: u64,
    /// The last moment before the session of the push at which the device was in a session, Unix ms; none where there was no session.
    #[serde(default)]
    pub seen_ms: Option<u64>,
    /// The places of the run that were refused, rising; as a rule none.
    #[serde(default)]
    pub refused: Vec<u64>,
    /// Over the rest, by the endpoint's key.
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
    /// The receipt for the beginning of a device's ledger.
    pub fn of_enrolment(life: u64, device: DeviceId, enrolled_at_ms: u64) -> Self {
        Self {
            life,
            device,
            from: 0,
            seq: 0,
            head: EntryId::NONE,
            received_at_ms: enrolled_at_ms,
            since_ms: enrolled_at_ms,
            seen_ms: None,
            refused: Vec::new(),
            signature: SignatureBytes::NONE,
        }
    }

    /// A receipt of the first life for a whole log up to an entry, of which no more than the time is known.
    pub fn whole(device: DeviceId, seq: u64, head: EntryId, received_at_ms: u64) -> Self {
        Self {
            from: seq.min(1),
            seq,
            head,
            since_ms: 0,
            ..Self::of_enrolment(1, device, received_at_ms)
        }
    }

    /// The rank of what this receipt was given for.
    pub fn rank(&self) -> Rank {
        Rank {
            life: self.life,
            received_at_ms: self.received_at_ms,
        }
    }

    /// Signs what the receipt says.
    #[must_use]
    pub fn signed(mut self, key: &SigningKey) -> Self {
        self.signature = key.sign(&self.signed_bytes());
        self
    }

    /// Whether `server` signed this.
    pub fn is_signed_by(&self, server: &VerifyingKey) -> bool {
        server.verify(&self.signed_bytes(), &self.signature).is_ok()
    }

    /// The name by which entries refer to the receipt: of its text and its signature, so that nobody knows it before the endpoint has
    /// given it (invariant 8, receipts rise).
    pub fn id(&self) -> ReceiptId {
        let name = Sha256::new()
            .chain_update(self.signed_bytes())
            .chain_update(self.signature.tagged());
        ReceiptId(name.finalize().into())
    }

    /// Whether the entry at a place of the same log is one of its run.
    pub fn is_for(&self, seq: u64) -> bool {
        (self.from..=self.seq).contains(&seq)
    }

    /// Whether it says that the entry at a place of the same log was accepted: it is one of its run and not listed as refused.
    pub fn accepts(&self, seq: u64) -> bool {
        self.is_for(seq) && !self.refused.contains(&seq)
    }

    /// The refused places as text: numbers with commas between them.
    pub fn refused_text(&self) -> String {
        let places: Vec<String> = self.refused.iter().map(u64::to_string).collect();
        places.join(",")
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = suite::text(b"shicha-receipt-2\0", 128 + 8 * self.refused.len());
        bytes.extend_from_slice(&self.life.to_be_bytes());
        bytes.extend_from_slice(self.device.0.as_bytes());
        bytes.extend_from_slice(&self.from.to_be_bytes());
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.head.0);
        bytes.extend_from_slice(&self.received_at_ms.to_be_bytes());
        bytes.extend_from_slice(&self.since_ms.to_be_bytes());
        // Whether there is one stands before it, so that no moment means none.
        bytes.push(u8::from(self.seen_ms.is_some()));
        bytes.extend_from_slice(&self.seen_ms.unwrap_or_default().to_be_bytes());
        bytes.extend_from_slice(&(self.refused.len() as u64).to_be_bytes());
        for place in &self.refused {
            bytes.extend_from_slice(&place.to_be_bytes());
        }
        bytes
    }
}

/// Reads what [`Receipt::refused_text`] wrote; `None` where that is no list of places.
pub fn read_refused(text: &str) -> Option<Vec<u64>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split(',').map(|place| place.parse().ok()).collect()
}

/// What a device signs to tell an end of its log (invariant 7): that after it held this tick of the endpoint, its log ended here.
pub fn end_bytes(
    server: &PublicKey,
    device: DeviceId,
    tick_ms: u64,
    seq: u64,
    head: EntryId,
) -> Vec<u8> {
    let mut bytes = suite::text(b"shicha-end-2\0", 112);
    bytes.extend_from_slice(server.tagged());
    bytes.extend_from_slice(device.0.as_bytes());
    bytes.extend_from_slice(&tick_ms.to_be_bytes());
    bytes.extend_from_slice(&seq.to_be_bytes());
    bytes.extend_from_slice(&head.0);
    bytes
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

    fn receipt() -> Receipt {
        Receipt {
            life: 2,
            device: DeviceId(Uuid::from_u128(1)),
            from: 4,
            seq: 7,
            head: EntryId([3; 32]),
            received_at_ms: 1_650_000_000_000,
            since_ms: 1_649_000_000_000,
            seen_ms: Some(1_649_500_000_000),
            refused: vec![5],
            signature: SignatureBytes::NONE,
        }
    }

    #[test]
    fn a_forged_receipt_is_recognised_whatever_was_changed() {
        let server = SigningKey::from_bytes(&[1; 32]);
        let other = SigningKey::from_bytes(&[2; 32]);
        let receipt = receipt().signed(&server);
        assert!(receipt.is_signed_by(&server.verifying_key()));
        assert!(!receipt.is_signed_by(&other.verifying_key()));
        let changes: [fn(&mut Receipt); 9] = [
            |receipt| receipt.life += 1,
            |receipt| receipt.device = DeviceId(Uuid::from_u128(2)),
            |receipt| receipt.from -= 1,
            |receipt| receipt.seq += 1,
            |receipt| receipt.head = EntryId([4; 32]),
            |receipt| receipt.received_at_ms -= 1,
            |receipt| receipt.since_ms -= 1,
            |receipt| receipt.seen_ms = None,
            |receipt| receipt.refused.clear(),
        ];
        for (n, change) in changes.iter().enumerate() {
            let mut changed = receipt.clone();
            change(&mut changed);
            assert!(!changed.is_signed_by(&server.verifying_key()), "{n}");
            assert_ne!(changed.id(), receipt.id(), "{n}");
        }
        let text = serde_json::to_string(&receipt).unwrap();
        assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), receipt);
    }

    #[test]
    fn nobody_knows_the_name_of_a_receipt_before_the_endpoint_has_signed_it() {
        let receipt = receipt();
        let signed = receipt.clone().signed(&SigningKey::from_bytes(&[1; 32]));
        let by_another = receipt.clone().signed(&SigningKey::from_bytes(&[2; 32]));
        assert_ne!(receipt.id(), signed.id());
        assert_ne!(signed.id(), by_another.id());
    }

    #[test]
    fn refused_places_are_read_back_as_they_were_written() {
        for refused in [vec![], vec![5], vec![5, 6, 19]] {
            let receipt = Receipt {
                refused: refused.clone(),
                ..receipt()
            };
            assert_eq!(read_refused(&receipt.refused_text()), Some(refused));
        }
        assert_eq!(read_refused("5,x"), None);
    }
}
