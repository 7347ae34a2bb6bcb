//! The Debian packages that building and testing need, and putting in place those that are missing.
//!
//! Other systems are left alone: what is needed there stands in the README.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::proc;

/// To build: a C compiler and linker, the libraries of the window, OpenSSL for the encrypted database.
const BUILD: &[&str] = &[
    "build-essential",
    "pkg-config",
    "libwebkit2gtk-4.1-dev",
    "librsvg2-dev",
    "libssl-dev",
];

/// To test and to look: a display without a screen, the drivers of the window and of a browser, Chinese fonts, a PDF reader, a
/// clock that can be set for one program, a credential store, a PostgreSQL server, a desktop's places for icons and notices, a
/// hand for its pointer.
const TEST: &[&str] = &[
    "xvfb",
    "webkit2gtk-driver",
    "chromium",
    "fonts-noto-cjk",
    "poppler-utils",
    "faketime",
    "dbus-daemon",
    "gnome-keyring",
    "postgresql",
    "libayatana-appindicator3-1",
    "trayer",
    "dunst",
    "xdotool",
];

/// Installs what is missing; where that needs somebody else's rights, says what to install.
pub(crate) fn install() -> Result<()> {
    if !proc::succeeds(Command::new("dpkg-query").arg("--version")) {
        if cfg!(target_os = "linux") {
            println!(
                "not a Debian system: see to it that these are there: {} {}",
                BUILD.join(" "),
                TEST.join(" ")
            );
        }
        return Ok(());
    }
    let all: Vec<&str> = BUILD.iter().chain(TEST).copied().collect();
    put_in_place(&all)
}

/// Installs those of the packages that are missing.
pub(crate) fn put_in_place(packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages
        .iter()
        .copied()
        .filter(|package| version(package).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if apt_get().is_none() {
        bail!(
            "packages are missing; install them with: sudo apt-get install --no-install-recommends {}",
            missing.join(" ")
        );
    }
    proc::timed(&format!("install {}", missing.join(" ")), || {
        update()?;
        let mut words = vec!["install", "--yes", "--no-install-recommends"];
        words.extend(&missing);
        with_rights(&words)
    })
}

/// Fetches the lists of packages.
pub(crate) fn update() -> Result<()> {
    with_rights(&["update"])
}

fn with_rights(words: &[&str]) -> Result<()> {
    let mut command = apt_get().context("no right to use apt-get")?;
    proc::run_quietly(command.args(["-o", "Acquire::Retries=3"]).args(words))
}

/// The version of a package that is installed.
pub(crate) fn version(package: &str) -> Option<String> {
    let output = Command::new("dpkg-query")
        .args([
            "--show",
            "--showformat",
            "${db:Status-Status} ${Version}",
            package,
        ])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.strip_prefix("installed ").map(str::to_owned)
}

/// `apt-get` with the right to install, if there is one.
fn apt_get() -> Option<Command> {
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let mut command = if is_root {
        Command::new("apt-get")
    } else if proc::succeeds(Command::new("sudo").args(["--non-interactive", "true"])) {
        let mut sudo = Command::new("sudo");
        sudo.args([
            "--non-interactive",
            "--preserve-env=DEBIAN_FRONTEND",
            "apt-get",
        ]);
        sudo
    } else {
        return None;
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Some(command)
}
