//! An S3-compatible server of the tests' own, over a temporary folder, that can be made to fail as a real one does.

#![allow(dead_code)]

use std::{
    collections::BTreeMap,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
};

use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use s3s::{
    Body, HttpError,
    auth::SimpleAuth,
    service::{S3Service, S3ServiceBuilder},
};
use shicha_server::evidence::{BucketAddress, Location};
use tokio::{net::TcpListener, runtime::Runtime};

const KEY: &str = "shicha";
const SECRET: &str = "a secret that nobody prints";
const BUCKET: &str = "evidence";

/// Serves in the background, also while a test blocks.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
});

/// How the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mood {
    /// As it should.
    Good,
    /// 503 to everything.
    Away,
    /// 507 to everything that writes.
    Full,
    /// 403 to everything: the key was withdrawn.
    Forbids,
    /// Does what it is asked and hangs up without an answer.
    HangsUp,
}

/// A server with one bucket.
pub(crate) struct S3 {
    dir: tempfile::TempDir,
    url: String,
    mood: Arc<AtomicU8>,
    requests: Arc<AtomicU64>,
}

impl S3 {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(dir.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let (mood, requests) = (Arc::<AtomicU8>::default(), Arc::<AtomicU64>::default());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        listener.set_nonblocking(true).unwrap();
        RUNTIME.spawn(serve(
            listener,
            service,
            Arc::clone(&mood),
            Arc::clone(&requests),
        ));
        Self {
            dir,
            url,
            mood,
            requests,
        }
    }

    pub(crate) fn be(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }

    /// How many requests it got.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// How many objects the bucket holds.
    pub(crate) fn objects(&self) -> usize {
        fn files(dir: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
            entries
                .map(|entry| match entry.file_type().unwrap().is_dir() {
                    true => files(&entry.path()),
                    false => 1,
                })
                .sum()
        }
        files(&self.dir.path().join(BUCKET))
    }

    /// What a program that uses it has in its environment.
    pub(crate) fn settings(&self) -> BTreeMap<String, String> {
        [
            ("AWS_ENDPOINT", self.url.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    pub(crate) fn location(&self) -> Location {
        Location::Bucket(BucketAddress {
            bucket: BUCKET.to_owned(),
            prefix: "test/a".to_owned(),
            settings: self.settings(),
        })
    }
}

async fn serve(
    listener: std::net::TcpListener,
    service: S3Service,
    mood: Arc<AtomicU8>,
    requests: Arc<AtomicU64>,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let (service, mood, requests) = (service.clone(), Arc::clone(&mood), Arc::clone(&requests));
        let answer = service_fn(move |request: Request<Incoming>| {
            let (service, mood) = (service.clone(), mood.load(Ordering::SeqCst));
            requests.fetch_add(1, Ordering::SeqCst);
            async move {
                let is_write = request.method() != "GET" && request.method() != "HEAD";
                if mood == Mood::Away as u8 {
                    return Ok(refusal(503, "SlowDown"));
                }
                if mood == Mood::Full as u8 && is_write {
                    return Ok(refusal(507, "XMinioStorageFull"));
                }
                if mood == Mood::Forbids as u8 {
                    return Ok(refusal(403, "AccessDenied"));
                }
                let done = hyper::service::Service::call(&service, request).await;
                if mood == Mood::HangsUp as u8 {
                    return Err(HttpError::new(std::io::Error::other("hung up").into()));
                }
                done
            }
        });
        tokio::spawn(async move {
            // Clients go away all the time, and one mood is to hang up.
            let _ended = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await
                .is_err();
        });
    }
}

fn refusal(status: u16, code: &str) -> Response<Body> {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>");
    Response::builder()
        .status(status)
        .header("content-type", "application/xml")
        .body(Body::from(body))
        .unwrap()
}
