//! Updates of the application: how far one is, fetching it, and installing it on a person's word.

use std::{sync::Weak, time::Duration};

use shicha_ledger::OlderCopy;
use shicha_sync::{
    client::package::TakenUpdate,
    package::Contents,
    update::{SignedUpdate, UpdateFault, UpdateNow, platform_of},
};

use crate::{
    app::{App, Inner, blocking},
    error::{ApiError, ErrorCode},
    handlers::{nearby, setup},
    schema::*,
    updates::{LastKind, Plan, Updates},
};

/// How long other calls may take to end before an update is not installed now.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn update_get(app: &App, _: Empty) -> Result<UpdateView, ApiError> {
    let app = app.clone();
    blocking(move || view(&app)).await
}

/// Asks the central endpoint at once.
pub(crate) async fn update_check(app: &App, _: Empty) -> Result<Empty, ApiError> {
    let worker = app.0.worker.lock();
    let worker = worker.as_ref().ok_or(ApiError::new(ErrorCode::NoAddress))?;
    worker.engine().ask_for_update();
    worker.sync_now();
    Ok(Empty {})
}

/// Tries once more what was refused or taken back.
pub(crate) async fn update_again(app: &App, _: Empty) -> Result<Empty, ApiError> {
    let again = app.clone();
    blocking(move || Ok(again.0.updates.folder.try_again()?)).await?;
    update_check(app, Empty {}).await
}

/// Fetches what is released also where this computer runs it already, to hand it on.
pub(crate) async fn update_fetch(app: &App, _: Empty) -> Result<Empty, ApiError> {
    let wanting = app.clone();
    blocking(move || Ok(wanting.0.updates.folder.want_for_others()?)).await?;
    update_check(app, Empty {}).await
}

pub(crate) async fn update_seen(app: &App, _: Empty) -> Result<UpdateView, ApiError> {
    let app = app.clone();
    blocking(move || {
        app.0.updates.seen().map_err(UpdateFault::from)?;
        view(&app)
    })
    .await
}

pub(crate) async fn update_install(app: &App, request: UpdateInstall) -> Result<Empty, ApiError> {
    let updates = &app.0.updates;
    let looking = app.clone();
    let obstacle = blocking(move || Ok(obstacle(&looking))).await?;
    let (None, Some(installer)) = (&obstacle, &updates.installer) else {
        return Err(refused(obstacle.as_deref().unwrap_or("no_installer")));
    };
    // Whatever somebody saves at this moment is saved first.
    let mut calls = app.0.calls.subscribe();
    let ended = async { calls.wait_for(|under_way| *under_way <= 1).await.map(drop) };
    let alone = tokio::time::timeout(PATIENCE, ended).await;
    if alone.is_err() {
        return Err(refused("busy"));
    }
    nearby::end(app).await;
    let worker = app.0.worker.lock().take();
    if let Some(worker) = worker {
        worker.stop().await;
    }
    let preparing = app.clone();
    let prepared = blocking(move || prepare(&preparing, &request.version)).await;
    let begun = prepared.and_then(|(plan, copy)| {
        *updates.copy.lock() = Some(copy);
        installer.install(&plan).map_err(|detail| {
            tracing::error!(detail, "an update could not be begun");
            refused("not_started").with("detail", detail)
        })
    });
    if let Err(error) = begun {
        *updates.copy.lock() = None;
        let going_on = app.clone();
        blocking(move || Ok(going_on.0.updates.end().map_err(UpdateFault::from)?)).await?;
        setup::start_sync(app)?;
        return Err(error);
    }
    Ok(Empty {})
}

/// Everything that has to be there before the setup may run. Blocks while the database is copied.
fn prepare(app: &App, version: &str) -> Result<(Plan, OlderCopy), ApiError> {
    let updates = &app.0.updates;
    let kept = updates
        .folder
        .prove_kept()?
        .filter(|kept| kept.signed.version.to_string() == version)
        .ok_or_else(|| refused("gone"))?;
    let copy = app.ledger()?.keep_for_older()?;
    let plan = Plan {
        from: updates.folder.running(),
        to: kept.signed.version,
        setup: kept.path,
        signature: kept.signed.text.clone(),
        data_dir: updates.data_dir().to_path_buf(),
        begun_at_ms: app.now_ms(),
    };
    updates.begin(&plan).map_err(UpdateFault::from)?;
    Ok((plan, copy))
}

/// At the end of the program: what was written since the database was copied for an update belongs into the copy too. Blocks.
pub(crate) fn copy_again(app: &App) {
    let Some(copy) = app.0.updates.copy.lock().take() else {
        return;
    };
    let Ok(ledger) = app.ledger() else { return };
    if ledger.has_changed_since(&copy)
        && let Err(error) = ledger.keep_for_older()
    {
        // The earlier copy is there, and the database itself has everything.
        tracing::error!(%error, "the copy for the older version lacks what was written last");
    }
}

fn refused(reason: &str) -> ApiError {
    ApiError::new(ErrorCode::UpdateRefused).with("reason", reason)
}

/// Why the kept update cannot be installed now.
fn obstacle(app: &App) -> Option<String> {
    let said = match &app.0.updates.installer {
        None => Some("no_installer"),
        Some(installer) => installer.obstacle(),
    };
    said.or((!app.is_open()).then_some("locked"))
        .map(str::to_owned)
}

pub(crate) fn view(app: &App) -> Result<UpdateView, ApiError> {
    let updates = &app.0.updates;
    let folder = &updates.folder;
    let kept = folder.kept()?;
    let running = folder.running();
    let asked_at_ms = {
        let worker = app.0.worker.lock();
        worker
            .as_ref()
            .and_then(|worker| worker.engine().asked_for_update_at_ms())
    };
    let mut view = UpdateView {
        running: running.to_string(),
        stage: UpdateStage::None,
        version: String::new(),
        notes: String::new(),
        size: 0,
        have: 0,
        fault: None,
        detail: String::new(),
        obstacle: None,
        asked_at_ms,
        held: kept.as_ref().map(|kept| kept.signed.version.to_string()),
        last: last(updates),
    };
    if folder.platform().is_none() {
        view.stage = UpdateStage::Off;
        return Ok(view);
    }
    if let Some(kept) = kept.filter(|kept| kept.signed.version > running) {
        view.stage = UpdateStage::Ready;
        view.version = kept.signed.version.to_string();
        view.notes = kept.signed.notes;
        (view.size, view.have) = (kept.size, kept.size);
        view.obstacle = obstacle(app);
        return Ok(view);
    }
    match folder.now().borrow().clone() {
        UpdateNow::Fetching {
            version,
            have,
            size,
        } => {
            view.stage = UpdateStage::Fetching;
            view.version = version.to_string();
            (view.size, view.have) = (size, have);
        }
        UpdateNow::Failed { code, detail } => {
            view.stage = UpdateStage::Failed;
            view.fault = Some(code);
            view.detail = detail;
        }
        UpdateNow::Idle => {}
    }
    if view.stage != UpdateStage::Fetching
        && let Some((code, name)) = folder.last_refused()?
    {
        view.stage = UpdateStage::Failed;
        view.version = platform_of(&name).map_or(name, |(version, _)| version.to_string());
        view.fault = Some(code);
    }
    Ok(view)
}

fn last(updates: &Updates) -> Option<UpdateLast> {
    let last = updates.last.lock();
    let last = last.as_ref().filter(|last| !last.is_seen)?;
    Some(UpdateLast {
        end: match last.kind {
            LastKind::Installed => UpdateEnd::Installed,
            LastKind::TakenBack => UpdateEnd::TakenBack,
            LastKind::NotDone => UpdateEnd::NotDone,
        },
        from: last.from.to_string(),
        to: last.to.to_string(),
        reason: last.reason.clone(),
        at_ms: last.at_ms,
    })
}

/// Tells the screens how far an update is, for as long as the application is there.
pub(crate) async fn follow(app: Weak<Inner>) {
    let Some(mut now) = app.upgrade().map(|app| app.updates.folder.now()) else {
        return;
    };
    while now.changed().await.is_ok() {
        let Some(app) = app.upgrade().map(App) else {
            return;
        };
        tell(&app).await;
    }
}

/// Tells the screens that something is different about updates.
pub(crate) async fn tell(app: &App) {
    let looking = app.clone();
    match blocking(move || view(&looking)).await {
        Ok(view) => app.emit(HostEvent::Update { view }),
        Err(error) => tracing::warn!(%error, "the screens were not told of an update"),
    }
}

/// The update in a package that was looked at, as far as this computer can say without taking it.
pub(crate) fn carried(app: &App, contents: &Contents) -> Option<PackageUpdate> {
    let said = contents.update.as_ref()?;
    let folder = &app.0.updates.folder;
    let judged = folder.signed(&said.signature).and_then(|signed| {
        if signed.name != said.name {
            return Err(UpdateFault::Altered("it goes under another name"));
        }
        signed.check_size(said.size)?;
        let kept = folder.kept()?;
        let is_known = signed.version == folder.running()
            || kept.is_some_and(|kept| kept.signed.version >= signed.version);
        Ok(is_known)
    });
    let verdict = match judged {
        Ok(true) => "known",
        Ok(false) => "new",
        Err(fault) => fault.code(),
    };
    Some(shown(&said.name, said.size, &said.signature, verdict))
}

/// What became of the update in a package.
pub(crate) fn taken(contents: &Contents, taken: Option<&TakenUpdate>) -> Option<PackageUpdate> {
    let said = contents.update.as_ref()?;
    let verdict = match taken {
        Some(TakenUpdate::Kept(_)) => "new",
        Some(TakenUpdate::Known(_)) => "known",
        Some(TakenUpdate::Refused { code, .. }) => code,
        None => UpdateFault::Off.code(),
    };
    Some(shown(&said.name, said.size, &said.signature, verdict))
}

fn shown(name: &str, size: u64, signature: &str, verdict: &str) -> PackageUpdate {
    // Words of somebody whose signature does not hold are not shown.
    let notes = match verdict {
        "new" | "known" => SignedUpdate::notes_of(signature),
        _ => String::new(),
    };
    PackageUpdate {
        version: platform_of(name).map_or_else(String::new, |(version, _)| version.to_string()),
        size,
        notes,
        verdict: verdict.to_owned(),
    }
}
