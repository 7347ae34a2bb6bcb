//! What the views shall say of one record: computed from its fold alone.
//!
//! Invariant: nothing here looks at the database, a clock or an order of arrival.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use shicha_domain::{
    EntryId, Event, RecordId, RecordKind, RecordState,
    inspection::{self, Counts, Stage},
};

use super::{packed, prints::Prints, signed, words};

/// The row that every record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) updated_ms: i64,
    pub(crate) counts: Counts,
    pub(crate) conflicts: u32,
    pub(crate) late: u32,
    pub(crate) unknown: u32,
    pub(crate) prints: Prints,
}

/// A conflict, late entry or unreadable entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Noted<K> {
    pub(crate) key: K,
    pub(crate) text: String,
    pub(crate) at_ms: i64,
}

/// Evidence, or the mark of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Laid {
    pub(crate) entry: EntryId,
    pub(crate) place: String,
    pub(crate) blob: [u8; 32],
    pub(crate) size: u64,
    pub(crate) is_detached: bool,
}

/// Everything that the views say of a record.
pub(crate) struct Rolled<'a> {
    pub(crate) kind: Option<RecordKind>,
    pub(crate) tally: Tally,
    /// The columns of the kind's own table, from the second on (the first is `id`), without those that depend on other records.
    pub(crate) head: Vec<Value>,
    pub(crate) texts: Vec<&'a str>,
    pub(crate) names: Vec<&'a str>,
    pub(crate) people: Vec<[u8; 16]>,
    pub(crate) attachments: Vec<Laid>,
    pub(crate) conflicts: Vec<Noted<&'a str>>,
    pub(crate) late: Vec<Noted<EntryId>>,
    pub(crate) unknown: Vec<Noted<EntryId>>,
    /// By item code: the item and its result.
    pub(crate) results: BTreeMap<u64, (&'a str, u8)>,
    /// By item code: what was written about the item.
    pub(crate) item_texts: BTreeMap<u64, Vec<&'a str>>,
}

impl<'a> Rolled<'a> {
    pub(crate) fn of(state: &'a RecordState) -> Self {
        let kind = state.kind();
        let mut rolled = Self {
            kind,
            tally: Tally {
                updated_ms: state.last().map_or(0, |last| signed(last.at.ms())),
                counts: Counts::default(),
                conflicts: 0,
                late: count(state.late().len()),
                unknown: count(state.unknown().len()),
                prints: Prints::NONE,
            },
            head: Vec::new(),
            texts: Vec::new(),
            names: Vec::new(),
            people: Vec::new(),
            attachments: attachments(state),
            conflicts: Vec::new(),
            late: Vec::new(),
            unknown: unknown(state),
            results: BTreeMap::new(),
            item_texts: BTreeMap::new(),
        };
        match kind {
            Some(RecordKind::Subject) => rolled.subject(state),
            Some(RecordKind::Inspection) => rolled.inspection(state),
            Some(RecordKind::Finding) => rolled.finding(state),
            Some(RecordKind::Pack) => rolled.pack(state),
            None => {}
        }
        let title = title(state);
        rolled.conflicts = conflicts(state, &title);
        rolled.late = late(state, &title);
        rolled.tally.conflicts = count(rolled.conflicts.len());
        rolled.tally.prints = Prints::of_record(&rolled);
        rolled
    }

    fn subject(&mut self, state: &'a RecordState) {
        let name = state.text("name");
        let credit_code = state.text("credit_code");
        self.head = vec![
            record(state.record()),
            text(name),
            Value::Text(words::sort_key(name)),
            text(credit_code),
            text(state.text("subject_kind")),
            text(state.text("region")),
            text(state.text("address")),
            text(state.text("legal_representative")),
            text(state.text("phone")),
            text(state.text("industry")),
            text(state.channel().org().as_str()),
            flag(is_sample(state)),
        ];
        self.names = vec![name];
        // The begin of a credit code is looked up by its own index; what tells one unit from the next are the last ten characters.
        let tail = credit_code
            .char_indices()
            .nth(8)
            .map_or("", |(at, _)| &credit_code[at..]);
        self.texts = vec![
            state.text("address"),
            state.text("legal_representative"),
            state.text("contact"),
            tail,
        ];
    }

    fn inspection(&mut self, state: &'a RecordState) {
        let stage = inspection::stage(state);
        self.answers(state);
        let started_ms = state
            .value("started_at")
            .and_then(serde_json::Value::as_u64);
        // Lists go by what the bounds allow; what is shown of the visit is what was claimed.
        let began_ms = state
            .fields()
            .get("started_at")
            .and_then(|register| register.winner()?.stated_ms());
        let opened_ms = state.opened().map_or(0, |trace| trace.bounded().ms());
        let inspectors: &[serde_json::Value] = state
            .value("inspectors")
            .and_then(serde_json::Value::as_array)
            .map_or(&[], Vec::as_slice);
        let names: Vec<&str> = inspectors
            .iter()
            .filter_map(|one| one["name"].as_str())
            .collect();
        self.people = inspectors
            .iter()
            .filter_map(|one| {
                one["person"]
                    .as_str()?
                    .parse::<shicha_domain::PersonId>()
                    .ok()
            })
            .chain(state.opened().map(|trace| trace.author))
            .map(|person| person.0.into_bytes())
            .collect();
        self.people.sort_unstable();
        self.people.dedup();
        let number = match state.text("after/number") {
            "" => state.text("number"),
            formal => formal,
        };
        let name = state.text("subject_name");
        self.head = vec![
            record(state.record()),
            link(state.text("subject")),
            text(name),
            Value::Text(words::sort_key(name)),
            text(state.text("subject_kind")),
            text(state.text("region")),
            text(state.channel().org().as_str()),
            text(state.text("inspection_kind")),
            text(state.text("phase")),
            text(state.text("checklist")),
            text(state.text("pack")),
            text(state.text("pack_version")),
            text(number),
            integer(began_ms.unwrap_or(opened_ms)),
            started_ms.map_or(Value::Null, integer),
            state
                .value("ended_at")
                .and_then(serde_json::Value::as_u64)
                .map_or(Value::Null, integer),
            integer(stage_number(stage).into()),
            integer(self.tally.counts.nonconforming.into()),
            Value::Text(names.join("、")),
            state.opened().map_or(Value::Null, |trace| {
                Value::Blob(trace.author.0.into_bytes().into())
            }),
            flag(is_sample(state)),
            text(state.text("subject/credit_code")),
            state
                .text("pack_hash")
                .parse::<shicha_domain::BlobHash>()
                .map_or(Value::Null, |hash| Value::Blob(hash.0.into())),
        ];
        self.names = vec![name];
        self.texts = vec![number];
        self.texts.extend(names);
    }

    fn answers(&mut self, state: &'a RecordState) {
        for (field, register) in state.fields().range("answers/".to_owned()..) {
            let Some((item, what)) = field
                .strip_prefix("answers/")
                .and_then(|rest| rest.split_once('/'))
            else {
                if field.starts_with("answers/") {
                    continue;
                }
                break;
            };
            let Some(value) = register.winner().and_then(|head| head.value.as_str()) else {
                continue;
            };
            match what {
                "result" => {
                    if let Some(result) = inspection::Result::parse(value) {
                        self.tally.counts.add(result);
                        self.results
                            .insert(packed::code(item), (item, packed::number(result)));
                    }
                }
                "facts" | "reason" | "finding/description" | "finding/measure"
                    if !value.trim().is_empty() =>
                {
                    self.item_texts
                        .entry(packed::code(item))
                        .or_default()
                        .push(value);
                }
                _ => {}
            }
        }
    }

    fn finding(&mut self, state: &'a RecordState) {
        let name = state.text("subject_name");
        let due = state.text("due");
        self.head = vec![
            record(state.record()),
            link(state.text("inspection")),
            link(state.text("subject")),
            text(name),
            Value::Text(words::sort_key(name)),
            text(state.text("item")),
            text(state.text("description")),
            text(state.text("measure")),
            text(state.text("responsible")),
            text(due),
            text(if due.is_empty() { "~" } else { due }),
            text(state.text("basis")),
            text(state.text("penalty")),
            text(match state.text("state") {
                "" => "open",
                given => given,
            }),
            text(state.channel().org().as_str()),
            text(state.text("region")),
            text(state.text("pack")),
            text(state.text("pack_version")),
            text(state.text("checklist")),
            flag(is_sample(state)),
            flag(state.annulled().is_some()),
        ];
        self.names = vec![name];
        self.texts = vec![
            state.text("description"),
            state.text("measure"),
            state.text("responsible"),
        ];
    }

    /// A pack is what its opening says, whatever is written about it later: its row is made from that entry.
    fn pack(&mut self, state: &'a RecordState) {
        self.head = state
            .opened()
            .map(|trace| Value::Blob(trace.entry.0.into()))
            .into_iter()
            .collect();
    }
}

fn attachments(state: &RecordState) -> Vec<Laid> {
    let mut all: Vec<Laid> = state
        .attachments()
        .into_iter()
        .map(|one| Laid {
            entry: one.trace.entry,
            place: one.place.clone(),
            blob: one.evidence.blob.0,
            size: one.evidence.size,
            is_detached: one.detached.is_some(),
        })
        .collect();
    for signed in state.signatures() {
        if let Some(mark) = signed.signature.mark {
            all.push(Laid {
                entry: signed.trace.entry,
                place: "signature".into(),
                blob: mark.0,
                size: signed.signature.mark_size.unwrap_or(0),
                is_detached: false,
            });
        }
    }
    all.sort_by_key(|one| one.entry);
    all
}

fn conflicts<'a>(state: &'a RecordState, title: &str) -> Vec<Noted<&'a str>> {
    state
        .conflicts()
        .map(|(field, register)| Noted {
            key: field,
            text: title.to_owned(),
            at_ms: register
                .winner()
                .map_or(0, |head| signed(head.bounded().ms())),
        })
        .collect()
}

fn late(state: &RecordState, title: &str) -> Vec<Noted<EntryId>> {
    state
        .late()
        .iter()
        .filter(|note| !matches!(note.what, Event::Unknown { .. }))
        .map(|note| Noted {
            key: note.trace.entry,
            text: title.to_owned(),
            at_ms: signed(note.trace.bounded().ms()),
        })
        .collect()
}

fn unknown(state: &RecordState) -> Vec<Noted<EntryId>> {
    let newer = state
        .unknown()
        .iter()
        .map(|note| (&note.trace, note.what.clone()));
    let malformed = state
        .unreadable()
        .iter()
        .map(|note| (&note.trace, String::new()));
    newer
        .chain(malformed)
        .map(|(trace, text)| Noted {
            key: trace.entry,
            text,
            at_ms: signed(trace.bounded().ms()),
        })
        .collect()
}

/// What a record is called in a list.
fn title(state: &RecordState) -> String {
    match state.kind() {
        Some(RecordKind::Subject) => state.text("name").to_owned(),
        Some(RecordKind::Pack) => state.text("title").to_owned(),
        _ => {
            let number = match state.text("after/number") {
                "" => state.text("number"),
                formal => formal,
            };
            let name = state.text("subject_name");
            if number.is_empty() {
                name.to_owned()
            } else {
                format!("{name} {number}")
            }
        }
    }
}

/// The number of a stage, in the order of work.
pub(crate) const fn stage_number(stage: Stage) -> u8 {
    match stage {
        Stage::Open => 0,
        Stage::Signing => 1,
        Stage::Signed => 2,
        Stage::Annulled => 3,
    }
}

/// The stages in the order of their numbers.
pub(crate) const STAGES: [Stage; 4] = [Stage::Open, Stage::Signing, Stage::Signed, Stage::Annulled];

fn is_sample(state: &RecordState) -> bool {
    state.value("sample").and_then(serde_json::Value::as_bool) == Some(true)
}

fn record(record: RecordId) -> Value {
    Value::Blob(record.0.into_bytes().into())
}

fn link(id: &str) -> Value {
    id.parse::<RecordId>().map_or(Value::Null, record)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn integer(number: u64) -> Value {
    Value::Integer(signed(number))
}

fn flag(is_set: bool) -> Value {
    Value::Integer(is_set.into())
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
