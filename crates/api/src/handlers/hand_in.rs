//! Somebody else's package, handed in at the central endpoint by a computer that has a network, and the answer to it.
//!
//! Both are sealed for others: what is known of them here stands on their outside. An answer lies in the data folder until it is saved.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use shicha_sync::{
    client::{
        SyncError, Worker,
        package::{PackageError, Parcel},
    },
    package::{ENDING, PACKAGE_TYPE, PackageFault, PackageFile, Party, open, read_label},
    protocol::ProblemCode,
};

use super::packages::{MOST_MADE, party, refusal, tell};
use crate::{
    app::{App, blocking},
    desk::Desk,
    error::{ApiError, ErrorCode},
    parcels::{AnswerFile, Carried, chosen},
    schema::*,
    time::day_of,
};

pub(crate) async fn package_outside(
    app: &App,
    request: PackageLook,
) -> Result<PackageOutside, ApiError> {
    let desk = app.desk()?;
    blocking(move || {
        let (name, bytes, place) = chosen(&desk.app, &request.source)?;
        let refused =
            |fault| refusal(&desk, PackageError::Package(fault)).with("name", name.clone());
        let label = place
            .open()
            .map_err(PackageFault::from)
            .and_then(read_label)
            .map_err(refused)?;
        if !matches!(label.to, Party::Endpoint { key } if key == desk.me.server_key) {
            return Err(refused(PackageFault::ForAnother(label.to)));
        }
        let from = party(&desk, &*desk.ledger.directory()?, label.from);
        let (is_newcomer, made_at_ms) = (is_newcomer(label.from), label.made_at_ms);
        let token = desk.app.0.parcels.keep_carried(Carried {
            name: name.clone(),
            label,
            bytes,
            place,
        });
        Ok(PackageOutside {
            token,
            file: name,
            bytes,
            from,
            is_newcomer,
            made_at_ms,
        })
    })
    .await
}

pub(crate) async fn package_hand_in(
    app: &App,
    request: PackageHandIn,
) -> Result<PackageAnswer, ApiError> {
    let desk = app.desk()?;
    let carried = app.0.parcels.carried(&request.token)?;
    let engine = app.0.worker.lock().as_ref().map(Worker::engine);
    let engine = engine.ok_or(ApiError::new(ErrorCode::NoAddress))?;
    let (path, file) = blocking({
        let app = app.clone();
        move || {
            let path = app.0.parcels.room().map_err(PackageFault::from)?;
            let file = PackageFile::begin(&path, 0)?;
            Ok((path, file))
        }
    })
    .await?;
    let parcel = Parcel {
        open: {
            let place = carried.place.clone();
            Arc::new(move || place.open())
        },
        bytes: carried.bytes,
    };
    let parcels = &app.0.parcels;
    parcels.begin();
    let step = Mutex::new(u64::MAX);
    let moved = {
        let (app, whole) = (app.clone(), carried.bytes);
        Arc::new(move |done: u64| {
            let mut step = step.lock().unwrap_or_else(PoisonError::into_inner);
            tell(&app, "package_hand_in", done, whole.max(done), &mut step);
        })
    };
    let file = tokio::select! {
        handed = engine.hand_in(&desk.ledger, &parcel, file, moved) => {
            handed.map_err(|error| refused(error).with("name", carried.name.clone()))?
        }
        () = parcels.stopped() => return Err(ApiError::new(ErrorCode::Stopped)),
    };
    blocking(move || kept(&desk, &carried, file, path)).await
}

/// Keeps the answer until it is saved, and says what stands on it.
fn kept(
    desk: &Desk,
    carried: &Carried,
    file: PackageFile,
    path: PathBuf,
) -> Result<PackageAnswer, ApiError> {
    let bytes = file.keep()?;
    let (input, _) = open(&path)?;
    let answer = AnswerFile {
        name: suggested_name(desk, carried)?,
        bytes,
        path,
    };
    let label = read_label(input)?;
    if (label.from, label.to) != (carried.label.to, carried.label.from) {
        let what = "the answer to a package is for somebody else";
        return Err(ApiError::new(ErrorCode::ServerUntrustworthy).with("detail", what));
    }
    let name = answer.name.clone();
    Ok(PackageAnswer {
        to: party(desk, &*desk.ledger.directory()?, label.to),
        is_newcomer: is_newcomer(label.to),
        token: desk.app.0.parcels.keep_answer(answer),
        name,
        bytes,
    })
}

pub(crate) async fn package_answer_save(
    app: &App,
    request: PackageAnswerSave,
) -> Result<PackageAnswerSaved, ApiError> {
    let app = app.clone();
    blocking(move || {
        let answer = app.0.parcels.answer(&request.token)?;
        let (mut input, _) = open(&answer.path)?;
        let Some(path) = request.path.map(PathBuf::from) else {
            if answer.bytes > MOST_MADE {
                return Err(ApiError::new(ErrorCode::FileTooLarge).with("most", MOST_MADE));
            }
            let mut made = Vec::new();
            std::io::copy(&mut input, &mut made).map_err(PackageFault::from)?;
            let file = app.0.made.keep(&answer.name, PACKAGE_TYPE, made);
            return Ok(PackageAnswerSaved { file: Some(file) });
        };
        if !path.is_absolute() {
            return Err(ApiError::bad_request("the path is not absolute"));
        }
        let mut file = PackageFile::begin(&path, answer.bytes)?;
        std::io::copy(&mut input, &mut file).map_err(PackageFault::from)?;
        file.keep()?;
        Ok(PackageAnswerSaved { file: None })
    })
    .await
}

fn is_newcomer(party: Party) -> bool {
    matches!(party, Party::Newcomer { .. })
}

/// For whom, of which day: what a person reads on a stick.
fn suggested_name(desk: &Desk, carried: &Carried) -> Result<String, ApiError> {
    let who = match carried.label.from {
        Party::Newcomer { .. } => "申请登记的电脑".to_owned(),
        from => {
            let from = party(desk, &*desk.ledger.directory()?, from);
            if from.name.is_empty() {
                from.detail
            } else {
                from.name
            }
        }
    };
    let day = day_of(desk.now_ms());
    Ok(format!("实查答复-给{who}-{day}.{ENDING}"))
}

/// Why the central endpoint did not take a package, by the reason that it gave for the package itself.
fn refused(error: PackageError) -> ApiError {
    let PackageError::Sync(SyncError::Problem(problem)) = &error else {
        return error.into();
    };
    let reason = match problem.code {
        ProblemCode::TooLarge => Some("too_large"),
        ProblemCode::NoSpace => Some("no_space"),
        _ => problem
            .extra
            .get("package")
            .and_then(|reason| reason.as_str()),
    };
    match reason {
        Some(reason) => ApiError::new(ErrorCode::PackageRefused)
            .with("reason", reason)
            .with("detail", problem.detail.clone()),
        None => error.into(),
    }
}
