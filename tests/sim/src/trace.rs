//! What happened, for whoever wants to know why, and its hash, by which two runs of a seed are compared.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::Run;

/// The record of a run.
#[derive(Default)]
pub struct Trace {
    hash: Sha256,
    steps: Vec<String>,
    counts: BTreeMap<&'static str, u64>,
}

impl Trace {
    /// Something happened.
    pub fn step(&mut self, what: String) {
        self.hash.update(what.as_bytes());
        self.hash.update([0]);
        self.steps.push(what);
    }

    /// Something else goes into the hash.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.hash.update(Sha256::digest(bytes));
    }

    /// Counts what happened.
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub(crate) fn ended(self) -> Run {
        let hash = self.hash.finalize();
        Run {
            hash: hash[..8].iter().map(|byte| format!("{byte:02x}")).collect(),
            counts: self.counts,
        }
    }

    pub(crate) fn into_steps(self) -> Vec<String> {
        self.steps
    }
}
