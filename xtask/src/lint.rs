//! What holds without running the product: formatting, clippy, the screens' types and lint, the direction of the dependencies.

use anyhow::Result;

use crate::{arrows, front_end, proc, workspace::Workspace};

/// A check: its name, and what does it.
pub(crate) type Check = (&'static str, fn(&Workspace) -> Result<()>);

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
