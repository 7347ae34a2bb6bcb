//! What is wrong with a pack, where, and in words that its author understands.
//!
//! A pack is data that people write, so a fault is a result and not an error type: checking goes on after one and lists them
//! all. Codes are stable; the sentences may be reworded.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong with a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in the line, in characters from 1.
    pub column: usize,
    /// Where in the data, e.g. `checklists[0].sections[2].items[1].bases[0].law`; `$` is the whole pack.
    pub path: String,
    /// What is wrong, in Chinese.
    pub reason_zh: String,
    /// What is wrong, in English.
    pub reason_en: String,
    /// What kind of fault it is.
    pub code: FaultCode,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}:{}: {}: {} ({})",
            self.line, self.column, self.path, self.reason_zh, self.reason_en
        )
    }
}

/// The kinds of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// The file is longer than a pack may be, or holds too many values.
    TooLarge,
    /// Values are nested deeper than a pack ever needs.
    TooDeep,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// Not JSON.
    Syntax,
    /// The same field stands twice in one object.
    RepeatedField,
    /// A field that the format does not have.
    UnknownField,
    /// A field that the format requires.
    MissingField,
    /// A value of another type than the field has.
    WrongType,
    /// A text without anything to read.
    EmptyText,
    /// A text that is longer than allowed.
    LongText,
    /// A list that needs at least one entry has none.
    EmptyList,
    /// An identifier with characters that identifiers do not have.
    BadId,
    /// A date that is none.
    BadDate,
    /// A word that is not among those listed, such as a certainty other than F, K and U.
    BadChoice,
    /// A version that is not three numbers.
    BadVersion,
    /// A region code that is not 6, 9 or 12 digits.
    BadRegionCode,
    /// A number format without `{n}`, or with a mark that does not exist.
    BadNumberFormat,
    /// A format number that this program does not read.
    UnsupportedFormat,
    /// Two rows of one table, or of one list, have the same identifier.
    DuplicateId,
    /// A reference to a row that does not exist, such as a legal basis without its law.
    MissingReference,
    /// Things that depend on each other in a circle.
    Cycle,
    /// An end before its start.
    EndBeforeStart,
    /// A phase or obligation that is not within the campaign.
    OutsideCampaign,
    /// A basis or penalty that is said to be valid when its law is not.
    OutsideLaw,
    /// Two phases on the same day.
    OverlappingPhases,
    /// A question whose answer is not among its options.
    BadAnswer,
}
