//! The central endpoint of the sample: the administrator's own commands, and the endpoint itself, by the clock of the sample.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser as _;
use shicha_server::{Config, Running, cli, home::Home, serve};
use shicha_sync::protocol::EnrolCode;

use crate::{
    city::{CITY, directory},
    clock::SetClock,
};

const DAY_MS: u64 = 86_400_000;

/// A central endpoint; it runs between [`Central::start`] and [`Central::stop`].
pub(crate) struct Central {
    data: PathBuf,
    clock: SetClock,
    listen: SocketAddr,
    running: Option<Running>,
}

impl Central {
    /// Makes the data folder, with everybody in it, and publishes the pack.
    pub(crate) fn make(
        data: PathBuf,
        pack: &Path,
        listen: SocketAddr,
        clock: &SetClock,
    ) -> Result<Self> {
        let central = Self {
            data,
            clock: clock.clone(),
            listen,
            running: None,
        };
        central.command(&[
            "init",
            "--name",
            "样本·连云港市应急管理局中心端",
            "--sample",
        ])?;
        let everybody = central.data.join("directory.json");
        fs::write(&everybody, directory().to_string())?;
        central.command(&["org", "import", path(&everybody)?])?;
        fs::remove_file(&everybody)?;
        central.command(&["pack", "publish", path(pack)?, "--org", CITY])?;
        Ok(central)
    }

    fn command(&self, words: &[&str]) -> Result<()> {
        let line = ["shicha-server", "--data", path(&self.data)?];
        let cli = cli::Cli::try_parse_from(line.iter().chain(words))?;
        let code = cli::run_at(cli, self.clock.now());
        ensure!(code == ExitCode::SUCCESS, "shicha-server {words:?} failed");
        Ok(())
    }

    /// Serves.
    pub(crate) async fn start(&mut self) -> Result<()> {
        let mut config = Config::new(&self.data, self.listen);
        let clock = self.clock.clone();
        config.clock = Arc::new(move || clock.now());
        let running = serve(config).await?;
        // A port that was left to the system stays the same from now on: devices remember the address.
        self.listen = running.addr;
        self.running = Some(running);
        Ok(())
    }

    /// Serves no more.
    pub(crate) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
    }

    /// Where it listens.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// A one-time enrolment code for somebody, and the fingerprint of the endpoint, as `code new` gives them.
    pub(crate) fn code(&self, name: &str) -> Result<(String, String)> {
        let home = Home::open(&self.data)?;
        let register = home.store.register()?;
        let mut people = register
            .directory
            .people
            .iter()
            .filter(|person| person.name == name);
        let (Some(person), None) = (people.next(), people.next()) else {
            bail!("not exactly one person is called {name}");
        };
        let code = EnrolCode::new(rand::random(), &home.signer.public_key());
        let now = self.clock.now();
        let hash = home.signer.code_hash(&code.canonical());
        home.store.add_code(&hash, person.id, now, now + DAY_MS)?;
        Ok((code.to_string(), home.signer.fingerprint()))
    }
}

fn path(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is no text", path.display()))
}
