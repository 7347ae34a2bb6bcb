//! What must hold: after each kill, and when everything has come to rest.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::{Context as _, Result, ensure};
use shicha_domain::{Channel, DeviceId, EntryId, Event};
use shicha_ledger::Ledger;
use shicha_server::home::Home;

use crate::laptop::{open, records};

/// More than any storm writes.
const ALL: usize = 1_000_000;

/// What a laptop has told, as people would have read it on its screen.
pub(crate) struct Told {
    pub(crate) dir: PathBuf,
    pub(crate) name: &'static str,
    pub(crate) device: DeviceId,
    /// Said to be saved, by place in its ledger.
    saved: BTreeMap<u64, String>,
    /// Said to be at the endpoint, up to here.
    acked: Option<(u64, String)>,
    /// Up to where its ledger was looked at.
    looked_upto: u64,
    /// Rounds that failed, by code.
    pub(crate) faults: BTreeMap<String, u64>,
}

impl Told {
    pub(crate) fn new(dir: PathBuf, name: &'static str, device: DeviceId) -> Self {
        Self {
            dir,
            name,
            device,
            saved: BTreeMap::new(),
            acked: None,
            looked_upto: 0,
            faults: BTreeMap::new(),
        }
    }

    /// Takes down what it said. A bad line has its reasons; everything else is a fault of ours.
    pub(crate) fn hear(&mut self, lines: Vec<String>) -> Result<()> {
        for line in lines {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            match words[..] {
                ["saved", seq, id] => {
                    self.saved.insert(seq.parse()?, id.to_owned());
                }
                ["acked", seq, id] => self.acked = Some((seq.parse()?, id.to_owned())),
                ["fault", code, ..] => {
                    let is_expected = matches!(
                        code,
                        "Offline" | "ServerRefused" | "SlowDown" | "NotAServer"
                    );
                    ensure!(is_expected, "{}: {line}", self.name);
                    *self.faults.entry(code.to_owned()).or_default() += 1;
                }
                _ => ensure!(line.starts_with("open"), "{}: {line}", self.name),
            }
        }
        Ok(())
    }

    /// How many entries it said were saved.
    pub(crate) fn count(&self) -> usize {
        self.saved.len()
    }

    /// Everything that was said to be saved since the last look is in the ledger, at its place.
    pub(crate) fn check_saved(&mut self) -> Result<Ledger> {
        let ledger = open(&self.dir)?;
        let log = ledger.own_log(self.looked_upto, ALL, usize::MAX)?;
        let held: BTreeMap<u64, String> = log
            .iter()
            .map(|(id, entry)| (entry.seq, id.to_string()))
            .collect();
        for (seq, id) in self.saved.range(self.looked_upto + 1..) {
            ensure!(
                held.get(seq) == Some(id),
                "{}: entry {seq} was on the screen as saved, and the ledger has {:?} there",
                self.name,
                held.get(seq)
            );
        }
        self.looked_upto = ledger.head()?.0;
        Ok(ledger)
    }

    /// Everything that was acknowledged is at the endpoint.
    pub(crate) fn check_acked(&self, home: &Home) -> Result<()> {
        let Some((seq, id)) = &self.acked else {
            return Ok(());
        };
        let at = home.store.log(self.device, *seq, 1)?;
        let held = at.first().map(|head| (head.seq, head.id.to_string()));
        ensure!(
            held.as_ref() == Some(&(*seq, id.clone())),
            "{}: entry {seq} was acknowledged, and the endpoint has {held:?} there",
            self.name
        );
        Ok(())
    }
}

/// No number of a channel is missing, none was given twice.
pub(crate) fn check_numbers(home: &Home) -> Result<()> {
    for one in home.store.channels()? {
        ensure!(
            one.last == one.count && one.last == one.highest,
            "the numbers of {} have a gap: {one:?}",
            one.channel
        );
    }
    Ok(())
}

/// Everything is at rest: the endpoint has what the ledgers have, and nothing else, and everybody who may see it has the same.
pub(crate) fn check_all(told: &mut [Told], home: &Home) -> Result<u64> {
    let mut written = BTreeSet::new();
    let mut ledgers = Vec::new();
    for one in &mut *told {
        let ledger = one.check_saved()?;
        ensure!(
            ledger.identity()?.context("enrolled")?.device == one.device,
            "{} goes on under another identity, though no copy of it was ever made",
            one.name
        );
        let own: Vec<(u64, EntryId)> = ledger
            .own_log(0, ALL, usize::MAX)?
            .iter()
            .map(|(id, entry)| (entry.seq, *id))
            .collect();
        let held: Vec<(u64, EntryId)> = home
            .store
            .entries_of(one.device, 1, ALL)?
            .iter()
            .map(|held| (held.entry.seq, held.id))
            .collect();
        ensure!(
            own == held,
            "{}: the endpoint has {} entries of its {}, or others",
            one.name,
            held.len(),
            own.len()
        );
        written.extend(own.into_iter().map(|(_, id)| id));
        ensure!(ledger.refused()?.is_empty(), "{}: refused", one.name);
        let verified = ledger.verify(&mut |_, _| {})?;
        ensure!(
            verified.first_bad.is_none(),
            "{}: {:?}",
            one.name,
            verified.first_bad
        );
        ledgers.push(ledger);
    }
    for device in home.store.devices()? {
        ensure!(
            told.iter().any(|one| one.device == device.device.id),
            "a device that nobody enrolled"
        );
    }
    let [one, other, neighbour, city] = &ledgers[..] else {
        anyhow::bail!("four laptops");
    };
    ensure!(
        one.views_digest()? == other.views_digest()?,
        "two laptops of one bureau do not see the same, byte for byte"
    );
    let before = city.views_digest()?;
    city.rebuild(&mut |_, _| {})?;
    ensure!(
        city.views_digest()? == before,
        "the views are not those of the entries"
    );
    let (mut seen, mut photos) = (BTreeSet::new(), 0);
    for (org, readers) in [("320703", vec![one, other]), ("320706", vec![neighbour])] {
        let channel: Channel = format!("own/{org}").parse()?;
        for record in records(&channel) {
            let Some(of_city) = city.record(record)? else {
                continue;
            };
            for reader in &readers {
                let same = reader
                    .record(record)?
                    .is_some_and(|state| state.content_digest() == of_city.content_digest());
                ensure!(same, "{org}: {record} is another at the city's");
            }
            for stored in city.entries_of(record)? {
                seen.insert(stored.id);
                if let Ok(Event::Attached { evidence, .. }) = Event::parse(&stored.entry.event) {
                    let info = city.blob_info(evidence.blob)?;
                    ensure!(
                        info.is_some_and(|info| info.is_complete),
                        "a photo has not reached the city: {}",
                        evidence.blob
                    );
                    photos += 1;
                }
            }
        }
    }
    ensure!(
        seen == written,
        "the city sees {} entries of {} that were written, or others",
        seen.len(),
        written.len()
    );
    Ok(photos)
}
