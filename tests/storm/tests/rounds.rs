//! A short storm on each store; `cargo xtask storm` lets longer ones pass.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::process::Command;

fn storm(store: &str, rounds: u32) {
    let seed = std::env::var("SHICHA_SEED").unwrap_or_else(|_| "20211220".to_owned());
    let done = Command::new(env!("CARGO_BIN_EXE_shicha-storm"))
        .args(["--store", store, "--seed", &seed])
        .args(["--rounds", &rounds.to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success() && said.contains("nothing lost"),
        "{said}\n{complained}"
    );
    println!("{said}");
}

#[test]
fn real_processes_killed_at_random_on_sqlite_lose_nothing() {
    storm("sqlite", 18);
}

#[test]
fn real_processes_killed_at_random_on_postgresql_and_a_bucket_lose_nothing() {
    storm("postgres", 14);
}
