//! What is signed, beside what the domain defines: each kind of message begins with words of its own, so that no signature can be
//! used for another purpose, and then names the algorithms ([`shicha_domain::suite`]).

use sha2::{Digest as _, Sha256};
use shicha_domain::{
    DeviceId,
    suite::{self, PublicKey, SignatureBytes, SigningKey},
};

use super::messages::Head;

/// What the central endpoint signs when a device asks who it is: the device's own random number and the challenge it gives.
pub fn hello_bytes(device: DeviceId, nonce: &[u8; 32], challenge: &[u8]) -> Vec<u8> {
    let mut bytes = suite::text(b"shicha-hello-2\0", 48 + challenge.len());
    bytes.extend_from_slice(device.0.as_bytes());
    bytes.extend_from_slice(nonce);
    bytes.extend_from_slice(challenge);
    bytes
}

/// What a new device signs when it enrols: that it holds the key, for which server, by which code.
pub fn enrol_bytes(server: &PublicKey, public_key: &PublicKey, code: &str) -> Vec<u8> {
    let mut bytes = suite::text(b"shicha-enrol-2\0", 98);
    bytes.extend_from_slice(server.tagged());
    bytes.extend_from_slice(public_key.tagged());
    bytes.extend_from_slice(&Sha256::digest(code.as_bytes()));
    bytes
}

/// What both the old and the new key sign when a device continues under a new identity after the entry `common` of the old one's log.
pub fn identity_bytes(
    server: &PublicKey,
    device: DeviceId,
    common: Head,
    new_public_key: &PublicKey,
) -> Vec<u8> {
    let mut bytes = suite::text(b"shicha-identity-2\0", 122);
    bytes.extend_from_slice(server.tagged());
    bytes.extend_from_slice(device.0.as_bytes());
    bytes.extend_from_slice(&common.seq.to_be_bytes());
    bytes.extend_from_slice(&common.id.0);
    bytes.extend_from_slice(new_public_key.tagged());
    bytes
}

/// What the sender of a package signs: its front with the label, and the list of its pieces.
pub fn package_bytes(front: &[u8], list: &[u8]) -> Vec<u8> {
    let mut bytes = suite::text(b"shicha-package-2\0", 64);
    bytes.extend_from_slice(&Sha256::digest(front));
    bytes.extend_from_slice(&Sha256::digest(list));
    bytes
}

/// What a central endpoint signs on its card.
pub fn card_bytes(said: &[u8]) -> Vec<u8> {
    let mut bytes = suite::text(b"shicha-card-2\0", said.len());
    bytes.extend_from_slice(said);
    bytes
}

/// Signs.
pub fn sign(key: &SigningKey, bytes: &[u8]) -> SignatureBytes {
    key.sign(bytes)
}

/// Whether the key signed the bytes. A key or signature that is none, or of algorithms that this version does not have, signed nothing.
pub fn is_signed(public_key: &PublicKey, bytes: &[u8], signature: &SignatureBytes) -> bool {
    suite::verify(public_key, bytes, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_for_one_purpose_counts_for_no_other() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let public = key.public_key();
        let (server, other) = (PublicKey::first(&[1; 32]), PublicKey::first(&[2; 32]));
        let bytes = enrol_bytes(&server, &public, "K7QM");
        let signature = sign(&key, &bytes);
        assert!(is_signed(&public, &bytes, &signature));
        assert!(
            !is_signed(&public, &enrol_bytes(&other, &public, "K7QM"), &signature),
            "another server"
        );
        assert!(!is_signed(
            &public,
            &identity_bytes(&server, DeviceId(uuid::Uuid::nil()), Head::EMPTY, &public),
            &signature
        ));
    }
}
