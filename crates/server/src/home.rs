//! The data folder: everything that a central endpoint is, in one place.
//!
//! ```text
//! DIR/server.db    the store, unless it is on PostgreSQL
//! DIR/server.key   the key that signs receipts (owner only)
//! DIR/evidence/    photos and other files, by hash
//! ```
//!
//! Invariant: only `init` begins an endpoint, and only where nothing of one lies. What is missing beside the rest is named and never
//! made anew: an empty endpoint under the old key would answer every device as if it had never been enrolled.
//!
//! Several processes may serve one store on PostgreSQL; their folders hold the same key, and they share one folder or bucket with
//! evidence.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    evidence::{Evidence, EvidenceError, Location, sync_folder},
    private,
    signer::{KEY_FILE, Signer},
    store::{Info, MIGRATIONS, Migration, PostgresStore, SqliteStore, Store, StoreError, postgres},
};

/// Name of the database in the data folder.
pub const DATABASE_FILE: &str = "server.db";
/// Name of the folder with evidence in the data folder.
pub const EVIDENCE_FOLDER: &str = "evidence";
/// There from the beginning of `init` to its end, so that one that was broken off is told from an endpoint that lost a part.
const UNFINISHED_FILE: &str = "init.unfinished";

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// There is no such folder.
    #[error("there is no folder {0}")]
    NoFolder(PathBuf),
    /// There is no central endpoint in this folder.
    #[error("there is no central endpoint in {0}")]
    Empty(PathBuf),
    /// `init` was broken off here.
    #[error("init was broken off in {0}")]
    Unfinished(PathBuf),
    /// A part of a central endpoint is there, another is not. Nothing was touched.
    #[error("{dir} holds {has}, but {lacks} is missing")]
    Incomplete {
        /// Which folder.
        dir: PathBuf,
        /// What is there, by name.
        has: &'static str,
        /// What is not, by name.
        lacks: &'static str,
    },
    /// Damage was met in the database, and is still there.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// Another process serves this folder.
    #[error("another process serves {0}")]
    InUse(PathBuf),
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

/// A store, and what it says of itself.
type Found = (Box<dyn Store>, Info);

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

    /// The store, if there is one with an endpoint in it. None is made.
    fn store(&self, migrations: &[Migration]) -> Result<Option<Found>, HomeError> {
        let is_there = match &self.database {
            Some(url) => postgres::inspect::inspect(url)?.format.is_some(),
            None => {
                let file = fs::metadata(self.dir.join(DATABASE_FILE));
                file.is_ok_and(|file| file.is_file() && file.len() > 0)
            }
        };
        if !is_there {
            return Ok(None);
        }
        let store = self.open_store(migrations)?;
        Ok(store.info()?.map(|info| (store, info)))
    }

    /// What the store is called where it is missed.
    fn store_name(&self) -> &'static str {
        match self.database {
            Some(_) => "the database",
            None => DATABASE_FILE,
        }
    }

    /// What is there of an endpoint beside its store, by name.
    fn beside_store(&self) -> Option<&'static str> {
        // Not `lost+found` of a new volume: evidence lies in folders of two digits.
        let has_files = |dir: &Path| {
            fs::read_dir(dir).is_ok_and(|files| {
                files
                    .filter_map(Result::ok)
                    .any(|file| file.file_name().len() == 2)
            })
        };
        if self.dir.join(KEY_FILE).exists() {
            return Some(KEY_FILE);
        }
        match self.evidence() {
            Location::Folder(dir) if has_files(&dir) => Some(EVIDENCE_FOLDER),
            _ => None,
        }
    }

    fn incomplete(&self, has: &'static str, lacks: &'static str) -> HomeError {
        HomeError::Incomplete {
            dir: self.dir.clone(),
            has,
            lacks,
        }
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
    /// When it cannot be written, or a part of an endpoint lies there already.
    pub fn init(
        place: impl Into<Place>,
        name: &str,
        is_sample: bool,
    ) -> Result<(Self, bool), HomeError> {
        let place = place.into();
        let dir = place.dir.as_path();
        let io = |source| HomeError::Io {
            path: dir.to_owned(),
            source,
        };
        private::make_folder(dir).map_err(io)?;
        private::close(dir).map_err(io)?;
        let unfinished = dir.join(UNFINISHED_FILE);
        let was_broken_off = unfinished.exists();
        let before = if was_broken_off {
            None
        } else {
            place.store(MIGRATIONS)?
        };
        let has_key = dir.join(KEY_FILE).exists();
        let is_new = before.is_none();
        match before {
            Some((store, info)) if has_key => {
                if info.name != name || info.is_sample != is_sample {
                    store.set_info(name, is_sample, uuid::Uuid::now_v7())?;
                }
            }
            // A store that is there already belongs to a key, and another one would not do.
            Some(_) => return Err(place.incomplete(place.store_name(), KEY_FILE)),
            None => {
                if let Some(has) = place.beside_store().filter(|_| !was_broken_off) {
                    return Err(place.incomplete(has, place.store_name()));
                }
                fs::File::create(&unfinished)
                    .and_then(|file| file.sync_all())
                    .and_then(|()| sync_folder(Some(dir)))
                    .map_err(io)?;
                let store = place.open_store(MIGRATIONS)?;
                Signer::load_or_make(dir).map_err(io)?;
                store.set_info(name, is_sample, uuid::Uuid::now_v7())?;
                fs::remove_file(&unfinished)
                    .and_then(|()| sync_folder(Some(dir)))
                    .map_err(io)?;
            }
        }
        Ok((Self::open(place)?, is_new))
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
        if !dir.is_dir() {
            return Err(HomeError::NoFolder(dir.to_owned()));
        }
        if dir.join(UNFINISHED_FILE).exists() {
            return Err(HomeError::Unfinished(dir.to_owned()));
        }
        let Some((store, info)) = place.store(migrations)? else {
            return Err(match place.beside_store() {
                Some(has) => place.incomplete(has, place.store_name()),
                None => HomeError::Empty(dir.to_owned()),
            });
        };
        if !dir.join(KEY_FILE).exists() {
            return Err(place.incomplete(place.store_name(), KEY_FILE));
        }
        let signer = Signer::load(dir).map_err(io)?;
        let location = place.evidence();
        if let Location::Folder(folder) = &location {
            // A volume that is not mounted: new files would go beside it, and all others count as lost.
            if !folder.is_dir() && !store.blobs()?.is_empty() {
                return Err(place.incomplete(place.store_name(), EVIDENCE_FOLDER));
            }
        }
        let evidence = location.open().map_err(|source| HomeError::Evidence {
            location: location.clone(),
            source,
        })?;
        for ours in [dir, &dir.join(EVIDENCE_FOLDER)] {
            if let Err(error) = private::close(ours) {
                tracing::warn!(%error, "others may enter a folder with data");
            }
        }
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

/// The server's clock, Unix ms.
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
