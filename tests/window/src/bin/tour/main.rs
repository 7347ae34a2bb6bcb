//! The sample inspection, driven through the real window: leaves pictures of the screens in both languages, the on-site record as a
//! PDF, and the consolidated workbooks.

#[cfg(unix)]
mod tour;

#[cfg(unix)]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tour::main().await
}

#[cfg(not(unix))]
fn main() {
    eprintln!("shicha-tour needs a virtual display and WebKit's driver: Debian has them");
    std::process::exit(2);
}
