//! Exchanging with a laptop on the same site. On only while its page is open, or while the person keeps it on.

use std::sync::Arc;

use shicha_sync::nearby::{
    self, Compared, Multicast, Nearby, NearbyConfig, NearbyState, Reason, SessionState, Stage,
};
use tokio::sync::watch;

use crate::{
    app::{App, blocking},
    error::{ApiError, ErrorCode},
    schema::{
        Empty, HostEvent, NearbyAnswer, NearbyConnect, NearbyFaultView, NearbyFound, NearbyKeep,
        NearbyPeer, NearbySession, NearbyView,
    },
};

/// The exchange, while it is on.
#[derive(Default)]
pub(crate) struct Around {
    on: Option<Nearby>,
    /// Whether its page is open.
    is_shown: bool,
    is_kept: bool,
}

pub(crate) async fn nearby_open(app: &App, _: Empty) -> Result<NearbyView, ApiError> {
    let mut around = app.0.nearby.lock().await;
    if around.on.is_none() {
        let started = start(app).await?;
        tokio::spawn(follow(app.clone(), started.state()));
        around.on = Some(started);
    }
    around.is_shown = true;
    Ok(view(app, &around))
}

pub(crate) async fn nearby_close(app: &App, _: Empty) -> Result<Empty, ApiError> {
    let mut around = app.0.nearby.lock().await;
    around.is_shown = false;
    end_if_unwanted(&mut around).await;
    Ok(Empty {})
}

pub(crate) async fn nearby_keep(app: &App, request: NearbyKeep) -> Result<NearbyView, ApiError> {
    let mut around = app.0.nearby.lock().await;
    around.is_kept = request.is_kept && around.on.is_some();
    end_if_unwanted(&mut around).await;
    Ok(view(app, &around))
}

pub(crate) async fn nearby_get(app: &App, _: Empty) -> Result<NearbyView, ApiError> {
    Ok(view(app, &*app.0.nearby.lock().await))
}

pub(crate) async fn nearby_connect(app: &App, request: NearbyConnect) -> Result<Empty, ApiError> {
    let around = app.0.nearby.lock().await;
    let on = on(&around)?;
    let (addresses, target) = match request {
        NearbyConnect::Found { instance } => {
            let found = on.state().borrow().found.clone();
            let one = found
                .into_iter()
                .find(|one| one.instance == instance)
                .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "laptop"))?;
            (one.addresses, one.name)
        }
        NearbyConnect::Address { address } => {
            let read = nearby::read_address(&address)
                .ok_or_else(|| ApiError::new(ErrorCode::BadValue).with("what", "address"))?;
            (vec![read], address.trim().to_owned())
        }
    };
    on.connect(addresses, target).await;
    Ok(Empty {})
}

pub(crate) async fn nearby_answer(app: &App, request: NearbyAnswer) -> Result<Empty, ApiError> {
    on(&*app.0.nearby.lock().await)?
        .answer(Compared {
            session: u64::from(request.session),
            digits: request.digits,
            is_same: request.is_same,
        })
        .await;
    Ok(Empty {})
}

pub(crate) async fn nearby_cancel(app: &App, _: Empty) -> Result<Empty, ApiError> {
    on(&*app.0.nearby.lock().await)?.cancel().await;
    Ok(Empty {})
}

pub(crate) async fn nearby_put_away(app: &App, _: Empty) -> Result<Empty, ApiError> {
    on(&*app.0.nearby.lock().await)?.put_away().await;
    Ok(Empty {})
}

/// Ends the exchange, whatever goes on: the application closes.
pub(crate) async fn end(app: &App) {
    let mut around = app.0.nearby.lock().await;
    if let Some(on) = around.on.take() {
        on.stop().await;
    }
}

fn on(around: &Around) -> Result<&Nearby, ApiError> {
    around.on.as_ref().ok_or(ApiError::new(ErrorCode::NotReady))
}

async fn end_if_unwanted(around: &mut Around) {
    if !around.is_shown
        && !around.is_kept
        && let Some(on) = around.on.take()
    {
        on.stop().await;
    }
}

async fn start(app: &App) -> Result<Nearby, ApiError> {
    let enrolled = app.enrolled().ok_or(ApiError::new(ErrorCode::NotReady))?;
    let label = enrolled.names.device(enrolled.me.device);
    let mut config = NearbyConfig::new(
        app.ledger()?,
        Arc::clone(&app.0.config.clock),
        Arc::new(Multicast::default()),
    );
    config.name = format!("{} · {label}", enrolled.me.person_name);
    config.label = label;
    Nearby::start(config).await.map_err(|fault| {
        let code = match fault.reason {
            Reason::Storage => ErrorCode::Storage,
            _ => ErrorCode::Internal,
        };
        ApiError::new(code).with("detail", fault.to_string())
    })
}

/// Hands what is under way to the screens, and sees to what a session brought.
async fn follow(app: App, mut states: watch::Receiver<NearbyState>) {
    let mut was_running = false;
    while states.changed().await.is_ok() {
        let state = states.borrow_and_update().clone();
        let is_running = state.session.as_ref().is_some_and(SessionState::is_running);
        let has_ended = was_running && !is_running;
        was_running = is_running;
        let around = app.0.nearby.lock().await;
        app.emit(HostEvent::Nearby {
            view: view(&app, &around),
        });
        drop(around);
        if let Some(session) = state.session.filter(|_| has_ended) {
            ended(&app, &session).await;
        }
    }
    app.emit(HostEvent::Nearby {
        view: NearbyView {
            is_on: false,
            is_kept: false,
            name: String::new(),
            addresses: Vec::new(),
            can_find: true,
            found: Vec::new(),
            session: None,
        },
    });
}

/// What came is shown, goes to the central endpoint when there is one, and stands in the log.
async fn ended(app: &App, session: &SessionState) {
    if session.summary.taken.entries + session.summary.taken.files > 0 {
        app.emit(HostEvent::Changed {
            records: Vec::new(),
            source: "sync".into(),
        });
        if let Some(worker) = app.0.worker.lock().as_ref() {
            worker.poke();
        }
    }
    let Some(met) = session.met.clone() else {
        return;
    };
    let (code, summary) = match session.stage {
        Stage::Done => ("nearby", session.summary),
        _ => ("nearby_broken", session.summary),
    };
    let params = serde_json::json!({
        "person": met.peer.person_name,
        "given": summary.given.entries,
        "taken": summary.taken.entries,
        "given_files": summary.given.files,
        "taken_files": summary.taken.files,
    });
    let writing = app.clone();
    let written = blocking(move || {
        Ok(writing
            .ledger()?
            .sync_log_add("nearby", code, &params, writing.now_ms())?)
    });
    if let Err(error) = written.await {
        tracing::error!(%error, "an exchange with a laptop nearby could not be noted");
    }
}

fn view(app: &App, around: &Around) -> NearbyView {
    let state = around.on.as_ref().map(|on| on.state().borrow().clone());
    let is_on = state.is_some();
    let state = state.unwrap_or_default();
    NearbyView {
        is_on,
        is_kept: around.is_kept,
        name: state.name,
        addresses: state
            .addresses
            .iter()
            .map(|ip| match state.port {
                nearby::PORT => ip.to_string(),
                port => format!("{ip}:{port}"),
            })
            .collect(),
        can_find: state.no_finding.is_none(),
        found: state
            .found
            .into_iter()
            .map(|one| NearbyFound {
                address: one
                    .addresses
                    .first()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                instance: one.instance,
                name: one.name,
                is_same_version: one.is_same_version,
            })
            .collect(),
        session: state.session.map(|session| session_view(app, session)),
    }
}

fn session_view(app: &App, session: SessionState) -> NearbySession {
    let enrolled = app.enrolled();
    let digits = session.met.as_ref().map(|met| met.digits.clone());
    NearbySession {
        // As many sessions as a station counts in its life.
        id: u32::try_from(session.id).unwrap_or(u32::MAX),
        stage: session.stage,
        asked_here: session.asked_here,
        target: session.target,
        peer: session.met.map(|met| NearbyPeer {
            org_name: enrolled
                .as_ref()
                .map_or_else(String::new, |enrolled| enrolled.names.org(&met.peer.org)),
            person_name: met.peer.person_name,
            role: met.peer.role,
            label: met.peer.label,
            is_known: met.peer.is_known,
        }),
        digits,
        agreed_here: session.agreed_here,
        agreed_there: session.agreed_there,
        given: session.summary.given,
        taken: session.summary.taken,
        not_taken: session.summary.not_taken,
        fault: session.fault.map(|fault| NearbyFaultView {
            reason: fault.reason,
            is_there: fault.is_there,
        }),
    }
}
