//! A ledger that is locked or wiped by order, and orders that were interrupted.

use std::{fs, path::Path};

use shicha_ledger::{Fate, KeyError, KeyState, KeyStore, Ledger, LedgerError, Standing};

const NOW: u64 = 1_650_000_000_000;
const LOCK_KEY: [u8; 32] = [9; 32];

fn order(fate: Fate) -> Standing {
    let text = |text: &str| text.to_owned();
    Standing::new(fate, 5, text("中心端"), text("http://x"), text("{}"))
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|found| found.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Puts beside a ledger what gathers there over years, and what is the user's own.
fn clutter(dir: &Path) {
    for name in [
        "ledger.before-version-4-1.db",
        "ledger.damaged-1.db",
        "ledger.salvage.db",
        "key.json.part",
        "preferences.json",
        "我的文件.txt",
    ] {
        fs::write(dir.join(name), b"x").unwrap();
    }
    fs::create_dir_all(dir.join("opened/1")).unwrap();
    fs::write(dir.join("opened/1/记录.pdf"), b"x").unwrap();
}

fn full() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let key = KeyStore::new(dir.path())
        .create_with_passphrase("first first")
        .unwrap();
    let (ledger, _) = Ledger::open(dir.path(), &key, NOW).unwrap();
    ledger.set_setting("secret", "机密").unwrap();
    drop(ledger);
    clutter(dir.path());
    dir
}

const LEFT: [&str; 4] = [
    "ledger.lock",
    "order.json",
    "preferences.json",
    "我的文件.txt",
];

#[test]
fn a_wipe_leaves_nothing_of_the_ledger_and_everything_that_is_not_its() {
    let dir = full();
    let mut standing = order(Fate::Wiped).wipe(dir.path()).unwrap();
    assert!(standing.is_barred(), "until it is done nobody works here");
    standing.carry_out(dir.path()).unwrap();
    assert_eq!(names(dir.path()), LEFT);
    let read = Standing::read(dir.path()).unwrap().unwrap();
    assert!(read.is_done && !read.is_told && !read.is_barred());
    assert_eq!(
        KeyStore::new(dir.path()).state().unwrap(),
        KeyState::Missing
    );
}

#[test]
fn a_wipe_empties_the_logs_and_takes_what_the_window_remembered_also_when_it_was_still_open() {
    let dir = full();
    let at = |name: &str| dir.path().join(name);
    for (folder, file) in [
        ("logs", "shicha.2022-07-01.log"),
        ("logs", "shicha.2022-07-02.log"),
        ("window", "Cookies"),
        ("answers", "1.shicha"),
    ] {
        fs::create_dir_all(at(folder)).unwrap();
        fs::write(at(folder).join(file), "某机构").unwrap();
    }
    let mut standing = order(Fate::Wiped).wipe(dir.path()).unwrap();
    standing.carry_out(dir.path()).unwrap();
    for gone in ["answers", "window", "logs/shicha.2022-07-01.log"] {
        assert!(!at(gone).exists(), "{gone}");
    }
    let written_to = fs::read(at("logs/shicha.2022-07-02.log")).unwrap();
    assert_eq!(written_to, b"", "the program still has it open");
    // The window was open, and wrote once more. At the next start it is not open yet.
    fs::create_dir_all(at("window")).unwrap();
    fs::write(at("window").join("History"), "某机构").unwrap();
    let mut read = Standing::read(dir.path()).unwrap().unwrap();
    read.carry_out(dir.path()).unwrap();
    assert!(!at("window").exists());
    // From then on it is a new ledger's.
    fs::create_dir_all(at("window")).unwrap();
    let mut read = Standing::read(dir.path()).unwrap().unwrap();
    read.carry_out(dir.path()).unwrap();
    assert!(at("window").exists());
}

#[test]
fn a_wipe_that_was_interrupted_anywhere_goes_on_at_the_next_start() {
    for removed in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        clutter(dir.path());
        for name in [
            "ledger.db",
            "ledger.db-wal",
            "ledger.key-mark",
            "ledger.open",
            "key.json",
        ] {
            fs::write(dir.path().join(name), b"x").unwrap();
        }
        order(Fate::Wiped).wipe(dir.path()).unwrap();
        // Whatever was destroyed before the power went: the key goes first, then files in any order.
        fs::remove_file(dir.path().join("key.json")).unwrap();
        let mut gone = names(dir.path());
        gone.retain(|name| name.starts_with("ledger.") && name != "ledger.lock");
        for name in gone.iter().take(removed) {
            fs::remove_file(dir.path().join(name)).unwrap();
        }
        let mut standing = Standing::read(dir.path()).unwrap().unwrap();
        assert!(standing.is_barred());
        standing.carry_out(dir.path()).unwrap();
        assert_eq!(names(dir.path()), LEFT, "{removed} files were gone before");
        standing.carry_out(dir.path()).unwrap();
    }
}

#[test]
fn a_wipe_waits_for_whoever_still_reads_and_destroys_the_key_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let key = KeyStore::new(dir.path())
        .create_with_passphrase("first first")
        .unwrap();
    let (ledger, _) = Ledger::open(dir.path(), &key, NOW).unwrap();
    let mut standing = order(Fate::Wiped).wipe(dir.path()).unwrap();
    let path = dir.path().to_owned();
    let wiping = std::thread::spawn(move || standing.carry_out(&path));
    while dir.path().join("key.json").exists() {
        std::thread::yield_now();
    }
    assert!(ledger.setting("secret").unwrap().is_none(), "still open");
    drop(ledger);
    wiping.join().unwrap().unwrap();
    assert!(!dir.path().join("ledger.db").exists());
}

#[test]
fn a_locked_ledger_opens_with_the_administrators_key_and_with_nothing_else() {
    let dir = full();
    let store = KeyStore::new(dir.path());
    let key = store.unlock_with_passphrase("first first").unwrap();
    let mut standing = order(Fate::Locked)
        .lock(dir.path(), &key, &LOCK_KEY)
        .unwrap();
    standing.carry_out(dir.path()).unwrap();
    assert_eq!(store.state().unwrap(), KeyState::Missing);
    assert!(dir.path().join("ledger.db").exists());
    assert!(matches!(
        store.unlock_with_passphrase("first first"),
        Err(KeyError::OtherWay)
    ));
    let other = KeyStore::new(tempfile::tempdir().unwrap().path())
        .create_with_passphrase("other other")
        .unwrap();
    assert!(matches!(
        Ledger::open(dir.path(), &other, NOW),
        Err(LedgerError::WrongKey)
    ));

    let mut standing = Standing::read(dir.path()).unwrap().unwrap();
    assert!(standing.is_barred());
    assert!(matches!(
        standing.lift(dir.path(), &[8; 32], "second second"),
        Err(KeyError::WrongPassphrase)
    ));
    assert!(Standing::read(dir.path()).unwrap().unwrap().is_barred());
    let opened = standing
        .lift(dir.path(), &LOCK_KEY, "second second")
        .unwrap();
    assert!(!Standing::read(dir.path()).unwrap().unwrap().is_barred());
    let (ledger, _) = Ledger::open(dir.path(), &opened, NOW).unwrap();
    assert_eq!(ledger.setting("secret").unwrap().as_deref(), Some("机密"));
    drop(ledger);
    assert!(store.unlock_with_passphrase("second second").unwrap() == key);
    // The same order again is known as the one that was lifted.
    assert!(standing.is_same(Fate::Locked, 5) && !standing.is_same(Fate::Wiped, 5));
}
