//! How requests reach the central endpoint: one trait, so that tests can lose, cut and alter what travels.

use std::{io, time::Duration};

use futures::{
    FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture, stream::BoxStream,
};

/// The methods that the protocol uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Ask for something to be done.
    Post,
    /// Send a part of a file.
    Patch,
}

/// A request.
#[derive(Clone)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Path and query, from `/v1` on.
    pub path: String,
    /// Headers beside the version of the protocol. May hold the session token: never logged.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
}

impl Request {
    /// A request without headers and body, of at most half a minute.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(30),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Allows as long as a body of this many bytes takes over a poor line, there or back.
    #[must_use]
    pub fn with_time_for(mut self, bytes: usize) -> Self {
        const POOR_LINE_BYTES_PER_S: u64 = 8 << 10;
        self.timeout = Duration::from_secs(60 + bytes as u64 / POOR_LINE_BYTES_PER_S);
        self
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportFault {
    /// The server cannot be reached, or the line broke. Whether the request arrived is not known.
    #[error("{0}")]
    Unreachable(String),
    /// The answer has more bytes than any answer may have.
    #[error("the answer is too large")]
    TooLarge,
}

/// What the event stream or a long answer carries, as it comes.
pub(crate) type EventBytes = BoxStream<'static, Result<Vec<u8>, TransportFault>>;

/// A body that is too long to be held, piece by piece.
pub struct Streaming {
    /// How many bytes all pieces have.
    pub length: u64,
    /// They.
    pub pieces: BoxStream<'static, io::Result<Vec<u8>>>,
}

/// What came back, with a body that is too long to be held.
pub struct Streamed {
    /// Status and headers; the body is empty.
    pub reply: Reply,
    /// The body, as it comes.
    pub body: BoxStream<'static, Result<Vec<u8>, TransportFault>>,
}

/// Carries requests to one central endpoint.
pub trait Transport: Send + Sync {
    /// Sends a request and waits for the whole answer.
    fn call<'a>(&'a self, request: Request) -> BoxFuture<'a, Result<Reply, TransportFault>>;
    /// Sends a request whose answer goes on for as long as both sides like; `Err` also when the status is not 200.
    fn listen<'a>(&'a self, request: Request) -> BoxFuture<'a, Result<EventBytes, TransportFault>>;
    /// Sends a long body, and hands on the answer as it comes. The request's time is not looked at: whoever asks ends it when nothing
    /// moves any more. A transport that holds everything anyway need not do better than this.
    fn stream<'a>(
        &'a self,
        request: Request,
        body: Streaming,
    ) -> BoxFuture<'a, Result<Streamed, TransportFault>> {
        async move {
            let pieces: Vec<Vec<u8>> = body
                .pieces
                .try_collect()
                .await
                .map_err(|error| TransportFault::Unreachable(error.to_string()))?;
            let mut reply = self.call(request.body(pieces.concat())).await?;
            let body = std::mem::take(&mut reply.body);
            Ok(Streamed {
                reply,
                body: futures::stream::iter([Ok(body)]).boxed(),
            })
        }
        .boxed()
    }
}
