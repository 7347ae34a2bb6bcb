//! What holds without running the product: formatting, clippy, the screens' types and lint, the direction of the dependencies.

use anyhow::{Context as _, Result};

use crate::{arrows, front_end, proc, workspace::Workspace};

/// A check: its name, and what does it.
pub(crate) type Check = (&'static str, fn(&Workspace) -> Result<()>);

/// Sees to it that rustfmt and clippy are there, from rustup where it manages the toolchain.
pub(crate) fn check_tools() -> Result<()> {
    for (tool, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !proc::succeeds(proc::command("cargo").args([tool, "--version"])) {
            proc::run_quietly(proc::command("rustup").args(["component", "add", component]))
                .with_context(|| format!("`cargo {tool}` is missing; install {component}"))?;
        }
    }
    Ok(())
}

/// All checks, the quick ones first.
pub(crate) const CHECKS: &[Check] = &[
    ("direction of the dependencies", arrows::check),
    ("formatting", |workspace| {
        proc::run(
            proc::command("cargo")
                .args(["fmt", "--all", "--check"])
                .current_dir(&workspace.root),
        )
    }),
    ("types of the screens", |workspace| {
        proc::run(front_end::npm(workspace).args(["run", "--silent", "typecheck"]))
    }),
    ("lint of the screens", |workspace| {
        proc::run(front_end::npm(workspace).args(["run", "--silent", "lint"]))
    }),
    ("clippy", |workspace| {
        proc::run(
            proc::command("cargo")
                .args([
                    "clippy",
                    "--locked",
                    "--workspace",
                    "--all-targets",
                    "--",
                    "--deny",
                    "warnings",
                ])
                .current_dir(&workspace.root),
        )
    }),
];
