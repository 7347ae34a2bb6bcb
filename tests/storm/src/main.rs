//! The whole system in real processes: `cargo xtask storm [--rounds N] [--seed N] [--store sqlite|postgres]`.
//!
//! Laptops with real ledgers and the real engine, and the real central endpoint, each in a process of its own, over a line that
//! stalls and breaks. In each round something is killed at a random instant and started again. What must hold is checked after each
//! round, and everything is compared when the storm has calmed down. One program plays all parts: by its first word it knows which.

mod checks;
mod children;
mod dice;
mod endpoint;
mod laptop;
mod line;
mod postgres;
/// The tests' own PostgreSQL server; here only where its programs lie.
#[allow(clippy::unwrap_used, dead_code)]
#[path = "../../../crates/server/tests/common/postgres.rs"]
mod postgres_server;
/// The tests' own S3-compatible server.
#[allow(clippy::unwrap_used)]
#[path = "../../../crates/server/tests/common/s3.rs"]
mod s3;
mod storm;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, ValueEnum};

/// By this word the program knows that it is to be a laptop.
const LAPTOP: &str = "as-laptop";
/// By this word the program knows that it is to be the central endpoint.
const ENDPOINT: &str = "as-endpoint";

/// The storm.
#[derive(Parser, Clone)]
#[command(about = "Kills real processes at random and sees whether anything is lost")]
pub(crate) struct Options {
    /// How often something is killed, on each store.
    #[arg(long, default_value_t = 30)]
    rounds: u64,
    /// Where chance begins; any when left out. It is printed.
    #[arg(long)]
    seed: Option<u64>,
    /// On which store; on both when left out.
    #[arg(long, value_enum)]
    store: Option<Storage>,
}

/// What the central endpoint keeps its data in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Storage {
    /// One process on SQLite, evidence in a folder.
    Sqlite,
    /// Two processes on one PostgreSQL database and one bucket.
    Postgres,
}

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    match words.next().as_ref().and_then(|word| word.to_str()) {
        Some(LAPTOP) => end(laptop::run(&words.collect::<Vec<_>>())),
        Some(ENDPOINT) => {
            let line = std::iter::once(OsString::from("shicha-server")).chain(words);
            shicha_server::cli::run(shicha_server::cli::Cli::parse_from(line))
        }
        _ => end(storms(&Options::parse())),
    }
}

fn storms(options: &Options) -> anyhow::Result<()> {
    for storage in Storage::value_variants() {
        if options.store.is_none_or(|only| only == *storage) {
            storm::run(
                *storage,
                options.rounds,
                options.seed.unwrap_or_else(rand::random),
            )?;
        }
    }
    Ok(())
}

fn end(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
