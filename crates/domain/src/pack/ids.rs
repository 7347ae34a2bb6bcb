//! The identifiers of a pack's tables, and the small texts of fixed form.
//!
//! Invariant: an identifier consists of letters, digits, CJK, `.`, `_` and `-`, so that it can be a part of a field name of a
//! record (`answers/TI-1.1/result`). Whether the row that it names exists is checked for the whole pack at once.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::shape::{Form, FormFault, Shape, Shaped};
use super::{Date, FaultCode};

/// The most characters of an identifier.
const MAX_ID: usize = 40;

/// A table of the pack, whose rows others refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Table {
    Laws,
    Penalties,
    EvidenceCodes,
    Traits,
    Checklists,
    Sections,
    Items,
    Phases,
    Obligations,
    Roles,
    Regions,
    DocumentKinds,
    Forms,
    Columns,
    Questions,
    Rules,
}

impl Table {
    /// Where its rows stand in the file, and what one row is called.
    pub(super) const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Laws => ("laws", "法律依据", "law"),
            Self::Penalties => ("penalties", "处罚条款", "penalty"),
            Self::EvidenceCodes => ("evidence_codes", "证据代码", "evidence code"),
            Self::Traits => ("traits", "对象特征", "trait"),
            Self::Checklists => ("checklists", "检查表", "checklist"),
            Self::Sections => ("sections", "检查表分项", "section"),
            Self::Items => ("items", "检查项", "item"),
            Self::Phases => ("phases", "阶段", "phase"),
            Self::Obligations => ("obligations", "报送事项", "obligation"),
            Self::Roles => ("roles", "报送主体", "role"),
            Self::Regions => ("regions", "区划", "region"),
            Self::DocumentKinds => ("documents.kinds", "文书种类", "document kind"),
            Self::Forms => ("documents.forms", "文书式样", "document form"),
            Self::Columns => ("statistics.groups", "统计列", "statistics column"),
            Self::Questions => ("question_bank.questions", "题目", "question"),
            Self::Rules => ("formality.rules", "疑点规则", "rule"),
        }
    }
}

macro_rules! row_ids {
    ($( $(#[doc = $doc:literal])* $name:ident in $table:ident; )*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl Shaped for $name {
            const SHAPE: Shape = Shape::Row(Table::$table);
        }

        texts!($name);
    )*};
}

macro_rules! texts {
    ($name:ident) => {
        impl $name {
            /// The text as it stands in the file.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    };
}

row_ids! {
    /// The abbreviation of a law, standard or notice, e.g. `PX44`.
    LawId in Laws;
    /// The code of a penalty clause, e.g. `P-TI34`.
    PenaltyId in Penalties;
    /// The sign of a kind of evidence, e.g. `照`.
    EvidenceCodeId in EvidenceCodes;
    /// A trait of subjects, e.g. `high_risk`.
    TraitId in Traits;
    /// A checklist.
    ChecklistId in Checklists;
    /// A section of a checklist.
    SectionId in Sections;
    /// A checkpoint, e.g. `TI-1.1`.
    ItemId in Items;
    /// A phase of the campaign.
    PhaseId in Phases;
    /// A reporting obligation, e.g. `D01`.
    ObligationId in Obligations;
    /// Who reports or receives.
    RoleId in Roles;
    /// A region or functional area.
    RegionId in Regions;
    /// A kind of document, e.g. `site_record`.
    DocumentKindId in DocumentKinds;
    /// A document form.
    FormId in Forms;
    /// A statistics column.
    ColumnId in Columns;
    /// A question of the question bank.
    QuestionId in Questions;
    /// A formality rule, e.g. `R01`.
    RuleId in Rules;
}

macro_rules! forms {
    ($( $(#[doc = $doc:literal])* $name:ident matches $pattern:literal else $fault:path; )*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl Shaped for $name {
            const SHAPE: Shape = Shape::Form(&Form {
                name: stringify!($name),
                pattern: $pattern,
                about: concat!($($doc),*),
                fault: $fault,
            });
        }

        texts!($name);
    )*};
}

forms! {
    /// An identifier within its list: letters, digits, CJK, `.`, `_` and `-`, at most 40 characters.
    Id matches r"^[\p{L}\p{N}._-]{1,40}$" else id_fault;
    /// Three whole numbers with points between them, as in `1.0.0`. A changed pack has a higher version.
    Version matches r"^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$" else version_fault;
    /// An administrative or statistical region code of 6, 9 or 12 digits.
    RegionCode matches r"^(\d{6}|\d{9}|\d{12})$" else region_code_fault;
    /// How document numbers are written; the marks are `{organ}`, `{word}`, `{year}` and `{n}`, and `{n}` must be there.
    NumberFormat matches r"^[^{}]*(\{(organ|word|year)\}[^{}]*)*\{n\}[^{}]*(\{(organ|word|year)\}[^{}]*)*$" else number_format_fault;
}

impl Version {
    /// The three numbers, for telling which of two packs is newer.
    #[must_use]
    pub fn numbers(&self) -> [u32; 3] {
        let mut parts = self.0.split('.').map(|part| part.parse().unwrap_or(0));
        std::array::from_fn(|_| parts.next().unwrap_or(0))
    }
}

impl Shaped for Date {
    const SHAPE: Shape = Shape::Form(&Form {
        name: "Date",
        pattern: r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$",
        about: "A day that exists in the calendar, written YYYY-MM-DD.",
        fault: date_fault,
    });
}

pub(super) fn id_fault(text: &str) -> Option<FormFault> {
    let is_sign = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_dots = text == "." || text == "..";
    let fits = !text.is_empty() && text.chars().count() <= MAX_ID && text.chars().all(is_sign);
    (!fits || is_dots).then(|| FormFault {
        code: FaultCode::BadId,
        zh: format!("编号“{text}”只能由字母、数字、汉字和 . _ - 组成，且不超过 {MAX_ID} 个字符"),
        en: format!(
            "the identifier \"{text}\" may only have letters, digits, CJK and . _ -, at most {MAX_ID} characters"
        ),
    })
}

fn version_fault(text: &str) -> Option<FormFault> {
    let is_number = |part: &str| {
        (1..=6).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let fits = text.split('.').count() == 3 && text.split('.').all(is_number);
    (!fits).then(|| FormFault {
        code: FaultCode::BadVersion,
        zh: format!("版本“{text}”应为三个数字，如 1.0.0"),
        en: format!("the version \"{text}\" must be three numbers, such as 1.0.0"),
    })
}

fn region_code_fault(text: &str) -> Option<FormFault> {
    let fits = matches!(text.len(), 6 | 9 | 12) && text.bytes().all(|byte| byte.is_ascii_digit());
    (!fits).then(|| FormFault {
        code: FaultCode::BadRegionCode,
        zh: format!("区划代码“{text}”应为 6、9 或 12 位数字"),
        en: format!("the region code \"{text}\" must have 6, 9 or 12 digits"),
    })
}

fn number_format_fault(text: &str) -> Option<FormFault> {
    let bad = |zh: String, en: String| {
        Some(FormFault {
            code: FaultCode::BadNumberFormat,
            zh,
            en,
        })
    };
    let mut has_number = 0;
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let mark = rest.get(open..).unwrap_or_default();
        let end = mark.find('}').map_or(mark.len(), |close| close + 1);
        let (mark, after) = mark.split_at(end);
        match mark {
            "{n}" => has_number += 1,
            "{organ}" | "{word}" | "{year}" => {}
            _ => {
                return bad(
                    format!(
                        "文号格式中的“{mark}”无法识别，只能用 {{organ}} {{word}} {{year}} {{n}}"
                    ),
                    format!(
                        "the number format has \"{mark}\"; only {{organ}} {{word}} {{year}} {{n}} exist"
                    ),
                );
            }
        }
        rest = after;
    }
    if has_number == 1 {
        return None;
    }
    bad(
        format!("文号格式“{text}”必须有且只有一个序号标记 {{n}}"),
        format!("the number format \"{text}\" must have the mark {{n}} exactly once"),
    )
}

fn date_fault(text: &str) -> Option<FormFault> {
    let fault = text.parse::<Date>().err()?;
    let (zh, en) = match fault {
        super::DateFault::Form => (
            format!("日期“{text}”应写作 YYYY-MM-DD，如 2022-03-25"),
            format!("the date \"{text}\" must be written YYYY-MM-DD, such as 2022-03-25"),
        ),
        super::DateFault::NoSuchDay => (
            format!("日历上没有“{text}”这一天"),
            format!("the calendar has no day {text}"),
        ),
    };
    Some(FormFault {
        code: FaultCode::BadDate,
        zh,
        en,
    })
}

/// A list that has at least one entry in every pack that was accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OneOrMore<T>(Vec<T>);

impl<T> Deref for OneOrMore<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T> IntoIterator for &'a OneOrMore<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
