//! Damaged, full and newer databases: told, put aside, and nothing readable lost.

use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use rusqlite::Connection;
use serde_json::json;
use shicha_ledger::{KeyError, KeyStore, Ledger, LedgerError};

use crate::kit::*;

/// The key as SQLCipher takes it. The ledger has to be closed.
fn raw(dir: &Path) -> Connection {
    let db = Connection::open(dir.join("ledger.db")).unwrap();
    let key = key(dir);
    db.execute_batch(&format!("PRAGMA key = \"x'{}'\";", key.to_hex()))
        .unwrap();
    db
}

/// Changes a closed database behind the ledger's back.
pub(crate) fn change(dir: &Path, sql: &str) {
    raw(dir).execute_batch(sql).unwrap();
}

fn filled(dir: &Path, count: u128) {
    let ledger = ledger(dir, 1);
    for n in 0..count {
        ledger
            .append(
                person(),
                vec![opened(record(n), &format!("第{n}培训中心"))],
                NOW,
            )
            .unwrap();
    }
    ledger
        .put_draft(record(1), "remark", "没写完", person(), NOW)
        .unwrap();
}

#[test]
fn without_the_key_not_a_word_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 20);
    for file in fs::read_dir(dir.path()).unwrap() {
        let mut bytes = Vec::new();
        fs::File::open(file.unwrap().path())
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        let name = "培训中心".as_bytes();
        assert!(!bytes.windows(name.len()).any(|part| part == name));
        assert!(!bytes.starts_with(b"SQLite format 3"));
    }
    let store = KeyStore::new(dir.path());
    assert!(matches!(
        store.unlock_with_passphrase("another one"),
        Err(KeyError::WrongPassphrase)
    ));
}

#[test]
fn a_database_with_damaged_pages_is_put_aside_and_what_can_be_read_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 400);
    let path = dir.path().join("ledger.db");
    let len = fs::metadata(&path).unwrap().len();
    let mut file = fs::File::options()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    // A stretch in the middle, as a failing disk leaves it.
    file.seek(SeekFrom::Start(len / 2)).unwrap();
    file.write_all(&[0xA5; 8192]).unwrap();
    drop(file);
    fs::write(dir.path().join("ledger.open"), b"").unwrap();
    let (ledger, report) = open(dir.path());
    let salvage = report.salvage.expect("it is told");
    assert!(salvage.damaged_file.exists(), "the damaged file is kept");
    assert!(salvage.entries > 200, "{salvage:?}");
    let counts = ledger.counts().unwrap();
    assert_eq!(counts.entries, salvage.entries);
    assert_eq!(ledger.identity().unwrap().unwrap().device, device(1));
    // It goes on working.
    ledger
        .append(person(), vec![opened(record(9_999), "新的")], NOW)
        .unwrap();
}

#[test]
fn a_database_cut_off_in_the_middle_is_salvaged() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 400);
    let path = dir.path().join("ledger.db");
    let len = fs::metadata(&path).unwrap().len();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(len * 3 / 4)
        .unwrap();
    fs::write(dir.path().join("ledger.open"), b"").unwrap();
    let (ledger, report) = open(dir.path());
    let salvage = report.salvage.expect("it is told");
    assert!(
        salvage.entries > 0 && salvage.damaged_file.exists(),
        "{salvage:?}"
    );
    assert!(ledger.verify(&mut |_, _| {}).is_ok());
}

#[test]
fn garbage_in_the_place_of_the_database_is_kept_and_a_new_one_begun() {
    let dir = tempfile::tempdir().unwrap();
    key(dir.path());
    fs::write(dir.path().join("ledger.db"), vec![0x5A; 40_000]).unwrap();
    let (ledger, report) = open(dir.path());
    let salvage = report.salvage.expect("it is told");
    assert_eq!(fs::read(&salvage.damaged_file).unwrap(), vec![0x5A; 40_000]);
    assert_eq!(salvage.lost.len(), 1);
    assert_eq!(ledger.identity().unwrap(), None);
}

#[test]
fn a_database_of_a_newer_version_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3);
    change(dir.path(), "PRAGMA user_version = 99");
    let before = fs::read(dir.path().join("ledger.db")).unwrap();
    let opened = Ledger::open(dir.path(), &key(dir.path()), NOW);
    assert!(matches!(
        opened,
        Err(LedgerError::NewerVersion { found: 99, .. })
    ));
    assert_eq!(fs::read(dir.path().join("ledger.db")).unwrap(), before);
}

#[test]
fn a_copy_is_kept_before_a_database_is_migrated() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 30);
    // As version 2 was: without the tables that version 3 brought.
    change(
        dir.path(),
        "DROP TABLE blob; DROP TABLE blob_chunk; DROP TABLE blob_picture; PRAGMA user_version = 2",
    );
    let (ledger, report) = open(dir.path());
    assert_eq!(report.migrated_from, Some(2));
    assert_eq!(ledger.counts().unwrap().entries, 30);
    let backup = report.backup.expect("a copy");
    let db = Connection::open(backup).unwrap();
    db.execute_batch(&format!(
        "PRAGMA key = \"x'{}'\";",
        key(dir.path()).to_hex()
    ))
    .unwrap();
    let count: i64 = db
        .query_row("SELECT count(*) FROM entry", [], |row| row.get(0))
        .unwrap();
    assert_eq!(
        count, 30,
        "the copy is whole, and encrypted with the same key"
    );
}

#[test]
fn a_full_disk_refuses_the_new_and_keeps_the_old() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    ledger
        .append(person(), vec![opened(record(1), "甲")], NOW)
        .unwrap();
    ledger.limit_pages(0).unwrap();
    let long = "长".repeat(30_000);
    let mut failed = None;
    for n in 0..200 {
        let draft = set(record(1), &format!("remark{n}/remark"), json!(long), vec![]);
        if let Err(error) = ledger.append(person(), vec![draft], NOW) {
            failed = Some(error);
            break;
        }
    }
    assert!(matches!(failed, Some(LedgerError::DiskFull)), "{failed:?}");
    assert_eq!(
        ledger.record(record(1)).unwrap().unwrap().text("name"),
        "甲"
    );
    let (head, counts) = (ledger.head().unwrap().0, ledger.counts().unwrap());
    assert_eq!(head, counts.entries, "memory and disk agree");
    ledger.limit_pages(1_000_000).unwrap();
    write(&ledger, record(1), "phone", json!("有地方了"));
    assert_eq!(ledger.verify(&mut |_, _| {}).unwrap().first_bad, None);
}
