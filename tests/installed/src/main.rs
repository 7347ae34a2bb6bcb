//! Installs the product for Windows under Wine and holds it against what it promises: a day's work with kills, setups that are
//! cut short, an upgrade, updates that are taken back, a removal that leaves the records, the pages of both, the archive for sticks,
//! and the message of a computer without the window's component.
//!
//! `cargo xtask windows --try` starts it, with the settings of Wine in its environment. It leaves pictures and prints what it measured.
//! Wine has no WebView2, so the window itself is not shown here: the core of the installed program is asked by its self-test, and the
//! day's work is done by the same core behind `shicha-host.exe`, in the folder in which the installed program keeps its records.

#[cfg(unix)]
mod component;
#[cfg(unix)]
mod endpoint;
#[cfg(unix)]
mod laptop;
#[cfg(unix)]
mod messages;
#[cfg(unix)]
mod promises;
#[cfg(unix)]
mod setups;
#[cfg(unix)]
mod stick;
#[cfg(unix)]
mod updates;
#[cfg(unix)]
mod wine;

#[cfg(unix)]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    use clap::Parser as _;
    promises::hold(&promises::Options::parse()).await
}

#[cfg(not(unix))]
fn main() {
    eprintln!("shicha-installed needs Wine");
    std::process::exit(2);
}
