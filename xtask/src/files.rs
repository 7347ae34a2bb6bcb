//! Small questions about files: which is newer, what lies in a folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result};

/// When a file was last changed; `None` when there is none.
pub(crate) fn changed(path: &Path) -> Result<Option<SystemTime>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.modified()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("look at {}", path.display())),
    }
}

/// All files below a path (or the file itself), folders with one of the names in `without` passed over.
pub(crate) fn below(path: &Path, without: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![path.to_path_buf()];
    while let Some(path) = waiting.pop() {
        if !path.is_dir() {
            found.push(path);
            continue;
        }
        let entries = fs::read_dir(&path).with_context(|| format!("read {}", path.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if !without.iter().any(|other| name.to_str() == Some(*other)) {
                waiting.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// When the newest file below a path was changed.
pub(crate) fn newest(path: &Path, without: &[&str]) -> Result<Option<SystemTime>> {
    let mut newest = None;
    for file in below(path, without)? {
        newest = newest.max(changed(&file)?);
    }
    Ok(newest)
}

/// Copies a folder with everything in it.
pub(crate) fn copy_all(from: &Path, to: &Path) -> Result<()> {
    for file in below(from, &[])? {
        let to = to.join(file.strip_prefix(from)?);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(&file, &to)
            .with_context(|| format!("copy {} to {}", file.display(), to.display()))?;
    }
    Ok(())
}

/// Removes a folder with everything in it, if it is there.
pub(crate) fn remove_all(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The files of two folders that differ, by name; those that only one has included.
pub(crate) fn differing(a: &Path, b: &Path) -> Result<Vec<String>> {
    let mut differing = Vec::new();
    for (one, other) in [(a, b), (b, a)] {
        for file in below(one, &[])? {
            let name = file.strip_prefix(one)?;
            let twin = other.join(name);
            if !twin.is_file() || fs::read(&file)? != fs::read(&twin)? {
                differing.push(name.display().to_string());
            }
        }
    }
    differing.sort();
    differing.dedup();
    Ok(differing)
}
