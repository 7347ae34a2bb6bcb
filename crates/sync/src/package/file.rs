//! The file that a package lies in: written under another name, made durable, then given its own, so that a stick that is pulled out
//! never bears half a package under a package's name.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::PackageFault;

/// Space that is left free on the volume.
const KEEP_FREE: u64 = 4 << 20;

/// A package file in the making. Dropped without [`PackageFile::keep`] it is gone.
pub struct PackageFile {
    file: Option<File>,
    part: PathBuf,
    path: PathBuf,
}

impl PackageFile {
    /// Begins a file at `path` of about `expected` bytes.
    ///
    /// # Errors
    /// When there is not enough space, or it cannot be written there.
    pub fn begin(path: &Path, expected: u64) -> Result<Self, PackageFault> {
        let folder = folder(path);
        let free = fs4::available_space(folder)?;
        let needed = expected.saturating_add(KEEP_FREE);
        if free < needed {
            return Err(PackageFault::NoSpace { needed, free });
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        Ok(Self {
            file: Some(File::create(&part)?),
            part,
            path: path.to_owned(),
        })
    }

    /// Makes what was written durable and gives it its name. Returns how many bytes it has.
    ///
    /// # Errors
    /// When that fails; then there is no such file.
    pub fn keep(mut self) -> Result<u64, PackageFault> {
        let Some(file) = self.file.take() else {
            return Err(PackageFault::Malformed("a file that is closed".to_owned()));
        };
        let kept = file
            .sync_all()
            .and_then(|()| file.metadata())
            .and_then(|metadata| {
                // Windows does not rename what is open.
                drop(file);
                fs::rename(&self.part, &self.path)?;
                sync_folder(folder(&self.path))?;
                Ok(metadata.len())
            });
        if kept.is_err() {
            self.remove();
        }
        Ok(kept?)
    }

    fn remove(&self) {
        // It bears another name than a package's; what cannot be removed is overwritten the next time.
        let _gone = fs::remove_file(&self.part);
    }
}

impl Write for PackageFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), File::flush)
    }
}

impl Drop for PackageFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            self.remove();
        }
    }
}

/// Opens a package file for reading, and tells its length.
///
/// # Errors
/// When it cannot be read.
pub fn open(path: &Path) -> Result<(File, u64), PackageFault> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        Ok((file, metadata.len()))
    } else {
        Err(PackageFault::NotAPackage)
    }
}

fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A new name is durable only when its folder is; sticks with FAT have no folders to sync, and lose nothing by it.
fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
        other => other?,
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
