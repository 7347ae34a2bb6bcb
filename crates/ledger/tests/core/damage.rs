//! Damaged, full and newer databases: told, put aside, and nothing readable lost.

use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use rusqlite::Connection;
use serde_json::json;
use shicha_ledger::{KeyError, KeyStore, Ledger, LedgerError, SalvageReport};

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

const PAGE: u64 = 4096;

/// Overwrites a page of a closed database, as a failing disk leaves it.
fn spoil(path: &Path, page: u64) {
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(page * PAGE)).unwrap();
    file.write_all(&[0xA5; PAGE as usize]).unwrap();
}

fn copy_files(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// Damages copies of a closed folder in one page each and looks what is left.
fn with_each_damaged(whole: &Path, look: &mut dyn FnMut(u64, &Ledger, &SalvageReport)) {
    let pages = fs::metadata(whole.join("ledger.db")).unwrap().len() / PAGE;
    for page in (1..12).chain((12..pages).step_by(11)) {
        let dir = tempfile::tempdir().unwrap();
        copy_files(whole, dir.path());
        spoil(&dir.path().join("ledger.db"), page);
        fs::write(dir.path().join("ledger.open"), b"").unwrap();
        let (ledger, report) = open(dir.path());
        look(page, &ledger, &report.salvage.expect("it is told"));
    }
}

#[test]
fn one_damaged_page_costs_no_more_than_what_stood_on_it() {
    const COUNT: u64 = 600;
    let whole = tempfile::tempdir().unwrap();
    filled(whole.path(), u128::from(COUNT));
    let (mut pages, mut costly, mut fatal) = (0, 0, 0);
    with_each_damaged(whole.path(), &mut |page, ledger, salvage| {
        let left = ledger.counts().unwrap().entries;
        assert_eq!(left, salvage.entries, "page {page}");
        pages += 1;
        if left == 0 {
            // A few pages say where the others are; without one of them nothing is found, and the file is kept for those who can.
            assert!(!salvage.lost.is_empty() && salvage.damaged_file.exists());
            fatal += 1;
            return;
        }
        assert!(left > COUNT - 60, "page {page}: {salvage:?}");
        let is_told = salvage.lost.iter().any(|lost| lost.contains("台账条目"));
        assert_eq!(left < COUNT, is_told, "page {page}: {salvage:?}");
        let identity = ledger.identity().unwrap().expect("it knows who it is");
        assert_eq!(identity, super::kit::identity(1), "page {page}");
        // It goes on working.
        ledger
            .append(person(), vec![opened(record(9_999), "新的")], NOW)
            .unwrap();
        costly += u64::from(left < COUNT);
    });
    assert!(costly > 1, "{costly} of {pages}");
    assert!(fatal * 8 < pages, "{fatal} of {pages}");
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
    assert!(salvage.entries > 150, "{salvage:?}");
    assert!(!salvage.lost.is_empty(), "{salvage:?}");
    assert_eq!(
        fs::metadata(&salvage.damaged_file).unwrap().len(),
        len * 3 / 4,
        "it is kept as it was"
    );
    assert_eq!(ledger.counts().unwrap().entries, salvage.entries);
}

#[test]
fn garbage_in_the_place_of_the_database_is_kept_and_a_new_one_begun() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3);
    fs::write(dir.path().join("ledger.db"), vec![0x5A; 40_000]).unwrap();
    let (ledger, report) = open(dir.path());
    let salvage = report.salvage.expect("it is told");
    assert_eq!(fs::read(&salvage.damaged_file).unwrap(), vec![0x5A; 40_000]);
    assert_eq!(salvage.lost.len(), 1);
    assert_eq!(ledger.identity().unwrap(), None);
}

#[test]
fn another_key_is_no_damage_and_the_database_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 20);
    let other = tempfile::tempdir().unwrap();
    let other = key(other.path());
    let mark = dir.path().join("ledger.key-mark");
    for is_marked in [true, false] {
        if !is_marked {
            fs::remove_file(&mark).unwrap();
        }
        fs::write(dir.path().join("ledger.open"), b"").unwrap();
        let before = fs::read(dir.path().join("ledger.db")).unwrap();
        let opened = Ledger::open(dir.path(), &other, NOW);
        assert!(matches!(opened, Err(LedgerError::WrongKey)), "{is_marked}");
        assert_eq!(fs::read(dir.path().join("ledger.db")).unwrap(), before);
    }
    let (ledger, report) = open(dir.path());
    assert_eq!(report.salvage, None);
    assert_eq!(ledger.counts().unwrap().entries, 20);
    assert!(mark.exists());
}

/// What is killed: an opening that salvages.
#[test]
#[ignore = "started by the test below"]
fn opens_what_is_damaged() {
    let Some(dir) = std::env::var_os(FOLDER) else {
        return;
    };
    let (ledger, report) = open(dir.as_ref());
    assert!(report.salvage.is_some());
    drop(ledger);
}

const FOLDER: &str = "SHICHA_TEST_DAMAGED_FOLDER";

#[test]
fn a_salvage_that_is_killed_is_begun_again_and_loses_nothing_by_it() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 600);
    spoil(&dir.path().join("ledger.db"), 140);
    fs::write(dir.path().join("ledger.open"), b"").unwrap();
    let whole = tempfile::tempdir().unwrap();
    copy_files(dir.path(), whole.path());
    let expected = open(whole.path()).1.salvage.expect("it is damaged").entries;
    // The files that appear one after the other, and the child is killed as soon as one is seen.
    for signal in [
        "ledger.salvage.db",
        "ledger.salvage.db-wal",
        "ledger.salvaged.db",
        "ledger.damaged-",
    ] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "damage::opens_what_is_damaged", "--ignored"])
            .env(FOLDER, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let seen = || {
            fs::read_dir(dir.path())
                .unwrap()
                .filter_map(Result::ok)
                .any(|file| file.file_name().to_string_lossy().starts_with(signal))
        };
        while !seen() && child.try_wait().unwrap().is_none() {}
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (ledger, _) = open(dir.path());
    let counts = ledger.counts().unwrap();
    assert_eq!(counts.entries, expected);
    assert_eq!(counts.subjects, expected, "the views are folded again");
    let names = fs::read_dir(dir.path()).unwrap();
    let names: Vec<_> = names
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        names.iter().any(|name| name.starts_with("ledger.damaged-")),
        "{names:?}"
    );
    assert!(
        !names.iter().any(|name| name.contains("salvage")),
        "{names:?}"
    );
    let drafts = ledger.drafts(Some(record(1))).unwrap();
    assert_eq!(drafts[0].text, "没写完");
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
    // As version 2 was: without the tables that came later.
    change(
        dir.path(),
        "DROP TABLE blob; DROP TABLE blob_chunk; DROP TABLE blob_picture; DROP TABLE identity_copy; DROP TABLE seal; DROP TABLE package;
         DROP TABLE directory_row; DROP TABLE directory_part; DROP TABLE parted;
         ALTER TABLE view_inspection DROP COLUMN pack_hash; DROP INDEX record_counted;
         ALTER TABLE record DROP COLUMN is_signed; ALTER TABLE record DROP COLUMN counting; ALTER TABLE record DROP COLUMN counted;
         ALTER TABLE entry DROP COLUMN covered; ALTER TABLE entry DROP COLUMN again;
         CREATE TABLE was (id BLOB PRIMARY KEY, device INTEGER NOT NULL, seq INTEGER NOT NULL, head BLOB NOT NULL,
             received_at_ms INTEGER NOT NULL, signature BLOB NOT NULL) STRICT, WITHOUT ROWID;
         INSERT INTO was SELECT id, device, seq, head, received_at_ms, signature FROM receipt;
         DROP TABLE receipt; ALTER TABLE was RENAME TO receipt;
         CREATE INDEX receipt_device ON receipt (device, seq, received_at_ms);
         PRAGMA user_version = 2",
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
