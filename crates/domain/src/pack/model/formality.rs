//! Signs of going through the motions: which patterns arouse suspicion, from which threshold, and what may explain them.
//!
//! Only data. A rule yields a suspicion and never a finding; two inspectors have to verify it first.

use super::super::ids::{Id, ItemId, RuleId};
use super::super::shape::record;
use super::{Certainty, Label};

record! {
    /// The formality rules.
    pub struct Formality {
        /// What a hit means and what it does not.
        pub note: Label,
        /// The rules.
        pub rules: Vec<Rule>,
    }
}

record! {
    /// A formality rule (疑点规则).
    pub struct Rule in Rules {
        /// Which, e.g. `R01`.
        pub id: RuleId,
        /// What it is called.
        pub name: Label,
        /// When it hits.
        pub logic: String,
        /// Its thresholds, each to be changed by a bureau and kept with the inspection.
        pub parameters: Vec<Parameter>,
        /// What may explain a hit without anything being wrong.
        pub innocent: Vec<InnocentExplanation>,
        /// The items that it bears on.
        pub items: Vec<ItemId>,
        /// How sure the thresholds are.
        pub certainty: Certainty,
        /// What to know about it.
        pub note: Option<String>,
    }
}

record! {
    /// A threshold.
    pub struct Parameter {
        /// Which.
        pub id: Id,
        /// What it is.
        pub label: String,
        /// The value to begin with.
        pub value: f64,
        /// In which unit.
        pub unit: Option<String>,
    }
}

record! {
    /// What may explain a hit without anything being wrong.
    pub struct InnocentExplanation {
        /// What may have happened.
        pub explanation: String,
        /// How to tell.
        pub handling: Option<String>,
    }
}
