//! `shicha-server`: the central endpoint and the administrator's commands.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    shicha_server::cli::run(shicha_server::cli::Cli::parse())
}
