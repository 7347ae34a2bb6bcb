//! Packages that were looked at, until they are taken in, and stopping what is under way.

use std::{
    collections::VecDeque,
    fs::File,
    io::{Cursor, Read},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use shicha_sync::package::Looked;

use crate::error::{ApiError, ErrorCode};

/// How many are kept; the oldest goes first.
const MOST: usize = 3;

/// Packages that were looked at, by their tokens.
#[derive(Default)]
pub(crate) struct Parcels {
    kept: Mutex<VecDeque<(String, Arc<Parcel>)>>,
    is_stopped: AtomicBool,
}

/// A package that was looked at.
pub(crate) struct Parcel {
    pub(crate) name: String,
    pub(crate) looked: Looked,
    pub(crate) bytes: u64,
    pub(crate) place: Place,
}

/// Where the file lies.
#[derive(Clone)]
pub(crate) enum Place {
    Disk(PathBuf),
    Memory(Arc<[u8]>),
}

impl Place {
    /// Opens it from the start.
    pub(crate) fn open(&self) -> std::io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::Disk(path) => Box::new(File::open(path)?),
            Self::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }
}

impl Parcels {
    pub(crate) fn keep(&self, parcel: Parcel) -> String {
        let token = uuid::Uuid::from_u128(rand::random()).simple().to_string();
        let mut kept = self.kept.lock();
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back((token.clone(), Arc::new(parcel)));
        token
    }

    pub(crate) fn get(&self, token: &str) -> Result<Arc<Parcel>, ApiError> {
        let kept = self.kept.lock();
        kept.iter()
            .find(|(other, _)| other == token)
            .map(|(_, parcel)| Arc::clone(parcel))
            .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "package"))
    }

    /// Something begins that may be stopped.
    pub(crate) fn begin(&self) {
        self.is_stopped.store(false, Ordering::SeqCst);
    }

    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }
}
