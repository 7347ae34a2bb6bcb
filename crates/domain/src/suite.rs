//! Which algorithms: a number that stands in everything that is signed or hashed, and keys and signatures that name theirs.
//!
//! ```text
//! number 1, the only one today: SHA-256 (FIPS 180-4), Ed25519 (RFC 8032), sealing by X25519 and ChaCha20-Poly1305 (age-encryption.org/v1)
//! ```
//!
//! Invariant: nothing outside this module picks an algorithm for a key or a signature. Another suite is another number here; messages,
//! tables and files keep their form. A number that is not known here is kept and handed on like everything newer, and proves nothing.

use std::{fmt, str::FromStr};

use ed25519_dalek::{Signer as _, Verifier as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The most bytes of a key or a signature.
pub const MAX_BYTES: usize = 64;

/// A set of algorithms that go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Suite {
    /// SHA-256, Ed25519, X25519 with ChaCha20-Poly1305.
    First = 1,
}

impl Suite {
    /// The number that stands in texts and messages. It never changes.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The suite of this number.
    ///
    /// # Errors
    /// When it is none that this version knows.
    pub const fn of(number: u8) -> Result<Self, SuiteFault> {
        match number {
            1 => Ok(Self::First),
            0 => Err(SuiteFault::NotOne),
            _ => Err(SuiteFault::Newer(number)),
        }
    }
}

/// Why a key or a signature proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SuiteFault {
    /// It was made with algorithms that this version does not have.
    #[error("it needs a newer version of the program (algorithms number {0})")]
    Newer(u8),
    /// It is no key, or no signature.
    #[error("not a key or a signature")]
    NotOne,
    /// The key did not sign these bytes.
    #[error("the signature does not fit")]
    DoesNotFit,
}

/// A suite's number, and bytes that only this suite understands, as they stand in tables, batches and signed texts. The rest of the array
/// is zero, so that equal values are equal arrays.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Tagged {
    /// Of the number and the bytes; 0 where there are none.
    length: u8,
    bytes: [u8; 1 + MAX_BYTES],
}

impl Tagged {
    const EMPTY: Self = Self {
        length: 0,
        bytes: [0; 1 + MAX_BYTES],
    };

    /// `None` where it cannot be one of any suite.
    fn read(tagged: &[u8]) -> Option<Self> {
        let mut read = Self {
            length: u8::try_from(tagged.len()).ok()?,
            ..Self::EMPTY
        };
        read.bytes.get_mut(..tagged.len())?.copy_from_slice(tagged);
        (read.bytes[0] != 0 && tagged.len() > 1).then_some(read)
    }

    fn first<const N: usize>(bytes: &[u8; N]) -> Self {
        const { assert!(N <= MAX_BYTES) };
        let mut tagged = Self {
            length: 1 + N as u8,
            ..Self::EMPTY
        };
        tagged.bytes[0] = Suite::First.number();
        tagged.bytes[1..=N].copy_from_slice(bytes);
        tagged
    }

    fn whole(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    fn bytes(&self) -> &[u8] {
        self.whole().get(1..).unwrap_or_default()
    }

    fn parse(text: &str) -> Option<Self> {
        let (number, digits) = text.split_once(':')?;
        let mut tagged = [0; 1 + MAX_BYTES];
        tagged[0] = number.parse().ok()?;
        // One value has one spelling.
        let is_plain =
            !digits.bytes().any(|b| b.is_ascii_uppercase()) && tagged[0].to_string() == number;
        let end = 1 + digits.len() / 2;
        hex::decode_to_slice(digits, tagged.get_mut(1..end)?).ok()?;
        is_plain.then(|| Self::read(&tagged[..end])).flatten()
    }
}

impl fmt::Display for Tagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length == 0 {
            return Ok(());
        }
        write!(f, "{}:{}", self.bytes[0], hex::encode(self.bytes()))
    }
}

macro_rules! tagged {
    ($name:ident) => {
        impl $name {
            /// The number of its suite, which this version may not know.
            pub const fn number(&self) -> u8 {
                self.0.bytes[0]
            }

            /// Its suite.
            ///
            /// # Errors
            /// When this version does not have it.
            pub const fn suite(&self) -> Result<Suite, SuiteFault> {
                Suite::of(self.0.bytes[0])
            }

            /// Its bytes, without the number.
            pub fn bytes(&self) -> &[u8] {
                self.0.bytes()
            }

            /// The suite's number and the bytes: how it stands in tables, batches and signed texts.
            pub fn tagged(&self) -> &[u8] {
                self.0.whole()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let bytes = self.bytes();
                let shown = &bytes[..bytes.len().min(6)];
                write!(
                    f,
                    concat!(stringify!($name), "({}:{})"),
                    self.0.bytes[0],
                    hex::encode(shown)
                )
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

/// A public key: the name of whoever holds its other half. Written `<number>:<hexadecimal digits>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(value_type = String, pattern = "^[1-9][0-9]{0,2}:([0-9a-f]{2}){1,64}$")
)]
pub struct PublicKey(Tagged);

tagged!(PublicKey);

impl PublicKey {
    /// A key of the first suite, from its 32 bytes. Whether it is one is found when it is used.
    pub fn first(bytes: &[u8; 32]) -> Self {
        Self(Tagged::first(bytes))
    }

    /// Reads the number of a suite and the bytes of a key.
    ///
    /// # Errors
    /// When it cannot be one of any suite.
    pub fn from_tagged(tagged: &[u8]) -> Result<Self, SuiteFault> {
        Tagged::read(tagged).map(Self).ok_or(SuiteFault::NotOne)
    }
}

impl FromStr for PublicKey {
    type Err = SuiteFault;

    fn from_str(text: &str) -> Result<Self, SuiteFault> {
        Tagged::parse(text).map(Self).ok_or(SuiteFault::NotOne)
    }
}

/// A signature. Written `<number>:<hexadecimal digits>`; nothing where there is none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(value_type = String, pattern = "^([1-9][0-9]{0,2}:([0-9a-f]{2}){1,64})?$")
)]
pub struct SignatureBytes(Tagged);

tagged!(SignatureBytes);

impl SignatureBytes {
    /// No signature: stands where nothing was signed, and fits nothing.
    pub const NONE: Self = Self(Tagged::EMPTY);

    /// Whether there is one at all.
    pub const fn is_none(&self) -> bool {
        self.0.length == 0
    }

    /// A signature of the first suite, from its 64 bytes.
    pub fn first(bytes: &[u8; 64]) -> Self {
        Self(Tagged::first(bytes))
    }

    /// Reads the number of a suite and the bytes of a signature; no bytes are [`Self::NONE`].
    ///
    /// # Errors
    /// When it cannot be one of any suite.
    pub fn from_tagged(tagged: &[u8]) -> Result<Self, SuiteFault> {
        if tagged.is_empty() {
            return Ok(Self::NONE);
        }
        Tagged::read(tagged).map(Self).ok_or(SuiteFault::NotOne)
    }
}

impl FromStr for SignatureBytes {
    type Err = SuiteFault;

    fn from_str(text: &str) -> Result<Self, SuiteFault> {
        if text.is_empty() {
            return Ok(Self::NONE);
        }
        Tagged::parse(text).map(Self).ok_or(SuiteFault::NotOne)
    }
}

/// The secret half of a key. It is written only into what is encrypted or readable by its owner alone, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of the first suite with this secret, which is drawn at random.
    pub fn from_bytes(secret: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// Reads the number of a suite and the secret.
    ///
    /// # Errors
    /// When it is none, or of a suite that this version does not have.
    pub fn from_tagged(tagged: &[u8]) -> Result<Self, SuiteFault> {
        let (number, secret) = tagged.split_first().ok_or(SuiteFault::NotOne)?;
        match Suite::of(*number)? {
            Suite::First => secret
                .try_into()
                .map(|secret| Self::from_bytes(&secret))
                .map_err(|_| SuiteFault::NotOne),
        }
    }

    /// The number of its suite and the secret, to be kept.
    pub fn to_tagged(&self) -> [u8; 33] {
        let mut tagged = [0; 33];
        tagged[0] = Suite::First.number();
        tagged[1..].copy_from_slice(self.0.as_bytes());
        tagged
    }

    /// The secret alone, for deriving other keys from it.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The same key for sealing and opening, as a scalar of Curve25519: the first half of SHA-512 of the secret, clamped.
    pub fn to_scalar_bytes(&self) -> [u8; 32] {
        self.0.to_scalar_bytes()
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::first(self.0.verifying_key().as_bytes())
    }

    /// The public half, made ready.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Signs.
    pub fn sign(&self, bytes: &[u8]) -> SignatureBytes {
        SignatureBytes::first(&self.0.sign(bytes).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {:?})", self.public_key())
    }
}

impl Serialize for SigningKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!(
            "{}:{}",
            Suite::First.number(),
            hex::encode(self.0.as_bytes())
        ))
    }
}

impl<'de> Deserialize<'de> for SigningKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Tagged::parse(&text)
            .ok_or(SuiteFault::NotOne)
            .and_then(|tagged| Self::from_tagged(tagged.whole()))
            .map_err(de::Error::custom)
    }
}

/// A public key made ready, for whoever checks many signatures of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Makes a key ready.
    ///
    /// # Errors
    /// When it is no key, one that anybody could use (of small order), or of a suite that this version does not have.
    pub fn new(key: &PublicKey) -> Result<Self, SuiteFault> {
        match key.suite()? {
            Suite::First => key
                .bytes()
                .try_into()
                .ok()
                .and_then(|bytes| ed25519_dalek::VerifyingKey::from_bytes(bytes).ok())
                .filter(|key| !key.is_weak())
                .map(Self)
                .ok_or(SuiteFault::NotOne),
        }
    }

    /// The key as it is written.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::first(self.0.as_bytes())
    }

    /// The same key for sealing, on Curve25519: u = (1 + y) / (1 − y) (RFC 7748, 4.1).
    pub fn to_montgomery(&self) -> [u8; 32] {
        self.0.to_montgomery().to_bytes()
    }

    /// Checks that this key signed the bytes.
    ///
    /// # Errors
    /// When it did not, or the signature is of another suite.
    pub fn verify(&self, bytes: &[u8], signature: &SignatureBytes) -> Result<(), SuiteFault> {
        match signature.suite()? {
            Suite::First => {
                let signature = ed25519_dalek::Signature::from_slice(signature.bytes())
                    .map_err(|_| SuiteFault::NotOne)?;
                self.0
                    .verify(bytes, &signature)
                    .map_err(|_| SuiteFault::DoesNotFit)
            }
        }
    }
}

/// Checks that the key signed the bytes.
///
/// # Errors
/// When it did not, when either is none, or when this version does not have the suite.
pub fn verify(key: &PublicKey, bytes: &[u8], signature: &SignatureBytes) -> Result<(), SuiteFault> {
    VerifyingKey::new(key)?.verify(bytes, signature)
}

/// The beginning of a text that is signed or hashed: a label of its own, which ends with a zero byte, and the suite's number. `room` is
/// how many bytes follow.
pub fn text(label: &[u8], room: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(label.len() + 1 + room);
    text.extend_from_slice(label);
    text.push(Suite::First.number());
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keys_and_signatures_have_one_spelling_that_names_their_algorithms() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let public = key.public_key();
        let text = public.to_string();
        assert!(text.starts_with("1:") && text.len() == 66, "{text}");
        assert_eq!(text.parse::<PublicKey>().unwrap(), public);
        assert_eq!(PublicKey::from_tagged(public.tagged()).unwrap(), public);
        for other in [
            text.to_uppercase(),
            format!("0{text}"),
            text[2..].to_owned(),
            text.replacen('1', "0", 1),
        ] {
            let read = other.parse::<PublicKey>();
            assert!(
                read.is_err() || other == text,
                "{other} is another spelling"
            );
        }
        let signature = key.sign(b"said");
        assert_eq!(
            signature.to_string().parse::<SignatureBytes>().unwrap(),
            signature
        );
        assert_eq!("".parse::<SignatureBytes>().unwrap(), SignatureBytes::NONE);
        let kept = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<SigningKey>(&kept).unwrap(), key);
        assert_eq!(SigningKey::from_tagged(&key.to_tagged()).unwrap(), key);
        assert!(
            !format!("{key:?}").contains("0303"),
            "a secret is never shown"
        );
    }

    #[test]
    fn what_was_made_with_newer_algorithms_is_kept_and_proves_nothing() {
        let newer: PublicKey = format!("2:{}", "ab".repeat(64)).parse().unwrap();
        let signature: SignatureBytes = format!("2:{}", "cd".repeat(64)).parse().unwrap();
        assert_eq!(
            verify(&newer, b"said", &signature),
            Err(SuiteFault::Newer(2))
        );
        let key = SigningKey::from_bytes(&[3; 32]);
        assert_eq!(
            verify(&key.public_key(), b"said", &signature),
            Err(SuiteFault::Newer(2))
        );
        let text = serde_json::to_string(&newer).unwrap();
        assert_eq!(serde_json::from_str::<PublicKey>(&text).unwrap(), newer);
        assert!(SuiteFault::Newer(2).to_string().contains("newer version"));
        assert!(SigningKey::from_tagged(&[2; 33]).is_err());
    }

    #[test]
    fn a_signature_counts_only_for_the_bytes_and_the_key_it_was_made_with() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let signature = key.sign(b"said");
        assert_eq!(verify(&key.public_key(), b"said", &signature), Ok(()));
        assert!(verify(&key.public_key(), b"other", &signature).is_err());
        let other = SigningKey::from_bytes(&[4; 32]).public_key();
        assert!(verify(&other, b"said", &signature).is_err());
        assert!(verify(&key.public_key(), b"said", &SignatureBytes::NONE).is_err());
        let half: SignatureBytes = format!("1:{}", "ab".repeat(32)).parse().unwrap();
        assert_eq!(
            verify(&key.public_key(), b"said", &half),
            Err(SuiteFault::NotOne)
        );
        assert!(
            verify(&PublicKey::first(&[0xff; 32]), b"said", &signature).is_err(),
            "no key at all"
        );
        assert!(
            VerifyingKey::new(&PublicKey::first(&[0; 32])).is_err(),
            "a key of order 4, which anybody could use"
        );
    }
}
