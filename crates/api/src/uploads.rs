//! Files that come in: from the disk, or piece by piece through a call.
//!
//! What comes piece by piece is pasted, drawn, or sent by a browser, and is held in memory until it is used; what is long comes from
//! the disk and is never held whole.

use std::{
    collections::HashMap,
    fs::File,
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use parking_lot::Mutex;

use crate::{
    error::{ApiError, ErrorCode},
    made::from_disk,
    schema::{FileSource, UploadBegin, UploadBegun, UploadWrite},
};

/// The most bytes of one piece.
const MOST_PIECE: usize = 1 << 20;
/// The most bytes of all uploads that have begun.
const MOST_BYTES: usize = 512 << 20;
/// The most uploads that have begun.
const MOST_UPLOADS: usize = 64;

/// Uploads that have begun.
#[derive(Default)]
pub(crate) struct Uploads(Mutex<HashMap<String, Upload>>);

struct Upload {
    name: String,
    bytes: Vec<u8>,
}

/// A file to be read.
pub(crate) struct Incoming {
    pub(crate) name: String,
    pub(crate) size: u64,
    from: From,
}

enum From {
    Disk(File, PathBuf),
    Memory(Cursor<Vec<u8>>),
}

impl Uploads {
    pub(crate) fn begin(&self, request: UploadBegin) -> Result<UploadBegun, ApiError> {
        let mut uploads = self.0.lock();
        if uploads.len() >= MOST_UPLOADS {
            return Err(ApiError::bad_request("too many uploads at once"));
        }
        let upload = uuid::Uuid::from_u128(rand::random()).simple().to_string();
        let new = Upload {
            name: request.name.chars().take(200).collect(),
            bytes: Vec::new(),
        };
        uploads.insert(upload.clone(), new);
        Ok(UploadBegun { upload })
    }

    pub(crate) fn write(&self, request: &UploadWrite) -> Result<(), ApiError> {
        if request.data.len() > MOST_PIECE / 3 * 4 + 8 {
            return Err(ApiError::bad_request("the piece is too long"));
        }
        let piece = BASE64_STANDARD
            .decode(&request.data)
            .map_err(ApiError::bad_request)?;
        let mut uploads = self.0.lock();
        let all: usize = uploads.values().map(|upload| upload.bytes.len()).sum();
        if all + piece.len() > MOST_BYTES {
            uploads.remove(&request.upload);
            return Err(ApiError::new(ErrorCode::FileTooLarge));
        }
        let upload = uploads
            .get_mut(&request.upload)
            .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "upload"))?;
        let have = upload.bytes.len() as u64;
        // A piece that was sent twice because its answer was lost is there already.
        if request.offset + piece.len() as u64 == have && upload.bytes.ends_with(&piece) {
            return Ok(());
        }
        if request.offset != have {
            return Err(ApiError::bad_request(format!(
                "{have} bytes are there, not {}",
                request.offset
            )));
        }
        upload.bytes.extend_from_slice(&piece);
        Ok(())
    }

    /// Opens a file that comes in. An upload is used up by it.
    pub(crate) fn open(&self, source: &FileSource) -> Result<Incoming, ApiError> {
        match source {
            FileSource::Path { path } => open_path(Path::new(path)),
            FileSource::Upload { upload } => {
                let found = self.0.lock().remove(upload);
                let upload = found
                    .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "upload"))?;
                Ok(Incoming {
                    size: upload.bytes.len() as u64,
                    name: upload.name,
                    from: From::Memory(Cursor::new(upload.bytes)),
                })
            }
        }
    }

    /// The name of a file that comes in, for messages about it.
    pub(crate) fn name(&self, source: &FileSource) -> String {
        match source {
            FileSource::Path { path } => name_of(Path::new(path)),
            FileSource::Upload { upload } => self
                .0
                .lock()
                .get(upload)
                .map_or_else(String::new, |upload| upload.name.clone()),
        }
    }
}

impl Incoming {
    /// Reads the whole file into memory.
    pub(crate) fn read_all(self, most: u64) -> Result<Vec<u8>, ApiError> {
        if self.size > most {
            return Err(ApiError::new(ErrorCode::FileTooLarge)
                .with("name", self.name)
                .with("most", most));
        }
        match self.from {
            From::Memory(cursor) => Ok(cursor.into_inner()),
            From::Disk(file, path) => {
                let mut bytes = Vec::new();
                // The file may have grown since its size was asked for.
                file.take(most + 1)
                    .read_to_end(&mut bytes)
                    .map_err(|error| unreadable(&error, &path))?;
                if bytes.len() as u64 > most {
                    return Err(ApiError::new(ErrorCode::FileTooLarge)
                        .with("name", self.name)
                        .with("most", most));
                }
                Ok(bytes)
            }
        }
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match &mut self.from {
            From::Disk(file, _) => file.read(buffer),
            From::Memory(cursor) => cursor.read(buffer),
        }
    }
}

fn open_path(path: &Path) -> Result<Incoming, ApiError> {
    if !path.is_absolute() {
        return Err(ApiError::bad_request("the path is not absolute"));
    }
    let file = File::open(path).map_err(|error| unreadable(&error, path))?;
    let about = file.metadata().map_err(|error| unreadable(&error, path))?;
    if !about.is_file() {
        return Err(ApiError::new(ErrorCode::BadFile).with("name", name_of(path)));
    }
    Ok(Incoming {
        name: name_of(path),
        size: about.len(),
        from: From::Disk(file, path.to_path_buf()),
    })
}

fn unreadable(error: &std::io::Error, path: &Path) -> ApiError {
    let mut fault = from_disk(error, path).with("name", name_of(path));
    if fault.code == ErrorCode::Storage {
        fault.code = ErrorCode::BadFile;
    }
    fault
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn piece(upload: &str, offset: u64, bytes: &[u8]) -> UploadWrite {
        UploadWrite {
            upload: upload.to_owned(),
            offset,
            data: BASE64_STANDARD.encode(bytes),
        }
    }

    #[test]
    fn a_file_sent_piece_by_piece_arrives_whole_even_if_a_piece_is_sent_twice() {
        let uploads = Uploads::default();
        let UploadBegun { upload } = uploads
            .begin(UploadBegin {
                name: "照片.jpg".into(),
            })
            .unwrap();
        uploads.write(&piece(&upload, 0, b"abc")).unwrap();
        uploads.write(&piece(&upload, 0, b"abc")).unwrap();
        uploads.write(&piece(&upload, 3, b"de")).unwrap();
        assert!(
            uploads.write(&piece(&upload, 9, b"x")).is_err(),
            "a gap is refused"
        );
        let file = uploads
            .open(&FileSource::Upload {
                upload: upload.clone(),
            })
            .unwrap();
        assert_eq!(file.name, "照片.jpg");
        assert_eq!(file.read_all(100).unwrap(), b"abcde");
        assert!(
            uploads.open(&FileSource::Upload { upload }).is_err(),
            "used up"
        );
    }

    #[test]
    fn what_is_no_file_is_refused_with_its_name() {
        let uploads = Uploads::default();
        let dir = tempfile::tempdir().unwrap();
        let open = |path: &Path| {
            let path = path.to_string_lossy().into_owned();
            uploads
                .open(&FileSource::Path { path })
                .map(|_| ())
                .unwrap_err()
                .code
        };
        assert!(matches!(open(dir.path()), ErrorCode::BadFile));
        assert_eq!(open(&dir.path().join("gone.jpg")), ErrorCode::NotFound);
        assert_eq!(open(Path::new("relative.jpg")), ErrorCode::BadRequest);
        let long = dir.path().join("long.xlsx");
        std::fs::write(&long, [0; 11]).unwrap();
        let path = long.to_string_lossy().into_owned();
        let file = uploads.open(&FileSource::Path { path }).unwrap();
        assert_eq!(file.read_all(10).unwrap_err().code, ErrorCode::FileTooLarge);
    }
}
