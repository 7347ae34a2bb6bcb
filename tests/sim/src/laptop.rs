//! A laptop: a folder, a disk, a clock that may be wrong, and a program that may run.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker},
};

use anyhow::{Result, anyhow, ensure};
use parking_lot::Mutex;
use shicha_domain::{Channel, DeviceId, PersonId};
use shicha_ledger::{DatabaseKey, Ledger};
use shicha_sync::{
    Random,
    client::{Clock as _, Engine, Outcome, SyncError},
    protocol::VERSION,
};
use tempfile::TempDir;

use crate::{
    central::{PEOPLE, copy, person, random_of},
    clock::Watch,
    dice::Dice,
    disk::{Disk, Process},
    line::Lines,
    vfs,
};

/// There while a ledger is open.
const OPEN_MARK: &str = "ledger.open";
const KEY: [u8; 32] = [7; 32];

type Round = Pin<Box<dyn Future<Output = Result<Option<Outcome>, SyncError>>>>;

/// A copy of a laptop as it was.
#[derive(Clone)]
pub(crate) struct Image {
    dir: PathBuf,
    kept: BTreeSet<u64>,
    perhaps: Vec<Vec<u64>>,
}

/// A laptop.
pub(crate) struct Laptop {
    /// Its place among all.
    pub(crate) n: usize,
    /// Its folder.
    pub(crate) dir: PathBuf,
    /// The disk below it.
    pub(crate) disk: Arc<Disk>,
    /// Its clock.
    pub(crate) watch: Watch,
    /// Whose it is, by their place among all people.
    pub(crate) person: usize,
    /// The ledger, while the program runs.
    pub(crate) ledger: Option<Ledger>,
    /// What it called saved.
    pub(crate) kept: BTreeSet<u64>,
    /// What was being saved when the program ended: each group is there whole or not at all.
    pub(crate) perhaps: Vec<Vec<u64>>,
    /// A copy of it as it was.
    pub(crate) image: Option<Image>,
    /// The version of the protocol that its program speaks.
    pub(crate) speaks: u32,
    /// Why it can take part no more.
    pub(crate) is_out: bool,
    /// Code and fingerprint, for enrolling.
    pub(crate) invitation: (String, String),
    engine: Option<Arc<Engine>>,
    process: Process,
    round: Option<Round>,
    /// Where its keys and nonces come from.
    pub(crate) random: Random,
}

impl Laptop {
    /// A laptop that is switched off, with an empty ledger on it.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub(crate) fn new(
        root: &Path,
        n: usize,
        person: usize,
        watch: Watch,
        dice: &Dice,
    ) -> Result<Self> {
        let dir = root.join(format!("laptop-{n}"));
        copy(template()?, &dir)?;
        Self::over(dir, n, person, watch, dice)
    }

    fn over(dir: PathBuf, n: usize, person: usize, watch: Watch, dice: &Dice) -> Result<Self> {
        let disk = Arc::new(Disk::new(dice.branch(100 + n as u64)));
        vfs::mount(&dir, Arc::clone(&disk));
        Ok(Self {
            n,
            dir,
            process: disk.begin(),
            disk,
            watch,
            person,
            ledger: None,
            kept: BTreeSet::new(),
            perhaps: Vec::new(),
            image: None,
            speaks: VERSION,
            is_out: false,
            invitation: Default::default(),
            engine: None,
            round: None,
            random: random_of(&Arc::new(Mutex::new(dice.branch(200 + n as u64)))),
        })
    }

    /// Another laptop with the same disk contents.
    ///
    /// # Errors
    /// When they cannot be copied.
    pub(crate) fn clone_as(&self, root: &Path, n: usize, dice: &Dice) -> Result<Self> {
        let dir = root.join(format!("laptop-{n}"));
        copy_at_rest(&self.dir, &dir)?;
        let mut other = Self::over(dir, n, self.person, self.watch.other(), dice)?;
        other.kept = self.kept.clone();
        other.perhaps = self.perhaps.clone();
        other.is_out = self.is_out;
        other.invitation = self.invitation.clone();
        Ok(other)
    }

    /// What it is called.
    pub(crate) fn name(&self) -> String {
        let (org, role) = PEOPLE[self.person];
        format!("laptop {} ({role:?} of {org})", self.n)
    }

    /// Who uses it.
    pub(crate) fn author(&self) -> PersonId {
        person(self.person)
    }

    /// The device that it is, once it is enrolled and while it runs.
    pub(crate) fn device(&self) -> Option<DeviceId> {
        let ledger = self.ledger.as_ref()?;
        Some(ledger.identity().ok()??.device)
    }

    /// Where its person writes: what is allowed, and one channel that is not.
    pub(crate) fn channels(&self) -> Vec<Channel> {
        let names: &[&str] = match PEOPLE[self.person].0 {
            "320703" => &["own/320703", "inst/320703/TI-01", "own/320706"],
            "320706" => &["own/320706", "own/320706", "own/320700"],
            "TI-01" => &["inst/320703/TI-01", "inst/320703/TI-01", "own/320703"],
            _ => &["own/320700", "own/320700", "own/320703"],
        };
        names.iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// Whether the program runs.
    pub(crate) fn is_up(&self) -> bool {
        self.ledger.is_some()
    }

    /// Whether a round is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.round.is_some()
    }

    /// The program starts. It may be killed at once.
    ///
    /// # Errors
    /// When it cannot start, or finds damage.
    pub(crate) fn start(&mut self, lines: &Lines, dies_after: Option<u64>) -> Result<()> {
        self.process = self.disk.begin();
        if let Some(operations) = dies_after {
            self.disk.kill_after(self.process, operations);
        }
        let opened = Ledger::open(
            &self.dir,
            &DatabaseKey::from_bytes(KEY),
            self.watch.now_ms(),
        );
        if self.disk.is_dead(self.process) {
            drop(opened);
            self.leave_mark()?;
            return Ok(());
        }
        let (ledger, report) = match opened {
            Ok(opened) => opened,
            // A disk without any space may keep a ledger from opening; it is left as it is.
            Err(shicha_ledger::LedgerError::DiskFull) => return Ok(()),
            Err(error) => return Err(anyhow!("{} cannot open its ledger: {error:?}", self.name())),
        };
        ensure!(
            report.salvage.is_none(),
            "{} is damaged: {report:?}",
            self.name()
        );
        ensure!(!report.is_new, "{} begins anew", self.name());
        self.ledger = Some(ledger);
        self.connect(lines);
        Ok(())
    }

    /// Forgets what the program knew of its session, as one of another version would.
    pub(crate) fn connect(&mut self, lines: &Lines) {
        let line = Arc::new(lines.of(self.n, self.speaks));
        let engine =
            Engine::new(line, Arc::new(self.watch.clone())).with_random(self.random.clone());
        self.engine = Some(Arc::new(engine));
    }

    /// Whether the program was killed at the last operation of its disk.
    pub(crate) fn has_died(&self) -> bool {
        self.is_up() && self.disk.is_dead(self.process)
    }

    /// The program ends at the operation of its disk after so many.
    pub(crate) fn kill_after(&self, operations: u64) {
        self.disk.kill_after(self.process, operations);
    }

    /// The program ends now.
    ///
    /// # Errors
    /// When the real files cannot be changed.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.disk.kill(self.process);
        self.close();
        self.leave_mark()
    }

    /// The program ends as it should.
    pub(crate) fn close(&mut self) {
        self.round = None;
        self.engine = None;
        self.ledger = None;
    }

    /// The program ends and what was not synced may be gone.
    ///
    /// # Errors
    /// When the real files cannot be changed.
    pub(crate) fn cut_power(&mut self) -> Result<()> {
        if self.is_up() {
            self.kill()?;
        }
        self.disk.cut_power()?;
        Ok(())
    }

    /// A program that was killed has not removed its mark; here it was dropped, and dropping removes it.
    fn leave_mark(&self) -> Result<()> {
        fs::write(self.dir.join(OPEN_MARK), "open\n")?;
        Ok(())
    }

    /// Begins a round: enrolment, or synchronisation.
    pub(crate) fn begin(&mut self) {
        let (Some(ledger), Some(engine)) = (&self.ledger, &self.engine) else {
            return;
        };
        let (ledger, engine) = (ledger.clone(), Arc::clone(engine));
        let (code, fingerprint) = self.invitation.clone();
        let label = format!("电脑{}", self.n);
        self.round = Some(Box::pin(async move {
            if ledger.identity()?.is_none() {
                engine
                    .enrol(&ledger, "http://central", &fingerprint, &code, &label)
                    .await?;
                return Ok(None);
            }
            engine.sync_once(&ledger, &|_| {}).await.map(Some)
        }));
        self.disk.works(self.process);
    }

    /// Goes on until it waits for the line; what came of the round, once it has ended.
    pub(crate) fn go_on(&mut self) -> Option<Result<Option<Outcome>, SyncError>> {
        self.disk.works(self.process);
        let round = self.round.as_mut()?;
        let mut context = Context::from_waker(Waker::noop());
        match round.as_mut().poll(&mut context) {
            Poll::Pending => None,
            Poll::Ready(ended) => {
                self.round = None;
                Some(ended)
            }
        }
    }

    /// The program works with its ledger.
    pub(crate) fn work(&self) -> Option<&Ledger> {
        self.disk.works(self.process);
        self.ledger.as_ref()
    }

    /// Keeps a copy of it as it is.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub(crate) fn take_image(&mut self) -> Result<()> {
        let dir = self.dir.with_extension("image");
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        copy_at_rest(&self.dir, &dir)?;
        self.image = Some(Image {
            dir,
            kept: self.kept.clone(),
            perhaps: self.perhaps.clone(),
        });
        Ok(())
    }

    /// It is as it was when the copy was made; the program does not run.
    ///
    /// # Errors
    /// When the copy cannot be put in place.
    pub(crate) fn put_image(&mut self) -> Result<()> {
        let Some(image) = self.image.clone() else {
            return Ok(());
        };
        self.close();
        fs::remove_dir_all(&self.dir)?;
        copy(&image.dir, &self.dir)?;
        self.disk.replaced();
        self.kept = image.kept;
        self.perhaps = image.perhaps;
        Ok(())
    }
}

impl Drop for Laptop {
    fn drop(&mut self) {
        self.close();
        vfs::unmount(&self.dir);
    }
}

/// Copies what lies on a disk, without what only a running program has.
fn copy_at_rest(from: &Path, to: &Path) -> Result<()> {
    copy(from, to)?;
    let shared_memory = to.join("ledger.db-shm");
    if shared_memory.exists() {
        fs::remove_file(shared_memory)?;
    }
    Ok(())
}

/// An empty ledger; made once in a process.
fn template() -> Result<&'static Path> {
    static MADE: OnceLock<Result<TempDir, String>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let dir = tempfile::tempdir_in(crate::root()).map_err(|error| error.to_string())?;
        Ledger::open(dir.path(), &DatabaseKey::from_bytes(KEY), 0)
            .map_err(|error| error.to_string())?;
        Ok(dir)
    });
    match made {
        Ok(dir) => Ok(dir.path()),
        Err(error) => Err(anyhow!("{error}")),
    }
}
