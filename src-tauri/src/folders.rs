//! Where the data lie and where fonts may be found.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::notice::Fault;

/// Lies beside a program that is carried on a stick: everything it writes then lies there too.
const CARRIED: &str = "portable.txt";
/// The data folder beside such a program.
const CARRIED_DATA: &str = "data";
/// WebView2 that is carried too, for computers that lack it and may install nothing: Microsoft's "fixed version", unpacked.
const CARRIED_WEBVIEW: &str = "WebView2Runtime";

/// The folders of this start.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    /// The data folder; exists.
    pub(crate) data: PathBuf,
    /// Folder of the logs; exists.
    pub(crate) logs: PathBuf,
    /// Whether program and data are carried from computer to computer, and nothing is to stay on any of them.
    pub(crate) is_carried: bool,
    /// Whether the data lie where they lie when nobody says anything.
    pub(crate) is_usual: bool,
}

impl Folders {
    /// Makes the folders: those given, those beside a program that is carried, or below the system's folder for application data.
    pub(crate) fn find(given: Option<&Path>, identifier: &str) -> Result<Self, Fault> {
        let carried = beside_the_program(CARRIED).and_then(|mark| {
            let folder = mark.parent()?.join(CARRIED_DATA);
            Some(folder)
        });
        Self::choose(given, carried, || {
            Some(dirs::data_local_dir()?.join(identifier))
        })
    }

    fn choose(
        given: Option<&Path>,
        carried: Option<PathBuf>,
        usual: impl FnOnce() -> Option<PathBuf>,
    ) -> Result<Self, Fault> {
        let (is_given, is_carried) = (given.is_some(), carried.is_some());
        let data = match given.map(Path::to_path_buf).or(carried) {
            Some(dir) => dir,
            None => usual().ok_or(Fault::NoDataFolder)?,
        };
        let logs = data.join(shicha_api::LOGS_FOLDER);
        make(&data)?;
        make(&logs)?;
        Ok(Self {
            data,
            logs,
            is_carried,
            is_usual: !is_given && !is_carried,
        })
    }

    /// The window's profile: what it caches and remembers. It lies with the data, wherever these are, so that a wipe reaches it and a
    /// stick leaves nothing behind.
    pub(crate) fn window(&self) -> PathBuf {
        self.data.join(shicha_api::WINDOW_FOLDER)
    }

    /// Where fonts may be: what was installed with the program, and while developing the fetched ones.
    pub(crate) fn fonts(&self, resources: Option<&Path>) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = resources.iter().map(|dir| dir.join("fonts")).collect();
        if let Some(build) = std::env::current_exe()
            .ok()
            .as_deref()
            .and_then(build_folder)
        {
            folders.push(build.join("fonts"));
        }
        folders
    }
}

/// A file or folder beside the program, where there is one.
fn beside_the_program(name: impl AsRef<Path>) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    Some(program.parent()?.join(name)).filter(|path| path.exists())
}

/// WebView2 that is carried beside the program, as a path from the program's folder.
pub(crate) fn carried_webview() -> Option<PathBuf> {
    let folder = Path::new(CARRIED_WEBVIEW);
    beside_the_program(folder.join("msedgewebview2.exe")).map(|_| folder.to_path_buf())
}

/// The build folder, when the program lies in `debug` or `release` of one.
fn build_folder(program: &Path) -> Option<PathBuf> {
    let profile = program.parent()?;
    let build = profile.parent()?;
    // Cargo marks its build folders with this file.
    build
        .join("CACHEDIR.TAG")
        .exists()
        .then(|| build.to_path_buf())
}

#[cfg(unix)]
fn make(dir: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::DirBuilderExt as _;
    // Other users of the computer have no business here.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|source| Fault::Folder(dir.to_path_buf(), source))
}

#[cfg(not(unix))]
fn make(dir: &Path) -> Result<(), Fault> {
    fs::create_dir_all(dir).map_err(|source| Fault::Folder(dir.to_path_buf(), source))
}

/// What this computer is called, as a first suggestion for its name at the central endpoint.
pub(crate) fn computer_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_chosen_data_folder_is_made_with_its_logs() {
        let dir = tempfile::tempdir().unwrap();
        let chosen = dir.path().join("台账 2022");
        let folders = Folders::find(Some(&chosen), "unused").unwrap();
        assert_eq!(folders.data, chosen);
        assert!(folders.logs.is_dir());
    }

    #[test]
    fn a_program_that_is_carried_keeps_its_data_beside_itself_and_a_chosen_folder_goes_before() {
        let dir = tempfile::tempdir().unwrap();
        let (stick, usual) = (dir.path().join("U盘/data"), dir.path().join("usual"));
        let carried = Folders::choose(None, Some(stick.clone()), || Some(usual.clone())).unwrap();
        assert_eq!(carried.data, stick);
        assert!(carried.is_carried && !carried.is_usual);
        assert!(carried.window().starts_with(&stick));
        assert!(!usual.exists(), "nothing is left on the computer");
        let chosen = dir.path().join("chosen");
        let given = Folders::choose(Some(&chosen), Some(stick), || None).unwrap();
        assert_eq!(given.data, chosen);
        let installed = Folders::choose(None, None, || Some(usual.clone())).unwrap();
        assert_eq!(installed.data, usual);
        assert!(installed.is_usual && !installed.is_carried);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let fault = Folders::find(Some(&file.join("data")), "unused").unwrap_err();
        assert!(matches!(fault, Fault::Folder(path, _) if path.starts_with(&file)));
    }
}
