//! A record's state: the fold of its entries.
//!
//! Invariant: devices that hold the same entries of a record hold the same state, in whatever order the entries came. Every
//! step of the fold is a union (values, attachments, signatures) except for the freeze: the first signature (`first.rs` says
//! which that is) fixes which entries are content, and all others that would change the content are listed as late.
//! [`RecordState::apply`] therefore takes single entries only while nothing of that can change, and asks for a new fold otherwise.
//!
//! ```text
//!   entries --sort--> [content ........][first signature] --+--> content covered by it   (frozen)
//!                                                           +--> after/…, signatures     (open)
//!                                                           +--> everything else         (late)
//! ```

mod first;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use crate::{
    canonical,
    channel::Channel,
    entry::{Entry, OrderKey},
    event::{Event, EventFault, Evidence, RecordKind, Signature},
    fields,
    hlc::Hlc,
    ids::{DeviceId, Digest, EntryId, PersonId, RecordId},
    register::{Head, Register},
};
use first::{Row, covers, first_signature};

/// Who did something, when, on which device, in which entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The entry.
    pub entry: EntryId,
    /// Its place in the record's order, with claimed time and device.
    pub order: OrderKey,
    /// Who.
    pub author: PersonId,
}

impl Trace {
    /// The time claimed.
    pub fn at(&self) -> Hlc {
        self.order.at
    }
}

/// A piece of evidence that lies at a place of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Who attached it; `trace.entry` names the attachment.
    pub trace: Trace,
    /// Where it lies.
    pub place: String,
    /// What it is.
    pub evidence: Evidence,
    /// Who took it out again, and why.
    pub detached: Option<(Trace, String)>,
}

/// A signature that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Who recorded it.
    pub trace: Trace,
    /// What was signed.
    pub signature: Signature,
    /// Whether the digest is that of the frozen content.
    pub fits: bool,
}

/// Something that did not count, and why it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<T> {
    /// Who did it.
    pub trace: Trace,
    /// What.
    pub what: T,
}

/// A record as its entries say it is.
#[derive(Debug, Clone)]
pub struct RecordState {
    record: RecordId,
    channel: Channel,
    kind: Option<RecordKind>,
    opened: Option<Trace>,
    fields: BTreeMap<String, Register>,
    attachments: BTreeMap<EntryId, Attachment>,
    signatures: Vec<Signed>,
    frozen: Option<Digest>,
    late: Vec<Note<Event>>,
    unknown: Vec<Note<String>>,
    unreadable: Vec<Note<EventFault>>,
    voided: Vec<Note<(String, String)>>,
    annulled: Option<Note<String>>,
    last: Option<(OrderKey, EntryId)>,
    entries: usize,
    detached_early: HashMap<EntryId, (Trace, String)>,
    known: HashSet<EntryId>,
}

impl RecordState {
    fn empty(record: RecordId, channel: Channel) -> Self {
        Self {
            record,
            channel,
            kind: None,
            opened: None,
            fields: BTreeMap::new(),
            attachments: BTreeMap::new(),
            signatures: Vec::new(),
            frozen: None,
            late: Vec::new(),
            unknown: Vec::new(),
            unreadable: Vec::new(),
            voided: Vec::new(),
            annulled: None,
            last: None,
            entries: 0,
            detached_early: HashMap::new(),
            known: HashSet::new(),
        }
    }

    /// Folds a record from all its entries, given in any order and with any repetition. `None` without entries.
    pub fn fold<'a>(entries: impl IntoIterator<Item = (EntryId, &'a Entry)>) -> Option<Self> {
        Self::fold_judged(entries.into_iter().map(|(id, entry)| (id, entry, false)))
    }

    /// [`Self::fold`], where it is said which entries the central endpoint refused. Those are on the device that wrote them and nowhere
    /// else, so that others signed without them, wherever they stand in that device's log.
    pub fn fold_judged<'a>(
        entries: impl IntoIterator<Item = (EntryId, &'a Entry, bool)>,
    ) -> Option<Self> {
        let mut known = HashSet::new();
        let mut all: Vec<(EntryId, &Entry, bool)> = entries
            .into_iter()
            .filter(|(id, ..)| known.insert(*id))
            .collect();
        all.sort_by_key(|(id, entry, _)| (entry.order(), *id));
        let (_, first, _) = all.first()?;
        let mut state = Self::empty(first.record, first.channel.clone());
        state.entries = all.len();
        state.last = all.last().map(|(id, entry, _)| (entry.order(), *id));
        state.known = known;
        let rows: Vec<Row> = all
            .into_iter()
            .map(|(entry, e, is_refused)| Row {
                trace: Trace {
                    entry,
                    order: e.order(),
                    author: e.author,
                },
                event: Event::parse(&e.event),
                is_refused,
            })
            .collect();

        let Some((by, signature)) =
            first_signature(&rows).map(|(by, signature)| (*by, signature.clone()))
        else {
            for row in rows {
                state.take_row(row);
            }
            return Some(state);
        };
        let is_covered = |row: &Row| covers(&signature, &row.trace);
        let is_doubtful = |row: &Row| row.is_refused && row.trace.order.device != by.order.device;
        // What was refused in the end may have been signed before that, where one device gave it to another: the digest tells.
        let signed_with = rows.iter().any(|row| is_covered(row) && is_doubtful(row)) && {
            let mut without = Self::empty(state.record, state.channel.clone());
            rows.iter()
                .filter(|row| is_covered(row) && !is_doubtful(row))
                .for_each(|row| without.take_row(row.clone()));
            without.content_digest() != signature.digest
        };
        // Content first: what stays open after signing never changes what was signed.
        let mut rest = Vec::new();
        for row in rows {
            let is_content = is_covered(&row) && (signed_with || !is_doubtful(&row));
            match row.event {
                Ok(event) if !is_content => rest.push((row.trace, event)),
                _ => state.take_row(row),
            }
        }
        state.frozen = Some(state.content_digest());
        for signed in &mut state.signatures {
            signed.fits = Some(signed.signature.digest) == state.frozen;
        }
        for (trace, event) in rest {
            state.take_after_signing(trace, event);
        }
        state
            .signatures
            .sort_by_key(|signed| (signed.trace.entry != by.entry, signed.trace.order));
        Some(state)
    }

    fn take_row(&mut self, row: Row) {
        match row.event {
            Err(what) => self.unreadable.push(Note {
                trace: row.trace,
                what,
            }),
            Ok(event) => self.take(row.trace, event),
        }
    }

    /// Takes one more entry of this record in. `false`: it changes what is frozen, fold again from all entries.
    pub fn apply(&mut self, id: EntryId, entry: &Entry) -> bool {
        if self.known.contains(&id) {
            return true;
        }
        let trace = Trace {
            entry: id,
            order: entry.order(),
            author: entry.author,
        };
        let event = Event::parse(&entry.event);
        if self.frozen.is_some() || matches!(event, Ok(Event::Signed(_))) {
            return false;
        }
        if matches!(event, Ok(Event::Opened { .. })) && self.opened.is_some() {
            return false;
        }
        // Lists are kept in the record's order; an entry that belongs before the last one is rare enough to fold again.
        if self.last.is_some_and(|last| (trace.order, id) < last) {
            return false;
        }
        self.known.insert(id);
        self.entries += 1;
        self.last = Some((trace.order, id));
        match event {
            Err(fault) => self.unreadable.push(Note { trace, what: fault }),
            Ok(event) => self.take(trace, event),
        }
        true
    }

    fn take(&mut self, trace: Trace, event: Event) {
        match event {
            Event::Opened { kind, fields } => {
                if self.opened.is_none() {
                    self.opened = Some(trace);
                    self.kind = Some(kind);
                }
                for (field, value) in fields {
                    self.write(trace, field, value, &[]);
                }
            }
            Event::Set {
                field,
                value,
                replaces,
            } => self.write(trace, field, value, &replaces),
            Event::Attached { place, evidence } => {
                let detached = self.detached_early.remove(&trace.entry);
                self.attachments.insert(
                    trace.entry,
                    Attachment {
                        trace,
                        place,
                        evidence,
                        detached,
                    },
                );
            }
            Event::Detached { attachment, reason } => match self.attachments.get_mut(&attachment) {
                Some(found) => {
                    found.detached.get_or_insert((trace, reason));
                }
                None => {
                    self.detached_early
                        .entry(attachment)
                        .or_insert((trace, reason));
                }
            },
            Event::Signed(signature) => self.signatures.push(Signed {
                trace,
                signature,
                fits: false,
            }),
            Event::NumberVoided { number, reason } => self.voided.push(Note {
                trace,
                what: (number, reason),
            }),
            Event::Annulled { reason } => {
                if self.annulled.is_none() {
                    self.annulled = Some(Note {
                        trace,
                        what: reason,
                    });
                }
            }
            Event::Unknown { kind } => self.unknown.push(Note { trace, what: kind }),
        }
    }

    fn take_after_signing(&mut self, trace: Trace, event: Event) {
        let stays_open = match &event {
            Event::Set { field, .. } => fields::is_open_after_signing(field),
            Event::Attached { place, .. } => fields::is_open_after_signing(place),
            Event::Detached { attachment, .. } => self
                .attachments
                .get(attachment)
                .is_none_or(|found| fields::is_open_after_signing(&found.place)),
            Event::Opened { .. } => false,
            Event::Signed(_)
            | Event::NumberVoided { .. }
            | Event::Annulled { .. }
            | Event::Unknown { .. } => true,
        };
        if let Event::Opened { kind, .. } = &event
            && self.opened.is_none()
        {
            self.opened = Some(trace);
            self.kind = Some(*kind);
        }
        if !stays_open {
            self.late.push(Note { trace, what: event });
        } else if let Event::Signed(signature) = event {
            let fits = Some(signature.digest) == self.frozen;
            self.signatures.push(Signed {
                trace,
                signature,
                fits,
            });
        } else {
            self.take(trace, event);
        }
    }

    fn write(&mut self, trace: Trace, field: String, value: Value, replaces: &[EntryId]) {
        let head = Head {
            entry: trace.entry,
            order: trace.order,
            author: trace.author,
            value,
        };
        self.fields.entry(field).or_default().write(head, replaces);
    }

    /// The record's identifier.
    pub fn record(&self) -> RecordId {
        self.record
    }

    /// The channel it lives in.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// What it is; `None` while its opening has not arrived.
    pub fn kind(&self) -> Option<RecordKind> {
        self.kind
    }

    /// Who opened it.
    pub fn opened(&self) -> Option<&Trace> {
        self.opened.as_ref()
    }

    /// How many entries it was folded from.
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// The place of its last entry in the order.
    pub fn last(&self) -> Option<OrderKey> {
        self.last.map(|(order, _)| order)
    }

    /// All fields by name.
    pub fn fields(&self) -> &BTreeMap<String, Register> {
        &self.fields
    }

    /// A field's value; `None` when it was never written or was emptied.
    pub fn value(&self, field: &str) -> Option<&Value> {
        self.fields
            .get(field)?
            .winner()
            .map(|head| &head.value)
            .filter(|value| !value.is_null())
    }

    /// A field's text; empty when there is none.
    pub fn text(&self, field: &str) -> &str {
        self.value(field).and_then(Value::as_str).unwrap_or("")
    }

    /// The entries that a new value of this field is written over.
    pub fn heads_of(&self, field: &str) -> Vec<EntryId> {
        self.fields
            .get(field)
            .map(|r| r.heads().iter().map(|head| head.entry).collect())
            .unwrap_or_default()
    }

    /// Fields that hold rival values.
    pub fn conflicts(&self) -> impl Iterator<Item = (&str, &Register)> {
        self.fields
            .iter()
            .filter(|(_, register)| register.is_conflict())
            .map(|(field, register)| (field.as_str(), register))
    }

    /// All attachments, also those taken out again, in the order in which they were attached.
    pub fn attachments(&self) -> Vec<&Attachment> {
        let mut all: Vec<&Attachment> = self.attachments.values().collect();
        all.sort_by_key(|attachment| attachment.trace.order);
        all
    }

    /// One attachment.
    pub fn attachment(&self, id: EntryId) -> Option<&Attachment> {
        self.attachments.get(&id)
    }

    /// Evidence that lies at `place` now.
    pub fn evidence_at<'a>(&'a self, place: &'a str) -> impl Iterator<Item = &'a Attachment> {
        self.attachments
            .values()
            .filter(move |a| a.place == place && a.detached.is_none())
    }

    /// Signatures in the order in which they were given, the one that froze the record before all others.
    pub fn signatures(&self) -> &[Signed] {
        &self.signatures
    }

    /// The digest of the frozen content, once somebody signed.
    pub fn frozen(&self) -> Option<Digest> {
        self.frozen
    }

    /// What came too late to be part of what was signed.
    pub fn late(&self) -> &[Note<Event>] {
        &self.late
    }

    /// What needs a newer version of this software.
    pub fn unknown(&self) -> &[Note<String>] {
        &self.unknown
    }

    /// Entries whose event is malformed.
    pub fn unreadable(&self) -> &[Note<EventFault>] {
        &self.unreadable
    }

    /// Numbers that were taken and not used, with the reason.
    pub fn voided_numbers(&self) -> &[Note<(String, String)>] {
        &self.voided
    }

    /// Who declared the record void, and why.
    pub fn annulled(&self) -> Option<&Note<String>> {
        self.annulled.as_ref()
    }

    /// The content: what a signature covers. Evidence stands in it by its hash and not by its entry, so that a signature still fits
    /// where a ledger was written again under a new identity.
    pub fn content(&self) -> Value {
        let fields: serde_json::Map<String, Value> = self
            .fields
            .iter()
            .filter(|(field, _)| !fields::is_open_after_signing(field))
            .filter_map(|(field, register)| Some((field.clone(), register.winner()?.value.clone())))
            .filter(|(_, value)| !value.is_null())
            .collect();
        let evidence: Vec<Value> = self
            .attachments()
            .into_iter()
            .filter(|a| a.detached.is_none() && !fields::is_open_after_signing(&a.place))
            .map(|a| json!({ "place": a.place, "blob": a.evidence.blob, "name": a.evidence.name }))
            .collect();
        json!({ "record": self.record, "kind": self.kind, "fields": fields, "evidence": evidence })
    }

    /// The digest of [`Self::content`].
    pub fn content_digest(&self) -> Digest {
        Digest(canonical::digest(&self.content()))
    }

    /// The frontier of a signature given now: the last sequence number per device among `entries` of this record.
    pub fn frontier<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> BTreeMap<DeviceId, u64> {
        let mut covers = BTreeMap::new();
        for entry in entries {
            let seq = covers.entry(entry.device).or_insert(entry.seq);
            *seq = entry.seq.max(*seq);
        }
        covers
    }
}
