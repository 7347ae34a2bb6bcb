//! Makes the sample in a folder: `central`, the devices `inspector` and `supervisor`, and `sample.json` about them.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Result;
use clap::Parser;
use shicha_sample::{PASSPHRASE, Plan, make, shipped_pack};

#[derive(Parser)]
#[command(name = "shicha-sample", about = "Makes Shicha's sample data")]
struct Options {
    /// Folder to make it in; must be empty or not there.
    #[arg(long)]
    out: PathBuf,
    /// Folders with fonts, for the labels in the pictures.
    #[arg(long, default_value = "target/fonts")]
    fonts: Vec<PathBuf>,
    /// The pack to publish.
    #[arg(long)]
    pack: Option<PathBuf>,
    /// Where the central endpoint will listen; port 0 takes one that is free now.
    #[arg(long, default_value = "127.0.0.1:7300")]
    listen: SocketAddr,
    /// Seed of everything that is left to chance.
    #[arg(long, default_value_t = 2022)]
    seed: u64,
    /// The most visits of each area.
    #[arg(long)]
    visits: Option<usize>,
    /// The most subjects of each area.
    #[arg(long)]
    subjects: Option<usize>,
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .init();
    let options = Options::parse();
    let sample = make(Plan {
        out: options.out.clone(),
        fonts: options.fonts,
        pack: options.pack.unwrap_or_else(shipped_pack),
        listen: options.listen,
        seed: options.seed,
        visits_per_area: options.visits,
        subjects_per_area: options.subjects,
    })
    .await?;
    println!(
        "{}: {} subjects, {} signed inspections; {} (inspector) and {} (supervisor), passphrase {PASSPHRASE}",
        options.out.display(),
        sample.subjects,
        sample.signed,
        sample.inspector,
        sample.supervisor
    );
    Ok(())
}
