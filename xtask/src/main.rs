//! Every developer command: `cargo xtask --help` lists them.
//!
//! Each command prints what it does and how long it took, is safe to repeat, and ends with a non-zero code when anything failed.
//! The workspace is always built as a whole (`--workspace`, targets picked by name), so that every command shares one set of
//! features and one target folder. Nothing of the product is known here: this crate only starts other programs.

mod arrows;
mod debian;
mod files;
mod fonts;
mod front_end;
mod fuzz;
mod lint;
mod proc;
mod run;
mod steps;
mod tally;
mod windows;
mod workspace;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of Shicha")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is needed, build the front end, fetch the fonts.
    Setup,
    /// Start the central endpoint and the application on sample data; without a display: drive the window and leave pictures.
    Run(run::Options),
    /// Everything that must hold: lint, tests of all crates, of the screens, of the real window.
    Test,
    /// The same as `test`, by the name that a build server looks for.
    Ci,
    /// Measure, each figure against a floor measured in the same run.
    Bench {
        /// Handed on to the measuring program.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// Kill real processes at random, over bad lines, and see whether anything is lost: `--rounds N --seed N --store sqlite|postgres`.
    Storm {
        /// Handed on to the storm.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// Run the whole over a faulty world that dice make: `--seeds 0..10000 --jobs 2`, or one seed with `--steps`.
    Sim {
        /// Handed on to the simulation.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// Fuzz the decoders of outside bytes (half an hour each, unless told otherwise).
    Fuzz(fuzz::Options),
    /// Write what is generated: the TypeScript of the interface, the JSON Schema of the packs.
    Bindings {
        /// Change nothing; fail when what is committed is stale.
        #[arg(long)]
        check: bool,
    },
    /// The tests in a browser and in the real window only.
    E2e,
    /// Formatting, clippy, types and lint of the screens, direction of the dependencies.
    Lint,
    /// Check the campaign packs.
    Pack,
    /// The programs and the installer for Windows; with `--test` or `--try`, held against what they promise, under Wine.
    Windows(windows::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = Workspace::find().and_then(|workspace| match cli.command {
        Command::Setup => steps::setup(&workspace),
        Command::Run(options) => run::run(&workspace, &options),
        Command::Test | Command::Ci => steps::test(&workspace),
        Command::Bench { words } => steps::bench(&workspace, &words),
        Command::Storm { words } => steps::storm(&workspace, &words),
        Command::Sim { words } => steps::sim(&workspace, &words),
        Command::Fuzz(options) => fuzz::fuzz(&workspace, &options),
        Command::Bindings { check } => steps::bindings(&workspace, check),
        Command::E2e => steps::e2e(&workspace),
        Command::Lint => steps::lint(&workspace),
        Command::Pack => steps::pack(&workspace),
        Command::Windows(options) => windows::windows(&workspace, &options),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // What failed was told, and the count is the last line.
        Err(error) if error.is::<steps::NotAll>() => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
