//! The data folder: everything that a central endpoint is, in one place.
//!
//! ```text
//! DIR/server.db    the store, unless it is on PostgreSQL
//! DIR/server.key   the key that signs receipts (owner only)
//! DIR/evidence/    photos and other files, by hash
//! ```
//!
//! Several processes may serve one store on PostgreSQL; their folders hold the same key, and they share one folder or bucket with
//! evidence.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    evidence::{Evidence, EvidenceError, Location},
    signer::Signer,
    store::{Info, MIGRATIONS, Migration, PostgresStore, SqliteStore, Store, StoreError},
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
    /// Evidence cannot be reached.
    #[error("{location}: {source}")]
    Evidence {
        /// Where it lies.
        location: Location,
        /// Why not.
        source: EvidenceError,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Where a central endpoint lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The data folder.
    pub dir: PathBuf,
    /// URL of the PostgreSQL database that holds the store; without one it is a file in the data folder.
    pub database: Option<String>,
    /// Where evidence lies, when that is not in the data folder: one place that all processes on a database reach.
    pub evidence: Option<Location>,
}

impl<P: AsRef<Path>> From<P> for Place {
    fn from(dir: P) -> Self {
        Self {
            dir: dir.as_ref().to_owned(),
            database: None,
            evidence: None,
        }
    }
}

impl Place {
    fn open_store(&self, migrations: &[Migration]) -> Result<Box<dyn Store>, StoreError> {
        Ok(match &self.database {
            Some(url) => Box::new(PostgresStore::open_as(url, migrations)?),
            None => Box::new(SqliteStore::open_as(
                &self.dir.join(DATABASE_FILE),
                migrations,
            )?),
        })
    }

    /// Where evidence lies.
    pub fn evidence(&self) -> Location {
        self.evidence
            .clone()
            .unwrap_or_else(|| self.dir.join(EVIDENCE_FOLDER).into())
    }
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
    pub evidence: Box<dyn Evidence>,
    /// Where they lie.
    pub location: Location,
    /// What the server was called when the folder was opened.
    pub info: Info,
}

impl Home {
    /// Makes a data folder, or renames the server in an existing one. `true`: it is new.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn init(
        place: impl Into<Place>,
        name: &str,
        is_sample: bool,
    ) -> Result<(Self, bool), HomeError> {
        let place = place.into();
        let dir = place.dir.as_path();
        make_private(dir).map_err(|source| HomeError::Io {
            path: dir.to_owned(),
            source,
        })?;
        let store = place.open_store(MIGRATIONS)?;
        let before = store.info()?;
        // A store that is there already belongs to a key, and another one would not do.
        let key = match &before {
            Some(_) if place.database.is_some() => Signer::load(dir),
            _ => Signer::load_or_make(dir),
        };
        key.map_err(|source| HomeError::Io {
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
        Ok((Self::open(place)?, before.is_none()))
    }

    /// Opens a data folder.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(place: impl Into<Place>) -> Result<Self, HomeError> {
        Self::open_as(place, MIGRATIONS)
    }

    /// [`Self::open`] as a program that knows these formats of the store.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_as(place: impl Into<Place>, migrations: &[Migration]) -> Result<Self, HomeError> {
        let place = place.into();
        let dir = place.dir.as_path();
        let io = |source| HomeError::Io {
            path: dir.to_owned(),
            source,
        };
        if place.database.is_none() && !dir.join(DATABASE_FILE).is_file() {
            return Err(HomeError::Empty(dir.to_owned()));
        }
        let store = place.open_store(migrations)?;
        let info = store
            .info()?
            .ok_or_else(|| HomeError::Empty(dir.to_owned()))?;
        let signer = Signer::load(dir).map_err(io)?;
        let location = place.evidence();
        let evidence = location.open().map_err(|source| HomeError::Evidence {
            location: location.clone(),
            source,
        })?;
        Ok(Self {
            dir: dir.to_owned(),
            store,
            signer,
            evidence,
            location,
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
