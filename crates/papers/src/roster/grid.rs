//! Collects cells into rows and finds the header among them.
//!
//! Invariant: cells, columns and text stay within the limits of the whole file. A merged cell has
//! its value in every row that it covers, because that is what its author sees.
//! Deliberately not here: where the cells come from, and what the columns mean.

use std::collections::BTreeMap;

use super::mapping::recognise;
use super::{
    Cell, Column, MAX_CELLS, MAX_COLUMNS, MAX_ROWS, MAX_TEXT_BYTES, Note, RosterError, Row, Sheet,
};

/// A header stands within the first rows that have content.
const HEADER_SEARCH_ROWS: usize = 30;
/// The most cells that are visited to fill merged areas; areas may overlap without end.
const MAX_MERGED_VISITS: usize = 20_000_000;
/// A header has at most this many rows.
const MAX_HEADER_ROWS: u32 = 4;

/// What the sheets read so far have used up.
#[derive(Default)]
pub(super) struct Budget {
    cells: usize,
    text_bytes: usize,
}

impl Budget {
    fn spend(&mut self, cell: &Cell) -> Result<(), RosterError> {
        self.cells += 1;
        self.text_bytes += cell.text.len();
        if self.cells > MAX_CELLS {
            return Err(too_large("cells", MAX_CELLS));
        }
        if self.text_bytes > MAX_TEXT_BYTES {
            return Err(too_large("text bytes", MAX_TEXT_BYTES));
        }
        Ok(())
    }
}

fn too_large(what: &'static str, limit: usize) -> RosterError {
    RosterError::TooLarge {
        what,
        limit: limit as u64,
    }
}

/// Cells that are shown as one: first and last row, first and last column, from 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Merged {
    pub(super) rows: (u32, u32),
    pub(super) columns: (usize, usize),
}

/// Cells by row, while a sheet is read.
#[derive(Default)]
pub(super) struct Grid {
    rows: BTreeMap<u32, Vec<Cell>>,
    columns_left_out: bool,
}

impl Grid {
    /// Adds a cell; an empty one takes no room.
    pub(super) fn put(
        &mut self,
        row: u32,
        column: usize,
        cell: Cell,
        budget: &mut Budget,
    ) -> Result<(), RosterError> {
        if cell.text.is_empty() {
            return Ok(());
        }
        if column >= MAX_COLUMNS {
            self.columns_left_out = true;
            return Ok(());
        }
        budget.spend(&cell)?;
        let cells = self.rows.entry(row).or_default();
        if cells.len() <= column {
            cells.resize(column + 1, Cell::default());
        }
        if let Some(place) = cells.get_mut(column) {
            *place = cell;
        }
        if self.rows.len() > MAX_ROWS {
            return Err(too_large("rows", MAX_ROWS));
        }
        Ok(())
    }

    /// Makes a sheet of what was put; `None` when nothing was.
    pub(super) fn into_sheet(
        mut self,
        name: String,
        hidden: bool,
        merged: &[Merged],
        budget: &mut Budget,
    ) -> Result<Option<Sheet>, RosterError> {
        self.fill_merged(merged, budget)?;
        let Some((first, last)) = self.find_header(merged) else {
            return Ok(None);
        };
        let width = self.rows.values().map(Vec::len).max().unwrap_or_default();
        let columns = (0..width)
            .map(|index| Column {
                index,
                letters: letters(index),
                header: self.header_of(index, first, last),
            })
            .collect();
        let below = self.rows.split_off(&(last + 1));
        let rows = below.into_iter().map(|(row, cells)| Row {
            number: row + 1,
            cells,
        });
        Ok(Some(Sheet {
            name,
            hidden,
            header: (first + 1, last + 1),
            columns,
            rows: rows.collect(),
            notes: if self.columns_left_out {
                vec![Note::ColumnsLeftOut]
            } else {
                Vec::new()
            },
        }))
    }

    fn fill_merged(&mut self, merged: &[Merged], budget: &mut Budget) -> Result<(), RosterError> {
        let mut visits = 0;
        for area in merged {
            let (top, bottom) = area.rows;
            let (left, right) = (area.columns.0, area.columns.1.min(MAX_COLUMNS - 1));
            let value = self
                .rows
                .get(&top)
                .and_then(|cells| cells.get(left))
                .cloned();
            let Some(value) = value.filter(|cell| !cell.text.is_empty()) else {
                continue;
            };
            // Only rows that have content of their own; a merged area makes no new ones.
            for cells in self
                .rows
                .range_mut(top..=bottom.max(top))
                .map(|(_, cells)| cells)
            {
                visits += right.max(left) - left + 1;
                if visits > MAX_MERGED_VISITS {
                    return Err(too_large("merged cells", MAX_MERGED_VISITS));
                }
                for column in left..=right.max(left) {
                    if cells.len() <= column {
                        cells.resize(column + 1, Cell::default());
                    }
                    if let Some(place) = cells.get_mut(column)
                        && place.text.is_empty()
                    {
                        budget.spend(&value)?;
                        *place = value.clone();
                    }
                }
            }
        }
        Ok(())
    }

    /// The rows of the header: the one whose texts are best known, with those merged to it.
    fn find_header(&self, merged: &[Merged]) -> Option<(u32, u32)> {
        let candidates = || self.rows.iter().take(HEADER_SEARCH_ROWS);
        let known = |cells: &[Cell]| {
            let mut fields: Vec<_> = cells
                .iter()
                .filter_map(|cell| recognise(&cell.text))
                .collect();
            fields.sort_unstable();
            fields.dedup_by_key(|(field, _)| *field);
            fields.len()
        };
        let best = candidates()
            .map(|(row, cells)| (known(cells), *row))
            .filter(|(known, _)| *known > 0)
            .max_by_key(|(known, row)| (*known, std::cmp::Reverse(*row)));
        let row = match best {
            Some((_, row)) => row,
            // No known text: the first row with two different ones, for a title has only one.
            None => candidates()
                .find(|(_, cells)| different_texts(cells) >= 2)
                .or_else(|| candidates().next())
                .map(|(row, _)| *row)?,
        };
        Some(self.with_merged(row, merged))
    }

    /// Widens a header row by the areas that tie it to its neighbours.
    fn with_merged(&self, row: u32, merged: &[Merged]) -> (u32, u32) {
        let (mut first, mut last) = (row, row);
        let ties = |first: u32, last: u32| {
            merged.iter().filter(move |area| {
                let (top, bottom) = area.rows;
                top <= last && bottom >= first && bottom > top && bottom - top < MAX_HEADER_ROWS
            })
        };
        loop {
            let top = ties(first, last)
                .map(|area| area.rows.0)
                .min()
                .unwrap_or(first);
            let bottom = ties(first, last)
                .map(|area| area.rows.1)
                .max()
                .unwrap_or(last);
            let wider = (first.min(top), last.max(bottom));
            if wider == (first, last) || wider.1 - wider.0 >= MAX_HEADER_ROWS {
                return (first, last);
            }
            (first, last) = wider;
        }
    }

    fn header_of(&self, column: usize, first: u32, last: u32) -> String {
        let mut parts: Vec<String> = Vec::new();
        for cells in self.rows.range(first..=last).map(|(_, cells)| cells) {
            let text = cells
                .get(column)
                .map(|cell| cell.text.as_str())
                .unwrap_or_default();
            let text: String = text.split_whitespace().collect();
            if !text.is_empty() && parts.last() != Some(&text) {
                parts.push(text);
            }
        }
        parts.join("/")
    }
}

fn different_texts(cells: &[Cell]) -> usize {
    let mut texts: Vec<&str> = cells.iter().map(|cell| cell.text.as_str()).collect();
    texts.retain(|text| !text.is_empty());
    texts.sort_unstable();
    texts.dedup();
    texts.len()
}

/// A, B, … Z, AA, AB, …
fn letters(mut index: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'A' + u8::try_from(index % 26).unwrap_or_default());
        if index < 26 {
            break;
        }
        index = index / 26 - 1;
    }
    letters
        .iter()
        .rev()
        .map(|letter| char::from(*letter))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::cells::from_text;
    use super::*;

    fn sheet(rows: &[&[&str]], merged: &[Merged]) -> Sheet {
        let (mut grid, mut budget) = (Grid::default(), Budget::default());
        for (row, texts) in (0..).zip(rows) {
            for (column, text) in texts.iter().enumerate() {
                grid.put(row, column, from_text(text), &mut budget).unwrap();
            }
        }
        grid.into_sheet("表".to_owned(), false, merged, &mut budget)
            .unwrap()
            .unwrap()
    }

    fn headers(sheet: &Sheet) -> Vec<&str> {
        sheet
            .columns
            .iter()
            .map(|column| column.header.as_str())
            .collect()
    }

    #[test]
    fn a_title_above_the_header_is_not_taken_for_it() {
        let title = Merged {
            rows: (0, 0),
            columns: (0, 2),
        };
        let rows: &[&[&str]] = &[
            &["安全培训机构名单"],
            &["序号", "单位\n名称", "地址"],
            &["1", "甲公司", "海州区"],
        ];
        let sheet = sheet(rows, &[title]);
        assert_eq!(headers(&sheet), ["序号", "单位名称", "地址"]);
        assert_eq!(
            (sheet.header, sheet.rows.len(), sheet.rows[0].number),
            ((2, 2), 1, 3)
        );
    }

    #[test]
    fn a_header_of_two_rows_is_joined_column_by_column() {
        let merged = [
            Merged {
                rows: (0, 1),
                columns: (0, 0),
            },
            Merged {
                rows: (0, 0),
                columns: (1, 2),
            },
        ];
        let rows: &[&[&str]] = &[
            &["单位名称", "联系人"],
            &["", "姓名", "电话"],
            &["甲公司", "王", "123"],
        ];
        let sheet = sheet(rows, &merged);
        assert_eq!(headers(&sheet), ["单位名称", "联系人/姓名", "联系人/电话"]);
        assert_eq!(sheet.rows.len(), 1);
    }

    #[test]
    fn a_value_merged_over_several_rows_belongs_to_each_of_them() {
        let merged = [Merged {
            rows: (1, 2),
            columns: (0, 0),
        }];
        let rows: &[&[&str]] = &[
            &["区县", "单位名称"],
            &["海州区", "甲"],
            &["", "乙"],
            &["", "丙"],
        ];
        let sheet = sheet(rows, &merged);
        let first = |row: usize| sheet.rows[row].cell(0).map(|cell| cell.text.as_str());
        assert_eq!(
            (first(0), first(1), first(2)),
            (Some("海州区"), Some("海州区"), None)
        );
    }

    #[test]
    fn a_header_without_known_words_is_the_first_row_with_several_texts() {
        let sheet = sheet(&[&["title"], &["foo", "bar"], &["1", "2"]], &[]);
        assert_eq!(headers(&sheet), ["foo", "bar"]);
    }

    #[test]
    fn merged_areas_of_absurd_size_do_no_harm() {
        let merged = [Merged {
            rows: (0, u32::MAX),
            columns: (0, usize::MAX),
        }; 50];
        let sheet = sheet(&[&["单位名称"], &["甲"]], &merged);
        assert_eq!(sheet.columns.len(), MAX_COLUMNS);
    }

    #[test]
    fn columns_are_named_as_spreadsheets_name_them() {
        assert_eq!(
            [0, 25, 26, 51, 52, 701, 702].map(letters),
            ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]
        );
    }
}
