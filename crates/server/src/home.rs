//! The data folder: everything that a central endpoint is, in one place.
//!
//! ```text
//! DIR/server.db    the store
//! DIR/server.key   the key that signs receipts (owner only)
//! DIR/evidence/    photos and other files, by hash
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    evidence::Evidence,
    signer::Signer,
    store::{Info, SqliteStore, Store, StoreError},
};

/// Name of the database in the data folder.
pub const DATABASE_FILE: &str = "server.db";
/// Name of the folder with evidence in the data folder.
pub const EVIDENCE_FOLDER: &str = "evidence";

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// There is no central endpoint in this folder.
    #[error("there is no central endpoint in {0}")]
    Empty(PathBuf),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// An opened data folder.
pub struct Home {
    /// Where it is.
    pub dir: PathBuf,
    /// What is kept.
    pub store: Box<dyn Store>,
    /// The server's key.
    pub signer: Signer,
    /// The bytes of evidence.
    pub evidence: Evidence,
    /// What the server was called when the folder was opened.
    pub info: Info,
}

impl Home {
    /// Makes a data folder, or renames the server in an existing one. `true`: it is new.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn init(dir: &Path, name: &str, is_sample: bool) -> Result<(Self, bool), HomeError> {
        make_private(dir).map_err(|source| HomeError::Io {
            path: dir.to_owned(),
            source,
        })?;
        let store = SqliteStore::open(&dir.join(DATABASE_FILE))?;
        let before = store.info()?;
        Signer::load_or_make(dir).map_err(|source| HomeError::Io {
            path: dir.to_owned(),
            source,
        })?;
        if before
            .as_ref()
            .is_none_or(|info| info.name != name || info.is_sample != is_sample)
        {
            store.set_info(name, is_sample, uuid::Uuid::now_v7())?;
        }
        drop(store);
        Ok((Self::open(dir)?, before.is_none()))
    }

    /// Opens a data folder.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(dir: &Path) -> Result<Self, HomeError> {
        let io = |source| HomeError::Io {
            path: dir.to_owned(),
            source,
        };
        if !dir.join(DATABASE_FILE).is_file() {
            return Err(HomeError::Empty(dir.to_owned()));
        }
        let store = SqliteStore::open(&dir.join(DATABASE_FILE))?;
        let info = store
            .info()?
            .ok_or_else(|| HomeError::Empty(dir.to_owned()))?;
        let signer = Signer::load(dir).map_err(io)?;
        let evidence = Evidence::open(&dir.join(EVIDENCE_FOLDER)).map_err(io)?;
        Ok(Self {
            dir: dir.to_owned(),
            store: Box::new(store),
            signer,
            evidence,
            info,
        })
    }
}

/// Makes a folder that only its owner may enter: it holds names, certificate numbers and photos of people.
pub(crate) fn make_private(dir: &Path) -> std::io::Result<()> {
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

/// The server's clock, Unix ms.
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
