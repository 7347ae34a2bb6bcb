//! The installer: `packaging/windows/installer.nsi`, with what was built.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::{proc, workspace::Workspace};

use super::{Built, LOADER, toolchain};

/// Under which name Microsoft hands out the installer of WebView2 that needs no network.
const RUNTIME: &str = "MicrosoftEdgeWebView2RuntimeInstallerX64.exe";
/// Less is a web page that was saved, or the installer that downloads the rest.
const LEAST_RUNTIME_BYTES: u64 = 50 << 20;

/// The offline installer of WebView2 that is to be shipped, if there is one.
pub(super) fn runtime(workspace: &Workspace, given: Option<&Path>) -> Result<Option<PathBuf>> {
    let place = workspace
        .root
        .join("packaging/windows/webview2")
        .join(RUNTIME);
    let file = match given {
        Some(file) => std::path::absolute(file)?,
        None if place.exists() => place,
        None => {
            println!(
                "note: the installer is made without the offline installer of WebView2; docs/release.md says how to put it in"
            );
            return Ok(None);
        }
    };
    let bytes = fs::metadata(&file)
        .with_context(|| format!("read {}", file.display()))?
        .len();
    if bytes < LEAST_RUNTIME_BYTES {
        bail!(
            "{} has {bytes} bytes: the installer that needs no network has many more",
            file.display()
        );
    }
    Ok(Some(file))
}

/// Makes the installer of a version.
pub(super) fn make(
    workspace: &Workspace,
    built: &Built,
    runtime: Option<&Path>,
    version: &str,
) -> Result<PathBuf> {
    let out = toolchain::target(workspace).join(format!("Shicha-{version}-setup.exe"));
    let fonts = super::fonts(workspace)?;
    let mut makensis = Command::new("makensis");
    makensis.args(["-V2", "-INPUTCHARSET", "UTF8"]);
    let mut define = |name: &str, value: &str| {
        makensis.arg(format!("-D{name}={value}"));
    };
    let text = |path: &Path| path.display().to_string();
    define("VERSION", version);
    define("FILES", &text(&built.folder));
    define("FONTS", &text(&fonts));
    define("PACKS", &text(&workspace.root.join("packs")));
    define("ICON", &text(&workspace.root.join("icons/icon.ico")));
    define("OUT", &text(&out));
    // Built with Microsoft's linker the program has the loader within.
    if built.folder.join(LOADER).exists() {
        define("LOADER", "1");
    }
    if let Some(signer) = &built.signer {
        define("SIGNER", &text(signer));
    }
    if let Some(runtime) = runtime {
        define("RUNTIME", &text(runtime));
    }
    proc::timed("make the installer", || {
        proc::run_quietly(makensis.arg(workspace.root.join("packaging/windows/installer.nsi")))
    })?;
    Ok(out)
}
