//! What people did, remembered outside of all databases: everything else is held against it.
//!
//! Each thing that is said bears a mark of its own, `§n§`, in its text, so that it is known again wherever it turns up and under
//! whatever identity of a device it was written again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::{Context as _, Result, ensure};
use shicha_domain::{
    Channel, Digest, Entry, EntryId, Event, PersonId, RecordId, RecordState,
    authority::{self, Actor},
    directory::OrgTree,
};
use shicha_ledger::{EntryDelivery, Ledger};

use crate::laptop::Laptop;

/// Something that somebody did.
struct Said {
    person: PersonId,
    channel: Channel,
    record: RecordId,
    event: Event,
}

/// All of it.
pub(crate) struct Truth {
    said: BTreeMap<u64, Said>,
    /// What was refused at once: it must not turn up anywhere.
    pub(crate) never: BTreeSet<u64>,
    /// Every record, with its channel.
    pub(crate) records: Vec<(Channel, RecordId)>,
    /// The content under which each signature was given, by the signature's mark.
    pub(crate) signed: BTreeMap<u64, (Digest, String)>,
    /// What each channel of the central endpoint holds, by number from 1.
    pub(crate) numbered: BTreeMap<Channel, Vec<EntryId>>,
    /// All of that as a set.
    given: HashSet<EntryId>,
    /// The same with the names of what was written again.
    pub(crate) held: HashSet<EntryId>,
    /// What it held before it was restored from a backup, and not since.
    pub(crate) lost: HashSet<EntryId>,
    /// Of each record the signature whose version counts, and its content, once somebody has received that; `None`: nothing of this holds,
    /// because the endpoint was restored.
    firm: Option<HashMap<RecordId, (EntryId, Digest)>>,
    /// The mark of each entry that turned up, by its id and by its name.
    marks: HashMap<EntryId, u64>,
    /// The name of each entry that was written again, by its id.
    names: HashMap<EntryId, EntryId>,
}

impl Default for Truth {
    fn default() -> Self {
        Self {
            said: BTreeMap::new(),
            never: BTreeSet::new(),
            records: Vec::new(),
            signed: BTreeMap::new(),
            numbered: BTreeMap::new(),
            given: HashSet::new(),
            held: HashSet::new(),
            lost: HashSet::new(),
            firm: Some(HashMap::new()),
            marks: HashMap::new(),
            names: HashMap::new(),
        }
    }
}

/// The mark in an event's text.
fn mark_of(event: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(event).ok()?;
    text.split('§').nth(1)?.parse().ok()
}

impl Truth {
    /// The mark for the next thing that is said.
    pub(crate) fn next(&self) -> u64 {
        self.said.len() as u64 + 1
    }

    /// Somebody says something.
    pub(crate) fn say(
        &mut self,
        person: PersonId,
        channel: &Channel,
        record: RecordId,
        event: &Event,
    ) -> u64 {
        let mark = self.next();
        let said = Said {
            person,
            channel: channel.clone(),
            record,
            event: event.clone(),
        };
        self.said.insert(mark, said);
        mark
    }

    /// Holds an entry that turned up against what was said.
    ///
    /// # Errors
    /// When nobody said it, or not so.
    pub(crate) fn check(&mut self, id: EntryId, entry: &Entry) -> Result<u64> {
        if entry.id() == id
            && let Some(mark) = self.marks.get(&id)
        {
            return Ok(*mark);
        }
        let found = || format!("{id} is {}", String::from_utf8_lossy(&entry.event));
        ensure!(
            entry.id() == id,
            "an entry is not what its name says: {}",
            found()
        );
        let mark = mark_of(&entry.event).with_context(found)?;
        let said = self.said.get(&mark).with_context(found)?;
        let is_so = said.person == entry.author
            && said.channel == entry.channel
            && said.record == entry.record
            && Event::parse(&entry.event).as_ref() == Ok(&said.event);
        ensure!(
            is_so,
            "somebody else or something else was said: {}",
            found()
        );
        ensure!(
            !self.never.contains(&mark),
            "what was refused turned up: {}",
            found()
        );
        let name = entry.name(id);
        self.marks.extend([(id, mark), (name, mark)]);
        self.names.insert(id, name);
        Ok(mark)
    }

    /// Under which name an entry of the central endpoint stands everywhere.
    pub(crate) fn name(&self, id: EntryId) -> EntryId {
        self.names.get(&id).copied().unwrap_or(id)
    }

    /// The numbers that are known of each channel.
    pub(crate) fn known(&self) -> HashMap<Channel, u64> {
        self.numbered
            .iter()
            .map(|(channel, ids)| (channel.clone(), ids.len() as u64))
            .collect()
    }

    /// Takes in what the central endpoint has beyond what is known.
    ///
    /// # Errors
    /// When a number is skipped or repeated, or an entry is not what was said.
    pub(crate) fn grow(&mut self, found: Vec<(Channel, u64, EntryId, Entry)>) -> Result<()> {
        for (channel, number, id, entry) in found {
            self.check(id, &entry)?;
            let ids = self.numbered.entry(channel.clone()).or_default();
            ensure!(
                number == ids.len() as u64 + 1,
                "{channel} goes on with {number} after {}",
                ids.len()
            );
            ensure!(self.given.insert(id), "{id} has two numbers");
            ids.push(id);
            let name = entry.name(id);
            self.held.extend([id, name]);
            self.lost.remove(&id);
            self.lost.remove(&name);
        }
        Ok(())
    }

    /// The central endpoint was restored, and holds this from the beginning.
    ///
    /// # Errors
    /// When that is not what it held when the backup was made.
    pub(crate) fn shrink(
        &mut self,
        found: Vec<(Channel, u64, EntryId, Entry)>,
        backed_up: &BTreeMap<Channel, Vec<EntryId>>,
    ) -> Result<()> {
        self.numbered.clear();
        self.given.clear();
        self.firm = None;
        self.lost.extend(std::mem::take(&mut self.held));
        self.grow(found)?;
        ensure!(
            self.numbered == *backed_up,
            "the restored endpoint is not what was backed up"
        );
        Ok(())
    }

    /// Whether the endpoint was restored from a backup.
    pub(crate) fn was_restored(&self) -> bool {
        self.firm.is_none()
    }

    /// Whether a laptop has pulled past all that it holds of a record. Before that it may know of its own signature that it was received,
    /// and not yet of an earlier one (invariant 4: once the cursor has passed what completed a version).
    fn is_pulled(&self, ledger: &Ledger, channel: &Channel, record: RecordId) -> Result<bool> {
        let upto = ledger.cursors()?.into_iter().find(|(of, _)| of == channel);
        let upto = usize::try_from(upto.map_or(0, |(_, upto)| upto))?;
        let beyond: HashSet<&EntryId> = (self.numbered.get(channel).into_iter())
            .flat_map(|ids| ids.iter().skip(upto))
            .collect();
        let entries = ledger.entries_of(record)?;
        Ok(entries.iter().all(|one| !beyond.contains(&one.entry.id())))
    }

    /// What was signed and received counts, and stays as it is, for everybody (invariant 4, what was received first counts).
    fn check_firm(&mut self, laptop: &Laptop, state: &RecordState) -> Result<()> {
        let (Some(firm), Some(counting)) = (&mut self.firm, state.counting()) else {
            return Ok(());
        };
        if counting.rank.is_some() {
            let now = (counting.signature(), state.content_digest());
            let first = *firm.entry(state.record()).or_insert(now);
            ensure!(
                first == now,
                "{}: {} was signed and received, and has changed",
                laptop.name(),
                state.record()
            );
        }
        Ok(())
    }

    /// Holds what a laptop has against everything; what it has of what was said, and under which names.
    ///
    /// # Errors
    /// When it lacks what it called saved, has what it may not see, calls delivered what is not there, or shows signed content changed.
    pub(crate) fn check_laptop(
        &mut self,
        laptop: &Laptop,
        tree: &OrgTree,
    ) -> Result<BTreeMap<EntryId, u64>> {
        let Some(ledger) = laptop.ledger.as_ref() else {
            return Ok(BTreeMap::new());
        };
        let Some(identity) = ledger.identity()? else {
            return Ok(BTreeMap::new());
        };
        let actor = Actor {
            person: identity.person,
            org: identity.org,
            role: identity.role,
        };
        let mut has = BTreeMap::new();
        for (channel, record) in self.records.clone() {
            let Some(state) = ledger.record(record)? else {
                continue;
            };
            if self.is_pulled(ledger, &channel, record)? {
                self.check_firm(laptop, &state)?;
            }
            let mut marks = BTreeSet::new();
            for stored in ledger.entries_of(record)? {
                let mark = self.check(stored.entry.id(), &stored.entry)?;
                // Under a record's name something may be here that an enemy wrote elsewhere.
                let written_to = &stored.entry.channel;
                let may_see = stored.entry.author == actor.person
                    || authority::may_read(&actor, written_to, tree);
                ensure!(may_see, "{} sees {written_to}", laptop.name());
                if let EntryDelivery::Delivered { .. } = stored.delivery {
                    let is_there = self.held.contains(&stored.id) || self.lost.contains(&stored.id);
                    ensure!(
                        is_there,
                        "{} calls §{mark}§ delivered, and it is not",
                        laptop.name()
                    );
                }
                marks.insert(mark);
                has.insert(stored.id, mark);
            }
            for version in state.versions() {
                if let Some(mark) = self.marks.get(&version.signature())
                    && let Some((digest, content)) = self.signed.get(mark)
                {
                    let now = || ledger.version_of(record, version.set);
                    ensure!(
                        version.digest == *digest,
                        "{}: what §{mark}§ signed has changed: from {content} to {}",
                        laptop.name(),
                        now()?
                            .map(|state| state.content().to_string())
                            .unwrap_or_default()
                    );
                }
            }
        }
        let marks: BTreeSet<u64> = has.values().copied().collect();
        let missing: Vec<&u64> = laptop.kept.difference(&marks).collect();
        ensure!(missing.is_empty(), "{} has lost {missing:?}", laptop.name());
        Ok(has)
    }
}
