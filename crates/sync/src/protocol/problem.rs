//! Problems: how the central endpoint says that a request cannot be answered (RFC 9457).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a problem is told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The two sides speak different versions of the protocol.
    Version,
    /// No credentials, or none that this server gave.
    Unauthorized,
    /// The session has run out; open another one.
    SessionExpired,
    /// The device was revoked, or its person acts no more.
    Revoked,
    /// The person may not do this.
    Forbidden,
    /// The request does not fit the protocol.
    BadRequest,
    /// The request has more bytes than allowed.
    TooLarge,
    /// The request took too long.
    Timeout,
    /// Another entry stands at this place of the device's ledger.
    Fork,
    /// Entries are missing before those that were sent.
    Gap,
    /// The part does not begin where the last one ended.
    Offset,
    /// The file's bytes do not have the hash that names it.
    HashMismatch,
    /// The server has no space left for it.
    NoSpace,
    /// There is no such thing here, or not for this person.
    NotFound,
    /// The enrolment code is unknown, used or expired.
    BadCode,
    /// What is asked contradicts what is there; `reason` says how.
    Conflict,
    /// Too many attempts; wait.
    SlowDown,
    /// The server is shutting down or cannot reach its storage.
    Unavailable,
    /// A fault of the server.
    Internal,
    /// A code of a newer version.
    #[serde(other)]
    Unknown,
}

impl ProblemCode {
    /// The HTTP status that goes with the code.
    pub const fn status(self) -> u16 {
        match self {
            Self::Version => 426,
            Self::Unauthorized | Self::SessionExpired => 401,
            Self::Revoked | Self::Forbidden | Self::BadCode => 403,
            Self::BadRequest | Self::Unknown => 400,
            Self::TooLarge => 413,
            Self::Timeout => 408,
            Self::Fork | Self::Gap | Self::Offset | Self::Conflict => 409,
            Self::HashMismatch => 422,
            Self::NoSpace => 507,
            Self::NotFound => 404,
            Self::SlowDown => 429,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }

    /// The same words for every problem of this code.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Version => "The two sides speak different versions of the protocol",
            Self::Unauthorized => "Credentials are missing or not valid",
            Self::SessionExpired => "The session has run out",
            Self::Revoked => "This device was revoked",
            Self::Forbidden => "Not allowed",
            Self::BadRequest => "The request does not fit the protocol",
            Self::TooLarge => "The request is too large",
            Self::Timeout => "The request took too long",
            Self::Fork => "Another entry stands at this place of the device's ledger",
            Self::Gap => "Entries are missing before those that were sent",
            Self::Offset => "The part does not begin where the last one ended",
            Self::HashMismatch => "The bytes do not have the hash that names them",
            Self::NoSpace => "The server has no space left",
            Self::NotFound => "Not found",
            Self::BadCode => "The enrolment code is unknown, used or expired",
            Self::Conflict => "It contradicts what is there",
            Self::SlowDown => "Too many attempts",
            Self::Unavailable => "The server cannot answer now",
            Self::Internal => "The server failed",
            Self::Unknown => "A problem that this version does not know",
        }
    }

    /// The word that stands in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Unauthorized => "unauthorized",
            Self::SessionExpired => "session_expired",
            Self::Revoked => "revoked",
            Self::Forbidden => "forbidden",
            Self::BadRequest => "bad_request",
            Self::TooLarge => "too_large",
            Self::Timeout => "timeout",
            Self::Fork => "fork",
            Self::Gap => "gap",
            Self::Offset => "offset",
            Self::HashMismatch => "hash_mismatch",
            Self::NoSpace => "no_space",
            Self::NotFound => "not_found",
            Self::BadCode => "bad_code",
            Self::Conflict => "conflict",
            Self::SlowDown => "slow_down",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::Unknown => "unknown",
        }
    }
}

/// A problem, as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same words for every problem of this kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What the client tells problems apart by.
    pub code: ProblemCode,
    /// What happened here. For operators; the screens have words of their own.
    pub detail: String,
    /// The request, as it stands in the server's log.
    #[serde(default)]
    pub request_id: String,
    /// What the code brings along, e.g. the right `offset`.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, Value>))]
    pub extra: Map<String, Value>,
}

impl Problem {
    /// A problem of this code; `detail` must hold no personal data and no credentials.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:shicha:problem:{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: detail.into(),
            request_id: String::new(),
            extra: Map::new(),
        }
    }

    /// Adds what the code brings along.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(key.to_owned(), value.into());
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_problem_reads_back_with_what_it_brings_along() {
        let problem = Problem::new(ProblemCode::Offset, "expected 5").with("offset", 5);
        let text = serde_json::to_string(&problem).unwrap();
        assert!(
            text.contains(r#""type":"urn:shicha:problem:offset""#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
    }

    #[test]
    fn a_problem_of_a_newer_version_is_still_a_problem() {
        let text = r#"{"type":"x","title":"t","status":418,"code":"teapot","detail":"d"}"#;
        assert_eq!(
            serde_json::from_str::<Problem>(text).unwrap().code,
            ProblemCode::Unknown
        );
    }
}
