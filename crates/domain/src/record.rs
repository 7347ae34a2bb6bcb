//! A record's state: the fold of its entries.
//!
//! Invariant: devices that hold the same entries and receipts of a record hold the same state, in whatever order they came. Every
//! step of the fold is a union (values, attachments, signatures) except for the freeze: the version that counts (`versions.rs` says
//! which that is) is folded from its set of entries alone, and all others that would change the content are listed as late.
//! [`RecordState::apply`] therefore takes single entries only while nothing of that can change, and asks for a new fold otherwise.
//!
//! ```text
//!   entries --+--> the set of the version that counts   (frozen, in claimed order)
//!             +--> after/…, signatures, settlements     (open, in bounded order)
//!             +--> everything else                      (late)
//! ```

mod doubts;
mod pin;
mod row;
mod versions;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use crate::{
    bounds::{self, Bounds},
    canonical,
    channel::Channel,
    entry::{Entry, OrderKey},
    event::{Event, EventFault, Evidence, Pin, RecordKind, Signature},
    fields,
    hlc::Hlc,
    ids::{DeviceId, Digest, EntryId, PersonId, RecordId, SetHash},
    receipt::Rank,
    register::{Head, Register},
};
pub use doubts::{Doubt, Doubted};
pub use row::Held;
use row::Row;
pub use versions::{Settlement, Standing, Version};

/// Who did something, when, on which device, in which entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The entry's name.
    pub entry: EntryId,
    /// Its place in the record's order, with device and number. Outside of what was signed its time is the claimed one brought into the
    /// bounds of the entry's receipt.
    pub order: OrderKey,
    /// The time that its device claimed.
    pub claimed: Hlc,
    /// Who.
    pub author: PersonId,
    /// The identity in whose log the entry stands: another one than [`Self::order`] names where it was written again.
    pub written_on: DeviceId,
    /// When the endpoint received it; `None` while no receipt says so here.
    pub received: Option<Rank>,
    /// Between which moments it was made; `None` while no receipt says so here.
    pub bounds: Option<Bounds>,
}

impl Trace {
    /// The time claimed.
    pub fn at(&self) -> Hlc {
        self.claimed
    }

    /// The place by the claimed time alone, which the entry's hash fixes: the order of what a signature covers.
    fn claimed_order(&self) -> (OrderKey, EntryId) {
        let claimed = OrderKey {
            at: self.claimed,
            ..self.order
        };
        (claimed, self.entry)
    }

    /// The time claimed, brought into its bounds: by this lists are ordered (invariant 13, a claim orders nothing that was received).
    pub fn bounded(&self) -> Hlc {
        bounds::bounded(self.bounds, self.claimed)
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
    /// How far it is proved.
    pub standing: Standing,
    /// The version that it is of, once all of that is here.
    pub version: Option<SetHash>,
    /// Whether it stands under the version that counts, with that version's digest.
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
    /// The entry that opened it, of several the one that was received first; `None`: the first in the order.
    opening: Option<EntryId>,
    fields: BTreeMap<String, Register>,
    attachments: BTreeMap<EntryId, Attachment>,
    signatures: Vec<Signed>,
    versions: Vec<Version>,
    settled: Option<Note<Settlement>>,
    frozen: Option<Digest>,
    /// What its content says it is: by the opening that was claimed first of those that the content takes in.
    content_kind: Option<((OrderKey, EntryId), RecordKind)>,
    late: Vec<Note<Event>>,
    unknown: Vec<Note<String>>,
    unreadable: Vec<Note<EventFault>>,
    voided: Vec<Note<(String, String)>>,
    annulled: Option<Note<String>>,
    last: Option<(OrderKey, EntryId)>,
    /// Whether all of it was refused: then it steps aside for anything that was not.
    is_refused: bool,
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
            opening: None,
            fields: BTreeMap::new(),
            attachments: BTreeMap::new(),
            signatures: Vec::new(),
            versions: Vec::new(),
            settled: None,
            frozen: None,
            content_kind: None,
            late: Vec::new(),
            unknown: Vec::new(),
            unreadable: Vec::new(),
            voided: Vec::new(),
            annulled: None,
            last: None,
            is_refused: false,
            entries: 0,
            detached_early: HashMap::new(),
            known: HashSet::new(),
        }
    }

    /// Folds a record from its entries, given in any order and with any repetition, as if no receipt were here. `None` without entries.
    pub fn fold<'a>(entries: impl IntoIterator<Item = (EntryId, &'a Entry)>) -> Option<Self> {
        Self::fold_held(
            entries
                .into_iter()
                .map(|(name, entry)| Held::unreceived(name, entry)),
        )
    }

    /// Folds a record from its entries with what is known of each, given in any order and with any repetition. What the endpoint refused
    /// does not count (invariant 12); where there is nothing else, it is folded all the same, because only the device that wrote it has it.
    pub fn fold_held<'a>(held: impl IntoIterator<Item = Held<'a>>) -> Option<Self> {
        Self::fold_as(held, None)
    }

    /// [`Self::fold_held`], with a chosen version in the place of the one that counts: to show and print a version that stepped back.
    pub fn fold_version<'a>(
        held: impl IntoIterator<Item = Held<'a>>,
        version: SetHash,
    ) -> Option<Self> {
        Self::fold_as(held, Some(version))
    }

    fn fold_as<'a>(
        held: impl IntoIterator<Item = Held<'a>>,
        chosen: Option<SetHash>,
    ) -> Option<Self> {
        let all = row::counting(held);
        let known: HashSet<EntryId> = all.iter().map(|one| one.name).collect();
        let is_refused = all.iter().all(|one| one.is_refused);
        let mut rows: Vec<(Row, &Entry)> = all
            .into_iter()
            .map(|one| {
                let row = Row {
                    trace: one.trace(),
                    event: Event::parse(&one.entry.event),
                };
                (row, one.entry)
            })
            .collect();
        rows.sort_by_key(|(row, _)| (row.trace.order, row.trace.entry));
        let (_, first) = rows.first()?;
        let mut state = Self::empty(first.record, first.channel.clone());
        let rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).collect();
        let last = rows.last().map(|row| (row.trace.order, row.trace.entry));
        let is_signed = rows
            .iter()
            .any(|row| matches!(row.event, Ok(Event::Signed(_))));
        let opening = first_opening(&rows);
        if is_signed {
            state = state.frozen_by(rows, chosen, opening);
        } else {
            state.opening = opening;
            for row in &rows {
                state.take_row(row.clone());
            }
        }
        state.known = known;
        state.entries = state.known.len();
        state.last = last;
        state.is_refused = is_refused;
        Some(state)
    }

    /// Folds rows among which are signatures: what the version that counts pins first, because what stays open never changes it.
    fn frozen_by(self, rows: Vec<Row>, chosen: Option<SetHash>, opening: Option<EntryId>) -> Self {
        let judged = versions::judge(&self, &rows, chosen);
        let (members, mut state) = match judged.counting {
            Some((members, state)) => (Some(members), state),
            None => (None, Self { opening, ..self }),
        };
        if members.is_some() {
            state.frozen = Some(state.content_digest());
        }
        let counts = judged.versions.iter().find(|one| one.counts);
        let counts = counts.map(|one| (one.set, one.signature()));
        for (n, row) in rows.into_iter().enumerate() {
            let is_content = members.as_ref().is_some_and(|set| set.contains(&n));
            let Row { trace, event } = row;
            match event {
                Ok(Event::Signed(signature)) => {
                    let (standing, version) = judged
                        .standings
                        .get(&n)
                        .copied()
                        .unwrap_or((Standing::Incomplete { held: 0, count: 0 }, None));
                    let is_of_this = version.is_some() && version == counts.map(|counts| counts.0);
                    let fits = is_of_this && Some(signature.digest) == state.frozen;
                    state.signatures.push(Signed {
                        trace,
                        signature,
                        standing,
                        version,
                        fits,
                    });
                }
                Ok(Event::Settled { .. }) => {}
                Ok(event) if judged.annulments.contains(&n) => state.take(trace, event),
                Ok(Event::Annulled { signature, .. })
                    if members.is_none() && signature.is_some() => {}
                _ if is_content => {}
                Ok(event) if members.is_some() => state.take_after_signing(trace, event),
                event => state.take_row(Row { trace, event }),
            }
        }
        state.settled = judged.settled;
        state.versions = judged.versions;
        state.signatures.sort_by_key(|signed| {
            let is_first = counts.is_some_and(|counts| counts.1 == signed.trace.entry);
            (!is_first, signed.trace.order)
        });
        state
    }

    /// What a signature given now covers, of all that is held of a record.
    pub fn pin<'a>(held: impl IntoIterator<Item = Held<'a>>) -> Pin {
        versions::pin_of(&row::counting(held))
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
    pub fn apply(&mut self, held: &Held<'_>) -> bool {
        if self.known.contains(&held.name) {
            // Written again, it may have been received earlier than was known.
            return held.received.is_none();
        }
        let trace = held.trace();
        let event = Event::parse(&held.entry.event);
        // Signatures that wait for what they cover may be made complete by any entry.
        let is_signed = !self.signatures.is_empty() || matches!(event, Ok(Event::Signed(_)));
        if is_signed || held.is_refused || self.is_refused {
            return false;
        }
        if matches!(event, Ok(Event::Opened { .. })) && self.opened.is_some() {
            return false;
        }
        // Lists are kept in the record's order; an entry that belongs before the last one is rare enough to fold again.
        let place = (trace.order, held.name);
        if self.last.is_some_and(|last| place < last) {
            return false;
        }
        self.known.insert(held.name);
        self.entries += 1;
        self.last = Some(place);
        self.take_row(Row { trace, event });
        true
    }

    fn take(&mut self, trace: Trace, event: Event) {
        match event {
            Event::Opened { kind, fields } => {
                let is_it = self.opening.is_none_or(|opening| opening == trace.entry);
                if self.opened.is_none() && is_it {
                    self.opened = Some(trace);
                    self.kind = Some(kind);
                }
                let place = trace.claimed_order();
                if self.content_kind.is_none_or(|(first, _)| place < first) {
                    self.content_kind = Some((place, kind));
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
            // Signatures and settlements are judged all together.
            Event::Signed(_) | Event::Settled { .. } => {}
            Event::NumberVoided { number, reason } => self.voided.push(Note {
                trace,
                what: (number, reason),
            }),
            Event::Annulled {
                reason,
                signature,
                by_supervisor,
            } => {
                let opened_it = self
                    .opened
                    .as_ref()
                    .is_some_and(|opened| opened.author == trace.author);
                // What names a signature was judged with the versions; without one only an unsigned record is meant.
                let may = signature.is_some() || by_supervisor || opened_it;
                if may && self.annulled.is_none() {
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
            // What is signed is annulled only by name: whoever did not know of the signature did not mean it.
            Event::Annulled { .. } | Event::Opened { .. } => false,
            Event::Signed(_)
            | Event::Settled { .. }
            | Event::NumberVoided { .. }
            | Event::Unknown { .. } => true,
        };
        if let Event::Opened { kind, .. } = &event
            && self.opened.is_none()
        {
            self.opened = Some(trace);
            self.kind = Some(*kind);
        }
        if stays_open {
            self.take(trace, event);
        } else {
            self.late.push(Note { trace, what: event });
        }
    }

    fn write(&mut self, trace: Trace, field: String, value: Value, replaces: &[EntryId]) {
        let head = Head {
            entry: trace.entry,
            order: trace.order,
            claimed: trace.claimed,
            bounds: trace.bounds,
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

    /// All attachments, also those taken out again. What a signature covers stands in claimed order, signed or not, so that it is shown and
    /// numbered before the signature as the version has it; what stays open in the record's order.
    pub fn attachments(&self) -> Vec<&Attachment> {
        let mut all: Vec<&Attachment> = self.attachments.values().collect();
        all.sort_by_key(|attachment| {
            if fields::is_open_after_signing(&attachment.place) {
                (attachment.trace.order, attachment.trace.entry)
            } else {
                attachment.trace.claimed_order()
            }
        });
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

    /// All signed versions, in the order in which they count: what was received first before what came later, and last what is not
    /// received yet.
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// The version that counts, once somebody signed and all of that is here.
    pub fn counting(&self) -> Option<&Version> {
        self.versions.iter().find(|version| version.counts)
    }

    /// A person's decision about which version counts, where there is one that holds.
    pub fn settled(&self) -> Option<&Note<Settlement>> {
        self.settled.as_ref()
    }

    /// Whether versions with different contents stand side by side and nobody has decided between all of them.
    pub fn is_contested(&self) -> bool {
        let Some(counting) = self.counting() else {
            return false;
        };
        let decided = self.settled.as_ref().map(|note| note.trace.received);
        self.versions.iter().any(|one| {
            let is_later = match (decided, one.rank) {
                // A decision covers what was there to decide about.
                (Some(Some(decided)), Some(rank)) => rank > decided,
                (Some(_), _) => false,
                (None, _) => true,
            };
            one.digest != counting.digest && is_later
        })
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

    /// What a signature given now would say that it is. Another kind than [`Self::kind`] only where it was opened as two: the endpoint
    /// refuses one of them, and until then nothing is signed.
    pub fn content_kind(&self) -> Option<RecordKind> {
        self.content_kind.map(|(_, kind)| kind)
    }

    /// The content: what a signature covers. Before there is a signature it is what a version of all that is here would fold to
    /// (invariant 3, a version is its set): the claimed times order it, whatever receipts say. Evidence stands in it by its hash and not
    /// by its entry, so that a signature still fits where a ledger was written again under a new identity.
    pub fn content(&self) -> Value {
        let fields: serde_json::Map<String, Value> = self
            .fields
            .iter()
            .filter(|(field, _)| !fields::is_open_after_signing(field))
            .filter_map(|(field, register)| {
                Some((field.clone(), register.last_claimed()?.value.clone()))
            })
            .filter(|(_, value)| !value.is_null())
            .collect();
        let evidence: Vec<Value> = self
            .attachments()
            .into_iter()
            .filter(|a| a.detached.is_none() && !fields::is_open_after_signing(&a.place))
            .map(|a| json!({ "place": a.place, "blob": a.evidence.blob, "name": a.evidence.name }))
            .collect();
        let kind = self.content_kind();
        json!({ "record": self.record, "kind": kind, "fields": fields, "evidence": evidence })
    }

    /// The digest of [`Self::content`].
    pub fn content_digest(&self) -> Digest {
        Digest(canonical::digest(&self.content()))
    }
}

/// Of several openings the one that was received first: whoever claims an earlier time has not opened the record for that (invariant 13, a
/// claim orders nothing that was received).
fn first_opening(rows: &[Row]) -> Option<EntryId> {
    rows.iter()
        .filter(|row| matches!(row.event, Ok(Event::Opened { .. })))
        .min_by_key(|row| {
            let Trace {
                received, order, ..
            } = row.trace;
            (received.is_none(), received, order)
        })
        .map(|row| row.trace.entry)
}
