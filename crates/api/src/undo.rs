//! What was undone, so that undoing again goes further back instead of back and forth.

use std::collections::HashSet;

use parking_lot::Mutex;
use shicha_domain::EntryId;

/// Entries that were undone or that undid something, since the application started.
#[derive(Default)]
pub(crate) struct Undone(Mutex<HashSet<EntryId>>);

impl Undone {
    pub(crate) fn has(&self, entry: EntryId) -> bool {
        self.0.lock().contains(&entry)
    }

    pub(crate) fn add(&self, entries: impl IntoIterator<Item = EntryId>) {
        self.0.lock().extend(entries);
    }
}
