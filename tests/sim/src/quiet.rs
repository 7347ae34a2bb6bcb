//! The end of a run: all faults cease, everybody synchronises until nothing moves, and everything is held against everything.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::{Context as _, Result, bail, ensure};
use shicha_domain::{
    EntryId, Event,
    authority::{self, Actor},
};
use shicha_ledger::EntryDelivery;
use shicha_server::verify::verify;
use shicha_sync::{
    client::{Outcome, SyncError, SyncErrorCode},
    protocol::VERSION,
};

use crate::{
    laptop::Laptop,
    line::{Message, broken},
    world::World,
};

/// After so many rounds of everybody nothing may move any more.
const PASSES: usize = 12;
/// What could not be moved is left alone for ten minutes.
const REST_MS: u64 = 11 * 60_000;
const A_DAY_MS: u64 = 24 * 3_600_000;

impl World<'_> {
    /// Ends the run.
    ///
    /// # Errors
    /// When a promise is broken.
    pub(crate) async fn quiet(&mut self) -> Result<()> {
        self.step("all faults cease".to_owned());
        self.calm()?;
        self.is_bad = false;
        self.newer_sends().await?;
        let mut moved = true;
        self.enemies_show_all().await?;
        for _ in 0..PASSES {
            moved = false;
            for n in 0..self.laptops.len() {
                moved |= self.round(n).await?;
            }
            self.watch.pass(REST_MS);
            if !moved {
                break;
            }
        }
        ensure!(
            !moved,
            "after {PASSES} rounds of everybody something still moves"
        );
        self.all_is_well()
    }

    fn calm(&mut self) -> Result<()> {
        self.central.disk.spare();
        self.central.disk.leave_room(None);
        self.central.watch.set_wrong(0);
        for n in 0..self.central.count() {
            if !self.central.running().contains(&n) {
                self.central.start(n)?;
            }
        }
        self.look_at_central()?;
        if self.central.correct_clock()? {
            self.step("the administrator states that the clock was ahead".to_owned());
            self.trace.count("clocks corrected");
        }
        for device in &self.revoked {
            self.central.revoke(*device)?;
        }
        self.lines.clear();
        for n in 0..self.laptops.len() {
            self.laptops[n].disk.spare();
            self.laptops[n].disk.leave_room(None);
            self.laptops[n].watch.set_wrong(0);
            if self.laptops[n].is_up() {
                self.laptops[n].close();
            }
            self.laptops[n].speaks = VERSION;
            self.start(n, None)?;
            ensure!(
                self.laptops[n].is_up(),
                "{} does not start",
                self.laptops[n].name()
            );
            let is_known = match self.laptops[n].device() {
                Some(device) => self.central.knows(device)?,
                None => true,
            };
            self.laptops[n].is_out = !is_known;
        }
        Ok(())
    }

    /// One whole round over a good line; whether anything moved.
    async fn round(&mut self, n: usize) -> Result<bool> {
        self.laptops[n].begin();
        let ended = loop {
            if let Some(ended) = self.laptops[n].go_on() {
                break ended;
            }
            ensure!(self.lines.underway() == 1, "a round waits for one answer");
            let Message::Asked {
                call,
                speaks,
                request,
                ..
            } = self.lines.take(0)
            else {
                bail!("an answer that nobody gave");
            };
            let running = self.central.running();
            let to = running[self.dice.place(running.len())];
            let reply = self.central.answer(to, speaks, &request).await?;
            self.look_at_central()?;
            self.lines.end(call, reply.ok_or_else(broken));
        };
        self.step(format!(
            "{n}: {:?}",
            ended.as_ref().map(|_| ()).map_err(SyncError::code)
        ));
        let laptop = &self.laptops[n];
        match ended {
            Ok(None) => Ok(true),
            Ok(Some(outcome)) => {
                ensure!(!laptop.is_out, "{} is out and takes part", laptop.name());
                let Outcome {
                    pushed,
                    pulled,
                    uploaded,
                    downloaded,
                    forked,
                    skipped,
                    ..
                } = &outcome;
                // A copy went on at a restored endpoint: that is for a person to decide, who here knows the truth.
                let is_settled = settle(laptop)?;
                ensure!(
                    skipped.is_empty() || is_settled,
                    "{} passes over {skipped:?}",
                    laptop.name()
                );
                if is_settled {
                    self.trace.count("a person went with a restored endpoint");
                }
                let moved = *pushed + *pulled + *uploaded + *downloaded > 0
                    || forked.is_some()
                    || is_settled;
                if forked.is_some() {
                    self.trace.count("went on under a new identity");
                }
                Ok(moved)
            }
            // Very many copies of one laptop went on at once: the last of them wait until tomorrow (invariant 9, a line goes on).
            Err(error) if error.code() == SyncErrorCode::SlowDown => {
                self.watch.pass(A_DAY_MS);
                self.trace.count("waited until tomorrow");
                Ok(true)
            }
            Err(error) => {
                let is_fair = laptop.is_out
                    && matches!(
                        error.code(),
                        SyncErrorCode::Revoked | SyncErrorCode::ServerRefused
                    );
                ensure!(is_fair, "{} came to {error:?} in quiet", laptop.name());
                Ok(false)
            }
        }
    }

    fn all_is_well(&mut self) -> Result<()> {
        let home = self.central.home().context("an instance runs")?;
        let found = verify(home, &mut |_| {})?;
        ensure!(
            found.faults.is_empty(),
            "the central endpoint: {:?}",
            found.faults
        );
        let held: HashSet<EntryId> = self.truth.held.clone();
        let mut on_server = BTreeSet::new();
        let mut has = Vec::new();
        for n in 0..self.laptops.len() {
            let shown = self.shown(n)?;
            on_server.extend(
                shown
                    .iter()
                    .filter(|(id, _)| held.contains(id))
                    .map(|(_, mark)| *mark),
            );
            has.push(shown);
        }
        let rebuilt = self.dice.place(self.laptops.len());
        let mut views: BTreeMap<Vec<EntryId>, ([u8; 32], usize)> = BTreeMap::new();
        for (n, shown) in has.iter().enumerate() {
            self.is_well(n, shown, &on_server)?;
            let laptop = &self.laptops[n];
            let ledger = laptop.work().context("it runs")?;
            let digest = ledger.views_digest()?;
            let ids: Vec<EntryId> = shown.keys().copied().collect();
            let (other, first) = *views.entry(ids).or_insert((digest, n));
            // Where the endpoint was restored one may hold older receipts than the other, and so know narrower bounds.
            ensure!(
                other == digest || self.truth.was_restored(),
                "{} and laptop {first} have the same entries and show other things",
                laptop.name()
            );
            // Building everything anew takes its time, so each world does it on one laptop only.
            if n == rebuilt {
                ledger.rebuild(&mut |_, _| {})?;
                ensure!(
                    ledger.views_digest()? == digest,
                    "{} shows other things after a rebuild",
                    laptop.name()
                );
            }
            self.trace.bytes(&digest);
        }
        self.enemies_are_found_out()
    }

    /// One laptop, after everything.
    fn is_well(
        &self,
        n: usize,
        has: &BTreeMap<EntryId, u64>,
        on_server: &BTreeSet<u64>,
    ) -> Result<()> {
        let laptop = &self.laptops[n];
        let ledger = laptop.work().context("it runs")?;
        let verified = ledger.verify(&mut |_, _| {})?;
        ensure!(
            verified.first_bad.is_none(),
            "{}: {:?}",
            laptop.name(),
            verified.first_bad
        );
        if laptop.is_out {
            return Ok(());
        }
        let identity = ledger.identity()?.context("it is enrolled")?;
        let actor = Actor {
            person: identity.person,
            org: identity.org,
            role: identity.role,
        };
        ensure!(
            ledger.outbox(1, 1)?.is_empty(),
            "{} has not delivered everything",
            laptop.name()
        );
        for (channel, ids) in &self.truth.numbered {
            if !authority::may_read(&actor, channel, &self.tree) {
                continue;
            }
            let names = ids.iter().map(|id| self.truth.name(*id));
            let lacks: Vec<EntryId> = names.filter(|name| !has.contains_key(name)).collect();
            ensure!(
                lacks.is_empty(),
                "{} lacks {lacks:?} of {channel}",
                laptop.name()
            );
        }
        let home = self.central.home().context("an instance runs")?;
        for (_, record) in &self.truth.records {
            for stored in ledger.entries_of(*record)? {
                let is_refused = matches!(stored.delivery, EntryDelivery::Refused { .. });
                let mark = has.get(&stored.id).context("it was looked at")?;
                if is_refused || !laptop.kept.contains(mark) {
                    continue;
                }
                ensure!(
                    on_server.contains(mark),
                    "§{mark}§ of {} is nowhere else: {stored:?}",
                    laptop.name()
                );
                if let Ok(event) = Event::parse(&stored.entry.event)
                    && let Some((blob, _)) = event.blobs()
                {
                    let is_whole = home.evidence.whole(blob)?.is_some();
                    ensure!(
                        is_whole,
                        "the photo §{mark}§ of {} did not arrive",
                        laptop.name()
                    );
                }
            }
        }
        Ok(())
    }
}

/// Goes with the endpoint wherever it was restored and gives another past; whether it did.
fn settle(laptop: &Laptop) -> Result<bool> {
    let ledger = laptop.work().context("it runs")?;
    let mut is_any = false;
    for here in ledger.contested()? {
        let one = here.contested;
        is_any |= ledger.settle_contested(one.device, one.seq, one.id)?;
    }
    Ok(is_any)
}
