//! A central endpoint in a process of its own, with a bureau and people in it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result};
use shicha_domain::{
    PersonId,
    directory::{Org, OrgKind, Person, Role},
};
use shicha_ledger::{DatabaseKey, KeyStore, Ledger};
use shicha_server::{Config, home::Home};
use shicha_sync::{client, protocol::EnrolCode};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};
use uuid::Uuid;

use crate::data::START_MS;

/// By this word the program knows that it is to be the other process.
pub(crate) const SERVE: &str = "serve-for-measuring";

/// A central endpoint that runs.
pub(crate) struct Central {
    data: PathBuf,
    pub(crate) url: String,
    child: Child,
}

impl Central {
    pub(crate) async fn start(dir: &Path) -> Result<Self> {
        let data = dir.join("central");
        let (home, _) = Home::init(&data, "bench", true)?;
        for (code, parent, kind) in [
            ("320700", None, OrgKind::City),
            ("320703", Some("320700"), OrgKind::County),
        ] {
            home.store.put_org(&Org {
                code: code.parse()?,
                name: code.into(),
                short_name: "苏连".into(),
                parent: parent.map(str::parse).transpose()?,
                kind,
                region: None,
            })?;
        }
        drop(home);
        let (child, url) = start_other(SERVE, &data).await?;
        Ok(Self { data, url, child })
    }

    /// A new ledger of somebody, enrolled here.
    pub(crate) async fn ledger(
        &self,
        dir: &Path,
        org: &str,
        role: Role,
    ) -> Result<(Ledger, PersonId)> {
        let person = PersonId(Uuid::from_u128(rand::random()));
        let home = Home::open(&self.data)?;
        home.store.put_person(&Person {
            id: person,
            name: format!("{role:?}"),
            org: org.parse()?,
            role,
            certificate: None,
            is_active: true,
        })?;
        let code = EnrolCode::new(rand::random(), &home.signer.public_key());
        let now = shicha_server::home::now_ms();
        home.store.add_code(
            &home.signer.code_hash(&code.canonical()),
            person,
            now,
            now + 86_400_000,
        )?;
        let key: DatabaseKey = KeyStore::new(dir).create_with_passphrase("bench bench bench")?;
        let (ledger, _) = Ledger::open(dir, &key, START_MS)?;
        client::enrol(
            &ledger,
            &self.url,
            &home.signer.fingerprint(),
            &code.to_string(),
            "bench",
        )
        .await?;
        Ok((ledger, person))
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

/// Starts this program again as another process, and waits for the address that it says.
pub(crate) async fn start_other(word: &str, dir: &Path) -> Result<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(word)
        .arg(dir)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
    let url = lines
        .next_line()
        .await?
        .context("it ended without an address")?;
    Ok((child, url))
}

/// What the other process does.
pub(crate) async fn serve(data: &Path) -> Result<()> {
    let running = shicha_server::serve(Config::new(data, ([127, 0, 0, 1], 0).into())).await?;
    println!("{}", running.url());
    std::future::pending().await
}
