//! Files that handlers made: kept in memory until they are saved, and written whole or not at all.

use std::{
    collections::VecDeque,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{
    app::Bytes,
    error::{ApiError, ErrorCode},
    schema::FileOut,
};

/// How many files are kept; the oldest goes first.
const MOST: usize = 24;
/// Where files lie that were opened with another program; emptied at start and end.
const OPENED: &str = "opened";

/// Made files by their tokens.
pub(crate) struct Made {
    files: Mutex<VecDeque<(String, Arc<MadeFile>)>>,
    opened: PathBuf,
}

struct MadeFile {
    name: String,
    mime: String,
    bytes: Vec<u8>,
}

impl Made {
    pub(crate) fn new(data_dir: &Path) -> Self {
        let made = Self {
            files: Mutex::default(),
            opened: data_dir.join(OPENED),
        };
        made.clear();
        made
    }

    /// Keeps a file.
    pub(crate) fn keep(&self, name: &str, mime: &str, bytes: Vec<u8>) -> FileOut {
        let token = uuid::Uuid::from_u128(rand::random()).simple().to_string();
        let out = FileOut {
            token: token.clone(),
            name: file_name(name),
            mime: mime.to_owned(),
            size: bytes.len() as u64,
        };
        let file = MadeFile {
            name: out.name.clone(),
            mime: out.mime.clone(),
            bytes,
        };
        let mut files = self.files.lock();
        if files.len() >= MOST {
            files.pop_front();
        }
        files.push_back((token, Arc::new(file)));
        out
    }

    fn get(&self, token: &str) -> Result<Arc<MadeFile>, ApiError> {
        let files = self.files.lock();
        let found = files.iter().find(|(other, _)| other == token);
        found
            .map(|(_, file)| Arc::clone(file))
            .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "file"))
    }

    pub(crate) fn bytes(&self, token: &str) -> Result<Bytes, ApiError> {
        let file = self.get(token)?;
        Ok(Bytes {
            mime: file.mime.clone(),
            total: file.bytes.len() as u64,
            bytes: file.bytes.clone(),
        })
    }

    /// Writes a file to where a person chose.
    pub(crate) fn save(&self, token: &str, path: &Path) -> Result<(), ApiError> {
        if !path.is_absolute() {
            return Err(ApiError::bad_request("the path is not absolute"));
        }
        let file = self.get(token)?;
        write_whole(path, &file.bytes).map_err(|error| from_disk(&error, path))
    }

    /// Opens a file with the program that the system has for it.
    pub(crate) fn open(&self, token: &str) -> Result<(), ApiError> {
        let file = self.get(token)?;
        // A folder of its own, so that the name stays what it is.
        let dir = self.opened.join(token);
        let path = dir.join(&file.name);
        fs::create_dir_all(&dir)
            .and_then(|()| write_whole(&path, &file.bytes))
            .map_err(|error| from_disk(&error, &path))?;
        open::that_detached(&path).map_err(|error| from_disk(&error, &path))
    }

    /// Forgets all files, and removes what was written to be opened.
    pub(crate) fn clear(&self) {
        self.files.lock().clear();
        match fs::remove_dir_all(&self.opened) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // A program may still have one open; the next start tries again.
            Err(error) => tracing::warn!(%error, "files that were opened could not be removed"),
        }
    }
}

/// Writes a file whole or not at all: beside it first, then in its place.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    let written = fs::File::create(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// What a failure of the disk is to a person.
pub(crate) fn from_disk(error: &io::Error, path: &Path) -> ApiError {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
        io::ErrorKind::FileTooLarge => ErrorCode::FileTooLarge,
        io::ErrorKind::NotFound => ErrorCode::NotFound,
        _ => ErrorCode::Storage,
    };
    ApiError::new(code).with("detail", format!("{}: {error}", path.display()))
}

/// A name that every system takes as a file's.
fn file_name(name: &str) -> String {
    let safe = |c: char| {
        !c.is_control() && !matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
    };
    let name: String = name
        .chars()
        .map(|c| if safe(c) { c } else { '_' })
        .take(120)
        .collect();
    let name = name.trim_matches(['.', ' ']);
    if name.is_empty() {
        "file".into()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_made_file_is_saved_byte_for_byte_and_leaves_no_half_of_itself() {
        let dir = tempfile::tempdir().unwrap();
        let made = Made::new(dir.path());
        let out = made.keep("记录/1:号.pdf", "application/pdf", vec![1, 2, 3]);
        assert_eq!(out.name, "记录_1_号.pdf");
        let path = dir.path().join("out.pdf");
        made.save(&out.token, &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), [1, 2, 3]);
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "no .part beside it"
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_says_so_and_the_old_one_stays() {
        let dir = tempfile::tempdir().unwrap();
        let made = Made::new(dir.path());
        let out = made.keep("a.pdf", "application/pdf", vec![1]);
        let nowhere = dir.path().join("no such folder/a.pdf");
        assert_eq!(
            made.save(&out.token, &nowhere).unwrap_err().code,
            ErrorCode::NotFound
        );
        assert_eq!(
            made.save(&out.token, Path::new("a.pdf")).unwrap_err().code,
            ErrorCode::BadRequest
        );
        assert_eq!(
            made.save("no token", &dir.path().join("b"))
                .unwrap_err()
                .code,
            ErrorCode::NotFound
        );
    }

    #[test]
    fn only_the_latest_files_are_kept_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let made = Made::new(dir.path());
        let first = made.keep("a", "text/csv", vec![0]);
        for _ in 0..MOST {
            made.keep("b", "text/csv", vec![0]);
        }
        assert!(made.bytes(&first.token).is_err());
    }
}
