//! Measures what users wait for: `cargo xtask bench [save|list|sync|photo|start|memory|returning|first-pull|steady|growth|follow]…`.
//!
//! Every figure is printed with a floor that was measured in the same run on the same disk, and their ratio: what the least possible
//! program would have taken. Nothing here is a test; a slow machine makes both numbers slow.

/// Devices that speak the protocol by hand, as the tests of the endpoint have them.
#[path = "../../../crates/server/tests/common/mod.rs"]
mod by_hand;
mod central;
mod data;
mod floor;
mod list;
mod memory;
mod photo;
/// The tests' own PostgreSQL server.
#[allow(clippy::unwrap_used)]
#[path = "../../../crates/server/tests/common/postgres.rs"]
mod postgres_server;
mod report;
mod save;
mod scale;
mod start;
mod sync;

use std::ffi::OsString;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use scale::{Storage, first_pull, follow, growth, returning, steady};

#[derive(Parser)]
#[command(about = "Measures Shicha against floors measured in the same run")]
struct Options {
    /// What to measure; everything when left out.
    #[arg(value_enum)]
    what: Vec<What>,
    /// On which store of the central endpoint, for what is measured on both; both when left out.
    #[arg(long, value_enum)]
    store: Option<Storage>,
    /// How many entries a supervisor pulls.
    #[arg(long, default_value_t = 1_000_000)]
    pull: usize,
    /// How long devices push, in seconds.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// Up to how many entries the ledger grows.
    #[arg(long, default_value_t = 10_000_000)]
    largest: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// One answer saved.
    Save,
    /// Opening a list of 100,000 inspections, and searching in it.
    List,
    /// Push and pull of 60,000 answers.
    Sync,
    /// Photos uploaded.
    Photo,
    /// Start to the first usable screen.
    Start,
    /// Memory of the window, at rest and with 100 photos.
    Memory,
    /// 1,000 laptops that come back within one minute.
    Returning,
    /// A supervisor's first pull of everything.
    FirstPull,
    /// Pushes from 200 devices at once.
    Steady,
    /// A push while the ledger grows.
    Growth,
    /// From an inspector's answer to a supervisor's screen.
    Follow,
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    match words[..] {
        [central::SERVE, dir] => {
            return runtime.block_on(central::serve(dir.as_ref(), None, false));
        }
        [central::SERVE_THEN, dir] => {
            return runtime.block_on(central::serve(dir.as_ref(), None, true));
        }
        [central::SERVE, dir, database] => {
            return runtime.block_on(central::serve(dir.as_ref(), Some(database), false));
        }
        [photo::TAKE, dir] => return runtime.block_on(photo::take(dir.as_ref())),
        [first_pull::PULL, dir, url] => {
            return runtime.block_on(first_pull::pull(dir.as_ref(), url));
        }
        _ => {}
    }
    let options = Options::parse();
    let wanted = if options.what.is_empty() {
        What::value_variants().to_vec()
    } else {
        options.what.clone()
    };
    for what in wanted {
        match what {
            What::Save => save::run()?,
            What::List => list::run()?,
            What::Sync => runtime.block_on(sync::run())?,
            What::Photo => runtime.block_on(photo::run())?,
            What::Start => runtime.block_on(start::run())?,
            What::Memory => runtime.block_on(memory::run())?,
            What::Returning | What::FirstPull | What::Steady | What::Growth | What::Follow => {
                for storage in Storage::value_variants() {
                    if options.store.is_none_or(|only| only == *storage) {
                        runtime.block_on(at_scale(what, *storage, &options))?;
                    }
                }
            }
        }
    }
    Ok(())
}

async fn at_scale(what: What, storage: Storage, options: &Options) -> Result<()> {
    match what {
        What::Returning => returning::run(storage).await,
        What::FirstPull => first_pull::run(storage, options.pull).await,
        What::Steady => steady::run(storage, options.seconds).await,
        What::Follow => follow::run(storage).await,
        _ => growth::run(storage, options.largest).await,
    }
}
