//! What is signed, beside what the domain defines: each kind of message begins with words of its own, so that no signature can be
//! used for another purpose. All signatures are Ed25519 (RFC 8032).

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use sha2::{Digest as _, Sha256};
use shicha_domain::DeviceId;

/// What the central endpoint signs when a device asks who it is: the device's own random number and the challenge it gives.
pub fn hello_bytes(device: DeviceId, nonce: &[u8; 32], challenge: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(80 + challenge.len());
    bytes.extend_from_slice(b"shicha-hello-1\0");
    bytes.extend_from_slice(device.0.as_bytes());
    bytes.extend_from_slice(nonce);
    bytes.extend_from_slice(challenge);
    bytes
}

/// What a new device signs when it enrols: that it holds the key, for which server, by which code.
pub fn enrol_bytes(server: &[u8; 32], public_key: &[u8; 32], code: &str) -> Vec<u8> {
    let mut bytes = b"shicha-enrol-1\0".to_vec();
    bytes.extend_from_slice(server);
    bytes.extend_from_slice(public_key);
    bytes.extend_from_slice(&Sha256::digest(code.as_bytes()));
    bytes
}

/// What both the old and the new key sign when a device continues under a new identity.
pub fn identity_bytes(server: &[u8; 32], device: DeviceId, new_public_key: &[u8; 32]) -> Vec<u8> {
    let mut bytes = b"shicha-identity-1\0".to_vec();
    bytes.extend_from_slice(server);
    bytes.extend_from_slice(device.0.as_bytes());
    bytes.extend_from_slice(new_public_key);
    bytes
}

/// What the sender of a package signs: its front with the label, and the list of its pieces.
pub fn package_bytes(front: &[u8], list: &[u8]) -> Vec<u8> {
    let mut bytes = b"shicha-package-1\0".to_vec();
    bytes.extend_from_slice(&Sha256::digest(front));
    bytes.extend_from_slice(&Sha256::digest(list));
    bytes
}

/// What a central endpoint signs on its card.
pub fn card_bytes(said: &[u8]) -> Vec<u8> {
    let mut bytes = b"shicha-card-1\0".to_vec();
    bytes.extend_from_slice(said);
    bytes
}

/// Signs.
pub fn sign(key: &SigningKey, bytes: &[u8]) -> Vec<u8> {
    key.sign(bytes).to_bytes().to_vec()
}

/// Whether the key signed the bytes. A key or signature that is none signed nothing.
pub fn is_signed(public_key: &[u8; 32], bytes: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (
        VerifyingKey::from_bytes(public_key),
        Signature::from_slice(signature),
    ) else {
        return false;
    };
    key.verify(bytes, &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_counts_only_for_the_bytes_and_the_key_it_was_made_with() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let public = key.verifying_key().to_bytes();
        let bytes = enrol_bytes(&[1; 32], &public, "K7QM");
        let signature = sign(&key, &bytes);
        assert!(is_signed(&public, &bytes, &signature));
        assert!(
            !is_signed(&public, &enrol_bytes(&[2; 32], &public, "K7QM"), &signature),
            "another server"
        );
        assert!(!is_signed(
            &public,
            &identity_bytes(&[1; 32], DeviceId(uuid::Uuid::nil()), &public),
            &signature
        ));
        assert!(!is_signed(&[0xff; 32], &bytes, &signature), "no key at all");
        assert!(
            !is_signed(&public, &bytes, &signature[..63]),
            "half a signature"
        );
    }
}
