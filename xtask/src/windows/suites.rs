//! The test suites of the core, of the central endpoint and of the shell as programs of Windows.
//!
//! Every test works in a folder whose name is Chinese and has spaces, in China's time zone and with China's code page, since Wine is
//! set up so. Left out are the tests of what Windows does not run: PostgreSQL, signals, the window of Linux.

use anyhow::{Result, bail};

use crate::{proc, steps::Report, tally::Tally, workspace::Workspace};

use super::{
    TARGET,
    toolchain::Toolchain,
    wine::{self, Wine},
};

/// Whose tests are run.
const PACKAGES: &[&str] = &[
    "shicha-domain",
    "shicha-ledger",
    "shicha-sync",
    "shicha-api",
    "shicha-server",
    // The shell: one window for each folder, the start with Windows, what is looked for where.
    "shicha",
    // Real processes that are killed at random instants.
    "shicha-storm",
];
/// How many rounds of kills there are.
const ROUNDS: &str = "12";

/// Runs them all.
pub(super) fn run(workspace: &Workspace, toolchain: &Toolchain, wine: &Wine) -> Result<()> {
    let mut report = Report::default();
    report.check("build of the tests", || {
        let mut cargo = command(workspace, toolchain, wine)?;
        proc::run(
            cargo
                .args(["test", "--locked", "--no-run", "--bins", "--tests", "--lib"])
                .args(packages()),
        )
    });
    if report.is_well() {
        report.tests("tests of core, endpoint and shell", || {
            let mut tally = Tally::default();
            let mut cargo = command(workspace, toolchain, wine)?;
            cargo
                .args([
                    "test",
                    "--locked",
                    "--no-fail-fast",
                    "--bins",
                    "--tests",
                    "--lib",
                ])
                .args(packages());
            let is_ok = proc::run_reading(&mut cargo, |line| tally.read_cargo(line))?;
            if !is_ok && tally.failed == 0 {
                bail!("not every test could be run");
            }
            Ok(tally)
        });
        report.check("kills at random instants", || {
            let storm = toolchain.made(workspace, "debug").join("shicha-storm.exe");
            proc::run(
                wine.start(storm)
                    .args(["--store", "sqlite", "--rounds", ROUNDS])
                    .current_dir(&workspace.root),
            )
        });
    }
    wine.wait()?;
    report.close()
}

fn packages() -> impl Iterator<Item = &'static str> {
    PACKAGES.iter().flat_map(|name| ["--package", name])
}

/// Cargo, with Wine to run what it built.
fn command(
    workspace: &Workspace,
    toolchain: &Toolchain,
    wine: &Wine,
) -> Result<std::process::Command> {
    let mut cargo = toolchain.cargo(workspace)?;
    let variable = TARGET.to_uppercase().replace('-', "_");
    cargo
        .env(format!("CARGO_TARGET_{variable}_RUNNER"), wine.runner())
        // The shell's tests look for the loader of the window's component where the build puts it.
        .env(
            "WINEPATH",
            wine::name_of(&toolchain.made(workspace, "debug")),
        )
        .env_remove("DISPLAY");
    for (name, value) in wine.environment() {
        cargo.env(name, value);
    }
    Ok(cargo)
}
