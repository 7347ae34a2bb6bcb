//! The world of a run: who is in it, and what the dice let happen next.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use shicha_domain::{Channel, EntryId, directory::OrgTree};
use shicha_sync::{
    client::{Outcome, Reply, SyncError, SyncErrorCode},
    protocol::VERSION,
};
use tempfile::TempDir;

use crate::{
    Trace,
    central::{Central, PEOPLE, person},
    clock::Watch,
    couriers::Parcel,
    dice::Dice,
    faults::Faults,
    hostile::Enemies,
    laptop::Laptop,
    line::{Lines, Message, broken},
    newer::Newer,
    truth::Truth,
};

/// A backup, and what the channels held when it was made.
pub(crate) type Backup = (std::path::PathBuf, BTreeMap<Channel, Vec<EntryId>>);

/// Who is in it.
pub(crate) struct World<'a> {
    pub(crate) dice: Dice,
    pub(crate) faults: Faults,
    pub(crate) watch: Watch,
    pub(crate) lines: Lines,
    pub(crate) central: Central,
    pub(crate) laptops: Vec<Laptop>,
    pub(crate) truth: Truth,
    pub(crate) tree: OrgTree,
    pub(crate) trace: &'a mut Trace,
    /// Answers that were given before, and may be given again by a bad line.
    pub(crate) old: Vec<(usize, String, Reply)>,
    pub(crate) newer: Option<Newer>,
    pub(crate) enemies: Option<Enemies>,
    /// Whether things may go wrong.
    pub(crate) is_bad: bool,
    pub(crate) parcels: Vec<Parcel>,
    pub(crate) backups: Vec<Backup>,
    pub(crate) revoked: Vec<shicha_domain::DeviceId>,
    pub(crate) root: TempDir,
    steps: usize,
}

impl<'a> World<'a> {
    /// The world of a seed, at its beginning.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn new(seed: u64, trace: &'a mut Trace) -> Result<Self> {
        let mut dice = Dice::new(seed);
        let root = tempfile::tempdir_in(crate::root())?;
        let watch = Watch::default();
        let faults = Faults::new(&mut dice);
        // Most worlds are small, so that many fit into an hour.
        let count = match dice.below(100) {
            0..70 => 2 + dice.place(3),
            70..96 => 5 + dice.place(4),
            _ => 9 + dice.place(22),
        };
        let instances = 1 + dice.place(3);
        let mut central = Central::new(root.path(), instances, watch.other(), &dice)?;
        for n in 0..instances {
            central.start(n)?;
        }
        let home = central.home().context("an instance runs")?;
        let tree = OrgTree::of(&home.store.register()?.directory);
        let lines = Lines::default();
        let fingerprint = central.fingerprint()?;
        let first = dice.place(PEOPLE.len());
        let mut laptops = Vec::new();
        for n in 0..count {
            let whose = if n < 3 { n } else { (first + n) % PEOPLE.len() };
            let mut laptop = Laptop::new(root.path(), n, whose, watch.other(), &dice)?;
            laptop.invitation = (central.code(person(whose))?, fingerprint.clone());
            laptop.start(&lines, None)?;
            laptops.push(laptop);
        }
        trace.step(format!(
            "{count} laptops, {instances} instances, {faults:?}"
        ));
        Ok(Self {
            steps: 50 + 12 * count + dice.place(60),
            dice,
            faults,
            watch,
            lines,
            central,
            laptops,
            truth: Truth::default(),
            tree,
            trace,
            old: Vec::new(),
            newer: None,
            enemies: None,
            is_bad: true,
            parcels: Vec::new(),
            backups: Vec::new(),
            revoked: Vec::new(),
            root,
        })
    }

    /// Who joins at the beginning besides the laptops.
    ///
    /// # Errors
    /// When they are not let in.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        if self.faults.versions {
            let random = self.laptops[0].random.clone();
            self.join_newer(&random).await?;
        }
        Ok(())
    }

    /// Lets things happen.
    ///
    /// # Errors
    /// When a promise is broken.
    pub(crate) async fn live(&mut self) -> Result<()> {
        for _ in 0..self.steps {
            self.watch.pass(1 + self.dice.below(60_000));
            let roll = self.dice.below(100);
            match roll {
                0..18 => self.begin_round()?,
                18..68 => {
                    for _ in 0..=self.dice.below(8) {
                        self.let_arrive().await?;
                    }
                }
                68..84 => self.write()?,
                84..90 => self.wake_up()?,
                _ => self.misfortune().await?,
            }
            self.bury()?;
            self.enemies_act().await?;
            self.bury()?;
        }
        Ok(())
    }

    pub(crate) fn step(&mut self, what: String) {
        self.trace.step(what);
    }

    /// A laptop to do something with.
    pub(crate) fn some(&mut self, fits: impl Fn(&Laptop) -> bool) -> Option<usize> {
        let fitting: Vec<usize> = self
            .laptops
            .iter()
            .filter(|one| fits(one))
            .map(|one| one.n)
            .collect();
        let at = self.dice.place(fitting.len());
        fitting.get(at).copied()
    }

    fn begin_round(&mut self) -> Result<()> {
        let Some(n) = self.some(|one| one.is_up() && !one.is_busy()) else {
            return Ok(());
        };
        self.step(format!("{n} begins a round"));
        self.laptops[n].begin();
        self.go_on(n)
    }

    /// Lets a laptop go on with its round, and looks at what came of it.
    pub(crate) fn go_on(&mut self, n: usize) -> Result<()> {
        let ended = self.laptops[n].go_on();
        if self.laptops[n].has_died() {
            return Ok(());
        }
        if let Some(ended) = ended {
            self.ended(n, &ended)?;
            self.look_at(n)?;
        }
        Ok(())
    }

    /// What a round may come to while the world is bad.
    fn ended(&mut self, n: usize, ended: &Result<Option<Outcome>, SyncError>) -> Result<()> {
        let what = match ended {
            Ok(None) => "is enrolled".to_owned(),
            Ok(Some(outcome)) => {
                if outcome.forked.is_some() {
                    self.trace.count("went on under a new identity");
                }
                self.trace.count("rounds");
                let Outcome {
                    pushed,
                    pulled,
                    uploaded,
                    downloaded,
                    forked,
                    skipped,
                    ..
                } = outcome;
                format!(
                    "{pushed} up, {pulled} down, {uploaded} files up, {downloaded} down, forked {forked:?}, skipped {skipped:?}"
                )
            }
            Err(error) => {
                self.trace.count("rounds that failed");
                self.judge(n, error)?;
                format!("{:?}", error.code())
            }
        };
        self.step(format!("{n}: {what}"));
        Ok(())
    }

    /// Whether an error is one that this world can cause.
    fn judge(&self, n: usize, error: &SyncError) -> Result<()> {
        let laptop = &self.laptops[n];
        let is_fair = match error.code() {
            SyncErrorCode::Offline
            | SyncErrorCode::ServerFull
            | SyncErrorCode::ServerRefused
            | SyncErrorCode::SlowDown
            | SyncErrorCode::NotAServer
            | SyncErrorCode::UnknownServer
            | SyncErrorCode::Untrustworthy
            | SyncErrorCode::BadCode => true,
            SyncErrorCode::Revoked => !self.revoked.is_empty(),
            // Also an old answer to what it asked while it spoke another one.
            SyncErrorCode::Version => laptop.speaks != VERSION || self.faults.versions,
            // A full disk; everything else would be the ledger's fault.
            SyncErrorCode::Ledger => self.faults.full,
            _ => false,
        };
        ensure!(is_fair, "{} came to {error:?}", laptop.name());
        Ok(())
    }

    /// Lets a message arrive, in whatever order and state.
    async fn let_arrive(&mut self) -> Result<()> {
        let count = self.lines.underway();
        if count == 0 {
            return self.begin_round();
        }
        let at = self.dice.place(count);
        match self.lines.take(at) {
            Message::Asked {
                call,
                laptop,
                speaks,
                mut request,
            } => {
                let fate = self.faults.fate(&mut self.dice);
                let running = self.central.running();
                let to = self.dice.place(running.len());
                self.trace.bytes(&request.body);
                self.step(format!(
                    "{laptop} asks {} of instance {to}: {fate:?}",
                    request.path
                ));
                if fate.is_lost || running.is_empty() {
                    return self.answered(call, Err(broken()));
                }
                if fate.is_repeated {
                    self.lines.put(Message::Asked {
                        call,
                        laptop,
                        speaks,
                        request: request.clone(),
                    });
                }
                if fate.is_cut {
                    let length = self.dice.place(request.body.len());
                    request.body.truncate(length);
                }
                if fate.is_newer {
                    add_field(&mut request.body);
                }
                let path = request.path.clone();
                self.overhear(&path, &request.body);
                let reply = self.central.answer(running[to], speaks, &request).await?;
                self.look_at_central()?;
                let Some(reply) = reply else {
                    self.trace.count("instances killed at work");
                    self.step("the instance died over it".to_owned());
                    return self.answered(call, Err(broken()));
                };
                self.trace.bytes(&reply.body);
                self.lines.put(Message::Answered {
                    call,
                    laptop,
                    path,
                    reply,
                });
                Ok(())
            }
            Message::Answered {
                call,
                laptop,
                path,
                mut reply,
            } => {
                let fate = self.faults.fate(&mut self.dice);
                self.step(format!("answer to {path}, {}: {fate:?}", reply.status));
                if fate.is_lost {
                    return self.answered(call, Err(broken()));
                }
                if fate.is_cut {
                    let length = self.dice.place(reply.body.len());
                    reply.body.truncate(length);
                }
                if fate.is_newer {
                    add_field(&mut reply.body);
                }
                if fate.is_old
                    && let Some((.., old)) = self
                        .old
                        .iter()
                        .rfind(|(of, about, _)| *of == laptop && *about == path)
                {
                    reply = old.clone();
                } else if !fate.is_cut {
                    self.old.push((laptop, path, reply.clone()));
                }
                self.answered(call, Ok(reply))
            }
        }
    }

    fn answered(
        &mut self,
        call: crate::line::Call,
        with: Result<Reply, shicha_sync::client::TransportFault>,
    ) -> Result<()> {
        match self.lines.end(call, with) {
            Some(n) => self.go_on(n),
            // Nobody waits for it any more.
            None => Ok(()),
        }
    }

    /// What the central endpoint has is what was said, numbered without a gap.
    pub(crate) fn look_at_central(&mut self) -> Result<()> {
        let found = self.central.beyond(&self.truth.known())?;
        self.truth.grow(found)
    }

    /// What a laptop has is what was said, all that it called saved is among it.
    pub(crate) fn look_at(&mut self, n: usize) -> Result<()> {
        self.laptops[n].work();
        self.truth.check_laptop(&self.laptops[n], &self.tree)?;
        Ok(())
    }

    /// Programs that were killed at work are no more.
    fn bury(&mut self) -> Result<()> {
        for n in 0..self.laptops.len() {
            if self.laptops[n].has_died() {
                self.trace.count("laptops killed at work");
                self.step(format!("{n} died at work"));
                self.laptops[n].kill()?;
            }
        }
        Ok(())
    }

    /// Somebody or something that is down starts.
    fn wake_up(&mut self) -> Result<()> {
        let down: Vec<usize> = (0..self.central.count())
            .filter(|n| !self.central.running().contains(n))
            .collect();
        if let Some(n) = down.get(self.dice.place(down.len())) {
            self.step(format!("instance {n} starts"));
            self.central.start(*n)?;
            self.look_at_central()?;
        }
        if let Some(n) = self.some(|one| !one.is_up()) {
            let dies_after = self.faults.death(&mut self.dice, 60);
            self.start(n, dies_after)?;
        }
        Ok(())
    }

    /// A laptop starts, and has everything that it called saved.
    pub(crate) fn start(&mut self, n: usize, dies_after: Option<u64>) -> Result<()> {
        self.step(format!("{n} starts, and dies after {dies_after:?}"));
        self.laptops[n].start(&self.lines, dies_after)?;
        if !self.laptops[n].is_up() {
            return Ok(());
        }
        self.settle_perhaps(n)?;
        self.look_at(n)
    }

    /// What was being saved when the program ended is there whole or not at all.
    fn settle_perhaps(&mut self, n: usize) -> Result<()> {
        let groups = std::mem::take(&mut self.laptops[n].perhaps);
        if groups.is_empty() {
            return Ok(());
        }
        let has = self.truth.check_laptop(&self.laptops[n], &self.tree)?;
        for group in groups {
            let there = group
                .iter()
                .filter(|mark| has.values().any(|has| has == *mark))
                .count();
            if there == group.len() {
                self.laptops[n].kept.extend(group);
            } else if there > 0 {
                bail!("{} has only a part of {group:?}", self.laptops[n].name());
            }
        }
        Ok(())
    }
}

/// What a newer version might say besides.
fn add_field(body: &mut Vec<u8>) {
    if body.first() == Some(&b'{') && body.len() > 2 {
        body.splice(
            1..1,
            br#""from_a_newer_version":{"a":[1,null]},"#.iter().copied(),
        );
    }
}
