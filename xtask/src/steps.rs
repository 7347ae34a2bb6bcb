//! The commands as sequences of steps. A step that only checks does not keep the others from running: all that is wrong is told at
//! once.

use std::{fs, process::Command, time::Instant};

use anyhow::{Result, bail};

use crate::{debian, files, fonts, front_end, lint, proc, tally::Tally, workspace::Workspace};

/// Everything that building and running need.
pub(crate) fn setup(workspace: &Workspace) -> Result<()> {
    let begin = Instant::now();
    debian::install()?;
    front_end::check_node()?;
    front_end::install(workspace)?;
    fonts::fetch(workspace)?;
    front_end::build(workspace)?;
    println!("setup: all there ({})", proc::elapsed(begin.elapsed()));
    Ok(())
}

fn cargo(workspace: &Workspace, words: &[&str]) -> Command {
    let mut cargo = proc::command("cargo");
    cargo.args(words).current_dir(&workspace.root);
    cargo
}

/// Builds programs of the whole workspace, with the features that everything is built with.
pub(crate) fn build(workspace: &Workspace, what: &[&str]) -> Result<()> {
    proc::timed("build", || {
        proc::run(cargo(workspace, &["build", "--locked", "--workspace"]).args(what))
    })
}

/// Writes the TypeScript of the interface, or compares it with what is committed.
pub(crate) fn bindings(workspace: &Workspace, check: bool) -> Result<()> {
    build(workspace, &["--example", "bindings"])?;
    written_bindings(workspace, check)
}

fn written_bindings(workspace: &Workspace, check: bool) -> Result<()> {
    let committed = workspace.ui().join("src/bindings");
    let fresh = workspace.target.join("bindings");
    files::remove_all(&fresh)?;
    proc::run_quietly(Command::new(workspace.program("debug", "examples/bindings")).arg(&fresh))?;
    let differing = files::differing(&committed, &fresh)?;
    if differing.is_empty() {
        return Ok(());
    }
    if check {
        bail!(
            "{} is stale; run `cargo xtask bindings`: {}",
            workspace.short(&committed),
            differing.join(", ")
        );
    }
    files::remove_all(&committed)?;
    files::copy_all(&fresh, &committed)?;
    println!("written: {}", differing.join(", "));
    Ok(())
}

/// Checks the shipped pack.
pub(crate) fn pack(workspace: &Workspace) -> Result<()> {
    build(workspace, &["--bin", "shicha-server"])?;
    checked_packs(workspace)
}

fn checked_packs(workspace: &Workspace) -> Result<()> {
    let mut folders: Vec<_> = fs::read_dir(workspace.root.join("packs"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    folders.sort();
    for pack in folders.iter().map(|folder| folder.join("pack.json")) {
        if pack.is_file() {
            proc::run(
                Command::new(workspace.program("debug", "shicha-server"))
                    .args(["pack", "check"])
                    .arg(&pack),
            )?;
        }
    }
    Ok(())
}

/// All checks of [`lint::CHECKS`].
pub(crate) fn lint(workspace: &Workspace) -> Result<()> {
    front_end::install(workspace)?;
    let mut report = Report::default();
    for (name, check) in lint::CHECKS {
        report.check(name, || check(workspace));
    }
    report.close()
}

fn cargo_tests(workspace: &Workspace, words: &[&str]) -> Result<Tally> {
    let mut tally = Tally::default();
    let is_ok = proc::run_reading(
        cargo(
            workspace,
            &["test", "--locked", "--workspace", "--no-fail-fast"],
        )
        .args(words),
        |line| tally.read_cargo(line),
    )?;
    if !is_ok && tally.failed == 0 {
        bail!("cargo test could not run every test");
    }
    Ok(tally)
}

fn ui_tests(workspace: &Workspace) -> Result<Tally> {
    let mut tally = Tally::default();
    let is_ok = proc::run_reading(
        front_end::npm(workspace).args(["run", "--silent", "test"]),
        |line| tally.read_vitest(line),
    )?;
    if !is_ok && tally.failed == 0 {
        bail!("vitest could not run every test");
    }
    Ok(tally)
}

/// Everything that must hold.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    proc::timed("setup", || setup(workspace))?;
    // Also the programs that the tests of the window start, with the features that the tests are built with.
    build(workspace, &["--all-targets"])?;
    let mut report = Report::default();
    report.check("bindings", || written_bindings(workspace, true));
    report.check("packs", || checked_packs(workspace));
    for (name, check) in lint::CHECKS {
        report.check(name, || check(workspace));
    }
    report.tests("tests of the screens", || ui_tests(workspace));
    report.tests(
        "tests of the crates, of the whole and of the window",
        || cargo_tests(workspace, &[]),
    );
    report.close()
}

/// The tests that look at the screens: in a browser and in the real window.
pub(crate) fn e2e(workspace: &Workspace) -> Result<()> {
    setup(workspace)?;
    build(workspace, &["--bins"])?;
    let mut report = Report::default();
    report.tests("tests in a browser and in the window", || {
        cargo_tests(workspace, &["--test", "browser", "--test", "window"])
    });
    report.close()
}

/// Measures, with optimised programs.
pub(crate) fn bench(workspace: &Workspace) -> Result<()> {
    setup(workspace)?;
    build(workspace, &["--release", "--bins"])?;
    proc::run(&mut Command::new(
        workspace.program("release", "shicha-bench"),
    ))
}

/// What came of the steps.
#[derive(Default)]
struct Report {
    tally: Tally,
    rows: Vec<String>,
}

impl Report {
    /// A step that holds or does not.
    fn check(&mut self, name: &str, check: impl FnOnce() -> Result<()>) {
        self.tests(name, || {
            check()?;
            Ok(Tally {
                passed: 1,
                failed: 0,
            })
        });
    }

    /// A step that counts its tests.
    fn tests(&mut self, name: &str, run: impl FnOnce() -> Result<Tally>) {
        let begin = Instant::now();
        println!("\n== {name}");
        let tally = run().unwrap_or_else(|error| {
            eprintln!("{name}: {error:#}");
            Tally {
                passed: 0,
                failed: 1,
            }
        });
        self.rows.push(format!(
            "{:<6} {name} ({} passed, {} failed, {})",
            if tally.failed == 0 { "ok" } else { "FAILED" },
            tally.passed,
            tally.failed,
            proc::elapsed(begin.elapsed())
        ));
        self.tally += tally;
    }

    fn close(self) -> Result<()> {
        println!();
        for row in &self.rows {
            println!("{row}");
        }
        println!("{} passed, {} failed", self.tally.passed, self.tally.failed);
        if self.tally.failed > 0 {
            bail!("not everything holds");
        }
        Ok(())
    }
}
