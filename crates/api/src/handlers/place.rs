//! Enrolment without a network: the card of the central endpoint, the file that asks for a place, and the file that brings it.
//!
//! Invariant: a place is asked for only at the endpoint whose fingerprint a person confirmed, and taken only from its answer.

use std::path::PathBuf;

use shicha_domain::receipt::fingerprint;
use shicha_ledger::Ledger;
use shicha_sync::{
    Random,
    client::{
        SyncError,
        package::{self, Asked, Asking, PackageError},
    },
    package::{Card, ENDING, PACKAGE_TYPE, PackageFault, PackageFile, unwatched},
};

use super::{
    packages::{note, tell},
    setup::{begin, name_or_usual},
};
use crate::{
    app::{App, blocking},
    error::{ApiError, ErrorCode},
    parcels::{Place, chosen},
    schema::*,
    time::day_of,
};

/// About how many bytes a request has.
const REQUEST_BYTES: u64 = 64 << 10;

pub(crate) async fn place_card(app: &App, request: PlaceCard) -> Result<CardFound, ApiError> {
    let app = app.clone();
    blocking(move || {
        let file = app.0.uploads.open(&request.source)?;
        let name = file.name.clone();
        let card = Card::read(file).map_err(|fault| match fault {
            PackageFault::Io(_) | PackageFault::NoSpace { .. } => ApiError::from(fault),
            other => ApiError::new(ErrorCode::NotACard)
                .with("name", name)
                .with("detail", other.to_string()),
        })?;
        let found = view(&card);
        app.0.parcels.keep_card(card);
        Ok(found)
    })
    .await
}

pub(crate) async fn place_ask(app: &App, request: PlaceAsk) -> Result<PlaceAsked, ApiError> {
    let asking = app.clone();
    let file = blocking(move || ask(&asking, &request)).await?;
    let status = begin(app).await?;
    Ok(PlaceAsked { status, file })
}

fn ask(app: &App, request: &PlaceAsk) -> Result<Option<FileOut>, ApiError> {
    let ledger = unenrolled(app)?;
    let kept = package::asked(&ledger)?.map(|asked| asked.card);
    let card = [app.0.parcels.card(), kept]
        .into_iter()
        .flatten()
        .find(|card| fingerprint(&card.public_key) == request.fingerprint)
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "card"))?;
    let label = name_or_usual(app, &request.label);
    let asking = Asking {
        card: &card,
        confirmed_fingerprint: &request.fingerprint,
        code: &request.code,
        name: &label,
        random: &Random::system(),
        now_ms: app.now_ms(),
    };
    // The card is the confirmed one, so only the code can be of another endpoint.
    let refused = |error| match error {
        PackageError::Sync(SyncError::UnknownServer) => ApiError::new(ErrorCode::BadCode),
        other => other.into(),
    };
    match &request.path {
        Some(path) => {
            let path = PathBuf::from(path);
            if !path.is_absolute() {
                return Err(ApiError::bad_request("the path is not absolute"));
            }
            let file = PackageFile::begin(&path, REQUEST_BYTES)?;
            let (file, _) = package::ask_for_place(&ledger, &asking, file, &mut unwatched())
                .map_err(refused)?;
            file.keep()?;
            Ok(None)
        }
        None => {
            let (made, _) = package::ask_for_place(&ledger, &asking, Vec::new(), &mut unwatched())
                .map_err(refused)?;
            let name = format!("实查登记申请-{label}-{}.{ENDING}", day_of(app.now_ms()));
            Ok(Some(app.0.made.keep(&name, PACKAGE_TYPE, made)))
        }
    }
}

pub(crate) async fn place_take(app: &App, request: PlaceTake) -> Result<PlaceTaken, ApiError> {
    let taking = app.clone();
    let fault = blocking(move || take(&taking, &request)).await?;
    let status = begin(app).await?;
    Ok(PlaceTaken { status, fault })
}

/// Takes the place and what else the answer brings. `Ok` once this computer has its place, with why the rest was not all taken.
fn take(app: &App, request: &PlaceTake) -> Result<Option<ApiError>, ApiError> {
    let ledger = unenrolled(app)?;
    let (name, bytes, place) = chosen(app, &request.source)?;
    let parcels = &app.0.parcels;
    parcels.begin();
    // It is read twice: to prove it, and to take it.
    let watch = |before: u64| {
        let mut step = u64::MAX;
        move |done: u64| {
            tell(app, "place_take", before + done, bytes * 2, &mut step);
            !parcels.is_stopped()
        }
    };
    let looked = package::look(&ledger, open(&place)?, &mut watch(0)).map_err(|error| {
        let named = |refused: ApiError| refused.with("name", name.clone());
        match error {
            PackageError::NotEnrolled => named(ApiError::new(ErrorCode::NotTheAnswer)),
            PackageError::Package(PackageFault::ForAnother(_) | PackageFault::UnknownSender(_)) => {
                named(ApiError::new(ErrorCode::NotTheAnswer).with("detail", error.to_string()))
            }
            other => named(other.into()),
        }
    })?;
    if !looked.contents.is_enrolment {
        return Err(ApiError::new(ErrorCode::NotTheAnswer).with("name", name));
    }
    let now_ms = app.now_ms();
    let taken = package::take(&ledger, open(&place)?, &looked, now_ms, &mut watch(bytes));
    if ledger.identity()?.is_none() {
        // A take that succeeds has brought a place.
        return match taken {
            Ok(_) => Err(ApiError::new(ErrorCode::NotTheAnswer).with("name", name)),
            Err(error) => Err(ApiError::from(error).with("name", name)),
        };
    }
    match taken {
        Ok(_) => {
            ledger.package_note(&note(
                &looked.label,
                &looked.contents,
                false,
                now_ms,
                name,
                0,
            )?)?;
            Ok(None)
        }
        Err(error) => Ok(Some(ApiError::from(error).with("name", name))),
    }
}

fn open(place: &Place) -> Result<impl std::io::Read, ApiError> {
    Ok(place.open().map_err(PackageFault::from)?)
}

fn unenrolled(app: &App) -> Result<Ledger, ApiError> {
    let ledger = app.ledger()?;
    if app.enrolled().is_some() {
        return Err(ApiError::bad_request("this computer is enrolled already"));
    }
    Ok(ledger)
}

/// The place that was asked for by a file and is not here yet.
pub(super) fn waiting(app: &App) -> Result<Option<PlaceWaiting>, ApiError> {
    let asked = package::asked(&app.ledger()?)?;
    Ok(asked.map(|Asked { card, name, at_ms }| PlaceWaiting {
        card: view(&card),
        label: name,
        at_ms,
    }))
}

fn view(card: &Card) -> CardFound {
    CardFound {
        name: card.name.clone(),
        fingerprint: fingerprint(&card.public_key),
        url: card.url.clone(),
        is_sample: card.is_sample,
    }
}
