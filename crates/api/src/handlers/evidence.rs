//! Evidence: taking files in, showing them, taking them out again.

use std::io::{self, Read};

use shicha_domain::{BlobHash, Event, Evidence, RecordState, fields};
use shicha_ledger::{Finished, Ledger};

use crate::{
    app::{App, Bytes},
    desk::{Desk, draft},
    error::{ApiError, ErrorCode},
    handlers::record::bad_value,
    schema::*,
    uploads::Incoming,
};

/// Edges of derived pictures in pixels.
const THUMB: u32 = 320;
const PREVIEW: u32 = 1600;
/// The screens hear of a file being taken in once for so many bytes.
const TELL_EVERY: u64 = 512 << 10;
/// How a file can have come.
const ORIGINS: [&str; 5] = ["camera", "file", "paste", "drop", "drawn"];

pub(crate) fn evidence_add(desk: &Desk, request: EvidenceAdd) -> Result<EvidenceAdded, ApiError> {
    let state = desk.record(request.record)?;
    fields::check_path(&request.place)
        .map_err(|fault| bad_value(&request.place, &fault.to_string()))?;
    desk.check_open(&state, &request.place)?;
    let mut results = Vec::with_capacity(request.files.len());
    for file in request.files {
        let name = desk.app.0.uploads.name(&file.source);
        // One bad file does not keep the others out.
        let result = match attach(desk, &state, &request.place, &file) {
            Ok(evidence) => EvidenceResult {
                name,
                evidence: Some(evidence),
                error: None,
            },
            Err(error) => EvidenceResult {
                name,
                evidence: None,
                error: Some(error),
            },
        };
        results.push(result);
    }
    Ok(EvidenceAdded { results })
}

pub(crate) fn evidence_remove(desk: &Desk, request: EvidenceRemove) -> Result<Saved, ApiError> {
    let state = desk.record(request.record)?;
    let found = state
        .attachment(request.attachment)
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "evidence"))?;
    desk.check_open(&state, &found.place)?;
    if found.detached.is_some() {
        return Ok(Saved {
            entry: None,
            at_ms: desk.now_ms(),
        });
    }
    let event = Event::Detached {
        attachment: request.attachment,
        reason: request.reason.trim().chars().take(1_000).collect(),
    };
    desk.check_may_write(state.channel(), state.kind(), &event)?;
    desk.write(vec![draft(&state, event)])
}

/// Lays a piece of evidence that was taken out to its place again.
pub(crate) fn evidence_restore(desk: &Desk, request: EvidenceRemove) -> Result<Saved, ApiError> {
    let state = desk.record(request.record)?;
    let found = state
        .attachment(request.attachment)
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "evidence"))?;
    desk.check_open(&state, &found.place)?;
    if found.detached.is_none() {
        return Ok(Saved {
            entry: None,
            at_ms: desk.now_ms(),
        });
    }
    let event = Event::Attached {
        place: found.place.clone(),
        evidence: found.evidence.clone(),
    };
    desk.check_may_write(state.channel(), state.kind(), &event)?;
    desk.write(vec![draft(&state, event)])
}

/// Takes a file into the evidence store without laying it to a place yet.
pub(crate) fn take_in(desk: &Desk, source: &FileSource, place: &str) -> Result<Finished, ApiError> {
    let file = desk.app.0.uploads.open(source)?;
    let name = file.name.clone();
    let total = file.size;
    let mut told = 0;
    let app = desk.app.clone();
    let told_name = name.clone();
    let mut progress = move |done: u64| {
        if done == total || done >= told + TELL_EVERY {
            told = done;
            tell(&app, place, &told_name, done, total);
        }
    };
    let mut reader = Watched { file, failed: None };
    let finished = desk
        .ledger
        .blob_import(&mut reader, &mut progress, desk.now_ms());
    // A file that cannot be read is not the ledger's fault.
    match (finished, reader.failed) {
        (Err(_), Some(failed)) => Err(ApiError::new(ErrorCode::BadFile)
            .with("name", name)
            .with("detail", failed)),
        (finished, _) => finished.map_err(|error| ApiError::from(error).with("name", name)),
    }
}

/// The evidence of a record, also what was taken out.
pub(crate) fn evidence_views(
    desk: &Desk,
    state: &RecordState,
) -> Result<Vec<EvidenceView>, ApiError> {
    state
        .attachments()
        .into_iter()
        .map(|attachment| {
            let evidence = &attachment.evidence;
            let info = desk.ledger.blob_info(evidence.blob)?;
            Ok(EvidenceView {
                attachment: attachment.trace.entry,
                place: attachment.place.clone(),
                blob: evidence.blob,
                name: evidence.name.clone(),
                mime: evidence.mime.clone(),
                size: evidence.size,
                source: evidence.source.clone(),
                taken_at_ms: evidence.taken_at_ms,
                latitude: evidence.position_e7.map(|(latitude, _)| degrees(latitude)),
                longitude: evidence
                    .position_e7
                    .map(|(_, longitude)| degrees(longitude)),
                camera: evidence.camera.clone(),
                derived_from: evidence.derived_from,
                author: desk.person_name(attachment.trace.author),
                is_unjudged: desk.is_unjudged(&attachment.trace),
                at_ms: attachment.trace.at().ms(),
                removed: attachment
                    .detached
                    .as_ref()
                    .map(|(_, reason)| reason.clone()),
                is_here: info.as_ref().is_some_and(|info| info.is_complete),
                is_delivered: info.as_ref().is_some_and(|info| info.delivered),
            })
        })
        .collect()
}

/// Bytes of evidence: the original, or a picture derived from it.
pub(crate) fn bytes(
    ledger: &Ledger,
    hash: BlobHash,
    variant: &str,
    range: Option<(u64, u64)>,
) -> Result<Bytes, ApiError> {
    let not_here = || ApiError::new(ErrorCode::NotFound).with("what", "evidence");
    let edge = match variant {
        "original" => {
            let info = ledger
                .blob_info(hash)?
                .filter(|info| info.is_complete)
                .ok_or_else(not_here)?;
            let (from, to) = range.unwrap_or((0, info.size));
            let (from, to) = (from.min(info.size), to.min(info.size));
            return Ok(Bytes {
                mime: info.mime,
                bytes: ledger.blob_read(hash, from, to.saturating_sub(from))?,
                total: info.size,
            });
        }
        "thumb" => THUMB,
        "preview" => PREVIEW,
        other => other
            .parse()
            .ok()
            .filter(|edge| (16..=4096).contains(edge))
            .ok_or_else(|| ApiError::bad_request("no such size"))?,
    };
    let picture = ledger.thumbnail(hash, edge)?.ok_or_else(not_here)?;
    let total = picture.len() as u64;
    let (from, to) = range.unwrap_or((0, total));
    let at = |place: u64| usize::try_from(place.min(total)).unwrap_or(picture.len());
    Ok(Bytes {
        mime: "image/jpeg".into(),
        bytes: picture[at(from)..at(to)].to_vec(),
        total,
    })
}

fn attach(
    desk: &Desk,
    state: &RecordState,
    place: &str,
    file: &EvidenceFile,
) -> Result<EvidenceView, ApiError> {
    if !ORIGINS.contains(&file.origin.as_str()) {
        return Err(ApiError::bad_request("no such origin"));
    }
    if file
        .derived_from
        .is_some_and(|original| state.attachment(original).is_none())
    {
        return Err(ApiError::new(ErrorCode::NotFound).with("what", "evidence"));
    }
    let name = desk.app.0.uploads.name(&file.source);
    let taken = take_in(desk, &file.source, place)?;
    let event = Event::Attached {
        place: place.to_owned(),
        evidence: Evidence {
            blob: taken.hash,
            size: taken.size,
            name: name.chars().take(160).collect(),
            mime: taken.mime,
            source: file.origin.clone(),
            taken_at_ms: taken.taken_at_ms,
            position_e7: taken.position_e7,
            camera: taken.camera,
            derived_from: file.derived_from,
        },
    };
    desk.check_may_write(state.channel(), state.kind(), &event)?;
    let saved = desk.write(vec![draft(state, event)])?;
    let now = desk.record(state.record())?;
    let views = evidence_views(desk, &now)?;
    views
        .into_iter()
        .find(|view| Some(view.attachment) == saved.entry)
        .ok_or_else(|| {
            ApiError::new(ErrorCode::Internal).with("detail", "an attachment is not in its record")
        })
}

fn tell(app: &App, place: &str, name: &str, done: u64, total: u64) {
    app.emit(HostEvent::Taking {
        place: place.to_owned(),
        name: name.to_owned(),
        done,
        total,
    });
}

fn degrees(e7: i64) -> f64 {
    e7 as f64 / 1e7
}

/// A file that remembers why it could not be read.
struct Watched {
    file: Incoming,
    failed: Option<String>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file
            .read(buffer)
            .inspect_err(|error| self.failed = Some(error.to_string()))
    }
}
