//! A disk that forgets: what was written and not synced may be gone after the power was cut, each sector for itself; a disk that is
//! full; and a process that ends between any two operations.
//!
//! The bytes lie in real files, so that everything else that looks at a folder sees them; here stands only what the sectors held
//! when they were synced last. A new name and a removed one are durable at once, as on file systems with a journal.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use parking_lot::Mutex;

use crate::dice::Dice;

/// What a disk writes whole or not at all.
const SECTOR: u64 = 512;

/// Why an operation did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFault {
    /// The process is no more.
    Dead,
    /// No space left.
    Full,
}

/// The disk below the databases of one machine, on which one or several processes work.
pub struct Disk(Mutex<State>);

/// A process of a machine, by the order of their beginnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process(u64);

struct State {
    dice: Dice,
    operations: u64,
    begun: u64,
    works: Process,
    dies_at: Option<(Process, u64)>,
    dead: BTreeSet<Process>,
    room: Option<u64>,
    files: BTreeMap<PathBuf, Unsynced>,
}

/// What of a file is not durable.
struct Unsynced {
    inode: u64,
    /// Its length when it was synced last.
    size: u64,
    /// What sectors below that length held then, by their place.
    before: BTreeMap<u64, Vec<u8>>,
    /// Sectors beyond it that were written.
    beyond: BTreeMap<u64, ()>,
}

impl Disk {
    /// A disk without faults, until it is told otherwise.
    pub fn new(dice: Dice) -> Self {
        Self(Mutex::new(State {
            dice,
            operations: 0,
            begun: 0,
            works: Process(0),
            dies_at: None,
            dead: BTreeSet::new(),
            room: None,
            files: BTreeMap::new(),
        }))
    }

    /// How many operations there were that change what is on the disk.
    pub fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    /// A process begins, and works from now on.
    pub fn begin(&self) -> Process {
        let mut state = self.0.lock();
        state.begun += 1;
        state.works = Process(state.begun);
        state.works
    }

    /// What is done from now on, this process does.
    pub fn works(&self, process: Process) {
        self.0.lock().works = process;
    }

    /// Which process works.
    pub(crate) fn worker(&self) -> Process {
        self.0.lock().works
    }

    /// Whether a process has ended.
    pub fn is_dead(&self, process: Process) -> bool {
        self.0.lock().dead.contains(&process)
    }

    /// A process ends now.
    pub fn kill(&self, process: Process) {
        let mut state = self.0.lock();
        state.dead.insert(process);
        state.dies_at = state.dies_at.filter(|(dies, _)| *dies != process);
    }

    /// A process ends at the changing operation of its own after so many more of all.
    pub fn kill_after(&self, process: Process, operations: u64) {
        let mut state = self.0.lock();
        state.dies_at = Some((process, state.operations + operations + 1));
    }

    /// Nobody dies of what was to come.
    pub fn spare(&self) {
        self.0.lock().dies_at = None;
    }

    /// Files may grow by so many bytes more; `None`: there is space.
    pub fn leave_room(&self, bytes: Option<u64>) {
        self.0.lock().room = bytes;
    }

    /// Whether there may be no space.
    pub fn is_short(&self) -> bool {
        self.0.lock().room.is_some()
    }

    /// The power was cut: of what was not synced each sector is there or not. Only when all processes are dead.
    ///
    /// # Errors
    /// When the real files cannot be changed.
    pub fn cut_power(&self) -> io::Result<()> {
        let mut state = self.0.lock();
        let State { dice, files, .. } = &mut *state;
        for (path, unsynced) in std::mem::take(files) {
            let Ok(file) = File::options().read(true).write(true).open(&path) else {
                continue;
            };
            let now = file.metadata()?;
            if now.ino() == unsynced.inode {
                forget(dice, &file, now.len(), &unsynced)?;
            }
        }
        Ok(())
    }

    /// The files are other ones than before: a copy was put in their place.
    pub fn replaced(&self) {
        self.0.lock().files.clear();
    }

    pub(crate) fn check(&self, process: Process) -> Result<(), DiskFault> {
        if self.is_dead(process) {
            Err(DiskFault::Dead)
        } else {
            Ok(())
        }
    }

    /// Before bytes are written: how many of them the disk takes, and what follows after those.
    pub(crate) fn write(
        &self,
        process: Process,
        path: &Path,
        offset: u64,
        length: u64,
    ) -> (u64, Result<(), DiskFault>) {
        let mut state = self.0.lock();
        if state.dead.contains(&process) {
            return (0, Err(DiskFault::Dead));
        }
        let died = state.operate(process);
        let Ok(metadata) = fs::metadata(path) else {
            return (0, Err(DiskFault::Dead));
        };
        let growth = (offset + length).saturating_sub(metadata.len());
        if let Some(room) = state.room {
            if growth > room {
                return (0, Err(died.err().unwrap_or(DiskFault::Full)));
            }
            state.room = Some(room - growth);
        }
        // A process may be killed in the middle of a write.
        let taken = match died {
            Ok(()) => length,
            Err(_) => state.dice.below(length / SECTOR + 1) * SECTOR,
        };
        state.remember(path, &metadata, offset, taken);
        (taken, died)
    }

    /// Before a file is made shorter.
    pub(crate) fn truncate(
        &self,
        process: Process,
        path: &Path,
        size: u64,
    ) -> Result<(), DiskFault> {
        let mut state = self.0.lock();
        state.operate(process)?;
        if let Ok(metadata) = fs::metadata(path) {
            let length = metadata.len().saturating_sub(size);
            state.remember(path, &metadata, size, length);
        }
        Ok(())
    }

    /// What the file holds is durable.
    pub(crate) fn sync(&self, process: Process, path: &Path) -> Result<(), DiskFault> {
        let mut state = self.0.lock();
        state.operate(process)?;
        state.files.remove(path);
        Ok(())
    }

    /// Before a file is removed.
    pub(crate) fn delete(&self, process: Process, path: &Path) -> Result<(), DiskFault> {
        let mut state = self.0.lock();
        state.operate(process)?;
        state.files.remove(path);
        Ok(())
    }
}

impl State {
    fn operate(&mut self, process: Process) -> Result<(), DiskFault> {
        if self.dead.contains(&process) {
            return Err(DiskFault::Dead);
        }
        self.operations += 1;
        let dies = self
            .dies_at
            .is_some_and(|(dies, at)| dies == process && self.operations >= at);
        if dies {
            self.dies_at = None;
            self.dead.insert(process);
            return Err(DiskFault::Dead);
        }
        Ok(())
    }

    /// Keeps what stands in sectors that are about to change.
    fn remember(&mut self, path: &Path, metadata: &fs::Metadata, offset: u64, length: u64) {
        if length == 0 {
            return;
        }
        let unsynced = self
            .files
            .entry(path.to_owned())
            .or_insert_with(|| Unsynced {
                inode: metadata.ino(),
                size: metadata.len(),
                before: BTreeMap::new(),
                beyond: BTreeMap::new(),
            });
        let mut file = None;
        for sector in offset / SECTOR..(offset + length).div_ceil(SECTOR) {
            let at = sector * SECTOR;
            if at >= unsynced.size {
                unsynced.beyond.insert(sector, ());
            } else if !unsynced.before.contains_key(&sector) {
                let mut bytes = vec![0; SECTOR.min(unsynced.size - at) as usize];
                let open = file.get_or_insert_with(|| File::open(path));
                if let Ok(open) = open
                    && open.read_exact_at(&mut bytes, at).is_ok()
                {
                    unsynced.before.insert(sector, bytes);
                }
            }
        }
    }
}

/// Takes back, sector by sector, what the dice do not let stand.
fn forget(dice: &mut Dice, file: &File, length: u64, unsynced: &Unsynced) -> io::Result<()> {
    // Sometimes the disk had written it all by itself, sometimes nothing.
    let kept_percent = [0, 50, 90, 100][dice.place(4)];
    let is_shorter = length < unsynced.size;
    if is_shorter && dice.percent(kept_percent) {
        // The truncation was written; what stands below it may still be old.
        for (sector, bytes) in unsynced.before.range(..length / SECTOR) {
            if !dice.percent(kept_percent) {
                file.write_all_at(bytes, sector * SECTOR)?;
            }
        }
        return Ok(());
    }
    for (sector, bytes) in &unsynced.before {
        let at = sector * SECTOR;
        if at >= length || !dice.percent(kept_percent) {
            file.write_all_at(bytes, at)?;
        }
    }
    let mut end = unsynced.size;
    for sector in unsynced.beyond.keys() {
        let at = sector * SECTOR;
        if at >= length {
            continue;
        }
        if dice.percent(kept_percent) {
            end = end.max((at + SECTOR).min(length));
        } else {
            let zeros = [0; SECTOR as usize];
            file.write_all_at(&zeros[..SECTOR.min(length - at) as usize], at)?;
        }
    }
    file.set_len(end)
}
