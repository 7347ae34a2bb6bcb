//! The rounds of a storm.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use shicha_domain::directory::Role;
use shicha_sync::client::enrol;
use tokio::runtime::Runtime;

use crate::{
    LAPTOP, Storage,
    checks::{Told, check_all, check_numbers},
    children::Process,
    dice::Dice,
    endpoint::Endpoint,
    laptop::{self, Part},
    line::{Line, Quality},
    postgres::Stop,
};

/// After so many rounds everything is let come to rest and compared.
const CALM_EVERY: u64 = 50;
/// The longest that is waited before something is killed.
const LONGEST_MS: u64 = 900;

/// A laptop with its line.
struct Laptop {
    line: Line,
    process: Option<Process>,
}

/// What was done, for the last line.
#[derive(Default)]
struct Done {
    laptops: u64,
    processes: u64,
    databases: u64,
    calms: u64,
}

struct Storm {
    dir: PathBuf,
    seed: u64,
    dice: Dice,
    endpoint: Endpoint,
    laptops: Vec<Laptop>,
    told: Vec<Told>,
    done: Done,
    // Last: what runs in it ends after everything else.
    _runtime: Runtime,
}

/// Lets a storm pass.
pub(crate) fn run(storage: Storage, rounds: u64, seed: u64) -> Result<()> {
    println!("storm on {storage:?}: --seed {seed}");
    let begin = Instant::now();
    let folder = tempfile::tempdir()?;
    let mut storm = Storm::set_up(folder.path(), storage, seed)?;
    let passed = storm.pass(rounds);
    if let Err(error) = passed {
        let complaints = storm.endpoint.last_complaints();
        bail!("--seed {seed} on {storage:?}: {error:#}\nthe endpoint's last words:\n{complaints}");
    }
    let Done {
        laptops,
        processes,
        databases,
        calms,
    } = storm.done;
    let entries: usize = storm.told.iter().map(Told::count).sum();
    let broken: u64 = storm.laptops.iter().map(|one| one.line.broken()).sum();
    println!(
        "storm on {storage:?}: {rounds} rounds in {:.0} s; killed: {laptops} laptops, {processes} processes of the endpoint, {databases} databases; \
         {broken} connections cut; {entries} entries; compared {calms} times; nothing lost",
        begin.elapsed().as_secs_f64()
    );
    Ok(())
}

impl Storm {
    fn set_up(dir: &Path, storage: Storage, seed: u64) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let endpoint = Endpoint::start(dir, storage)?;
        let fingerprint = endpoint.home()?.signer.fingerprint();
        let (mut laptops, mut told) = (Vec::new(), Vec::new());
        for (n, (name, org, role)) in [
            ("甲", "320703", Role::Inspector),
            ("乙", "320703", Role::Inspector),
            ("丙", "320706", Role::Inspector),
            ("市", "320700", Role::Supervisor),
        ]
        .into_iter()
        .enumerate()
        {
            let code = endpoint.invite(name, org, role)?;
            let upstreams = endpoint.upstreams.clone();
            let line = runtime.block_on(Line::start(upstreams, Dice::new(seed, 100 + n as u64)))?;
            let folder = dir.join(format!("laptop-{n}"));
            std::fs::create_dir(&folder)?;
            let ledger = laptop::open(&folder)?;
            runtime.block_on(enrol(&ledger, &line.url, &fingerprint, &code, name))?;
            let device = ledger.identity()?.context("enrolled")?.device;
            told.push(Told::new(folder, name, device));
            laptops.push(Laptop {
                line,
                process: None,
            });
        }
        Ok(Self {
            dir: dir.to_owned(),
            seed,
            dice: Dice::new(seed, 1),
            endpoint,
            laptops,
            told,
            done: Done::default(),
            _runtime: runtime,
        })
    }

    fn pass(&mut self, rounds: u64) -> Result<()> {
        self.begin(false)?;
        for round in 1..=rounds {
            self.round()
                .with_context(|| format!("round {round} of {rounds}"))?;
            if round % CALM_EVERY == 0 && round < rounds {
                self.calm()
                    .with_context(|| format!("calm after round {round}"))?;
                println!("-- {round} rounds");
                self.begin(false)?;
            }
        }
        self.calm().context("calm at the end")
    }

    fn start(&self, at: usize, settles: bool) -> Result<Process> {
        let part = Part {
            dir: self.told[at].dir.clone(),
            seed: self.seed ^ (at as u64) << 32,
            settles,
        };
        let complaints = self.dir.join(format!("laptop-{at}.log"));
        let (process, _open) = Process::start(LAPTOP, part.words(), [], &complaints)
            .with_context(|| std::fs::read_to_string(&complaints).unwrap_or_default())?;
        Ok(process)
    }

    fn begin(&mut self, settles: bool) -> Result<()> {
        for at in 0..self.laptops.len() {
            let process = self.start(at, settles)?;
            self.laptops[at].process = Some(process);
        }
        Ok(())
    }

    /// Something is killed at a random instant and started again.
    fn round(&mut self) -> Result<()> {
        for laptop in &self.laptops {
            if self.dice.in_hundred(30) {
                laptop.line.be(Quality::by(&mut self.dice));
            }
        }
        // The instant is chance; nothing is expected of the time.
        std::thread::sleep(Duration::from_millis(self.dice.below(LONGEST_MS)));
        match self.dice.below(10) {
            0..5 => {
                let at = self.dice.below(self.laptops.len() as u64) as usize;
                self.kill_laptop(at)?;
            }
            5..8 => self.kill_endpoint()?,
            8 => {
                self.kill_endpoint()?;
                let at = self.dice.below(self.laptops.len() as u64) as usize;
                self.kill_laptop(at)?;
            }
            _ => self.kill_database()?,
        }
        self.endpoint.is_there()?;
        for at in 0..self.laptops.len() {
            let laptop = &mut self.laptops[at];
            let process = laptop.process.as_mut().context("it runs")?;
            self.told[at].hear(process.said())?;
            if process.is_gone()? {
                let words = std::fs::read_to_string(self.dir.join(format!("laptop-{at}.log")));
                bail!("{} ended by itself: {words:?}", self.told[at].name);
            }
        }
        let home = self.endpoint.home()?;
        for one in &self.told {
            one.check_acked(&home)?;
        }
        check_numbers(&home)
    }

    fn kill_laptop(&mut self, at: usize) -> Result<()> {
        let process = self.laptops[at].process.take().context("it runs")?;
        self.told[at].hear(process.kill()?)?;
        drop(self.told[at].check_saved()?);
        self.laptops[at].process = Some(self.start(at, false)?);
        self.done.laptops += 1;
        Ok(())
    }

    fn kill_endpoint(&mut self) -> Result<()> {
        let at = self.dice.below(self.endpoint.count() as u64) as usize;
        self.done.processes += 1;
        self.endpoint.kill(at)
    }

    /// Where the database is a server of its own; else the process that has it in itself.
    fn kill_database(&mut self) -> Result<()> {
        let how = match self.dice.below(3) {
            0 => Stop::Fast,
            1 => Stop::Immediate,
            _ => Stop::Kill,
        };
        match &self.endpoint.cluster {
            Some(cluster) => {
                self.done.databases += 1;
                cluster.restart(how).with_context(|| format!("{how:?}"))
            }
            None => self.kill_endpoint(),
        }
    }

    /// The line is good and nobody writes: everything comes to rest, and is compared.
    fn calm(&mut self) -> Result<()> {
        for laptop in &self.laptops {
            laptop.line.be(Quality::Good);
        }
        self.stop_all()?;
        // Once everybody has sent, everybody fetches.
        for _ in 0..2 {
            self.begin(true)?;
            self.stop_all()?;
        }
        let home = self.endpoint.home()?;
        for one in &self.told {
            one.check_acked(&home)?;
        }
        check_numbers(&home)?;
        let photos = check_all(&mut self.told, &home)?;
        let verified = self.endpoint.verify()?;
        if verified["blobs"].as_u64() != Some(photos) {
            bail!("{photos} photos were taken, and verified were {verified}");
        }
        self.done.calms += 1;
        Ok(())
    }

    fn stop_all(&mut self) -> Result<()> {
        for at in 0..self.laptops.len() {
            let process = self.laptops[at].process.take().context("it runs")?;
            let said = process.stop().with_context(|| {
                std::fs::read_to_string(self.dir.join(format!("laptop-{at}.log")))
                    .unwrap_or_default()
            })?;
            self.told[at].hear(said)?;
        }
        Ok(())
    }
}
