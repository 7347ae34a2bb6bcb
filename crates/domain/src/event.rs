//! Events: what an entry says was done.
//!
//! Values change field by field: `set` names the field, the new value and the entries whose values it replaces. That is all a
//! fold needs to tell an edit from a conflict. An event of an unknown type is kept as it is ([`Event::Unknown`]) and never dropped.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    entry::{Entry, MAX_EVENT_BYTES},
    fields,
    ids::{BlobHash, DeviceId, Digest, EntryId, PersonId, SetHash},
};

/// The most places that a signature may name as the ends of what it covers.
pub const MAX_COVERED: usize = 1024;
/// The most signatures that a settlement may name.
const MAX_SETTLED: usize = 256;
/// The most bytes of a reason that a person gives.
const MAX_REASON_BYTES: usize = 8192;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A published campaign pack.
    Pack,
    /// 检查对象: whoever is inspected.
    Subject,
    /// 检查: one visit.
    Inspection,
    /// 问题: one thing that is wrong, from the signing of its inspection on.
    Finding,
}

impl RecordKind {
    /// The word that stands in events and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pack => "pack",
            Self::Subject => "subject",
            Self::Inspection => "inspection",
            Self::Finding => "finding",
        }
    }
}

/// A photo, recording, scan or document, described; the bytes lie under their hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// SHA-256 of the original bytes.
    pub blob: BlobHash,
    /// Length of the original in bytes.
    pub size: u64,
    /// File name as it came.
    pub name: String,
    /// Media type found in the bytes, not the one claimed by the name.
    pub mime: String,
    /// How it came: `camera`, `file`, `paste`, `drop`, `drawn`.
    pub source: String,
    /// Unix ms at which the picture says it was taken (EXIF `DateTimeOriginal`), where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at_ms: Option<u64>,
    /// Latitude and longitude in 10⁻⁷ degrees (WGS 84), where the picture says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position_e7: Option<(i64, i64)>,
    /// Make and model of the camera, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<String>,
    /// The attachment that this is an annotated copy of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<EntryId>,
}

/// How a signature was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SignMethod {
    /// Drawn on the screen.
    Screen,
    /// Written on the printed record, scanned back.
    Paper,
    /// Refused; the reason stands in the note, and who saw it beside it (安全生产法 §68).
    Refused,
}

/// In which capacity somebody signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SignerRole {
    /// 检查人员.
    Inspector,
    /// 被检查单位现场负责人.
    Subject,
}

/// An entry by its place in the log of its device and by its name. The name alone proves which entry is meant; the place tells what is
/// missing while the entry is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ts",
    derive(ts_rs::TS),
    ts(type = "[string, number, string]")
)]
pub struct Place(pub DeviceId, pub u64, pub EntryId);

impl Place {
    /// The name of the entry.
    pub const fn name(self) -> EntryId {
        self.2
    }
}

/// The exact set of entries that a signature covers (invariant 1, pinned): nobody can sign what does not exist yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// For each log the last entry of the record that is covered, with all of the record before it. A log that has parted may stand twice,
    /// once for each of its pasts.
    pub covers: Vec<Place>,
    /// How many entries that are.
    pub count: u64,
    /// The hash of their names.
    pub set: SetHash,
}

impl Pin {
    /// Whether it covers something of the very log that its signature stands in, or stood in first, at its place or above. Nobody signs what
    /// they have yet to write (invariant 1).
    pub fn reaches(&self, signature: &Entry) -> bool {
        let places = [(signature.device, signature.seq), signature.place()];
        let is_above = |covered: &Place| {
            let (device, seq) = (covered.0, covered.1);
            places
                .iter()
                .any(|place| place.0 == device && seq >= place.1)
        };
        self.covers.iter().any(is_above)
    }
}

/// A signature under a record's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Digest of the content that was on the screen or paper.
    pub digest: Digest,
    /// Which entries that content was folded from. Either this stands here or [`Self::under`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
    /// The entry of the signature whose version this one is given under too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<EntryId>,
    /// In which capacity.
    pub role: SignerRole,
    /// Name as signed.
    pub name: String,
    /// The person, when in the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// How.
    pub method: SignMethod,
    /// Image of the signature, or scan of the signed page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<BlobHash>,
    /// Length of that image in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark_size: Option<u64>,
    /// Reason of a refusal, or a remark.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Who witnessed a refusal: name and unit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub witness: String,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Event {
    /// A record begins, with its first values.
    Opened {
        /// What kind of record.
        kind: RecordKind,
        /// First values by field.
        fields: BTreeMap<String, Value>,
    },
    /// A field gets a value.
    Set {
        /// The field, e.g. `answers/TI-1.1/result`.
        #[serde(rename = "f")]
        field: String,
        /// The new value; `null` clears the field.
        #[serde(rename = "v")]
        value: Value,
        /// The entries whose values this one was written over; more than one where it settles a conflict.
        #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
        replaces: Vec<EntryId>,
    },
    /// Evidence is laid to a place of the record. The attachment is named by this entry's id.
    Attached {
        /// Where: `answers/<item>`, `record`, or `after/…` for what comes after signing.
        place: String,
        /// What.
        evidence: Evidence,
    },
    /// Evidence is taken out again; it stays in the ledger.
    Detached {
        /// The entry that attached it.
        attachment: EntryId,
        /// Why.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// The record's content is signed; the first signature freezes it.
    Signed(Signature),
    /// A document number that was taken will not be used.
    NumberVoided {
        /// The whole number, as it would have been printed.
        number: String,
        /// Why.
        reason: String,
    },
    /// The record was opened by mistake and counts no more. What is signed is annulled only where its signature is named.
    Annulled {
        /// Why.
        reason: String,
        /// A signature of the version that counts, once there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<Place>,
        /// Whether a supervisor annuls what somebody else opened; the endpoint takes this from supervisors alone.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_supervisor: bool,
    },
    /// Of several signed versions, which one counts. Only for a supervisor who has no part in any of them.
    Settled {
        /// A signature of the version that counts from now on.
        counts: Place,
        /// Signatures of the versions that step back.
        over: Vec<Place>,
        /// The settlement that this one takes the place of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead: Option<EntryId>,
        /// Why.
        reason: String,
    },
    /// An event of a version newer than this.
    #[serde(skip)]
    Unknown {
        /// Its type.
        kind: String,
    },
}

/// Why bytes are not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventFault {
    /// Too many bytes.
    #[error("the event has {0} bytes, more than allowed")]
    TooLong(usize),
    /// Not a JSON object with a type.
    #[error("the event is not JSON with a type: {0}")]
    NotJson(String),
    /// A known type with contents that do not fit it.
    #[error("the event does not fit its type: {0}")]
    Malformed(String),
    /// A value that its field cannot hold.
    #[error("field {field}: {reason}")]
    Field {
        /// The field.
        field: String,
        /// What is wrong with the value.
        reason: fields::FieldFault,
    },
}

const KNOWN: [&str; 8] = [
    "opened",
    "set",
    "attached",
    "detached",
    "signed",
    "number_voided",
    "annulled",
    "settled",
];

impl Event {
    /// Reads an event from the bytes of an entry.
    ///
    /// # Errors
    /// When the bytes are no event, or one of a known type that is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, EventFault> {
        if bytes.len() > MAX_EVENT_BYTES {
            return Err(EventFault::TooLong(bytes.len()));
        }
        let read = match Self::parse_set(bytes) {
            Some(set) => Ok(set),
            None => serde_json::from_slice::<Self>(bytes),
        };
        match read {
            Ok(event) => {
                event.check()?;
                Ok(event)
            }
            Err(error) => {
                #[derive(Deserialize)]
                struct Tag {
                    t: String,
                }
                let tag: Tag = serde_json::from_slice(bytes)
                    .map_err(|e| EventFault::NotJson(e.to_string()))?;
                if KNOWN.contains(&tag.t.as_str()) {
                    Err(EventFault::Malformed(error.to_string()))
                } else {
                    Ok(Self::Unknown {
                        kind: tag.t.chars().take(64).collect(),
                    })
                }
            }
        }
    }

    /// Most events by far are `set`; their type stands first. Read as what it is, one takes half the time that it takes as one of many,
    /// because serde reads an enum whose tag stands inside into a buffer first.
    fn parse_set(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Type {
            Set,
        }
        #[derive(Deserialize)]
        struct Set {
            #[serde(rename = "t")]
            _type: Type,
            f: String,
            v: Value,
            #[serde(default)]
            r: Vec<EntryId>,
        }
        if !bytes.starts_with(br#"{"t":"set","#) {
            return None;
        }
        let set: Set = serde_json::from_slice(bytes).ok()?;
        Some(Self::Set {
            field: set.f,
            value: set.v,
            replaces: set.r,
        })
    }

    /// The bytes to author.
    ///
    /// # Errors
    /// When the event is too long or a value does not fit its field; such an event must never be appended.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EventFault> {
        self.check()?;
        let bytes = serde_json::to_vec(self).map_err(|e| EventFault::Malformed(e.to_string()))?;
        if bytes.len() > MAX_EVENT_BYTES {
            Err(EventFault::TooLong(bytes.len()))
        } else {
            Ok(bytes)
        }
    }

    fn check(&self) -> Result<(), EventFault> {
        let field_check = |field: &str, value: &Value| {
            fields::check(field, value).map_err(|reason| EventFault::Field {
                field: field.chars().take(80).collect(),
                reason,
            })
        };
        match self {
            Self::Opened { fields, .. } => fields
                .iter()
                .try_for_each(|(field, value)| field_check(field, value)),
            Self::Set {
                field,
                value,
                replaces,
            } => {
                if replaces.len() > 64 {
                    return Err(EventFault::Malformed(
                        "more than 64 replaced entries".into(),
                    ));
                }
                field_check(field, value)
            }
            Self::Attached { place, evidence } => {
                fields::check_path(place).map_err(|reason| EventFault::Field {
                    field: place.chars().take(80).collect(),
                    reason,
                })?;
                if evidence.name.len() > 512
                    || evidence.mime.len() > 128
                    || evidence.source.len() > 32
                {
                    return Err(EventFault::Malformed(
                        "evidence name, type or source too long".into(),
                    ));
                }
                Ok(())
            }
            Self::Signed(signature) => {
                let covered = signature.pin.as_ref().map_or(0, |pin| pin.covers.len());
                if covered > MAX_COVERED
                    || signature.name.len() > 256
                    || signature.note.len() > MAX_REASON_BYTES
                    || signature.witness.len() > 1024
                {
                    return Err(EventFault::Malformed("signature too long".into()));
                }
                if signature.pin.is_some() == signature.under.is_some() {
                    return Err(EventFault::Malformed(
                        "a signature says either what it covers or under which other one it stands"
                            .into(),
                    ));
                }
                Ok(())
            }
            Self::Settled { over, reason, .. } => {
                if over.len() > MAX_SETTLED || reason.len() > MAX_REASON_BYTES {
                    return Err(EventFault::Malformed("settlement too long".into()));
                }
                Ok(())
            }
            Self::Detached { .. }
            | Self::NumberVoided { .. }
            | Self::Annulled { .. }
            | Self::Unknown { .. } => Ok(()),
        }
    }

    /// The blobs that must be at hand to show this event whole, with their sizes.
    pub fn blobs(&self) -> Option<(BlobHash, u64)> {
        match self {
            Self::Attached { evidence, .. } => Some((evidence.blob, evidence.size)),
            Self::Signed(Signature {
                mark: Some(mark),
                mark_size,
                ..
            }) => Some((*mark, mark_size.unwrap_or(0))),
            // A pack is published as a blob that its opening names.
            Self::Opened {
                kind: RecordKind::Pack,
                fields,
            } => {
                let blob = fields.get("blob")?.as_str()?.parse().ok()?;
                Some((
                    blob,
                    fields.get("size").and_then(Value::as_u64).unwrap_or(0),
                ))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_event_of_a_newer_version_is_kept_not_refused() {
        let event = Event::parse(br#"{"t":"teleported","to":"moon"}"#).unwrap();
        assert_eq!(
            event,
            Event::Unknown {
                kind: "teleported".into()
            }
        );
    }

    #[test]
    fn a_known_event_with_wrong_contents_is_refused_with_the_reason() {
        for bad in [
            &b"{"[..],
            b"[]",
            b"{}",
            br#"{"t":"set"}"#,
            br#"{"t":"set","f":"../x","v":1}"#,
            br#"{"t":"signed"}"#,
        ] {
            assert!(
                Event::parse(bad).is_err(),
                "{}",
                String::from_utf8_lossy(bad)
            );
        }
        assert!(matches!(
            Event::parse(&vec![b' '; MAX_EVENT_BYTES + 1]),
            Err(EventFault::TooLong(_))
        ));
    }

    #[test]
    fn an_answer_takes_few_bytes() {
        let event = Event::Set {
            field: "answers/TI-1.1/result".into(),
            value: "conforms".into(),
            replaces: vec![],
        };
        assert_eq!(
            event.to_bytes().unwrap(),
            br#"{"t":"set","f":"answers/TI-1.1/result","v":"conforms"}"#
        );
    }
}
