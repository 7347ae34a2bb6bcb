//! The key in the system's credential store: that of Windows, or a real Secret Service in a session of its own.

use std::path::Path;

use shicha_ledger::{KeyError, KeyState, KeyStore, Ledger};

use crate::kit::NOW;

fn keep_and_fetch(dir: &Path) {
    let store = KeyStore::new(dir);
    assert!(store.has_keychain());
    let key = store.create_in_keychain().unwrap();
    assert_eq!(store.state().unwrap(), KeyState::Keychain);
    let (ledger, report) = Ledger::open(dir, &key, NOW).unwrap();
    assert!(report.is_new);
    drop(ledger);
    let again = KeyStore::new(dir);
    assert!(again.unlock_from_open_keychain().unwrap() == key);
    assert!(again.unlock_from_keychain().unwrap() == key);
    assert!(matches!(
        again.unlock_with_passphrase("any"),
        Err(KeyError::OtherWay)
    ));
    Ledger::open(dir, &again.unlock_from_keychain().unwrap(), NOW).unwrap();
}

#[test]
#[cfg(windows)]
fn the_systems_credential_store_keeps_the_key_of_the_ledger() {
    keep_and_fetch(tempfile::tempdir().unwrap().path());
}

#[cfg(target_os = "linux")]
mod linux {
    use std::process::Command;

    const FOLDER: &str = "SHICHA_TEST_KEYCHAIN_FOLDER";

    /// A keyring that is unlocked with a password of its own, and then what the rest of the line says.
    const SESSION: &str = r#"printf keyring | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec "$@""#;

    #[test]
    #[ignore = "started by the test below, where there is a credential store"]
    fn keeps_and_fetches() {
        if let Some(dir) = std::env::var_os(FOLDER) {
            super::keep_and_fetch(dir.as_ref());
        }
    }

    #[test]
    fn the_systems_credential_store_keeps_the_key_of_the_ledger() {
        let dir = tempfile::tempdir().unwrap();
        let home = tempfile::tempdir().unwrap();
        let output = Command::new("dbus-run-session")
            .args(["--", "sh", "-c", SESSION, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "keychain::linux::keeps_and_fetches", "--ignored"])
            .env(FOLDER, dir.path())
            .env("HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path())
            .env_remove("XDG_DATA_HOME")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let file = std::fs::read_to_string(dir.path().join("key.json")).unwrap();
        assert!(
            file.contains("keychain") && !file.contains("salt"),
            "{file}"
        );
    }
}
