//! A field's value, or its rival values: a multi-value register.
//!
//! Invariant: the result does not depend on the order in which entries arrive. A value lives until an entry that names it as
//! replaced is known, whichever of the two came first. Two different live values are a conflict; the later in the record's order
//! wins until a person settles it with an entry that replaces both.

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    bounds::{self, Bounds},
    entry::OrderKey,
    hlc::Hlc,
    ids::{EntryId, PersonId},
};

/// One live value of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The entry that wrote it.
    pub entry: EntryId,
    /// Its place in the record's order.
    pub order: OrderKey,
    /// The time that its device claimed.
    pub claimed: Hlc,
    /// Between which moments it was written; `None` while no receipt says so here.
    pub bounds: Option<Bounds>,
    /// Who wrote it.
    pub author: PersonId,
    /// The value; `null` is an emptied field.
    pub value: Value,
}

impl Head {
    /// The time claimed, brought into its bounds: by this lists are ordered (invariant 13, a claim orders nothing that was received).
    pub fn bounded(&self) -> Hlc {
        bounds::bounded(self.bounds, self.claimed)
    }

    /// A moment that the value states, Unix ms, brought into what the bounds allow before it orders anything; `None`: it states none.
    pub fn stated_ms(&self) -> Option<u64> {
        let stated = self.value.as_u64()?;
        Some(
            self.bounds
                .map_or(stated, |bounds| bounds.clamp_stated(self.claimed, stated)),
        )
    }
}

/// A field with all values that nobody has replaced, in the record's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Register {
    heads: Vec<Head>,
    /// Entries that were replaced here. One entry may write several fields, so each field remembers for itself.
    replaced: HashSet<EntryId>,
}

impl Register {
    /// Takes one written value in, over the values of the entries that it replaces, which may be yet to come.
    pub(crate) fn write(&mut self, head: Head, replaces: &[EntryId]) {
        self.heads.retain(|other| !replaces.contains(&other.entry));
        self.replaced.extend(replaces);
        if self.replaced.contains(&head.entry)
            || self.heads.iter().any(|other| other.entry == head.entry)
        {
            return;
        }
        let place = (head.order, head.entry);
        let at = self
            .heads
            .partition_point(|other| (other.order, other.entry) < place);
        self.heads.insert(at, head);
    }

    /// The value that counts, if the field was ever written.
    pub fn winner(&self) -> Option<&Head> {
        self.heads.last()
    }

    /// The value that counts where claimed times alone decide, as in what a signature covers. Another one than [`Self::winner`] only
    /// where there is a conflict.
    pub(crate) fn last_claimed(&self) -> Option<&Head> {
        self.heads.iter().max_by_key(|head| {
            let claimed = OrderKey {
                at: head.claimed,
                ..head.order
            };
            (claimed, head.entry)
        })
    }

    /// All live values, the one that counts last.
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// Whether two different values stand against each other.
    pub fn is_conflict(&self) -> bool {
        self.heads
            .windows(2)
            .any(|pair| pair[0].value != pair[1].value)
    }
}
