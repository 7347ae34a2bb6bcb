//! What the rest of the program asks a pack: rows by their identifiers, items in order, what is in force on a day.

use super::Date;
use super::model::{
    Basis, Certainty, Checklist, Condition, DocumentForm, DocumentKind, EvidenceCode, Item, Law,
    LawKind, Obligation, Pack, Penalty, PenaltyRef, Phase, Region, Role, Rule, Section,
    SubjectKind,
};

/// An item and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// Its checklist.
    pub checklist: &'p Checklist,
    /// Its section.
    pub section: &'p Section,
    /// The item.
    pub item: &'p Item,
}

/// A legal basis of an item, with its law.
#[derive(Clone, Copy, Debug)]
pub struct BasisOfItem<'p> {
    /// The basis.
    pub basis: &'p Basis,
    /// Its law.
    pub law: &'p Law,
    /// First day: the later of the basis's and the law's; `None` where neither is known.
    pub valid_from: Option<Date>,
    /// Last day: the earlier of the basis's and the law's; `None` where neither is known.
    pub valid_to: Option<Date>,
}

/// A penalty that an item may lead to, with what the item says about it.
#[derive(Clone, Copy, Debug)]
pub struct PenaltyOfItem<'p> {
    /// The clause.
    pub penalty: &'p Penalty,
    /// The part of the clause, when, and on whom.
    pub reference: &'p PenaltyRef,
}

impl Pack {
    /// The checklist of that name.
    #[must_use]
    pub fn checklist(&self, id: &str) -> Option<&Checklist> {
        self.checklists.iter().find(|row| row.id == id)
    }

    /// The checklists for a kind of subject, in order.
    pub fn checklists_for(&self, kind: SubjectKind) -> impl Iterator<Item = &Checklist> {
        self.checklists
            .iter()
            .filter(move |row| row.subject_kind == kind)
    }

    /// All items, in the order of the checklists.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.places().map(|place| place.item)
    }

    /// All items with their sections and checklists, in order.
    pub fn places(&self) -> impl Iterator<Item = Place<'_>> {
        self.checklists.iter().flat_map(|checklist| {
            checklist.sections.iter().flat_map(move |section| {
                section.items.iter().map(move |item| Place {
                    checklist,
                    section,
                    item,
                })
            })
        })
    }

    /// The items of a checklist that a visit on `date` has to answer, in order: those that are asked on that day, whose section
    /// is for subjects with these traits, and whose conditions hold by the results so far.
    pub fn asked<'p>(
        &'p self,
        checklist: &'p Checklist,
        date: Date,
        has_trait: impl Fn(&str) -> bool,
        result: impl Fn(&str) -> Option<crate::inspection::Result>,
    ) -> Vec<&'p Item> {
        let holds = |condition: &Condition| {
            result(condition.item.as_str()).is_some_and(|given| {
                condition
                    .results
                    .iter()
                    .any(|wanted| wanted.as_str() == given.as_str())
            })
        };
        checklist
            .sections
            .iter()
            .filter(|section| section.applies_to.iter().all(|id| has_trait(id.as_str())))
            .filter(|section| section.depends_on.iter().all(holds))
            .flat_map(|section| section.items.iter())
            .filter(|item| item.is_asked_on(date) && item.depends_on.iter().all(holds))
            .collect()
    }

    /// The item of that name.
    #[must_use]
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.items().find(|row| row.id == id)
    }

    /// The item of that name, with its section and checklist.
    #[must_use]
    pub fn place(&self, id: &str) -> Option<Place<'_>> {
        self.places().find(|place| place.item.id == id)
    }

    /// The law of that abbreviation.
    #[must_use]
    pub fn law(&self, id: &str) -> Option<&Law> {
        self.laws.iter().find(|row| row.id == id)
    }

    /// The penalty clause of that code.
    #[must_use]
    pub fn penalty(&self, id: &str) -> Option<&Penalty> {
        self.penalties.iter().find(|row| row.id == id)
    }

    /// The kind of evidence of that sign.
    #[must_use]
    pub fn evidence_code(&self, id: &str) -> Option<&EvidenceCode> {
        self.evidence_codes.iter().find(|row| row.id == id)
    }

    /// The obligation of that name.
    #[must_use]
    pub fn obligation(&self, id: &str) -> Option<&Obligation> {
        self.obligations.iter().find(|row| row.id == id)
    }

    /// The role of that name.
    #[must_use]
    pub fn role(&self, id: &str) -> Option<&Role> {
        self.roles.iter().find(|row| row.id == id)
    }

    /// The region of that name.
    #[must_use]
    pub fn region(&self, id: &str) -> Option<&Region> {
        self.regions.iter().find(|row| row.id == id)
    }

    /// The kind of document of that name.
    #[must_use]
    pub fn document_kind(&self, id: &str) -> Option<&DocumentKind> {
        self.documents.kinds.iter().find(|row| row.id == id)
    }

    /// The form of a kind of document, where the pack has one.
    #[must_use]
    pub fn form_of(&self, document: &str) -> Option<&DocumentForm> {
        self.documents
            .forms
            .iter()
            .find(|row| row.document == document)
    }

    /// The formality rule of that name.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.formality.rules.iter().find(|row| row.id == id)
    }

    /// The phase in which a day lies; `None` outside the campaign or between phases.
    #[must_use]
    pub fn phase_on(&self, date: Date) -> Option<&Phase> {
        self.phases
            .iter()
            .find(|phase| (phase.from..=phase.to).contains(&date))
    }

    /// The bases of an item that were in force on a day, in their order. A day that is not known does not exclude: the
    /// law's certainty and notes say so beside it.
    #[must_use]
    pub fn bases_in_force<'p>(&'p self, item: &'p Item, date: Date) -> Vec<BasisOfItem<'p>> {
        self.bases_of(item)
            .filter(|basis| basis.is_in_force_on(date))
            .collect()
    }

    /// All bases of an item with their laws, in their order, in force or not.
    pub fn bases_of<'p>(&'p self, item: &'p Item) -> impl Iterator<Item = BasisOfItem<'p>> {
        item.bases.iter().filter_map(|basis| {
            let law = self.law(basis.law.as_str())?;
            Some(BasisOfItem {
                basis,
                law,
                valid_from: later(basis.valid_from, law.valid_from),
                valid_to: earlier(basis.valid_to, law.valid_to),
            })
        })
    }

    /// The penalties that an item may lead to, in their order, in force or not.
    pub fn penalties_of<'p>(&'p self, item: &'p Item) -> impl Iterator<Item = PenaltyOfItem<'p>> {
        item.penalties.iter().filter_map(|reference| {
            let penalty = self.penalty(reference.penalty.as_str())?;
            Some(PenaltyOfItem { penalty, reference })
        })
    }

    /// The days suggested for rectifying a finding of an item: its own, else the pack's.
    #[must_use]
    pub fn rectification_days(&self, item: &Item) -> u32 {
        item.rectification_days
            .unwrap_or(self.settings.rectification_days.value)
    }

    /// The first and last day of a penalty clause: its own, else its law's; `None` where not known.
    #[must_use]
    pub fn penalty_validity(&self, penalty: &Penalty) -> (Option<Date>, Option<Date>) {
        let law = penalty.law.as_ref().and_then(|law| self.law(law.as_str()));
        (
            penalty
                .valid_from
                .or_else(|| law.and_then(|law| law.valid_from)),
            penalty
                .valid_to
                .or_else(|| law.and_then(|law| law.valid_to)),
        )
    }

    /// The penalties that an item may lead to and that were in force on a day. Which applies is a matter of law (the day of
    /// the act, and the milder of old and new); a person decides.
    #[must_use]
    pub fn penalties_in_force<'p>(&'p self, item: &'p Item, date: Date) -> Vec<PenaltyOfItem<'p>> {
        self.penalties_of(item)
            .filter(|of_item| {
                let (from, to) = self.penalty_validity(of_item.penalty);
                is_in_force(from, to, date)
            })
            .collect()
    }
}

impl BasisOfItem<'_> {
    /// The basis as it is cited: the law's title, in book marks unless it brings its own, then the clause.
    #[must_use]
    pub fn citation(&self) -> String {
        let (title, clause) = (&self.law.title, &self.basis.clause);
        if title.contains('《') {
            format!("{title}{clause}")
        } else {
            format!("《{title}》{clause}")
        }
    }

    /// How sure it is: as sure as the less sure of basis and law.
    #[must_use]
    pub fn certainty(&self) -> Certainty {
        self.basis.certainty.max(self.law.certainty)
    }

    /// Whether it could be a basis on a day. A day that is not known does not exclude.
    #[must_use]
    pub fn is_in_force_on(&self, date: Date) -> bool {
        is_in_force(self.valid_from, self.valid_to, date)
    }
}

impl Item {
    /// Whether the item is asked on a day.
    #[must_use]
    pub fn is_asked_on(&self, date: Date) -> bool {
        is_in_force(self.valid_from, self.valid_to, date)
    }
}

impl Law {
    /// Whether a document may cite it as a legal basis. Notices say what to check, references only serve comparison.
    #[must_use]
    pub fn is_citable(&self) -> bool {
        !matches!(self.kind, LawKind::Notice | LawKind::Reference)
    }
}

fn is_in_force(from: Option<Date>, to: Option<Date>, date: Date) -> bool {
    from.is_none_or(|from| from <= date) && to.is_none_or(|to| date <= to)
}

fn later(a: Option<Date>, b: Option<Date>) -> Option<Date> {
    a.max(b)
}

fn earlier(a: Option<Date>, b: Option<Date>) -> Option<Date> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}
