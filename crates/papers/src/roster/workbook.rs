//! Reads XLSX and XLS workbooks, after their containers were checked.
//!
//! Invariant: a fault of the reading library, even a panic, ends in an error and not in the loss of
//! the application; only cell values are asked for, never formulas, macros or links.
//! Deliberately not here: finding the header (`grid`) and the checks (`package`, `biff`).

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{
    Data, DataRef, Dimensions, Reader, SheetType, SheetVisible, Xls, XlsError, Xlsx, XlsxError,
};

use super::grid::{Budget, Grid, Merged};
use super::{Format, MAX_SHEETS, Note, RosterError, Sheet, Workbook, biff, cells, package};

/// The most merged areas of a sheet that are looked at.
const MAX_MERGED: usize = 50_000;

pub(super) fn read_xlsx(bytes: &[u8]) -> Result<Workbook, RosterError> {
    let facts = package::inspect(bytes)?;
    let (sheets, mut notes) = contained(|| {
        let mut file = Xlsx::new(Cursor::new(bytes)).map_err(xlsx_error)?;
        let (listed, notes) = worksheets(file.sheets_metadata());
        let mut budget = Budget::default();
        let mut sheets = Vec::new();
        for (name, hidden) in listed {
            sheets.extend(xlsx_sheet(
                &mut file,
                name,
                hidden,
                facts.merged_cells,
                &mut budget,
            )?);
        }
        Ok((sheets, notes))
    })?;
    notes.extend(facts.macros.then_some(Note::MacrosNotRun));
    notes.extend(facts.formulas.then_some(Note::FormulasAsValues));
    Ok(Workbook {
        format: Format::Xlsx,
        sheets,
        notes,
    })
}

fn xlsx_sheet(
    file: &mut Xlsx<Cursor<&[u8]>>,
    name: String,
    hidden: bool,
    has_merged_cells: bool,
    budget: &mut Budget,
) -> Result<Option<Sheet>, RosterError> {
    let mut grid = Grid::default();
    let mut reader = file.worksheet_cells_reader(&name).map_err(xlsx_error)?;
    while let Some(cell) = reader.next_cell().map_err(xlsx_error)? {
        let (row, column) = cell.get_position();
        grid.put(
            row,
            column as usize,
            cells::from_data(cell.get_value()),
            budget,
        )?;
    }
    drop(reader);
    let merged = if has_merged_cells {
        // Asking means reading the sheet again, so it is done only where there is something.
        areas(file.merge_cells_by_sheet_name(&name).map_err(xlsx_error)?)
    } else {
        Vec::new()
    };
    grid.into_sheet(name, hidden, &merged, budget)
}

pub(super) fn read_xls(bytes: &[u8]) -> Result<Workbook, RosterError> {
    let checked = biff::check(bytes)?;
    let (sheets, mut notes) = contained(|| {
        let mut file = Xls::new(Cursor::new(checked.container.as_slice())).map_err(xls_error)?;
        let (listed, notes) = worksheets(file.sheets_metadata());
        let mut budget = Budget::default();
        let mut sheets = Vec::new();
        for (name, hidden) in listed {
            let range = file.worksheet_range(&name).map_err(xls_error)?;
            let (top, left) = range.start().unwrap_or_default();
            let mut grid = Grid::default();
            for (row, column, data) in range.used_cells() {
                let row = top + u32::try_from(row).unwrap_or(u32::MAX - top);
                let cell = cells::from_data(&borrowed(data));
                grid.put(row, left as usize + column, cell, &mut budget)?;
            }
            let merged = areas(file.merge_cells_by_sheet_name(&name).map_err(xls_error)?);
            sheets.extend(grid.into_sheet(name, hidden, &merged, &mut budget)?);
        }
        Ok((sheets, notes))
    })?;
    notes.extend(checked.macros.then_some(Note::MacrosNotRun));
    notes.extend(checked.formulas.then_some(Note::FormulasAsValues));
    Ok(Workbook {
        format: Format::Xls,
        sheets,
        notes,
    })
}

/// Runs the reading library so that a panic of it becomes an error.
fn contained<T>(read: impl FnOnce() -> Result<T, RosterError>) -> Result<T, RosterError> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(RosterError::damaged("the workbook contradicts itself")))
}

fn worksheets(all: &[calamine::Sheet]) -> (Vec<(String, bool)>, Vec<Note>) {
    let sheets = all.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let mut listed: Vec<(String, bool)> = sheets
        .map(|sheet| (sheet.name.clone(), sheet.visible != SheetVisible::Visible))
        .collect();
    let notes = if listed.len() > MAX_SHEETS {
        listed.truncate(MAX_SHEETS);
        vec![Note::SheetsLeftOut]
    } else {
        Vec::new()
    };
    (listed, notes)
}

fn areas(dimensions: Vec<Dimensions>) -> Vec<Merged> {
    let areas = dimensions.into_iter().take(MAX_MERGED).map(|area| Merged {
        rows: (area.start.0, area.end.0),
        columns: (area.start.1 as usize, area.end.1 as usize),
    });
    areas.collect()
}

fn borrowed(data: &Data) -> DataRef<'_> {
    match data {
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(at) => DataRef::DateTime(*at),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

fn xlsx_error(error: XlsxError) -> RosterError {
    match error {
        XlsxError::Password => RosterError::Encrypted,
        error => RosterError::damaged_by("workbook", error),
    }
}

fn xls_error(error: XlsError) -> RosterError {
    match error {
        XlsError::Password => RosterError::Encrypted,
        error => RosterError::damaged_by("workbook", error),
    }
}
