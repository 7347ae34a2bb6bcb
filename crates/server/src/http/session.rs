//! Sessions: challenges that are good once, tokens that the server can check without remembering them, and who a request is from.
//!
//! Invariant: a token says which device, never what it may do; that is looked up for every request, so a revoked device is out at
//! once. Where one process serves alone, the key of tokens is made at each start, so a restart ends all sessions and clients open new
//! ones by themselves; where several serve one store, it follows from the server's key, and the store knows which challenges were used.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::FromRequestParts, http::header, http::request::Parts};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use shicha_domain::{DeviceId, PersonId, authority::Actor};
use shicha_sync::{
    Random,
    protocol::{Problem, ProblemCode, order::ORDER},
};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{
    App, Shared,
    fault::{Fault, blocking},
    known::Standing,
    line::Line,
};
use crate::{
    home::Home, intake::actor_of, signer::keyed_hash, store::DeviceState, store::StoreError,
};

const CHALLENGE_MS: u64 = 2 * 60 * 1000;
const SESSION_MS: u64 = 60 * 60 * 1000;
const MAC: usize = 32;
/// The one route that is for a device that another identity goes on from.
const IDENTITY: &str = "/v1/identity";
/// In how many seconds whoever has all connections that they may is to come again.
pub(super) const BUSY_S: u64 = 5;

pub(super) struct Sessions {
    key: [u8; 32],
    /// When each device that has a session asked something last, Unix ms: when it opens another one, that is when it was last in touch.
    asked: Mutex<HashMap<DeviceId, u64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenFault {
    Invalid,
    Expired,
}

impl Sessions {
    pub(super) fn new(home: &Home, random: &Random) -> Self {
        let key = if home.store.is_shared() {
            home.signer.session_key()
        } else {
            random.bytes()
        };
        Self::with_key(key)
    }

    fn with_key(key: [u8; 32]) -> Self {
        Self {
            key,
            asked: Mutex::default(),
        }
    }

    /// Notes that a device asks something in its session.
    fn note_asked(&self, device: DeviceId, now_ms: u64) {
        self.asked.lock().insert(device, now_ms);
    }

    /// When a device asked something in a session last, as far as this process knows. From now on it begins another session.
    pub(super) fn last_asked(&self, device: DeviceId, now_ms: u64) -> Option<u64> {
        self.asked.lock().insert(device, now_ms)
    }

    /// What the device is to sign: random, when, and the server's mark that it was for this device.
    pub(super) fn challenge(&self, device: DeviceId, random: [u8; 16], now_ms: u64) -> Vec<u8> {
        let mut challenge = Vec::with_capacity(24 + MAC);
        challenge.extend_from_slice(&random);
        challenge.extend_from_slice(&now_ms.to_be_bytes());
        let mac = keyed_hash(
            &self.key,
            &[b"challenge\0", device.0.as_bytes(), &challenge],
        );
        challenge.extend_from_slice(&mac);
        challenge
    }

    /// Whether the challenge was given to this device just now and is used for the first time; `uses` notes that it is.
    pub(super) fn redeem(
        &self,
        device: DeviceId,
        challenge: &[u8],
        now_ms: u64,
        uses: impl FnOnce(&[u8; 16], u64) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        if challenge.len() != 24 + MAC {
            return Ok(false);
        }
        let (said, mac) = challenge.split_at(24);
        let expected = keyed_hash(&self.key, &[b"challenge\0", device.0.as_bytes(), said]);
        if !bool::from(expected.ct_eq(mac)) {
            return Ok(false);
        }
        let (mut random, mut given) = ([0; 16], [0; 8]);
        random.copy_from_slice(&said[..16]);
        given.copy_from_slice(&said[16..]);
        let given = u64::from_be_bytes(given);
        if now_ms.abs_diff(given) > CHALLENGE_MS {
            return Ok(false);
        }
        // Whoever looks at it later refuses it for its age.
        uses(&random, given.max(now_ms) + 2 * CHALLENGE_MS)
    }

    /// A token for the device, and until when it holds.
    pub(super) fn token(&self, device: DeviceId, now_ms: u64) -> (String, u64) {
        let expires = now_ms + SESSION_MS;
        let mut token = Vec::with_capacity(24 + MAC);
        token.extend_from_slice(device.0.as_bytes());
        token.extend_from_slice(&expires.to_be_bytes());
        token.extend_from_slice(&keyed_hash(&self.key, &[b"token\0", &token]));
        (URL_SAFE_NO_PAD.encode(token), expires)
    }

    /// Which device a token is of, and until when it holds.
    pub(super) fn check(&self, token: &str, now_ms: u64) -> Result<(DeviceId, u64), TokenFault> {
        let mut bytes = [0; 24 + MAC];
        if URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) != Ok(bytes.len()) {
            return Err(TokenFault::Invalid);
        }
        let (said, mac) = bytes.split_at(24);
        if !bool::from(keyed_hash(&self.key, &[b"token\0", said]).ct_eq(mac)) {
            return Err(TokenFault::Invalid);
        }
        let (mut device, mut expires) = ([0; 16], [0; 8]);
        device.copy_from_slice(&said[..16]);
        expires.copy_from_slice(&said[16..]);
        let expires = u64::from_be_bytes(expires);
        if now_ms >= expires {
            return Err(TokenFault::Expired);
        }
        Ok((DeviceId(Uuid::from_bytes(device)), expires))
    }
}

/// Who a request is from.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) state: DeviceState,
    pub(crate) actor: Actor,
    pub(crate) session_ends_ms: u64,
}

/// Which device a request turned out to be from, so that the answer can bring it a tick.
#[derive(Debug, Clone, Default)]
pub(super) struct AskedBy(pub(super) Arc<Mutex<Option<DeviceId>>>);

impl Caller {
    /// Who it is, for what is shared out.
    pub(super) fn admitted(&self) -> Admitted {
        Admitted {
            device: self.state.device.id,
            person: self.state.person.id,
        }
    }
}

/// A device that may take part, and its person: by whom things are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admitted {
    pub(crate) device: DeviceId,
    pub(crate) person: PersonId,
}

/// A device that has a session, and may have been revoked since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    device: DeviceId,
    session_ends_ms: u64,
}

impl Claim {
    /// Who it is as far as this process knows without asking the store; nothing where that does not let them in.
    pub(super) fn known(self, app: &App) -> Option<Admitted> {
        match app.known().standing(self.device) {
            Standing::In(person) => Some(Admitted {
                device: self.device,
                person: person.id,
            }),
            Standing::Unknown | Standing::Out => None,
        }
    }

    /// Looks up who it is. Blocks.
    pub(crate) fn caller(self, app: &App) -> Result<Caller, Fault> {
        let state = admitted(app, app.home.store.device(self.device)?)?;
        let actor = actor_of(&state);
        Ok(Caller {
            state,
            actor,
            session_ends_ms: self.session_ends_ms,
        })
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Fault> {
        let claim = Claim::from_request_parts(parts, app).await?;
        let is_going_on = parts.uri.path() == IDENTITY;
        let app = Shared::clone(app);
        let caller = blocking(move || claim.caller(&app)).await?;
        if caller.state.is_ended && !is_going_on {
            return Err(ended().into());
        }
        parts.extensions.insert(caller.admitted());
        Ok(caller)
    }
}

impl FromRequestParts<Shared> for Claim {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Fault> {
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .ok_or_else(Fault::no_session)?;
        let (device, session_ends_ms) =
            app.sessions
                .check(token, app.now_ms())
                .map_err(|fault| match fault {
                    TokenFault::Invalid => Fault::new(
                        ProblemCode::Unauthorized,
                        "not a session token of this server",
                    ),
                    TokenFault::Expired => {
                        Fault::new(ProblemCode::SessionExpired, "the session has run out")
                    }
                })?;
        let path = parts.uri.path();
        let is_large = path.starts_with("/v1/blobs/") || path.starts_with("/v1/updates/");
        let (buckets, what) = if is_large {
            (&app.evidence, "evidence")
        } else {
            (&app.devices, "device")
        };
        buckets.take(device).map_err(|wait_s| {
            app.metrics.slowed(what);
            Fault::slow_down(wait_s, "too many requests from this device")
        })?;
        let now_ms = app.now_ms();
        app.sessions.note_asked(device, now_ms);
        if let Some(asked_by) = parts.extensions.get::<AskedBy>() {
            *asked_by.0.lock() = Some(device);
        }
        let claim = Self {
            device,
            session_ends_ms,
        };
        if let Some(line) = parts.extensions.get::<Line>() {
            let person = claim.known(app).map(|admitted| admitted.person);
            if !app.lines.count(line, device, person) {
                app.metrics.slowed("connections");
                let detail = "too many connections of this device or its person";
                return Err(Fault::slow_down(BUSY_S, detail));
            }
        }
        // Whoever reads the body asks whose it is.
        parts.extensions.insert(claim);
        Ok(claim)
    }
}

/// A device that may still take part.
pub(super) fn active(state: Option<DeviceState>) -> Result<DeviceState, Fault> {
    match state {
        None => Err(Fault::new(ProblemCode::Unauthorized, "no such device")),
        Some(state) if state.is_active() => Ok(state),
        Some(_) => Err(revoked().into()),
    }
}

/// [`active`] for the very device that asks and has proved who it is: one that was revoked is told what it is to do.
pub(super) fn admitted(app: &App, state: Option<DeviceState>) -> Result<DeviceState, Fault> {
    let ordered = state
        .as_ref()
        .filter(|state| !state.is_active())
        .and_then(|state| Some((state.device.id, state.order?)));
    let Some((device, order)) = ordered else {
        return active(state);
    };
    let order = app.home.signer.order(device, order.act, order.at_ms);
    match serde_json::to_value(&order) {
        Ok(order) => Err(revoked().with(ORDER, order).into()),
        Err(error) => Err(Fault::internal(&error)),
    }
}

/// What a device is told that another identity goes on from: it has to go on under another one itself, and nothing else is for it.
pub(super) fn ended() -> Problem {
    Problem::new(
        ProblemCode::Fork,
        "another identity goes on from this one; go on under a new one",
    )
}

fn revoked() -> Problem {
    Problem::new(
        ProblemCode::Revoked,
        "the administrator revoked this device or its person",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const DEVICE: DeviceId = DeviceId(Uuid::from_u128(1));
    const OTHER: DeviceId = DeviceId(Uuid::from_u128(2));

    #[test]
    fn a_token_is_good_for_its_device_until_it_runs_out_and_at_no_other_server() {
        let sessions = Sessions::with_key([1; 32]);
        let other_server = Sessions::with_key([2; 32]);
        let (token, expires) = sessions.token(DEVICE, 1_000);
        assert_eq!(sessions.check(&token, 1_000), Ok((DEVICE, expires)));
        assert_eq!(sessions.check(&token, expires), Err(TokenFault::Expired));
        assert_eq!(other_server.check(&token, 1_000), Err(TokenFault::Invalid));
        let mut forged = URL_SAFE_NO_PAD.decode(&token).unwrap();
        forged[..16].copy_from_slice(OTHER.0.as_bytes());
        assert_eq!(
            sessions.check(&URL_SAFE_NO_PAD.encode(forged), 1_000),
            Err(TokenFault::Invalid)
        );
        for garbage in ["", "x", "....", &"A".repeat(10_000)] {
            assert_eq!(sessions.check(garbage, 1_000), Err(TokenFault::Invalid));
        }
    }

    #[test]
    fn a_challenge_is_good_once_for_its_device_and_not_for_long() {
        let sessions = Sessions::with_key([1; 32]);
        let challenge = sessions.challenge(DEVICE, [7; 16], 1_000_000);
        let redeem = |device, challenge: &[u8], now_ms, is_first| {
            sessions
                .redeem(device, challenge, now_ms, |_, until_ms| {
                    assert!(until_ms > now_ms + CHALLENGE_MS);
                    Ok(is_first)
                })
                .unwrap()
        };
        assert!(redeem(DEVICE, &challenge, 1_000_000, true));
        assert!(
            !redeem(DEVICE, &challenge, 1_000_000, false),
            "a second time is a replay"
        );
        assert!(!redeem(OTHER, &challenge, 1_000_000, true));
        assert!(!redeem(
            DEVICE,
            &challenge,
            1_000_000 + CHALLENGE_MS + 1,
            true
        ));
        assert!(!redeem(DEVICE, &challenge[..20], 1_000_000, true));
    }
}
