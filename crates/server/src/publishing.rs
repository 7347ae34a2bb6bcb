//! Publishing campaign packs.
//!
//! A pack is published by an entry of a device. The device is the server's own, one for each person in whose name something was
//! published; its key is derived from the server's. Nobody else's device may open a pack, because only here all of its bytes are at hand
//! and checked before anybody gets it.

use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shicha_domain::{
    BlobHash, Channel, DeviceId, Entry, Event, Hlc, OrgCode, PersonId, RecordId, RecordKind,
    authority,
    directory::Person,
    pack::{self, Pack, version_numbers},
    receipt,
};
use shicha_sync::protocol::{
    BATCH_EVENT_BYTES, BatchWriter, MAX_BATCH_ROWS, Row,
    admin::{PublishedPack, act},
    signing,
    wire::{self, Held, HeldChannels},
};
use uuid::Uuid;

use crate::{
    administration::Hand,
    evidence::EvidenceError,
    home::Home,
    intake,
    store::{
        Appended, Brought, Candidate, DeviceState, Enrolment, Holding, Known, PullQuery, Pushed,
        StoreError, administration::Note,
    },
};

/// Why a pack is not published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishFault {
    /// It has faults.
    #[error("the pack has {} faults", .0.len())]
    Faults(Vec<pack::Fault>),
    /// Its version is not above the newest one.
    #[error("version {newest} was published; the version must rise")]
    Version {
        /// The newest version of this pack at this organisation.
        newest: String,
    },
    /// A bureau above publishes a pack of this id, so that this one would never count.
    #[error("{name} publishes the pack {id}; nobody below may publish another of that id")]
    Above {
        /// The pack's id.
        id: String,
        /// What that bureau is called.
        name: String,
    },
    /// The person may not publish there.
    #[error("not allowed ({0})")]
    Refused(String),
    /// The person acts no more.
    #[error("this person is retired")]
    Retired,
    /// Somebody else writes with the same device at this moment.
    #[error("another command is writing; try again")]
    Again,
    /// The file cannot be kept.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came of it.
pub(crate) struct Published {
    pub(crate) pack: Pack,
    pub(crate) blob: BlobHash,
    /// `false`: this very file was published before.
    pub(crate) is_new: bool,
}

/// Checks a pack and publishes it to everyone at or below the organisation, in the name of a person.
pub(crate) fn publish(
    hand: &Hand<'_>,
    bytes: &[u8],
    org: &OrgCode,
    person: &Person,
) -> Result<Published, PublishFault> {
    let Hand { home, now_ms, .. } = *hand;
    let pack = Pack::parse(bytes).map_err(PublishFault::Faults)?;
    let blob = BlobHash(Sha256::digest(bytes).into());
    if let Some(name) = published_above(home, org, person.id, pack.id.as_str())? {
        let id = pack.id.as_str().to_owned();
        return Err(PublishFault::Above { id, name });
    }
    let before = published(home, org, person.id)?;
    if before.iter().any(|one| one.blob == blob) {
        return Ok(Published {
            pack,
            blob,
            is_new: false,
        });
    }
    let newest = before
        .iter()
        .filter(|one| one.id == pack.id.as_str())
        .max_by_key(|one| version_numbers(&one.version));
    if let Some(newest) =
        newest.filter(|one| version_numbers(&one.version) >= pack.version.numbers())
    {
        return Err(PublishFault::Version {
            newest: newest.version.clone(),
        });
    }
    home.evidence.put(bytes)?;
    home.store.note_blob(blob, bytes.len() as u64, now_ms)?;
    let (id, version) = (pack.id.as_str().to_owned(), pack.version.to_string());
    let event = Event::Opened {
        kind: RecordKind::Pack,
        fields: [
            ("id".to_owned(), json!(id)),
            ("version".to_owned(), json!(version)),
            ("blob".to_owned(), json!(blob)),
            ("size".to_owned(), json!(bytes.len())),
            ("title".to_owned(), json!(pack.title)),
        ]
        .into(),
    };
    let note = Note {
        act: act::PACK_PUBLISHED,
        org: Some(org.clone()),
        target: format!("{id} {version}"),
        detail: json!({ "blob": blob, "title": pack.title.zh, "in_the_name_of": person.id }),
    };
    let held = write_entry(hand, person, org, &event, &note)?;
    if let Some((_, code)) = held.refused.into_iter().next() {
        return Err(PublishFault::Refused(code));
    }
    Ok(Published {
        pack,
        blob,
        is_new: true,
    })
}

/// What the bureau above `org` is called that publishes a pack of that id, if one does.
fn published_above(
    home: &Home,
    org: &OrgCode,
    asked_by: PersonId,
    id: &str,
) -> Result<Option<String>, StoreError> {
    let register = home.store.register()?;
    for above in &register.directory.orgs {
        if above.code == *org || !register.tree.is_at_or_below(org, &above.code) {
            continue;
        }
        let packs = published(home, &above.code, asked_by)?;
        if packs.iter().any(|one| one.id == id) {
            return Ok(Some(above.name.clone()));
        }
    }
    Ok(None)
}

/// The packs of an organisation, newest first.
pub(crate) fn published(
    home: &Home,
    org: &OrgCode,
    asked_by: PersonId,
) -> Result<Vec<PublishedPack>, StoreError> {
    let channel = Channel::Pub(org.clone());
    let only = [channel.clone()];
    let mut held = HeldChannels::new();
    let mut packs = Vec::new();
    loop {
        let mut batch = BatchWriter::new();
        let query = PullQuery {
            person: asked_by,
            may_read: &|other| *other == channel,
            only: Some(&only),
            held: &held,
            max_entries: MAX_BATCH_ROWS,
            max_event_bytes: BATCH_EVENT_BYTES,
        };
        let found = home.store.pull(&query, &mut batch)?;
        let read = wire::read_pull(&wire::write_pull(&found.channels, found.more, batch)?)?;
        let Some(last) = read.batch.rows.last() else {
            break;
        };
        held.insert(channel.clone(), Held::upto(last.number));
        packs.extend(read.batch.rows.iter().filter_map(|row| {
            let at_ms = row
                .covered
                .and_then(|n| read.batch.receipts.get(n))
                .map_or(0, |receipt| receipt.received_at_ms);
            pack_of(&row.entry, at_ms)
        }));
        if !found.more {
            break;
        }
    }
    packs.reverse();
    Ok(packs)
}

fn pack_of(entry: &Entry, at_ms: u64) -> Option<PublishedPack> {
    let Event::Opened {
        kind: RecordKind::Pack,
        fields,
    } = Event::parse(&entry.event).ok()?
    else {
        return None;
    };
    let text = |field: &str| fields.get(field).and_then(Value::as_str).map(str::to_owned);
    Some(PublishedPack {
        id: text("id")?,
        version: text("version")?,
        title: fields
            .get("title")
            .and_then(|title| title.get("zh"))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        blob: text("blob")?.parse().ok()?,
        size: fields.get("size").and_then(Value::as_u64).unwrap_or(0),
        by: entry.author,
        at_ms,
    })
}

/// Writes an entry in a person's name with the server's own device, and notes it.
fn write_entry(
    hand: &Hand<'_>,
    person: &Person,
    org: &OrgCode,
    event: &Event,
    note: &Note,
) -> Result<Holding, PublishFault> {
    let Hand { home, now_ms, .. } = *hand;
    let state = console(home, person, now_ms)?;
    let device = state.device.id;
    let last = home
        .store
        .receipts_of(device)?
        .pop()
        .map(|(receipt, _)| receipt.id());
    let entry = Entry {
        device,
        seq: state.head.seq + 1,
        prev: state.head.id,
        after: last,
        at: Hlc::from_ms(now_ms),
        author: person.id,
        channel: Channel::Pub(org.clone()),
        record: RecordId(Uuid::now_v7()),
        event: event
            .to_bytes()
            .map_err(|_| StoreError::Contradiction("the pack's description is too long"))?,
        again: None,
    };
    let (id, seq) = (entry.id(), entry.seq);
    let signature = signing::sign(
        &home.signer.console_key(device),
        &receipt::push_bytes(device, seq, id),
    );
    let entries = intake::candidates(vec![Row {
        number: 0,
        covered: None,
        id,
        entry,
    }])
    .map_err(|_| StoreError::Damaged("chain of the server's own device"))?;
    let actor = intake::actor_of(&state);
    let register = home.store.register()?;
    let push = Pushed {
        entries,
        signature,
        seal: home.signer.own_seal(),
        now: Arc::new(move || now_ms),
        is_in_session: false,
        is_by_itself: true,
        end: None,
        brought: Brought::default(),
    };
    // The record is new, so that nothing is known of it.
    let judge = |_: &Candidate, _: &Known<'_>| {
        authority::may_publish(&actor, org, &register.tree).map_err(intake::code_of)
    };
    match hand.append(&push, &judge, note)? {
        Appended::Held(held) => Ok(held),
        // Two of these commands at once; the other was first.
        Appended::Fork { .. } | Appended::Gap { .. } => Err(PublishFault::Again),
    }
}

/// The server's own device of a person; made at its first use.
fn console(home: &Home, person: &Person, now_ms: u64) -> Result<DeviceState, PublishFault> {
    // The identity is derived from the person's, so that it is found again; and from the epoch, because after a restoration from a
    // backup the same device would write other entries over those that were given out already.
    let name = [
        b"shicha-console-device\0".as_slice(),
        person.id.0.as_bytes(),
        home.info.epoch.as_bytes(),
    ]
    .concat();
    let digest = Sha256::digest(name);
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    let device = DeviceId(uuid::Builder::from_custom_bytes(id).into_uuid());
    if let Some(state) = home.store.device(device)? {
        return Ok(state);
    }
    let code: [u8; 32] = rand::random();
    home.store
        .add_code(&code, person.id, now_ms, now_ms + 60_000)?;
    let enrolment = Enrolment {
        code,
        device,
        public_key: home.signer.console_key(device).public_key(),
        label: "中心端控制台".to_owned(),
        now_ms,
    };
    let enrolled = home
        .store
        .enrol(&enrolment, &|receipt| home.signer.seal(receipt))?;
    enrolled
        .map(|(state, _)| state)
        .ok_or(PublishFault::Retired)
}
