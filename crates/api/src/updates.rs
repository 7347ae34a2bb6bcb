//! Updates of the application on this computer: which one is kept, what a host is asked to do with it, and what came of that.
//!
//! Invariant: nothing is installed without a person's word, and not before the database was copied for the version that runs. Whether
//! the new version came up is found out by whoever started it (the host); what is known of it here are three small files beside the
//! update, so that both versions read the same.
//!
//! ```text
//! plan.json      an installation was begun            written by the version that is to be replaced
//! alive.json     a window is up, and the core answers  written by whichever version came up
//! outcome.json   the new one did not come up           written by the host that watched
//! last.json      what is told to the person            written here
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shicha_ledger::OlderCopy;

pub use shicha_sync::update::{
    UpdateFault, UpdateFolder, UpdateKey, Version, WINDOWS, platform_of,
};

use crate::made::write_whole;

/// Where updates lie in the data folder.
pub const FOLDER: &str = "update";
const PLAN: &str = "plan.json";
const ALIVE: &str = "alive.json";
const OUTCOME: &str = "outcome.json";
const LAST: &str = "last.json";
/// None of the files has as many bytes.
const MOST: u64 = 64 << 10;

/// What a host does about updates.
pub trait Installer: Send + Sync {
    /// Why updates cannot be installed where this program lies; `None`: they can.
    fn obstacle(&self) -> Option<&'static str>;
    /// Has the setup of the plan started once this program has ended, and ends it. Returns when that is under way.
    ///
    /// # Errors
    /// Why not, for the log; then nothing was begun.
    fn install(&self, plan: &Plan) -> Result<(), String>;
}

/// What an application takes updates by.
#[derive(Clone)]
pub struct UpdateConfig {
    /// The key that signs them; without one none are taken.
    pub key: Option<UpdateKey>,
    /// For which kind of computer.
    pub platform: Option<String>,
    /// The version that runs.
    pub running: Version,
    /// Who installs them; without one they are fetched and handed on, and that is all.
    pub installer: Option<Arc<dyn Installer>>,
}

/// An installation that a person agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The version that is to be replaced.
    pub from: Version,
    /// The version that is to come.
    pub to: Version,
    /// The setup.
    pub setup: PathBuf,
    /// Its signature, to be held against it once more.
    pub signature: String,
    /// The data folder.
    pub data_dir: PathBuf,
    /// When the person agreed, Unix ms.
    pub begun_at_ms: u64,
}

/// Why the new version was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which version.
    pub to: Version,
    /// What it failed at: a key of a text.
    pub reason: String,
    /// For the log.
    pub detail: String,
}

/// What came of the last installation, as a person is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Last {
    pub(crate) kind: LastKind,
    pub(crate) from: Version,
    pub(crate) to: Version,
    pub(crate) reason: String,
    pub(crate) at_ms: u64,
    /// Whether the person has read it.
    pub(crate) is_seen: bool,
    /// Whether this version has not opened the database since: it may be one that only the newer version can read.
    #[serde(default)]
    pub(crate) may_put_back: bool,
}

/// How an installation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LastKind {
    /// The new version runs.
    Installed,
    /// It did not start and was taken back.
    TakenBack,
    /// It was not carried out.
    NotDone,
}

/// The version that came up.
#[derive(Serialize, Deserialize)]
struct Alive {
    version: Version,
}

impl Plan {
    /// Reads the plan of a data folder.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(data_dir: &Path) -> io::Result<Option<Self>> {
        read(&data_dir.join(FOLDER).join(PLAN))
    }

    /// Whether a version came up on this data folder and said so.
    pub fn is_alive(&self) -> bool {
        let alive = read::<Alive>(&self.file(ALIVE));
        matches!(alive, Ok(Some(alive)) if alive.version == self.to)
    }

    /// Forgets who came up before: whoever does from now on writes it anew.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn nobody_is_alive(&self) -> io::Result<()> {
        remove(&self.file(ALIVE))
    }

    /// Writes down why the new version is taken back.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn taken_back(&self, reason: &str, detail: &str) -> io::Result<()> {
        let outcome = Outcome {
            to: self.to,
            reason: reason.to_owned(),
            detail: detail.to_owned(),
        };
        write(&self.file(OUTCOME), &outcome)
    }

    /// Why it was taken back, if it was.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn outcome(&self) -> io::Result<Option<Outcome>> {
        read(&self.file(OUTCOME))
    }

    /// A folder or file beside the update.
    pub fn file(&self, name: &str) -> PathBuf {
        self.data_dir.join(FOLDER).join(name)
    }
}

/// Updates as the application has them.
pub(crate) struct Updates {
    pub(crate) folder: Arc<UpdateFolder>,
    pub(crate) installer: Option<Arc<dyn Installer>>,
    pub(crate) last: Mutex<Option<Last>>,
    /// The copy that was made for an installation that is under way.
    pub(crate) copy: Mutex<Option<OlderCopy>>,
    has_come_up: AtomicBool,
    data_dir: PathBuf,
}

impl Updates {
    pub(crate) fn new(data_dir: &Path, config: UpdateConfig) -> Self {
        let dir = data_dir.join(FOLDER);
        Self {
            folder: Arc::new(UpdateFolder::new(
                dir,
                config.key,
                config.platform,
                config.running,
            )),
            installer: config.installer,
            last: Mutex::default(),
            copy: Mutex::default(),
            has_come_up: AtomicBool::new(false),
            data_dir: data_dir.to_path_buf(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.dir().join(name)
    }

    /// At a start: finds out what became of an installation. What cannot be read holds no start up.
    pub(crate) fn settle(&self, now_ms: u64) {
        let settled = self.try_settle(now_ms);
        if let Err(error) = settled {
            tracing::error!(%error, "what became of an update cannot be found out");
        }
    }

    fn try_settle(&self, now_ms: u64) -> Result<(), UpdateFault> {
        let running = self.folder.running();
        let last: Option<Last> = read(&self.file(LAST))?;
        let is_of_another = last.as_ref().is_some_and(|last| last.from != running);
        *self.last.lock() = last;
        if is_of_another {
            self.no_more_put_back()?;
        }
        self.folder.tidy()?;
        let Some(plan) = read::<Plan>(&self.file(PLAN))? else {
            return Ok(());
        };
        if plan.to == running {
            // Whether it stays is known once its window is up.
            return Ok(());
        }
        let outcome = plan.outcome()?.filter(|outcome| outcome.to == plan.to);
        if plan.from == running {
            let (kind, reason) = match &outcome {
                Some(outcome) => (LastKind::TakenBack, outcome.reason.clone()),
                None => (LastKind::NotDone, String::new()),
            };
            tracing::warn!(from = %plan.from, to = %plan.to, ?kind, reason, "an update is not there");
            if let (Some(outcome), Some(kept)) = (&outcome, self.folder.kept()?)
                && kept.signed.version == outcome.to
            {
                self.folder.give_up(&kept.signed, "taken_back")?;
            }
            self.tell(Last {
                kind,
                from: plan.from,
                to: plan.to,
                reason,
                at_ms: now_ms,
                is_seen: false,
                may_put_back: kind == LastKind::TakenBack,
            })?;
        }
        remove(&self.file(OUTCOME))?;
        remove(&self.file(PLAN))?;
        Ok(())
    }

    /// The window is up and the core answers: whoever waits for that is told, and the person that the new version is there. `true`: it
    /// is new.
    pub(crate) fn came_up(&self, now_ms: u64) -> io::Result<bool> {
        if self.has_come_up.swap(true, Ordering::SeqCst) {
            return Ok(false);
        }
        let running = self.folder.running();
        let plan = read::<Plan>(&self.file(PLAN))?;
        let Some(plan) = plan.filter(|plan| plan.to == running) else {
            return Ok(false);
        };
        self.tell(Last {
            kind: LastKind::Installed,
            from: plan.from,
            to: plan.to,
            reason: String::new(),
            at_ms: now_ms,
            is_seen: false,
            may_put_back: false,
        })?;
        remove(&self.file(OUTCOME))?;
        remove(&self.file(PLAN))?;
        // The last of all: from now on nobody takes it back.
        write(&self.file(ALIVE), &Alive { version: running })?;
        Ok(true)
    }

    /// Whether the newer version was taken back and this one has not opened the database since, so that the copy may be put back.
    pub(crate) fn may_put_back(&self) -> bool {
        let last = self.last.lock();
        last.as_ref()
            .is_some_and(|last| last.may_put_back && last.from == self.folder.running())
    }

    /// The database is open, or another version works on it: from now on a copy of before would lack what was written since.
    pub(crate) fn no_more_put_back(&self) -> io::Result<()> {
        let mut last = self.last.lock();
        match last.as_mut() {
            Some(last) if last.may_put_back => {
                last.may_put_back = false;
                write(&self.file(LAST), last)
            }
            _ => Ok(()),
        }
    }

    /// Writes down that an installation begins.
    pub(crate) fn begin(&self, plan: &Plan) -> io::Result<()> {
        fs::create_dir_all(self.folder.dir())?;
        remove(&self.file(OUTCOME))?;
        plan.nobody_is_alive()?;
        write(&self.file(PLAN), plan)
    }

    /// Nothing was begun after all.
    pub(crate) fn end(&self) -> io::Result<()> {
        remove(&self.file(PLAN))
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The person has read what came of the last installation.
    pub(crate) fn seen(&self) -> io::Result<()> {
        let mut last = self.last.lock();
        match last.as_mut() {
            Some(last) if !last.is_seen => {
                last.is_seen = true;
                write(&self.file(LAST), last)
            }
            _ => Ok(()),
        }
    }

    fn tell(&self, last: Last) -> io::Result<()> {
        write(&self.file(LAST), &last)?;
        *self.last.lock() = Some(last);
        Ok(())
    }
}

/// Reads a small file; `None` where there is none, or another version wrote something else.
fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    use io::Read as _;
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    match serde_json::from_slice(&bytes) {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "a file about an update says nothing");
            Ok(None)
        }
    }
}

fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    write_whole(path, &serde_json::to_vec(value).map_err(io::Error::other)?)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
