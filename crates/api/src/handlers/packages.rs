//! Package files: making them, looking at them, taking them in, and what became of them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use shicha_domain::{DeviceId, RecordId, RecordKind};
use shicha_ledger::{FindingFilter, FindingSort, PackageNote, PackageRow as Noted};
use shicha_sync::{
    Random,
    client::package::{self, Giving, PackageError},
    package::{Contents, ENDING, Label, PACKAGE_TYPE, PackageFault, PackageFile, Party},
};

use crate::{
    app::App,
    desk::Desk,
    error::{ApiError, ErrorCode},
    handlers::{setup::number_wants, updates},
    parcels::{Parcel, chosen},
    schema::*,
    time::day_of,
    updates::platform_of,
};

/// More findings than an inspection has items.
const MOST_FINDINGS: u64 = 10_000;
/// Packages that are listed.
const LISTED: u64 = 200;
/// Progress is told about so many times.
const STEPS: u64 = 200;
/// The most bytes of a package that is made in memory, for a browser.
pub(super) const MOST_MADE: u64 = 256 << 20;

pub(crate) async fn packages_opened(app: &App, _: Empty) -> Result<PackagesOpened, ApiError> {
    let files = app.0.parcels.take_opened();
    Ok(PackagesOpened {
        files: files
            .into_iter()
            .map(|path| PackageOpened {
                name: name_of(&path),
                path: path.to_string_lossy().into_owned(),
            })
            .collect(),
    })
}

pub(crate) fn package_recipients(desk: &Desk, _: Empty) -> Result<PackageRecipients, ApiError> {
    let directory = desk.ledger.directory()?;
    let mut devices: Vec<PackageRecipient> = directory
        .devices
        .iter()
        .filter(|device| device.revoked_at_ms.is_none() && device.id != desk.me.device)
        .filter_map(|device| {
            let person = directory
                .people
                .iter()
                .find(|person| person.id == device.person && person.is_active)?;
            let org = directory.orgs.iter().find(|org| org.code == person.org);
            Some(PackageRecipient {
                device: device.id,
                label: device.label.clone(),
                person: person.name.clone(),
                org: org.map_or_else(|| person.org.to_string(), |org| org.name.clone()),
            })
        })
        .collect();
    devices.sort_by(|a, b| (&a.org, &a.person, &a.label).cmp(&(&b.org, &b.person, &b.label)));
    Ok(PackageRecipients {
        endpoint: desk.me.server_name.clone(),
        devices,
    })
}

fn giving(desk: &Desk, request: &PackageMake) -> Result<Giving, ApiError> {
    Ok(Giving {
        to: match request.to {
            Some(device) => Party::Device { device },
            None => Party::Endpoint {
                key: desk.me.server_key,
            },
        },
        records: request
            .records
            .as_ref()
            .map(|records| with_what_belongs(desk, records))
            .transpose()?,
        numbers: number_wants(&desk.app)?,
        update: request
            .update
            .then(|| Arc::clone(&desk.app.0.updates.folder)),
        now_ms: desk.now_ms(),
        random: Random::system(),
    })
}

/// Chosen records with what is read together with them: the subject and the findings of an inspection, the inspection of a finding.
fn with_what_belongs(desk: &Desk, chosen: &[RecordId]) -> Result<Vec<RecordId>, ApiError> {
    let mut all: BTreeSet<RecordId> = chosen.iter().copied().collect();
    let mut inspections = BTreeSet::new();
    for record in chosen {
        let Some(state) = desk.ledger.record(*record)? else {
            continue;
        };
        match state.kind() {
            Some(RecordKind::Inspection) => inspections.insert(*record),
            Some(RecordKind::Finding) => match state.text("inspection").parse() {
                Ok(inspection) => inspections.insert(inspection),
                // Not every finding comes from an inspection.
                Err(_) => false,
            },
            _ => false,
        };
    }
    for inspection in inspections {
        all.insert(inspection);
        if let Some(state) = desk.ledger.record(inspection)? {
            all.extend(state.text("subject").parse::<RecordId>().ok());
        }
        let of_it = FindingFilter {
            inspection: Some(inspection),
            ..FindingFilter::default()
        };
        let findings = desk
            .ledger
            .findings(&of_it, FindingSort::Due, false, 0, MOST_FINDINGS)?;
        all.extend(findings.rows.iter().map(|row| row.record));
    }
    Ok(all.into_iter().collect())
}

pub(crate) fn package_plan(desk: &Desk, request: PackageMake) -> Result<PackagePlan, ApiError> {
    let plan = package::plan(&desk.ledger, &giving(desk, &request)?)?;
    Ok(PackagePlan {
        name: suggested_name(desk, request.to)?,
        entries: plan.entries,
        carried: plan.carried,
        evidence: plan.evidence.len() as u64,
        update: match request.to {
            // The central endpoint has it from its operator.
            None => None,
            Some(_) => {
                let kept = desk.app.0.updates.folder.kept()?;
                kept.map(|kept| kept.signed.version.to_string())
            }
        },
        bytes: package::expected_bytes(&plan),
    })
}

/// From whom, for whom, of which day: what a person reads on a stick.
fn suggested_name(desk: &Desk, to: Option<DeviceId>) -> Result<String, ApiError> {
    let directory = desk.ledger.directory()?;
    let recipient = to.map_or("中心端".to_owned(), |to| {
        party(desk, &directory, Party::Device { device: to }).name
    });
    Ok(format!(
        "实查数据包-{}-至-{recipient}-{}.{ENDING}",
        desk.me.person_name,
        day_of(desk.now_ms())
    ))
}

pub(crate) fn package_make(desk: &Desk, request: PackageMake) -> Result<PackageMade, ApiError> {
    let giving = giving(desk, &request)?;
    let plan = package::plan(&desk.ledger, &giving)?;
    let expected = package::expected_bytes(&plan);
    let parcels = &desk.app.0.parcels;
    parcels.begin();
    let mut step = u64::MAX;
    let mut progress = |done: u64| {
        tell(
            &desk.app,
            "package_make",
            done,
            expected.max(done),
            &mut step,
        );
        !parcels.is_stopped()
    };
    let (label, contents, upto, bytes, file, name) = match &request.path {
        Some(path) => {
            let path = PathBuf::from(path);
            if !path.is_absolute() {
                return Err(ApiError::bad_request("the path is not absolute"));
            }
            let file = PackageFile::begin(&path, expected)?;
            let (file, label, contents, upto) =
                package::give(&desk.ledger, &giving, file, &mut progress)?;
            let bytes = file.keep()?;
            (label, contents, upto, bytes, None, name_of(&path))
        }
        None => {
            if expected > MOST_MADE {
                return Err(ApiError::new(ErrorCode::FileTooLarge).with("most", MOST_MADE));
            }
            let (made, label, contents, upto) =
                package::give(&desk.ledger, &giving, Vec::new(), &mut progress)?;
            let name = suggested_name(desk, request.to)?;
            let bytes = made.len() as u64;
            let file = desk.app.0.made.keep(&name, PACKAGE_TYPE, made);
            (label, contents, upto, bytes, Some(file), name)
        }
    };
    // Receipts come from the endpoint alone, for what was not delivered before.
    let upto = if request.to.is_none() { upto } else { 0 };
    let note = note(&label, &contents, true, desk.now_ms(), name, upto)?;
    desk.ledger.package_note(&note)?;
    let row = Noted {
        note,
        is_answered: (upto > 0).then_some(false),
    };
    Ok(PackageMade {
        package: view(desk, &row)?,
        bytes,
        file,
    })
}

pub(crate) async fn package_stop(app: &App, _: Empty) -> Result<Empty, ApiError> {
    app.0.parcels.stop();
    Ok(Empty {})
}

pub(crate) fn package_look(desk: &Desk, request: PackageLook) -> Result<PackageLooked, ApiError> {
    let (name, bytes, place) = chosen(&desk.app, &request.source)?;
    let parcels = &desk.app.0.parcels;
    parcels.begin();
    let mut step = u64::MAX;
    let mut progress = |done: u64| {
        tell(&desk.app, "package_look", done, bytes.max(done), &mut step);
        !parcels.is_stopped()
    };
    let input = place.open().map_err(PackageFault::from)?;
    let looked = package::look(&desk.ledger, input, &mut progress)
        .map_err(|error| refusal(desk, error).with("name", name.clone()))?;
    let taken_at_ms = desk
        .ledger
        .packages(LISTED)?
        .iter()
        .find(|row| !row.note.is_out && row.note.id == looked.label.id)
        .map(|row| row.note.at_ms);
    let note = note(
        &looked.label,
        &looked.contents,
        false,
        desk.now_ms(),
        name.clone(),
        0,
    )?;
    let package = view(
        desk,
        &Noted {
            note,
            is_answered: None,
        },
    )?;
    let update = updates::carried(&desk.app, &looked.contents);
    let token = parcels.keep(Parcel {
        name,
        looked,
        bytes,
        place,
    });
    Ok(PackageLooked {
        token,
        package,
        bytes,
        taken_at_ms,
        update,
    })
}

pub(crate) fn package_take(desk: &Desk, request: PackageTake) -> Result<PackageTaken, ApiError> {
    let parcels = &desk.app.0.parcels;
    let parcel = parcels.get(&request.token)?;
    parcels.begin();
    let mut step = u64::MAX;
    let mut progress = |done: u64| {
        tell(
            &desk.app,
            "package_take",
            done,
            parcel.bytes.max(done),
            &mut step,
        );
        !parcels.is_stopped()
    };
    let input = parcel.place.open().map_err(PackageFault::from)?;
    let now_ms = desk.now_ms();
    let taken = package::take_with(
        &desk.ledger,
        input,
        &parcel.looked,
        now_ms,
        Some(&desk.app.0.updates.folder),
        &mut progress,
    );
    // What was taken before a fault stays, so the screens look again in any case.
    desk.app.read_identity()?;
    desk.app.emit(HostEvent::Changed {
        records: Vec::new(),
        source: "sync".into(),
    });
    let taken = taken.map_err(|error| refusal(desk, error).with("name", parcel.name.clone()))?;
    let label = &parcel.looked.label;
    let note = note(
        label,
        &parcel.looked.contents,
        false,
        now_ms,
        parcel.name.clone(),
        0,
    )?;
    desk.ledger.package_note(&note)?;
    Ok(PackageTaken {
        entries: taken.entries,
        delivered: taken.delivered,
        refused: taken.refused,
        evidence: taken.evidence,
        sent: taken.sent,
        numbers: taken.numbers,
        directory: taken.directory,
        has_parted: taken.has_parted,
        forked: taken.forked,
        not_taken: taken
            .not_taken
            .iter()
            .map(|(_, refusal)| refusal.code().to_owned())
            .collect(),
        channels: taken.channels.len() as u64,
        update: updates::taken(&parcel.looked.contents, taken.update.as_ref()),
    })
}

pub(crate) fn packages_list(desk: &Desk, _: Empty) -> Result<PackagesList, ApiError> {
    let rows = desk.ledger.packages(LISTED)?;
    Ok(PackagesList {
        rows: rows
            .iter()
            .map(|row| view(desk, row))
            .collect::<Result<_, _>>()?,
    })
}

/// Tells the screens how far a task is, not more often than they can show.
pub(super) fn tell(app: &App, task: &str, done: u64, total: u64, step: &mut u64) {
    let now = done * STEPS / total.max(1);
    if now != *step {
        *step = now;
        app.emit(HostEvent::Progress {
            task: task.to_owned(),
            done,
            total,
        });
    }
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

pub(super) fn note(
    label: &Label,
    contents: &Contents,
    is_out: bool,
    at_ms: u64,
    file: String,
    upto: u64,
) -> Result<PackageNote, ApiError> {
    let json = |value: serde_json::Result<String>| {
        value.map_err(|error| ApiError::new(ErrorCode::Internal).with("detail", error.to_string()))
    };
    Ok(PackageNote {
        id: label.id,
        is_out,
        at_ms,
        label: json(serde_json::to_string(label))?,
        contents: json(serde_json::to_string(contents))?,
        file,
        upto,
    })
}

fn view(desk: &Desk, row: &Noted) -> Result<PackageRow, ApiError> {
    let unreadable = |error: serde_json::Error| {
        ApiError::new(ErrorCode::Internal).with("detail", error.to_string())
    };
    let label: Label = serde_json::from_str(&row.note.label).map_err(unreadable)?;
    let contents: Contents = serde_json::from_str(&row.note.contents).map_err(unreadable)?;
    let directory = desk.ledger.directory()?;
    Ok(PackageRow {
        id: row.note.id,
        is_out: row.note.is_out,
        made_at_ms: label.made_at_ms,
        at_ms: row.note.at_ms,
        file: row.note.file.clone(),
        from: party(desk, &directory, label.from),
        to: party(desk, &directory, label.to),
        entries: contents.entries(),
        numbered: contents.numbered,
        records: contents.records,
        evidence: contents.evidence,
        evidence_bytes: contents.evidence_bytes,
        receipts: contents.receipts,
        refused: contents.refused,
        update: contents.update.as_ref().map(|update| {
            platform_of(&update.name).map_or_else(String::new, |(version, _)| version.to_string())
        }),
        from_ms: contents.from_ms,
        until_ms: contents.until_ms,
        is_answered: row.is_answered,
    })
}

/// A party with the names that are known here.
pub(super) fn party(
    desk: &Desk,
    directory: &shicha_domain::directory::Directory,
    party: Party,
) -> PackageParty {
    let (is_endpoint, name, detail) = match party {
        Party::Endpoint { key } if key == desk.me.server_key => {
            (true, desk.me.server_name.clone(), String::new())
        }
        Party::Endpoint { key } => (
            true,
            String::new(),
            hex::encode(key.bytes().get(..4).unwrap_or_default()),
        ),
        Party::Newcomer { key } => (
            false,
            String::new(),
            hex::encode(key.bytes().get(..4).unwrap_or_default()),
        ),
        Party::Device { device } => {
            let known = directory.devices.iter().find(|known| known.id == device);
            let person = known.and_then(|known| {
                directory
                    .people
                    .iter()
                    .find(|person| person.id == known.person)
            });
            let own = device == desk.me.device;
            let name = match person {
                Some(person) => person.name.clone(),
                None if own => desk.me.person_name.clone(),
                None => String::new(),
            };
            let detail = known.map_or_else(
                || device.to_string().chars().take(8).collect(),
                |known| known.label.clone(),
            );
            (false, name, detail)
        }
    };
    PackageParty {
        is_endpoint,
        name,
        detail,
    }
}

/// Why a package is refused, with whom it is for or from where that is the reason.
pub(super) fn refusal(desk: &Desk, error: PackageError) -> ApiError {
    let who = match &error {
        PackageError::Package(
            PackageFault::ForAnother(party) | PackageFault::UnknownSender(party),
        ) => Some(*party),
        _ => None,
    };
    let refused = ApiError::from(error);
    match who.map(|who| {
        desk.ledger
            .directory()
            .map(|directory| party(desk, &directory, who))
    }) {
        Some(Ok(party)) => refused
            .with("is_endpoint", party.is_endpoint)
            .with("who", party.name)
            .with("detail", party.detail),
        _ => refused,
    }
}
