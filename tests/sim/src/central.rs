//! The central endpoint: one data folder, one to three instances that serve it.

use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use anyhow::{Context as _, Result, ensure};
use axum::body::{Body, to_bytes};
use parking_lot::Mutex;
use shicha_domain::{
    Channel, DeviceId, Entry, EntryId, PersonId, bounds,
    directory::{Org, OrgKind, Person, Role},
    suite::SigningKey,
};
use shicha_server::{
    Instance,
    home::{DATABASE_FILE, EVIDENCE_FOLDER, Home, Place},
    signer::{KEY_FILE, Signer},
    store::{PullQuery, SqliteStore, Store as _},
};
use shicha_sync::{
    Random,
    client::{Clock as _, Method, Reply, Request},
    protocol::{
        BatchWriter, EnrolCode, VERSION_HEADER,
        wire::{self, Held},
    },
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    clock::Watch,
    dice::Dice,
    disk::{Disk, Process},
    shared::{SharedStore, Used},
    vfs,
};

/// The most bytes of an answer.
const MOST: usize = 64 << 20;
/// Enrolment codes last for the whole run, whatever the clocks do.
const YEARS_MS: u64 = 100 * 365 * 86_400_000;

/// Who takes part, by turns: the organisation and the role.
pub(crate) const PEOPLE: [(&str, Role); 8] = [
    ("320703", Role::Inspector),
    ("320703", Role::Inspector),
    ("320700", Role::Supervisor),
    ("320706", Role::Inspector),
    ("TI-01", Role::Institution),
    ("320703", Role::Supervisor),
    ("320706", Role::Supervisor),
    ("320700", Role::Administrator),
];

/// The identity of a person, by their place among all.
pub(crate) fn person(n: usize) -> PersonId {
    PersonId(Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 + n as u128,
    ))
}

struct Running {
    instance: Instance,
    process: Process,
}

/// The central endpoint.
pub(crate) struct Central {
    /// Its data folder.
    pub(crate) dir: PathBuf,
    /// The disk below it.
    pub(crate) disk: Arc<Disk>,
    /// Its clock.
    pub(crate) watch: Watch,
    random: Random,
    dice: Arc<Mutex<Dice>>,
    used: Used,
    instances: Vec<Option<Running>>,
}

impl Central {
    /// A new one, with everybody in its directory and nothing running.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub(crate) fn new(root: &Path, instances: usize, watch: Watch, dice: &Dice) -> Result<Self> {
        let dir = root.join("central");
        copy(template()?, &dir)?;
        let disk = Arc::new(Disk::new(dice.branch(1)));
        vfs::mount(&dir, Arc::clone(&disk));
        let dice = Arc::new(Mutex::new(dice.branch(2)));
        Ok(Self {
            dir,
            disk,
            watch,
            random: random_of(&dice),
            dice,
            used: Used::default(),
            instances: (0..instances).map(|_| None).collect(),
        })
    }

    /// How many instances there are, running or not.
    pub(crate) fn count(&self) -> usize {
        self.instances.len()
    }

    /// Which instances run.
    pub(crate) fn running(&self) -> Vec<usize> {
        (0..self.count())
            .filter(|n| self.instances[*n].is_some())
            .collect()
    }

    /// Starts an instance.
    ///
    /// # Errors
    /// When it cannot start.
    pub(crate) fn start(&mut self, n: usize) -> Result<()> {
        let process = self.disk.begin();
        let started = self.opened();
        if self.disk.is_dead(process) {
            return Ok(());
        }
        let instance = match started {
            Ok(instance) => instance,
            // Without any space it may not even start.
            Err(_) if self.disk.is_short() => return Ok(()),
            Err(error) => return Err(error),
        };
        self.instances[n] = Some(Running { instance, process });
        Ok(())
    }

    fn opened(&self) -> Result<Instance> {
        let store = SqliteStore::open(&self.dir.join(DATABASE_FILE))?;
        let info = store.info()?.context("the store has a name")?;
        let location = Place::from(&self.dir).evidence();
        let home = Home {
            dir: self.dir.clone(),
            store: Box::new(SharedStore {
                store,
                used: Arc::clone(&self.used),
            }),
            signer: Signer::load(&self.dir)?,
            evidence: location.open()?,
            location,
            info,
        };
        let watch = self.watch.clone();
        let clock = Arc::new(move || watch.now_ms());
        Ok(Instance::start(home, clock, self.random.clone())?)
    }

    /// An instance ends at the disk operation after so many.
    pub(crate) fn kill_after(&self, n: usize, operations: u64) {
        if let Some(running) = &self.instances[n] {
            self.disk.kill_after(running.process, operations);
        }
    }

    /// An instance ends now.
    pub(crate) fn kill(&mut self, n: usize) {
        if let Some(running) = self.instances[n].take() {
            self.disk.kill(running.process);
        }
    }

    /// All instances end, and what was not synced may be gone.
    ///
    /// # Errors
    /// When the real files cannot be changed.
    pub(crate) fn cut_power(&mut self) -> Result<()> {
        for n in self.running() {
            self.kill(n);
        }
        self.disk.cut_power()?;
        Ok(())
    }

    /// All instances end in order.
    pub(crate) fn stop(&mut self) {
        self.instances
            .iter_mut()
            .for_each(|running| *running = None);
    }

    /// An instance answers; `None` when it does not live to.
    ///
    /// # Errors
    /// When what it answers is no answer.
    pub(crate) async fn answer(
        &mut self,
        n: usize,
        speaks: u32,
        request: &Request,
    ) -> Result<Option<Reply>> {
        let Some(running) = &self.instances[n] else {
            return Ok(None);
        };
        self.disk.works(running.process);
        let mut builder = axum::http::Request::builder()
            .method(match request.method {
                Method::Get => "GET",
                Method::Post => "POST",
                Method::Patch => "PATCH",
            })
            .uri(&request.path)
            .header(VERSION_HEADER, speaks);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let asked = builder.body(Body::from(request.body.clone()))?;
        let response = running
            .instance
            .answer(asked, SocketAddr::from(([10, 0, 0, 1], 1)))
            .await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, MOST).await?.to_vec();
        if self.disk.is_dead(running.process) {
            self.instances[n] = None;
            return Ok(None);
        }
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| Ok((name.as_str().to_owned(), value.to_str()?.to_owned())));
        Ok(Some(Reply {
            status: parts.status.as_u16(),
            headers: headers.collect::<Result<_>>()?,
            body,
        }))
    }

    /// Works with the data folder as a command of the administrator does, through an instance that runs.
    pub(crate) fn home(&self) -> Option<&Home> {
        let running = self.instances.iter().flatten().next()?;
        self.disk.works(running.process);
        Some(running.instance.home())
    }

    /// What an administrator does who hears that entries are not taken because the clock lies behind the newest receipt: states that it
    /// was ahead. Whether that was so.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub(crate) fn correct_clock(&self) -> Result<bool> {
        let Some(running) = self.instances.iter().flatten().next() else {
            return Ok(false);
        };
        self.disk.works(running.process);
        let newest_ms = running.instance.home().store.newest_receipt_ms()?;
        let is_behind = bounds::received(self.watch.now_ms(), newest_ms, 0).is_none();
        if is_behind {
            running.instance.correct_clock()?;
        }
        Ok(is_behind)
    }

    /// A new enrolment code for a person.
    ///
    /// # Errors
    /// When the store cannot keep it, or nothing runs.
    pub(crate) fn code(&self, person: PersonId) -> Result<String> {
        let home = self.home().context("an instance runs")?;
        let mut bytes = [0; 5];
        self.dice.lock().fill(&mut bytes);
        let code = EnrolCode::new(bytes, &home.signer.public_key());
        let now_ms = self.watch.now_ms();
        let hash = home.signer.code_hash(&code.canonical());
        home.store
            .add_code(&hash, person, now_ms, now_ms + YEARS_MS)?;
        Ok(code.to_string())
    }

    /// The fingerprint of its key.
    ///
    /// # Errors
    /// When the key is gone.
    pub(crate) fn fingerprint(&self) -> Result<String> {
        Ok(Signer::load(&self.dir)?.fingerprint())
    }

    /// What channels hold beyond the numbers that are known, with each entry's number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn beyond(
        &self,
        known: &HashMap<Channel, u64>,
    ) -> Result<Vec<(Channel, u64, EntryId, Entry)>> {
        let Some(home) = self.home() else {
            return Ok(Vec::new());
        };
        let mut batch = BatchWriter::new();
        let pulled = home.store.pull(
            &PullQuery {
                person: person(7),
                may_read: &|_| true,
                only: None,
                held: &known
                    .iter()
                    .map(|(channel, upto)| (channel.clone(), Held::upto(*upto)))
                    .collect(),
                max_entries: 100_000,
                max_event_bytes: 16 << 20,
            },
            &mut batch,
        )?;
        ensure!(!pulled.more, "one look is enough");
        let pull = wire::read_pull(&wire::write_pull(&pulled.channels, pulled.more, batch)?)?;
        let mut rows = pull.batch.rows.into_iter();
        let mut found = Vec::new();
        for channel in pull.channels {
            for row in rows.by_ref().take(channel.rows) {
                found.push((channel.channel.clone(), row.number, row.id, row.entry));
            }
        }
        Ok(found)
    }

    /// Copies the data folder as the administrator's `backup` does.
    ///
    /// # Errors
    /// When it cannot be copied, or nothing runs.
    pub(crate) fn backup(&self, to: &Path) -> Result<()> {
        let home = self.home().context("an instance runs")?;
        fs::create_dir_all(to)?;
        home.store.backup_to(
            &to.join(DATABASE_FILE),
            self.random.id_at(self.watch.now_ms()),
        )?;
        fs::copy(self.dir.join(KEY_FILE), to.join(KEY_FILE))?;
        copy(&self.dir.join(EVIDENCE_FOLDER), &to.join(EVIDENCE_FOLDER))
    }

    /// The data folder is the copy, and nothing runs.
    ///
    /// # Errors
    /// When it cannot be put in place.
    pub(crate) fn restore(&mut self, from: &Path) -> Result<()> {
        self.stop();
        fs::remove_dir_all(&self.dir)?;
        copy(from, &self.dir)?;
        self.disk.replaced();
        Ok(())
    }

    /// Whether a device is known, and was not revoked.
    ///
    /// # Errors
    /// When the store cannot be read, or nothing runs.
    pub(crate) fn knows(&self, device: DeviceId) -> Result<bool> {
        let home = self.home().context("an instance runs")?;
        Ok(home
            .store
            .device(device)?
            .is_some_and(|device| device.is_active()))
    }

    /// Revokes a device.
    ///
    /// # Errors
    /// When the store cannot be written, or nothing runs.
    pub(crate) fn revoke(&self, device: DeviceId) -> Result<()> {
        let home = self.home().context("an instance runs")?;
        home.store.revoke(device, self.watch.now_ms())?;
        Ok(())
    }
}

impl Drop for Central {
    fn drop(&mut self) {
        self.stop();
        vfs::unmount(&self.dir);
    }
}

/// Randomness by dice.
pub(crate) fn random_of(dice: &Arc<Mutex<Dice>>) -> Random {
    let dice = Arc::clone(dice);
    Random::from_fn(move |bytes| dice.lock().fill(bytes))
}

/// Copies a folder.
///
/// # Errors
/// When it cannot be read or written.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    if !from.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The folder that every run begins with; made once in a process.
fn template() -> Result<&'static Path> {
    static MADE: OnceLock<Result<TempDir, String>> = OnceLock::new();
    let made = MADE.get_or_init(|| make_template().map_err(|error| format!("{error:#}")));
    match made {
        Ok(dir) => Ok(dir.path()),
        Err(error) => Err(anyhow::anyhow!("{error}")),
    }
}

fn make_template() -> Result<TempDir> {
    let dir = tempfile::tempdir_in(crate::root())?;
    let store = SqliteStore::open(&dir.path().join(DATABASE_FILE))?;
    store.set_info("连云港市应急管理局中心端", true, Uuid::from_u128(1))?;
    for (code, parent, kind) in [
        ("320700", None, OrgKind::City),
        ("320703", Some("320700"), OrgKind::County),
        ("320706", Some("320700"), OrgKind::County),
        ("TI-01", Some("320703"), OrgKind::Institution),
    ] {
        store.put_org(
            &Org {
                code: code.parse()?,
                name: format!("组织{code}"),
                short_name: "苏连".to_owned(),
                parent: parent.map(str::parse).transpose()?,
                kind,
                region: None,
            },
            1,
        )?;
    }
    for (n, (org, role)) in PEOPLE.iter().enumerate() {
        store.put_person(&Person {
            id: person(n),
            name: format!("第{n}人"),
            org: org.parse()?,
            role: *role,
            certificate: None,
            is_active: true,
        })?;
    }
    drop(store);
    let mut key = [0; 32];
    Dice::new(20_211_220).fill(&mut key);
    fs::write(
        dir.path().join(KEY_FILE),
        SigningKey::from_bytes(&key).to_tagged(),
    )?;
    fs::create_dir(dir.path().join(EVIDENCE_FOLDER))?;
    Ok(dir)
}
