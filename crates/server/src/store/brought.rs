//! Receipts of the endpoint's own that devices bring back to it with the entries that they were given for, after a restoration from a
//! backup lost both (invariant 10, nothing proved is given up).
//!
//! What is brought is proved before: the endpoint's own signature, and that the receipt's last entry is the one that comes with it. A
//! receipt counts for an entry of its run that it did not refuse, and only where it is older than the one that the entry gets now.

use std::collections::HashMap;

use shicha_domain::{Receipt, receipt::Rank};

/// Receipts that were brought and proved, and which of them is the oldest for each entry.
#[derive(Debug, Clone, Default)]
pub struct Brought {
    receipts: Vec<Receipt>,
    oldest: HashMap<u64, usize>,
}

impl Brought {
    /// Of proved receipts for a log from a place on up to another.
    pub fn proved(mut receipts: Vec<Receipt>, (first, last): (u64, u64)) -> Self {
        receipts.sort_by_key(Receipt::rank);
        let mut oldest = HashMap::new();
        for (n, receipt) in receipts.iter().enumerate() {
            for seq in receipt.from.max(first)..=receipt.seq.min(last) {
                if receipt.accepts(seq) {
                    oldest.entry(seq).or_insert(n);
                }
            }
        }
        Self { receipts, oldest }
    }

    /// Those for entries after a place, each with where it stands among all.
    pub(super) fn after(&self, head: u64) -> impl Iterator<Item = (usize, &Receipt)> {
        let all = self.receipts.iter().enumerate();
        all.filter(move |(_, receipt)| receipt.seq > head)
    }

    /// The oldest receipt for an entry that is accepted, and where it stands, if it is older than what is given now.
    pub(super) fn oldest(&self, seq: u64, given: Rank) -> Option<(usize, &Receipt)> {
        let n = *self.oldest.get(&seq)?;
        let receipt = self.receipts.get(n)?;
        (receipt.rank() < given).then_some((n, receipt))
    }
}
