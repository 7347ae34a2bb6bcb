//! Tries out under Wine what was built: `tests/installed` does it.

use std::path::Path;

use anyhow::{Context as _, Result};
use shicha_maker::Maker;

use crate::{proc, steps, workspace::Workspace};

use super::{
    Built, TRIAL_KEY, installer,
    toolchain::{self, Toolchain},
    wine::Wine,
};

/// An older version than any: the same programs but for the key of updates, so that what is tried is the installer's part.
const OLDER: &str = "0.0.1";

/// What stands for Microsoft's installer of WebView2.
const STAND_IN: &str = include_str!("stand_in.c");

/// Installs, works, upgrades, removes.
pub(super) fn run(
    workspace: &Workspace,
    toolchain: &Toolchain,
    wine: &Wine,
    setup: &Path,
    stick: &Path,
) -> Result<()> {
    let maker = Maker::new();
    proc::timed(
        "build for Windows with the key of a trial, and the core behind a port",
        || {
            proc::run(
                toolchain
                    .cargo(workspace)?
                    .env(TRIAL_KEY, maker.public_for_tauri())
                    .args(["build", "--locked", "--release"])
                    .args(["--package", "shicha", "--package", "shicha-server"])
                    .args(["--package", "shicha-host", "--bins"]),
            )
        },
    )?;
    let of_trial = Built::gathered(workspace, toolchain, "trial", None)?;
    let older = installer::make(workspace, &of_trial, None, OLDER)?;
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
    let signature = out.join("setup.sig");
    let name = setup.file_name().context("a setup without a name")?;
    std::fs::write(
        &signature,
        maker.sign(&name.to_string_lossy(), &std::fs::read(setup)?),
    )?;
    proc::timed("try out what is installed", || {
        let mut command =
            std::process::Command::new(workspace.program("debug", "shicha-installed"));
        command
            .arg("--wine")
            .arg(wine.runner())
            .arg("--setup")
            .arg(setup)
            .arg("--stick")
            .arg(stick)
            .arg("--older")
            .arg(&older)
            .args(["--versions", OLDER, &super::version(workspace)?])
            .arg("--signature")
            .arg(&signature)
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
