//! Packages that were looked at, until they are taken in or handed in; answers, until they are saved; and stopping what is under way.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use shicha_sync::package::{Card, Label, Looked};
use tokio::sync::watch;

use crate::{
    app::App,
    error::{ApiError, ErrorCode},
    schema::FileSource,
};

/// How many are kept of each kind; the oldest goes first.
const MOST: usize = 3;
/// Where answers lie until they are saved; emptied at start and end.
const ANSWERS: &str = "answers";

/// What is kept of each kind, by its token.
pub(crate) struct Parcels {
    looked: Kept<Parcel>,
    carried: Kept<Carried>,
    answers: Kept<AnswerFile>,
    /// The card of a central endpoint that was read last.
    card: Mutex<Option<Card>>,
    is_stopped: watch::Sender<bool>,
    folder: PathBuf,
    /// Files that were opened from outside the window and not looked at yet.
    opened: Mutex<Vec<PathBuf>>,
}

/// A package that was looked at.
pub(crate) struct Parcel {
    pub(crate) name: String,
    pub(crate) looked: Looked,
    pub(crate) bytes: u64,
    pub(crate) place: Place,
}

/// Somebody else's package for the central endpoint.
pub(crate) struct Carried {
    pub(crate) name: String,
    pub(crate) label: Label,
    pub(crate) bytes: u64,
    pub(crate) place: Place,
}

/// What the central endpoint answered to one.
pub(crate) struct AnswerFile {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) path: PathBuf,
}

impl Drop for AnswerFile {
    fn drop(&mut self) {
        // What cannot be removed goes with the whole folder.
        let _gone = fs::remove_file(&self.path);
    }
}

/// Where the file lies.
#[derive(Clone)]
pub(crate) enum Place {
    Disk(PathBuf),
    Memory(Arc<[u8]>),
}

impl Place {
    /// Opens it from the start.
    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Disk(path) => Box::new(File::open(path)?),
            Self::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }
}

/// A package file that a person chose: its name, how many bytes it has, and where it lies.
pub(crate) fn chosen(app: &App, source: &FileSource) -> Result<(String, u64, Place), ApiError> {
    let file = app.0.uploads.open(source)?;
    let (name, bytes) = (file.name.clone(), file.size);
    let place = match source {
        FileSource::Path { path } => Place::Disk(PathBuf::from(path)),
        FileSource::Upload { .. } => Place::Memory(file.read_all(u64::MAX)?.into()),
    };
    Ok((name, bytes, place))
}

/// The latest of one kind, by their tokens.
struct Kept<T>(Mutex<VecDeque<(String, Arc<T>)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Kept<T> {
    fn keep(&self, one: T) -> String {
        let token = uuid::Uuid::from_u128(rand::random()).simple().to_string();
        let mut kept = self.0.lock();
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back((token.clone(), Arc::new(one)));
        token
    }

    fn get(&self, token: &str) -> Result<Arc<T>, ApiError> {
        let kept = self.0.lock();
        kept.iter()
            .find(|(other, _)| other == token)
            .map(|(_, one)| Arc::clone(one))
            .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "package"))
    }
}

impl Parcels {
    pub(crate) fn new(data_dir: &Path) -> Self {
        let parcels = Self {
            looked: Kept::default(),
            carried: Kept::default(),
            answers: Kept::default(),
            card: Mutex::default(),
            is_stopped: watch::Sender::default(),
            folder: data_dir.join(ANSWERS),
            opened: Mutex::default(),
        };
        parcels.clear();
        parcels
    }

    pub(crate) fn opened(&self, path: PathBuf) {
        self.opened.lock().push(path);
    }

    pub(crate) fn take_opened(&self) -> Vec<PathBuf> {
        std::mem::take(&mut *self.opened.lock())
    }

    pub(crate) fn keep(&self, parcel: Parcel) -> String {
        self.looked.keep(parcel)
    }

    pub(crate) fn get(&self, token: &str) -> Result<Arc<Parcel>, ApiError> {
        self.looked.get(token)
    }

    pub(crate) fn keep_carried(&self, carried: Carried) -> String {
        self.carried.keep(carried)
    }

    pub(crate) fn carried(&self, token: &str) -> Result<Arc<Carried>, ApiError> {
        self.carried.get(token)
    }

    pub(crate) fn keep_answer(&self, answer: AnswerFile) -> String {
        self.answers.keep(answer)
    }

    pub(crate) fn answer(&self, token: &str) -> Result<Arc<AnswerFile>, ApiError> {
        self.answers.get(token)
    }

    /// A place for an answer that is to come.
    pub(crate) fn room(&self) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.folder)?;
        let name = uuid::Uuid::from_u128(rand::random()).simple().to_string();
        Ok(self.folder.join(name))
    }

    pub(crate) fn keep_card(&self, card: Card) {
        *self.card.lock() = Some(card);
    }

    pub(crate) fn card(&self) -> Option<Card> {
        self.card.lock().clone()
    }

    /// Something begins that may be stopped.
    pub(crate) fn begin(&self) {
        self.is_stopped.send_replace(false);
    }

    pub(crate) fn stop(&self) {
        self.is_stopped.send_replace(true);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        *self.is_stopped.borrow()
    }

    /// Waits until a person stops what is under way.
    pub(crate) async fn stopped(&self) {
        let mut stopped = self.is_stopped.subscribe();
        if stopped.wait_for(|is_stopped| *is_stopped).await.is_err() {
            // The application has gone: nobody stops anything any more.
            std::future::pending::<()>().await;
        }
    }

    /// Forgets all answers, and removes what lies of them.
    pub(crate) fn clear(&self) {
        self.answers.0.lock().clear();
        match fs::remove_dir_all(&self.folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // The next start tries again.
            Err(error) => tracing::warn!(%error, "answers could not be removed"),
        }
    }
}
