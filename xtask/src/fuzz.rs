//! Fuzzing of the decoders of outside bytes, with cargo-fuzz.
//!
//! What a run finds lies in `target/fuzz/<target>`, so that no run grows the repository; `--keep` minimises it into `fuzz/corpus`. The
//! toolchain is the stable one that everything is built with: the sanitizer is asked for through `RUSTC_BOOTSTRAP`.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{files, proc, workspace::Workspace};

/// What is to be fuzzed, and for how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// One target; all of them, one after the other, where none is named.
    target: Option<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Put what was found, minimised, into the corpus of the repository.
    #[arg(long)]
    keep: bool,
}

/// Inputs are at most as long as what shows every kind of fault; longer ones only take time.
fn most_bytes(target: &str) -> u32 {
    match target {
        "pack" => 24 * 1024,
        "picture" | "roster" => 32 * 1024,
        _ => 8 * 1024,
    }
}

/// Fuzzes. A finding ends the run and lies in `fuzz/artifacts`.
pub(crate) fn fuzz(workspace: &Workspace, options: &Options) -> Result<()> {
    if !proc::succeeds(cargo_fuzz(workspace).arg("--version")) {
        proc::run(proc::command("cargo").args(["install", "--locked", "cargo-fuzz"]))?;
    }
    let all = targets(workspace)?;
    let chosen: Vec<&String> = match &options.target {
        None => all.iter().collect(),
        Some(name) => all.iter().filter(|target| *target == name).collect(),
    };
    if chosen.is_empty() {
        bail!("the targets are {}", all.join(", "));
    }
    for target in chosen {
        proc::timed(&format!("fuzz {target}"), || {
            one(workspace, target, options)
        })?;
    }
    Ok(())
}

fn cargo_fuzz(workspace: &Workspace) -> Command {
    let mut command = proc::command("cargo");
    command
        .arg("fuzz")
        .current_dir(workspace.root.join("fuzz"))
        .env("RUSTC_BOOTSTRAP", "1");
    command
}

fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let folder = workspace.root.join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for file in fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
        let path = file?.path();
        let name = path.file_stem().context("a target without a name")?;
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn one(workspace: &Workspace, target: &str, options: &Options) -> Result<()> {
    let found = workspace.target.join("fuzz").join(target);
    let kept = workspace.root.join("fuzz/corpus").join(target);
    fs::create_dir_all(&found)?;
    proc::run(
        cargo_fuzz(workspace)
            .args(["run", target])
            .args([&found, &kept])
            .arg("--")
            .arg(format!("-max_total_time={}", options.minutes * 60))
            .arg(format!("-max_len={}", most_bytes(target)))
            .args(["-timeout=60", "-rss_limit_mb=2048", "-print_final_stats=1"]),
    )?;
    if options.keep {
        let fewest = workspace.target.join("fuzz").join(format!("{target}-kept"));
        files::remove_all(&fewest)?;
        fs::create_dir_all(&fewest)?;
        // libFuzzer takes the smallest inputs first that together reach everything.
        proc::run(
            cargo_fuzz(workspace)
                .args(["run", target])
                .args([&fewest, &kept, &found])
                .args(["--", "-merge=1", "-max_len=4096"]),
        )?;
        files::remove_all(&kept)?;
        files::copy_all(&fewest, &kept)?;
    }
    Ok(())
}
