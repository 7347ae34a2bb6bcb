//! Somebody's package over the network: any device may hand one in for a machine that has no network, and gets the answer to it, sealed
//! for its sender. Handing the same one in again changes nothing and is answered again.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    body::{Body, Bytes},
    extract::{Extension, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt as _;
use shicha_sync::{
    package::{PACKAGE_TYPE, PackageFault, unwatched},
    protocol::{Problem, ProblemCode},
    work,
};
use tempfile::TempDir;

use super::{
    Change, LARGE, Peer, Shared,
    blobs::SILENCE,
    fault::{Fault, blocking},
    session::Caller,
};
use crate::{
    evidence::free_space,
    package::{Answering, Desk, PackageError, answer, take as take_in},
};

/// The most bytes that may be handed in like this; more is carried to the machine itself.
const MOST: u64 = 8 << 30;
/// Space that is left free for the database.
const KEEP_FREE: u64 = 512 << 20;

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
    if !app.attempts.may_try(peer, app.now_ms()) {
        return Err(Fault::slow_down(
            60,
            "too many wrong enrolment codes; wait a minute",
        ));
    }
    let announced: Option<u64> = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let folder = blocking({
        let app = Shared::clone(&app);
        move || room(&app.home.dir, announced.unwrap_or(0))
    })
    .await?;
    let folder = Arc::new(folder);
    let path = folder.path().join("taken.shicha");
    receive(&path, body).await?;
    let _permit = app
        .heavy
        .acquire_many(LARGE)
        .await
        .map_err(|error| Fault::internal(&error))?;
    let (file, length) = blocking({
        let (app, folder) = (Shared::clone(&app), Arc::clone(&folder));
        move || {
            let answered =
                take_and_answer(&app, &caller, &path, &folder.path().join("answer.shicha"));
            if matches!(&answered, Err(fault) if fault.0.code == ProblemCode::BadCode) {
                app.attempts.failed(peer);
            }
            answered
        }
    })
    .await?;
    // The folder goes when the answer has been read to its end, or nobody reads it any more.
    let mut response = Body::from_stream(pieces(file, folder)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PACKAGE_TYPE));
    Ok(response)
}

/// How much is read at a time.
const PIECE: usize = 256 << 10;

/// A file piece by piece, and its folder for as long as it is read.
fn pieces(file: File, folder: Arc<TempDir>) -> impl futures::Stream<Item = std::io::Result<Bytes>> {
    futures::stream::try_unfold((file, folder), |(mut file, folder)| async move {
        let read = work::begin(move || {
            let mut piece = Vec::with_capacity(PIECE);
            let read = (&mut file).take(PIECE as u64).read_to_end(&mut piece);
            read.map(|_| (piece, file))
        });
        let (piece, file) = read.await.map_err(std::io::Error::other)??;
        Ok((!piece.is_empty()).then(|| (Bytes::from(piece), (file, folder))))
    })
}

/// A folder for the package and its answer, beside the data so that it is as private.
fn room(dir: &Path, needed: u64) -> Result<TempDir, Fault> {
    if needed > MOST {
        return Err(too_large());
    }
    if free_space(dir)? < needed.saturating_add(KEEP_FREE) {
        return Err(Fault::new(
            ProblemCode::NoSpace,
            "the server has no space left for this package",
        ));
    }
    Ok(tempfile::Builder::new()
        .prefix("package-")
        .tempdir_in(dir)?)
}

fn too_large() -> Fault {
    Fault::new(
        ProblemCode::TooLarge,
        "a package of this size is taken at the machine itself",
    )
}

/// Writes the body down as it comes.
async fn receive(path: &Path, body: Body) -> Result<(), Fault> {
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
        taken += chunk.len() as u64;
        if taken > MOST {
            return Err(too_large());
        }
        file = blocking(move || {
            file.write_all(&chunk)?;
            Ok(file)
        })
        .await?;
    }
}

async fn open_new(path: PathBuf) -> Result<File, Fault> {
    blocking(move || Ok(File::create_new(path)?)).await
}

fn take_and_answer(
    app: &Shared,
    caller: &Caller,
    taken: &Path,
    answered: &Path,
) -> Result<(File, u64), Fault> {
    let desk = Desk {
        home: &app.home,
        random: &app.random,
        now_ms: app.now_ms(),
    };
    let looked = desk.look(taken, &mut unwatched())?;
    let taken = take_in(desk, taken, &looked, &mut unwatched())?;
    tracing::info!(
        entries = taken.entries,
        refused = taken.refused,
        evidence = taken.evidence,
        carrier = %caller.state.device.id,
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
    };
    let (_, length) = answer(desk, &answering, answered, &mut unwatched())?;
    Ok((File::open(answered)?, length))
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
                    _ => ProblemCode::BadRequest,
                };
                Problem::new(code, fault.to_string())
                    .with("package", fault.code())
                    .into()
            }
        }
    }
}
