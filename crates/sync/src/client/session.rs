//! Sessions: the server proves who it is before anything is said to it, then the device does.

use serde::{Serialize, de::DeserializeOwned};
use shicha_domain::{DeviceId, receipt};
use shicha_ledger::Identity;
use uuid::Uuid;

use super::{
    engine::Engine,
    error::SyncError,
    transport::{Method, Reply, Request, TransportFault},
};
use crate::protocol::{
    Problem, ProblemCode, RETRY_AFTER_S, VERSION_HEADER,
    messages::{ChallengeReply, ChallengeRequest, Head, SessionReply, SessionRequest},
    signing,
};

/// An open session.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) device: DeviceId,
    pub(super) token: String,
    /// Up to where the server held this device's ledger when the session was opened.
    pub(super) head: Head,
    /// Whether another identity goes on from this one.
    pub(super) is_ended: bool,
    pub(super) clock_ahead_ms: i64,
    /// Which life of the server it is: another one after it was restored from a backup.
    pub(super) epoch: Uuid,
    /// Whether no round has looked at it yet. What it says of the server's head holds only then.
    pub(super) is_new: bool,
}

/// Tells an answer of a central endpoint from a problem, and both from what somebody else answers.
pub(super) fn answer(reply: Reply) -> Result<Reply, SyncError> {
    if reply.header(VERSION_HEADER).is_none() {
        return Err(match reply.status {
            // A reverse proxy whose server is down, or a proxy on the way.
            502..=504 => TransportFault::Unreachable(format!("status {}", reply.status)).into(),
            status => SyncError::NotAServer {
                reason: format!("status {status}, and it does not speak the protocol"),
            },
        });
    }
    if (200..300).contains(&reply.status) {
        return Ok(reply);
    }
    match serde_json::from_slice::<Problem>(&reply.body) {
        Ok(mut problem) => {
            // A proxy on the way may say it in the header alone.
            let said = reply
                .header("retry-after")
                .and_then(|s| s.parse::<u64>().ok());
            if let Some(s) = said {
                problem.extra.entry(RETRY_AFTER_S).or_insert(s.into());
            }
            Err(SyncError::Problem(Box::new(problem)))
        }
        Err(_) => Err(SyncError::NotAServer {
            reason: format!("status {} without a problem", reply.status),
        }),
    }
}

pub(super) fn message<T: DeserializeOwned>(reply: &Reply) -> Result<T, SyncError> {
    serde_json::from_slice(&reply.body).map_err(|error| SyncError::NotAServer {
        reason: error.to_string(),
    })
}

pub(super) fn post(path: &str, message: &impl Serialize) -> Result<Request, SyncError> {
    let body =
        serde_json::to_vec(message).map_err(|error| SyncError::Internal(error.to_string()))?;
    Ok(Request::new(Method::Post, path)
        .header("content-type", "application/json")
        .body(body))
}

impl Engine {
    /// Asks without a session.
    pub(super) async fn ask_anybody(&self, request: Request) -> Result<Reply, SyncError> {
        answer(self.transport.call(request).await?)
    }

    /// The running session of the device, or a new one.
    pub(super) async fn session(&self, identity: &Identity) -> Result<Session, SyncError> {
        self.session_or_new(identity, |_| true).await
    }

    /// The running session if a round has looked at it, or a new one. One that was opened in the middle of a round tells of the
    /// server's head before that round went on, and would be taken for one of a server that has lost what it confirmed since.
    pub(super) async fn session_to_begin_with(
        &self,
        identity: &Identity,
    ) -> Result<Session, SyncError> {
        self.session_or_new(identity, |open| !open.is_new).await
    }

    async fn session_or_new(
        &self,
        identity: &Identity,
        will_do: impl Fn(&Session) -> bool,
    ) -> Result<Session, SyncError> {
        let mut session = self.session.lock().await;
        if let Some(open) = session
            .as_ref()
            .filter(|open| open.device == identity.device && will_do(open))
        {
            return Ok(open.clone());
        }
        let opened = self.open(identity).await?;
        *session = Some(opened.clone());
        Ok(opened)
    }

    /// Notes that a round has looked at the session.
    pub(super) async fn looked_at_session(&self) {
        if let Some(session) = self.session.lock().await.as_mut() {
            session.is_new = false;
        }
    }

    pub(super) async fn forget_session(&self) {
        *self.session.lock().await = None;
        self.ends.forget();
    }

    async fn open(&self, identity: &Identity) -> Result<Session, SyncError> {
        let nonce: [u8; 32] = self.random.bytes();
        let device = identity.device;
        let request = post("/v1/session/challenge", &ChallengeRequest { device, nonce })?;
        let ChallengeReply {
            challenge,
            signature,
        } = message(&self.ask_anybody(request).await?)?;
        let said = signing::hello_bytes(device, &nonce, &challenge);
        if challenge.len() > 256 || !signing::is_signed(&identity.server_key, &said, &signature) {
            return Err(SyncError::UnknownServer);
        }
        let said = receipt::session_bytes(device, &identity.server_key, &challenge);
        let signature = signing::sign(&identity.signing_key, &said);
        let client_version = env!("CARGO_PKG_VERSION").to_owned();
        let request = post(
            "/v1/session",
            &SessionRequest {
                device,
                challenge,
                signature,
                client_version,
            },
        )?;
        let asked_ms = self.now_ms();
        let reply = self.ask_anybody(request).await?;
        self.ends.note_tick(device, &reply);
        let reply: SessionReply = message(&reply)?;
        // The server's clock was read between asking and now: the middle is right to within half the way.
        let here_ms = asked_ms + self.now_ms().saturating_sub(asked_ms) / 2;
        Ok(Session {
            device,
            token: reply.token,
            head: reply.head,
            is_ended: reply.is_ended,
            clock_ahead_ms: i64::try_from(here_ms)
                .unwrap_or(i64::MAX)
                .saturating_sub_unsigned(reply.time_ms),
            epoch: reply.epoch,
            is_new: true,
        })
    }

    /// Asks in the session; opens another one once if it has run out.
    pub(super) async fn ask(
        &self,
        identity: &Identity,
        request: Request,
    ) -> Result<Reply, SyncError> {
        let session = self.session(identity).await?;
        match self.ask_with(&session, request.clone()).await {
            Err(SyncError::Problem(problem))
                if matches!(
                    problem.code,
                    ProblemCode::SessionExpired | ProblemCode::Unauthorized
                ) =>
            {
                self.forget_session().await;
                let session = self.session(identity).await?;
                self.ask_with(&session, request).await
            }
            other => other,
        }
    }

    async fn ask_with(&self, session: &Session, request: Request) -> Result<Reply, SyncError> {
        let request = request.header("authorization", format!("Bearer {}", session.token));
        let reply = self.ask_anybody(request).await?;
        self.ends.note_tick(session.device, &reply);
        Ok(reply)
    }
}
