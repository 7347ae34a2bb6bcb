//! A central endpoint in a process of its own, with a bureau and people in it.

use std::{ffi::OsStr, path::Path, process::Stdio, sync::Arc, time::Instant};

use anyhow::{Context, Result};
use shicha_domain::suite::SigningKey;
use shicha_domain::{
    DeviceId, PersonId,
    directory::{Org, OrgKind, Person, Role},
};
use shicha_ledger::{DatabaseKey, KeyStore, Ledger};
use shicha_server::{
    Config,
    home::{Home, Place, now_ms},
    store::Enrolment,
};
use shicha_sync::{
    client,
    protocol::{EnrolCode, messages::Head},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    task,
};
use uuid::Uuid;

use crate::{by_hand::Device, data::START_MS, report, scale::laptop::Laptop};

/// By this word the program knows that it is to be the other process.
pub(crate) const SERVE: &str = "serve-for-measuring";

/// The same, with a clock that begins with [`START_MS`].
pub(crate) const SERVE_THEN: &str = "serve-for-measuring-then";

/// With which the ledgers are locked.
pub(crate) const PASSPHRASE: &str = "bench bench bench";

/// The bureaus below the city's.
pub(crate) const COUNTIES: [&str; 6] = ["320703", "320706", "320707", "320722", "320723", "320724"];

/// A central endpoint that runs.
pub(crate) struct Central {
    place: Place,
    pub(crate) url: String,
    child: Child,
}

impl Central {
    pub(crate) async fn start(dir: &Path) -> Result<Self> {
        Self::start_on(dir, None).await
    }

    /// With the store in that PostgreSQL database.
    pub(crate) async fn start_on(dir: &Path, database: Option<&str>) -> Result<Self> {
        let place = place(&dir.join("central"), database);
        Self::serving(SERVE, place, database).await
    }

    /// At the time of the measured entries, so that whoever is enrolled was so before they wrote them.
    pub(crate) async fn start_then(dir: &Path) -> Result<Self> {
        Self::serving(SERVE_THEN, place(&dir.join("central"), None), None).await
    }

    async fn serving(word: &str, place: Place, database: Option<&str>) -> Result<Self> {
        task::block_in_place(|| Self::prepare(&place))?;
        let mut words: Vec<&OsStr> = vec![word.as_ref(), place.dir.as_ref()];
        words.extend(database.map(OsStr::new));
        let (child, url) = start_other(&words).await?;
        Ok(Self { place, url, child })
    }

    /// Starts again, with the right time.
    pub(crate) async fn come_to_now(&mut self) -> Result<()> {
        self.child.kill().await?;
        let words: [&OsStr; 2] = [SERVE.as_ref(), self.place.dir.as_ref()];
        (self.child, self.url) = start_other(&words).await?;
        Ok(())
    }

    fn prepare(place: &Place) -> Result<()> {
        let (home, _) = Home::init(place.clone(), "bench", true)?;
        let counties = COUNTIES.map(|code| (code, Some("320700"), OrgKind::County));
        for (code, parent, kind) in [("320700", None, OrgKind::City)]
            .into_iter()
            .chain(counties)
        {
            home.store.put_org(
                &Org {
                    code: code.parse()?,
                    name: code.into(),
                    short_name: "苏连".into(),
                    parent: parent.map(str::parse).transpose()?,
                    kind,
                    region: None,
                },
                1,
            )?;
        }
        Ok(())
    }

    /// What it holds, for the administrator's part.
    pub(crate) fn home(&self) -> Result<Home> {
        Ok(Home::open(self.place.clone())?)
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.place.dir.clone()
    }

    /// The most memory that its process ever held, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        report::peak_memory(self.child.id().context("it runs")?)
    }

    /// A new ledger of somebody, enrolled here.
    pub(crate) async fn ledger(
        &self,
        dir: &Path,
        org: &str,
        role: Role,
    ) -> Result<(Ledger, PersonId)> {
        let (person, code, fingerprint) = task::block_in_place(|| self.invite(org, role))?;
        let key: DatabaseKey = KeyStore::new(dir).create_with_passphrase(PASSPHRASE)?;
        let (ledger, _) = Ledger::open(dir, &key, START_MS)?;
        client::enrol(&ledger, &self.url, &fingerprint, &code, "bench").await?;
        Ok((ledger, person))
    }

    /// A new person, a code for them, and the fingerprint that they compare.
    fn invite(&self, org: &str, role: Role) -> Result<(PersonId, String, String)> {
        let home = self.home()?;
        let person = add_person(&home, org, role)?;
        let code = EnrolCode::new(rand::random(), &home.signer.public_key());
        let now = now_ms();
        home.store.add_code(
            &home.signer.code_hash(&code.canonical()),
            person,
            now,
            now + 86_400_000,
        )?;
        Ok((person, code.to_string(), home.signer.fingerprint()))
    }

    /// Devices of as many inspectors, over all counties, that speak the protocol without a ledger of their own.
    pub(crate) fn laptops(&self, count: usize) -> Result<Vec<Laptop>> {
        task::block_in_place(|| {
            let home = self.home()?;
            (0..count)
                .map(|n| self.laptop(&home, COUNTIES[n % COUNTIES.len()]))
                .collect()
        })
    }

    fn laptop(&self, home: &Home, org: &str) -> Result<Laptop> {
        let person = add_person(home, org, Role::Inspector)?;
        let key = SigningKey::from_bytes(&rand::random());
        let (hash, now) = (rand::random(), now_ms());
        home.store.add_code(&hash, person, now, now + 86_400_000)?;
        let enrolment = Enrolment {
            code: hash,
            device: DeviceId(Uuid::now_v7()),
            public_key: key.public_key(),
            label: "bench".into(),
            now_ms: START_MS,
        };
        let (state, receipt) = home
            .store
            .enrol(&enrolment, &|receipt| home.signer.seal(receipt))?
            .context("the code is new")?;
        let device = Device {
            http: reqwest::Client::new(),
            url: self.url.clone(),
            server: home.signer.public_key(),
            key,
            id: state.device.id,
            person,
            token: String::new(),
            head: Head::EMPTY,
            after: Some(receipt.id()),
        };
        Ok(Laptop::new(device, format!("own/{org}").parse()?))
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

fn add_person(home: &Home, org: &str, role: Role) -> Result<PersonId> {
    let id = PersonId(Uuid::now_v7());
    home.store.put_person(&Person {
        id,
        name: format!("{role:?}"),
        org: org.parse()?,
        role,
        certificate: None,
        is_active: true,
    })?;
    Ok(id)
}

fn place(data: &Path, database: Option<&str>) -> Place {
    Place {
        database: database.map(str::to_owned),
        evidence: database.map(|_| data.join("evidence").into()),
        ..Place::from(data)
    }
}

/// Starts this program again as another process, and waits for the address that it says.
pub(crate) async fn start_other(words: &[&OsStr]) -> Result<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(words)
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
pub(crate) async fn serve(data: &Path, database: Option<&str>, is_then: bool) -> Result<()> {
    let mut config = Config::new(place(data, database), ([127, 0, 0, 1], 0).into());
    if is_then {
        let began = Instant::now();
        config.clock = Arc::new(move || START_MS + began.elapsed().as_millis() as u64);
    }
    let running = shicha_server::serve(config).await?;
    println!("{}", running.url());
    std::future::pending().await
}
