//! Somebody's package over the network: any device may hand one in for a machine that has no network, and gets the answer to it, sealed
//! for its sender. Handing the same one in again changes nothing and is answered again.
//!
//! Packages wait for nobody but packages, and nobody else for them: they have turns of their own, one of a device and two of a person, and
//! no more are worked on at a time than leave processors for the rest. What lies on the disk is bounded: of a device one package
//! and two answers, an answer by [`Most`]. Invariant: work that nobody waits for any more keeps its turn until it ends; it ends soon when
//! the process is to close, and what was taken until then stays.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{Extension, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt as _;
use shicha_domain::{DeviceId, PersonId};
use shicha_sync::{
    package::{PACKAGE_TYPE, PackageFault, Party},
    protocol::{Problem, ProblemCode},
    work,
};
use tempfile::TempDir;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::{
    App, Change, Peer, Shared,
    bodies::{SILENCE, announced},
    fault::{Fault, blocking},
    session::{Admitted, Caller},
    share::{Kept, Newest, Turn, Turns},
};
use crate::{
    evidence::free_space,
    package::{Answering, Desk, Most, PackageError, answer, take as take_in},
    serve::closed,
};

/// The most bytes that may be handed in like this; more is carried to the machine itself.
const MOST: u64 = 8 << 30;
/// Space that is left free for the database.
const KEEP_FREE: u64 = 512 << 20;
/// After so many bytes it is looked again whether there is space.
const LOOK_AGAIN: u64 = 64 << 20;
/// How long a package waits for the one before it of the same device or person; then it is to come again.
const PATIENCE: Duration = Duration::from_secs(45);
/// In how many seconds.
const BUSY_S: u64 = 30;

/// Turns of packages.
pub(crate) struct Parcels {
    devices: Turns<DeviceId>,
    people: Turns<PersonId>,
    /// Packages that are worked on, of all.
    work: Arc<Semaphore>,
    /// Answers that lie on the disk until they are fetched.
    answers: Newest<DeviceId>,
}

/// The turn of one package.
struct Parcel {
    _person: Turn<PersonId>,
    _device: Turn<DeviceId>,
}

impl Parcels {
    pub(super) fn new(processors: usize) -> Self {
        Self {
            devices: Turns::new(1),
            people: Turns::new(2),
            work: Arc::new(Semaphore::new((processors / 2).max(1))),
            answers: Newest::new(2),
        }
    }

    async fn turn(&self, of: Admitted) -> Result<Parcel, Fault> {
        let closed = |error| Fault::internal(&error);
        Ok(Parcel {
            _device: self.devices.take(of.device).await.map_err(closed)?,
            _person: self.people.take(of.person).await.map_err(closed)?,
        })
    }
}

/// A package of a machine that has no network, and the answer to it.
#[utoipa::path(
    post, path = "/v1/packages", tag = "packages",
    request_body(content = String, content_type = "application/vnd.shicha.package"),
    responses((status = 200, description = "the answer, sealed for its sender", body = String, content_type = "application/vnd.shicha.package"))
)]
pub(super) async fn take(
    State(app): State<Shared>,
    caller: Caller,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    if headers
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind != PACKAGE_TYPE)
    {
        return Err(Fault::bad_request(format!(
            "the body must be {PACKAGE_TYPE}"
        )));
    }
    let mut closing = app.closing.clone();
    let answered = async {
        let turn = tokio::time::timeout(PATIENCE, app.parcels.turn(caller.admitted()))
            .await
            .map_err(|_elapsed| {
                app.metrics.slowed("packages");
                let detail = "another package of this device or its person is worked on";
                Fault::slow_down(BUSY_S, detail)
            })??;
        let announced = announced(&headers).unwrap_or(0);
        let folder = blocking({
            let app = Shared::clone(&app);
            move || room(&app.home.dir, announced)
        })
        .await?;
        let folder = Arc::new(folder);
        let path = folder.path().join("taken.shicha");
        receive(&app.home.dir, &path, body).await?;
        let busy = Arc::clone(&app.parcels.work)
            .acquire_owned()
            .await
            .map_err(|error| Fault::internal(&error))?;
        Ok::<_, Fault>((turn, folder, path, busy))
    };
    let (turn, folder, path, busy) = tokio::select! {
        answered = answered => answered?,
        // What came of it would be worked on no more.
        () = closed(&mut closing) => return Err(leaving()),
    };
    let device = caller.state.device.id;
    let work = Work {
        carrier: caller,
        from: peer,
        _turn: turn,
        _busy: busy,
    };
    let (file, length) = blocking({
        let (app, folder) = (Shared::clone(&app), Arc::clone(&folder));
        move || work.done(&app, &path, &folder.path().join("answer.shicha"))
    })
    .await?;
    let answer = Answer {
        file,
        _folder: folder,
        kept: app.parcels.answers.keep(device),
        closing,
    };
    let mut response = Body::from_stream(answer.pieces()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PACKAGE_TYPE));
    Ok(response)
}

fn leaving() -> Fault {
    Fault::new(ProblemCode::Unavailable, "the server is closing; try again")
}

/// How much is read at a time.
const PIECE: usize = 256 << 10;

/// An answer that is being fetched. Its folder goes when it was read to its end, nobody reads it any more, two newer ones are there for the
/// same device, or the process is to close.
struct Answer {
    file: File,
    _folder: Arc<TempDir>,
    kept: Kept<DeviceId>,
    closing: watch::Receiver<bool>,
}

impl Answer {
    /// The file piece by piece.
    fn pieces(self) -> impl futures::Stream<Item = std::io::Result<Bytes>> {
        futures::stream::try_unfold(self, |mut answer| async move {
            if *answer.closing.borrow() || answer.kept.has_ended() {
                return Err(std::io::Error::other("the answer is given up"));
            }
            let read = work::begin(move || {
                let mut piece = Vec::with_capacity(PIECE);
                let read = (&mut answer.file)
                    .take(PIECE as u64)
                    .read_to_end(&mut piece);
                read.map(|_| (piece, answer))
            });
            let (piece, answer) = read.await.map_err(std::io::Error::other)??;
            Ok((!piece.is_empty()).then(|| (Bytes::from(piece), answer)))
        })
    }
}

/// A folder for the package and its answer, beside the data so that it is as private.
fn room(dir: &Path, needed: u64) -> Result<TempDir, Fault> {
    if needed > MOST {
        return Err(too_large());
    }
    has_space(dir, needed)?;
    Ok(tempfile::Builder::new()
        .prefix("package-")
        .tempdir_in(dir)?)
}

fn has_space(dir: &Path, needed: u64) -> Result<(), Fault> {
    if free_space(dir)? < needed.saturating_add(KEEP_FREE) {
        return Err(Fault::new(
            ProblemCode::NoSpace,
            "the server has no space left for this package",
        ));
    }
    Ok(())
}

fn too_large() -> Fault {
    Fault::new(
        ProblemCode::TooLarge,
        "a package of this size is taken at the machine itself",
    )
}

/// Writes the body down as it comes.
async fn receive(dir: &Path, path: &Path, body: Body) -> Result<(), Fault> {
    let mut stream = body.into_data_stream();
    let mut file = open_new(path.to_owned()).await?;
    let mut taken = 0_u64;
    loop {
        let chunk = match tokio::time::timeout(SILENCE, stream.next()).await {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(_))) => return Err(Fault::bad_request("the package ended early")),
            Err(_elapsed) => {
                return Err(Fault::new(ProblemCode::Timeout, "nothing came for a while"));
            }
        };
        let before = taken / LOOK_AGAIN;
        taken += chunk.len() as u64;
        if taken > MOST {
            return Err(too_large());
        }
        let dir = (taken / LOOK_AGAIN > before).then(|| dir.to_owned());
        file = blocking(move || {
            if let Some(dir) = dir {
                has_space(&dir, 0)?;
            }
            file.write_all(&chunk)?;
            Ok(file)
        })
        .await?;
    }
}

async fn open_new(path: PathBuf) -> Result<File, Fault> {
    blocking(move || Ok(File::create_new(path)?)).await
}

/// A package that is worked on, with its turns, which it keeps whether anybody still waits or not.
struct Work {
    carrier: Caller,
    from: IpAddr,
    _turn: Parcel,
    _busy: OwnedSemaphorePermit,
}

impl Work {
    /// Takes it in and writes the answer.
    fn done(&self, app: &App, taken: &Path, answered: &Path) -> Result<(File, u64), Fault> {
        let goes_on = || !*app.closing.borrow();
        let desk = Desk {
            home: &app.home,
            random: &app.random,
            now_ms: app.now_ms(),
        };
        let looked = desk.look(taken, &mut |_| goes_on())?;
        let taken = match looked.label.from {
            // Whoever asks for a place may be guessing codes, wherever the carrier has the package from.
            Party::Newcomer { .. } => {
                let attempt = app.attempts.begin_at_once(self.from, desk.now_ms);
                let attempt = attempt.map_err(|wait_s| {
                    app.metrics.slowed("enrolment");
                    Fault::slow_down(wait_s, "too many wrong enrolment codes")
                })?;
                let taken = take_in(desk, taken, &looked, &mut |_| goes_on());
                if !matches!(&taken, Err(PackageError::Here(problem)) if problem.code == ProblemCode::BadCode)
                {
                    attempt.was_no_guess();
                }
                taken?
            }
            _ => take_in(desk, taken, &looked, &mut |_| goes_on())?,
        };
        tracing::info!(
            entries = taken.entries,
            refused = taken.refused,
            evidence = taken.evidence,
            carrier = %self.carrier.state.device.id,
            "took a package in"
        );
        if !taken.channels.is_empty() {
            app.tell(Change::Entries {
                channels: taken.channels.iter().cloned().collect(),
                by: None,
            });
        }
        if taken.enrolled.is_some() || taken.identity.is_some() {
            app.tell(Change::Directory);
        }
        let answering = Answering {
            taken,
            with_evidence: false,
            with_update: false,
            most: Most::OVER_THE_NETWORK,
        };
        has_space(&app.home.dir, Most::OVER_THE_NETWORK.bytes())?;
        let (_, length) = answer(desk, &answering, answered, &mut |_| goes_on())?;
        Ok((File::open(answered)?, length))
    }
}

impl From<PackageError> for Fault {
    fn from(error: PackageError) -> Self {
        match error {
            PackageError::Here(problem) => Self(problem),
            PackageError::NoSuchDevice => Self::new(ProblemCode::NotFound, error.to_string()),
            PackageError::Package(fault) => {
                let code = match &fault {
                    PackageFault::UnknownSender(_) => ProblemCode::Forbidden,
                    PackageFault::NoSpace { .. } => ProblemCode::NoSpace,
                    PackageFault::Io(cause) => return Self::internal(cause),
                    PackageFault::Stopped => return leaving(),
                    _ => ProblemCode::BadRequest,
                };
                Problem::new(code, fault.to_string())
                    .with("package", fault.code())
                    .into()
            }
        }
    }
}
