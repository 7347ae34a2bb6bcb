//! Installing an update: the version that runs watches over the one that is to replace it, from outside.
//!
//! ```text
//! old program   copies the database, writes the plan, starts a copy of itself as the watch, ends
//! watch         keeps the program files, runs the setup, tries the new program, starts it, waits for its sign of life
//!   it came     goes, and the files that were kept go too
//!   it did not  writes down why, puts the files back, starts the old program, which tells the person
//! ```
//!
//! The watch is the old program and not the setup, because it is known to work here: a setup that fails, a program that starts and ends,
//! and one that hangs are all taken back alike. It never touches the database. Whether the copy has to take its place is found out by the
//! old program when it opens it.

mod files;
mod host;
mod watch;

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Duration,
};

use shicha_api::{
    UpdateConfig,
    updates::{FOLDER, Plan, UpdateKey, Version},
};
use tauri::AppHandle;

use crate::{
    log,
    notice::Fault,
    update::{
        files::Files,
        host::Host,
        watch::{Times, Watch},
    },
};

/// Held for as long as somebody watches.
const WATCHED: &str = "watched.lock";
/// How often the lock is tried.
const TRIES: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(20);
/// Where the watch writes what it does.
const LOGS: &str = "log";

/// What the core takes updates by, in this build and on this computer.
pub(crate) fn config(handle: &AppHandle) -> Result<UpdateConfig, Fault> {
    let key = UpdateKey::built_in().unwrap_or_else(|fault| {
        tracing::error!(%fault, "the key that was compiled in is none");
        None
    });
    let running = Version::of_this_program().map_err(|error| Fault::Update(error.to_string()))?;
    let platform =
        cfg!(all(windows, target_arch = "x86_64")).then(|| shicha_api::updates::WINDOWS.to_owned());
    Ok(UpdateConfig {
        key,
        platform,
        running,
        installer: Some(std::sync::Arc::new(Host::new(handle.clone()))),
    })
}

/// Whether an update is being installed for this data folder: nobody may start in between.
pub(crate) fn is_under_way(data: &Path) -> bool {
    match File::options().write(true).open(watched(data)) {
        Ok(lock) => matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
}

fn watched(data: &Path) -> PathBuf {
    data.join(FOLDER).join(WATCHED)
}

/// `--watch-update`: watches over an installation, in a process of its own without a window.
pub(crate) fn watch(data: &Path, program: &Path) -> ExitCode {
    let logs = data.join(FOLDER).join(LOGS);
    // Without a log it is watched over all the same.
    let logged = fs::create_dir_all(&logs)
        .map_err(|error| Fault::Folder(logs.clone(), error))
        .and_then(|()| log::start(&logs));
    if let Err(fault) = logged {
        eprintln!("shicha: {fault}");
    }
    let watched = UpdateKey::built_in()
        .map_err(io::Error::other)
        .and_then(|key| key.ok_or_else(|| io::Error::other("this build has no key")))
        .and_then(|key| watch_with(data, program, key, io::stdin(), Times::default()));
    match watched {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!(%error, "an update cannot be watched over");
            ExitCode::FAILURE
        }
    }
}

/// Whether the new version is up. The program that is to be replaced holds the other end of `line`, and lets go of it by ending, however
/// it ends.
fn watch_with(
    data: &Path,
    program: &Path,
    key: UpdateKey,
    line: impl io::Read,
    times: Times,
) -> io::Result<bool> {
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(watched(data))?;
    if !is_taken(&lock)? {
        tracing::warn!("somebody watches already");
        return Ok(false);
    }
    // A few bytes at most: nothing is said on it.
    line.take(1 << 10).read_to_end(&mut Vec::new())?;
    let Some(plan) = Plan::read(data)? else {
        tracing::warn!("there is no plan");
        return Ok(false);
    };
    let watch = Watch {
        files: Files::of(program, &plan),
        program: program.to_path_buf(),
        plan,
        key,
        times,
    };
    Ok(watch.run().is_updated())
}

/// Takes the lock. Whoever only looks whether somebody watches has it for a moment.
fn is_taken(lock: &File) -> io::Result<bool> {
    for _ in 0..TRIES {
        match lock.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}
