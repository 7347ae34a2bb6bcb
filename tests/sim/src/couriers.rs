//! Package files carried from hand to hand: made, lost, late, twice, cut off, handed to the wrong one.

use anyhow::{Result, ensure};
use shicha_domain::DeviceId;
use shicha_sync::{
    client::{
        Clock as _,
        package::{Giving, give, look, take},
    },
    package::Party,
};

use crate::world::World;

/// Packages that are kept, so that an old one may turn up again.
const KEPT: usize = 12;

/// A package file on somebody's stick.
pub(crate) struct Parcel {
    to: DeviceId,
    bytes: Vec<u8>,
}

impl World<'_> {
    /// Somebody makes a package, or somebody gets one.
    pub(crate) fn carry(&mut self) -> Result<()> {
        if self.parcels.is_empty() || self.dice.percent(50) {
            self.make_parcel()
        } else {
            self.take_parcel()
        }
    }

    fn make_parcel(&mut self) -> Result<()> {
        let Some(n) = self.some(|one| one.device().is_some()) else {
            return Ok(());
        };
        let Some(ledger) = self.laptops[n].work().cloned() else {
            return Ok(());
        };
        let directory = ledger.directory()?;
        let devices = &directory.devices;
        let Some(to) = devices
            .get(self.dice.place(devices.len()))
            .map(|device| device.id)
        else {
            return Ok(());
        };
        let giving = Giving {
            to: Party::Device { device: to },
            records: None,
            numbers: Vec::new(),
            update: None,
            now_ms: self.laptops[n].watch.now_ms(),
            random: self.laptops[n].random.clone(),
        };
        let made = give(&ledger, &giving, Vec::new(), &mut |_| true);
        self.step(format!("{n} makes a package, and can: {}", made.is_ok()));
        if let Ok((bytes, ..)) = made {
            self.trace.count("packages made");
            if self.parcels.len() == KEPT {
                self.parcels.remove(0);
            }
            self.parcels.push(Parcel { to, bytes });
        }
        Ok(())
    }

    fn take_parcel(&mut self) -> Result<()> {
        let at = self.dice.place(self.parcels.len());
        let is_kept = self.dice.percent(40);
        let is_wrong = self.dice.percent(10);
        let to = self.parcels[at].to;
        let Some(n) = self.some(|one| {
            one.device()
                .is_some_and(|device| (device == to) != is_wrong)
        }) else {
            return Ok(());
        };
        let mut bytes = if is_kept {
            self.parcels[at].bytes.clone()
        } else {
            self.parcels.remove(at).bytes
        };
        let is_cut = self.dice.percent(15);
        if is_cut {
            bytes.truncate(self.dice.place(bytes.len()));
        }
        let Some(ledger) = self.laptops[n].work().cloned() else {
            return Ok(());
        };
        let now_ms = self.laptops[n].watch.now_ms();
        let taken = look(&ledger, bytes.as_slice(), &mut |_| true)
            .and_then(|looked| take(&ledger, bytes.as_slice(), &looked, now_ms, &mut |_| true));
        self.step(format!(
            "{n} gets a package, cut: {is_cut}, for another: {is_wrong}: {:?}",
            taken
                .as_ref()
                .map(|taken| taken.entries)
                .map_err(ToString::to_string)
        ));
        ensure!(
            taken.is_err() || !(is_cut || is_wrong),
            "{} took a package that was cut off or for another",
            self.laptops[n].name()
        );
        if taken.is_ok() {
            self.trace.count("packages taken");
        }
        drop(ledger);
        if self.laptops[n].has_died() {
            return Ok(());
        }
        self.look_at(n)
    }
}
