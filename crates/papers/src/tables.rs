//! Tables out: XLSX workbooks and CSV files.
//!
//! Invariant: a text is written as text, whatever it begins with: no cell of ours can become a
//! formula, and a code keeps its zeros. Dates are real dates. The workbook's own date is passed in.
//! Deliberately not here: which columns a table has, and any wording but what the caller gives.

mod names;

use std::io::Write;

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use crate::PapersError;

/// The most rows that a sheet of a workbook can have, titles and header included.
pub const MAX_SHEET_ROWS: usize = 1_048_576;
/// The most columns that a sheet of a workbook can have.
pub const MAX_SHEET_COLUMNS: usize = 16_384;
/// The most characters (UTF-16 units) that a cell of a workbook can have.
pub const MAX_CELL_UNITS: usize = 32_767;

const CUT_MARK: &str = "…";
const A4: u8 = 9;

/// One sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// Name on the tab; characters that a workbook does not allow are replaced.
    pub name: String,
    /// Title above the header; none when empty.
    pub title: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each as long as there are columns; missing values are empty.
    pub rows: Vec<Vec<Value>>,
    /// Lines between title and header, such as the date of the figures.
    pub notes: Vec<String>,
    /// A notice that this is sample data, shown in red and printed on every page.
    pub sample_notice: Option<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its header.
    pub header: String,
    /// Its width in characters of the usual digits.
    pub width: f64,
    /// How its values are shown.
    pub kind: Kind,
}

/// How the values of a column are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, also when it looks like a number.
    Text,
    /// A number, aligned to the right.
    Number,
    /// 2022-05-01.
    Date,
    /// 2022-05-01 09:30.
    DateTime,
    /// A fraction shown as a percentage with one decimal.
    Percent,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Empty,
    /// A text.
    Text(String),
    /// A number; in a column of percentages 0.5 is 50 %.
    Number(f64),
    /// A date.
    Date(NaiveDate),
    /// A date and time of day, as it is to be shown.
    DateTime(NaiveDateTime),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Writes a workbook. `produced_at` becomes the date of the file's properties.
///
/// It is put together in memory: rows in a temporary file of the system would lie there in clear.
///
/// # Errors
/// [`PapersError::TooLarge`] when a sheet has more rows or columns than a workbook can hold,
/// [`PapersError::Workbook`] when it cannot be put together.
pub fn write_xlsx(sheets: &[Sheet], produced_at: NaiveDateTime) -> Result<Vec<u8>, PapersError> {
    for sheet in sheets {
        let heading = 2 + sheet.notes.len();
        check(
            "rows",
            sheet.rows.len().saturating_add(heading + 1),
            MAX_SHEET_ROWS,
        )?;
        check("columns", sheet.columns.len(), MAX_SHEET_COLUMNS)?;
    }
    let mut workbook = Workbook::new();
    let mut properties = DocProperties::new().set_author("Shicha 实查");
    if let Some(at) = date_time(produced_at) {
        properties = properties.set_creation_datetime(&at);
    }
    workbook.set_properties(&properties);
    let names = names::sheet_names(sheets.iter().map(|sheet| sheet.name.as_str()));
    for (sheet, name) in sheets.iter().zip(&names) {
        let worksheet = workbook.add_worksheet();
        worksheet.set_name(name)?;
        write_sheet(worksheet, sheet)?;
    }
    Ok(workbook.save_to_buffer()?)
}

fn check(what: &'static str, found: usize, limit: usize) -> Result<(), PapersError> {
    if found <= limit {
        return Ok(());
    }
    Err(PapersError::TooLarge {
        what,
        found: found as u64,
        limit: limit as u64,
    })
}

struct Formats {
    title: Format,
    notice: Format,
    note: Format,
    header: Format,
    text: Format,
    whole: Format,
    fraction: Format,
    date: Format,
    date_time: Format,
    percent: Format,
}

impl Formats {
    fn new() -> Self {
        let cell = || {
            Format::new()
                .set_border(FormatBorder::Thin)
                .set_align(FormatAlign::VerticalCenter)
        };
        Self {
            title: Format::new().set_bold().set_font_size(16),
            notice: Format::new().set_bold().set_font_color(0x00B0_2020),
            note: Format::new().set_font_color(0x0050_5050),
            header: cell()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::Center)
                .set_background_color(0x00E8_EEF6),
            // "@" is the workbook's own "text": editing the cell does not turn it into a number.
            text: cell().set_text_wrap().set_num_format("@"),
            whole: cell().set_num_format("#,##0"),
            fraction: cell().set_num_format("#,##0.00"),
            date: cell()
                .set_num_format("yyyy-mm-dd")
                .set_align(FormatAlign::Center),
            date_time: cell()
                .set_num_format("yyyy-mm-dd hh:mm")
                .set_align(FormatAlign::Center),
            percent: cell().set_num_format("0.0%"),
        }
    }
}

fn write_sheet(worksheet: &mut Worksheet, sheet: &Sheet) -> Result<(), XlsxError> {
    let formats = Formats::new();
    for (column, wanted) in (0u16..).zip(&sheet.columns) {
        worksheet.set_column_width(column, wanted.width.clamp(2.0, 120.0))?;
    }
    let mut row = 0;
    let mut line = |worksheet: &mut Worksheet, text: &str, format: &Format| {
        worksheet.write_string_with_format(row, 0, cell_text(text), format)?;
        row += 1;
        Ok::<_, XlsxError>(row)
    };
    if let Some(notice) = &sheet.sample_notice {
        line(worksheet, notice, &formats.notice)?;
        // "&" begins a code in headers of pages.
        worksheet.set_header(format!(
            "&C&\"-,Bold\"&KB02020{}",
            notice.replace('&', "&&")
        ));
    }
    if !sheet.title.is_empty() {
        line(worksheet, &sheet.title, &formats.title)?;
    }
    for note in &sheet.notes {
        line(worksheet, note, &formats.note)?;
    }
    let header_row = row;
    for (column, wanted) in (0u16..).zip(&sheet.columns) {
        let header = cell_text(&wanted.header);
        worksheet.write_string_with_format(header_row, column, header, &formats.header)?;
    }
    for (row, values) in (header_row + 1..).zip(&sheet.rows) {
        for (column, wanted) in (0u16..).zip(&sheet.columns) {
            let value = values.get(usize::from(column)).unwrap_or(&Value::Empty);
            write_value(worksheet, row, column, value, wanted.kind, &formats)?;
        }
    }
    let last_row = header_row + u32::try_from(sheet.rows.len()).unwrap_or(u32::MAX);
    if let Some(last_column) = u16::try_from(sheet.columns.len())
        .unwrap_or(u16::MAX)
        .checked_sub(1)
    {
        worksheet.autofilter(header_row, 0, last_row, last_column)?;
    }
    worksheet.set_freeze_panes(header_row + 1, 0)?;
    worksheet.set_repeat_rows(header_row, header_row)?;
    worksheet.set_paper_size(A4);
    worksheet.set_landscape();
    worksheet.set_print_fit_to_pages(1, 0);
    worksheet.set_footer("&C&P / &N");
    Ok(())
}

fn write_value(
    worksheet: &mut Worksheet,
    row: u32,
    column: u16,
    value: &Value,
    kind: Kind,
    formats: &Formats,
) -> Result<(), XlsxError> {
    let of_kind = match kind {
        Kind::Text => &formats.text,
        Kind::Number => &formats.whole,
        Kind::Date => &formats.date,
        Kind::DateTime => &formats.date_time,
        Kind::Percent => &formats.percent,
    };
    let day = |date: NaiveDate| excel_date(date);
    match value {
        Value::Empty => worksheet.write_blank(row, column, of_kind)?,
        Value::Number(number) if number.is_finite() => {
            let format = match kind {
                Kind::Percent => &formats.percent,
                _ if number.fract() == 0.0 => &formats.whole,
                _ => &formats.fraction,
            };
            worksheet.write_number_with_format(row, column, *number, format)?
        }
        Value::Date(date) if day(*date).is_some() => {
            let date = day(*date).unwrap_or_default();
            worksheet.write_datetime_with_format(row, column, &date, &formats.date)?
        }
        Value::DateTime(at) if date_time(*at).is_some() => {
            let at = date_time(*at).unwrap_or_default();
            worksheet.write_datetime_with_format(row, column, &at, &formats.date_time)?
        }
        // A date that no workbook can hold, or no number at all, is better read than lost.
        other => {
            let text = cell_text(&plain(other));
            worksheet.write_string_with_format(row, column, text, &formats.text)?
        }
    };
    Ok(())
}

fn excel_date(date: NaiveDate) -> Option<ExcelDateTime> {
    let year = u16::try_from(date.year()).ok()?;
    let (month, day) = (
        u8::try_from(date.month()).ok()?,
        u8::try_from(date.day()).ok()?,
    );
    ExcelDateTime::from_ymd(year, month, day).ok()
}

fn date_time(at: NaiveDateTime) -> Option<ExcelDateTime> {
    let hour = u16::try_from(at.hour()).ok()?;
    let minute = u8::try_from(at.minute()).ok()?;
    excel_date(at.date())?
        .and_hms(hour, minute, f64::from(at.second()))
        .ok()
}

/// A text that a cell can hold: without control characters, cut with a mark when too long.
fn cell_text(text: &str) -> String {
    let kept = |character: char| !character.is_control() || matches!(character, '\n' | '\t');
    let text: String = text
        .replace("\r\n", "\n")
        .chars()
        .filter(|character| kept(*character))
        .collect();
    if text.encode_utf16().count() <= MAX_CELL_UNITS {
        return text;
    }
    let mut units = CUT_MARK.encode_utf16().count();
    let fits = |character: &char| {
        units += character.len_utf16();
        units <= MAX_CELL_UNITS
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push_str(CUT_MARK);
    cut
}

fn plain(value: &Value) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Date(date) => date.format("%Y-%m-%d").to_string(),
        Value::DateTime(at) => at.format("%Y-%m-%d %H:%M:%S").to_string(),
    }
}

/// Writes one sheet as CSV: UTF-8 with a byte order mark, commas, CRLF; the header is the first
/// line, without title and notes.
///
/// A text that a spreadsheet program would take for a formula gets an apostrophe before it, which
/// [`crate::roster::open`] takes off again.
///
/// # Errors
/// [`PapersError::Csv`] when writing fails.
pub fn write_csv(sheet: &Sheet) -> Result<Vec<u8>, PapersError> {
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(&mut bytes as &mut dyn Write);
    writer.write_record(sheet.columns.iter().map(|column| guarded(&column.header)))?;
    for values in &sheet.rows {
        let fields = (0..sheet.columns.len()).map(|column| match values.get(column) {
            Some(Value::Text(text)) => guarded(text),
            Some(value) => plain(value),
            None => String::new(),
        });
        writer.write_record(fields)?;
    }
    writer.flush().map_err(csv::Error::from)?;
    drop(writer);
    Ok(bytes)
}

fn guarded(text: &str) -> String {
    // Programs skip blanks, tabs and line breaks before the sign that makes a formula.
    let start = text
        .trim_start_matches(|character: char| character.is_whitespace() || character.is_control());
    if start.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        return format!("'{text}");
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_text_beyond_the_limit_of_a_cell_is_cut_with_a_mark() {
        let cut = cell_text(&"😀字".repeat(20_000));
        assert!(cut.encode_utf16().count() <= MAX_CELL_UNITS && cut.ends_with(CUT_MARK));
        assert_eq!(cell_text("一\r\n二\0\u{1b}三"), "一\n二三");
    }

    #[test]
    fn a_csv_text_that_looks_like_a_formula_is_defused_and_numbers_are_not() {
        assert_eq!(
            guarded("=HYPERLINK(\"http://x\")"),
            "'=HYPERLINK(\"http://x\")"
        );
        assert_eq!(guarded("\t@SUM(A1)"), "'\t@SUM(A1)");
        assert_eq!(guarded("连云港"), "连云港");
        assert_eq!(plain(&Value::Number(-5.0)), "-5");
    }

    #[test]
    fn more_rows_than_a_workbook_holds_are_refused() {
        assert_eq!(
            check("rows", MAX_SHEET_ROWS + 1, MAX_SHEET_ROWS)
                .unwrap_err()
                .code(),
            "papers.too_large"
        );
    }
}
