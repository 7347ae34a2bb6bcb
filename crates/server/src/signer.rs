//! The server's key: what every receipt is signed with and every device pins.
//!
//! Invariant: the file is readable by its owner only, is never overwritten, and is never sent or logged. Losing it means that every
//! device has to be enrolled anew, so a backup holds it too.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
};

use hmac::{Hmac, Mac};
use rand_core::{OsRng, RngCore as _};
use sha2::Sha256;
use shicha_domain::{
    DeviceId, Receipt, receipt,
    suite::{PublicKey, SignatureBytes, SigningKey},
};
use shicha_sync::protocol::{
    end::Tick,
    order::{Order, OrderAct},
    signing,
    unlock::UnlockSecret,
};
use subtle::ConstantTimeEq as _;

use crate::store::OwnSeal;

/// Name of the key's file in the data folder.
pub const KEY_FILE: &str = "server.key";

/// The server's signing key, and what is derived from it.
pub struct Signer {
    key: SigningKey,
}

impl Signer {
    /// Reads the key from its file.
    ///
    /// # Errors
    /// When there is none, or the file holds something else.
    pub fn load(dir: &Path) -> std::io::Result<Self> {
        let mut bytes = Vec::new();
        fs::File::open(dir.join(KEY_FILE))?
            .take(128)
            .read_to_end(&mut bytes)?;
        let key = SigningKey::from_tagged(&bytes).map_err(|fault| {
            let why = format!("server.key does not hold a key: {fault}");
            std::io::Error::new(std::io::ErrorKind::InvalidData, why)
        })?;
        Ok(Self { key })
    }

    /// Reads the key, making one where there is none.
    ///
    /// # Errors
    /// When it can be neither read nor written.
    pub fn load_or_make(dir: &Path) -> std::io::Result<Self> {
        match Self::load(dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            other => return other,
        }
        let mut secret = [0; 32];
        OsRng.fill_bytes(&mut secret);
        let key = SigningKey::from_bytes(&secret);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(dir.join(KEY_FILE))?;
        file.write_all(&key.to_tagged())?;
        file.sync_all()?;
        Ok(Self { key })
    }

    /// The key that devices pin.
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// The key that packages for this server are opened with, and those of this server are signed with.
    pub(crate) fn sealing_key(&self) -> &SigningKey {
        &self.key
    }

    /// The public key's fingerprint as people compare it.
    pub fn fingerprint(&self) -> String {
        receipt::fingerprint(&self.public_key())
    }

    /// Signs what a receipt says.
    pub fn seal(&self, receipt: Receipt) -> Receipt {
        receipt.signed(&self.key)
    }

    /// [`Self::seal`] for whoever is not there any more when it is asked.
    pub fn own_seal(&self) -> OwnSeal {
        let key = self.key.clone();
        Box::new(move |receipt| receipt.signed(&key))
    }

    /// The endpoint's time for a device, with a mark by which it is known again, also by other processes and after a restart.
    pub fn tick(&self, device: DeviceId, at_ms: u64) -> Tick {
        let said = Tick::marked_bytes(device, at_ms);
        let whole = keyed_hash(self.key.as_bytes(), &[b"shicha-tick-1\0", &said]);
        let mut mac = [0; 16];
        mac.copy_from_slice(&whole[..16]);
        Tick { at_ms, mac }
    }

    /// Whether a tick is one that this endpoint gave the device.
    pub fn is_tick_of(&self, device: DeviceId, tick: Tick) -> bool {
        self.tick(device, tick.at_ms).mac.ct_eq(&tick.mac).into()
    }

    /// Signs bytes that begin with words of their own ([`signing`]).
    pub fn sign(&self, bytes: &[u8]) -> SignatureBytes {
        signing::sign(&self.key, bytes)
    }

    /// The hash under which an enrolment code is kept. Keyed, because 40 bits could be guessed from a stolen database otherwise.
    pub fn code_hash(&self, code: &str) -> [u8; 32] {
        keyed_hash(self.key.as_bytes(), &[b"shicha-code-1\0", code.as_bytes()])
    }

    /// The key of session tokens, the same for all processes that serve with this key.
    pub(crate) fn session_key(&self) -> [u8; 32] {
        keyed_hash(self.key.as_bytes(), &[b"shicha-session-1\0"])
    }

    /// What opens a device that was ordered to lock itself at this moment.
    pub fn unlock_secret(&self, device: DeviceId, at_ms: u64) -> UnlockSecret {
        let whole = keyed_hash(
            self.key.as_bytes(),
            &[
                b"shicha-unlock-1\0",
                device.0.as_bytes(),
                &at_ms.to_be_bytes(),
            ],
        );
        let mut half = [0; 16];
        half.copy_from_slice(&whole[..16]);
        UnlockSecret::new(half)
    }

    /// An order to a device, signed.
    pub fn order(&self, device: DeviceId, act: OrderAct, at_ms: u64) -> Order {
        let mut order = Order {
            device,
            act,
            at_ms,
            lock_key: match act {
                OrderAct::Lock => self.unlock_secret(device, at_ms).lock_key().to_vec(),
                OrderAct::Wipe => Vec::new(),
            },
            signature: SignatureBytes::NONE,
        };
        order.signature = self.sign(&order.signed_bytes());
        order
    }

    /// The signing key of the server's own device of a person, with which the administrator's commands write entries.
    pub fn console_key(&self, device: DeviceId) -> SigningKey {
        SigningKey::from_bytes(&keyed_hash(
            self.key.as_bytes(),
            &[b"shicha-console-1\0", device.0.as_bytes()],
        ))
    }
}

/// HMAC-SHA-256 (RFC 2104).
pub(crate) fn keyed_hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes a key of any length")
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_key_stays_the_same_and_is_nobody_elses_to_read() {
        let dir = tempfile::tempdir().unwrap();
        let made = Signer::load_or_make(dir.path()).unwrap();
        assert_eq!(
            Signer::load_or_make(dir.path()).unwrap().public_key(),
            made.public_key()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(dir.path().join(KEY_FILE))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_key_is_an_error_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(KEY_FILE), b"short").unwrap();
        assert!(Signer::load_or_make(dir.path()).is_err());
        assert_eq!(fs::read(dir.path().join(KEY_FILE)).unwrap(), b"short");
    }
}
