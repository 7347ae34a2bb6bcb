//! Measures what users wait for: `cargo xtask bench [save|list|sync|photo|start]…`.
//!
//! Every figure is printed with a floor that was measured in the same run on the same disk, and their ratio: what the least possible
//! program would have taken. Nothing here is a test; a slow machine makes both numbers slow.

mod central;
mod data;
mod floor;
mod list;
mod photo;
mod report;
mod save;
mod start;
mod sync;

use anyhow::Result;
use clap::{Parser, ValueEnum};

#[derive(Parser)]
#[command(about = "Measures Shicha against floors measured in the same run")]
struct Options {
    /// What to measure; everything when left out.
    #[arg(value_enum)]
    what: Vec<What>,
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
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let mut words = std::env::args_os().skip(1);
    if let (Some(word), Some(dir), None) = (words.next(), words.next(), words.next()) {
        if word == central::SERVE {
            return runtime.block_on(central::serve(dir.as_ref()));
        }
        if word == photo::TAKE {
            return runtime.block_on(photo::take(dir.as_ref()));
        }
    }
    let options = Options::parse();
    let wanted = if options.what.is_empty() {
        What::value_variants().to_vec()
    } else {
        options.what
    };
    for what in wanted {
        match what {
            What::Save => save::run()?,
            What::List => list::run()?,
            What::Sync => runtime.block_on(sync::run())?,
            What::Photo => runtime.block_on(photo::run())?,
            What::Start => runtime.block_on(start::run())?,
        }
    }
    Ok(())
}
