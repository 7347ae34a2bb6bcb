//! What a handler works with: the open ledger, who acts, whom they know of, and what each may do.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use shicha_domain::{
    Channel, DeviceId, EntryId, Event, PersonId, RecordId, RecordKind, RecordState,
    authority::{self, About, Actor},
    entry::Entry,
    fields,
    pack::Pack,
    record::Trace,
    register::Head,
};
use shicha_ledger::{Appended, Draft, Identity, Ledger};

use crate::{
    app::{App, Enrolled},
    error::{ApiError, ErrorCode},
    names::Names,
    packs::Listed,
    schema::{FieldView, HostEvent, Saved},
};

/// An open and enrolled ledger, at one moment.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) app: App,
    pub(crate) ledger: Ledger,
    pub(crate) me: Arc<Identity>,
    pub(crate) names: Arc<Names>,
}

impl Desk {
    pub(crate) fn new(app: App, ledger: Ledger, enrolled: Enrolled) -> Self {
        Self {
            app,
            ledger,
            me: enrolled.me,
            names: enrolled.names,
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.app.now_ms()
    }

    /// A new record's identifier: UUID version 7 (RFC 9562).
    pub(crate) fn new_record(&self) -> RecordId {
        let random: [u8; 10] = rand::random();
        RecordId(uuid::Builder::from_unix_timestamp_millis(self.now_ms(), &random).into_uuid())
    }

    /// The channel of the bureau's own records.
    pub(crate) fn own_channel(&self) -> Channel {
        Channel::Own(self.me.org.clone())
    }

    /// A record, folded.
    pub(crate) fn record(&self, record: RecordId) -> Result<Arc<RecordState>, ApiError> {
        self.ledger
            .record(record)?
            .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "record"))
    }

    /// A record of a certain kind, folded.
    pub(crate) fn record_of(
        &self,
        record: RecordId,
        kind: RecordKind,
    ) -> Result<Arc<RecordState>, ApiError> {
        let state = self.record(record)?;
        if state.kind() == Some(kind) {
            Ok(state)
        } else {
            Err(ApiError::new(ErrorCode::NotFound).with("what", kind.as_str()))
        }
    }

    /// [`Packs::listed`](crate::packs::Packs::listed) for whoever works here.
    pub(crate) fn packs(&self) -> Result<Vec<Listed>, ApiError> {
        let packs = &self.app.0.packs;
        packs.listed(&self.ledger, &self.me.org, self.names.tree())
    }

    /// [`Packs::leading`](crate::packs::Packs::leading) for whoever works here.
    pub(crate) fn leading_pack(&self) -> Result<Option<Arc<Pack>>, ApiError> {
        let packs = &self.app.0.packs;
        packs.leading(&self.ledger, &self.me.org, self.names.tree())
    }

    fn actor(&self) -> Actor {
        Actor {
            person: self.me.person,
            org: self.me.org.clone(),
            role: self.me.role,
        }
    }

    /// Refuses what the central endpoint would refuse, before it is written.
    pub(crate) fn check_may_write(
        &self,
        channel: &Channel,
        kind: Option<RecordKind>,
        event: &Event,
    ) -> Result<(), ApiError> {
        let about = About {
            kind,
            is_held: kind.is_some(),
            at_ms: Some(self.now_ms()),
        };
        authority::may_write(&self.actor(), channel, about, event, self.names.tree()).map_err(
            |refusal| ApiError::new(ErrorCode::NotAllowed).with("detail", refusal.to_string()),
        )
    }

    /// Whether I may change this record at all, leaving aside whether it is frozen.
    pub(crate) fn may_change(&self, state: &RecordState) -> bool {
        let event = Event::Set {
            field: "remark".into(),
            value: Value::Null,
            replaces: Vec::new(),
        };
        self.check_may_write(state.channel(), state.kind(), &event)
            .is_ok()
    }

    /// Writes entries, all or none, and tells everybody. Returns the first.
    pub(crate) fn write(&self, drafts: Vec<Draft>) -> Result<Saved, ApiError> {
        self.write_clearing(drafts, &[])
    }

    /// Writes entries and removes the typed text that went into them, all or nothing.
    pub(crate) fn write_clearing(
        &self,
        drafts: Vec<Draft>,
        clear: &[(RecordId, String)],
    ) -> Result<Saved, ApiError> {
        let records = records_of(&drafts);
        let now_ms = self.now_ms();
        let appended = self
            .ledger
            .append_clearing(self.me.person, drafts, clear, now_ms)?;
        self.wrote(records);
        Ok(saved(&appended, now_ms))
    }

    /// Tells everybody that records changed here, and has them sent.
    pub(crate) fn wrote(&self, records: Vec<RecordId>) {
        self.app.emit(HostEvent::Changed {
            records,
            source: "here".into(),
        });
        if let Some(worker) = self.app.0.worker.lock().as_ref() {
            worker.poke();
        }
    }

    /// A `set` over what stands in the field now, and everything else that the person saw.
    ///
    /// What this device wrote is always replaced: nobody contradicts themselves on one laptop by typing faster than a screen follows.
    pub(crate) fn set_event(
        &self,
        state: &RecordState,
        field: &str,
        value: Value,
        over: Option<Vec<EntryId>>,
    ) -> Event {
        let replaces = match over {
            None => state.heads_of(field),
            Some(mut over) => {
                let own = state
                    .fields()
                    .get(field)
                    .into_iter()
                    .flat_map(|register| register.heads());
                for head in own.filter(|head| head.order.device == self.me.device) {
                    if !over.contains(&head.entry) {
                        over.push(head.entry);
                    }
                }
                over
            }
        };
        Event::Set {
            field: field.to_owned(),
            value,
            replaces,
        }
    }

    /// Refuses a change of what is frozen or void.
    pub(crate) fn check_open(&self, state: &RecordState, path: &str) -> Result<(), ApiError> {
        let is_frozen = state.frozen().is_some() && !fields::is_open_after_signing(path);
        if is_frozen || state.annulled().is_some() {
            Err(ApiError::new(ErrorCode::Frozen))
        } else {
            Ok(())
        }
    }

    /// A person's name, from the directory; their identifier's end where they are unknown.
    pub(crate) fn person_name(&self, person: PersonId) -> String {
        if person == self.me.person {
            return self.me.person_name.clone();
        }
        self.names.person(person)
    }

    /// Whether the directory here lacks a person or a device, so that it cannot be told here what they may write.
    pub(crate) fn lacks(&self, person: PersonId, device: DeviceId) -> bool {
        let is_me = person == self.me.person && device == self.me.device;
        let is_known =
            self.names.find_person(person).is_some() && self.names.find_device(device).is_some();
        !is_me && !is_known
    }

    /// Whether nobody has judged an entry yet: this device cannot, and the central endpoint has not received it. It is kept and handed on all
    /// the same (invariant 11, what is handed on proves only what hashes and receipts prove).
    pub(crate) fn is_unjudged(&self, trace: &Trace) -> bool {
        trace.received.is_none() && self.lacks(trace.author, trace.written_on)
    }

    /// [`Self::is_unjudged`] of one value of a field.
    pub(crate) fn is_value_unjudged(&self, head: &Head) -> bool {
        head.bounds.is_none() && self.lacks(head.author, head.order.device)
    }

    /// All fields of a record, as screens show them.
    pub(crate) fn field_views(&self, state: &RecordState) -> BTreeMap<String, FieldView> {
        let views = state.fields().iter().filter_map(|(field, register)| {
            let winner = register.winner()?;
            let view = FieldView {
                value: winner.value.clone(),
                heads: register.heads().iter().map(|head| head.entry).collect(),
                author: self.person_name(winner.author),
                is_unjudged: self.is_value_unjudged(winner),
                at_ms: winner.claimed.ms(),
                is_conflict: register.is_conflict(),
            };
            Some((field.clone(), view))
        });
        views.collect()
    }

    /// Text that was typed into a record and is no entry yet, by field.
    pub(crate) fn typed(&self, record: RecordId) -> Result<BTreeMap<String, String>, ApiError> {
        let drafts = self.ledger.drafts(Some(record))?;
        Ok(drafts
            .into_iter()
            .map(|draft| (draft.field, draft.text))
            .collect())
    }

    /// All entries of a record in its order.
    pub(crate) fn entries(
        &self,
        record: RecordId,
    ) -> Result<Vec<shicha_ledger::StoredEntry>, ApiError> {
        let mut entries = self.ledger.entries_of(record)?;
        entries.sort_by_key(shicha_ledger::StoredEntry::order);
        Ok(entries)
    }
}

/// A draft about an existing record.
pub(crate) fn draft(state: &RecordState, event: Event) -> Draft {
    Draft {
        channel: state.channel().clone(),
        record: state.record(),
        event,
    }
}

pub(crate) fn records_of(drafts: &[Draft]) -> Vec<RecordId> {
    let mut records: Vec<RecordId> = drafts.iter().map(|draft| draft.record).collect();
    records.sort_unstable();
    records.dedup();
    records
}

pub(crate) fn saved(appended: &[Appended], now_ms: u64) -> Saved {
    Saved {
        entry: appended.first().map(|first| first.entry),
        at_ms: now_ms,
    }
}

/// The entry that counted among those that a `set` replaced: the last in the record's order, in which they are given.
pub(crate) fn replaced<'a>(
    entries: impl IntoIterator<Item = (EntryId, &'a Entry)>,
    replaces: &[EntryId],
) -> Option<(EntryId, &'a Entry)> {
    entries
        .into_iter()
        .filter(|(id, _)| replaces.contains(id))
        .last()
}

/// The value that an entry wrote into a field, if it did.
pub(crate) fn value_written(entry: &Entry, field: &str) -> Option<Value> {
    match Event::parse(&entry.event).ok()? {
        Event::Set {
            field: other,
            value,
            ..
        } if other == field => Some(value),
        Event::Opened { fields, .. } => fields.get(field).cloned(),
        _ => None,
    }
}
