//! The front end: its packages as locked, and the pages that the application carries.

use std::{fs, process::Command};

use anyhow::{Context, Result, bail};

use crate::{files, proc, workspace::Workspace};

/// The oldest Node.js that the front end's tools run on.
const NODE: (u32, u32) = (20, 19);
/// What decides about the pages.
const SOURCES: &[&str] = &[
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "tsconfig.json",
];

/// Fails when Node.js is missing or too old.
pub(crate) fn check_node() -> Result<()> {
    let text = proc::output(Command::new("node").arg("--version"))
        .context("Node.js is missing; install version 20.19 or newer")?;
    let mut numbers = text
        .trim()
        .trim_start_matches('v')
        .split('.')
        .map_while(|number| number.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < NODE {
        bail!(
            "Node.js {} is too old; install version {}.{} or newer",
            text.trim(),
            NODE.0,
            NODE.1
        );
    }
    Ok(())
}

/// npm in the front end's folder.
pub(crate) fn npm(workspace: &Workspace) -> Command {
    let mut npm = proc::command("npm");
    npm.current_dir(workspace.ui());
    npm
}

/// Installs the packages of the lock file, unless they are there.
pub(crate) fn install(workspace: &Workspace) -> Result<()> {
    let ui = workspace.ui();
    // npm writes this file last.
    let installed = files::changed(&ui.join("node_modules/.package-lock.json"))?;
    if installed >= files::changed(&ui.join("package-lock.json"))? && installed.is_some() {
        return Ok(());
    }
    let install = || proc::run_quietly(npm(workspace).args(["ci", "--no-audit", "--no-fund"]));
    proc::timed("install the front end's packages", || {
        // A registry that does not answer once often answers a moment later; `npm ci` always begins anew.
        install().or_else(|error| {
            eprintln!("{error:#}; a second try");
            install()
        })
    })
}

/// Builds the pages, unless they are newer than everything they are made of.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let ui = workspace.ui();
    let mut newest = None;
    for source in SOURCES {
        let path = ui.join(source);
        if path.exists() {
            newest = newest.max(files::newest(&path, &["node_modules"])?);
        }
    }
    if is_built(workspace)? && files::changed(&ui.join("dist/index.html"))? >= newest {
        return Ok(());
    }
    proc::timed("build the front end", || {
        // Without the types, which `lint` checks: a fault in them is one fault, not a reason for nothing to run.
        proc::run_quietly(npm(workspace).args(["exec", "--no", "--", "vite", "build"]))
    })
}

/// Whether the pages are there, and not the stand-in that lets the application compile without them.
fn is_built(workspace: &Workspace) -> Result<bool> {
    let index = workspace.ui().join("dist/index.html");
    Ok(index.exists() && fs::read_to_string(index)?.contains("<script"))
}
