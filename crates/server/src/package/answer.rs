//! Making a package for a device: receipts for what it brought, and what is new for it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::Write,
    path::Path,
};

use shicha_domain::{
    BlobHash, Channel, DeviceId, Event,
    authority::{self, Actor},
};
use shicha_sync::{
    package::{
        Answer, Contents, Kind, Label, MAX_WANTED_EVIDENCE, Message, Outcome, PackageFile, Party,
        Progress, State, Wanted, Writer,
    },
    protocol::{
        BATCH_EVENT_BYTES, BatchWriter, MAX_BATCH_ROWS,
        messages::{NumberRun, PushReply},
        wire::{self, Held, HeldChannels},
    },
    update::WINDOWS,
};

use super::{Desk, PackageError, PackageTaken};
use crate::{
    http::{Fault, info},
    intake::actor_of,
    store::{DeviceState, PullNote, PullQuery, Register},
    updates,
};

/// Entries that one answer to pushes speaks of, about.
const TOGETHER: u64 = 5_000;
/// Bytes of the directory that go together, about.
const DIRECTORY: usize = 4 << 20;
/// How much of a file is read at a time.
const PART: usize = 1 << 20;

/// How much an answer holds at most. What does not fit comes with the next one: it is asked for again, because it did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Bytes of evidence; one file, however large, always fits.
    pub evidence_bytes: u64,
    /// Files of evidence.
    pub evidence_files: usize,
    /// Bytes of pulled entries, as they travel; a batch that was begun always fits.
    pub entry_bytes: u64,
}

impl Most {
    /// Everything: what is written where an administrator says.
    pub const ALL: Self = Self {
        evidence_bytes: u64::MAX,
        evidence_files: usize::MAX,
        entry_bytes: u64::MAX,
    };
    /// What one device may leave on the endpoint's disk.
    pub const OVER_THE_NETWORK: Self = Self {
        evidence_bytes: 256 << 20,
        evidence_files: 2_000,
        entry_bytes: 64 << 20,
    };

    /// Bytes in all, about.
    pub(crate) fn bytes(self) -> u64 {
        self.evidence_bytes.saturating_add(self.entry_bytes)
    }
}

/// What is left of [`Most`] for evidence.
struct Room {
    most: Most,
    bytes: u64,
    files: usize,
}

impl Room {
    fn of(most: Most) -> Self {
        Self {
            most,
            bytes: 0,
            files: 0,
        }
    }

    /// Takes the room for a file, if there is any.
    fn takes(&mut self, size: u64) -> bool {
        let bytes = self.bytes.saturating_add(size);
        let fits = self.files < self.most.evidence_files
            && (self.files == 0 || bytes <= self.most.evidence_bytes);
        if fits {
            self.bytes = bytes;
            self.files += 1;
        }
        fits
    }
}

impl Default for Most {
    fn default() -> Self {
        Self::ALL
    }
}

/// What to answer.
#[derive(Debug, Clone, Default)]
pub struct Answering {
    /// What was taken of it just now; it says what the device has and wants.
    pub taken: PackageTaken,
    /// Whether all evidence that its person may see goes along, and not only what it asks for.
    pub with_evidence: bool,
    /// Whether the update of the application goes along that was released for it.
    pub with_update: bool,
    /// How much of all that goes along at most.
    pub most: Most,
}

impl Answering {
    /// An answer without a question: everything that the device may have.
    pub fn unasked(device: DeviceId, with_evidence: bool) -> Self {
        Self {
            taken: PackageTaken {
                device: Some(device),
                ..PackageTaken::default()
            },
            with_evidence,
            with_update: false,
            most: Most::ALL,
        }
    }
}

/// Makes the package and gives it its name once it is whole. Returns what is in it, and how many bytes it has.
///
/// # Errors
/// When there is no such device, or the file cannot be written.
pub fn answer(
    desk: Desk<'_>,
    answering: &Answering,
    path: &Path,
    progress: Progress<'_>,
) -> Result<(Contents, u64), PackageError> {
    let taken = &answering.taken;
    let home = desk.home;
    let device = match (&taken.enrolled, taken.device) {
        (Some(enrolled), _) => enrolled.device,
        (None, Some(device)) => device,
        (None, None) => return Err(PackageError::NoSuchDevice),
    };
    let state = home
        .store
        .device(device)?
        .filter(DeviceState::is_active)
        .ok_or(PackageError::NoSuchDevice)?;
    let register = home.store.register()?;
    let key = state.device.public_key;
    let label = Label {
        id: desk.random.id_at(desk.now_ms),
        from: desk.me(),
        to: match taken.enrolled {
            Some(_) => Party::Newcomer { key },
            None => Party::Device { device },
        },
        endpoint: home.signer.public_key(),
        made_at_ms: desk.now_ms,
        software: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let mut making = Making {
        desk,
        actor: actor_of(&state),
        register: &register,
        evidence: BTreeSet::new(),
        with_evidence: answering.with_evidence,
        most: answering.most,
    };
    let asked = making.asked(&taken.wanted)?;
    let update = match (answering.with_update, &label.to) {
        (true, Party::Device { .. }) => updates::offered(home, &state.person.org, WINDOWS)?,
        _ => None,
    };
    let evidence: u64 = asked.iter().map(|(_, size)| size).sum();
    let expected = evidence + update.as_ref().map_or(0, |update| update.size);
    let mut file = PackageFile::begin(path, expected)?;
    let mut writer = Writer::begin(&mut file, &label, &key, home.signer.sealing_key(), progress)?;
    if let Some(enrolled) = &taken.enrolled {
        writer.message(Kind::EnrolReply, enrolled)?;
    }
    writer.message(
        Kind::State,
        &State {
            device,
            // Receipts may have run past the clock by milliseconds, and a state older than the newest receipt says nothing.
            time_ms: desk.now_ms.max(state.past.received_ms),
            head: state.head,
            is_ended: state.is_ended,
            epoch: info(home)?.epoch,
            answers: (!taken.id.is_nil()).then_some(taken.id),
            evidence: making.held(taken)?,
        },
    )?;
    if taken.enrolled.is_none() {
        making.receipts(device, taken.wanted.acked, &mut writer)?;
        for one in &taken.answers {
            // What is held of the recipient's own ledger was said just now.
            if one.device != device || matches!(one.outcome, Outcome::Problem(_)) {
                writer.message(Kind::Answer, one)?;
            }
        }
        if let Some(identity) = &taken.identity {
            writer.message(Kind::IdentityReply, identity)?;
        }
        for lent in &taken.numbers {
            writer.message(Kind::Numbers, lent)?;
        }
    }
    making.directory(&answering.taken, &mut writer)?;
    let given = making.pull(&taken.wanted, &mut writer)?;
    let named = std::mem::take(&mut making.evidence);
    let (mut sent, mut room) = (BTreeSet::new(), Room::of(making.most));
    for hash in asked.into_iter().map(|(hash, _)| hash).chain(named) {
        if sent.insert(hash) {
            making.give(hash, &mut room, &mut writer)?;
        }
    }
    if let Some(update) = &update {
        writer.update(&updates::as_offered(update), update.blob)?;
        making.parts(update.blob, update.size, &mut writer)?;
    }
    let (_, contents) = writer.finish()?;
    let bytes = file.keep()?;
    home.store.note_pulls(&[PullNote {
        device,
        person: state.person.id,
        given,
        held: Vec::new(),
    }])?;
    tracing::info!(%device, bytes, "made a package");
    Ok((contents, bytes))
}

struct Making<'a> {
    desk: Desk<'a>,
    actor: Actor,
    register: &'a Register,
    /// Evidence that goes along because entries name it.
    evidence: BTreeSet<BlobHash>,
    with_evidence: bool,
    most: Most,
}

impl Making<'_> {
    /// What the recipient asks for, may see, is here, and fits: the smallest first, so that the largest come when nothing else is lacking.
    fn asked(&self, wanted: &Wanted) -> Result<Vec<(BlobHash, u64)>, PackageError> {
        let home = self.desk.home;
        let mut asked = Vec::new();
        for hash in wanted.evidence.iter().take(MAX_WANTED_EVIDENCE) {
            let may_see =
                home.store.blob_uses(*hash)?.iter().any(|(channel, _)| {
                    authority::may_read(&self.actor, channel, &self.register.tree)
                });
            if let (true, Some(size)) = (may_see, home.evidence.whole(*hash).map_err(Fault::from)?)
            {
                asked.push((*hash, size));
            }
        }
        asked.sort_by_key(|(_, size)| *size);
        let mut room = Room::of(self.most);
        asked.retain(|(_, size)| room.takes(*size));
        Ok(asked)
    }

    /// What was brought, or is asked about by somebody who may send it, and is here whole.
    fn held(&self, taken: &PackageTaken) -> Result<Vec<BlobHash>, PackageError> {
        let home = self.desk.home;
        let mut held = taken.held.clone();
        for hash in taken.wanted.waiting.iter().take(MAX_WANTED_EVIDENCE) {
            let is_theirs = home
                .store
                .blob_uses(*hash)?
                .iter()
                .any(|(channel, person)| {
                    *person == self.actor.person
                        || authority::may_read(&self.actor, channel, &self.register.tree)
                });
            if is_theirs && home.evidence.whole(*hash).map_err(Fault::from)?.is_some() {
                held.insert(*hash);
            }
        }
        Ok(held.into_iter().collect())
    }

    /// Receipts for the recipient's ledger after `acked`, with the numbers and refusals that belong to them.
    fn receipts<W: Write>(
        &self,
        device: DeviceId,
        acked: u64,
        writer: &mut Writer<'_, W>,
    ) -> Result<(), PackageError> {
        let store = &self.desk.home.store;
        let head = store.device(device)?.map_or(0, |state| state.head.seq);
        if head <= acked {
            return Ok(());
        }
        let mut receipts = store
            .receipts_of(device)?
            .into_iter()
            .map(|(receipt, _)| receipt)
            .filter(|receipt| receipt.seq > acked)
            .peekable();
        let mut from = acked + 1;
        while let Some(first) = receipts.peek() {
            // As many receipts as speak of about so many entries, and at least one.
            let upto = first.seq.max(from + TOGETHER);
            let mut together = Vec::new();
            while let Some(receipt) = receipts.next_if(|receipt| receipt.seq <= upto) {
                together.push(receipt);
            }
            let last = together.last().map_or(from, |receipt| receipt.seq);
            let (mut accepted, mut refused) = (Vec::new(), Vec::new());
            let mut at = from;
            while at <= last {
                let limit = usize::try_from((last - at + 1).min(TOGETHER)).unwrap_or(1);
                let held = store.entries_of(device, at, limit)?;
                if held.is_empty() {
                    break;
                }
                for one in held {
                    at = one.entry.seq + 1;
                    match one.verdict {
                        Ok(number) => NumberRun::extend(&mut accepted, one.entry.seq, number),
                        Err(code) => refused.push((one.entry.seq, code)),
                    }
                }
            }
            from = last + 1;
            let Some(state) = store.device(device)? else {
                return Err(PackageError::NoSuchDevice);
            };
            let reply = PushReply {
                receipts: together,
                accepted,
                refused,
                head: state.head,
            };
            let outcome = Outcome::Held(reply);
            writer.message(Kind::Answer, &Answer { device, outcome })?;
        }
        Ok(())
    }

    /// What changed in the directory since the mark that the recipient has.
    fn directory<W: Write>(
        &self,
        taken: &PackageTaken,
        writer: &mut Writer<'_, W>,
    ) -> Result<(), PackageError> {
        let life = info(self.desk.home)?.epoch;
        let mut since = match &taken.enrolled {
            Some(enrolled) if enrolled.directory.whole.is_some() => return Ok(()),
            Some(enrolled) => Some(enrolled.directory.mark.clone()),
            None => taken.wanted.directory.clone(),
        };
        loop {
            let part = self
                .register
                .part(life, &self.actor, since.as_deref(), DIRECTORY);
            let is_last = part.whole.is_some();
            if part.after.as_ref() != Some(&part.mark) {
                writer.message(Kind::Directory, &part)?;
            }
            if is_last {
                return Ok(());
            }
            since = Some(part.mark);
        }
    }

    /// Everything above what the recipient holds; up to which number each channel was given.
    fn pull<W: Write>(
        &mut self,
        wanted: &Wanted,
        writer: &mut Writer<'_, W>,
    ) -> Result<Vec<(Channel, u64)>, PackageError> {
        let seen: HashMap<&Channel, u64> = wanted.seen.iter().map(|(c, n)| (c, *n)).collect();
        let mut held: HeldChannels = wanted
            .cursors
            .iter()
            .map(|(channel, upto)| {
                let seen = seen.get(channel).copied();
                (channel.clone(), Held { upto: *upto, seen })
            })
            .collect();
        let only = authority::reads_only(&self.actor, &self.register.tree);
        let mut all_given: BTreeMap<Channel, u64> = BTreeMap::new();
        let mut bytes = 0_u64;
        loop {
            let mut batch = BatchWriter::new();
            let query = PullQuery {
                person: self.actor.person,
                may_read: &|channel| authority::may_read(&self.actor, channel, &self.register.tree),
                only: only.as_deref(),
                held: &held,
                max_entries: MAX_BATCH_ROWS,
                max_event_bytes: BATCH_EVENT_BYTES,
            };
            let pulled = self.desk.home.store.pull(&query, &mut batch)?;
            let body =
                wire::write_pull(&pulled.channels, pulled.more, batch).map_err(Fault::from)?;
            let given = pulled.given(&held);
            for (channel, upto) in &given {
                held.entry(channel.clone()).or_default().upto = *upto;
            }
            for told in &pulled.channels {
                let held = held.entry(told.channel.clone()).or_default();
                held.seen = held.seen.map(|seen| seen.max(told.seen_upto));
            }
            all_given.extend(given);
            let Message::Pull(pull) = writer.bytes(Kind::Pull, &body)? else {
                return Ok(all_given.into_iter().collect());
            };
            let mut rows = pull.batch.rows.into_iter();
            for channel in pull.channels {
                let goes_along = self.with_evidence || matches!(channel.channel, Channel::Pub(_));
                for row in rows.by_ref().take(channel.rows) {
                    if goes_along && let Ok(event) = Event::parse(&row.entry.event) {
                        self.evidence.extend(event.blobs().map(|(hash, _)| hash));
                    }
                }
            }
            bytes += body.len() as u64;
            // What is left comes with the next package, whose cursors lie behind what came with this one.
            if !pulled.more || bytes >= self.most.entry_bytes {
                return Ok(all_given.into_iter().collect());
            }
        }
    }

    fn give<W: Write>(
        &self,
        hash: BlobHash,
        room: &mut Room,
        writer: &mut Writer<'_, W>,
    ) -> Result<(), PackageError> {
        // Not every file has arrived; what is missing goes along another time.
        let evidence = &self.desk.home.evidence;
        let Some(size) = evidence.whole(hash).map_err(Fault::from)? else {
            return Ok(());
        };
        if size == 0 || !room.takes(size) {
            return Ok(());
        }
        writer.evidence(hash, size)?;
        self.parts(hash, size, writer)
    }

    /// The bytes of a file that was begun.
    fn parts<W: Write>(
        &self,
        hash: BlobHash,
        size: u64,
        writer: &mut Writer<'_, W>,
    ) -> Result<(), PackageError> {
        let evidence = &self.desk.home.evidence;
        let mut at = 0;
        while at < size {
            let part = evidence
                .read(hash, at, PART)
                .map_err(Fault::from)?
                .filter(|part| !part.is_empty())
                .ok_or_else(|| Fault::internal(&"evidence is shorter than it was"))?;
            at += part.len() as u64;
            writer.part(&part)?;
        }
        Ok(())
    }
}
