//! Everybody's one key: for signing, and, of the first suite, the same key on Curve25519 for sealing.
//!
//! The public key is mapped by u = (1 + y) / (1 − y) (RFC 7748, 4.1), the secret one is the first half of SHA-512 of the seed, clamped:
//! the same derivation as in libsodium. age takes keys only as it writes them, in Bech32 (BIP 173).

use std::str::FromStr;

use age::x25519::{Identity, Recipient};
use bech32::{Bech32, Hrp};
use shicha_domain::suite::{PublicKey, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

/// What age writes before public keys.
const PUBLIC: Hrp = Hrp::parse_unchecked("age");
/// What age writes before secret keys.
const SECRET: Hrp = Hrp::parse_unchecked("age-secret-key-");

/// Whom a package is sealed for, by their key; `None` where it is no key that anybody could hold.
pub(super) fn recipient(key: &PublicKey) -> Option<Recipient> {
    let key = VerifyingKey::new(key).ok()?;
    let text = bech32::encode::<Bech32>(PUBLIC, &key.to_montgomery()).ok()?;
    Recipient::from_str(&text).ok()
}

/// Opens what was sealed for this key.
pub(super) fn identity(key: &SigningKey) -> Option<Identity> {
    let secret = Zeroizing::new(key.to_scalar_bytes());
    let text = Zeroizing::new(bech32::encode_upper::<Bech32>(SECRET, secret.as_slice()).ok()?);
    Identity::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_sealed_for_a_public_key_is_opened_by_its_secret_half() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let to = recipient(&key.public_key()).unwrap();
        let public = identity(&key).unwrap().to_public();
        assert_eq!(public.to_string(), to.to_string());
    }

    #[test]
    fn nothing_is_sealed_for_a_key_that_anybody_could_open() {
        assert!(
            recipient(&PublicKey::first(&[0; 32])).is_none(),
            "of order 4"
        );
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert!(
            recipient(&PublicKey::first(&neutral)).is_none(),
            "of order 1"
        );
    }
}
