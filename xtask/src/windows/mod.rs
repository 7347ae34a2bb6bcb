//! `cargo xtask windows`: the programs and the installer for Windows, made and tried out on a Debian machine.
//!
//! Nothing global is changed but packages of the system: the toolchain, Windows' share of it and Wine's folder lie in a cache folder,
//! what is built lies in `target/windows`. How the same is built on a Windows machine, and how both are signed, stands in
//! `docs/release.md`.

mod installer;
mod pins;
mod portable;
mod suites;
mod toolchain;
mod trial;
mod wine;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{fonts, front_end, proc, workspace::Workspace};

use self::{toolchain::Toolchain, wine::Wine};

/// What is built for.
const TARGET: &str = "x86_64-pc-windows-gnu";

const SERVER: &str = "shicha-server.exe";
const LOADER: &str = "WebView2Loader.dll";
/// The key of updates in programs that are made to be tried out and not to be handed out.
const TRIAL_KEY: &str = "SHICHA_TRIAL_UPDATE_KEY";

/// What to do.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run the test suites of core, endpoint and shell under Wine, in a folder whose name is Chinese and has spaces.
    #[arg(long)]
    test: bool,
    /// Install under Wine what was built and try it out: a day's work, kills, updates, upgrades, removals, the archive for sticks.
    #[arg(long = "try", conflicts_with = "test")]
    tried: bool,
    /// Folder for the toolchain and Wine, also named by SHICHA_WINDOWS_CACHE; several checkouts can share it.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Where Debian no longer has the compiler of the version that is written down here, take the one that it has.
    #[arg(long)]
    unpinned: bool,
    /// The offline installer of WebView2, to be shipped within ours; by default what lies in packaging/windows/webview2.
    #[arg(long, value_name = "FILE")]
    webview2: Option<PathBuf>,
    /// A program that signs the file that it is given, in place: it is given the programs, the uninstaller and the installer.
    #[arg(long, value_name = "PROGRAM")]
    sign: Option<PathBuf>,
}

/// Builds, and tests or tries out if that is wished.
pub(crate) fn windows(workspace: &Workspace, options: &Options) -> Result<()> {
    let cache = match &options.cache {
        Some(folder) => std::path::absolute(folder)?,
        None => default_cache()?,
    };
    let toolchain = Toolchain::set_up(&cache, workspace, options.unpinned)?;
    front_end::check_node()?;
    front_end::install(workspace)?;
    if options.test {
        fonts::fetch(workspace)?;
        let wine = Wine::set_up(&cache)?;
        return suites::run(workspace, &toolchain, &wine);
    }
    front_end::build(workspace)?;
    let runtime = installer::runtime(workspace, options.webview2.as_deref())?;
    let signer = options
        .sign
        .as_deref()
        .map(std::path::absolute)
        .transpose()?;
    let built = Built::release(workspace, &toolchain, signer)?;
    let setup = installer::make(workspace, &built, runtime.as_deref(), &version(workspace)?)?;
    let stick = portable::make(workspace, &built, &version(workspace)?)?;
    tell(workspace, &built, &[&setup, &stick])?;
    if options.tried {
        let wine = Wine::set_up(&cache)?;
        trial::run(workspace, &toolchain, &wine, &setup, &stick)?;
    }
    Ok(())
}

fn default_cache() -> Result<PathBuf> {
    if let Some(chosen) = env::var_os("SHICHA_WINDOWS_CACHE") {
        return Ok(std::path::absolute(PathBuf::from(chosen))?);
    }
    let folder = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    folder("XDG_CACHE_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".cache")))
        .map(|caches| caches.join("shicha-windows"))
        .context("neither HOME nor XDG_CACHE_HOME is set; choose a folder with --cache")
}

/// The version of the application, as its manifest has it.
fn version(workspace: &Workspace) -> Result<String> {
    let packages = workspace.metadata["packages"].as_array();
    packages
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "shicha")
        .and_then(|package| package["version"].as_str())
        .map(str::to_owned)
        .context("the application has no version")
}

/// What was built.
struct Built {
    /// Where it lies, under the names by which it is installed.
    folder: PathBuf,
    /// What signs.
    signer: Option<PathBuf>,
}

impl Built {
    fn release(
        workspace: &Workspace,
        toolchain: &Toolchain,
        signer: Option<PathBuf>,
    ) -> Result<Self> {
        proc::timed("build for Windows", || {
            proc::run(
                toolchain
                    .cargo(workspace)?
                    // What is handed out never bears the key of a trial.
                    .env_remove(TRIAL_KEY)
                    .args([
                        "build",
                        "--locked",
                        "--release",
                        "--package",
                        "shicha",
                        "--package",
                        "shicha-server",
                        "--bins",
                    ]),
            )
        })?;
        Self::gathered(workspace, toolchain, "dist", signer)
    }

    /// What was made last, in a folder of its own under the names by which it is installed.
    fn gathered(
        workspace: &Workspace,
        toolchain: &Toolchain,
        folder: &str,
        signer: Option<PathBuf>,
    ) -> Result<Self> {
        let made = toolchain.made(workspace, "release");
        let folder = toolchain::target(workspace).join(folder);
        crate::files::remove_all(&folder)?;
        copy(&made.join("shicha.exe"), &folder.join("Shicha.exe"))?;
        copy(&made.join(SERVER), &folder.join(SERVER))?;
        // Linked with Microsoft's linker the program has the loader of the window's component within; otherwise it lies beside it.
        if made.join(LOADER).exists() {
            copy(&made.join(LOADER), &folder.join(LOADER))?;
        }
        if let Some(signer) = &signer {
            for program in ["Shicha.exe", SERVER] {
                proc::run(Command::new(signer).arg(folder.join(program)))?;
            }
        }
        Ok(Self { folder, signer })
    }
}

/// The fonts that are shipped, in a folder.
fn fonts(workspace: &Workspace) -> Result<PathBuf> {
    let noto = workspace
        .ui()
        .join("node_modules/@expo-google-fonts/noto-serif-sc");
    let fonts = toolchain::target(workspace).join("fonts");
    for (weight, name) in [
        ("400Regular", "NotoSerifSC_400Regular.ttf"),
        ("700Bold", "NotoSerifSC_700Bold.ttf"),
    ] {
        copy(&noto.join(weight).join(name), &fonts.join(name))?;
    }
    Ok(fonts)
}

/// Copies a file into a folder that may have to be made.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::copy(from, to)
        .with_context(|| format!("copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn tell(workspace: &Workspace, built: &Built, others: &[&Path]) -> Result<()> {
    println!("\nmade:");
    let mut files = crate::files::below(&built.folder, &[])?;
    files.extend(others.iter().map(|file| file.to_path_buf()));
    for file in files {
        let bytes = std::fs::metadata(&file)?.len();
        println!("  {:>12} bytes  {}", bytes, workspace.short(&file));
    }
    Ok(())
}
