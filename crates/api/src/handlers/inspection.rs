//! One inspection, whole: its answers, what is still missing, and what the last one said.

use std::collections::BTreeMap;

use serde_json::Value;
use shicha_domain::{
    RecordKind, RecordState,
    inspection::{self, Stage},
    number,
    record::Standing,
};

use crate::{
    desk::Desk,
    error::{ApiError, ErrorCode},
    handlers::{
        entry_text::EntryText,
        evidence::evidence_views,
        record::may_undo,
        rows::{counts_view, delivery_of, small},
        versions::{may_annul, may_settle, settlement_view, version_views},
    },
    packs::{asked, hash_of, pack_of},
    schema::*,
};

pub(crate) fn inspection_get(desk: &Desk, request: RecordRef) -> Result<InspectionView, ApiError> {
    let state = desk.record_of(request.record, RecordKind::Inspection)?;
    view_of(desk, &state)
}

fn view_of(desk: &Desk, state: &RecordState) -> Result<InspectionView, ApiError> {
    let stage = inspection::stage(state);
    let may_change = desk.may_change(state);
    let may_edit = may_change && stage == Stage::Open;
    let number = number_of(state);
    Ok(InspectionView {
        record: state.record(),
        org: state.channel().org().clone(),
        org_name: desk.names.org(state.channel().org()),
        is_org_unknown: desk.names.find_org(state.channel().org()).is_none(),
        pack: state.text("pack").to_owned(),
        pack_version: state.text("pack_version").to_owned(),
        pack_hash: hash_of(state),
        checklist: state.text("checklist").to_owned(),
        stage: stage.as_str().to_owned(),
        may_edit,
        may_sign: may_change && stage != Stage::Annulled,
        is_provisional: number::is_provisional(number),
        number: number.to_owned(),
        fields: desk.field_views(state),
        drafts: desk.typed(state.record())?,
        evidence: evidence_views(desk, state)?,
        signatures: signature_views(desk, state),
        versions: version_views(desk, state),
        is_contested: state.is_contested(),
        settlement: settlement_view(desk, state),
        may_settle: may_settle(desk, state),
        may_annul: may_annul(desk, state),
        digest: state.frozen().unwrap_or_else(|| state.content_digest()),
        counts: counts_view(inspection::counts(state)),
        asked: asked_ids(desk, state)?,
        late: late_views(desk, state),
        conflicts: state
            .conflicts()
            .map(|(field, _)| field.to_owned())
            .collect(),
        needs_newer: small(state.unknown().len() as u64),
        annulled: state.annulled().map(|note| note.what.clone()),
        may_undo: may_edit && may_undo(desk, state)?,
        is_sample: state.value("sample") == Some(&Value::Bool(true)),
        delivery: delivery_of(desk, state.record())?,
    })
}

/// A signed version of an inspection as its signers saw it, whether it counts or not. Nothing can be changed in it.
pub(crate) fn inspection_version(
    desk: &Desk,
    request: VersionRef,
) -> Result<InspectionView, ApiError> {
    let state = version_of(desk, &request)?;
    Ok(InspectionView {
        may_edit: false,
        may_sign: false,
        may_settle: false,
        may_annul: false,
        may_undo: false,
        drafts: BTreeMap::new(),
        late: Vec::new(),
        ..view_of(desk, &state)?
    })
}

/// A signed version of an inspection, folded.
pub(crate) fn version_of(desk: &Desk, request: &VersionRef) -> Result<RecordState, ApiError> {
    desk.record_of(request.record, RecordKind::Inspection)?;
    desk.ledger
        .version_of(request.record, request.version)?
        .filter(|state| {
            state
                .counting()
                .is_some_and(|version| version.set == request.version)
        })
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "version"))
}

pub(crate) fn inspection_missing(desk: &Desk, request: RecordRef) -> Result<MissingList, ApiError> {
    let state = desk.record_of(request.record, RecordKind::Inspection)?;
    Ok(MissingList {
        missing: missing(desk, &state)?
            .into_iter()
            .map(|one| MissingView {
                lack: one.lack.as_str().to_owned(),
                field: one.field,
                item: one.item,
            })
            .collect(),
    })
}

pub(crate) fn inspection_previous(
    desk: &Desk,
    request: RecordRef,
) -> Result<PreviousView, ApiError> {
    let state = desk.record_of(request.record, RecordKind::Inspection)?;
    let subject = state.text("subject").parse().ok();
    let found = match subject {
        Some(subject) => desk.ledger.previous_inspection(subject, request.record)?,
        None => None,
    };
    let previous = match found {
        Some(record) => desk.ledger.record(record)?,
        None => None,
    };
    let Some(previous) = previous else {
        return Ok(PreviousView {
            record: None,
            number: String::new(),
            started_ms: None,
            answers: BTreeMap::new(),
        });
    };
    let answers = inspection::answered(&previous).map(|(item, result)| {
        let text = |rest: &str| previous.text(&format!("answers/{item}/{rest}"));
        let first = ["finding/description", "facts", "reason"]
            .into_iter()
            .map(text)
            .find(|text| !text.is_empty());
        let answer = PreviousAnswer {
            result: result.to_owned(),
            text: first.unwrap_or_default().to_owned(),
            evidence: small(
                previous
                    .evidence_at(&inspection::answer_place(item))
                    .count() as u64,
            ),
        };
        (item.to_owned(), answer)
    });
    Ok(PreviousView {
        record: Some(previous.record()),
        number: number_of(&previous).to_owned(),
        started_ms: previous.value("started_at").and_then(Value::as_u64),
        answers: answers.collect(),
    })
}

/// What is still missing before the inspection can be signed.
pub(crate) fn missing(
    desk: &Desk,
    state: &RecordState,
) -> Result<Vec<inspection::Missing>, ApiError> {
    let pack = pack_of(&desk.app.0.packs, &desk.ledger, state)?
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "pack"))?;
    let checklist = pack
        .checklist(state.text("checklist"))
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "checklist"))?;
    let items = asked(&pack, checklist, state);
    Ok(inspection::missing(
        state,
        items.iter().map(|item| item.id.as_str()),
    ))
}

/// The number that the document has: the formal one, also when it came after signing.
pub(crate) fn number_of(state: &RecordState) -> &str {
    match state.text("after/number") {
        "" => state.text("number"),
        formal => formal,
    }
}

fn asked_ids(desk: &Desk, state: &RecordState) -> Result<Vec<String>, ApiError> {
    let Some(pack) = pack_of(&desk.app.0.packs, &desk.ledger, state)? else {
        return Ok(Vec::new());
    };
    let Some(checklist) = pack.checklist(state.text("checklist")) else {
        return Ok(Vec::new());
    };
    let items = asked(&pack, checklist, state);
    Ok(items
        .into_iter()
        .map(|item| item.id.as_str().to_owned())
        .collect())
}

fn signature_views(desk: &Desk, state: &RecordState) -> Vec<SignatureView> {
    let views = state.signatures().iter().map(|signed| SignatureView {
        entry: signed.trace.entry,
        version: signed.version,
        standing: match signed.standing {
            Standing::Received(_) => "received",
            Standing::NotReceived => "not_received",
            Standing::Incomplete { .. } => "incomplete",
        }
        .to_owned(),
        lacking: match signed.standing {
            Standing::Incomplete { held, count } => small(count.saturating_sub(held)),
            _ => 0,
        },
        received_ms: signed.trace.received.map(|rank| rank.received_at_ms),
        author: desk.person_name(signed.trace.author),
        device: signed.trace.written_on,
        device_label: desk.names.device(signed.trace.written_on),
        is_unjudged: desk.is_unjudged(&signed.trace),
        is_recorded_by_other: signed
            .signature
            .person
            .is_some_and(|person| person != signed.trace.author),
        role: signed.signature.role,
        name: signed.signature.name.clone(),
        method: signed.signature.method,
        mark: signed.signature.mark,
        note: signed.signature.note.clone(),
        witness: signed.signature.witness.clone(),
        at_ms: signed.trace.at().ms(),
        fits: signed.fits,
    });
    views.collect()
}

fn late_views(desk: &Desk, state: &RecordState) -> Vec<LateView> {
    let views = state.late().iter().map(|note| {
        let text = EntryText::of(Some(state), &note.what);
        LateView {
            entry: note.trace.entry,
            author: desk.person_name(note.trace.author),
            is_unjudged: desk.is_unjudged(&note.trace),
            at_ms: note.trace.at().ms(),
            field: text.field,
            value: text.value,
            device: note.trace.order.device,
        }
    });
    views.collect()
}
