//! `cargo xtask run`.

use anyhow::Result;
use clap::Args;

use crate::workspace::Workspace;

/// What to run.
#[derive(Args)]
pub(crate) struct Options {}

/// Runs.
pub(crate) fn run(_workspace: &Workspace, _options: &Options) -> Result<()> {
    Ok(())
}
