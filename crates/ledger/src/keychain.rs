//! The system's credential store: DPAPI-backed on Windows, the Secret Service on Linux desktops.
//!
//! A credential store may ask a person, hang, or not be there: every question to it is put on a thread of its own and waited for so long.

use std::{sync::mpsc, thread, time::Duration};

use crate::error::KeyError;

const SERVICE: &str = "shicha";
/// How long an answer is waited for when a person asked. They may have to unlock the store first.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How long it is waited for when nobody asked, and a window is still to be shown.
pub(crate) const UNASKED_PATIENCE: Duration = Duration::from_secs(4);
/// How long it is waited for whether there is a store at all.
const PROBE_PATIENCE: Duration = Duration::from_secs(3);
const PROBE: &str = "probe";

/// Whether there is a store that answers.
pub(crate) fn is_there() -> bool {
    ask(PROBE_PATIENCE, || match entry(PROBE)?.get_secret() {
        Ok(_) | Err(keyring::Error::NoEntry) => Ok(()),
        Err(error) => Err(error),
    })
    .is_ok()
}

/// Keeps a key, and makes sure that it is kept.
pub(crate) fn set(account: &str, key: &[u8; 32]) -> Result<(), KeyError> {
    let (name, key) = (account.to_owned(), *key);
    ask(PATIENCE, move || entry(&name)?.set_secret(&key))?;
    if get(account, PATIENCE)? == key {
        Ok(())
    } else {
        Err(KeyError::NoKeychain(
            "what was kept came back changed".into(),
        ))
    }
}

/// Fetches a key.
pub(crate) fn get(account: &str, patience: Duration) -> Result<[u8; 32], KeyError> {
    let name = account.to_owned();
    let secret = ask(patience, move || entry(&name)?.get_secret())?;
    <[u8; 32]>::try_from(secret.as_slice())
        .map_err(|_| KeyError::NoKeychain("the key has another length".into()))
}

/// Forgets a key; one that is not there is forgotten already.
pub(crate) fn forget(account: &str) -> Result<(), KeyError> {
    let name = account.to_owned();
    ask(PATIENCE, move || match entry(&name)?.delete_credential() {
        Err(keyring::Error::NoEntry) => Ok(()),
        other => other,
    })
}

fn entry(account: &str) -> keyring::Result<keyring::Entry> {
    keyring::Entry::new(SERVICE, account)
}

fn ask<T: Send + 'static>(
    patience: Duration,
    question: impl FnOnce() -> keyring::Result<T> + Send + 'static,
) -> Result<T, KeyError> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new()
        .name("keychain".into())
        .spawn(move || {
            // Nobody may be waiting any more.
            let _ = sender.send(question());
        })
        .map_err(|error| KeyError::NoKeychain(error.to_string()))?;
    match receiver.recv_timeout(patience) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(KeyError::NoKeychain(error.to_string())),
        Err(error) => Err(KeyError::NoKeychain(error.to_string())),
    }
}
