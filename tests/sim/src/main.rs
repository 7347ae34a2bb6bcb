//! Runs seeds and tells those that fail.

#![deny(clippy::unwrap_used, clippy::expect_used)]

use std::{
    collections::BTreeMap,
    ops::Range,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use clap::Parser;
use shicha_sim::{run, run_hostile};

#[derive(Parser)]
#[command(
    name = "shicha-sim",
    about = "The whole over a faulty world: one seed, one run"
)]
struct Cli {
    /// Which seeds: `0..200`, or one.
    #[arg(long, default_value = "0..200", value_parser = seeds)]
    seeds: Range<u64>,
    /// How many at a time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Tell all steps of those that fail, and not only the last.
    #[arg(long)]
    steps: bool,
    /// Let one or two devices of bad faith into each world.
    #[arg(long)]
    hostile: bool,
    /// Run each seed twice, and compare.
    #[arg(long)]
    twice: bool,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
    match text.split_once("..") {
        Some((from, to)) => Ok(number(from)?..number(to)?),
        None => number(text).map(|seed| seed..seed + 1),
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let begun = Instant::now();
    let next = AtomicU64::new(cli.seeds.start);
    let failed: Mutex<Vec<u64>> = Mutex::default();
    let counts: Mutex<BTreeMap<&'static str, u64>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..cli.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= cli.seeds.end {
                        return;
                    }
                    one(seed, &cli, &failed, &counts);
                    let done = seed - cli.seeds.start + 1;
                    if done.is_multiple_of(500) {
                        println!("{done} seeds, {:.0} s", begun.elapsed().as_secs_f64());
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort_unstable();
    for (what, count) in counts.into_inner().unwrap_or_else(PoisonError::into_inner) {
        println!("{count:>9} {what}");
    }
    println!(
        "{} seeds in {:.1} s, {} failed {failed:?}",
        cli.seeds.end - cli.seeds.start,
        begun.elapsed().as_secs_f64(),
        failed.len(),
    );
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn one(
    seed: u64,
    cli: &Cli,
    failed: &Mutex<Vec<u64>>,
    counts: &Mutex<BTreeMap<&'static str, u64>>,
) {
    let fails = |why: &str| {
        println!("seed {seed}: {why}");
        failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(seed);
    };
    let run = if cli.hostile { run_hostile } else { run };
    match run(seed) {
        Ok(first) => {
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            for (what, count) in &first.counts {
                *counts.entry(what).or_default() += count;
            }
            drop(counts);
            if cli.twice {
                match run(seed) {
                    Ok(second) if second == first => {}
                    Ok(second) => fails(&format!("{} and then {}", first.hash, second.hash)),
                    Err(failure) => fails(&format!("only the second time: {:#}", failure.error)),
                }
            }
        }
        Err(failure) => {
            fails(&format!("{:#}", failure.error));
            let skip = if cli.steps {
                0
            } else {
                failure.steps.len().saturating_sub(12)
            };
            for step in failure.steps.iter().skip(skip) {
                println!("    {step}");
            }
        }
    }
}
