//! Where the data lie and where fonts may be found.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::notice::Fault;

/// The folders of this start.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    /// The data folder; exists.
    pub(crate) data: PathBuf,
    /// Folder of the logs; exists.
    pub(crate) logs: PathBuf,
}

impl Folders {
    /// Makes the folders: those given, or below the system's folder for application data.
    pub(crate) fn find(given: Option<&Path>, identifier: &str) -> Result<Self, Fault> {
        let data = match given {
            Some(dir) => dir.to_path_buf(),
            None => dirs::data_local_dir()
                .ok_or(Fault::NoDataFolder)?
                .join(identifier),
        };
        let logs = data.join("logs");
        make(&data)?;
        make(&logs)?;
        Ok(Self { data, logs })
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
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let fault = Folders::find(Some(&file.join("data")), "unused").unwrap_err();
        assert!(matches!(fault, Fault::Folder(path, _) if path.starts_with(&file)));
    }
}
