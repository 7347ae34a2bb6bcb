//! Enrolment, the only step that needs the network: first who the server is, then, once a person has confirmed it, the code.

use std::sync::Arc;

use serde_json::json;
use shicha_domain::{
    receipt::fingerprint,
    suite::{PublicKey, SigningKey, SuiteFault, VerifyingKey},
};
use shicha_ledger::{Identity, Ledger};

use super::{
    engine::{Clock, Engine, SystemClock, blocking},
    error::SyncError,
    http::{HttpTransport, tidy_url},
    session::{message, post},
    transport::{Method, Request, Transport},
};
use crate::{
    Random,
    protocol::{
        EnrolCode, Problem, ProblemCode, VERSION,
        messages::{EnrolReply, EnrolRequest, ServerInfo},
        signing,
    },
};

/// Where the device's key waits until the ledger is enrolled, so that a lost answer or a killed application costs no code.
const PENDING_KEY: &str = "sync/pending_enrolment_key";

/// Who answers at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The address, put right.
    pub url: String,
    /// What the server is called.
    pub name: String,
    /// Its key.
    pub public_key: PublicKey,
    /// Its key's fingerprint, for a person to compare with what the administrator gave.
    pub fingerprint: String,
    /// The version of its software.
    pub software: String,
    /// Whether it holds sample data.
    pub is_sample: bool,
    /// How far this computer's clock is ahead of its, ms.
    pub clock_ahead_ms: i64,
}

/// Asks who answers at an address. Nothing is told to it.
///
/// # Errors
/// When nobody answers, or no central endpoint, or one of another version.
pub async fn probe(url: &str) -> Result<Found, SyncError> {
    let url = tidy_url(url)?;
    probe_with(
        Arc::new(HttpTransport::new(&url)?),
        Arc::new(SystemClock),
        &url,
    )
    .await
}

/// [`probe`] over any transport and by any clock.
///
/// # Errors
/// As [`probe`].
pub async fn probe_with(
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    url: &str,
) -> Result<Found, SyncError> {
    Engine::new(transport, clock).probe(url).await
}

/// Enrols the ledger: the address, the fingerprint that a person confirmed, the code, and what this computer is called.
///
/// # Errors
/// When the server has another key than the confirmed one or the code is of another server ([`SyncError::UnknownServer`], nothing is
/// sent), when the code is mistyped, unknown, used or expired, or the ledger fails.
pub async fn enrol(
    ledger: &Ledger,
    url: &str,
    confirmed_fingerprint: &str,
    code: &str,
    label: &str,
) -> Result<Identity, SyncError> {
    let url = tidy_url(url)?;
    let transport = Arc::new(HttpTransport::new(&url)?);
    enrol_with(
        transport,
        Arc::new(SystemClock),
        ledger,
        &url,
        confirmed_fingerprint,
        code,
        label,
    )
    .await
}

/// [`enrol`] over any transport and by any clock.
///
/// # Errors
/// As [`enrol`].
pub async fn enrol_with(
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    ledger: &Ledger,
    url: &str,
    confirmed_fingerprint: &str,
    code: &str,
    label: &str,
) -> Result<Identity, SyncError> {
    Engine::new(transport, clock)
        .enrol(ledger, url, confirmed_fingerprint, code, label)
        .await
}

impl Engine {
    /// [`probe`] by this engine's transport and clock.
    ///
    /// # Errors
    /// As [`probe`].
    pub async fn probe(&self, url: &str) -> Result<Found, SyncError> {
        let asked_ms = self.now_ms();
        let info: ServerInfo = message(
            &self
                .ask_anybody(Request::new(Method::Get, "/v1/server"))
                .await?,
        )?;
        let here_ms = asked_ms + self.now_ms().saturating_sub(asked_ms) / 2;
        if !info.protocols.contains(&VERSION) {
            let is_newer = info.protocols.iter().all(|version| *version > VERSION);
            let action = if is_newer {
                UPDATE_CLIENT
            } else {
                UPDATE_SERVER
            };
            return Err(other_version(
                action,
                info.software,
                "no version of the protocol in common",
            ));
        }
        if let Err(fault) = VerifyingKey::new(&info.public_key) {
            return Err(match fault {
                SuiteFault::Newer(_) => {
                    other_version(UPDATE_CLIENT, info.software, &fault.to_string())
                }
                _ => SyncError::NotAServer {
                    reason: "its key is none".to_owned(),
                },
            });
        }
        Ok(Found {
            url: url.to_owned(),
            name: info.name,
            public_key: info.public_key,
            fingerprint: fingerprint(&info.public_key),
            software: info.software,
            is_sample: info.is_sample,
            clock_ahead_ms: here_ms as i64 - info.time_ms as i64,
        })
    }

    /// [`enrol`] by this engine's transport, clock and chance.
    ///
    /// # Errors
    /// As [`enrol`].
    pub async fn enrol(
        &self,
        ledger: &Ledger,
        url: &str,
        confirmed_fingerprint: &str,
        code: &str,
        label: &str,
    ) -> Result<Identity, SyncError> {
        // A typing error is told before anything is asked.
        code.parse::<EnrolCode>()?;
        let found = self.probe(url).await?;
        let public_key = found.public_key;
        let (key, request) = blocking({
            let (ledger, random) = (ledger.clone(), self.random.clone());
            let (confirmed, code, label) = (
                confirmed_fingerprint.to_owned(),
                code.to_owned(),
                label.to_owned(),
            );
            move || enrol_request(&ledger, &random, &public_key, &confirmed, &code, &label)
        })
        .await?;
        let reply: EnrolReply = message(&self.ask_anybody(post("/v1/enrol", &request)?).await?)?;
        let (ledger, now_ms) = (ledger.clone(), self.now_ms());
        blocking(move || take_place(&ledger, &key, &public_key, found.url, reply, now_ms)).await
    }
}

/// Which side is to be brought up to date.
const UPDATE_CLIENT: &str = "update_client";
const UPDATE_SERVER: &str = "update_server";

/// An endpoint of this software cannot be talked to before one side is brought up to date.
fn other_version(action: &str, software: String, why: &str) -> SyncError {
    let problem = Problem::new(ProblemCode::Version, why)
        .with("action", action)
        .with("software", software);
    SyncError::Problem(Box::new(problem))
}

/// What a computer asks for that wants a place at the endpoint with this key, and its own key, which is kept until it has one.
pub(super) fn enrol_request(
    ledger: &Ledger,
    random: &Random,
    endpoint: &PublicKey,
    confirmed_fingerprint: &str,
    code: &str,
    label: &str,
) -> Result<(SigningKey, EnrolRequest), SyncError> {
    let code: EnrolCode = code.parse()?;
    let digits = |text: &str| {
        text.chars()
            .filter(char::is_ascii_hexdigit)
            .collect::<String>()
            .to_uppercase()
    };
    if digits(confirmed_fingerprint) != digits(&fingerprint(endpoint)) || !code.is_for(endpoint) {
        return Err(SyncError::UnknownServer);
    }
    let key = match pending_key(ledger)? {
        Some(key) => key,
        None => {
            let key = SigningKey::from_bytes(&random.bytes());
            ledger.set_setting(PENDING_KEY, &hex::encode(key.to_tagged()))?;
            key
        }
    };
    let public_key = key.public_key();
    let code = code.canonical();
    let proof = signing::sign(&key, &signing::enrol_bytes(endpoint, &public_key, &code));
    let request = EnrolRequest {
        proof,
        code,
        public_key,
        label: label.trim().to_owned(),
        client_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok((key, request))
}

/// Takes the place that the endpoint with this key gave.
pub(super) fn take_place(
    ledger: &Ledger,
    key: &SigningKey,
    endpoint: &PublicKey,
    url: String,
    reply: EnrolReply,
    now_ms: u64,
) -> Result<Identity, SyncError> {
    let server = VerifyingKey::new(endpoint).map_err(|_| SyncError::UnknownServer)?;
    if reply.server_key != *endpoint || !reply.receipt.is_signed_by(&server) {
        return Err(SyncError::UnknownServer);
    }
    if reply.receipt.device != reply.device || reply.receipt.seq != 0 {
        return Err(SyncError::untrustworthy(
            "an enrolment without a receipt for it",
        ));
    }
    let identity = Identity {
        device: reply.device,
        signing_key: key.clone(),
        person: reply.person,
        person_name: reply.person_name,
        org: reply.org,
        role: reply.role,
        server_url: url,
        server_key: *endpoint,
        server_name: reply.server_name,
        is_sample: reply.is_sample,
    };
    ledger.enrol(&identity, &reply.receipt, &reply.directory)?;
    ledger.set_setting(PENDING_KEY, "")?;
    let params = json!({ "server": identity.server_name });
    ledger.sync_log_add("sync", "enrolled", &params, now_ms)?;
    Ok(identity)
}

/// The key of a place that was asked for and not given yet.
pub(super) fn pending_key(ledger: &Ledger) -> Result<Option<SigningKey>, SyncError> {
    kept_key(ledger, PENDING_KEY)
}

/// A key that was made and put aside under a name, if one was.
pub(super) fn kept_key(ledger: &Ledger, name: &str) -> Result<Option<SigningKey>, SyncError> {
    let kept = ledger.setting(name)?.unwrap_or_default();
    let tagged = hex::decode(&kept).unwrap_or_default();
    Ok(SigningKey::from_tagged(&tagged).ok())
}
