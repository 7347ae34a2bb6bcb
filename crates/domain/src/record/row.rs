//! An entry on its way into the fold of its record.

use std::collections::BTreeMap;

use super::Trace;
use crate::{
    bounds::{Bounds, bounded},
    entry::{Entry, OrderKey},
    event::{Event, EventFault},
    ids::{DeviceId, EntryId},
    receipt::Rank,
};

/// An entry of a record, with what is known of it here.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// The name by which everything refers to the entry.
    pub name: EntryId,
    /// The entry.
    pub entry: &'a Entry,
    /// When the endpoint received it, by the oldest receipt that came with its number; `None` while it has none.
    pub received: Option<Rank>,
    /// The bounds that the receipt gives; the claimed time is brought into them (invariant 13, a claim orders nothing that was received).
    pub bounds: Option<Bounds>,
    /// Whether the endpoint refused it: then it is in no fold and in no set (invariant 12).
    pub is_refused: bool,
}

impl<'a> Held<'a> {
    /// An entry, whose id is given, with what its receipt says, where one is here that its number came with.
    pub fn new(id: EntryId, entry: &'a Entry, receipt: Option<(Rank, Bounds)>) -> Self {
        Self {
            received: receipt.map(|(rank, _)| rank),
            bounds: receipt.map(|(_, bounds)| bounds),
            ..Self::unreceived(id, entry)
        }
    }

    /// An entry of which no receipt is here.
    pub fn unreceived(id: EntryId, entry: &'a Entry) -> Self {
        Self {
            name: entry.name(id),
            entry,
            received: None,
            bounds: None,
            is_refused: false,
        }
    }

    /// One entry of two that bear the same name: what was written first stands for both, and the first time of receiving counts.
    #[must_use]
    fn merged(&self, other: &Self) -> Self {
        let rank = |one: &Self| one.received.filter(|_| !one.is_refused);
        let key = |one: &Self| {
            (
                one.is_refused,
                rank(one).is_none(),
                rank(one),
                one.entry.again.is_some(),
                one.entry.device,
            )
        };
        if key(self) <= key(other) {
            *self
        } else {
            *other
        }
    }

    /// Where the entry stands in the order of what is not signed.
    pub(super) fn trace(&self) -> Trace {
        let claimed = self.entry.order();
        Trace {
            entry: self.name,
            order: OrderKey {
                at: bounded(self.bounds, self.entry.at),
                ..claimed
            },
            claimed: claimed.at,
            author: self.entry.author,
            written_on: self.entry.device,
            received: self.received,
            bounds: self.bounds,
        }
    }
}

/// The entries that count, each once: what was written again and the entry itself are one, and what was refused counts only where there is
/// nothing else.
pub(super) fn counting<'a>(held: impl IntoIterator<Item = Held<'a>>) -> Vec<Held<'a>> {
    let mut by_name: BTreeMap<EntryId, Held<'a>> = BTreeMap::new();
    for one in held {
        by_name
            .entry(one.name)
            .and_modify(|known| *known = known.merged(&one))
            .or_insert(one);
    }
    let mut all: Vec<Held<'a>> = by_name.into_values().collect();
    if all.iter().any(|one| !one.is_refused) {
        all.retain(|one| !one.is_refused);
    }
    all
}

/// An entry while its record is folded.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) trace: Trace,
    pub(super) event: Result<Event, EventFault>,
}

impl Row {
    /// The log that the entry stands in, and the log that its place is one of. They differ for what was written again after a log had parted.
    pub(super) fn past(&self) -> (DeviceId, DeviceId) {
        (self.trace.written_on, self.trace.order.device)
    }

    /// The order by the claimed time alone, which the entry's hash fixes.
    pub(super) fn claimed_order(&self) -> (OrderKey, EntryId) {
        self.trace.claimed_order()
    }
}
