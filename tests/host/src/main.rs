//! The application's handlers behind a local HTTP port, so that its screens run in a plain browser: for development and tests.
//!
//! ```text
//! POST /rpc/{name}          a call; 200 with the response, 400 with the error
//! GET  /events              server-sent events
//! GET  /evidence/{hash}     evidence (`?size=`), with stretches
//! GET  /files/{token}       a file that a handler made
//! GET  /…                   the screens, under the same content security policy as in the desktop window
//! ```
//!
//! It listens on the loopback interface only and answers only requests that name it by its loopback address: a page of another site that
//! is open in the same browser gets nothing. It is no part of what is shipped.

mod clock;
mod routes;

use std::{net::Ipv4Addr, path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result};
use clap::Parser;
use shicha_api::{App, AppConfig};
use tokio::net::TcpListener;

use crate::clock::ShiftedClock;

#[derive(Parser)]
#[command(name = "shicha-host", about = "Shicha's screens in a plain browser")]
struct Options {
    /// Folder with the data; made when it is not there.
    #[arg(long)]
    data: PathBuf,
    /// Folder with the built screens.
    #[arg(long, default_value = "ui/dist")]
    ui: PathBuf,
    /// Folders with fonts.
    #[arg(long, default_value = "target/fonts")]
    fonts: Vec<PathBuf>,
    /// Port on the loopback interface; 0 takes any free one.
    #[arg(long, default_value_t = 5184)]
    port: u16,
    /// The moment at which the clock starts, e.g. 2022-06-15T09:00:00+08:00; the system's time when left out.
    #[arg(long, value_parser = clock::parse_moment)]
    now: Option<u64>,
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let options = Options::parse();
    let core = App::new(AppConfig {
        data_dir: options.data.clone(),
        font_dirs: options.fonts.clone(),
        clock: Arc::new(ShiftedClock::starting_at(options.now)),
        label: "shicha-host".into(),
        host: Arc::new(shicha_api::host::Bare),
    })
    .with_context(|| format!("open {}", options.data.display()))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
        .await
        .with_context(|| format!("listen at port {}", options.port))?;
    let address = listener.local_addr()?;
    println!(
        "{}",
        serde_json::json!({ "url": format!("http://{address}") })
    );
    axum::serve(listener, routes::routes(core.clone(), address, &options.ui))
        .with_graceful_shutdown(async {
            // Without a handler the program ends as the system does it.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await?;
    core.shutdown().await;
    Ok(())
}
