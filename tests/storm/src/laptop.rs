//! A laptop in a process of its own: writes by dice, and goes rounds with the real engine, until it is killed or told to stop.
//!
//! What it says on its standard output, a line each, is what a screen would have shown:
//! `saved SEQ ID` after an append has returned, `acked SEQ ID` when the ledger holds a receipt, `fault CODE WORDS` when a round failed.
//! It stops when its standard input ends.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::Read as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use shicha_domain::{Channel, Event, Evidence, PersonId, RecordId, RecordKind, directory::Role};
use shicha_ledger::{DatabaseKey, Draft, Ledger};
use shicha_sync::client::{Engine, Outcome, SyncError};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::dice::Dice;

/// Which records there can be in a channel, so that two laptops write to the same ones.
const RECORDS: u64 = 12;
/// A file of several parts comes in so many of a hundred photos.
const LARGE_IN_HUNDRED: u64 = 6;
/// How long it may go on a good line without getting anywhere.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);

/// What the parent hands over: folder, seed, whether to settle.
pub(crate) struct Part {
    pub(crate) dir: std::path::PathBuf,
    pub(crate) seed: u64,
    pub(crate) settles: bool,
}

impl Part {
    pub(crate) fn words(&self) -> [OsString; 3] {
        [
            self.dir.clone().into_os_string(),
            self.seed.to_string().into(),
            if self.settles { "settle" } else { "write" }.into(),
        ]
    }

    fn read(words: &[OsString]) -> Result<Self> {
        let [dir, seed, how] = words else {
            bail!("folder, seed, how");
        };
        Ok(Self {
            dir: dir.into(),
            seed: seed.to_str().context("a seed")?.parse()?,
            settles: how == "settle",
        })
    }
}

/// The key of every ledger of the storm: making one is slow on purpose, and what it protects is nothing here.
pub(crate) fn key() -> DatabaseKey {
    DatabaseKey::from_bytes([7; 32])
}

pub(crate) fn wall_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

/// Opens a ledger that may have been left in the middle of anything.
pub(crate) fn open(dir: &Path) -> Result<Ledger> {
    let (ledger, report) = Ledger::open(dir, &key(), wall_ms())?;
    ensure!(
        report.salvage.is_none(),
        "a kill damages no database: {:?}",
        report.salvage
    );
    Ok(ledger)
}

/// The record of that number in a channel.
pub(crate) fn record(channel: &Channel, number: u64) -> RecordId {
    let name = format!("{channel} {number}");
    let digest: [u8; 32] = Sha256::digest(name).into();
    let (first, _) = digest.split_at(16);
    RecordId(Uuid::from_slice(first).unwrap_or_default())
}

/// All records that a channel can have.
pub(crate) fn records(channel: &Channel) -> impl Iterator<Item = RecordId> {
    (0..RECORDS).map(|number| record(channel, number))
}

/// Plays the laptop.
pub(crate) fn run(words: &[OsString]) -> Result<()> {
    let part = Part::read(words)?;
    let ledger = open(&part.dir)?;
    let (head, _) = ledger.head()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let stopped = Arc::new(Notify::new());
    std::thread::spawn({
        let stopped = Arc::clone(&stopped);
        move || {
            // Ends when whoever started this closes it, or is gone.
            let mut nothing = Vec::new();
            let _end = std::io::stdin().read_to_end(&mut nothing).is_err();
            stopped.notify_one();
        }
    });
    println!("open {head}");
    if part.settles {
        return runtime.block_on(settle(&ledger));
    }
    let wrote = Arc::new(Notify::new());
    let is_stopping = Arc::new(AtomicBool::new(false));
    let (ended, mut writing) = tokio::sync::oneshot::channel();
    // Writing blocks, as it does behind a screen.
    std::thread::spawn({
        let (ledger, wrote) = (ledger.clone(), Arc::clone(&wrote));
        let (dice, is_stopping) = (Dice::new(part.seed, head), Arc::clone(&is_stopping));
        move || {
            let result = Writer::new(ledger, dice)
                .and_then(|mut writer| writer.write_on(&wrote, &is_stopping));
            // Nobody hears it when the rounds have failed.
            let _unheard = ended.send(result).is_err();
        }
    });
    // Leaving the runtime waits for what it has begun on the ledger: ending the process under it would take the ciphers away from it.
    runtime.block_on(async {
        tokio::select! {
            result = go_rounds(&ledger, &wrote) => return result,
            result = &mut writing => return result?.context("writing"),
            () = stopped.notified() => {}
        }
        // The round that is under way is left where it is, as when the program is closed.
        is_stopping.store(true, Ordering::SeqCst);
        writing.await?.context("writing")
    })
}

async fn go_rounds(ledger: &Ledger, wrote: &Notify) -> Result<()> {
    let ledger_for = ledger.clone();
    let engine = tokio::task::spawn_blocking(move || Engine::for_ledger(&ledger_for)).await??;
    let mut told = 0;
    loop {
        let outcome = engine.sync_once(ledger, &|_| {}).await;
        tell(ledger, &outcome, &mut told)?;
        let pause = if outcome.is_ok() { 150 } else { 40 };
        tokio::select! {
            () = wrote.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(pause)) => {}
        }
    }
}

fn tell(ledger: &Ledger, outcome: &Result<Outcome, SyncError>, told: &mut u64) -> Result<()> {
    let (seq, id) = ledger.acked()?;
    if seq > *told {
        *told = seq;
        println!("acked {seq} {id}");
    }
    match outcome {
        Ok(outcome) => {
            if let Some(count) = outcome.forked {
                println!("fault forked {count}");
            }
            for skipped in &outcome.skipped {
                println!(
                    "fault {:?} {} {}",
                    skipped.code, skipped.what, skipped.detail
                );
            }
        }
        Err(error) => println!("fault {:?} {error}", error.code()),
    }
    Ok(())
}

/// Goes rounds until there is nothing left to send or to fetch.
async fn settle(ledger: &Ledger) -> Result<()> {
    let mut moved = Instant::now();
    loop {
        let ledger_for = ledger.clone();
        // A new one each time: what a file was left alone for has passed with the storm.
        let engine = tokio::task::spawn_blocking(move || Engine::for_ledger(&ledger_for)).await??;
        let outcome = engine.sync_once(ledger, &|_| {}).await;
        tell(ledger, &outcome, &mut 0)?;
        let is_quiet = outcome
            .as_ref()
            .is_ok_and(|outcome| outcome.pulled == 0 && outcome.skipped.is_empty());
        if is_quiet
            && ledger.outbox(1, 1)?.is_empty()
            && ledger.blobs_waiting(1)?.is_empty()
            && ledger.blobs_wanted(1)?.is_empty()
        {
            return Ok(());
        }
        if let Ok(outcome) = &outcome
            && outcome.pushed + outcome.pulled + outcome.uploaded + outcome.downloaded > 0
        {
            moved = Instant::now();
        }
        ensure!(
            moved.elapsed() < SETTLED_WITHIN,
            "nothing settles on a good line: {outcome:?}, {} entries, {} files to send, {} to fetch",
            ledger.outbox(1_000, 1 << 20)?.len(),
            ledger.blobs_waiting(1_000)?.len(),
            ledger.blobs_wanted(1_000)?.len()
        );
    }
}

/// Writes as a person does, only faster.
struct Writer {
    ledger: Ledger,
    dice: Dice,
    person: PersonId,
    channel: Option<Channel>,
}

impl Writer {
    fn new(ledger: Ledger, dice: Dice) -> Result<Self> {
        let identity = ledger.identity()?.context("it is enrolled")?;
        // The supervisor of the city only reads.
        let writes = identity.role == Role::Inspector;
        let channel = format!("own/{}", identity.org).parse()?;
        Ok(Self {
            person: identity.person,
            channel: writes.then_some(channel),
            ledger,
            dice,
        })
    }

    fn write_on(&mut self, wrote: &Notify, is_stopping: &AtomicBool) -> Result<()> {
        while !is_stopping.load(Ordering::SeqCst) {
            if let Some(channel) = self.channel.clone() {
                for _ in 0..=self.dice.below(3) {
                    self.write(&channel)?;
                }
                wrote.notify_one();
            }
            std::thread::sleep(Duration::from_millis(20 + self.dice.below(280)));
        }
        Ok(())
    }

    fn write(&mut self, channel: &Channel) -> Result<()> {
        let record = record(channel, self.dice.below(RECORDS));
        let event = match self.ledger.record(record)? {
            None => Event::Opened {
                kind: RecordKind::Subject,
                fields: BTreeMap::from([
                    (
                        "name".to_owned(),
                        json!(format!("第{}家", self.dice.below(1_000))),
                    ),
                    ("subject_kind".to_owned(), json!("enterprise")),
                ]),
            },
            Some(_) if self.dice.in_hundred(7) => self.photo()?,
            Some(state) => {
                let field = ["phone", "address", "remark"][self.dice.below(3) as usize];
                Event::Set {
                    field: field.to_owned(),
                    value: json!(self.dice.any().to_string()),
                    replaces: state.heads_of(field),
                }
            }
        };
        let draft = Draft {
            channel: channel.clone(),
            record,
            event,
        };
        for one in self.ledger.append(self.person, vec![draft], wall_ms())? {
            // Only now would a screen say that it is saved.
            println!("saved {} {}", one.seq, one.entry);
        }
        Ok(())
    }

    fn photo(&mut self) -> Result<Event> {
        let length = if self.dice.in_hundred(LARGE_IN_HUNDRED) {
            1_100_000 + self.dice.below(400_000)
        } else {
            3_000 + self.dice.below(30_000)
        };
        let bytes: Vec<u8> = (0..length.div_ceil(8))
            .flat_map(|_| self.dice.any().to_le_bytes())
            .collect();
        let taken = self
            .ledger
            .blob_import(&mut bytes.as_slice(), &mut |_| {}, wall_ms())?;
        Ok(Event::Attached {
            place: "record".into(),
            evidence: Evidence {
                blob: taken.hash,
                size: taken.size,
                name: "照片.jpg".into(),
                mime: taken.mime,
                source: "file".into(),
                taken_at_ms: None,
                position_e7: None,
                camera: None,
                derived_from: None,
            },
        })
    }
}
