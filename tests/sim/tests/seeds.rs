//! The seeds that run with every test, and those that once found a fault.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use shicha_sim::{Failure, Run, run, run_hostile};

/// As many as a build server has time for, and as many again with devices of bad faith; `cargo xtask sim` runs as many as one likes.
const SEEDS: u64 = 200;

/// Seeds that failed once, and what was wrong. What a seed does changes with the simulation; what is kept here failed at the time and
/// must never fail again, and the fault has a test of its own beside the code.
const KEPT: [(u64, &str); 17] = [
    (
        25,
        "a laptop pulled what its clone had written, and wrote it again as its own under its next identity",
    ),
    (
        111,
        "what the endpoint had refused was shown as delivered after the ledgers had parted",
    ),
    (141, "the same, where the clone had pushed it first"),
    (
        113,
        "an answer was lost, what it was for came back by pulling, and after a restart what it said of refusals was not asked for again",
    ),
    (
        125,
        "a record of which all had been refused was shown with it beside what was written there since",
    ),
    (
        95,
        "a backup that was put back twice began the same life twice, and its receipts seemed to contradict each other",
    ),
    (
        1010,
        "what a restored endpoint had not judged again was shown as delivered after a restart",
    ),
    (
        332,
        "on the laptop whose entry was refused, what somebody else had signed without it seemed to have changed",
    ),
    (
        660,
        "who signed again with a clock set back was taken for the first who signed",
    ),
    (
        1421,
        "what was written while a round found out that a clone had gone on was taken for what both had",
    ),
    (
        2446,
        "a receipt for what a laptop had put aside since, of an endpoint's earlier life, counted as a sign of tampering",
    ),
    (
        2631,
        "after a restart a laptop held the receipts of an endpoint's earlier life against it, where a clone had gone on in the new one",
    ),
    (
        5987,
        "what a clone wrote at a restored endpoint kept a channel from everybody who had pulled what was lost",
    ),
    (
        6216,
        "a receipt for what a clone had written stopped a laptop that had written something else there meanwhile",
    ),
    (8718, "the same"),
    (
        9708,
        "the late answer to a shorter push was taken for that to a longer one, and what was refused was shown as delivered",
    ),
    (
        1119,
        "a receipt of a clock that was ahead, given before a restore, kept its device from pushing until that time had come",
    ),
];

/// Runs the seeds, and counts what happened in all of them.
fn all_hold(
    seeds: &[u64],
    run: fn(u64) -> Result<Run, Box<Failure>>,
) -> BTreeMap<&'static str, u64> {
    let next = AtomicU64::new(0);
    let failed = Mutex::new(Vec::new());
    let counts: Mutex<BTreeMap<&'static str, u64>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism()
            .map_or(1, usize::from)
            .min(4)
        {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    match run(*seed) {
                        Ok(run) => {
                            for (what, count) in run.counts {
                                *counts.lock().unwrap().entry(what).or_default() += count;
                            }
                        }
                        Err(failure) => {
                            let mut failed = failed.lock().unwrap();
                            failed.push(format!("seed {seed}: {:#}", failure.error));
                            println!("seed {seed}: {:#}", failure.error);
                            for step in failure.steps.iter().rev().take(12).rev() {
                                println!("    {step}");
                            }
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "run one with `cargo xtask sim --seeds N --steps`, with `--hostile` where enemies are in it: {failed:#?}"
    );
    counts.into_inner().unwrap()
}

#[test]
fn whatever_goes_wrong_in_two_hundred_worlds_nothing_is_lost_and_all_see_the_same() {
    let seeds: Vec<u64> = (0..SEEDS).collect();
    all_hold(&seeds, run);
}

#[test]
fn what_failed_once_does_not_fail_again() {
    let seeds: Vec<u64> = KEPT.iter().map(|(seed, _)| *seed).collect();
    all_hold(&seeds, run);
}

#[test]
fn whatever_devices_of_bad_faith_do_no_signed_record_changes_nobody_honest_stops_and_every_forgery_shows()
 {
    let seeds: Vec<u64> = (0..SEEDS).collect();
    let counts = all_hold(&seeds, run_hostile);
    for kind in [
        "lies of an enemy",
        "pushes of an enemy",
        "stretches by an enemy's hand",
        "false packages",
        "forged receipts",
        "junk of an enemy",
        "pushes repeated by an enemy",
        "doors tried by an enemy",
        "identities of an enemy",
        "forgeries refused",
        "lies seen through",
    ] {
        let count = counts.get(kind).copied().unwrap_or(0);
        assert!(count >= 20, "{kind}: only {count}");
    }
}

#[test]
fn one_seed_is_one_run() {
    for seed in [5, 8, 25] {
        let runs = [run(seed), run(seed)].map(Result::unwrap);
        assert_eq!(runs[0], runs[1], "seed {seed}");
        let runs = [run_hostile(seed), run_hostile(seed)].map(Result::unwrap);
        assert_eq!(runs[0], runs[1], "seed {seed} with enemies");
    }
    assert_ne!(run(5).unwrap().hash, run(8).unwrap().hash);
}
