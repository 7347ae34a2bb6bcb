//! The database's key: wrapped by a passphrase, or kept by the system's credential store.
//!
//! A passphrase is stretched with Argon2id (RFC 9106) and wraps a random key with XChaCha20-Poly1305, so that changing the passphrase
//! does not touch the database. `key.json` says which way was chosen, and a mark beside the database which key it wants; both are
//! written whole or not at all.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand_core::{OsRng, RngCore as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize as _;

use crate::{error::KeyError, keychain, patient::patiently, standing::shred};

const FILE: &str = "key.json";
const MARK: &str = "ledger.key-mark";
const MARK_PURPOSE: &[u8] = b"shicha-database-key-mark-1";
/// Bound to the wrapped key, so that it opens nothing else.
const PURPOSE: &[u8] = b"shicha-database-key-1";
/// Bound to the key of a locked ledger.
const LOCK_PURPOSE: &[u8] = b"shicha-locked-key-1";
/// RFC 9106 §4, second recommended option: 64 MiB, three passes; one lane, as a laptop on site has other things to do.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// More than any key file of ours asks for; one that asks for more was not written by this program.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 64;

/// The key that the database is encrypted with. It is wiped when it is no longer used.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseKey(pub(crate) [u8; 32]);

impl std::fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseKey(…)")
    }
}

impl Drop for DatabaseKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl DatabaseKey {
    fn random() -> Self {
        let mut key = [0; 32];
        OsRng.fill_bytes(&mut key);
        Self(key)
    }

    /// The key as SQLCipher takes it, for tests that look into the file behind the ledger's back.
    #[doc(hidden)]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// A key that is known already. What the product encrypts with it makes by itself ([`KeyStore`]).
    #[doc(hidden)]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// How a data folder's key is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// There is none yet.
    Missing,
    /// By a passphrase.
    Passphrase,
    /// By the system's credential store.
    Keychain,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kept_by", rename_all = "snake_case")]
enum KeyFile {
    Passphrase(Wrapped),
    Keychain { account: String },
}

#[derive(Serialize, Deserialize)]
struct Wrapped {
    algorithm: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    nonce: String,
    key: String,
}

/// The key of a data folder.
pub struct KeyStore {
    dir: PathBuf,
}

impl KeyStore {
    /// Of this folder.
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_path_buf(),
        }
    }

    /// How the key is kept.
    ///
    /// # Errors
    /// When the key file is unreadable.
    pub fn state(&self) -> Result<KeyState, KeyError> {
        Ok(match self.read()? {
            None => KeyState::Missing,
            Some(KeyFile::Passphrase(_)) => KeyState::Passphrase,
            Some(KeyFile::Keychain { .. }) => KeyState::Keychain,
        })
    }

    /// Whether the system has a credential store that answers.
    pub fn has_keychain(&self) -> bool {
        keychain::is_there()
    }

    /// Makes a key that a passphrase opens.
    ///
    /// # Errors
    /// When there is a key already, or the file cannot be written.
    pub fn create_with_passphrase(&self, passphrase: &str) -> Result<DatabaseKey, KeyError> {
        self.check_missing()?;
        let key = DatabaseKey::random();
        self.write(&KeyFile::Passphrase(wrap(&key, passphrase)?))?;
        Ok(key)
    }

    /// Opens the key with its passphrase.
    ///
    /// # Errors
    /// When the passphrase is wrong, or the key is kept otherwise.
    pub fn unlock_with_passphrase(&self, passphrase: &str) -> Result<DatabaseKey, KeyError> {
        match self.read()? {
            Some(KeyFile::Passphrase(wrapped)) => unwrap(&wrapped, passphrase),
            _ => Err(KeyError::OtherWay),
        }
    }

    /// Makes a key that the system's credential store keeps.
    ///
    /// # Errors
    /// When there is a key already, or no credential store.
    pub fn create_in_keychain(&self) -> Result<DatabaseKey, KeyError> {
        self.check_missing()?;
        let key = DatabaseKey::random();
        let mut account = [0; 8];
        OsRng.fill_bytes(&mut account);
        let account = format!("ledger-{}", hex::encode(account));
        keychain::set(&account, &key.0)?;
        self.write(&KeyFile::Keychain { account })?;
        Ok(key)
    }

    /// Fetches the key from the system's credential store, which may ask a person first.
    ///
    /// # Errors
    /// When the credential store does not answer or no longer has it, or the key is kept otherwise.
    pub fn unlock_from_keychain(&self) -> Result<DatabaseKey, KeyError> {
        self.fetch(keychain::PATIENCE)
    }

    /// The same at the start of the program: does not wait for a person.
    ///
    /// # Errors
    /// As [`Self::unlock_from_keychain`].
    pub fn unlock_from_open_keychain(&self) -> Result<DatabaseKey, KeyError> {
        self.fetch(keychain::UNASKED_PATIENCE)
    }

    fn fetch(&self, patience: std::time::Duration) -> Result<DatabaseKey, KeyError> {
        match self.read()? {
            Some(KeyFile::Keychain { account }) => {
                Ok(DatabaseKey::from_bytes(keychain::get(&account, patience)?))
            }
            _ => Err(KeyError::OtherWay),
        }
    }

    /// Gives the key another passphrase.
    ///
    /// # Errors
    /// When the old one is wrong, or the file cannot be written; the old one then still counts.
    pub fn change_passphrase(&self, old: &str, new: &str) -> Result<(), KeyError> {
        let key = self.unlock_with_passphrase(old)?;
        self.write(&KeyFile::Passphrase(wrap(&key, new)?))
    }

    /// Destroys the key: in the system's credential store, and in its file. Nothing opens the database after that.
    ///
    /// # Errors
    /// When the credential store does not let go of it, or the file cannot be removed.
    pub(crate) fn destroy(&self) -> Result<(), KeyError> {
        // A file that cannot be read names no account, and goes all the same.
        if let Ok(Some(KeyFile::Keychain { account })) = self.read() {
            keychain::forget(&account)?;
        }
        let aside = self.dir.join(format!("{FILE}.part"));
        shred(&aside)?;
        // Under another name first: whoever looks meanwhile finds a key that is whole, or none.
        match patiently(|| fs::rename(self.dir.join(FILE), &aside)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed?,
        }
        shred(&aside)?;
        crate::open::sync_dir(&self.dir);
        Ok(())
    }

    /// Keeps a key by a passphrase, whatever was kept before.
    pub(crate) fn keep_with_passphrase(
        &self,
        key: &DatabaseKey,
        passphrase: &str,
    ) -> Result<(), KeyError> {
        self.write(&KeyFile::Passphrase(wrap(key, passphrase)?))
    }

    fn check_missing(&self) -> Result<(), KeyError> {
        match self.read()? {
            None => Ok(()),
            Some(_) => Err(KeyError::OtherWay),
        }
    }

    fn read(&self) -> Result<Option<KeyFile>, KeyError> {
        match self.read_once() {
            // One that is just destroyed may be opened under its name and read as noise. Looked for again it has no name any more.
            Err(KeyError::DamagedFile(_)) => self.read_once(),
            done => done,
        }
    }

    fn read_once(&self) -> Result<Option<KeyFile>, KeyError> {
        let bytes = match fs::read(self.dir.join(FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| KeyError::DamagedFile(error.to_string()))
    }

    fn write(&self, file: &KeyFile) -> Result<(), KeyError> {
        fs::create_dir_all(&self.dir)?;
        let text = serde_json::to_vec_pretty(file)
            .map_err(|error| KeyError::DamagedFile(error.to_string()))?;
        Ok(write_whole(&self.dir, FILE, &text)?)
    }
}

/// Which key the database of a folder is encrypted with, without giving it away: so that another key is not taken for damage.
pub(crate) struct KeyMark<'a> {
    dir: &'a Path,
}

impl<'a> KeyMark<'a> {
    pub(crate) fn new(dir: &'a Path) -> Self {
        Self { dir }
    }

    /// Whether the key is the one; `None` when there is no mark that can be read.
    pub(crate) fn fits(&self, key: &DatabaseKey) -> io::Result<Option<bool>> {
        let bytes = match fs::read(self.dir.join(MARK)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let own = Self::of(key);
        Ok((bytes.len() == own.len()).then(|| bytes == own.as_bytes()))
    }

    pub(crate) fn set(&self, key: &DatabaseKey) -> io::Result<()> {
        write_whole(self.dir, MARK, Self::of(key).as_bytes())
    }

    /// The key is random, so that its hash tells nothing that could be tried.
    fn of(key: &DatabaseKey) -> String {
        let mut hash = Sha256::new();
        hash.update(MARK_PURPOSE);
        hash.update(key.0);
        hex::encode(hash.finalize())
    }
}

/// Writes a file so that it is there whole or not at all.
pub(crate) fn write_whole(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let beside = dir.join(format!("{name}.part"));
    let mut out = fs::File::create(&beside)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    patiently(|| fs::rename(&beside, dir.join(name)))?;
    crate::open::sync_dir(dir);
    Ok(())
}

fn wrap(key: &DatabaseKey, passphrase: &str) -> Result<Wrapped, KeyError> {
    let (mut salt, mut nonce) = ([0; 16], [0; 24]);
    OsRng.fill_bytes(&mut salt);
    OsRng.fill_bytes(&mut nonce);
    let cipher = cipher(passphrase, &salt, MEMORY_KIB, PASSES, LANES)?;
    let payload = Payload {
        msg: &key.0,
        aad: PURPOSE,
    };
    let sealed = cipher
        .encrypt(XNonce::from_slice(&nonce), payload)
        .map_err(|error| KeyError::DamagedFile(error.to_string()))?;
    Ok(Wrapped {
        algorithm: "argon2id+xchacha20poly1305".into(),
        memory_kib: MEMORY_KIB,
        passes: PASSES,
        lanes: LANES,
        salt: BASE64_STANDARD.encode(salt),
        nonce: BASE64_STANDARD.encode(nonce),
        key: BASE64_STANDARD.encode(sealed),
    })
}

fn unwrap(wrapped: &Wrapped, passphrase: &str) -> Result<DatabaseKey, KeyError> {
    let damaged = |what: &str| KeyError::DamagedFile(what.to_owned());
    if wrapped.memory_kib > MOST_MEMORY_KIB || wrapped.passes > MOST_PASSES {
        return Err(damaged(
            "it asks for more work than any key of this program",
        ));
    }
    let decode = |text: &str| {
        BASE64_STANDARD
            .decode(text)
            .map_err(|error| damaged(&error.to_string()))
    };
    let (salt, nonce, sealed) = (
        decode(&wrapped.salt)?,
        decode(&wrapped.nonce)?,
        decode(&wrapped.key)?,
    );
    if nonce.len() != 24 {
        return Err(damaged("the nonce has another length"));
    }
    let cipher = cipher(
        passphrase,
        &salt,
        wrapped.memory_kib,
        wrapped.passes,
        wrapped.lanes,
    )?;
    let payload = Payload {
        msg: &sealed,
        aad: PURPOSE,
    };
    let mut opened = cipher
        .decrypt(XNonce::from_slice(&nonce), payload)
        .map_err(|_| KeyError::WrongPassphrase)?;
    let key =
        <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| damaged("the key has another length"));
    opened.zeroize();
    key.map(DatabaseKey)
}

/// Seals the key with another one. That one is random and used once, so that nothing is stretched.
pub(crate) fn seal(key: &DatabaseKey, with: &[u8; 32]) -> Result<String, KeyError> {
    let mut nonce = [0; 24];
    OsRng.fill_bytes(&mut nonce);
    let payload = Payload {
        msg: &key.0,
        aad: LOCK_PURPOSE,
    };
    let sealed = XChaCha20Poly1305::new(Key::from_slice(with))
        .encrypt(XNonce::from_slice(&nonce), payload)
        .map_err(|error| KeyError::DamagedFile(error.to_string()))?;
    Ok(BASE64_STANDARD.encode([nonce.as_slice(), &sealed].concat()))
}

/// Opens what [`seal`] made.
pub(crate) fn unseal(sealed: &str, with: &[u8; 32]) -> Result<DatabaseKey, KeyError> {
    let damaged = |what: &str| KeyError::DamagedFile(what.to_owned());
    let bytes = BASE64_STANDARD
        .decode(sealed)
        .map_err(|error| damaged(&error.to_string()))?;
    let (nonce, sealed) = bytes
        .split_at_checked(24)
        .ok_or_else(|| damaged("the sealed key is too short"))?;
    let payload = Payload {
        msg: sealed,
        aad: LOCK_PURPOSE,
    };
    let mut opened = XChaCha20Poly1305::new(Key::from_slice(with))
        .decrypt(XNonce::from_slice(nonce), payload)
        .map_err(|_| KeyError::WrongPassphrase)?;
    let key =
        <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| damaged("the key has another length"));
    opened.zeroize();
    key.map(DatabaseKey)
}

fn cipher(
    passphrase: &str,
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
) -> Result<XChaCha20Poly1305, KeyError> {
    let damaged = |error: argon2::Error| KeyError::DamagedFile(error.to_string());
    let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(damaged)?;
    let mut stretched = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut stretched)
        .map_err(damaged)?;
    let cipher = XChaCha20Poly1305::new(Key::from_slice(&stretched));
    stretched.zeroize();
    Ok(cipher)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_passphrase_opens_its_key_and_no_other_does() {
        let dir = tempfile::tempdir().unwrap();
        let store = KeyStore::new(dir.path());
        assert_eq!(store.state().unwrap(), KeyState::Missing);
        let key = store.create_with_passphrase("连云港 2022 安全").unwrap();
        assert_eq!(store.state().unwrap(), KeyState::Passphrase);
        assert!(store.unlock_with_passphrase("连云港 2022 安全").unwrap() == key);
        assert!(matches!(
            store.unlock_with_passphrase("wrong"),
            Err(KeyError::WrongPassphrase)
        ));
        assert!(matches!(
            store.create_with_passphrase("again"),
            Err(KeyError::OtherWay)
        ));
    }

    #[test]
    fn a_changed_passphrase_opens_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let store = KeyStore::new(dir.path());
        let key = store.create_with_passphrase("first first").unwrap();
        assert!(matches!(
            store.change_passphrase("wrong", "second"),
            Err(KeyError::WrongPassphrase)
        ));
        store
            .change_passphrase("first first", "second second")
            .unwrap();
        assert!(store.unlock_with_passphrase("second second").unwrap() == key);
        assert!(matches!(
            store.unlock_with_passphrase("first first"),
            Err(KeyError::WrongPassphrase)
        ));
    }

    #[test]
    fn a_damaged_key_file_is_told_from_a_wrong_passphrase() {
        let dir = tempfile::tempdir().unwrap();
        let store = KeyStore::new(dir.path());
        store.create_with_passphrase("first first").unwrap();
        let file = dir.path().join(FILE);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, &text[..text.len() / 2]).unwrap();
        assert!(matches!(store.state(), Err(KeyError::DamagedFile(_))));
        fs::write(&file, text.replace("65536", "4294967295")).unwrap();
        assert!(matches!(
            store.unlock_with_passphrase("first first"),
            Err(KeyError::DamagedFile(_))
        ));
    }
}
