//! The commands as sequences of steps. A step that only checks does not keep the others from running: all that is wrong is told at
//! once.

use std::{error::Error, ffi::OsString, fmt, fs, process::Command, time::Instant};

use anyhow::{Result, bail};

use crate::{debian, files, fonts, front_end, lint, proc, tally::Tally, workspace::Workspace};

/// Everything that building and running need.
pub(crate) fn setup(workspace: &Workspace) -> Result<()> {
    let begin = Instant::now();
    debian::install()?;
    lint::check_tools()?;
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
    // With an example among them, cargo counts in the features that only tests ask for; without, it would build a second set of
    // everything.
    let words = ["build", "--locked", "--workspace", "--example", "bindings"];
    proc::timed("build", || proc::run(cargo(workspace, &words).args(what)))
}

/// Writes what is generated from Rust, or compares it with what is committed.
pub(crate) fn bindings(workspace: &Workspace, check: bool) -> Result<()> {
    build(workspace, &["--example", "pack_schema"])?;
    generated(workspace, check)
}

fn generated(workspace: &Workspace, check: bool) -> Result<()> {
    let fresh = workspace.target.join("generated");
    files::remove_all(&fresh)?;
    let types = fresh.join("bindings");
    proc::run_quietly(Command::new(workspace.program("debug", "examples/bindings")).arg(&types))?;
    let schema = fresh.join("pack.schema.json");
    let text = proc::output(&mut Command::new(
        workspace.program("debug", "examples/pack_schema"),
    ))?;
    fs::write(&schema, text)?;

    let committed_types = workspace.ui().join("src/bindings");
    let committed_schema = workspace.root.join("packs/pack.schema.json");
    let mut stale = files::differing(&committed_types, &types)?;
    let has_old_schema = fs::read(&committed_schema).ok() != Some(fs::read(&schema)?);
    if has_old_schema {
        stale.push(workspace.short(&committed_schema).to_string());
    }
    if stale.is_empty() {
        return Ok(());
    }
    if check {
        bail!(
            "generated files are stale; run `cargo xtask bindings`: {}",
            stale.join(", ")
        );
    }
    files::remove_all(&committed_types)?;
    files::copy_all(&types, &committed_types)?;
    fs::copy(&schema, &committed_schema)?;
    println!("written: {}", stale.join(", "));
    Ok(())
}

/// Checks the packs.
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
    npm_tests(workspace, "test", Tally::read_vitest)
}

fn browser_tests(workspace: &Workspace) -> Result<Tally> {
    npm_tests(workspace, "test:e2e", Tally::read_playwright)
}

fn npm_tests(workspace: &Workspace, script: &str, read: fn(&mut Tally, &str)) -> Result<Tally> {
    let mut tally = Tally::default();
    let is_ok = proc::run_reading(
        front_end::npm(workspace).args(["run", "--silent", script]),
        |line| read(&mut tally, line),
    )?;
    if !is_ok && tally.failed == 0 {
        bail!("`npm run {script}` could not run every test");
    }
    Ok(tally)
}

/// Everything that must hold.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    let mut report = Report::default();
    report.check("setup", || setup(workspace));
    if report.is_well() {
        // Also the programs that the tests of the window start, with the features that the tests are built with.
        report.check("build", || build(workspace, &["--all-targets"]));
    }
    if !report.is_well() {
        return report.close();
    }
    report.check("generated files", || generated(workspace, true));
    report.check("packs", || checked_packs(workspace));
    for (name, check) in lint::CHECKS {
        report.check(name, || check(workspace));
    }
    report.tests("tests of the screens", || ui_tests(workspace));
    report.tests("tests of the screens in a browser", || {
        browser_tests(workspace)
    });
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
    report.tests("tests of the screens in a browser", || {
        browser_tests(workspace)
    });
    report.tests("tests of the host and of the window", || {
        let tests = [
            "beside_the_clock",
            "host",
            "pages",
            "second_start",
            "window",
        ];
        let words: Vec<&str> = tests.iter().flat_map(|test| ["--test", test]).collect();
        cargo_tests(workspace, &words)
    });
    report.close()
}

/// Measures, with optimised programs.
pub(crate) fn bench(workspace: &Workspace, words: &[OsString]) -> Result<()> {
    setup(workspace)?;
    proc::timed("build", || {
        proc::run(cargo(workspace, &["build", "--locked", "--release"]).args([
            "--package",
            "shicha",
            "--package",
            "shicha-server",
            "--package",
            "shicha-bench",
            "--package",
            "shicha-bare",
            "--bins",
        ]))
    })?;
    proc::run(Command::new(workspace.program("release", "shicha-bench")).args(words))
}

/// Lets a storm pass over the system in real processes.
pub(crate) fn storm(workspace: &Workspace, words: &[OsString]) -> Result<()> {
    debian::install()?;
    build(workspace, &["--bin", "shicha-storm"])?;
    proc::run(Command::new(workspace.program("debug", "shicha-storm")).args(words))
}

/// Runs seeds of the simulation, with an optimised program.
pub(crate) fn sim(workspace: &Workspace, words: &[OsString]) -> Result<()> {
    debian::install()?;
    proc::timed("build", || {
        let package = ["build", "--locked", "--release", "--package", "shicha-sim"];
        proc::run(&mut cargo(workspace, &package))
    })?;
    proc::run(Command::new(workspace.program("release", "shicha-sim")).args(words))
}

/// Not everything held; what did not was told already.
#[derive(Debug)]
pub(crate) struct NotAll;

impl fmt::Display for NotAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not everything holds")
    }
}

impl Error for NotAll {}

/// What came of the steps.
#[derive(Default)]
pub(crate) struct Report {
    tally: Tally,
    rows: Vec<String>,
}

impl Report {
    pub(crate) fn is_well(&self) -> bool {
        self.tally.failed == 0
    }

    /// A step that holds or does not.
    pub(crate) fn check(&mut self, name: &str, check: impl FnOnce() -> Result<()>) {
        self.tests(name, || {
            check()?;
            Ok(Tally::held())
        });
    }

    /// A step that counts its tests.
    pub(crate) fn tests(&mut self, name: &str, run: impl FnOnce() -> Result<Tally>) {
        let begin = Instant::now();
        println!("\n== {name}");
        let tally = run().unwrap_or_else(|error| {
            eprintln!("{name}: {error:#}");
            Tally::failed(format!("{error:#}"))
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

    pub(crate) fn close(self) -> Result<()> {
        println!();
        for line in &self.tally.said {
            println!("{line}");
        }
        for name in &self.tally.names {
            println!("failed: {name}");
        }
        for row in &self.rows {
            println!("{row}");
        }
        println!("{} passed, {} failed", self.tally.passed, self.tally.failed);
        if self.is_well() {
            Ok(())
        } else {
            Err(NotAll.into())
        }
    }
}
