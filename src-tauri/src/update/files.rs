//! The program's files: kept before a setup runs, put back when what it brought does not start.
//!
//! Only files that the setup writes, each by its name: the folder may be one that other things lie in.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use shicha_api::updates::Plan;

/// What the setup writes, beside the program itself. The last is what removes it all.
const NAMES: &[&str] = &[
    "WebView2Loader.dll",
    "shicha-server.exe",
    "fonts/NotoSerifSC_400Regular.ttf",
    "fonts/NotoSerifSC_700Bold.ttf",
    "packs/lyg-2021-training.json",
    "uninstall.exe",
];
/// What a program needs beside itself to start at all.
pub(super) const NEEDED: &[&str] = &["WebView2Loader.dll"];
/// Where the files are kept, beside the update.
const KEPT: &str = "previous";
/// A file that was just in use may not be free at once.
const TRIES: u32 = 40;
const BETWEEN: Duration = Duration::from_millis(250);

/// The files of a program.
pub(super) struct Files {
    folder: PathBuf,
    names: Vec<PathBuf>,
    kept: PathBuf,
}

impl Files {
    pub(super) fn of(program: &Path, plan: &Plan) -> Self {
        let own = program.file_name().map(PathBuf::from);
        Self {
            folder: program.parent().unwrap_or(Path::new("")).to_path_buf(),
            names: own
                .into_iter()
                .chain(NAMES.iter().map(PathBuf::from))
                .collect(),
            kept: plan.file(KEPT),
        }
    }

    /// Keeps copies of those that are there.
    pub(super) fn keep(&self) -> io::Result<()> {
        self.forget()?;
        for name in &self.names {
            let from = self.folder.join(name);
            if from.is_file() {
                copy(&from, &self.kept.join(name))?;
            }
        }
        Ok(())
    }

    /// Puts the copies back, and removes what was not there before.
    pub(super) fn put_back(&self) -> io::Result<()> {
        for name in &self.names {
            let (kept, to) = (self.kept.join(name), self.folder.join(name));
            patiently(|| {
                if kept.is_file() {
                    copy(&kept, &to)
                } else {
                    remove(&to)
                }
            })?;
        }
        Ok(())
    }

    /// Removes the copies.
    pub(super) fn forget(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.kept) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Beside it first, then in its place: each file is the old or the new one, never half.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut beside = to.as_os_str().to_owned();
    beside.push(".kept");
    let beside = PathBuf::from(beside);
    fs::copy(from, &beside)?;
    fs::File::options().write(true).open(&beside)?.sync_all()?;
    fs::rename(&beside, to)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn patiently(mut work: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    for _ in 1..TRIES {
        match work() {
            Err(error) if is_in_use(&error) => thread::sleep(BETWEEN),
            done => return done,
        }
    }
    work()
}

/// On Windows a program that runs, or that a scanner looks at, cannot be replaced: access denied, or a sharing violation.
fn is_in_use(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_that_the_setup_puts_in_place_is_kept_and_put_back() {
        let script = include_str!("../../../packaging/windows/installer.nsi");
        let mut put = BTreeSet::new();
        let mut folder = "";
        for line in script.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("SetOutPath ") {
                folder = rest.trim_matches('"');
            }
            assert!(
                !line.starts_with("File ")
                    || ["${UNPACKED}", "$PLUGINSDIR"]
                        .iter()
                        .any(|aside| folder.starts_with(aside)),
                "unpacked where it stays: {line}"
            );
            if let Some(name) = line.strip_prefix("!insertmacro Put ") {
                put.insert(match name.trim_matches('"') {
                    "${PROGRAM}" => continue,
                    "${SERVER}" => "shicha-server.exe".to_owned(),
                    "${UNINSTALLER}" => "uninstall.exe".to_owned(),
                    other => other.replace('\\', "/"),
                });
            }
        }
        let kept: BTreeSet<String> = NAMES.iter().copied().map(str::to_owned).collect();
        assert_eq!(put, kept);
    }
}
