//! An inspection (检查) read from its record: answers, what is still missing, how far it is.
//!
//! The rules here are those of the form: a non-conforming answer needs a description and evidence, an item that was not checked
//! needs a reason, a visit needs two inspectors (行政处罚法 §42) who showed their certificates (安全生产法 §67).

use crate::{
    event::{SignMethod, SignerRole},
    record::RecordState,
};

/// 检查结果.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Result {
    /// 符合.
    Conforms,
    /// 不符合.
    Nonconforming,
    /// 不适用.
    NotApplicable,
    /// 未检查.
    NotChecked,
    /// 待核实.
    ToVerify,
}

impl Result {
    /// Reads the word of the field.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "conforms" => Self::Conforms,
            "nonconforming" => Self::Nonconforming,
            "not_applicable" => Self::NotApplicable,
            "not_checked" => Self::NotChecked,
            "to_verify" => Self::ToVerify,
            _ => return None,
        })
    }
}

impl Result {
    /// The word of the field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conforms => "conforms",
            Self::Nonconforming => "nonconforming",
            Self::NotApplicable => "not_applicable",
            Self::NotChecked => "not_checked",
            Self::ToVerify => "to_verify",
        }
    }
}

/// The place of an item's evidence and fields.
pub fn answer_place(item: &str) -> String {
    format!("answers/{item}")
}

/// The result given to an item, if any.
pub fn result(state: &RecordState, item: &str) -> Option<Result> {
    Result::parse(state.text(&format!("answers/{item}/result")))
}

/// How many items have which result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// 符合.
    pub conforms: u32,
    /// 不符合.
    pub nonconforming: u32,
    /// 不适用.
    pub not_applicable: u32,
    /// 未检查.
    pub not_checked: u32,
    /// 待核实.
    pub to_verify: u32,
}

impl Counts {
    /// Items that have any result.
    pub fn answered(&self) -> u32 {
        self.conforms + self.nonconforming + self.not_applicable + self.not_checked + self.to_verify
    }

    /// Counts one result.
    pub fn add(&mut self, result: Result) {
        match result {
            Result::Conforms => self.conforms += 1,
            Result::Nonconforming => self.nonconforming += 1,
            Result::NotApplicable => self.not_applicable += 1,
            Result::NotChecked => self.not_checked += 1,
            Result::ToVerify => self.to_verify += 1,
        }
    }
}

/// Counts the results of a record's answers.
pub fn counts(state: &RecordState) -> Counts {
    let mut counts = Counts::default();
    for (item, _) in answered(state) {
        if let Some(result) = result(state, item) {
            counts.add(result);
        }
    }
    counts
}

/// Items that have a result field, with its word.
pub fn answered(state: &RecordState) -> impl Iterator<Item = (&str, &str)> {
    state.fields().iter().filter_map(|(field, register)| {
        let item = field.strip_prefix("answers/")?.strip_suffix("/result")?;
        Some((item, register.winner()?.value.as_str()?))
    })
}

/// How far an inspection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Being filled in.
    Open,
    /// Frozen by a first signature, others still missing.
    Signing,
    /// Two inspectors and the subject signed, or the subject's refusal is noted.
    Signed,
    /// Declared void.
    Annulled,
}

impl Stage {
    /// The word that stands in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Signing => "signing",
            Self::Signed => "signed",
            Self::Annulled => "annulled",
        }
    }
}

/// Tells how far the inspection is. Only signatures under the frozen content count.
pub fn stage(state: &RecordState) -> Stage {
    if state.annulled().is_some() {
        return Stage::Annulled;
    }
    if state.frozen().is_none() {
        return Stage::Open;
    }
    let valid = || state.signatures().iter().filter(|signed| signed.fits);
    let mut inspectors: Vec<&str> = valid()
        .filter(|s| {
            s.signature.role == SignerRole::Inspector && s.signature.method != SignMethod::Refused
        })
        .map(|s| s.signature.name.as_str())
        .collect();
    inspectors.sort_unstable();
    inspectors.dedup();
    let has_subject = valid().any(|s| s.signature.role == SignerRole::Subject);
    if inspectors.len() >= 2 && has_subject {
        Stage::Signed
    } else {
        Stage::Signing
    }
}

/// What kind of thing is missing before an inspection can be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lack {
    /// Fewer than two inspectors.
    TwoInspectors,
    /// An inspector without certificate number.
    Certificate,
    /// Certificates were not shown.
    IdentityShown,
    /// No start of the visit.
    Start,
    /// No end of the visit, or an end before the start.
    End,
    /// No place.
    Place,
    /// No document number, not even a provisional one.
    Number,
    /// An item without a result.
    Result,
    /// Not checked, without a reason.
    Reason,
    /// Does not conform, without a description.
    Description,
    /// Does not conform, without evidence.
    Evidence,
    /// A finding without a measure.
    Measure,
    /// A finding without somebody responsible.
    Responsible,
    /// A finding without a deadline.
    Due,
    /// A conflict that nobody has settled.
    Conflict,
}

impl Lack {
    /// The word by which the screens know it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TwoInspectors => "two_inspectors",
            Self::Certificate => "certificate",
            Self::IdentityShown => "identity_shown",
            Self::Start => "start",
            Self::End => "end",
            Self::Place => "place",
            Self::Number => "number",
            Self::Result => "result",
            Self::Reason => "reason",
            Self::Description => "description",
            Self::Evidence => "evidence",
            Self::Measure => "measure",
            Self::Responsible => "responsible",
            Self::Due => "due",
            Self::Conflict => "conflict",
        }
    }
}

/// One thing that is missing, and the field at which it is to be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What.
    pub lack: Lack,
    /// The field or place.
    pub field: String,
    /// The checklist item, where it is about one.
    pub item: Option<String>,
}

/// Lists what is missing before signing, for the items that the visit has to answer, in their order.
pub fn missing<'a>(state: &RecordState, items: impl IntoIterator<Item = &'a str>) -> Vec<Missing> {
    let mut list = Vec::new();
    let head = |lack, field: &str| Missing {
        lack,
        field: field.to_owned(),
        item: None,
    };
    let none = Vec::new();
    let inspectors = state
        .value("inspectors")
        .and_then(|v| v.as_array())
        .unwrap_or(&none);
    if inspectors.len() < 2 {
        list.push(head(Lack::TwoInspectors, "inspectors"));
    }
    if inspectors
        .iter()
        .any(|one| one["certificate"].as_str().unwrap_or("").trim().is_empty())
    {
        list.push(head(Lack::Certificate, "inspectors"));
    }
    if state.value("identity_shown").and_then(|v| v.as_bool()) != Some(true) {
        list.push(head(Lack::IdentityShown, "identity_shown"));
    }
    let started = state.value("started_at").and_then(|v| v.as_u64());
    let ended = state.value("ended_at").and_then(|v| v.as_u64());
    if started.is_none() {
        list.push(head(Lack::Start, "started_at"));
    }
    if ended.is_none() || ended < started {
        list.push(head(Lack::End, "ended_at"));
    }
    for (lack, field) in [(Lack::Place, "place"), (Lack::Number, "number")] {
        if state.text(field).trim().is_empty() {
            list.push(head(lack, field));
        }
    }
    for item in items {
        let mut need = |lack, rest: &str, is_there: bool| {
            if !is_there {
                list.push(Missing {
                    lack,
                    field: format!("answers/{item}/{rest}"),
                    item: Some(item.to_owned()),
                });
            }
        };
        let has_text = |rest: &str| {
            !state
                .text(&format!("answers/{item}/{rest}"))
                .trim()
                .is_empty()
        };
        match result(state, item) {
            None => need(Lack::Result, "result", false),
            Some(Result::NotChecked) => need(Lack::Reason, "reason", has_text("reason")),
            Some(Result::Nonconforming) => {
                need(
                    Lack::Description,
                    "finding/description",
                    has_text("finding/description"),
                );
                need(
                    Lack::Evidence,
                    "evidence",
                    state.evidence_at(&answer_place(item)).next().is_some(),
                );
                need(
                    Lack::Measure,
                    "finding/measure",
                    has_text("finding/measure"),
                );
                need(
                    Lack::Responsible,
                    "finding/responsible",
                    has_text("finding/responsible"),
                );
                need(Lack::Due, "finding/due", has_text("finding/due"));
            }
            Some(Result::Conforms | Result::NotApplicable | Result::ToVerify) => {}
        }
    }
    for (field, _) in state.conflicts() {
        let item = field
            .strip_prefix("answers/")
            .and_then(|rest| rest.split('/').next())
            .map(str::to_owned);
        list.push(Missing {
            lack: Lack::Conflict,
            field: field.to_owned(),
            item,
        });
    }
    list
}
