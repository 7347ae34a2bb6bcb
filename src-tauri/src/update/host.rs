//! What the desktop does about updates: whether they can be installed where this program lies, and handing over to the watch.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use shicha_api::updates::{Installer, Plan};
use tauri::AppHandle;

use super::files::{NEEDED, copy};
use crate::closing;

/// Where the copy of this program lies that watches.
const WATCH: &str = "watch";

/// The desktop.
pub(super) struct Host {
    handle: AppHandle,
    /// The watch waits until this is closed, which the end of this program does.
    line: Mutex<Option<ChildStdin>>,
}

impl Host {
    pub(super) fn new(handle: AppHandle) -> Self {
        Self {
            handle,
            line: Mutex::default(),
        }
    }
}

impl Installer for Host {
    fn obstacle(&self) -> Option<&'static str> {
        match env::current_exe() {
            Ok(program) if is_installed(&program) => None,
            _ => Some("not_installed"),
        }
    }

    fn install(&self, plan: &Plan) -> Result<(), String> {
        let line = start_watch(plan).map_err(|error| error.to_string())?;
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
        closing::begin(&self.handle);
        Ok(())
    }
}

/// Starts a copy of this program that watches once this one has ended.
fn start_watch(plan: &Plan) -> io::Result<ChildStdin> {
    let program = env::current_exe()?;
    let watch = copied(&program, &plan.file(WATCH))?;
    let mut child = Command::new(&watch)
        .arg("--watch-update")
        .arg(&program)
        .arg("--data-dir")
        .arg(&plan.data_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    child
        .stdin
        .take()
        .ok_or_else(|| io::Error::other("the watch cannot be told when to begin"))
}

/// A copy of the program in a folder of its own: what runs cannot be replaced.
fn copied(program: &Path, folder: &Path) -> io::Result<PathBuf> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let name = program
        .file_name()
        .ok_or_else(|| io::Error::other("this program has no name"))?;
    let watch = folder.join(name);
    copy(program, &watch)?;
    let beside = program.parent().unwrap_or(Path::new(""));
    for needed in NEEDED {
        let needed = Path::new(needed);
        let from = beside.join(needed);
        if from.is_file() {
            copy(&from, &folder.join(needed))?;
        }
    }
    Ok(watch)
}

/// Whether the setup put this program where it lies: another copy would not be replaced by it.
#[cfg(windows)]
fn is_installed(program: &Path) -> bool {
    use winreg::{RegKey, enums::HKEY_CURRENT_USER};
    let folder = RegKey::predef(HKEY_CURRENT_USER)
        .open_subkey(r"Software\Shicha")
        .and_then(|settings| settings.get_value::<String, _>("Folder"));
    let same = |a: &Path, b: &Path| match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    };
    match (folder, program.parent()) {
        (Ok(folder), Some(here)) => same(Path::new(&folder), here),
        _ => false,
    }
}

/// There is a setup for Windows alone.
#[cfg(not(windows))]
fn is_installed(_program: &Path) -> bool {
    false
}
