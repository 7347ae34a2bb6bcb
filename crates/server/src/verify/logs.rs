//! Walking each device's ledger, entry by entry, with the receipts that were given for it.
//!
//! Invariants 6 to 9: every entry stands under the oldest receipt that was given for it, receipts rise, none reaches back before what the
//! log had named or an end that the device had told.

use std::collections::{
    HashMap,
    hash_map::Entry::{Occupied, Vacant},
};

use shicha_domain::{
    DeviceId, EntryId, Receipt, ReceiptId,
    bounds::{Bounds, Claim},
    entry::follow,
    receipt,
    suite::{SignatureBytes, VerifyingKey},
};
use shicha_sync::protocol::{messages::Head, signing};

use super::{PAGE, Verification, VerifyFault, VerifyMark};
use crate::{
    home::Home,
    store::{DeviceState, HeldEntry, StoreError, ToldEnd},
};

/// Walks one device's ledger, holds its receipts and the end that it told last against it.
pub(super) fn walk(
    home: &Home,
    state: &DeviceState,
    key: &VerifyingKey,
    found: &mut Verification,
    progress: &mut dyn FnMut(&Verification),
) -> Result<(), StoreError> {
    let device = state.device.id;
    let mut walked = Walked::new(home, (device, state.start))?;
    let mut is_last = false;
    let bad = 'walk: loop {
        let page = home.store.entries_of(device, walked.head.seq + 1, PAGE)?;
        if page.is_empty() {
            // Pushes go on meanwhile: what is held now was there before it was counted.
            let ends = home
                .store
                .device(device)?
                .map_or(state.head, |now| now.head);
            if ends.seq > walked.head.seq && !is_last {
                is_last = true;
                continue;
            }
            break (ends != walked.head).then(|| {
                let reason = format!(
                    "the ledger ends at {} and should end at {}",
                    walked.head.seq, ends.seq
                );
                (walked.head.seq + 1, reason)
            });
        }
        is_last = false;
        for held in page {
            found.entries += 1;
            match follow((walked.head.seq, walked.head.id), &held.entry) {
                Ok(id) if id == held.id => walked.entry(home, &held, found)?,
                Ok(_) => {
                    let reason = "its contents do not have the hash that names it".to_owned();
                    break 'walk Some((held.entry.seq, reason));
                }
                Err(fault) => break 'walk Some((held.entry.seq, fault.to_string())),
            }
        }
        progress(found);
    };
    let is_whole = bad.is_none();
    if let Some((seq, reason)) = bad {
        found.faults.push(VerifyFault::Entry {
            device,
            seq,
            reason,
        });
    }
    walked.receipts(home, state, key, is_whole, found)?;
    if walked.unknown.1 > 0 {
        let (seq, count) = walked.unknown;
        found.mark(VerifyMark::UnknownReceipt { device, seq, count });
    }
    Ok(())
}

/// A receipt of the device, and what its ledger showed of it.
struct Given {
    receipt: Receipt,
    push_signature: SignatureBytes,
    /// The entry at the place that it is for.
    head: Option<EntryId>,
    /// The latest receipt of the same life that the log had named up to its first entry.
    named_ms: u64,
}

/// What a walk has seen.
struct Walked {
    device: DeviceId,
    start: EntryId,
    /// The identities that this one goes on from, each with the last place that it has in common with the next.
    line: Vec<(DeviceId, u64)>,
    head: Head,
    given: Vec<Given>,
    /// By name and by place where the run begins and ends.
    by_name: HashMap<ReceiptId, usize>,
    /// Older receipts of the endpoint's own that were brought back to it, by name, each with the entry at its last place.
    brought: HashMap<ReceiptId, (Receipt, Option<EntryId>)>,
    brought_upto: HashMap<u64, Vec<ReceiptId>>,
    beginning: HashMap<u64, Vec<usize>>,
    ending: HashMap<u64, Vec<usize>>,
    /// Of the identities that this one goes on with: life and time by name.
    of_line: HashMap<ReceiptId, (u64, u64)>,
    /// The latest receipt of each life that the log has named so far.
    named: HashMap<u64, u64>,
    last_named: Option<ReceiptId>,
    /// Which runs the entry that is looked at belongs to.
    open: Vec<usize>,
    /// The first entry that names a receipt that is not here, and how many names that are.
    unknown: (u64, u64),
    end: Option<ToldEnd>,
    end_head: Option<EntryId>,
    is_rank_told: bool,
}

impl Walked {
    /// `start` is what the log follows.
    fn new(home: &Home, (device, start): (DeviceId, EntryId)) -> Result<Self, StoreError> {
        let end = home.store.end_of(device)?;
        let mut brought = HashMap::new();
        let mut brought_upto: HashMap<u64, Vec<ReceiptId>> = HashMap::new();
        for (_, receipt) in home.store.brought_of(device)? {
            let (name, upto) = (receipt.id(), receipt.seq);
            if brought.insert(name, (receipt, None)).is_none() {
                brought_upto.entry(upto).or_default().push(name);
            }
        }
        let mut walked = Self {
            device,
            start,
            line: home.store.line(device)?,
            head: Head { seq: 0, id: start },
            given: Vec::new(),
            by_name: HashMap::new(),
            brought,
            brought_upto,
            beginning: HashMap::new(),
            ending: HashMap::new(),
            of_line: HashMap::new(),
            named: HashMap::new(),
            last_named: None,
            open: Vec::new(),
            unknown: (0, 0),
            end_head: (end.as_ref()).and_then(|end| (end.seq == 0).then_some(start)),
            end,
            is_rank_told: false,
        };
        walked.read_receipts(home)?;
        for (before, _) in &walked.line {
            let of_other = home.store.receipts_of(*before)?;
            walked.of_line.extend(
                of_other
                    .iter()
                    .map(|(receipt, _)| (receipt.id(), named_as(receipt))),
            );
        }
        Ok(walked)
    }

    /// Reads the receipts that are not known yet: more may be given while the ledger is walked.
    fn read_receipts(&mut self, home: &Home) -> Result<(), StoreError> {
        for (receipt, push_signature) in home.store.receipts_of(self.device)? {
            let n = self.given.len();
            match self.by_name.entry(receipt.id()) {
                Occupied(_) => continue,
                Vacant(place) => place.insert(n),
            };
            if receipt.seq > 0 {
                self.beginning.entry(receipt.from).or_default().push(n);
                self.ending.entry(receipt.seq).or_default().push(n);
            }
            self.given.push(Given {
                head: (receipt.seq == 0).then_some(self.start),
                receipt,
                push_signature,
                named_ms: 0,
            });
        }
        Ok(())
    }

    /// Looks at an entry that follows the one before it.
    fn entry(
        &mut self,
        home: &Home,
        held: &HeldEntry,
        found: &mut Verification,
    ) -> Result<(), StoreError> {
        let seq = held.entry.seq;
        self.head = Head { seq, id: held.id };
        let is_known = |walked: &Self| {
            held.covered
                .is_some_and(|name| walked.by_name.contains_key(&name))
        };
        if held.verdict.is_ok() && !held.entry.is_of_line(&self.line) {
            found.faults.push(VerifyFault::Entry {
                device: self.device,
                seq,
                reason: "it says that it stood first where its line has nothing of its own"
                    .to_owned(),
            });
        }
        if !is_known(self) {
            self.read_receipts(home)?;
        }
        self.name(seq, held.entry.after);
        if let Some(beginning) = self.beginning.get(&seq) {
            for n in beginning {
                let one = &mut self.given[*n];
                one.named_ms = self.named.get(&one.receipt.life).copied().unwrap_or(0);
                self.open.push(*n);
            }
        }
        if let Some(reason) = self.misplaced(held)
            && !self.is_rank_told
        {
            self.is_rank_told = true;
            found.faults.push(VerifyFault::Rank {
                device: self.device,
                seq,
                reason,
            });
        }
        self.claim(held, found);
        if let Some(ending) = self.ending.get(&seq) {
            for n in ending {
                self.given[*n].head = Some(held.id);
            }
            self.open.retain(|n| !ending.contains(n));
        }
        for name in self.brought_upto.get(&seq).into_iter().flatten() {
            if let Some((_, head)) = self.brought.get_mut(name) {
                *head = Some(held.id);
            }
        }
        if self.end.as_ref().is_some_and(|end| end.seq == seq) {
            self.end_head = Some(held.id);
        }
        Ok(())
    }

    /// Notes the receipt that an entry names.
    fn name(&mut self, seq: u64, after: Option<ReceiptId>) {
        let Some(name) = after.filter(|name| self.last_named != Some(*name)) else {
            return;
        };
        self.last_named = Some(name);
        let own = self
            .by_name
            .get(&name)
            .map(|n| named_as(&self.given[*n].receipt));
        match own.or_else(|| self.of_line.get(&name).copied()) {
            Some((life, received_ms)) => {
                let latest = self.named.entry(life).or_default();
                *latest = (*latest).max(received_ms);
            }
            None if self.brought.contains_key(&name) => {}
            None if self.unknown.1 == 0 => self.unknown = (seq, 1),
            None => self.unknown.1 += 1,
        }
    }

    /// Why an entry does not stand where its receipts put it.
    fn misplaced(&self, held: &HeldEntry) -> Option<&'static str> {
        let seq = held.entry.seq;
        let covered = held.covered.and_then(|name| self.by_name.get(&name));
        let Some(n) = covered else {
            return match held.covered.and_then(|name| self.brought.get(&name)) {
                Some((receipt, _)) => self.misplaced_under(receipt, held),
                None => Some("the receipt that it stands under is not here"),
            };
        };
        let receipt = &self.given[*n].receipt;
        let is_oldest = || {
            let accepting = self.open.iter().map(|n| &self.given[*n].receipt);
            accepting
                .filter(|other| !other.refused.contains(&seq))
                .all(|other| receipt.rank() <= other.rank())
        };
        match &held.verdict {
            _ if !receipt.is_for(seq) => Some("it stands under a receipt that is not for it"),
            Ok(_) if receipt.refused.contains(&seq) => {
                Some("it has a number, and its receipt says that it was refused")
            }
            Ok(_) if !is_oldest() => {
                Some("it stands under a later receipt than the oldest that was given for it")
            }
            Err(_) if !receipt.refused.contains(&seq) => {
                Some("it counts as refused, and its receipt says that it was accepted")
            }
            _ => None,
        }
    }

    /// Why an entry does not stand under an older receipt that was brought back.
    fn misplaced_under(&self, older: &Receipt, held: &HeldEntry) -> Option<&'static str> {
        let seq = held.entry.seq;
        let given = self.open.iter().map(|n| &self.given[*n].receipt);
        if let Some(refusing) = given.clone().find(|given| given.refused.contains(&seq))
            && !given.clone().any(|given| given.accepts(seq))
        {
            return misreleased(refusing, older, held);
        }
        if held.verdict.is_err() {
            Some("it counts as refused, and stands under a receipt that was brought back for it")
        } else if !older.accepts(seq) {
            Some("it stands under a receipt that is not for it")
        } else if given.clone().next().is_none() {
            Some("the receipt that confirms it is not here")
        } else if given.into_iter().any(|given| given.rank() <= older.rank()) {
            Some("it stands under a later receipt than the oldest that was given for it")
        } else {
            None
        }
    }

    /// The receipt that an entry stands under.
    fn covering(&self, held: &HeldEntry) -> Option<&Receipt> {
        let name = held.covered?;
        let given = self.by_name.get(&name).map(|n| &self.given[*n].receipt);
        given.or_else(|| self.brought.get(&name).map(|(receipt, _)| receipt))
    }

    /// Holds the time that an accepted entry claims against its bounds.
    fn claim(&self, held: &HeldEntry, found: &mut Verification) {
        let receipt = self.covering(held);
        let (Some(receipt), Ok(_)) = (receipt, &held.verdict) else {
            return;
        };
        match Bounds::from(receipt).judge(held.entry.at) {
            Claim::BackDated | Claim::AheadOfTime => found.mark(VerifyMark::Contradicted {
                device: self.device,
                seq: held.entry.seq,
                record: held.entry.record,
                claimed_ms: held.entry.at.ms(),
                since_ms: receipt.since_ms,
                received_ms: receipt.received_at_ms,
            }),
            Claim::Unproved => found.unproved += 1,
            Claim::Within | Claim::NotReceived => {}
        }
    }

    /// Holds the receipts against the ledger, in the order in which they were given; then the end that is kept, and what is kept for the
    /// bounds of what the device sends next.
    fn receipts(
        &mut self,
        home: &Home,
        state: &DeviceState,
        key: &VerifyingKey,
        is_whole: bool,
        found: &mut Verification,
    ) -> Result<(), StoreError> {
        let device = self.device;
        let walked_upto = self.head.seq;
        // Given since the ledger was walked; where it broke off, all are looked at.
        self.given
            .retain(|one| !is_whole || one.receipt.seq <= walked_upto);
        self.given.sort_by_key(|one| one.receipt.rank());
        let mut before: Option<&Receipt> = None;
        let mut faults = Vec::new();
        for (n, one) in self.given.iter().enumerate() {
            found.receipts += 1;
            let receipt = &one.receipt;
            let of_life = before.filter(|before| before.life == receipt.life);
            let next = self.given.get(n + 1).map(|next| &next.receipt);
            if let Some(reason) = self.misfit(one, of_life, next, state, key) {
                faults.push((receipt.seq, reason));
            }
            before = Some(receipt);
        }
        for (receipt, head) in self.brought.values() {
            if !receipt.is_signed_by(key) {
                faults.push((receipt.seq, "brought back, and not signed by this server"));
            } else if is_whole && *head != Some(receipt.head) {
                let reason = "brought back, and for another entry than the one that is held";
                faults.push((receipt.seq, reason));
            }
        }
        if let Some(end) = &self.end
            && let Some(reason) = self.end_fault(home, state, end)
        {
            faults.push((end.seq, reason));
        }
        for (seq, reason) in faults {
            found.faults.push(VerifyFault::Receipt {
                device,
                seq,
                reason,
            });
        }
        let past = home.store.device(device)?.map(|now| now.past);
        let newest =
            before.filter(|newest| past.as_ref().is_some_and(|past| past.life == newest.life));
        let told_ms = self.end.as_ref().map_or(0, |end| end.tick_ms);
        let is_early = past.is_some_and(|past| {
            let since_ms = newest.map_or(0, |newest| newest.since_ms).max(told_ms);
            let received_ms = newest.map_or(0, |newest| newest.received_at_ms);
            past.since_ms < since_ms || past.received_ms < received_ms
        });
        if is_early {
            found.faults.push(VerifyFault::Bounds { device });
        }
        Ok(())
    }

    /// Why a receipt is not one that the endpoint gave there and then.
    fn misfit(
        &self,
        one: &Given,
        before: Option<&Receipt>,
        next: Option<&Receipt>,
        state: &DeviceState,
        key: &VerifyingKey,
    ) -> Option<&'static str> {
        let receipt = &one.receipt;
        let said = receipt::push_bytes(receipt.device, receipt.seq, receipt.head);
        // A push that got several receipts, a millisecond apart, was signed over its last entry, which seals those below it.
        let is_sealed_later = one.push_signature.is_none()
            && next.is_some_and(|next| {
                next.from == receipt.seq + 1
                    && next.life == receipt.life
                    && next.received_at_ms == receipt.received_at_ms + 1
            });
        let is_after_end = |end: &ToldEnd| receipt.from > end.seq && receipt.since_ms < end.tick_ms;
        if !receipt.is_signed_by(key) {
            Some("not signed by this server")
        } else if one.head != Some(receipt.head) {
            Some("for another entry than the one that is held")
        } else if receipt.seq > 0
            && !is_sealed_later
            && !signing::is_signed(&state.device.public_key, &said, &one.push_signature)
        {
            Some("the device did not sign what it is for")
        } else if before.is_some_and(|before| receipt.rank() <= before.rank()) {
            Some("not later than the one before it")
        } else if before.is_some_and(|before| receipt.from != before.seq + 1) {
            Some("not for what follows the one before it")
        } else if receipt.since_ms > receipt.received_at_ms {
            Some("it says that something was made after it was received")
        } else if receipt.since_ms < one.named_ms {
            Some("its earlier bound lies before a receipt that the log had named")
        } else if self.end.as_ref().is_some_and(is_after_end) {
            Some("its earlier bound lies before an end that the device had told")
        } else {
            None
        }
    }

    fn end_fault(&self, home: &Home, state: &DeviceState, end: &ToldEnd) -> Option<&'static str> {
        let server = home.signer.public_key();
        let said = receipt::end_bytes(&server, self.device, end.tick_ms, end.seq, end.head);
        if !signing::is_signed(&state.device.public_key, &said, &end.signature) {
            Some("the device did not sign the end that is kept of it")
        } else if self.end_head != Some(end.head) {
            Some("the end that is kept is of another log")
        } else {
            None
        }
    }
}

/// Why an entry is not one that was refused and released after that (invariant 12, refused is outside for all, and kept): its receipt is for
/// it alone, later than the one that refused it, and gives the same earlier bound.
fn misreleased(refusing: &Receipt, release: &Receipt, held: &HeldEntry) -> Option<&'static str> {
    let seq = held.entry.seq;
    let since_ms = refusing.since_ms.min(release.received_at_ms);
    if held.verdict.is_err() {
        Some("it counts as refused, and stands under a receipt of its release")
    } else if (release.from, release.seq) != (seq, seq) || !release.refused.is_empty() {
        Some("its receipt says that it was refused, and it was not released")
    } else if release.rank() <= refusing.rank() || release.since_ms != since_ms {
        Some("the receipt of its release does not follow the one that refused it")
    } else {
        None
    }
}

/// What naming a receipt earns: its life and time. What enrolment gave earns nothing.
fn named_as(receipt: &Receipt) -> (u64, u64) {
    let received_ms = if receipt.seq == 0 {
        0
    } else {
        receipt.received_at_ms
    };
    (receipt.life, received_ms)
}
