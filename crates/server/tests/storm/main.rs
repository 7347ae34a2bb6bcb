//! A bad line and a program that is killed: several devices with real ledgers and the real central endpoint, over a transport that
//! loses, repeats, tears and brings old answers again, and a server that is restored from a backup in between; from a seed that a
//! failure prints.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod line;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::json;
use shicha_domain::{
    Channel, EntryId, Event, Evidence, PersonId, RecordId, RecordKind, directory::Role,
};
use shicha_ledger::{Draft, KeyStore, Ledger};
use shicha_sync::client::{Clock, Engine, HttpTransport, enrol};
use uuid::Uuid;

use crate::{
    common::{Server, wall_ms},
    line::{Dice, Line},
};

const STEPS: usize = 90;
const PASSPHRASE: &str = "storm storm storm";

/// The wall's time, and a minute more for each step.
struct Later(Arc<AtomicU64>);

impl Clock for Later {
    fn now_ms(&self) -> u64 {
        wall_ms() + self.0.load(Ordering::SeqCst)
    }
}

struct Laptop {
    dir: PathBuf,
    person: PersonId,
    channel: Channel,
    ledger: Ledger,
    engine: Engine,
    line: Line,
}

impl Laptop {
    async fn set_up(
        server: &Server,
        dir: &Path,
        name: &str,
        org: &str,
        role: Role,
        dice: &Dice,
    ) -> Self {
        let dir = dir.join(name);
        let key = KeyStore::new(&dir)
            .create_with_passphrase(PASSPHRASE)
            .unwrap();
        let (ledger, _) = Ledger::open(&dir, &key, wall_ms()).unwrap();
        let person = server.person(name, org, role);
        let fingerprint = shicha_domain::receipt::fingerprint(&server.key);
        enrol(
            &ledger,
            &server.url,
            &fingerprint,
            &server.code(person),
            name,
        )
        .await
        .unwrap();
        let line = Line::new(HttpTransport::new(&server.url).unwrap(), dice);
        let engine = Engine::new(
            Arc::new(line.clone()),
            Arc::new(Later(Arc::clone(&server.ahead_ms))),
        );
        Self {
            dir,
            person,
            channel: format!("own/{org}").parse().unwrap(),
            ledger,
            engine,
            line,
        }
    }

    /// The program is gone in the middle of whatever it did, and started again.
    fn restart(self, server: &Server) -> Self {
        let Self {
            dir,
            person,
            channel,
            ledger,
            engine,
            line,
        } = self;
        drop(engine);
        drop(ledger);
        let key = KeyStore::new(&dir)
            .unlock_with_passphrase(PASSPHRASE)
            .unwrap();
        let (ledger, report) = Ledger::open(&dir, &key, wall_ms()).unwrap();
        assert_eq!(report.salvage, None);
        let engine = Engine::new(
            Arc::new(line.clone()),
            Arc::new(Later(Arc::clone(&server.ahead_ms))),
        );
        Self {
            dir,
            person,
            channel,
            ledger,
            engine,
            line,
        }
    }

    /// A round that may be cut off by a kill. Whether the program is still there.
    async fn round(&self) -> bool {
        tokio::select! {
            biased;
            () = self.line.killed() => false,
            // Whatever goes wrong on a bad line, the next round sees to it.
            _ = self.engine.sync_once(&self.ledger, &|_| {}) => true,
        }
    }

    fn write(
        &self,
        dice: &Dice,
        records: &mut Vec<(Channel, RecordId)>,
        now_ms: u64,
    ) -> Vec<EntryId> {
        let mine: Vec<RecordId> = records
            .iter()
            .filter(|(channel, _)| *channel == self.channel)
            .map(|(_, record)| *record)
            .collect();
        let known: Vec<RecordId> = mine
            .into_iter()
            .filter(|record| self.ledger.record(*record).unwrap().is_some())
            .collect();
        let draft = if known.is_empty() || dice.below(5) == 0 {
            let record = RecordId(Uuid::from_u128(
                u128::from(dice.roll()) << 64 | u128::from(dice.roll()),
            ));
            records.push((self.channel.clone(), record));
            let fields = BTreeMap::from([
                ("name".to_owned(), json!(format!("第{}家", records.len()))),
                ("subject_kind".to_owned(), json!("enterprise")),
            ]);
            self.draft(
                record,
                Event::Opened {
                    kind: RecordKind::Subject,
                    fields,
                },
            )
        } else {
            let record = known[dice.below(known.len() as u64) as usize];
            if dice.below(6) == 0 {
                let photo: Vec<u8> = (0..3_000 + dice.below(9_000))
                    .map(|_| dice.roll() as u8)
                    .collect();
                let taken = self
                    .ledger
                    .blob_import(&mut photo.as_slice(), &mut |_| {}, now_ms)
                    .unwrap();
                let evidence = Evidence {
                    blob: taken.hash,
                    size: taken.size,
                    name: "照片.jpg".into(),
                    mime: taken.mime,
                    source: "file".into(),
                    taken_at_ms: None,
                    position_e7: None,
                    camera: None,
                    derived_from: None,
                };
                self.draft(
                    record,
                    Event::Attached {
                        place: "record".into(),
                        evidence,
                    },
                )
            } else {
                let field = ["phone", "address", "remark"][dice.below(3) as usize];
                let replaces = self.ledger.record(record).unwrap().unwrap().heads_of(field);
                let value = json!(dice.below(1_000).to_string());
                self.draft(
                    record,
                    Event::Set {
                        field: field.into(),
                        value,
                        replaces,
                    },
                )
            }
        };
        let appended = self
            .ledger
            .append(self.person, vec![draft], now_ms)
            .unwrap();
        appended.iter().map(|one| one.entry).collect()
    }

    fn draft(&self, record: RecordId, event: Event) -> Draft {
        Draft {
            channel: self.channel.clone(),
            record,
            event,
        }
    }

    fn entries(&self, records: &[(Channel, RecordId)]) -> BTreeSet<EntryId> {
        let of = |record: &RecordId| self.ledger.entries_of(*record).unwrap();
        records
            .iter()
            .flat_map(|(_, record)| of(record))
            .map(|stored| stored.id)
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_line_does_nothing_is_lost_and_everybody_ends_with_the_same() {
    let seed = std::env::var("SHICHA_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_211_220);
    println!("SHICHA_SEED={seed}");
    storm(seed).await;
}

async fn storm(seed: u64) {
    let mut server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let dice = Dice::new(seed);
    let mut laptops = Vec::new();
    for (name, org, role) in [
        ("甲", "320703", Role::Inspector),
        ("乙", "320703", Role::Inspector),
        ("丙", "320706", Role::Inspector),
        ("市", "320700", Role::Supervisor),
    ] {
        laptops.push(Laptop::set_up(&server, dir.path(), name, org, role, &dice).await);
    }
    let (mut records, mut written, mut kills) = (Vec::new(), BTreeSet::new(), 0);
    let mut backup = None;
    for step in 0..STEPS {
        server.ahead_ms.fetch_add(60_000, Ordering::SeqCst);
        let at = dice.below(laptops.len() as u64) as usize;
        // The supervisor only reads.
        if at < 3 {
            for _ in 0..=dice.below(3) {
                let now_ms = wall_ms() + server.ahead_ms.load(Ordering::SeqCst);
                written.extend(laptops[at].write(&dice, &mut records, now_ms));
            }
        }
        laptops[at].line.be_bad();
        if dice.below(3) == 0 {
            laptops[at].line.kill_after(dice.below(12));
        }
        if !laptops[at].round().await {
            kills += 1;
            let laptop = laptops.remove(at);
            laptop.line.be_good();
            laptops.insert(at, laptop.restart(&server));
        }
        match step {
            29 => {
                server.stop().await;
                server.start_again().await;
            }
            44 => backup = Some(server.backup()),
            74 => {
                if let Some(backup) = backup.take() {
                    server.restore(&backup).await;
                    laptops.iter().for_each(|laptop| laptop.line.forget());
                }
            }
            _ => {}
        }
    }
    assert!(kills > 3, "the storm kills: {kills}");

    // Calm: whoever wrote sends it, and then everybody fetches the others'.
    for _ in 0..2 {
        for laptop in &laptops {
            laptop.line.be_good();
            server.ahead_ms.fetch_add(11 * 60_000, Ordering::SeqCst);
            let outcome = laptop
                .engine
                .sync_once(&laptop.ledger, &|_| {})
                .await
                .unwrap();
            assert_eq!(outcome.skipped, []);
        }
    }
    for laptop in &laptops {
        let name = laptop.dir.file_name().unwrap();
        assert_eq!(
            laptop.ledger.outbox(1, 1).unwrap(),
            [],
            "{name:?} has delivered everything"
        );
        assert_eq!(laptop.ledger.blobs_waiting(10).unwrap(), []);
        assert_eq!(laptop.ledger.blobs_wanted(10).unwrap(), []);
        assert_eq!(
            laptop.ledger.verify(&mut |_, _| {}).unwrap().first_bad,
            None
        );
        let digest = laptop.ledger.views_digest().unwrap();
        laptop.ledger.rebuild(&mut |_, _| {}).unwrap();
        assert_eq!(
            laptop.ledger.views_digest().unwrap(),
            digest,
            "{name:?}: the views are those of the entries"
        );
    }
    assert_eq!(
        laptops[3].entries(&records),
        written,
        "the city has every entry that was ever written, and no other"
    );
    assert_eq!(
        laptops[0].ledger.views_digest().unwrap(),
        laptops[1].ledger.views_digest().unwrap()
    );
    for (_, record) in &records {
        let of_city = laptops[3]
            .ledger
            .record(*record)
            .unwrap()
            .unwrap()
            .content_digest();
        for laptop in &laptops[..3] {
            if let Some(state) = laptop.ledger.record(*record).unwrap() {
                assert_eq!(state.content_digest(), of_city);
            }
        }
    }
    assert!(
        laptops[2].ledger.counts().unwrap().entries < laptops[3].ledger.counts().unwrap().entries,
        "a county does not see its neighbour"
    );
    server.stop().await;
    let found = shicha_server::verify::verify(&server.home(), &mut |_| {}).unwrap();
    assert_eq!(found.faults, []);
}
