//! Tries out under Wine what was built: `tests/installed` does it.

use anyhow::Result;

use crate::{proc, steps, workspace::Workspace};

use super::{
    Built, installer,
    toolchain::{self, Toolchain},
    wine::Wine,
};

/// An older version than any: the same files, so that what is tried is the installer's part.
const OLDER: &str = "0.0.1";

/// What stands for Microsoft's installer of WebView2.
const STAND_IN: &str = include_str!("stand_in.c");

/// Installs, works, upgrades, removes.
pub(super) fn run(
    workspace: &Workspace,
    toolchain: &Toolchain,
    wine: &Wine,
    built: &Built,
    setup: &std::path::Path,
) -> Result<()> {
    let older = installer::make(workspace, built, None, OLDER)?;
    proc::timed("build the core behind a port for Windows", || {
        proc::run(toolchain.cargo(workspace)?.args([
            "build",
            "--locked",
            "--release",
            // With the features that the other two were built with.
            "--package",
            "shicha",
            "--package",
            "shicha-server",
            "--package",
            "shicha-host",
            "--bin",
            "shicha-host",
        ]))
    })?;
    steps::build(
        workspace,
        &[
            "--bin",
            "shicha-installed",
            "--bin",
            "shicha-host",
            "--bin",
            "shicha-server",
        ],
    )?;
    let out = toolchain::target(workspace).join("tried");
    crate::files::remove_all(&out)?;
    let source = out.join("stand_in.c");
    let stand_in = out.join("stand-in.exe");
    std::fs::create_dir_all(&out)?;
    std::fs::write(&source, STAND_IN)?;
    proc::run_quietly(
        std::process::Command::new(toolchain::LINKER)
            .args(["-O2", "-s", "-municode", "-mwindows", "-o"])
            .arg(&stand_in)
            .arg(&source),
    )?;
    proc::timed("try out what is installed", || {
        let mut command =
            std::process::Command::new(workspace.program("debug", "shicha-installed"));
        command
            .arg("--wine")
            .arg(wine.runner())
            .arg("--setup")
            .arg(setup)
            .arg("--older")
            .arg(&older)
            .args(["--versions", OLDER, &super::version(workspace)?])
            .arg("--windows-host")
            .arg(toolchain.made(workspace, "release").join("shicha-host.exe"))
            .arg("--host")
            .arg(workspace.program("debug", "shicha-host"))
            .arg("--server")
            .arg(workspace.program("debug", "shicha-server"))
            .arg("--pack")
            .arg(workspace.root.join("packs/lyg-2021-training/pack.json"))
            .arg("--stand-in")
            .arg(&stand_in)
            .arg("--out")
            .arg(&out);
        for (name, value) in wine.environment() {
            command.env(name, value);
        }
        proc::run(&mut command)
    })
}
