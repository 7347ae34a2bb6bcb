//! Files and folders that only their owner may read: they hold names, certificate numbers and photos of people.
//!
//! On Windows the rights of the folder above decide, and nothing is done here.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Makes a folder, and those above it, that only its owner may enter. One that is there already is left as it is.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn make_folder(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(dir)
}

/// Makes an empty file that only its owner may read, unless it is there.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn make_file(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Takes from everybody but the owner what rights they have on a file or folder. That it is not there is no fault.
///
/// # Errors
/// When its rights cannot be changed, as by somebody who does not own it.
pub(crate) fn close(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = match fs::metadata(path) {
            Ok(metadata) => metadata.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if mode & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))?;
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// [`close`] for a database and what SQLite keeps beside it.
///
/// # Errors
/// As [`close`].
pub(crate) fn close_database(path: &Path) -> io::Result<()> {
    close(path)?;
    for ending in ["-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        close(&PathBuf::from(name))?;
    }
    Ok(())
}
