//! What was undone, so that undoing again goes further back instead of back and forth.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use shicha_domain::EntryId;

/// What was undone since the application started.
#[derive(Default)]
pub(crate) struct Undone(Mutex<Steps>);

#[derive(Default)]
struct Steps {
    /// Entries that were undone or that undid something.
    done: HashSet<EntryId>,
    /// An entry that undid something, and the earlier one whose value it brought back.
    stands_for: HashMap<EntryId, EntryId>,
}

impl Undone {
    pub(crate) fn has(&self, entry: EntryId) -> bool {
        self.0.lock().done.contains(&entry)
    }

    /// The entry whose value stands where `head` does.
    pub(crate) fn meant_by(&self, head: EntryId) -> EntryId {
        self.0.lock().stands_for.get(&head).copied().unwrap_or(head)
    }

    /// `by` undid `undone` and brought back what `restored` had written, if anything had.
    pub(crate) fn add(&self, undone: EntryId, by: EntryId, restored: Option<EntryId>) {
        let mut steps = self.0.lock();
        steps.done.extend([undone, by]);
        if let Some(restored) = restored {
            let meant = steps.stands_for.get(&restored).copied().unwrap_or(restored);
            steps.stands_for.insert(by, meant);
        }
    }
}
