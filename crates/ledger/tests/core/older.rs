//! The copy that an older version goes on with, should the newer one not start.

use std::{fs, path::Path};

use serde_json::json;
use shicha_ledger::{Ledger, LedgerError};

use crate::{damage::change, kit::*};

/// A ledger in which something was written.
fn written(dir: &Path, name: &str) -> Ledger {
    let ledger = ledger(dir, 1);
    ledger
        .append(person(), vec![opened(record(1), name)], NOW)
        .unwrap();
    ledger
}

fn name_of(ledger: &Ledger) -> String {
    ledger
        .record(record(1))
        .unwrap()
        .unwrap()
        .text("name")
        .to_owned()
}

fn files(dir: &Path, beginning: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(beginning) && name.ends_with(".db"))
        .collect();
    names.sort();
    names
}

#[test]
fn the_older_version_goes_on_with_its_copy_and_the_newer_database_is_kept_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = written(dir.path(), "某机构");
    let copy = ledger.keep_for_older().unwrap();
    assert!(copy.path.exists());
    drop(ledger);
    // What a newer version does that this one cannot read, with something written by it.
    let (ledger, _) = open(dir.path());
    write(&ledger, record(1), "name", json!("写于新版本"));
    drop(ledger);
    change(dir.path(), "PRAGMA user_version = 99");
    let newer = fs::read(dir.path().join("ledger.db")).unwrap();
    let refused = Ledger::open(dir.path(), &key(dir.path()), NOW);
    assert!(matches!(refused, Err(LedgerError::NewerVersion { .. })));

    let aside = Ledger::put_back(dir.path(), &key(dir.path()), NOW)
        .unwrap()
        .unwrap();
    assert_eq!(fs::read(&aside).unwrap(), newer, "nothing of it is lost");
    let (ledger, report) = open(dir.path());
    assert_eq!(report.salvage, None);
    assert_eq!(name_of(&ledger), "某机构");
    assert_eq!(ledger.verify(&mut |_, _| {}).unwrap().first_bad, None);
    drop(ledger);
    let again = Ledger::put_back(dir.path(), &key(dir.path()), NOW).unwrap();
    assert_eq!(again, None, "there is one copy, and it is in use");
}

#[test]
fn only_the_newest_copy_is_kept_and_it_tells_whether_something_was_written_since() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = written(dir.path(), "某机构");
    let first = ledger.keep_for_older().unwrap();
    assert!(!ledger.has_changed_since(&first));
    write(&ledger, record(1), "name", json!("后来写的"));
    assert!(ledger.has_changed_since(&first));
    let second = ledger.keep_for_older().unwrap();
    assert!(!ledger.has_changed_since(&second));
    assert_eq!(files(dir.path(), "ledger.before-update").len(), 1);
    drop(ledger);
    change(dir.path(), "PRAGMA user_version = 99");
    Ledger::put_back(dir.path(), &key(dir.path()), NOW)
        .unwrap()
        .unwrap();
    assert_eq!(name_of(&open(dir.path()).0), "后来写的");
}

#[test]
fn putting_back_that_was_interrupted_is_finished_by_the_next_opening() {
    for interrupted_after in [1, 2] {
        let dir = tempfile::tempdir().unwrap();
        let ledger = written(dir.path(), "某机构");
        let copy = ledger.keep_for_older().unwrap();
        drop(ledger);
        change(dir.path(), "PRAGMA user_version = 99");
        let at = |name: &str| dir.path().join(name);
        fs::rename(&copy.path, at("ledger.put-back.db")).unwrap();
        if interrupted_after == 2 {
            fs::rename(at("ledger.db"), at("ledger.newer-1.db")).unwrap();
        }
        let (ledger, report) = open(dir.path());
        assert!(!report.is_new);
        assert_eq!(name_of(&ledger), "某机构");
        assert_eq!(
            files(dir.path(), "ledger.newer").len(),
            1,
            "{interrupted_after}"
        );
    }
}

#[test]
fn a_copy_for_another_key_or_of_a_newer_version_is_not_put_back() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = written(dir.path(), "某机构");
    let copy = ledger.keep_for_older().unwrap();
    let open_still = Ledger::put_back(dir.path(), &key(dir.path()), NOW);
    assert!(matches!(open_still, Err(LedgerError::InUse)));
    drop(ledger);
    let elsewhere = tempfile::tempdir().unwrap();
    assert!(Ledger::put_back(dir.path(), &key(elsewhere.path()), NOW).is_err());
    assert!(copy.path.exists());
    let none = Ledger::put_back(elsewhere.path(), &key(elsewhere.path()), NOW).unwrap();
    assert_eq!(none, None);
    assert_eq!(name_of(&open(dir.path()).0), "某机构", "all as it was");
}
