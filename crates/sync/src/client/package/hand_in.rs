//! Handing in somebody else's package over the network. Whoever carries it can read neither the package nor the answer.

use std::{
    io::{self, Read, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _};
use shicha_ledger::{Identity, Ledger};
use tokio::sync::watch;

use super::{
    super::{
        SyncError,
        engine::Engine,
        round::identity,
        session::answer,
        transport::{Method, Request, Streamed, Streaming, TransportFault},
    },
    PackageError,
};
use crate::{
    package::{PACKAGE_TYPE, PackageFault},
    protocol::ProblemCode,
    work,
};

/// How much of the file is read at a time.
const PIECE: u64 = 256 << 10;
/// The most bytes of a refusal.
const MOST_SAID: usize = 1 << 20;
/// As long as nothing moves on the line, it is taken for broken.
const SILENCE: Duration = Duration::from_secs(90);
/// How long the endpoint may take to take a package in and to answer it.
const TAKING: Duration = Duration::from_secs(30 * 60);

/// Opens the file from its start.
pub type OpenFile = Arc<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync>;

/// A package to be handed in.
#[derive(Clone)]
pub struct Parcel {
    /// Where it lies.
    pub open: OpenFile,
    /// How many bytes it has.
    pub bytes: u64,
}

impl Engine {
    /// Hands a package in and writes down what the central endpoint answers. `moved` hears how many bytes have gone, there and back.
    /// The same package again changes nothing and is answered again. Dropping the future ends it.
    ///
    /// # Errors
    /// When the file cannot be read, the answer cannot be written, or the endpoint cannot be reached or does not take the package.
    pub async fn hand_in<W: Write + Send + 'static>(
        &self,
        ledger: &Ledger,
        parcel: &Parcel,
        out: W,
        moved: Arc<dyn Fn(u64) + Send + Sync>,
    ) -> Result<W, PackageError> {
        let me = identity(ledger).await?;
        let line = watch::Sender::new(0);
        let silent = silence(line.subscribe(), parcel.bytes);
        let line = Line { line, moved };
        tokio::select! {
            handed = self.handed(&me, parcel, out, &line) => handed,
            () = silent => {
                let silence = TransportFault::Unreachable("nothing moved for a while".to_owned());
                Err(SyncError::from(silence).into())
            }
        }
    }

    async fn handed<W: Write + Send + 'static>(
        &self,
        me: &Identity,
        parcel: &Parcel,
        mut out: W,
        line: &Line,
    ) -> Result<W, PackageError> {
        let mut streamed = match self.sent(me, parcel, line).await {
            Err(PackageError::Sync(SyncError::Problem(problem)))
                if matches!(
                    problem.code,
                    ProblemCode::SessionExpired | ProblemCode::Unauthorized
                ) =>
            {
                self.forget_session().await;
                self.sent(me, parcel, line).await?
            }
            other => other?,
        };
        let mut done = parcel.bytes;
        while let Some(piece) = streamed.body.next().await {
            let piece = piece.map_err(SyncError::from)?;
            done += piece.len() as u64;
            let written = work::begin(move || out.write_all(&piece).map(|()| out)).await;
            out = written
                .map_err(|error| SyncError::Internal(error.to_string()))?
                .map_err(PackageFault::from)?;
            line.is_at(done);
        }
        Ok(out)
    }

    /// Sends the package once; `Ok` when the endpoint took it.
    async fn sent(
        &self,
        me: &Identity,
        parcel: &Parcel,
        line: &Line,
    ) -> Result<Streamed, PackageError> {
        let session = self.session(me).await?;
        let request = Request::new(Method::Post, "/v1/packages")
            .header("content-type", PACKAGE_TYPE)
            .header("authorization", format!("Bearer {}", session.token));
        // What breaks while the file is read must not be taken for a broken line.
        let unread = Arc::new(Mutex::new(None));
        let body = Streaming {
            length: parcel.bytes,
            pieces: pieces(parcel, line.clone(), Arc::clone(&unread)).boxed(),
        };
        match self.transport.stream(request, body).await {
            Ok(streamed) if (200..300).contains(&streamed.reply.status) => {
                answer(streamed.reply.clone())?;
                Ok(streamed)
            }
            Ok(Streamed { mut reply, body }) => {
                let mut said = body.map_err(SyncError::from);
                while let Some(piece) = said.try_next().await? {
                    if reply.body.len() + piece.len() > MOST_SAID {
                        return Err(SyncError::from(TransportFault::TooLarge).into());
                    }
                    reply.body.extend_from_slice(&piece);
                }
                let refused = answer(reply).err();
                Err(refused
                    .unwrap_or_else(|| SyncError::untrustworthy("a refusal that is none"))
                    .into())
            }
            Err(fault) => {
                let unread = unread.lock().unwrap_or_else(PoisonError::into_inner).take();
                Err(match unread {
                    Some(error) => PackageFault::from(error).into(),
                    None => SyncError::from(fault).into(),
                })
            }
        }
    }
}

/// How far it is, for whoever watches and for whoever waits.
#[derive(Clone)]
struct Line {
    line: watch::Sender<u64>,
    moved: Arc<dyn Fn(u64) + Send + Sync>,
}

impl Line {
    fn is_at(&self, done: u64) {
        self.line.send_replace(done);
        (self.moved)(done);
    }
}

/// Ends when nothing has moved for too long.
async fn silence(mut line: watch::Receiver<u64>, whole: u64) {
    loop {
        let patience = match *line.borrow_and_update() == whole {
            true => TAKING,
            false => SILENCE,
        };
        match tokio::time::timeout(patience, line.changed()).await {
            Ok(Ok(())) => {}
            // Nobody sends any more: whoever did has ended.
            Ok(Err(_)) => std::future::pending().await,
            Err(_elapsed) => return,
        }
    }
}

fn pieces(
    parcel: &Parcel,
    line: Line,
    unread: Arc<Mutex<Option<io::Error>>>,
) -> impl futures::Stream<Item = io::Result<Vec<u8>>> + use<> {
    let open = Arc::clone(&parcel.open);
    let reading = futures::stream::try_unfold((None, 0), move |(file, done)| {
        let (open, line) = (Arc::clone(&open), line.clone());
        async move {
            let read = work::begin(move || {
                let mut file: Box<dyn Read + Send> = match file {
                    Some(file) => file,
                    None => open()?,
                };
                let mut piece = Vec::with_capacity(PIECE as usize);
                (&mut file).take(PIECE).read_to_end(&mut piece)?;
                io::Result::Ok((piece, file))
            });
            let (piece, file) = read.await.map_err(io::Error::other)??;
            let done = done + piece.len() as u64;
            line.is_at(done);
            Ok::<_, io::Error>((!piece.is_empty()).then_some((piece, (Some(file), done))))
        }
    });
    reading.inspect_err(move |error| {
        let kept = io::Error::new(error.kind(), error.to_string());
        *unread.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    })
}
