//! What must hold after everything: every lie that the endpoint took is seen for what it is by every honest reader, and no claimed time has
//! moved anything in a list.

use anyhow::{Context as _, Result, ensure};
use shicha_domain::{
    EntryId, RecordState,
    bounds::{self, Claim},
    record::Trace,
};
use shicha_ledger::{InspectionFilter, InspectionSort, Ledger, StoredEntry};

use super::{Enemies, lies::Lie};
use crate::world::World;

impl World<'_> {
    /// Holds what every honest laptop shows against what the enemies did.
    ///
    /// # Errors
    /// When a lie passes for the truth.
    pub(crate) fn enemies_are_found_out(&mut self) -> Result<()> {
        let Some(enemies) = &self.enemies else {
            return Ok(());
        };
        self.no_end_was_believed(enemies)?;
        let mut seen_through = 0;
        for laptop in self.laptops.iter().filter(|one| !one.is_out) {
            let ledger = laptop.work().context("it runs")?;
            let name = laptop.name();
            for (_, record) in &self.truth.records {
                let Some(state) = ledger.record(*record)? else {
                    continue;
                };
                for stored in ledger.entries_of(*record)? {
                    ensure!(
                        !enemies.forbidden.contains(&stored.id) || !stored.is_received,
                        "{name} has a forgery as received: {}",
                        stored.id
                    );
                    let lie = enemies.lies.get(&stored.id);
                    if let Some(lie) = lie.filter(|_| stored.is_received) {
                        let is_seen = is_seen(*lie, &state, &stored);
                        ensure!(
                            is_seen,
                            "{name} takes {} for true: {lie:?}, {:?}",
                            stored.id,
                            stored.bounds
                        );
                        seen_through += u64::from(*lie != Lie::Plain);
                    }
                }
            }
            Self::no_claim_moved_a_list(ledger).with_context(|| name.clone())?;
        }
        for _ in 0..seen_through {
            self.trace.count("lies seen through");
        }
        Ok(())
    }

    /// No record that was received is newer in a list than its newest receipt.
    fn no_claim_moved_a_list(ledger: &Ledger) -> Result<()> {
        let all = InspectionFilter::default();
        let page = ledger.inspections(&all, InspectionSort::Updated, true, 0, 1_000)?;
        for row in page.rows {
            let entries = ledger.entries_of(row.record)?;
            let received = entries.iter().map(|one| {
                let bounds = one.bounds.filter(|_| one.is_received);
                bounds.map(|bounds| bounds.received_ms)
            });
            // What was not received has no bounds yet.
            let newest_ms = received.collect::<Option<Vec<u64>>>().unwrap_or_default();
            if let Some(newest_ms) = newest_ms.into_iter().max() {
                ensure!(
                    row.updated_ms <= newest_ms,
                    "{} is listed as of {}, after {newest_ms}",
                    row.record,
                    row.updated_ms
                );
            }
        }
        Ok(())
    }

    /// The end that is kept of an enemy's log is one of its entries.
    fn no_end_was_believed(&self, enemies: &Enemies) -> Result<()> {
        let home = self.central.home().context("an instance runs")?;
        for enemy in &enemies.all {
            let Some(told) = home.store.end_of(enemy.device)? else {
                continue;
            };
            let entry = (told.seq as usize)
                .checked_sub(1)
                .and_then(|at| enemy.log.get(at));
            ensure!(
                told.seq == 0 || entry.is_some_and(|entry| entry.id() == told.head),
                "an end is kept of what is not there"
            );
        }
        Ok(())
    }
}

/// Whether a lie shows.
fn is_seen(lie: Lie, state: &RecordState, stored: &StoredEntry) -> bool {
    let id = stored.id;
    let signed = || {
        let all = state.signatures().iter();
        all.clone().find(|one| one.trace.entry == id)
    };
    let claim = bounds::judge(stored.bounds, stored.entry.at);
    match lie {
        Lie::Hollow => signed().is_none_or(|one| !one.standing.is_complete() && !one.fits),
        Lie::Misfit => signed().is_none_or(|one| !one.fits),
        // Whose opening was received first may annul what is not signed, though another one meant to open it.
        Lie::Idle => {
            let is_opener = |trace: &Trace| trace.author == stored.entry.author;
            state.annulled().is_none_or(|note| note.trace.entry != id)
                || state.opened().is_some_and(is_opener)
        }
        // Within a version the claimed times order everything, which its set fixes (invariant 3).
        Lie::Second => state.counting().is_some() || is_not_the_opening(state, id),
        // Where the administrator stated that the endpoint's clock was wrong, what it had told before bounds nothing any more.
        Lie::Contradicted => {
            let is_unbounded = stored.bounds.is_some_and(|bounds| bounds.since_ms == 0);
            matches!(claim, Claim::BackDated | Claim::AheadOfTime) || is_unbounded
        }
        Lie::Plain => true,
    }
}

fn is_not_the_opening(state: &RecordState, id: EntryId) -> bool {
    state.opened().is_none_or(|trace| trace.entry != id)
}
