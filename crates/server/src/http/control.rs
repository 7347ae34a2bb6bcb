//! Small requests: who the server is, enrolment, sessions, the directory, document numbers.

use axum::{
    Json,
    body::Bytes,
    extract::{Extension, Query, State},
};
use ed25519_dalek::VerifyingKey;
use serde::Deserialize;
use shicha_domain::{
    DeviceId, Receipt,
    directory::Role,
    number::{BLOCK_SIZE, NumberBlock},
    receipt,
};
use shicha_sync::protocol::{
    EnrolCode, ProblemCode, VERSION,
    messages::{
        ChallengeReply, ChallengeRequest, DirectoryReply, EnrolReply, EnrolRequest, IdentityReply,
        IdentityRequest, NumbersRequest, ServerInfo, SessionReply, SessionRequest,
    },
    signing,
};

use super::{
    App, Change, Peer, Shared,
    fault::{Fault, blocking, message},
    session::{Caller, active},
};
use crate::{
    intake::actor_of,
    scope,
    store::{DeviceState, Enrolment, Info},
};

/// The most characters of what a device is called.
const MAX_LABEL: usize = 100;
/// The most characters of a number word.
const MAX_WORD: usize = 32;

fn info(app: &App) -> Result<Info, Fault> {
    app.home
        .store
        .info()?
        .ok_or_else(|| Fault::internal(&"the store has lost the server's name"))
}

pub(super) async fn server(State(app): State<Shared>) -> Result<Json<ServerInfo>, Fault> {
    blocking(move || {
        let info = info(&app)?;
        Ok(Json(ServerInfo {
            name: info.name,
            public_key: app.home.signer.public_key(),
            protocols: vec![VERSION],
            software: env!("CARGO_PKG_VERSION").to_owned(),
            is_sample: info.is_sample,
            time_ms: app.now_ms(),
        }))
    })
    .await
}

pub(super) async fn enrol(
    State(app): State<Shared>,
    Extension(Peer(peer)): Extension<Peer>,
    body: Bytes,
) -> Result<Json<EnrolReply>, Fault> {
    let request: EnrolRequest = message(&body)?;
    let now_ms = app.now_ms();
    if !app.attempts.may_try(peer, now_ms) {
        app.metrics.slowed("enrolment");
        return Err(Fault::slow_down(
            60,
            "too many wrong enrolment codes; wait a minute",
        ));
    }
    check_key(&request.public_key)?;
    let server = app.home.signer.public_key();
    let proof = signing::enrol_bytes(&server, &request.public_key, &request.code);
    if !signing::is_signed(&request.public_key, &proof, &request.proof) {
        return Err(Fault::bad_request("the proof does not fit the key"));
    }
    let enrolled = blocking({
        let app = Shared::clone(&app);
        move || {
            let enrolment = Enrolment {
                code: app.home.signer.code_hash(&request.code),
                device: DeviceId(app.random.id_at(now_ms)),
                public_key: request.public_key,
                label: label(&request.label),
                now_ms,
            };
            // A code of another form was never given out; asking the store takes the same time for all.
            let enrolled = app.home.store.enrol(&enrolment, &|device, seq, head| {
                app.home.signer.receipt(device, seq, head, now_ms)
            })?;
            match enrolled.filter(|_| request.code.parse::<EnrolCode>().is_ok()) {
                None => Ok(None),
                Some((state, receipt)) => enrol_reply(&app, &state, receipt).map(Some),
            }
        }
    })
    .await?;
    match enrolled {
        Some(reply) => {
            tracing::info!(device = %reply.device, "enrolled a device");
            app.tell(Change::Directory);
            Ok(Json(reply))
        }
        None => {
            app.attempts.failed(peer);
            Err(Fault::new(
                ProblemCode::BadCode,
                "the enrolment code is unknown, used or expired",
            ))
        }
    }
}

fn enrol_reply(app: &App, state: &DeviceState, receipt: Receipt) -> Result<EnrolReply, Fault> {
    let info = info(app)?;
    let register = app.home.store.register()?;
    Ok(EnrolReply {
        device: state.device.id,
        person: state.person.id,
        person_name: state.person.name.clone(),
        org: state.person.org.clone(),
        role: state.person.role,
        directory: scope::visible(&register, &actor_of(state)),
        receipt,
        server_key: app.home.signer.public_key(),
        server_name: info.name,
        is_sample: info.is_sample,
    })
}

pub(super) async fn challenge(
    State(app): State<Shared>,
    body: Bytes,
) -> Result<Json<ChallengeReply>, Fault> {
    let request: ChallengeRequest = message(&body)?;
    // Given to any device, known or not: who knows whom is nothing to find out here.
    let challenge = app
        .sessions
        .challenge(request.device, app.random.bytes(), app.now_ms());
    let signature = app.home.signer.sign(&signing::hello_bytes(
        request.device,
        &request.nonce,
        &challenge,
    ));
    Ok(Json(ChallengeReply {
        challenge,
        signature,
    }))
}

pub(super) async fn session(
    State(app): State<Shared>,
    body: Bytes,
) -> Result<Json<SessionReply>, Fault> {
    let request: SessionRequest = message(&body)?;
    let now_ms = app.now_ms();
    blocking(move || {
        let state = app.home.store.device(request.device)?;
        let public_key = state
            .as_ref()
            .map_or([0; 32], |state| state.device.public_key);
        let said = receipt::session_bytes(
            request.device,
            &app.home.signer.public_key(),
            &request.challenge,
        );
        let is_proven = signing::is_signed(&public_key, &said, &request.signature)
            && app.sessions.redeem(
                request.device,
                &request.challenge,
                now_ms,
                |challenge, until_ms| app.home.store.use_challenge(challenge, now_ms, until_ms),
            )?;
        if !is_proven {
            return Err(Fault::new(
                ProblemCode::Unauthorized,
                "the device did not prove who it is",
            ));
        }
        let state = active(state)?;
        app.home.store.note_contact(request.device, now_ms)?;
        let (token, expires_at_ms) = app.sessions.token(request.device, now_ms);
        let info = info(&app)?;
        Ok(Json(SessionReply {
            token,
            expires_at_ms,
            time_ms: now_ms,
            head: state.head,
            directory_version: info.directory_version,
            epoch: info.epoch,
        }))
    })
    .await
}

pub(super) async fn identity(
    State(app): State<Shared>,
    caller: Caller,
    body: Bytes,
) -> Result<Json<IdentityReply>, Fault> {
    let request: IdentityRequest = message(&body)?;
    check_key(&request.public_key)?;
    let old = caller.state.device.id;
    let said = signing::identity_bytes(&app.home.signer.public_key(), old, &request.public_key);
    let is_proven = signing::is_signed(&caller.state.device.public_key, &said, &request.signature)
        && signing::is_signed(&request.public_key, &said, &request.proof);
    if !is_proven {
        return Err(Fault::bad_request("the signatures do not fit the keys"));
    }
    let now_ms = app.now_ms();
    let reply = blocking({
        let app = Shared::clone(&app);
        move || {
            let enrolment = Enrolment {
                code: [0; 32],
                device: DeviceId(app.random.id_at(now_ms)),
                public_key: request.public_key,
                label: label(&request.label),
                now_ms,
            };
            let added = app
                .home
                .store
                .add_identity(old, &enrolment, &|device, seq, head| {
                    app.home.signer.receipt(device, seq, head, now_ms)
                })?;
            let (state, receipt) =
                added.ok_or_else(|| Fault::new(ProblemCode::Forbidden, "the key is taken"))?;
            Ok(IdentityReply {
                device: state.device.id,
                receipt,
            })
        }
    })
    .await?;
    tracing::info!(%old, new = %reply.device, "a device goes on under a new identity");
    app.tell(Change::Directory);
    Ok(Json(reply))
}

#[derive(Deserialize)]
pub(super) struct Since {
    #[serde(default)]
    since: u64,
}

pub(super) async fn directory(
    State(app): State<Shared>,
    caller: Caller,
    Query(Since { since }): Query<Since>,
) -> Result<Json<DirectoryReply>, Fault> {
    blocking(move || {
        let register = app.home.store.register()?;
        let version = register.directory.version;
        // Also when the device's is higher: then this server was restored from a backup.
        let directory = (since != version).then(|| scope::visible(&register, &caller.actor));
        Ok(Json(DirectoryReply { version, directory }))
    })
    .await
}

pub(super) async fn numbers(
    State(app): State<Shared>,
    caller: Caller,
    body: Bytes,
) -> Result<Json<NumberBlock>, Fault> {
    let request: NumbersRequest = message(&body)?;
    let length = request.word.chars().count();
    if !(1..=MAX_WORD).contains(&length) || request.word.chars().any(char::is_control) {
        return Err(Fault::bad_request("a number word has 1 to 32 characters"));
    }
    if !(2000..=2199).contains(&request.year) {
        return Err(Fault::bad_request("no such year"));
    }
    let may_number = matches!(caller.actor.role, Role::Inspector | Role::Supervisor);
    if !may_number || caller.actor.org != request.org {
        return Err(Fault::new(
            ProblemCode::Forbidden,
            "only a bureau's own people number its documents",
        ));
    }
    blocking(move || {
        let now_ms = app.now_ms();
        Ok(Json(app.home.store.lend_numbers(
            caller.state.device.id,
            &request,
            BLOCK_SIZE,
            now_ms,
        )?))
    })
    .await
}

fn check_key(key: &[u8; 32]) -> Result<(), Fault> {
    match VerifyingKey::from_bytes(key) {
        Ok(key) if !key.is_weak() => Ok(()),
        _ => Err(Fault::bad_request("not a public key")),
    }
}

fn label(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_LABEL)
        .collect::<String>()
        .trim()
        .to_owned()
}
