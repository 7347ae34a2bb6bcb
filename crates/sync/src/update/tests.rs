//! What is taken for an update, and what is not.
#![allow(clippy::unwrap_used)]

use std::fs;

use shicha_maker::Maker;

use super::*;

const LINUX: &str = "linux-x86_64";
const NEW: &str = "Shicha-0.2.0-setup.sh";

fn setup() -> Vec<u8> {
    (0..70_000_u32).map(|n| ((n * 7919) >> 5) as u8).collect()
}

fn key(maker: &Maker) -> UpdateKey {
    UpdateKey::parse(&maker.public()).unwrap()
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

struct Computer {
    dir: tempfile::TempDir,
    maker: Maker,
    folder: UpdateFolder,
}

impl Computer {
    fn running(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let maker = Maker::new();
        let folder = folder(&dir, &maker, text);
        Self { dir, maker, folder }
    }

    fn signed(&self, name: &str, bytes: &[u8]) -> SignedUpdate {
        self.folder.signed(&self.maker.sign(name, bytes)).unwrap()
    }

    fn fetch(&self, signed: &SignedUpdate, bytes: &[u8]) -> Result<(), UpdateFault> {
        let have = self.folder.begin(signed, bytes.len() as u64).unwrap();
        self.folder.add(have, &bytes[have as usize..]).unwrap();
        self.folder.finish(signed)
    }

    fn kept(&self) -> Option<Version> {
        let kept = self.folder.kept().unwrap();
        kept.map(|kept| {
            assert!(kept.path.starts_with(self.dir.path()));
            kept.signed.version
        })
    }
}

fn folder(dir: &tempfile::TempDir, maker: &Maker, running: &str) -> UpdateFolder {
    UpdateFolder::new(
        dir.path().join("update"),
        Some(key(maker)),
        Some(LINUX.to_owned()),
        version(running),
    )
}

#[test]
fn versions_are_three_numbers_and_in_the_order_of_their_numbers() {
    assert!(version("0.10.0") > version("0.9.9"));
    assert!(version("1.0.0") > version("0.99.99"));
    assert_eq!(version("1.20.3").to_string(), "1.20.3");
    for wrong in [
        "",
        "1",
        "1.2",
        "1.2.3.4",
        "1.2.x",
        "1.2.-3",
        "01.2.3",
        "1.2.3-beta",
        "1..3",
        "+1.2.3",
        "1234567.0.0",
    ] {
        assert!(wrong.parse::<Version>().is_err(), "{wrong}");
    }
}

#[test]
fn what_stands_in_the_repository_is_a_key_or_says_that_there_is_none() {
    UpdateKey::built_in().unwrap();
}

#[test]
fn signatures_of_all_the_tools_are_read_and_name_version_and_platform() {
    let (maker, bytes) = (Maker::new(), setup());
    let name = "Shicha-0.2.0-setup.exe";
    for key in [maker.public(), maker.public_for_tauri()] {
        let key = UpdateKey::parse(&key).unwrap();
        for text in [
            maker.sign(name, &bytes),
            maker.sign_for_tauri(name, &bytes),
            maker.sign(name, &bytes).replace('\n', "\r\n"),
            maker.sign(&format!("target/windows/{name}"), &bytes),
            maker.sign(&format!(r"C:\out\{name}"), &bytes),
        ] {
            let signed = key.signed(&text).unwrap();
            assert_eq!(
                (signed.version, signed.platform),
                (version("0.2.0"), WINDOWS)
            );
            assert_eq!(signed.name, name);
            assert_eq!(signed.check(&bytes[..]).unwrap(), bytes.len() as u64);
            // What is kept of it is read the same.
            assert_eq!(key.signed(&signed.text).unwrap().text, signed.text);
        }
    }
}

#[test]
fn size_and_words_about_it_are_signed_where_they_stand_in_the_comment() {
    let (maker, bytes) = (Maker::new(), setup());
    let size = bytes.len();
    let text = maker.sign_saying(
        &format!("file:{NEW}\tsize:{size}\tnotes:更快\\n更好"),
        &bytes,
    );
    let signed = key(&maker).signed(&text).unwrap();
    assert_eq!(signed.notes, "更快\n更好");
    signed.check(&bytes[..]).unwrap();
    assert!(matches!(
        signed.check_size(size as u64 + 1),
        Err(UpdateFault::Size(_))
    ));
    let other = maker.sign_saying(&format!("file:{NEW}\tsize:1"), &bytes);
    let signed = key(&maker).signed(&other).unwrap();
    assert!(matches!(
        signed.check(&bytes[..]),
        Err(UpdateFault::Size(_))
    ));
}

#[test]
fn an_old_version_cannot_be_passed_off_as_a_new_one() {
    let (maker, bytes) = (Maker::new(), setup());
    let old = maker.sign("Shicha-0.1.0-setup.sh", &bytes);
    let renamed = old.replace("0.1.0", "0.9.0");
    assert!(matches!(
        key(&maker).signed(&renamed),
        Err(UpdateFault::Altered(_))
    ));
    let computer = Computer::running("0.2.0");
    let older = computer.maker.sign("Shicha-0.1.9-setup.sh", &bytes);
    assert!(matches!(
        computer.folder.signed(&older),
        Err(UpdateFault::NotNewer { .. })
    ));
}

#[test]
fn what_another_key_signed_or_nobody_is_refused_before_a_byte_is_fetched() {
    let (maker, bytes) = (Maker::new(), setup());
    let key = key(&maker);
    let foreign = Maker::new().sign(NEW, &bytes);
    assert!(matches!(key.signed(&foreign), Err(UpdateFault::OtherKey)));
    for text in [
        "",
        "untrusted comment:",
        "!!",
        &"A".repeat(MAX_SIGNATURE + 1),
    ] {
        assert!(
            matches!(key.signed(text), Err(UpdateFault::NotASignature(_))),
            "{text:.20}"
        );
    }
    let good = maker.sign(NEW, &bytes);
    // Every byte of the two lines that are signed, altered.
    let lines: Vec<&str> = good.lines().collect();
    for at in 0..lines[2].len() {
        let mut line = lines[2].as_bytes().to_vec();
        line[at] ^= 1;
        let Ok(line) = String::from_utf8(line) else {
            continue;
        };
        let altered = [lines[0], lines[1], &line, lines[3]].join("\n");
        assert!(key.signed(&altered).is_err(), "{altered}");
    }
    for name in [
        "Shicha-0.2.0.exe",
        "Other-0.2.0-setup.sh",
        "Shicha-0.2-setup.sh",
        "",
    ] {
        let text = maker.sign(name, &bytes);
        assert!(
            matches!(key.signed(&text), Err(UpdateFault::NoUpdate(_))),
            "{name}"
        );
    }
    let twice = maker.sign_saying(&format!("file:{NEW}\tfile:Shicha-0.3.0-setup.sh"), &bytes);
    assert!(matches!(key.signed(&twice), Err(UpdateFault::NoUpdate(_))));
}

#[test]
fn an_update_for_another_kind_of_computer_is_refused() {
    let computer = Computer::running("0.1.0");
    let text = computer.maker.sign("Shicha-0.2.0-setup.exe", &setup());
    assert!(matches!(
        computer.folder.signed(&text),
        Err(UpdateFault::OtherPlatform(_))
    ));
}

#[test]
fn a_build_without_a_key_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = UpdateFolder::new(
        dir.path().join("u"),
        None,
        Some(LINUX.into()),
        version("0.1.0"),
    );
    let text = Maker::new().sign(NEW, &setup());
    assert!(matches!(folder.signed(&text), Err(UpdateFault::Off)));
    assert_eq!(folder.platform(), None);
    assert!(folder.kept().unwrap().is_none());
}

#[test]
fn fetching_goes_on_where_it_stopped_also_after_the_program_ended() {
    let computer = Computer::running("0.1.0");
    let bytes = setup();
    let signed = computer.signed(NEW, &bytes);
    let size = bytes.len() as u64;
    assert_eq!(computer.folder.begin(&signed, size).unwrap(), 0);
    computer.folder.add(0, &bytes[..30_000]).unwrap();
    assert!(
        computer.folder.add(7, &bytes[..9]).is_err(),
        "not where it stopped"
    );
    let again = folder(&computer.dir, &computer.maker, "0.1.0");
    assert_eq!(again.begin(&signed, size).unwrap(), 30_000);
    again.add(30_000, &bytes[30_000..]).unwrap();
    again.finish(&signed).unwrap();
    let kept = again.prove_kept().unwrap().unwrap();
    assert_eq!(fs::read(kept.path).unwrap(), bytes);
    assert!(!again.is_wanted(&signed).unwrap(), "it is here");
}

#[test]
fn another_update_begins_from_its_own_start() {
    let computer = Computer::running("0.1.0");
    let bytes = setup();
    let signed = computer.signed(NEW, &bytes);
    computer.folder.begin(&signed, bytes.len() as u64).unwrap();
    computer.folder.add(0, &bytes[..30_000]).unwrap();
    let other = computer.signed("Shicha-0.3.0-setup.sh", b"another");
    assert_eq!(computer.folder.begin(&other, 7).unwrap(), 0);
    computer.folder.add(0, b"another").unwrap();
    computer.folder.finish(&other).unwrap();
    assert_eq!(computer.kept(), Some(version("0.3.0")));
}

#[test]
fn altered_bytes_are_thrown_away_not_fetched_again_and_harm_nothing_that_was_kept() {
    let computer = Computer::running("0.1.0");
    let bytes = setup();
    computer
        .fetch(&computer.signed(NEW, &bytes), &bytes)
        .unwrap();
    let newer = computer.signed("Shicha-0.3.0-setup.sh", &bytes);
    let mut altered = bytes.clone();
    altered[40_000] ^= 1;
    assert!(matches!(
        computer.fetch(&newer, &altered),
        Err(UpdateFault::Altered(_))
    ));
    assert_eq!(computer.kept(), Some(version("0.2.0")));
    assert!(
        !computer.folder.is_wanted(&newer).unwrap(),
        "refused once is enough"
    );
    let refused = computer.folder.last_refused().unwrap().unwrap();
    assert_eq!(refused, ("altered".to_owned(), newer.name.clone()));
    computer.folder.try_again().unwrap();
    assert!(
        computer.folder.is_wanted(&newer).unwrap(),
        "a person wishes it"
    );
    computer.fetch(&newer, &bytes).unwrap();
    assert_eq!(computer.kept(), Some(version("0.3.0")));
    let setups = fs::read_dir(computer.folder.dir()).unwrap();
    let setups = setups.filter(|file| {
        let name = file.as_ref().unwrap().file_name();
        platform_of(&name.to_string_lossy()).is_some()
    });
    assert_eq!(setups.count(), 1, "one is kept");
}

#[test]
fn what_was_altered_on_the_disk_is_neither_run_nor_handed_on() {
    let computer = Computer::running("0.1.0");
    let bytes = setup();
    computer
        .fetch(&computer.signed(NEW, &bytes), &bytes)
        .unwrap();
    let path = computer.folder.kept().unwrap().unwrap().path;
    let mut altered = bytes;
    altered[3] ^= 1;
    fs::write(path, altered).unwrap();
    assert!(matches!(
        computer.folder.prove_kept(),
        Err(UpdateFault::Altered(_))
    ));
    assert_eq!(computer.kept(), None);
}

#[test]
fn what_is_not_offered_any_more_is_let_go_and_what_runs_already_stays_to_be_handed_on() {
    let computer = Computer::running("0.1.0");
    let bytes = setup();
    let signed = computer.signed(NEW, &bytes);
    computer.fetch(&signed, &bytes).unwrap();
    computer.folder.hold_against_offer(Some(&signed)).unwrap();
    assert_eq!(computer.kept(), Some(version("0.2.0")));
    let after = folder(&computer.dir, &computer.maker, "0.2.0");
    after.hold_against_offer(None).unwrap();
    assert!(after.kept().unwrap().is_some(), "for others");
    computer.folder.hold_against_offer(None).unwrap();
    assert_eq!(computer.kept(), None, "withdrawn");
    let past = folder(&computer.dir, &computer.maker, "0.4.0");
    past.tidy().unwrap();
    assert!(past.kept().unwrap().is_none());
}

#[test]
fn a_computer_that_runs_it_fetches_it_only_when_a_person_wants_it_for_others() {
    let computer = Computer::running("0.2.0");
    let bytes = setup();
    let signed = computer.signed(NEW, &bytes);
    assert!(!computer.folder.is_wanted(&signed).unwrap());
    computer.folder.want_for_others().unwrap();
    assert!(computer.folder.is_wanted(&signed).unwrap());
    computer.fetch(&signed, &bytes).unwrap();
    assert_eq!(computer.kept(), Some(version("0.2.0")));
}
