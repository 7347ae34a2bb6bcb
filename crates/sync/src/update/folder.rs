//! Where a device keeps an update: one that was proved, and one that is on its way.
//!
//! Invariant: what [`UpdateFolder::kept`] names was proved whole before it got its name. What is on its way lies beside it and bears
//! no name that could be run. Only one is kept, the newest; a cut line, a kill or a full disk leave what was kept before.

use std::{
    fs::{self, File},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{
    MAX_SIGNATURE, SignedUpdate, UpdateFault, UpdateKey, Version,
    files::{read_bounded, remove, write_whole},
};

/// The signature of the one that is kept.
const KEPT: &str = "kept.sig";
/// What is on its way over the network, and what it is.
const LINE: &str = "line.part";
const LINE_OF: &str = "line.json";
/// What is on its way out of a package.
const PACKAGE: &str = "package.part";
/// There while a person wants one for others, although this computer needs none.
const FOR_OTHERS: &str = "for-others";
/// Space that is left free.
const KEEP_FREE: u64 = 64 << 20;
/// How much of a file is written at a time.
const STRETCH: usize = 256 << 10;

/// What goes on with updates now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum UpdateNow {
    /// Nothing.
    #[default]
    Idle,
    /// One comes over the network.
    Fetching {
        /// Its version.
        version: Version,
        /// Bytes so far.
        have: u64,
        /// All bytes.
        size: u64,
    },
    /// The last attempt failed.
    Failed {
        /// Why, as programs tell it apart.
        code: String,
        /// In words, for the log.
        detail: String,
    },
}

/// The update that is kept.
#[derive(Debug, Clone)]
pub struct KeptUpdate {
    /// What was signed about it.
    pub signed: SignedUpdate,
    /// Where it lies.
    pub path: PathBuf,
    /// How many bytes it has.
    pub size: u64,
}

/// What is on its way over the network.
#[derive(Serialize, Deserialize)]
struct OnItsWay {
    signature: String,
    size: u64,
}

/// The folder of a device with its updates. Every call may block.
pub struct UpdateFolder {
    dir: PathBuf,
    key: Option<UpdateKey>,
    platform: Option<String>,
    running: Version,
    now: watch::Sender<UpdateNow>,
    busy: Mutex<()>,
}

impl UpdateFolder {
    /// The folder of a program of this version and platform; without a key or a platform it takes no updates.
    pub fn new(
        dir: PathBuf,
        key: Option<UpdateKey>,
        platform: Option<String>,
        running: Version,
    ) -> Self {
        Self {
            dir,
            key,
            platform,
            running,
            now: watch::Sender::default(),
            busy: Mutex::default(),
        }
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// For which kind of computer updates are taken; `None`: none are.
    pub fn platform(&self) -> Option<&str> {
        self.key.as_ref().and(self.platform.as_deref())
    }

    /// The version that runs.
    pub fn running(&self) -> Version {
        self.running
    }

    /// What goes on, to look at and to wait for changes of.
    pub fn now(&self) -> watch::Receiver<UpdateNow> {
        self.now.subscribe()
    }

    /// Tells what goes on.
    pub(crate) fn tell(&self, now: UpdateNow) {
        self.now
            .send_if_modified(|known| std::mem::replace(known, now.clone()) != now);
    }

    /// Something else is different than what goes on: what is kept, or when somebody was asked.
    pub(crate) fn changed(&self) {
        self.now.send_modify(|_| ());
    }

    /// Tells that an attempt failed.
    #[cfg(feature = "client")]
    pub(crate) fn failed(&self, fault: &UpdateFault) {
        self.tell(UpdateNow::Failed {
            code: fault.code().to_owned(),
            detail: fault.to_string(),
        });
    }

    /// Reads a signature as this computer has to: by the key that was compiled in, for this platform, and never for an older version
    /// than the one that runs.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn signed(&self, text: &str) -> Result<SignedUpdate, UpdateFault> {
        let (Some(key), Some(platform)) = (&self.key, &self.platform) else {
            return Err(UpdateFault::Off);
        };
        let signed = key.signed(text)?;
        if signed.platform != platform {
            return Err(UpdateFault::OtherPlatform(signed.platform.to_owned()));
        }
        if signed.version < self.running {
            return Err(UpdateFault::NotNewer {
                found: signed.version,
                running: self.running,
            });
        }
        Ok(signed)
    }

    /// Whether an update that is offered over the network should be fetched.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn is_wanted(&self, signed: &SignedUpdate) -> Result<bool, UpdateFault> {
        let is_of_use = signed.version > self.running || self.dir.join(FOR_OTHERS).exists();
        if !is_of_use
            || self
                .refused()?
                .is_some_and(|one| one.signature == signed.text)
        {
            return Ok(false);
        }
        let kept = self.kept()?;
        Ok(kept.is_none_or(|kept| kept.signed.version < signed.version))
    }

    /// A person wants the offered update for others, also where this computer runs it already.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn want_for_others(&self) -> Result<(), UpdateFault> {
        fs::create_dir_all(&self.dir)?;
        write_whole(&self.dir.join(FOR_OTHERS), b"")?;
        Ok(())
    }

    /// The update that is kept. What the key did not sign, or is for something else, is none.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn kept(&self) -> Result<Option<KeptUpdate>, UpdateFault> {
        let Some(text) = read_bounded(&self.dir.join(KEPT), MAX_SIGNATURE)? else {
            return Ok(None);
        };
        let signed = match self.signed(&text) {
            Ok(signed) => signed,
            // One of before an update by hand, or of another key.
            Err(fault) if fault.is_final() || matches!(fault, UpdateFault::Off) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let path = self.dir.join(&signed.name);
        match fs::metadata(&path) {
            Ok(found) if found.is_file() && signed.check_size(found.len()).is_ok() => {
                Ok(Some(KeptUpdate {
                    signed,
                    path,
                    size: found.len(),
                }))
            }
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Proves the kept update once more, byte by byte: before it is run or handed on.
    ///
    /// # Errors
    /// When it is not what was signed; then it is kept no longer.
    pub fn prove_kept(&self) -> Result<Option<KeptUpdate>, UpdateFault> {
        let Some(kept) = self.kept()? else {
            return Ok(None);
        };
        match File::open(&kept.path)
            .map_err(UpdateFault::from)
            .and_then(|file| kept.signed.check(file))
        {
            Ok(_) => Ok(Some(kept)),
            Err(fault) => {
                if fault.is_final() {
                    let _alone = self.alone();
                    self.drop_kept()?;
                }
                Err(fault)
            }
        }
    }

    /// How much of an update is there from an earlier attempt; what was on its way of another one is thrown away.
    ///
    /// # Errors
    /// When it has a size that none has, or there is no space.
    pub fn begin(&self, signed: &SignedUpdate, size: u64) -> Result<u64, UpdateFault> {
        signed.check_size(size)?;
        let _alone = self.alone();
        fs::create_dir_all(&self.dir)?;
        let part = self.dir.join(LINE);
        let known = read_bounded(&self.dir.join(LINE_OF), 2 * MAX_SIGNATURE)?
            .and_then(|text| serde_json::from_str::<OnItsWay>(&text).ok());
        let is_same =
            known.is_some_and(|known| known.signature == signed.text && known.size == size);
        let have = match fs::metadata(&part) {
            Ok(found) if is_same && found.len() <= size => found.len(),
            _ => {
                remove(&part)?;
                let of = OnItsWay {
                    signature: signed.text.clone(),
                    size,
                };
                let of = serde_json::to_vec(&of).map_err(io::Error::other)?;
                write_whole(&self.dir.join(LINE_OF), &of)?;
                0
            }
        };
        self.check_space(size - have)?;
        Ok(have)
    }

    /// Adds what came over the network, after what is there.
    ///
    /// # Errors
    /// When it cannot be written, or something else is there.
    pub fn add(&self, offset: u64, bytes: &[u8]) -> Result<(), UpdateFault> {
        let _alone = self.alone();
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.dir.join(LINE))?;
        let have = file.metadata()?.len();
        if have != offset {
            return Err(UpdateFault::Size(have));
        }
        file.seek(SeekFrom::Start(offset))?;
        let written = file.write_all(bytes);
        if written.is_err() {
            // Half a write would be taken for bytes that arrived.
            file.set_len(offset)?;
        }
        Ok(written?)
    }

    /// Proves what came over the network, and keeps it.
    ///
    /// # Errors
    /// When it is not what was signed: it is thrown away, and not fetched again.
    pub fn finish(&self, signed: &SignedUpdate) -> Result<(), UpdateFault> {
        let _alone = self.alone();
        let kept = self.keep(&self.dir.join(LINE), signed);
        if kept.as_ref().is_err_and(UpdateFault::is_final) || kept.is_ok() {
            remove(&self.dir.join(LINE_OF))?;
            remove(&self.dir.join(FOR_OTHERS))?;
        }
        if let Err(fault) = &kept {
            self.refuse(signed, fault)?;
        }
        kept
    }

    /// Takes an update out of a package: `next` gives its bytes, 0 at their end. Returns whether it is a newer one than was kept.
    ///
    /// # Errors
    /// When it is not what was signed, or cannot be written; what was kept before still is.
    pub fn take<E: From<UpdateFault>>(
        &self,
        signed: &SignedUpdate,
        size: u64,
        mut next: impl FnMut(&mut [u8]) -> Result<usize, E>,
    ) -> Result<bool, E> {
        signed.check_size(size)?;
        if self
            .kept()?
            .is_some_and(|kept| kept.signed.version >= signed.version)
        {
            return Ok(false);
        }
        let _alone = self.alone();
        fs::create_dir_all(&self.dir).map_err(UpdateFault::from)?;
        self.check_space(size)?;
        let part = self.dir.join(PACKAGE);
        let filled = fill(&part, &mut next).and_then(|()| Ok(self.keep(&part, signed)?));
        if filled.is_err() {
            remove(&part).map_err(UpdateFault::from)?;
        }
        filled?;
        Ok(true)
    }

    /// What is not offered any more, or not to this computer, is not kept for it: neither what is on its way nor what waits to be
    /// installed. What runs here already stays, so that it can be handed on.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn hold_against_offer(&self, offered: Option<&SignedUpdate>) -> Result<(), UpdateFault> {
        let kept = self.kept()?;
        let _alone = self.alone();
        if let Some(kept) = kept
            && kept.signed.version > self.running
            && offered.is_none_or(|offered| offered.version < kept.signed.version)
        {
            self.drop_kept()?;
        }
        if offered.is_none() {
            remove(&self.dir.join(LINE))?;
            remove(&self.dir.join(LINE_OF))?;
            self.tell(UpdateNow::Idle);
        }
        Ok(())
    }

    /// At a start: lets go what an update by hand has made useless.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn tidy(&self) -> Result<(), UpdateFault> {
        if self.platform().is_some() && self.kept()?.is_none() {
            let _alone = self.alone();
            self.drop_kept()?;
        }
        Ok(())
    }

    /// Proves a file, gives it its name, and lets the one before go.
    fn keep(&self, part: &Path, signed: &SignedUpdate) -> Result<(), UpdateFault> {
        let file = File::options().read(true).write(true).open(part)?;
        match signed.check(&file) {
            Ok(_) => file.sync_all()?,
            Err(fault) => {
                drop(file);
                if fault.is_final() {
                    remove(part)?;
                }
                return Err(fault);
            }
        }
        // Windows does not rename what is open.
        drop(file);
        fs::rename(part, self.dir.join(&signed.name))?;
        write_whole(&self.dir.join(KEPT), signed.text.as_bytes())?;
        self.forget_refused()?;
        self.drop_others(Some(&signed.name))?;
        self.now.send_replace(UpdateNow::Idle);
        Ok(())
    }

    pub(super) fn drop_kept(&self) -> Result<(), UpdateFault> {
        remove(&self.dir.join(KEPT))?;
        self.drop_others(None)?;
        self.changed();
        Ok(())
    }

    /// Removes setups but the one of that name.
    fn drop_others(&self, name: Option<&str>) -> Result<(), UpdateFault> {
        let files = match fs::read_dir(&self.dir) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for file in files {
            let file = file?;
            let found = file.file_name();
            let found = found.to_string_lossy();
            if super::platform_of(&found).is_some() && Some(&*found) != name {
                remove(&file.path())?;
            }
        }
        Ok(())
    }

    fn check_space(&self, bytes: u64) -> Result<(), UpdateFault> {
        let free = fs4::available_space(&self.dir)?;
        let needed = bytes.saturating_add(KEEP_FREE);
        if free < needed {
            return Err(UpdateFault::NoSpace { needed, free });
        }
        Ok(())
    }

    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes down what comes, until nothing does.
fn fill<E: From<UpdateFault>>(
    part: &Path,
    next: &mut impl FnMut(&mut [u8]) -> Result<usize, E>,
) -> Result<(), E> {
    let mut file = File::create(part).map_err(UpdateFault::from)?;
    let mut stretch = vec![0; STRETCH];
    loop {
        let read = next(&mut stretch)?;
        if read == 0 {
            return Ok(());
        }
        let read = stretch.get(..read).unwrap_or_default();
        file.write_all(read).map_err(UpdateFault::from)?;
    }
}
