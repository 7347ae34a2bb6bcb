//! Small requests: who the server is, enrolment, sessions, the directory, document numbers.

use axum::{
    Json,
    extract::{Extension, Query, State},
};
use serde::Deserialize;
use shicha_domain::{
    DeviceId, Receipt,
    directory::{Role, parts::DirectoryPart},
    number::{BLOCK_SIZE, NumberBlock},
    receipt,
    suite::{PublicKey, VerifyingKey},
};
use shicha_sync::{
    Random,
    protocol::{
        DIRECTORY_PART, EnrolCode, ProblemCode, VERSION,
        admin::Changed,
        end::TICK_HEADER,
        messages::{
            ChallengeReply, ChallengeRequest, EnrolReply, EnrolRequest, IdentityReply,
            IdentityRequest, NumbersRequest, ServerInfo, SessionReply, SessionRequest,
        },
        order::Obeyed,
        signing,
    },
};

use super::{
    Change, Peer, Shared,
    bodies::Sent,
    fault::{Fault, blocking, message},
    session::{Caller, admitted},
};
use crate::{
    administration,
    home::Home,
    intake::actor_of,
    store::{Contact, DeviceState, Enrolment, GoesOn, Info},
};

/// The most characters of what a device is called.
const MAX_LABEL: usize = 100;
/// The most characters of a number word.
const MAX_WORD: usize = 32;

pub(crate) fn info(home: &Home) -> Result<Info, Fault> {
    home.store
        .info()?
        .ok_or_else(|| Fault::internal(&"the store has lost the server's name"))
}

/// Who the server is; asked in every version.
#[utoipa::path(
    get, path = "/v1/server", tag = "server",
    responses((status = 200, description = "who it is", body = ServerInfo))
)]
pub(super) async fn server(State(app): State<Shared>) -> Result<Json<ServerInfo>, Fault> {
    blocking(move || {
        let info = info(&app.home)?;
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

/// A new device takes its place.
#[utoipa::path(
    post, path = "/v1/enrol", tag = "session",
    request_body = EnrolRequest,
    responses((status = 200, description = "the device", body = EnrolReply))
)]
pub(super) async fn enrol(
    State(app): State<Shared>,
    Extension(Peer(peer)): Extension<Peer>,
    body: Sent,
) -> Result<Json<EnrolReply>, Fault> {
    let request: EnrolRequest = message(&body)?;
    let now_ms = app.now_ms();
    let attempt = app.attempts.begin(peer, now_ms).await.map_err(|wait_s| {
        app.metrics.slowed("enrolment");
        Fault::slow_down(wait_s, "too many wrong enrolment codes; wait a minute")
    })?;
    let enrolled = blocking({
        let app = Shared::clone(&app);
        move || {
            // It is told apart here, where nobody can go away before it is.
            let enrolled = enrol_newcomer(&app.home, &app.random, now_ms, &request);
            if !matches!(enrolled, Ok(None)) {
                attempt.was_no_guess();
            }
            enrolled
        }
    })
    .await?;
    match enrolled {
        Some(reply) => {
            tracing::info!(device = %reply.device, "enrolled a device");
            app.tell(Change::Directory);
            Ok(Json(reply))
        }
        None => Err(Fault::new(
            ProblemCode::BadCode,
            "the enrolment code is unknown, used or expired",
        )),
    }
}

/// Gives a newcomer a place. `None`: the code is unknown, used or expired.
pub(crate) fn enrol_newcomer(
    home: &Home,
    random: &Random,
    now_ms: u64,
    request: &EnrolRequest,
) -> Result<Option<EnrolReply>, Fault> {
    check_key(&request.public_key)?;
    let server = home.signer.public_key();
    let proof = signing::enrol_bytes(&server, &request.public_key, &request.code);
    if !signing::is_signed(&request.public_key, &proof, &request.proof) {
        return Err(Fault::bad_request("the proof does not fit the key"));
    }
    let enrolment = Enrolment {
        code: home.signer.code_hash(&request.code),
        device: DeviceId(random.id_at(now_ms)),
        public_key: request.public_key,
        label: label(&request.label),
        now_ms,
    };
    // A code of another form was never given out; asking the store takes the same time for all.
    let enrolled = home
        .store
        .enrol(&enrolment, &|receipt| home.signer.seal(receipt))?;
    match enrolled.filter(|_| request.code.parse::<EnrolCode>().is_ok()) {
        None => Ok(None),
        Some((state, receipt)) => enrol_reply(home, &state, receipt).map(Some),
    }
}

fn enrol_reply(home: &Home, state: &DeviceState, receipt: Receipt) -> Result<EnrolReply, Fault> {
    let info = info(home)?;
    let register = home.store.register()?;
    Ok(EnrolReply {
        device: state.device.id,
        person: state.person.id,
        person_name: state.person.name.clone(),
        org: state.person.org.clone(),
        role: state.person.role,
        directory: register.part(info.epoch, &actor_of(state), None, DIRECTORY_PART),
        receipt,
        server_key: home.signer.public_key(),
        server_name: info.name,
        is_sample: info.is_sample,
    })
}

/// The server proves who it is.
#[utoipa::path(
    post, path = "/v1/session/challenge", tag = "session",
    request_body = ChallengeRequest,
    responses((status = 200, description = "what to sign", body = ChallengeReply))
)]
pub(super) async fn challenge(
    State(app): State<Shared>,
    body: Sent,
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

/// A device proves who it is.
#[utoipa::path(
    post, path = "/v1/session", tag = "session",
    request_body = SessionRequest,
    responses((status = 200, description = "a session", body = SessionReply))
)]
pub(super) async fn session(
    State(app): State<Shared>,
    body: Sent,
) -> Result<([(&'static str, String); 1], Json<SessionReply>), Fault> {
    let request: SessionRequest = message(&body)?;
    let now_ms = app.now_ms();
    blocking(move || {
        let state = app.home.store.device(request.device)?;
        let said = receipt::session_bytes(
            request.device,
            &app.home.signer.public_key(),
            &request.challenge,
        );
        let is_proven = state.as_ref().is_some_and(|state| {
            signing::is_signed(&state.device.public_key, &said, &request.signature)
        }) && app.sessions.redeem(
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
        let state = admitted(&app, state)?;
        let version = label(&request.client_version);
        let contact = Contact::Session {
            last_ms: app.sessions.last_asked(request.device, now_ms),
        };
        app.home
            .store
            .note_contact(request.device, &version, now_ms, contact)?;
        let (token, expires_at_ms) = app.sessions.token(request.device, now_ms);
        let info = info(&app.home)?;
        let tick = app.home.signer.tick(request.device, now_ms);
        let reply = SessionReply {
            token,
            expires_at_ms,
            time_ms: now_ms,
            head: state.head,
            is_ended: state.is_ended,
            directory_version: info.directory_version,
            epoch: info.epoch,
        };
        Ok(([(TICK_HEADER, tick.to_text())], Json(reply)))
    })
    .await
}

/// A device says that it did what it was ordered. Its signature is all that it can show: the session's key may be destroyed by then.
#[utoipa::path(
    post, path = "/v1/obeyed", tag = "session",
    request_body = Obeyed,
    responses((status = 200, description = "whether it was not known yet", body = Changed))
)]
pub(super) async fn obeyed(State(app): State<Shared>, body: Sent) -> Result<Json<Changed>, Fault> {
    let said: Obeyed = message(&body)?;
    let now_ms = app.now_ms();
    blocking(move || {
        let changed = administration::obeyed(&app.home, &said, now_ms)?.ok_or_else(|| {
            Fault::new(
                ProblemCode::Unauthorized,
                "no such order, or not that device's word",
            )
        })?;
        if changed {
            app.tell(Change::Directory);
            tracing::info!(device = %said.device, act = said.act.as_str(), "a device obeyed");
        }
        Ok(Json(Changed { changed }))
    })
    .await
}

/// The device goes on under a new key.
#[utoipa::path(
    post, path = "/v1/identity", tag = "session",
    request_body = IdentityRequest,
    responses((status = 200, description = "the new identity", body = IdentityReply))
)]
pub(super) async fn identity(
    State(app): State<Shared>,
    caller: Caller,
    body: Sent,
) -> Result<Json<IdentityReply>, Fault> {
    let request: IdentityRequest = message(&body)?;
    let old = caller.state.device.id;
    let now_ms = app.now_ms();
    let reply = blocking({
        let app = Shared::clone(&app);
        move || new_identity(&app.home, &app.random, now_ms, &caller.state, &request)
    })
    .await?;
    tracing::info!(%old, new = %reply.device, "a device goes on under a new identity");
    app.tell(Change::Directory);
    Ok(Json(reply))
}

/// When a device may ask for an identity again whose line has had too many within a day, in seconds.
const TOO_MANY_S: u64 = 60 * 60;

/// Lets the line of a device go on under another identity, because its ledger and the one held here have parted.
pub(crate) fn new_identity(
    home: &Home,
    random: &Random,
    now_ms: u64,
    old: &DeviceState,
    request: &IdentityRequest,
) -> Result<IdentityReply, Fault> {
    check_key(&request.public_key)?;
    let said = signing::identity_bytes(
        &home.signer.public_key(),
        old.device.id,
        request.common,
        &request.public_key,
    );
    let is_proven = signing::is_signed(&old.device.public_key, &said, &request.signature)
        && signing::is_signed(&request.public_key, &said, &request.proof);
    if !is_proven {
        return Err(Fault::bad_request("the signatures do not fit the keys"));
    }
    let enrolment = Enrolment {
        code: [0; 32],
        device: DeviceId(random.id_at(now_ms)),
        public_key: request.public_key,
        label: label(&request.label),
        now_ms,
    };
    let added = home
        .store
        .add_identity(old.device.id, request.common, &enrolment, &|receipt| {
            home.signer.seal(receipt)
        })?;
    let (state, receipt) = match added {
        GoesOn::As(state, receipt) => (state, *receipt),
        GoesOn::Refused => return Err(Fault::new(ProblemCode::Forbidden, "the key is taken")),
        GoesOn::NotCommon => {
            let detail = "that is no entry of the log that is held of this device";
            return Err(Fault::new(ProblemCode::Conflict, detail));
        }
        GoesOn::TooMany => {
            let detail = "too many identities of one device within a day";
            return Err(Fault::slow_down(TOO_MANY_S, detail));
        }
    };
    Ok(IdentityReply {
        device: state.device.id,
        receipt,
    })
}

#[derive(Deserialize)]
pub(super) struct Since {
    since: Option<String>,
}

/// What changed among the people, organisations and devices within the scope of the person, in parts.
#[utoipa::path(
    get, path = "/v1/directory", tag = "sync",
    params(("since" = Option<String>, Query, description = "the mark of the last part that the device has")),
    responses((status = 200, description = "the next part", body = DirectoryPart))
)]
pub(super) async fn directory(
    State(app): State<Shared>,
    caller: Caller,
    Query(Since { since }): Query<Since>,
) -> Result<Json<DirectoryPart>, Fault> {
    blocking(move || {
        let register = app.home.store.register()?;
        let life = info(&app.home)?.epoch;
        let part = register.part(life, &caller.actor, since.as_deref(), DIRECTORY_PART);
        Ok(Json(part))
    })
    .await
}

/// A block of document numbers.
#[utoipa::path(
    post, path = "/v1/numbers", tag = "sync",
    request_body = NumbersRequest,
    responses((status = 200, description = "the block", body = NumberBlock))
)]
pub(super) async fn numbers(
    State(app): State<Shared>,
    caller: Caller,
    body: Sent,
) -> Result<Json<NumberBlock>, Fault> {
    let request: NumbersRequest = message(&body)?;
    let now_ms = app.now_ms();
    blocking(move || lend(&app.home, now_ms, &caller.state, &request).map(Json)).await
}

/// Lends a device a block of document numbers.
pub(crate) fn lend(
    home: &Home,
    now_ms: u64,
    device: &DeviceState,
    request: &NumbersRequest,
) -> Result<NumberBlock, Fault> {
    let length = request.word.chars().count();
    if !(1..=MAX_WORD).contains(&length) || request.word.chars().any(char::is_control) {
        return Err(Fault::bad_request("a number word has 1 to 32 characters"));
    }
    if !(2000..=2199).contains(&request.year) {
        return Err(Fault::bad_request("no such year"));
    }
    let may_number = matches!(device.person.role, Role::Inspector | Role::Supervisor);
    if !may_number || device.person.org != request.org {
        return Err(Fault::new(
            ProblemCode::Forbidden,
            "only a bureau's own people number its documents",
        ));
    }
    Ok(home
        .store
        .lend_numbers(device.device.id, request, BLOCK_SIZE, now_ms)?)
}

fn check_key(key: &PublicKey) -> Result<(), Fault> {
    VerifyingKey::new(key)
        .map(|_| ())
        .map_err(|fault| Fault::bad_request(format!("the key cannot be used: {fault}")))
}

fn label(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_LABEL)
        .collect::<String>()
        .trim()
        .to_owned()
}
