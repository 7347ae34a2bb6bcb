//! First start: the key, the database, enrolment, and what the application is.

use std::sync::Arc;

use shicha_domain::receipt::fingerprint;
use shicha_ledger::{DatabaseKey, KeyState, KeyStore, Ledger, LedgerError, OpenReport, Standing};
use shicha_sync::client::{self, Engine, HttpTransport, Moved, MovedKind, SyncState, Worker};

use crate::{
    app::{App, blocking},
    delivery::Delivery,
    error::{ApiError, ErrorCode},
    handlers::{order, place, sync::status_of},
    names::tail,
    schema::*,
    time::day_of,
    updates::UpdateFault,
};

/// The shortest passphrase, in characters.
pub(super) const LEAST_PASSPHRASE: usize = 8;

pub(crate) async fn app_status(app: &App, _: Empty) -> Result<AppStatus, ApiError> {
    let app = app.clone();
    blocking(move || status(&app)).await
}

pub(crate) async fn key_create(app: &App, request: KeyUse) -> Result<AppStatus, ApiError> {
    let opening = app.clone();
    blocking(move || {
        if opening.is_open() {
            return Ok(());
        }
        check_not_barred(&opening)?;
        let store = store(&opening);
        let key = match &request.passphrase {
            Some(text) if text.chars().count() < LEAST_PASSPHRASE => {
                return Err(ApiError::new(ErrorCode::WeakPassphrase));
            }
            Some(text) => store.create_with_passphrase(text)?,
            None if !opening.0.config.host.has_keychain() => {
                return Err(ApiError::new(ErrorCode::NoKeychain));
            }
            None => store.create_in_keychain()?,
        };
        open(&opening, &key)
    })
    .await?;
    begin(app).await
}

pub(crate) async fn key_unlock(app: &App, request: KeyUse) -> Result<AppStatus, ApiError> {
    let opening = app.clone();
    blocking(move || {
        if opening.is_open() {
            return Ok(());
        }
        check_not_barred(&opening)?;
        let store = store(&opening);
        let key = match &request.passphrase {
            Some(text) => store.unlock_with_passphrase(text)?,
            None => store.unlock_from_keychain()?,
        };
        open(&opening, &key)
    })
    .await?;
    begin(app).await
}

pub(crate) async fn server_probe(_: &App, request: ServerProbe) -> Result<ServerFound, ApiError> {
    let found = client::probe(&request.url).await?;
    Ok(ServerFound {
        url: found.url,
        name: found.name,
        fingerprint: found.fingerprint,
        is_sample: found.is_sample,
        clock_ahead_ms: found.clock_ahead_ms,
    })
}

pub(crate) async fn enrol(app: &App, request: Enrol) -> Result<AppStatus, ApiError> {
    let ledger = app.ledger()?;
    if app.enrolled().is_some() {
        return Err(ApiError::bad_request("this computer is enrolled already"));
    }
    let label = name_or_usual(app, &request.label);
    let url = client::tidy_url(&request.url)?;
    client::enrol_with(
        Arc::new(HttpTransport::new(&url)?),
        Arc::clone(&app.0.config.clock),
        &ledger,
        &url,
        &request.fingerprint,
        &request.code,
        &label,
    )
    .await?;
    begin(app).await
}

/// What a computer is to be called: what a person typed, or what its system calls it.
pub(super) fn name_or_usual(app: &App, typed: &str) -> String {
    match typed.trim() {
        "" => app.0.config.label.clone(),
        name => name.to_owned(),
    }
}

pub(crate) async fn setting_set(app: &App, request: SettingSet) -> Result<AppStatus, ApiError> {
    let app = app.clone();
    blocking(move || {
        app.0.prefs.set(&request.key, &request.value)?;
        status(&app)
    })
    .await
}

/// Opens the ledger at start where no person is needed for it.
pub(crate) fn open_by_keychain(app: &App) -> Result<(), ApiError> {
    if order::go_on(app)? {
        return Ok(());
    }
    let store = store(app);
    if store.state()? != KeyState::Keychain {
        return Ok(());
    }
    let opened = store
        .unlock_from_open_keychain()
        .map_err(ApiError::from)
        .and_then(|key| open(app, &key));
    match opened {
        Ok(()) => {
            app.read_identity()?;
            start_sync(app)
        }
        // The credential store may be locked or gone; the screen offers to try again.
        Err(error) if error.code == ErrorCode::NoKeychain => {
            tracing::warn!(%error, "the key could not be fetched at start");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Nothing is opened, and no new database begun, where the administrator locked one or it is not yet destroyed.
fn check_not_barred(app: &App) -> Result<(), ApiError> {
    match order::standing(app)? {
        Some(standing) if standing.is_barred() => Err(ApiError::new(ErrorCode::Revoked)),
        _ => Ok(()),
    }
}

fn store(app: &App) -> KeyStore {
    KeyStore::new(&app.0.config.data_dir)
}

pub(super) fn open(app: &App, key: &DatabaseKey) -> Result<(), ApiError> {
    let (dir, now_ms) = (&app.0.config.data_dir, app.now_ms());
    let (ledger, report) = match Ledger::open(dir, key, now_ms) {
        // A newer version changed the database and was taken back: this one goes on with the copy that was made for it.
        Err(LedgerError::NewerVersion { .. })
            if app.0.updates.may_put_back() && Ledger::put_back(dir, key, now_ms)?.is_some() =>
        {
            Ledger::open(dir, key, now_ms)?
        }
        opened => opened?,
    };
    app.0
        .updates
        .no_more_put_back()
        .map_err(UpdateFault::from)?;
    let clock = Arc::clone(&app.0.config.clock);
    ledger.keep_time_by(move || clock.now_ms());
    app.set_open(ledger, salvage_of(report));
    Ok(())
}

fn salvage_of(report: OpenReport) -> Option<Salvage> {
    let salvage = report.salvage?;
    Some(Salvage {
        damaged_file: salvage.damaged_file.display().to_string(),
        entries: salvage.entries,
        blobs: salvage.blobs,
        lost: salvage.lost,
    })
}

/// Goes on as far as the opened ledger allows.
pub(super) async fn begin(app: &App) -> Result<AppStatus, ApiError> {
    let reading = app.clone();
    blocking(move || reading.read_identity()).await?;
    start_sync(app)?;
    app_status(app, Empty {}).await
}

/// Starts synchronisation, once the ledger is enrolled.
pub(super) fn start_sync(app: &App) -> Result<(), ApiError> {
    // A computer that never had a network knows no address: it goes by packages.
    let Some(enrolled) = app
        .enrolled()
        .filter(|enrolled| !enrolled.me.server_url.is_empty())
    else {
        return Ok(());
    };
    let mut worker = app.0.worker.lock();
    if worker.is_some() {
        return Ok(());
    }
    let transport = HttpTransport::new(&enrolled.me.server_url)?;
    let engine = Engine::new(Arc::new(transport), Arc::clone(&app.0.config.clock))
        .with_updates(Arc::clone(&app.0.updates.folder));
    let new = Worker::start(engine, app.ledger()?);
    tokio::spawn(follow(app.clone(), new.state()));
    *worker = Some(new);
    drop(worker);
    let asking = app.clone();
    tokio::task::spawn_blocking(move || want_numbers(&asking));
    Ok(())
}

/// Hands the state of synchronisation to the screens, and takes in what it brought.
async fn follow(app: App, mut states: tokio::sync::watch::Receiver<SyncState>) {
    let mut seen = states.borrow_and_update().moved.front().cloned();
    let mut delivery = Delivery::begin(&app);
    let mut known_command = None;
    while states.changed().await.is_ok() {
        let state = states.borrow_and_update().clone();
        let news: Vec<&Moved> = state
            .moved
            .iter()
            .take_while(|one| Some(*one) != seen.as_ref())
            .collect();
        let done = delivery.follow(&state, &news);
        let moved: Vec<MovedKind> = news.into_iter().map(|one| one.kind).collect();
        seen = state.moved.front().cloned();
        let command = (state.command != known_command)
            .then(|| state.command.clone())
            .flatten();
        known_command.clone_from(&state.command);
        let telling = app.clone();
        // Reading what changed touches the disk.
        let told = tokio::task::spawn_blocking(move || tell(&telling, &state, &moved)).await;
        if let Err(error) = told {
            tracing::error!(%error, "the screens were not told of a change");
        }
        if let Some(event) = done {
            app.emit(event);
        }
        if let Some(command) = command {
            // This ends the worker, and with it what is followed here.
            tokio::spawn(order::obey(app.clone(), command));
        }
    }
}

fn tell(app: &App, state: &SyncState, moved: &[MovedKind]) {
    if !app.is_open() {
        // The last word of a worker that is being stopped.
        return;
    }
    let is_other_directory = moved
        .iter()
        .any(|kind| matches!(kind, MovedKind::Directory | MovedKind::Forked));
    if is_other_directory && let Err(error) = app.read_identity() {
        tracing::error!(%error, "the directory could not be read again");
    }
    if moved
        .iter()
        .any(|kind| matches!(kind, MovedKind::Downloaded | MovedKind::Pulled))
    {
        // A pack may have come, and with it number words.
        want_numbers(app);
    }
    match app.ledger().and_then(|ledger| status_of(&ledger, state)) {
        Ok(state) => app.emit(HostEvent::Sync { state }),
        Err(error) => tracing::error!(%error, "the state of synchronisation could not be read"),
    }
    if !moved.is_empty() {
        app.emit(HostEvent::Changed {
            records: Vec::new(),
            source: "sync".into(),
        });
    }
}

/// Of which document numbers this computer should have a stock.
pub(crate) fn number_wants(app: &App) -> Result<Vec<client::NumberWant>, ApiError> {
    let (Some(enrolled), ledger) = (app.enrolled(), app.ledger()?) else {
        return Ok(Vec::new());
    };
    let is_inspector = enrolled.me.role == shicha_domain::directory::Role::Inspector;
    let (org, tree) = (&enrolled.me.org, enrolled.names.tree());
    let leading = app.0.packs.leading(&ledger, org, tree)?;
    let Some(pack) = leading.filter(|_| is_inspector) else {
        return Ok(Vec::new());
    };
    let today = day_of(app.now_ms());
    let years = if today.month() == 12 { 0..=1 } else { 0..=0 };
    let word = pack
        .document_kind(super::signing::SITE_RECORD)
        .and_then(|kind| kind.word.clone());
    let wants = word.into_iter().flat_map(|word| {
        years
            .clone()
            .map(move |ahead| (word.clone(), today.year() + ahead))
    });
    Ok(wants
        .map(|(word, year)| client::NumberWant {
            org: enrolled.me.org.clone(),
            word,
            year,
        })
        .collect())
}

/// Says of which document numbers this computer should have a stock: those of its bureau, for this year, and for the next one from
/// December on.
fn want_numbers(app: &App) {
    match number_wants(app) {
        Ok(wants) if !wants.is_empty() => {
            if let Some(worker) = app.0.worker.lock().as_ref() {
                worker.want_numbers(wants);
            }
        }
        Ok(_) => {}
        Err(error) => tracing::error!(%error, "document numbers could not be asked for"),
    }
}

fn status(app: &App) -> Result<AppStatus, ApiError> {
    let store = store(app);
    let enrolled = app.enrolled();
    let standing = order::standing(app)?;
    let is_barred = standing.as_ref().is_some_and(Standing::is_barred);
    let stage = match (app.is_open(), store.state()?, &enrolled) {
        (false, ..) if is_barred => Stage::Barred,
        (true, _, Some(_)) => Stage::Ready,
        (true, _, None) => Stage::NeedsEnrolment,
        (false, KeyState::Missing, _) => Stage::NeedsKey,
        (false, ..) => Stage::Locked,
    };
    let has_keychain = match stage {
        Stage::NeedsKey => app.0.config.host.has_keychain() && store.has_keychain(),
        _ => store.state()? == KeyState::Keychain,
    };
    let me = enrolled.map(|enrolled| {
        let me = &enrolled.me;
        let person = enrolled.names.find_person(me.person);
        Me {
            person: me.person,
            name: me.person_name.clone(),
            certificate: person.and_then(|person| person.certificate.clone()),
            org: me.org.clone(),
            org_name: enrolled.names.org(&me.org),
            role: me.role,
            device: tail(me.device.0),
            server_name: me.server_name.clone(),
            server_url: me.server_url.clone(),
            server_fingerprint: fingerprint(&me.server_key),
        }
    });
    // Whoever works here again need not be told any more.
    let ordered = standing
        .filter(|standing| stage != Stage::Ready && !standing.is_lifted)
        .map(|standing| order::view(&standing));
    let is_sample = app.enrolled().is_some_and(|enrolled| enrolled.me.is_sample);
    let asked = match stage {
        Stage::NeedsEnrolment => place::waiting(app)?,
        _ => None,
    };
    Ok(AppStatus {
        stage,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        me,
        is_sample,
        has_keychain,
        salvage: app.salvage(),
        order: ordered,
        asked,
        language: app.0.prefs.language(),
    })
}
