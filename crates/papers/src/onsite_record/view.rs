//! Turns an on-site record into the values that its template shows.
//!
//! Invariant: dates and counts become text here, the words of the form stay in the template; every
//! list is as long as what it lists.
//! Deliberately not here: cleaning of texts (`world` does it for every document).

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use serde::Serialize;
use serde_json::Value;

use super::{
    Acknowledgement, Certainty, CheckedList, DocumentNumber, ListedEvidence, Mark, OnSiteRecord,
    RecordedFinding, SetAside, Standing,
};
use crate::PapersError;
use crate::images::{self, Picture};

/// The form needs two inspectors (行政处罚法 §42).
const SIGNING_PLACES: usize = 2;
const SIGNATURE_EDGE: u32 = 900;
const THUMBNAIL_EDGE: u32 = 720;
const MAX_EVIDENCE: u64 = 2_000;
/// More pictures than this make a file that nobody can open on site; the list stays complete.
const MAX_THUMBNAILS: usize = 120;

pub(super) type Pictures = Vec<(String, Picture)>;

#[derive(Serialize)]
struct View<'a> {
    title: String,
    organ: &'a str,
    number: &'a str,
    number_standing: &'static str,
    watermarks: Vec<&'static str>,
    digest: &'a str,
    subject: Subject<'a>,
    place: String,
    started: Option<Moment>,
    ended: Option<Moment>,
    officers: Vec<Officer<'a>>,
    escorts: String,
    recorder: &'a str,
    findings: Vec<Finding<'a>>,
    checked: Vec<Checked<'a>>,
    remarks: &'a str,
    opinion: &'a str,
    acknowledgement: Acknowledged<'a>,
    signed_on: Option<String>,
    evidence: Vec<Evidence<'a>>,
    thumbnails: Vec<Thumbnail<'a>>,
    thumbnails_left_out: usize,
}

#[derive(Serialize)]
struct Subject<'a> {
    name: String,
    address: String,
    legal_representative: String,
    position: String,
    phone: String,
    credit_code: &'a str,
}

#[derive(Serialize)]
struct Moment {
    year: i32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
}

#[derive(Serialize)]
struct Officer<'a> {
    name: &'a str,
    certificate: &'a str,
    mark: MarkView,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum MarkView {
    Blank,
    Drawn {
        path: String,
    },
    /// A drawn signature whose image cannot be read.
    Unreadable,
    OnPaper,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Acknowledged<'a> {
    Signature {
        name: &'a str,
        mark: MarkView,
    },
    Refused {
        name: &'a str,
        reason: &'a str,
        witness: &'a str,
        witness_mark: MarkView,
    },
}

#[derive(Serialize)]
struct Finding<'a> {
    item: &'a str,
    description: &'a str,
    bases: Vec<String>,
    evidence: String,
    measure: &'a str,
    due: Option<String>,
}

#[derive(Serialize)]
struct Checked<'a> {
    name: &'a str,
    total: usize,
    conforms: u32,
    nonconforming: u32,
    not_applicable: Vec<Aside<'a>>,
    not_checked: Vec<Aside<'a>>,
    to_verify: Vec<Aside<'a>>,
}

#[derive(Serialize)]
struct Aside<'a> {
    item: &'a str,
    title: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Evidence<'a> {
    number: &'a str,
    name: &'a str,
    taken: String,
    position: &'a str,
    hash: &'a str,
}

#[derive(Serialize)]
struct Thumbnail<'a> {
    number: &'a str,
    name: &'a str,
    path: Option<String>,
}

pub(super) fn build(record: &OnSiteRecord) -> Result<(Value, Pictures), PapersError> {
    let pieces = record.evidence.len() as u64;
    if pieces > MAX_EVIDENCE {
        return Err(PapersError::TooLarge {
            what: "evidence list",
            found: pieces,
            limit: MAX_EVIDENCE,
        });
    }
    let mut pictures = Pictures::new();
    let (number, number_standing) = match &record.number {
        DocumentNumber::Final(number) => (number.as_str(), "final"),
        DocumentNumber::Provisional(number) => (number.as_str(), "provisional"),
        DocumentNumber::None => ("", "none"),
    };
    let subject = &record.subject;
    let officers = officers(record, &mut pictures);
    let acknowledgement = acknowledged(&record.acknowledgement, &mut pictures);
    let (thumbnails, thumbnails_left_out) = thumbnails(&record.evidence, &mut pictures);
    let view = View {
        title: [number, subject.name.as_str()].join(" ").trim().to_owned(),
        organ: &record.organ,
        number,
        number_standing,
        watermarks: watermarks(record),
        digest: &record.content_digest,
        subject: Subject {
            name: one_line(&subject.name),
            address: one_line(&subject.address),
            legal_representative: one_line(&subject.legal_representative),
            position: one_line(&subject.position),
            phone: one_line(&subject.phone),
            credit_code: &subject.credit_code,
        },
        place: one_line(&record.place),
        started: record.started_at.map(moment),
        ended: record.ended_at.map(moment),
        officers,
        escorts: one_line(&record.escorts.join("、")),
        recorder: record.recorder.as_deref().unwrap_or_default(),
        findings: record.findings.iter().map(finding).collect(),
        checked: record.checked.iter().map(checked).collect(),
        remarks: &record.remarks,
        opinion: record.opinion.as_deref().unwrap_or_default(),
        acknowledgement,
        signed_on: record.signed_on.map(day),
        evidence: record.evidence.iter().map(evidence).collect(),
        thumbnails,
        thumbnails_left_out,
    };
    Ok((serde_json::to_value(view)?, pictures))
}

fn watermarks(record: &OnSiteRecord) -> Vec<&'static str> {
    let standing = match record.standing {
        Standing::Draft => Some("草稿（未签名）"),
        Standing::Annulled => Some("作废"),
        Standing::ToSignOnPaper | Standing::Signed => None,
    };
    let sample = record.sample.then_some("样本数据");
    sample.into_iter().chain(standing).collect()
}

fn officers<'a>(record: &'a OnSiteRecord, pictures: &mut Pictures) -> Vec<Officer<'a>> {
    let mut officers: Vec<Officer<'a>> = record
        .inspectors
        .iter()
        .map(|inspector| Officer {
            name: &inspector.name,
            certificate: &inspector.certificate,
            mark: mark(&inspector.signature, pictures),
        })
        .collect();
    while officers.len() < SIGNING_PLACES {
        officers.push(Officer {
            name: "",
            certificate: "",
            mark: MarkView::Blank,
        });
    }
    officers
}

fn mark(mark: &Mark, pictures: &mut Pictures) -> MarkView {
    match mark {
        Mark::Blank => MarkView::Blank,
        Mark::OnPaper => MarkView::OnPaper,
        Mark::Drawn(png) => match images::signature(png, SIGNATURE_EDGE) {
            Some(picture) => MarkView::Drawn {
                path: add(pictures, picture),
            },
            None => MarkView::Unreadable,
        },
    }
}

fn add(pictures: &mut Pictures, picture: Picture) -> String {
    let path = format!("/picture/{}.{}", pictures.len(), picture.extension);
    pictures.push((path.clone(), picture));
    path
}

fn acknowledged<'a>(from: &'a Acknowledgement, pictures: &mut Pictures) -> Acknowledged<'a> {
    match from {
        Acknowledgement::Signature { name, mark: drawn } => Acknowledged::Signature {
            name,
            mark: mark(drawn, pictures),
        },
        Acknowledgement::Refused {
            name,
            reason,
            witness,
            witness_mark,
        } => Acknowledged::Refused {
            name,
            reason,
            witness,
            witness_mark: mark(witness_mark, pictures),
        },
    }
}

fn finding(from: &RecordedFinding) -> Finding<'_> {
    let bases = from.bases.iter().map(|basis| {
        let mark = match basis.certainty {
            Certainty::Found => "",
            Certainty::Known => "[条号待核对]",
            Certainty::Unsure => "[待核对]",
        };
        format!("{}{mark}", basis.text)
    });
    Finding {
        item: &from.item,
        description: &from.description,
        bases: bases.collect(),
        evidence: from.evidence.join("、"),
        measure: &from.measure,
        due: from.due.map(day),
    }
}

fn checked(from: &CheckedList) -> Checked<'_> {
    let asides = from.not_applicable.len() + from.not_checked.len() + from.to_verify.len();
    let answered = u64::from(from.conforms) + u64::from(from.nonconforming);
    Checked {
        name: &from.name,
        total: usize::try_from(answered)
            .unwrap_or(usize::MAX)
            .saturating_add(asides),
        conforms: from.conforms,
        nonconforming: from.nonconforming,
        not_applicable: from.not_applicable.iter().map(aside).collect(),
        not_checked: from.not_checked.iter().map(aside).collect(),
        to_verify: from.to_verify.iter().map(aside).collect(),
    }
}

fn aside(from: &SetAside) -> Aside<'_> {
    Aside {
        item: &from.item,
        title: &from.title,
        reason: &from.reason,
    }
}

fn evidence(from: &ListedEvidence) -> Evidence<'_> {
    // The full hash is in the ledger; 16 digits tell any two pieces of one record apart.
    let end = from
        .sha256
        .char_indices()
        .nth(16)
        .map_or(from.sha256.len(), |(at, _)| at);
    Evidence {
        number: &from.number,
        name: &from.name,
        taken: from
            .taken_at
            .map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M:%S").to_string()),
        position: &from.position,
        hash: from.sha256.get(..end).unwrap_or_default(),
    }
}

fn thumbnails<'a>(
    evidence: &'a [ListedEvidence],
    pictures: &mut Pictures,
) -> (Vec<Thumbnail<'a>>, usize) {
    let with_picture = evidence
        .iter()
        .filter_map(|piece| Some((piece, piece.thumbnail.as_ref()?)));
    let total = with_picture.clone().count();
    let shown = with_picture
        .take(MAX_THUMBNAILS)
        .map(|(piece, bytes)| Thumbnail {
            number: &piece.number,
            name: &piece.name,
            path: images::photo(bytes, THUMBNAIL_EDGE).map(|picture| add(pictures, picture)),
        });
    let shown: Vec<Thumbnail<'a>> = shown.collect();
    let left_out = total - shown.len();
    (shown, left_out)
}

fn one_line(text: &str) -> String {
    text.split(['\r', '\n'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("　")
}

fn moment(at: NaiveDateTime) -> Moment {
    Moment {
        year: at.year(),
        month: at.month(),
        day: at.day(),
        hour: at.hour(),
        minute: at.minute(),
    }
}

fn day(date: NaiveDate) -> String {
    format!("{}年{}月{}日", date.year(), date.month(), date.day())
}
