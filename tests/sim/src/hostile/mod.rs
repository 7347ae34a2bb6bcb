//! Devices of bad faith beside the honest ones, with the whole protocol in hand: they sign what does not exist, claim any time, write in
//! others' names and channels, forge receipts and packages, fork their logs, keep things back for each other, send junk and repeat what
//! they heard.
//!
//! Their dice are a stream of their own, so that the honest part of a world is thrown for as without them. Each lie says at once what must
//! come of it: the endpoint refuses it ([`Enemies::forbidden`]), or every honest reader sees what it is ([`Lie`]). What honest people wrote
//! is held against the truth as ever.

mod hand;
mod judge;
mod lies;
mod noise;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context as _, Result, ensure};
use shicha_domain::{
    Channel, DeviceId, Entry, EntryId, PersonId, ReceiptId, RecordId,
    directory::{Person, Role},
    suite::{PublicKey, SigningKey},
};
use shicha_sync::{
    client::Clock as _,
    protocol::{
        EnrolCode,
        end::Tick,
        messages::{EnrolReply, EnrolRequest},
        signing,
    },
};

use crate::{central::person, dice::Dice, hostile::lies::Lie, world::World};

/// The purpose of the enemies' dice.
const PURPOSE: u64 = 0x000e_4e3e;
/// Where the enemies work: beside honest inspectors.
const ORG: &str = "320703";
/// How often in a hundred steps of the world one of them acts.
const OFTEN: u64 = 30;
/// The place of the first of them among all people.
const FIRST: usize = 100;

/// How many enemies the world of a seed has, where it has any: one or two.
pub(crate) fn enemies_of(seed: u64) -> usize {
    1 + Dice::new(seed).branch(PURPOSE).place(2)
}

/// One device of bad faith.
struct Enemy {
    key: SigningKey,
    server: PublicKey,
    device: DeviceId,
    person: PersonId,
    /// The receipts that it got, the enrolment's first.
    receipts: Vec<ReceiptId>,
    /// What its log goes on from: nothing, or the last entry under its earlier identity.
    base: EntryId,
    /// What it has written, whether anybody has it or not.
    log: Vec<Entry>,
    /// When it got another identity.
    minted_ms: Vec<u64>,
    /// What it has pulled.
    seen: BTreeMap<RecordId, Vec<(EntryId, Entry)>>,
    cursors: BTreeMap<Channel, u64>,
    /// Bodies of pushes that it sent.
    sent: Vec<Vec<u8>>,
    /// The newest tick, and an old one.
    ticks: Vec<Tick>,
    /// Up to where the endpoint has its log.
    held: u64,
}

impl Enemy {
    fn channel() -> Result<Channel> {
        Ok(format!("own/{ORG}").parse()?)
    }
}

/// All of them, and what they did.
pub(crate) struct Enemies {
    dice: Dice,
    all: Vec<Enemy>,
    /// Pushes of honest devices, as somebody heard them.
    heard: Vec<Vec<u8>>,
    /// What must be seen of which entry.
    lies: HashMap<EntryId, Lie>,
    /// What the endpoint must not take.
    forbidden: BTreeSet<EntryId>,
    /// What of all that follows from a record that the endpoint has.
    by_record: BTreeSet<EntryId>,
}

impl Enemies {
    /// The endpoint was restored, and may know nothing of the records that the enemies have seen.
    pub(crate) fn forget_records(&mut self) {
        for id in std::mem::take(&mut self.by_record) {
            self.forbidden.remove(&id);
            self.lies.remove(&id);
        }
        for enemy in &mut self.all {
            enemy.seen.clear();
            enemy.cursors.clear();
        }
    }
}

impl World<'_> {
    /// Enemies join the world, with codes that were given to them as to everybody.
    ///
    /// # Errors
    /// When they are not let in.
    pub(crate) async fn join_enemies(&mut self, seed: u64, count: usize) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        let mut enemies = Enemies {
            dice: Dice::new(seed).branch(PURPOSE ^ 1),
            all: Vec::new(),
            heard: Vec::new(),
            lies: HashMap::new(),
            forbidden: BTreeSet::new(),
            by_record: BTreeSet::new(),
        };
        for n in 0..count {
            let enemy = self.enrolled(&mut enemies.dice, FIRST + n).await?;
            self.step(format!("enemy {n} is enrolled"));
            enemies.all.push(enemy);
        }
        self.enemies = Some(enemies);
        Ok(())
    }

    async fn enrolled(&mut self, dice: &mut Dice, n: usize) -> Result<Enemy> {
        let person = person(n);
        let home = self.central.home().context("an instance runs")?;
        home.store.put_person(&Person {
            id: person,
            name: format!("第{n}人"),
            org: ORG.parse()?,
            role: Role::Inspector,
            certificate: None,
            is_active: true,
        })?;
        let server = home.signer.public_key();
        let mut bytes = [0; 32];
        dice.fill(&mut bytes);
        let key = SigningKey::from_bytes(&bytes);
        let public_key = key.public_key();
        let code: EnrolCode = self.central.code(person)?.parse()?;
        let code = code.canonical();
        let proof = signing::sign(&key, &signing::enrol_bytes(&server, &public_key, &code));
        let request = EnrolRequest {
            code,
            public_key,
            label: "来路不明".into(),
            proof,
            client_version: "0.1.0".into(),
        };
        let reply = self
            .asked_by(dice, &hand::post("/v1/enrol", &request)?)
            .await?
            .context("the world has just begun")?;
        let reply: EnrolReply = hand::message(&reply)?;
        Ok(Enemy {
            key,
            server,
            device: reply.device,
            person,
            receipts: vec![reply.receipt.id()],
            base: EntryId::NONE,
            log: Vec::new(),
            minted_ms: Vec::new(),
            seen: BTreeMap::new(),
            cursors: BTreeMap::new(),
            sent: Vec::new(),
            ticks: Vec::new(),
            held: 0,
        })
    }

    /// One of them does something, now and then.
    ///
    /// # Errors
    /// When a forgery passes, or somebody honest suffers.
    pub(crate) async fn enemies_act(&mut self) -> Result<()> {
        let Some(mut enemies) = self.enemies.take() else {
            return Ok(());
        };
        let done = if enemies.dice.percent(OFTEN) {
            self.act_of(&mut enemies).await
        } else {
            Ok(())
        };
        self.enemies = Some(enemies);
        done?;
        self.none_passed()
    }

    /// They send all that they have: what they kept back comes to light.
    ///
    /// # Errors
    /// When a forgery passes.
    pub(crate) async fn enemies_show_all(&mut self) -> Result<()> {
        let Some(mut enemies) = self.enemies.take() else {
            return Ok(());
        };
        let mut done = Ok(());
        for n in 0..enemies.all.len() {
            if done.is_ok() {
                done = self.send(&mut enemies, n, false).await;
            }
        }
        self.enemies = Some(enemies);
        done?;
        self.none_passed()
    }

    async fn act_of(&mut self, enemies: &mut Enemies) -> Result<()> {
        let n = enemies.dice.place(enemies.all.len());
        match enemies.dice.below(100) {
            0..12 => self.read(enemies, n).await,
            12..58 => self.lie(enemies, n),
            58..72 => {
                let tells_an_end = enemies.dice.percent(40);
                self.send(enemies, n, tells_an_end).await
            }
            72..80 => self.by_hand(enemies, n),
            80..84 => self.false_package(enemies, n),
            84..88 => self.junk(enemies, n).await,
            88 => self.mint(enemies, n).await,
            89..94 => self.replay(enemies, n).await,
            _ => self.intrude(enemies, n).await,
        }
    }

    /// Remembers what an honest device pushed.
    pub(crate) fn overhear(&mut self, path: &str, body: &[u8]) {
        if let Some(enemies) = &mut self.enemies
            && path == "/v1/push"
        {
            if enemies.heard.len() >= 20 {
                enemies.heard.remove(0);
            }
            enemies.heard.push(body.to_vec());
        }
    }

    /// Whether nothing that must not be taken has a number.
    fn none_passed(&self) -> Result<()> {
        if let Some(enemies) = &self.enemies {
            let passed = enemies
                .forbidden
                .iter()
                .find(|id| self.truth.held.contains(id));
            ensure!(passed.is_none(), "the endpoint took a forgery: {passed:?}");
        }
        Ok(())
    }

    /// The world's time.
    fn enemies_now(&self) -> u64 {
        self.watch.now_ms()
    }
}
