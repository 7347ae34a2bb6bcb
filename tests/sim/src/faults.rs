//! What goes wrong, and how often: each world has its own mixture, so that each kind is also met alone.

use anyhow::Result;

use shicha_sync::protocol::VERSION;

use crate::{dice::Dice, world::World};

/// Which kinds of faults a world knows, and how often in a hundred cases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    lost: u64,
    repeated: u64,
    cut: u64,
    old: u64,
    newer: u64,
    dies: u64,
    power: bool,
    pub(crate) full: bool,
    clocks: bool,
    rewinds_laptops: bool,
    rewinds_central: bool,
    copies: bool,
    revokes: bool,
    pub(crate) versions: bool,
    couriers: bool,
}

/// What happens to a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fate {
    pub(crate) is_lost: bool,
    pub(crate) is_repeated: bool,
    pub(crate) is_cut: bool,
    pub(crate) is_old: bool,
    pub(crate) is_newer: bool,
}

impl Faults {
    /// The faults of a world.
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let mut often = |most: u64| {
            if dice.percent(60) {
                dice.below(most + 1)
            } else {
                0
            }
        };
        Self {
            lost: often(25),
            repeated: often(20),
            cut: often(15),
            old: often(6),
            newer: often(20),
            dies: often(60),
            power: dice.percent(50),
            full: dice.percent(25),
            clocks: dice.percent(50),
            rewinds_laptops: dice.percent(30),
            rewinds_central: dice.percent(25),
            copies: dice.percent(25),
            revokes: dice.percent(20),
            versions: dice.percent(25),
            couriers: dice.percent(30),
        }
    }

    /// What happens to the next message.
    pub(crate) fn fate(&self, dice: &mut Dice) -> Fate {
        Fate {
            is_lost: dice.percent(self.lost),
            is_repeated: dice.percent(self.repeated),
            is_cut: dice.percent(self.cut),
            is_old: dice.percent(self.old),
            is_newer: dice.percent(self.newer),
        }
    }

    /// After how many operations of its disk a program dies, if it does.
    pub(crate) fn death(&self, dice: &mut Dice, most: u64) -> Option<u64> {
        dice.percent(self.dies).then(|| dice.below(most))
    }
}

const HOUR_MS: i64 = 3_600_000;

impl World<'_> {
    /// Something goes wrong.
    pub(crate) async fn misfortune(&mut self) -> Result<()> {
        let faults = self.faults;
        match self.dice.below(17) {
            0..3 => self.arm(),
            3 => self.kill_at_once()?,
            4 if faults.power => self.cut_power()?,
            5 if faults.full => self.fill_disk(),
            6 if faults.clocks => self.set_clock(),
            7..9 if faults.rewinds_laptops => self.rewind_laptop()?,
            9..11 if faults.rewinds_central => self.rewind_central()?,
            11 if faults.copies => self.copy_laptop()?,
            12 if faults.revokes => self.revoke()?,
            14.. if faults.couriers => self.carry()?,
            13 if faults.versions => {
                self.change_version();
                self.newer_writes().await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Somebody will die at one of the next operations of their disk.
    fn arm(&mut self) {
        if self.dice.percent(35) {
            let running = self.central.running();
            let at = self.dice.place(running.len());
            if let (Some(n), Some(after)) = (running.get(at), self.faults.death(&mut self.dice, 40))
            {
                self.step(format!("instance {n} will die after {after}"));
                self.central.kill_after(*n, after);
            }
        } else if let Some(n) = self.some(super::laptop::Laptop::is_up)
            && let Some(after) = self.faults.death(&mut self.dice, 80)
        {
            self.step(format!("{n} will die after {after}"));
            self.laptops[n].kill_after(after);
        }
    }

    fn kill_at_once(&mut self) -> Result<()> {
        if self.faults.dies == 0 {
            return Ok(());
        }
        if let Some(n) = self.some(super::laptop::Laptop::is_up) {
            let is_orderly = self.dice.percent(30);
            self.step(format!("{n} ends, orderly: {is_orderly}"));
            if is_orderly {
                self.laptops[n].close();
            } else {
                self.laptops[n].kill()?;
            }
        }
        if self.dice.percent(30) {
            let running = self.central.running();
            let at = self.dice.place(running.len());
            if let Some(n) = running.get(at) {
                self.step(format!("instance {n} is killed"));
                self.central.kill(*n);
            }
        }
        Ok(())
    }

    fn cut_power(&mut self) -> Result<()> {
        self.trace.count("power cuts");
        if self.dice.percent(30) {
            self.step("the power of the central endpoint is cut".to_owned());
            self.central.cut_power()?;
        } else {
            let n = self.dice.place(self.laptops.len());
            self.step(format!("the power of {n} is cut"));
            self.laptops[n].cut_power()?;
        }
        Ok(())
    }

    fn fill_disk(&mut self) {
        let room = self.dice.percent(60).then(|| self.dice.below(60_000));
        if self.dice.percent(30) {
            self.step(format!("the central endpoint has room for {room:?}"));
            self.central.disk.leave_room(room);
        } else {
            let n = self.dice.place(self.laptops.len());
            self.step(format!("{n} has room for {room:?}"));
            self.laptops[n].disk.leave_room(room);
        }
    }

    fn set_clock(&mut self) {
        let hours = [0, 1, -1, 8, -8, 24, -200, 8_760, -8_760, 87_600][self.dice.place(10)];
        if self.dice.percent(15) {
            self.step(format!(
                "the clock of the central endpoint is {hours} h ahead"
            ));
            self.central.watch.set_wrong(hours * HOUR_MS);
            // Whoever looks after it may find out at once, and be wrong about which of the two times was right.
            if self.dice.percent(50) && matches!(self.central.correct_clock(), Ok(true)) {
                self.step("the administrator states that the clock was ahead".to_owned());
                self.trace.count("clocks corrected");
            }
        } else {
            let n = self.dice.place(self.laptops.len());
            self.step(format!("the clock of {n} is {hours} h ahead"));
            self.laptops[n].watch.set_wrong(hours * HOUR_MS);
        }
    }

    /// A copy of a laptop is made, or put back.
    fn rewind_laptop(&mut self) -> Result<()> {
        let n = self.dice.place(self.laptops.len());
        if self.laptops[n].image.is_none() || self.dice.percent(30) {
            // A copy that was made in the middle of an enrolment would be of no device at all.
            if self.laptops[n].device().is_some() {
                self.step(format!("{n} is copied, for later"));
                self.laptops[n].take_image()?;
            }
            return Ok(());
        }
        self.trace.count("laptops restored");
        self.step(format!("{n} is as it was when it was copied"));
        if self.laptops[n].is_up() {
            self.laptops[n].kill()?;
        }
        self.laptops[n].put_image()
    }

    /// A backup of the central endpoint is made, or put back.
    fn rewind_central(&mut self) -> Result<()> {
        if self.central.running().is_empty() {
            return Ok(());
        }
        if self.backups.is_empty() || self.dice.percent(40) {
            let all_enrolled = self.laptops.iter().all(|one| one.device().is_some());
            if all_enrolled {
                let to = self
                    .root
                    .path()
                    .join(format!("backup-{}", self.backups.len()));
                self.step("the central endpoint is backed up".to_owned());
                // With no room left there is no backup.
                match self.central.backup(&to) {
                    Ok(()) => self.backups.push((to, self.truth.numbered.clone())),
                    Err(_) if self.faults.full || self.faults.dies > 0 => {}
                    Err(error) => return Err(error),
                }
            }
            return Ok(());
        }
        let at = self.dice.place(self.backups.len());
        self.trace.count("central endpoint restored");
        self.step(format!("the central endpoint is as it was in backup {at}"));
        self.restore_central(at)
    }

    fn restore_central(&mut self, at: usize) -> Result<()> {
        let (from, backed_up) = self.backups[at].clone();
        self.central.restore(&from)?;
        self.central.disk.leave_room(None);
        self.central.disk.spare();
        // What a restored endpoint had answered before is answered by nobody any more.
        self.old.clear();
        for n in 0..self.central.count() {
            self.central.start(n)?;
        }
        let found = self.central.beyond(&Default::default())?;
        self.truth.shrink(found, &backed_up)?;
        if let Some(enemies) = &mut self.enemies {
            enemies.forget_records();
        }
        for device in &self.revoked {
            self.central.revoke(*device)?;
        }
        Ok(())
    }

    /// A laptop is cloned: two with the same identity.
    fn copy_laptop(&mut self) -> Result<()> {
        let n = self.dice.place(self.laptops.len());
        if self.laptops.len() >= 30 || self.laptops[n].device().is_none() {
            return Ok(());
        }
        let other = self.laptops.len();
        self.trace.count("laptops cloned");
        self.step(format!("{other} is a clone of {n}"));
        let clone = self.laptops[n].clone_as(self.root.path(), other, &self.dice)?;
        self.laptops.push(clone);
        self.start(other, None)
    }

    fn revoke(&mut self) -> Result<()> {
        let n = self.dice.place(self.laptops.len());
        let Some(device) = self.laptops[n].device() else {
            return Ok(());
        };
        if self.central.running().is_empty() || !self.revoked.is_empty() {
            return Ok(());
        }
        self.step(format!("{n} is revoked"));
        if self.central.revoke(device).is_ok() {
            self.trace.count("laptops revoked");
            self.revoked.push(device);
        }
        Ok(())
    }

    fn change_version(&mut self) {
        let n = self.dice.place(self.laptops.len());
        let speaks = [VERSION - 1, VERSION, VERSION, VERSION + 1][self.dice.place(4)];
        if self.laptops[n].is_busy() || !self.laptops[n].is_up() {
            return;
        }
        self.step(format!("{n} speaks version {speaks}"));
        self.laptops[n].speaks = speaks;
        self.laptops[n].connect(&self.lines);
    }
}
