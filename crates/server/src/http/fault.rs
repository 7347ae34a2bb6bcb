//! Between the server's errors and problems: the cause goes to the log, once; the client gets a code and the request id.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use postgres::error::SqlState;
use serde::de::DeserializeOwned;
use shicha_sync::{
    protocol::{BatchFault, Problem, ProblemCode, RETRY_AFTER_S},
    work,
};

use crate::{evidence::EvidenceError, store::StoreError};

/// A problem on its way out. The guard writes its body, because it knows the request id.
#[derive(Debug, Clone)]
pub(crate) struct Fault(pub(crate) Box<Problem>);

impl Fault {
    pub(crate) fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem::new(code, detail)))
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(ProblemCode::BadRequest, detail)
    }

    /// The body is of another kind than it must be.
    pub(crate) fn wrong_kind(kinds: &str) -> Self {
        let detail = format!("the body must be {kinds}");
        let mut problem = Problem::new(ProblemCode::BadRequest, detail);
        problem.status = StatusCode::UNSUPPORTED_MEDIA_TYPE.as_u16();
        problem.into()
    }

    /// The client is to come again in so many seconds.
    pub(crate) fn slow_down(wait_s: u64, detail: impl Into<String>) -> Self {
        Problem::new(ProblemCode::SlowDown, detail)
            .with(RETRY_AFTER_S, wait_s)
            .into()
    }

    /// Nothing is taken or given any more: an answer could rest on what is damaged. The log has said so.
    pub(crate) fn damaged() -> Self {
        Self::new(
            ProblemCode::Unavailable,
            "the server's database is damaged; it takes nothing until that is repaired",
        )
    }

    /// Nobody says who asks.
    pub(crate) fn no_session() -> Self {
        Self::new(ProblemCode::Unauthorized, "no session token")
    }

    /// A fault of the server: logged here, with the cause that the client is not told.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(
            ProblemCode::Internal,
            "the cause stands in the server's log under this request id",
        )
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match &error {
            damage if damage.is_damage() => {
                tracing::error!(%error, "a request met the damage");
                Self::damaged()
            }
            StoreError::Contradiction(what) => Self::bad_request(*what),
            StoreError::NumbersLeft => Problem::new(ProblemCode::Conflict, error.to_string())
                .with("reason", "numbers_left")
                .into(),
            StoreError::Missing(what) => {
                Self::new(ProblemCode::NotFound, format!("no such {what}"))
            }
            StoreError::Sqlite(rusqlite::Error::SqliteFailure(failure, _)) => match failure.code {
                rusqlite::ErrorCode::DiskFull => {
                    tracing::error!(%error, "no space left for the database");
                    Self::new(
                        ProblemCode::NoSpace,
                        "the server has no space left for entries",
                    )
                }
                rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked => {
                    busy(&error)
                }
                _ => Self::internal(&error),
            },
            StoreError::Connection(_) | StoreError::Unseen => busy(&error),
            StoreError::ClockBehind { behind_ms } => {
                tracing::error!(%error, "no entries are taken: the clock is wrong, or was");
                Problem::new(
                    ProblemCode::Unavailable,
                    "the clock of the server lies behind its newest receipt; its administrator must put it right",
                )
                .with("reason", "clock_behind")
                .with("behind_ms", *behind_ms)
                .into()
            }
            StoreError::Postgres(cause) => match cause.code() {
                // The server went away in the middle: the client repeats what it asked.
                None => busy(&error),
                Some(state) if *state == SqlState::DISK_FULL => {
                    tracing::error!(%error, "no space left for the database");
                    Self::new(
                        ProblemCode::NoSpace,
                        "the server has no space left for entries",
                    )
                }
                Some(state) if MAY_PASS.contains(state) || is_broken(state) => busy(&error),
                Some(_) => Self::internal(&error),
            },
            _ => Self::internal(&error),
        }
    }
}

/// What PostgreSQL says when the same request may succeed in a moment (PostgreSQL manual, appendix A).
const MAY_PASS: [SqlState; 8] = [
    SqlState::T_R_DEADLOCK_DETECTED,
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::QUERY_CANCELED,
    SqlState::LOCK_NOT_AVAILABLE,
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::TOO_MANY_CONNECTIONS,
];

/// Class 08: the connection broke, also one from a coordinator to a node.
fn is_broken(state: &SqlState) -> bool {
    state.code().starts_with("08")
}

fn busy(error: &StoreError) -> Fault {
    tracing::warn!(%error, "the database is not ready");
    Fault::new(ProblemCode::Unavailable, "the server is busy; try again")
}

impl From<BatchFault> for Fault {
    fn from(fault: BatchFault) -> Self {
        match fault {
            BatchFault::TooLarge => Self::new(ProblemCode::TooLarge, fault.to_string()),
            _ => Self::bad_request(fault.to_string()),
        }
    }
}

impl From<EvidenceError> for Fault {
    fn from(error: EvidenceError) -> Self {
        match error {
            EvidenceError::Offset(right) => Problem::new(
                ProblemCode::Offset,
                format!("the next part begins at {right}"),
            )
            .with("offset", right)
            .into(),
            EvidenceError::TooLarge => Self::new(
                ProblemCode::TooLarge,
                "more bytes than announced or allowed",
            ),
            EvidenceError::HashMismatch => {
                Self::new(ProblemCode::HashMismatch, "the bytes were thrown away")
            }
            EvidenceError::NoSpace => {
                tracing::error!("no space left for evidence");
                Self::new(
                    ProblemCode::NoSpace,
                    "the server has no space left for this file",
                )
            }
            EvidenceError::Unavailable(cause) => {
                tracing::error!(%cause, "the bucket with evidence is not available");
                Self::new(
                    ProblemCode::Unavailable,
                    "the server cannot reach its files; try again",
                )
            }
            EvidenceError::Io(error) => Self::internal(&error),
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        EvidenceError::from(error).into()
    }
}

/// Reads a control message.
pub(crate) fn message<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| Fault::bad_request(error.to_string()))
}

/// Does blocking work off the threads that serve connections.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let span = tracing::Span::current();
    match work::begin(move || span.in_scope(work)).await {
        Ok(result) => result,
        Err(panic) => Err(Fault::internal(&panic)),
    }
}
