//! Shows what an import would take, row by row, with what is wrong.
//!
//! Invariant: every row of the sheet appears exactly once, with its number in the file; nothing is
//! corrected beyond blanks, full-width letters and case of a code, and nothing is stored.
//! Deliberately not here: which subjects are known already (the caller answers), and the import.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use shicha_domain::codes::{CreditCodeFault, credit_code_check};

use super::{Cell, Doubt, Field, Mapping, Row, Sheet};

/// The longest value of a field, in characters.
const MAX_VALUE_CHARS: usize = 500;

/// A value that a field may have, with the words by which rosters name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The value that is taken over.
    pub code: String,
    /// The words for it; the code itself counts as one.
    pub names: Vec<String>,
}

/// By what a subject is looked up among the known ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// Its credit code, checked and in upper case.
    CreditCode(&'a str),
    /// Its name, without blanks around it.
    Name(&'a str),
}

/// What the preview compares a roster with.
pub struct Known<'a> {
    /// The kinds of subject.
    pub kinds: &'a [Choice],
    /// The regions.
    pub regions: &'a [Choice],
    /// Answers whether a subject is known, with the text by which to name it (such as its id).
    pub existing: &'a dyn Fn(Key<'_>) -> Option<String>,
}

/// What an import would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// All rows below the header, in their order.
    pub rows: Vec<PreviewRow>,
    /// How many rows have which verdict.
    pub counts: Counts,
}

/// How many rows have which verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// All rows.
    pub rows: usize,
    /// Without any problem.
    pub ready: usize,
    /// With problems that do not stop the row.
    pub doubtful: usize,
    /// With a problem that stops the row.
    pub blocked: usize,
}

/// One row as it would be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRow {
    /// Its number in the file, from 1.
    pub row_number: u32,
    /// The values that are not empty. A kind or region that is known stands here by its code.
    pub values: BTreeMap<Field, String>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

impl PreviewRow {
    /// Whether the row may be taken.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.problems.iter().any(Problem::blocks) {
            Verdict::Blocked
        } else if self.problems.is_empty() {
            Verdict::Ready
        } else {
            Verdict::Doubtful
        }
    }
}

/// Whether a row may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing is wrong.
    Ready,
    /// It can be taken, and should be looked at.
    Doubtful,
    /// It cannot be taken as it is.
    Blocked,
}

/// One thing that is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub field: Field,
    /// What.
    pub kind: ProblemKind,
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// A subject needs a name.
    MissingName,
    /// The credit code cannot be right (GB 32100-2015).
    CreditCode(CreditCodeFault),
    /// The number was kept without its last digits.
    LostPrecision,
    /// The cell holds an error value such as #REF!.
    ErrorValue,
    /// Longer than a value may be.
    TooLong,
    /// The same subject stands in this earlier row.
    DuplicateInFile {
        /// Number of the earlier row, from 1.
        first_row: u32,
    },
    /// The same subject is known already.
    AlreadyKnown {
        /// The text by which the caller names it.
        subject: String,
    },
    /// Not one of the kinds.
    UnknownKind,
    /// Not one of the regions.
    UnknownRegion,
}

impl Problem {
    /// The stable code by which the screens choose their text.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            ProblemKind::MissingName => "missing_name",
            ProblemKind::CreditCode(CreditCodeFault::Length) => "credit_code_length",
            ProblemKind::CreditCode(CreditCodeFault::Character) => "credit_code_character",
            ProblemKind::CreditCode(CreditCodeFault::Checksum) => "credit_code_checksum",
            ProblemKind::LostPrecision => "lost_precision",
            ProblemKind::ErrorValue => "error_value",
            ProblemKind::TooLong => "too_long",
            ProblemKind::DuplicateInFile { .. } => "duplicate_in_file",
            ProblemKind::AlreadyKnown { .. } => "already_known",
            ProblemKind::UnknownKind => "unknown_kind",
            ProblemKind::UnknownRegion => "unknown_region",
        }
    }

    /// Whether the row cannot be taken with it. Two subjects may share a name, but not a code.
    #[must_use]
    pub fn blocks(&self) -> bool {
        match self.kind {
            ProblemKind::MissingName | ProblemKind::CreditCode(_) | ProblemKind::TooLong => true,
            ProblemKind::LostPrecision
            | ProblemKind::ErrorValue
            | ProblemKind::DuplicateInFile { .. }
            | ProblemKind::AlreadyKnown { .. } => {
                matches!(self.field, Field::CreditCode)
            }
            ProblemKind::UnknownKind | ProblemKind::UnknownRegion => false,
        }
    }
}

/// Reads each row of a sheet by a mapping and tells what is wrong with it.
#[must_use]
pub fn preview(sheet: &Sheet, mapping: &Mapping, known: &Known<'_>) -> Preview {
    let mut reader = Reader {
        mapping,
        existing: known.existing,
        kinds: words(known.kinds),
        regions: words(known.regions),
        codes: HashMap::new(),
        names: HashMap::new(),
    };
    let rows: Vec<PreviewRow> = sheet.rows.iter().map(|row| reader.read(row)).collect();
    let mut counts = Counts {
        rows: rows.len(),
        ..Counts::default()
    };
    for row in &rows {
        match row.verdict() {
            Verdict::Ready => counts.ready += 1,
            Verdict::Doubtful => counts.doubtful += 1,
            Verdict::Blocked => counts.blocked += 1,
        }
    }
    Preview { rows, counts }
}

fn words(choices: &[Choice]) -> HashMap<String, &str> {
    let mut words = HashMap::new();
    for choice in choices {
        for name in std::iter::once(&choice.code).chain(&choice.names) {
            words
                .entry(comparable(name))
                .or_insert(choice.code.as_str());
        }
    }
    words
}

struct Reader<'a> {
    mapping: &'a Mapping,
    existing: &'a dyn Fn(Key<'_>) -> Option<String>,
    kinds: HashMap<String, &'a str>,
    regions: HashMap<String, &'a str>,
    /// The first row with a credit code.
    codes: HashMap<String, u32>,
    /// The first row with a name, and its credit code where it has one.
    names: HashMap<String, (u32, Option<String>)>,
}

impl Reader<'_> {
    fn read(&mut self, row: &Row) -> PreviewRow {
        let mut values = BTreeMap::new();
        let mut problems = Vec::new();
        for field in Field::ALL {
            let cell = self
                .mapping
                .column(field)
                .and_then(|column| row.cell(column));
            let Some(cell) = cell else { continue };
            let mut problem = |kind| problems.push(Problem { field, kind });
            match cell.doubt {
                // Of all fields only codes and telephones are long numbers; in the others a long
                // number is odd, but what is shown is what there is.
                Some(Doubt::LostPrecision) => problem(ProblemKind::LostPrecision),
                Some(Doubt::ErrorValue) => problem(ProblemKind::ErrorValue),
                Some(Doubt::Cut) => problem(ProblemKind::TooLong),
                None if cell.text.chars().count() > MAX_VALUE_CHARS => {
                    problem(ProblemKind::TooLong)
                }
                None => {}
            }
            let value = self.value(field, cell, &mut problems);
            if !value.is_empty() {
                values.insert(field, value);
            }
        }
        let name = values.get(&Field::Name).cloned().unwrap_or_default();
        if name.is_empty() {
            problems.push(Problem {
                field: Field::Name,
                kind: ProblemKind::MissingName,
            });
        }
        let code_is_sound = !problems
            .iter()
            .any(|problem| problem.field == Field::CreditCode);
        let code = values
            .get(&Field::CreditCode)
            .filter(|_| code_is_sound)
            .cloned();
        self.compare(row.number, &name, code, &mut problems);
        PreviewRow {
            row_number: row.number,
            values,
            problems,
        }
    }

    fn value(&self, field: Field, cell: &Cell, problems: &mut Vec<Problem>) -> String {
        let mut problem = |kind| problems.push(Problem { field, kind });
        match field {
            Field::CreditCode => {
                let code = credit_code(&cell.text);
                // A number without its last digits is no code to be checked.
                if cell.doubt.is_none()
                    && let Err(fault) = credit_code_check(&code)
                {
                    problem(ProblemKind::CreditCode(fault));
                }
                code
            }
            Field::Phone => half_width(&cell.text),
            Field::Kind => match self.kinds.get(&comparable(&cell.text)) {
                Some(code) => (*code).to_owned(),
                None => {
                    problem(ProblemKind::UnknownKind);
                    one_line(&cell.text)
                }
            },
            Field::Region => match self.regions.get(&comparable(&cell.text)) {
                Some(code) => (*code).to_owned(),
                None => {
                    problem(ProblemKind::UnknownRegion);
                    one_line(&cell.text)
                }
            },
            Field::Name
            | Field::Address
            | Field::LegalRepresentative
            | Field::Industry
            | Field::Contact => one_line(&cell.text),
        }
    }

    /// Compares a row with the rows above it and with the known subjects.
    fn compare(&mut self, row: u32, name: &str, code: Option<String>, problems: &mut Vec<Problem>) {
        let mut problem = |field, kind| problems.push(Problem { field, kind });
        if let Some(code) = &code {
            if let Some(first_row) = self.codes.get(code).copied() {
                problem(
                    Field::CreditCode,
                    ProblemKind::DuplicateInFile { first_row },
                );
            } else {
                self.codes.insert(code.clone(), row);
            }
            if let Some(subject) = (self.existing)(Key::CreditCode(code)) {
                problem(Field::CreditCode, ProblemKind::AlreadyKnown { subject });
                return;
            }
        }
        if name.is_empty() {
            return;
        }
        match self.names.get(&comparable(name)) {
            // Equal names with different codes are two subjects, e.g. branches.
            Some((_, Some(other))) if code.as_ref().is_some_and(|code| code != other) => {}
            Some((first_row, _)) => {
                let first_row = *first_row;
                problem(Field::Name, ProblemKind::DuplicateInFile { first_row });
            }
            None => {
                self.names.insert(comparable(name), (row, code));
            }
        }
        if let Some(subject) = (self.existing)(Key::Name(name)) {
            problem(Field::Name, ProblemKind::AlreadyKnown { subject });
        }
    }
}

/// A text by which two ways of writing the same word are equal.
fn comparable(text: &str) -> String {
    let text = half_width(text).to_lowercase();
    text.chars()
        .filter(|character| !character.is_whitespace())
        .collect()
}

fn credit_code(text: &str) -> String {
    let code = half_width(text).to_uppercase();
    let kept = |character: &char| {
        !character.is_whitespace() && !matches!(character, '-' | '\'' | '‘' | '’')
    };
    code.chars().filter(kept).collect()
}

/// Full-width letters, digits and marks as their ordinary forms.
fn half_width(text: &str) -> String {
    let ordinary = |character| match character {
        '！'..='～' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        '\u{3000}' => ' ',
        other => other,
    };
    let text: String = text.chars().map(ordinary).collect();
    one_line(&text)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
