//! The central endpoint of a storm: one or more processes, what they share, and what an administrator does.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use shicha_domain::{
    PersonId,
    directory::{Org, OrgKind, Person, Role},
};
use shicha_server::{
    evidence::Location,
    home::{Home, Place},
};
use shicha_sync::protocol::EnrolCode;
use uuid::Uuid;

use crate::{
    ENDPOINT, Storage, children::Process, laptop::wall_ms, line::Upstreams, postgres::Cluster,
    s3::S3,
};

/// How long the database may be away.
const PATIENCE: Duration = Duration::from_secs(60);

/// The endpoint.
pub(crate) struct Endpoint {
    dir: PathBuf,
    pub(crate) cluster: Option<Cluster>,
    /// Serves for as long as this is there.
    _s3: Option<S3>,
    places: Vec<Place>,
    processes: Vec<Option<Process>>,
    pub(crate) upstreams: Upstreams,
}

impl Endpoint {
    pub(crate) fn start(dir: &Path, storage: Storage) -> Result<Self> {
        let (cluster, s3, count) = match storage {
            Storage::Sqlite => (None, None, 1),
            Storage::Postgres => (Some(Cluster::start()?), Some(S3::start()), 2),
        };
        let place = Place {
            dir: dir.join("data-0"),
            database: cluster.as_ref().map(Cluster::url),
            evidence: s3.as_ref().map(S3::location),
        };
        let (home, _) = Home::init(place.clone(), "风暴", true)?;
        for (code, parent, kind) in [
            ("320700", None, OrgKind::City),
            ("320703", Some("320700"), OrgKind::County),
            ("320706", Some("320700"), OrgKind::County),
        ] {
            home.store.put_org(
                &Org {
                    code: code.parse()?,
                    name: code.to_owned(),
                    short_name: "苏连".to_owned(),
                    parent: parent.map(str::parse).transpose()?,
                    kind,
                    region: None,
                },
                1,
            )?;
        }
        let mut places = vec![place.clone()];
        for n in 1..count {
            let other = dir.join(format!("data-{n}"));
            std::fs::create_dir(&other)?;
            std::fs::copy(place.dir.join("server.key"), other.join("server.key"))?;
            places.push(Place {
                dir: other,
                ..place.clone()
            });
        }
        let mut endpoint = Self {
            dir: dir.to_owned(),
            cluster,
            _s3: s3,
            processes: places.iter().map(|_| None).collect(),
            upstreams: Upstreams::default(),
            places,
        };
        *endpoint.upstreams.lock() = vec![None; count];
        for at in 0..count {
            endpoint.begin(at)?;
        }
        Ok(endpoint)
    }

    /// How many processes there are.
    pub(crate) fn count(&self) -> usize {
        self.processes.len()
    }

    /// What an administrator's command is given before its own words.
    fn words(&self, at: usize) -> Result<Vec<OsString>> {
        let place = self.places.get(at).context("a process")?;
        let mut words = vec!["--json".into(), "--data".into(), place.dir.clone().into()];
        if let Some(database) = &place.database {
            words.extend(["--database".into(), database.into()]);
        }
        if let Some(evidence) = &place.evidence {
            words.extend(["--evidence".into(), evidence.to_string().into()]);
        }
        Ok(words)
    }

    fn environment(&self) -> Vec<(String, String)> {
        match self
            .places
            .first()
            .and_then(|place| place.evidence.as_ref())
        {
            Some(Location::Bucket(address)) => address.settings.clone().into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn begin(&mut self, at: usize) -> Result<()> {
        let mut words = self.words(at)?;
        // Four laptops in a hurry behind one address are no measure of what a device may ask.
        let serve = ["serve", "--listen", "127.0.0.1:0", "--device-rate", "0"];
        words.extend(serve.map(OsString::from));
        words.extend(["--address-rate", "0"].map(OsString::from));
        let complaints = self.complaints(at);
        let (process, said) = Process::start(ENDPOINT, words, self.environment(), &complaints)?;
        let said: serde_json::Value =
            serde_json::from_str(&said).with_context(|| format!("it said {said}"))?;
        let addr = said["addr"].as_str().with_context(|| said.to_string())?;
        if let Some(upstream) = self.upstreams.lock().get_mut(at) {
            *upstream = Some(addr.parse()?);
        }
        if let Some(place) = self.processes.get_mut(at) {
            *place = Some(process);
        }
        Ok(())
    }

    fn complaints(&self, at: usize) -> PathBuf {
        self.dir.join(format!("endpoint-{at}.log"))
    }

    /// Kills a process and starts it again, at another address, as a balancer in front would notice.
    pub(crate) fn kill(&mut self, at: usize) -> Result<()> {
        if let Some(process) = self.processes.get_mut(at).and_then(Option::take) {
            process.kill()?;
        }
        if let Some(upstream) = self.upstreams.lock().get_mut(at) {
            *upstream = None;
        }
        self.begin(at)
    }

    /// None of them has ended by itself.
    pub(crate) fn is_there(&mut self) -> Result<()> {
        for (at, process) in self.processes.iter_mut().enumerate() {
            let is_gone = match process {
                Some(process) => process.is_gone()?,
                None => true,
            };
            ensure!(!is_gone, "process {at} of the endpoint ended by itself");
        }
        Ok(())
    }

    /// What it holds, as an administrator's command finds it, while it serves.
    pub(crate) fn home(&self) -> Result<Home> {
        let begin = Instant::now();
        loop {
            let place = self.places.first().context("a place")?.clone();
            match Home::open(place) {
                Ok(home) => return Ok(home),
                Err(error) if begin.elapsed() > PATIENCE => return Err(error.into()),
                // The database is on its way up.
                Err(_) => std::thread::yield_now(),
            }
        }
    }

    /// A person, and a code to enrol with.
    pub(crate) fn invite(&self, name: &str, org: &str, role: Role) -> Result<String> {
        let home = self.home()?;
        let id = PersonId(Uuid::now_v7());
        home.store.put_person(&Person {
            id,
            name: name.to_owned(),
            org: org.parse()?,
            role,
            certificate: None,
            is_active: true,
        })?;
        let code = EnrolCode::new(rand::random(), &home.signer.public_key());
        let now = wall_ms();
        let hash = home.signer.code_hash(&code.canonical());
        home.store.add_code(&hash, id, now, now + 86_400_000)?;
        Ok(code.to_string())
    }

    /// `shicha-server verify`, as an administrator runs it. What it counted.
    pub(crate) fn verify(&self) -> Result<serde_json::Value> {
        let mut words = self.words(0)?;
        words.push("verify".into());
        let complaints = self.dir.join("verify.log");
        let (process, said) = Process::start(ENDPOINT, words, self.environment(), &complaints)?;
        let said: serde_json::Value = serde_json::from_str(&said)?;
        if let Err(error) = process.stop() {
            bail!("verify: {error}: {said}");
        }
        Ok(said)
    }

    /// The last that the processes complained of.
    pub(crate) fn last_complaints(&self) -> String {
        let of = |at| {
            let text = std::fs::read_to_string(self.complaints(at)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(8).collect();
            lines.into_iter().rev().collect::<Vec<_>>().join("\n")
        };
        (0..self.count()).map(of).collect::<Vec<_>>().join("\n--\n")
    }
}
