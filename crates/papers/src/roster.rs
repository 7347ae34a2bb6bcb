//! Reads rosters of subjects from workbooks and text tables that other people made.
//!
//! Invariant: nothing in a file is run (macros, formulas, links), the memory used is bounded by the
//! limits below whatever the file claims about itself, and a value that the file cannot be trusted
//! to hold (a long number without its last digits, an error value) is marked, not guessed at.
//! Deliberately not here: writing subjects anywhere, and what a known subject is (the caller says).

mod biff;
mod cells;
mod delimited;
mod error;
mod grid;
mod mapping;
mod package;
mod preview;
mod workbook;

use serde::{Deserialize, Serialize};

pub use error::RosterError;
pub use mapping::{Field, Mapping, guess_mapping};
pub use preview::{
    Choice, Counts, Key, Known, Preview, PreviewRow, Problem, ProblemKind, Verdict, preview,
};

/// The largest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// The most rows of a sheet that have content.
pub const MAX_ROWS: usize = 200_000;
/// The most columns that are read; what stands further right is left out, with a note.
pub const MAX_COLUMNS: usize = 200;
/// The longest text of a cell, in bytes; a longer one is cut and marked.
pub const MAX_CELL_BYTES: usize = 32 * 1024;
/// The most sheets of a workbook that are read.
pub const MAX_SHEETS: usize = 32;
/// The most cells with content in a file.
pub const MAX_CELLS: usize = 5_000_000;
/// The most text that all cells together may hold, in bytes.
pub const MAX_TEXT_BYTES: usize = 256 * 1024 * 1024;
/// The most that the compressed parts of a workbook may unpack to, in bytes.
pub const MAX_UNPACKED_BYTES: u64 = 400 * 1024 * 1024;

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Workbook {
    /// What the file really is.
    pub format: Format,
    /// Its sheets that have content, in their order.
    pub sheets: Vec<Sheet>,
    /// What the reader should know about the whole file.
    pub notes: Vec<Note>,
}

/// What a roster file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Office Open XML, with or without macros.
    Xlsx,
    /// The binary format of Excel 97 to 2003, and of Excel 5.
    Xls,
    /// Text with separators.
    Csv,
}

/// One sheet with its header found.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// Its name; empty for a text table.
    pub name: String,
    /// Whether it is hidden in the workbook.
    pub hidden: bool,
    /// First and last row of the header, counted from 1 as spreadsheet programs do.
    pub header: (u32, u32),
    /// All columns up to the last one with content, with their headers.
    pub columns: Vec<Column>,
    /// The rows below the header that have content.
    pub rows: Vec<Row>,
    /// What the reader should know about this sheet.
    pub notes: Vec<Note>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Position, from 0.
    pub index: usize,
    /// Name as spreadsheet programs show it: A, B, … AA.
    pub letters: String,
    /// Header without line breaks; parts of a header of several rows are joined by `/`.
    pub header: String,
}

/// A row with content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number in the file, from 1.
    pub number: u32,
    /// Its cells from column A on; the empty ones at the end are left out.
    pub cells: Vec<Cell>,
}

impl Row {
    /// The cell in a column; `None` where it is empty.
    #[must_use]
    pub fn cell(&self, column: usize) -> Option<&Cell> {
        self.cells.get(column).filter(|cell| !cell.text.is_empty())
    }
}

/// A cell as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// The value: text as it is, whole numbers without a point, dates as 2022-05-01.
    pub text: String,
    /// Why the value may not be what was meant.
    pub doubt: Option<Doubt>,
}

/// Why a cell's value may not be what was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// A number with more digits than a spreadsheet keeps: the last ones are lost.
    LostPrecision,
    /// An error value such as #REF!.
    ErrorValue,
    /// Longer than [`MAX_CELL_BYTES`]; the rest was cut.
    Cut,
}

/// What the reader of a preview should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// The workbook has macros; they were not run.
    MacrosNotRun,
    /// The workbook has formulas; the values last calculated were taken.
    FormulasAsValues,
    /// The text was read in this encoding.
    Encoding(String),
    /// The name promises a workbook, the content is a text table.
    TextNamedAsWorkbook,
    /// Columns to the right of the last one that is read.
    ColumnsLeftOut,
    /// Sheets beyond the last one that is read.
    SheetsLeftOut,
}

/// Opens a roster: XLSX, XLSM, XLS or CSV. The content decides what the file is, not its name.
///
/// # Errors
/// A [`RosterError`] that says what the file is instead, or which limit it exceeds.
pub fn open(bytes: &[u8], file_name: &str) -> Result<Workbook, RosterError> {
    if bytes.is_empty() {
        return Err(RosterError::Empty);
    }
    let size = bytes.len() as u64;
    if size > MAX_FILE_BYTES {
        return Err(RosterError::TooLarge {
            what: "file bytes",
            limit: MAX_FILE_BYTES,
        });
    }
    let workbook = match bytes {
        [0x50, 0x4b, 0x03 | 0x05, ..] => workbook::read_xlsx(bytes)?,
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => workbook::read_xls(bytes)?,
        _ => delimited::read(bytes, file_name)?,
    };
    if workbook.sheets.is_empty() {
        return Err(RosterError::Empty);
    }
    Ok(workbook)
}
