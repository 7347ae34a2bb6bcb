//! The on-site record 现场检查记录: from the inspection's record to paper.
//!
//! What is printed is what the digest on the page covers, with the signatures that stand under it; what came later is not on it.

use chrono::NaiveDateTime;
use serde_json::Value;
use shicha_domain::{
    BlobHash, RecordKind, RecordState,
    event::{SignMethod, Signature, SignerRole},
    fields,
    inspection::{self, Result as Outcome, Stage},
    number,
    pack::{Certainty as PackCertainty, Date, Pack},
    record::Attachment,
};
use shicha_papers::{
    fonts::{self, Fonts},
    onsite_record::{
        Acknowledgement, Certainty, CheckedList, DocumentNumber, InspectedSubject, Inspector,
        LegalBasis, ListedEvidence, Mark, OnSiteRecord, RecordedFinding, SetAside, Standing,
        render_pdf,
    },
};

use crate::{
    desk::Desk,
    error::{ApiError, ErrorCode},
    handlers::{
        inspection::{number_of, version_of},
        packs::citable,
    },
    packs::pack_of,
    schema::{FileOut, RecordRef, VersionRef},
    time::{day_of, local, local_or_epoch},
};

/// Edge of the pictures in the annex, in pixels.
const PICTURE: u32 = 900;
/// The largest image of a signature that is printed, in bytes.
const MOST_MARK: u64 = 8 << 20;
/// Where the scan of a record that was signed on paper lies.
const SCAN: &str = "after/scan";

pub(crate) fn inspection_paper(desk: &Desk, request: RecordRef) -> Result<FileOut, ApiError> {
    let state = desk.record_of(request.record, RecordKind::Inspection)?;
    paper(desk, &state)
}

/// The paper of a signed version, whether it counts or not.
pub(crate) fn version_paper(desk: &Desk, request: VersionRef) -> Result<FileOut, ApiError> {
    paper(desk, &version_of(desk, &request)?)
}

fn paper(desk: &Desk, state: &RecordState) -> Result<FileOut, ApiError> {
    let pack = pack_of(&desk.app.0.packs, &desk.ledger, state)?
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "pack"))?;
    let fonts = fonts(desk)?;
    let record = record(desk, state, &pack)?;
    let bytes = render_pdf(&record, &fonts)?;
    let number = number_of(state);
    let name = match number {
        "" => format!("现场检查记录-{}.pdf", state.text("subject_name")),
        number => format!("现场检查记录-{number}.pdf"),
    };
    Ok(desk.app.0.made.keep(&name, "application/pdf", bytes))
}

/// The fonts of this computer; looked for once.
fn fonts(desk: &Desk) -> Result<Fonts, ApiError> {
    if let Some(fonts) = desk.app.0.fonts.get() {
        return Ok(fonts.clone());
    }
    let mut dirs = desk.app.0.config.font_dirs.clone();
    dirs.extend(fonts::system_font_dirs());
    let found = Fonts::load(&dirs)?;
    Ok(desk.app.0.fonts.get_or_init(|| found).clone())
}

fn record(desk: &Desk, state: &RecordState, pack: &Pack) -> Result<OnSiteRecord, ApiError> {
    let stage = inspection::stage(state);
    let text = |field: &str| state.text(field).to_owned();
    let of_subject = |field: &str| state.text(&format!("subject/{field}")).to_owned();
    let moment = |field: &str| state.value(field).and_then(Value::as_u64).and_then(local);
    let started_ms = state.value("started_at").and_then(Value::as_u64);
    let day = day_of(started_ms.unwrap_or_else(|| desk.now_ms()));
    let listed = listed(state);
    let last_signed_ms = state
        .signatures()
        .iter()
        .filter(|one| one.fits)
        .map(|one| one.trace.at().ms())
        .max();
    Ok(OnSiteRecord {
        number: match number_of(state) {
            "" => DocumentNumber::None,
            number if number::is_provisional(number) => {
                DocumentNumber::Provisional(number.to_owned())
            }
            number => DocumentNumber::Final(number.to_owned()),
        },
        organ: desk.names.org(state.channel().org()),
        subject: InspectedSubject {
            name: text("subject_name"),
            address: of_subject("address"),
            legal_representative: of_subject("legal_representative"),
            position: of_subject("position"),
            phone: of_subject("phone"),
            credit_code: of_subject("credit_code"),
        },
        place: text("place"),
        started_at: moment("started_at"),
        ended_at: moment("ended_at"),
        inspectors: inspectors(desk, state)?,
        escorts: state
            .text("escort")
            .split(['、', '，', ',', ';', '；', '\n'])
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        recorder: None,
        findings: findings(state, pack, day, &listed),
        checked: vec![checked(state, pack)],
        remarks: text("summary"),
        opinion: Some(text("opinion")).filter(|opinion| !opinion.is_empty()),
        acknowledgement: acknowledgement(desk, state)?,
        signed_on: last_signed_ms
            .filter(|_| stage == Stage::Signed)
            .and_then(local)
            .map(|at: NaiveDateTime| at.date()),
        evidence: evidence(desk, &listed)?,
        content_digest: state
            .frozen()
            .unwrap_or_else(|| state.content_digest())
            .to_string(),
        standing: match stage {
            Stage::Annulled => Standing::Annulled,
            Stage::Open => Standing::Draft,
            Stage::Signing => Standing::ToSignOnPaper,
            Stage::Signed => Standing::Signed,
        },
        sample: state.value("sample") == Some(&Value::Bool(true)),
        // A signed record gives the same bytes whenever it is printed.
        produced_at: local_or_epoch(last_signed_ms.unwrap_or_else(|| desk.now_ms())),
    })
}

/// The evidence that is printed, in the order of its numbers: what lies there and belongs to what is signed.
fn listed(state: &RecordState) -> Vec<&Attachment> {
    let mut all = state.attachments();
    all.retain(|one| one.detached.is_none() && !fields::is_open_after_signing(&one.place));
    all
}

fn evidence_number(at: usize) -> String {
    format!("Z{}", at + 1)
}

fn inspectors(desk: &Desk, state: &RecordState) -> Result<Vec<Inspector>, ApiError> {
    let list = state
        .value("inspectors")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    list.iter()
        .map(|one| {
            let name = one["name"].as_str().unwrap_or_default();
            let signature = signature_of(state, SignerRole::Inspector, Some(name));
            Ok(Inspector {
                name: name.to_owned(),
                certificate: one["certificate"].as_str().unwrap_or_default().to_owned(),
                signature: mark(desk, state, signature)?,
            })
        })
        .collect()
}

fn acknowledgement(desk: &Desk, state: &RecordState) -> Result<Acknowledgement, ApiError> {
    let signature = signature_of(state, SignerRole::Subject, None);
    Ok(match signature {
        Some(signature) if signature.method == SignMethod::Refused => Acknowledgement::Refused {
            name: signature.name.clone(),
            reason: signature.note.clone(),
            witness: signature.witness.clone(),
            witness_mark: mark(desk, state, Some(signature))?,
        },
        _ => Acknowledgement::Signature {
            name: signature
                .map(|signature| signature.name.clone())
                .unwrap_or_default(),
            mark: mark(desk, state, signature)?,
        },
    })
}

fn signature_of<'s>(
    state: &'s RecordState,
    role: SignerRole,
    name: Option<&str>,
) -> Option<&'s Signature> {
    state
        .signatures()
        .iter()
        .filter(|signed| signed.fits)
        .map(|signed| &signed.signature)
        .find(|signature| signature.role == role && name.is_none_or(|name| signature.name == name))
}

fn mark(desk: &Desk, state: &RecordState, signature: Option<&Signature>) -> Result<Mark, ApiError> {
    let Some(signature) = signature else {
        return Ok(Mark::Blank);
    };
    match (signature.method, signature.mark) {
        (SignMethod::Paper, _) if state.evidence_at(SCAN).next().is_some() => Ok(Mark::OnPaper),
        (SignMethod::Paper, _) => Ok(Mark::Blank),
        (_, Some(blob)) => Ok(image(desk, blob)?.map_or(Mark::OnPaper, Mark::Drawn)),
        (_, None) => Ok(Mark::Blank),
    }
}

/// A signature's image, if it is here.
fn image(desk: &Desk, blob: BlobHash) -> Result<Option<Vec<u8>>, ApiError> {
    let info = desk.ledger.blob_info(blob)?;
    match info.filter(|info| info.is_complete && info.size <= MOST_MARK) {
        Some(info) => Ok(Some(desk.ledger.blob_read(blob, 0, info.size)?)),
        None => Ok(None),
    }
}

fn findings(
    state: &RecordState,
    pack: &Pack,
    day: Date,
    listed: &[&Attachment],
) -> Vec<RecordedFinding> {
    in_order(state, pack)
        .filter(|(_, outcome)| *outcome == Outcome::Nonconforming)
        .map(|(item, _)| {
            let text = |rest: &str| state.text(&format!("answers/{item}/finding/{rest}"));
            let place = inspection::answer_place(&item);
            let numbers = listed
                .iter()
                .enumerate()
                .filter(|(_, one)| one.place == place);
            RecordedFinding {
                description: text("description").to_owned(),
                bases: bases(pack, &item, day, text("basis")),
                evidence: numbers.map(|(at, _)| evidence_number(at)).collect(),
                measure: text("measure").to_owned(),
                due: text("due").parse::<Date>().ok().and_then(|due| {
                    chrono::NaiveDate::from_ymd_opt(
                        i32::from(due.year()),
                        u32::from(due.month()),
                        u32::from(due.day()),
                    )
                }),
                item,
            }
        })
        .collect()
}

/// The legal bases of a finding: those that the inspector wrote, else those of the pack that were in force and may be cited. What the
/// pack is not sure of stays marked, also when the inspector took it over.
fn bases(pack: &Pack, item: &str, day: Date, written: &str) -> Vec<LegalBasis> {
    let of_pack: Vec<LegalBasis> = pack
        .item(item)
        .into_iter()
        .flat_map(|item| citable(pack, item, day))
        .map(|of_item| LegalBasis {
            text: of_item.citation(),
            certainty: match of_item.certainty() {
                PackCertainty::Found => Certainty::Found,
                PackCertainty::Known => Certainty::Known,
                PackCertainty::Uncertain => Certainty::Unsure,
            },
        })
        .collect();
    if written.is_empty() {
        return of_pack;
    }
    written
        .split(['；', '\n'])
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| {
            let known = of_pack.iter().find(|basis| basis.text == text).cloned();
            known.unwrap_or(LegalBasis {
                text: text.to_owned(),
                certainty: Certainty::Found,
            })
        })
        .collect()
}

fn checked(state: &RecordState, pack: &Pack) -> CheckedList {
    let list = pack.checklist(state.text("checklist"));
    let title = list.map_or_else(
        || state.text("checklist").to_owned(),
        |list| list.title.zh.clone(),
    );
    let mut checked = CheckedList {
        name: format!(
            "{title}（模板包 {} {}）",
            state.text("pack"),
            state.text("pack_version")
        ),
        ..CheckedList::default()
    };
    for (item, outcome) in in_order(state, pack) {
        let first = ["reason", "facts"]
            .into_iter()
            .map(|rest| state.text(&format!("answers/{item}/{rest}")))
            .find(|text| !text.is_empty());
        let aside = || SetAside {
            title: pack
                .item(&item)
                .map(|item| item.question.zh.clone())
                .unwrap_or_default(),
            reason: first.unwrap_or_default().to_owned(),
            item: item.clone(),
        };
        match outcome {
            Outcome::Conforms => checked.conforms += 1,
            Outcome::Nonconforming => checked.nonconforming += 1,
            Outcome::NotApplicable => checked.not_applicable.push(aside()),
            Outcome::NotChecked => checked.not_checked.push(aside()),
            Outcome::ToVerify => checked.to_verify.push(aside()),
        }
    }
    checked
}

/// The answers in the order of the checklist; answers that it does not know come last.
fn in_order<'s>(
    state: &'s RecordState,
    pack: &'s Pack,
) -> impl Iterator<Item = (String, Outcome)> + 's {
    let list = pack.checklist(state.text("checklist"));
    let known: Vec<&str> = list
        .into_iter()
        .flat_map(|list| list.sections.iter())
        .flat_map(|section| section.items.iter())
        .map(|item| item.id.as_str())
        .collect();
    let mut items: Vec<&str> = inspection::answered(state).map(|(item, _)| item).collect();
    items.sort_by_key(|item| {
        known
            .iter()
            .position(|other| other == item)
            .unwrap_or(usize::MAX)
    });
    items
        .into_iter()
        .filter_map(|item| Some((item.to_owned(), inspection::result(state, item)?)))
}

fn evidence(desk: &Desk, listed: &[&Attachment]) -> Result<Vec<ListedEvidence>, ApiError> {
    listed
        .iter()
        .enumerate()
        .map(|(at, one)| {
            let evidence = &one.evidence;
            // A picture that cannot be shown is listed all the same; the paper says that it could not be.
            let thumbnail = if evidence.mime.starts_with("image/") {
                desk.ledger.thumbnail(evidence.blob, PICTURE)?
            } else {
                None
            };
            Ok(ListedEvidence {
                number: evidence_number(at),
                name: evidence.name.clone(),
                taken_at: evidence.taken_at_ms.and_then(local),
                position: evidence.position_e7.map(position_words).unwrap_or_default(),
                sha256: evidence.blob.to_string(),
                thumbnail,
            })
        })
        .collect()
}

fn position_words((latitude, longitude): (i64, i64)) -> String {
    let degrees = |e7: i64| format!("{:.5}°", e7.unsigned_abs() as f64 / 1e7);
    let north = if latitude < 0 { "南纬" } else { "北纬" };
    let east = if longitude < 0 { "西经" } else { "东经" };
    format!(
        "{north} {}，{east} {}",
        degrees(latitude),
        degrees(longitude)
    )
}
