//! Where a ledger may lie, and who may have it open: names as people give them, long paths, two programs at once.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;
use shicha_ledger::{KeyState, KeyStore, Ledger, LedgerError};

use crate::kit::*;

const FOLDER: &str = "SHICHA_TEST_PLACE_FOLDER";

/// Longer than Windows' old limit for a whole path.
fn long_folder(below: &Path) -> PathBuf {
    let mut folder = below.to_path_buf();
    // Elsewhere SQLite has a limit of its own, at 512 bytes.
    while folder.to_string_lossy().chars().count() < 280 {
        folder.push("a folder with a name that is long 很长");
    }
    folder
}

fn works_in(folder: &Path) {
    let first = ledger(folder, 1);
    first
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    write(&first, record(5), "phone", json!("0518-1"));
    let copy = folder.join("副本 1.db");
    first.backup_to(&copy).unwrap();
    drop(first);
    let bytes = std::fs::read(folder.join("ledger.db")).unwrap();
    assert!(!bytes.starts_with(b"SQLite format 3"), "it is encrypted");
    assert!(copy.metadata().unwrap().len() > 0);
    let (again, report) = open(folder);
    assert_eq!(report.salvage, None);
    assert_eq!(again.verify(&mut |_, _| {}).unwrap().first_bad, None);
}

#[test]
fn a_folder_may_have_a_chinese_name_with_spaces() {
    let dir = tempfile::tempdir().unwrap();
    works_in(&dir.path().join("检查 台账（东海县）").join("2022 年 7 月"));
}

#[test]
fn a_path_may_be_longer_than_the_old_limit_of_windows() {
    let dir = tempfile::tempdir().unwrap();
    works_in(&long_folder(dir.path()));
}

/// What holds the folder in the test below: this test again in a process of its own.
#[test]
#[ignore = "started by the test below"]
fn holds_a_folder() {
    let Some(dir) = std::env::var_os(FOLDER) else {
        return;
    };
    let (_ledger, _) = open(dir.as_ref());
    println!("held");
    std::io::stdin().lines().for_each(drop);
}

#[test]
fn another_process_that_has_the_ledger_open_keeps_it_until_it_ends_however_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("Ledger 台账");
    drop(ledger(&folder, 1));
    let start = || {
        let mut holder = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "places::holds_a_folder",
                "--ignored",
                "--nocapture",
            ])
            .env(FOLDER, &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
        let held = lines
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.ends_with("held"));
        assert!(held.is_some());
        (holder, lines)
    };
    let key = key(&folder);
    let in_use = |folder: &Path| matches!(Ledger::open(folder, &key, NOW), Err(LedgerError::InUse));
    let (mut killed, _lines) = start();
    assert!(in_use(&folder));
    if cfg!(windows) {
        assert!(
            in_use(&dir.path().join("LEDGER 台账")),
            "by another spelling of its name it is the same folder"
        );
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let (mut ended, lines) = start();
    assert!(in_use(&folder));
    drop(ended.stdin.take());
    // What it says at its end needs somebody who hears it.
    lines.for_each(drop);
    assert!(ended.wait().unwrap().success());
    assert_eq!(open(&folder).1.salvage, None);
}

#[test]
#[cfg(windows)]
fn a_name_in_other_letters_is_the_same_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let first = ledger(&dir.path().join("Ledger"), 1);
    first
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    let head = first.head().unwrap();
    drop(first);
    let (again, report) = open(&dir.path().join("LEDGER"));
    assert!(!report.is_new);
    assert_eq!(again.head().unwrap(), head);
}

#[test]
fn where_no_credential_store_keeps_the_key_a_passphrase_does() {
    let dir = tempfile::tempdir().unwrap();
    let store = KeyStore::new(dir.path());
    if store.has_keychain() {
        let key = store.create_in_keychain().unwrap();
        assert_eq!(store.state().unwrap(), KeyState::Keychain);
        assert!(store.unlock_from_keychain().unwrap() == key);
        return;
    }
    assert!(store.create_in_keychain().is_err());
    assert_eq!(
        store.state().unwrap(),
        KeyState::Missing,
        "what did not work leaves nothing behind"
    );
    let key = store.create_with_passphrase(PASSPHRASE).unwrap();
    let (made, report) = Ledger::open(dir.path(), &key, NOW).unwrap();
    assert!(report.is_new);
    drop(made);
    let again = store.unlock_with_passphrase(PASSPHRASE).unwrap();
    Ledger::open(dir.path(), &again, NOW).unwrap();
}
