//! The program killed at any instant: everything that it said was saved is there afterwards.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use serde_json::json;

use crate::kit::*;

const FOLDER: &str = "SHICHA_TEST_CRASH_FOLDER";

/// What is killed: this test again in a process of its own, which writes without end and says of each thing that it is saved.
#[test]
#[ignore = "started by the test below"]
fn writes_until_killed() {
    let Some(dir) = std::env::var_os(FOLDER) else {
        return;
    };
    let (ledger, _) = open(dir.as_ref());
    let start = ledger.head().unwrap().0;
    for n in 0.. {
        write(&ledger, record(5), "phone", json!(format!("{}", start + n)));
        println!("saved {}", ledger.head().unwrap().0);
        ledger
            .put_draft(record(5), "remark", &format!("typed {n}"), person(), NOW)
            .unwrap();
        println!("typed {n}");
    }
}

#[test]
fn whatever_was_said_to_be_saved_survives_a_kill_at_any_instant() {
    let seed: u64 = std::env::var("SHICHA_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_211_220);
    println!("SHICHA_SEED={seed}");
    let dir = tempfile::tempdir().unwrap();
    let first = ledger(dir.path(), 1);
    first
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    drop(first);
    let mut state = seed;
    for _ in 0..6 {
        // xorshift: which word is the last one heard before the kill.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let heard = 5 + state % 60;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "crash::writes_until_killed",
                "--ignored",
                "--nocapture",
            ])
            .env(FOLDER, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut saved, mut typed) = (0, None);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let words = lines
            .map_while(Result::ok)
            .filter(|line| line.starts_with("saved ") || line.starts_with("typed "));
        for line in words.take(heard as usize) {
            match line.split_once(' ').unwrap() {
                ("saved", seq) => saved = seq.parse().unwrap(),
                (_, n) => typed = Some(format!("typed {n}")),
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let (again, report) = open(dir.path());
        assert_eq!(report.salvage, None);
        assert!(again.head().unwrap().0 >= saved, "entry {saved} is there");
        let drafts = again.drafts(Some(record(5))).unwrap();
        let number = |text: &str| text.rsplit(' ').next().and_then(|n| n.parse::<u64>().ok());
        if let Some(typed) = typed {
            assert!(
                number(&drafts[0].text) >= number(&typed),
                "{} is there",
                typed
            );
        }
        assert_eq!(again.verify(&mut |_, _| {}).unwrap().first_bad, None);
        let digest = again.views_digest().unwrap();
        again.rebuild(&mut |_, _| {}).unwrap();
        assert_eq!(
            again.views_digest().unwrap(),
            digest,
            "the views are those of the entries"
        );
    }
}
